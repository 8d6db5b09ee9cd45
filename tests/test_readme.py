"""The README tells the truth."""

import re
import subprocess
import sys
from pathlib import Path

from siffra.network import released

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_its_ten_lines_of_python_run() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in code.splitlines() if line]) <= 10
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[:2] == ["31415", "92653"]
    assert lines[-1] == "3"


def test_its_picture_of_the_house_is_complete() -> None:
    """Every module is named, and no module is named that is not there."""
    for folder in ("runtime/siffra", "train", "export"):
        modules = [path.stem for path in (ROOT / folder).glob("[a-z]*.py")]
        missing = [name for name in modules if not re.search(rf"`{name}(\.py)?`", README)]
        assert missing == [], folder
    for name in re.findall(r"`(\w+)\.py`", README):
        assert (ROOT / "runtime" / "siffra" / f"{name}.py").is_file(), name


def test_its_figures_are_those_of_the_released_models() -> None:
    for name in released():
        family = name.removesuffix("-int8")
        card = (ROOT / "runtime" / "siffra" / "models" / f"{family}.md").read_text("utf-8")
        (accuracy, flips, difference) = re.findall(
            rf"\| `{name}` \| ([\d.]+)% \| [-+.\d]+ \| (\d+) \| (\S+) \|", card
        )[0]
        (row,) = re.findall(rf"^\| `{name}`.* KiB \|$", README, re.MULTILINE)
        assert f"| {accuracy} % |" in row
        assert f"| {flips} | {difference} |" in row
