"""What Ray costs is measured where Ray is; where it is not, that is said."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, ROOT


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed here")
def test_without_ray_it_says_so(tmp_path: Path) -> None:
    for picture in EXAMPLES.glob("single-*"):
        shutil.copy(picture, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bulk", str(tmp_path), "--turns", "1"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT / "runtime")},
    )  # fmt: skip
    assert done.returncode == 2
    assert "bulk: " in done.stderr
    assert "bulk_ray.py" in done.stderr
