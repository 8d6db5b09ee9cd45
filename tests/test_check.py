"""The self-test finds a machine, or a package, that answers otherwise."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from siffra.network import MODELS


def check(package: Path, status: int, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `siffra check` of a package in a folder of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "siffra", "check", *options],
        env={"PYTHONPATH": str(package.parent), "PATH": ""},
        cwd=package.parent, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def package(tmp_path: Path) -> Path:
    copy = tmp_path / "siffra"
    shutil.copytree(MODELS.parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def change_golden(package: Path, **changes: Any) -> None:
    path = package / "models" / "golden.npz"
    with np.load(path) as arrays:
        golden = dict(arrays)
    np.savez(path, **{**golden, **changes})


def test_an_intact_package_passes(package: Path) -> None:
    output = check(package, 0).stdout
    assert output.count("ok") == 2
    assert output.count("picture read rightly") == 2
    documents = json.loads(check(package, 0, "--json").stdout)
    assert [document["model"] for document in documents] == ["ann", "ann-int8"]
    assert all(document["passed"] and document["cells"] > 50 for document in documents)


def test_other_probabilities_fail(package: Path) -> None:
    with np.load(package / "models" / "golden.npz") as arrays:
        expected = arrays["ann"]
    change_golden(package, ann=np.abs(expected - 0.001))
    done = check(package, 1)
    assert "FAILED" in done.stdout
    assert "1.0e-03 (allowed 1e-04)" in done.stdout


def test_a_misread_picture_fails(package: Path) -> None:
    change_golden(package, picture_text=np.array("42"))
    assert "picture misread" in check(package, 1).stdout


def test_another_model_fails(package: Path) -> None:
    shutil.copy(package / "models" / "ann-int8.onnx", package / "models" / "ann.onnx")
    assert "holds the model 'ann-int8'" in check(package, 1).stderr


@pytest.mark.parametrize("damage", ["missing", "broken", "incomplete"])
def test_damaged_golden_vectors_are_named(package: Path, damage: str) -> None:
    path = package / "models" / "golden.npz"
    if damage == "missing":
        path.unlink()
    elif damage == "broken":
        path.write_bytes(path.read_bytes()[:500])
    else:
        np.savez(path, cells=np.zeros((1, 28, 28), np.uint8))
    assert "golden" in check(package, 1).stderr


def test_a_package_without_models_fails(package: Path) -> None:
    for path in (package / "models").glob("*.onnx"):
        path.unlink()
    assert "no models" in check(package, 1).stderr
