"""Latency is measured of every model, in one run, and written down."""

import json
import subprocess
import sys
from pathlib import Path

from siffra.network import released

ROOT = Path(__file__).parents[1]


def run(*arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.latency", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    return done


def test_every_released_model_is_measured(tmp_path: Path) -> None:
    shown = run("--turns", 3, "--json", tmp_path / "latency.json").stdout
    results = json.loads((tmp_path / "latency.json").read_text())
    assert [result["model"] for result in results] == list(released())
    for result in results:
        assert result["batch_microseconds"] > 0.1
        assert result["microseconds"] <= result["slow_microseconds"]
        assert result["bare_microseconds"] > 0
        assert result["microseconds"] < result["classify_microseconds"]
        for way in ("bare", "classify"):
            assert f"{result[f'{way}_microseconds']:.1f}" in shown
        assert f"{result['microseconds']:.1f}" in shown


def test_an_unknown_model_is_refused() -> None:
    assert "lenet" in run("--model", "lenet", status=2).stderr
