"""What a start costs is measured in fresh processes, beside that of the libraries alone."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(*arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.cold", "--turns", "1", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    return done


def test_a_start_is_measured_from_python_alone_to_a_reading(tmp_path: Path) -> None:
    shown = run("--model", "ann", "--json", tmp_path / "cold.json").stdout
    results = {each["process"]: each for each in json.loads((tmp_path / "cold.json").read_text())}
    assert list(results) == [
        "Python", "import siffra", "the three libraries", "each used once", "one cell", "classify",
        "read",
    ]  # fmt: skip
    for result in results.values():
        assert 0 < result["best_milliseconds"] <= result["milliseconds"]
        assert f"{result['milliseconds']:.1f}" in shown
    if sys.platform == "linux":
        memory = [result["resident_mib"] for result in results.values()]
        assert memory[0] < memory[2] < memory[-1]  # Python, with the libraries, with a reading
        for result in results.values():
            assert result["resident_mib"] <= result["peak_mib"]


def test_what_fails_is_said(tmp_path: Path) -> None:
    missing = tmp_path / "missing.jpg"
    assert f"cold: {missing}: no such file" in run("--picture", missing, status=2).stderr
    assert "lenet" in run("--model", "lenet", status=2).stderr
    assert "--turns: must be 1 at least, not 0" in run("--turns", "0", status=2).stderr
