"""Whole pages are measured with every model, stage by stage, and must be read rightly."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.speed import PAGES

ROOT = Path(__file__).parents[1]


def run(*arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.speed", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    return done


def test_pages_are_measured_stage_by_stage(tmp_path: Path) -> None:
    shown = run("--model", "cnn-int8", "--turns", 2, "--json", tmp_path / "speed.json").stdout
    results = json.loads((tmp_path / "speed.json").read_text())
    assert [result["page"] for result in results] == list(PAGES)
    for result in results:
        assert result["right"], f"{result['page']} was misread"
        assert result["milliseconds"] <= result["slow_milliseconds"]
        # Medians, each of its own; on a busy machine their sum is not that of the whole.
        stages = sum(result["stages"].values())
        assert result["milliseconds"] / 5 < stages < 1.3 * result["slow_milliseconds"]
        assert result["floor_milliseconds"] > 0
        assert f"{result['milliseconds']:.2f}" in shown


def test_an_unknown_model_is_refused() -> None:
    assert "lenet" in run("--model", "lenet", status=2).stderr
    assert "'0' is not a whole number above 0" in run("--turns", 0, status=2).stderr
