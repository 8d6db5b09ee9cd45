"""The spread of a recipe over its seeds, from the metrics of its runs."""

import json
from pathlib import Path

import pytest

from benchmarks.seeds import main


def run(folder: Path, seed: int, wrong: int, **config: object) -> str:
    """A run directory as far as it is read: 100 test cells, some of its ones read as sevens."""
    directory = folder / f"cnn-{seed}"
    directory.mkdir(parents=True)
    matrix = [[10 * (row == column) for column in range(10)] for row in range(10)]
    matrix[1][1], matrix[1][7] = 10 - wrong, wrong
    for name, content in {
        "config": {"recipe": "cnn", "epochs": 3, "seed": seed} | config,
        "data": {"hashes": {"cells": "0"}},
        "metrics": {
            "test_accuracy": 1 - wrong / 100,
            "confusion_matrix": matrix,
            "calibration_error": {"test": 0.0123},
            "threshold": 0.8,
            "training_seconds": 61.4,
        },
    }.items():
        (directory / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return str(directory)


def test_mean_and_spread_over_seeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [run(tmp_path, seed, wrong) for seed, wrong in ((0, 1), (1, 3), (2, 5))]
    file = tmp_path / "seeds.json"
    assert main([*runs, "--json", str(file)]) == 0
    *_, last_run, mean = capsys.readouterr().out.splitlines()
    assert last_run.split() == ["cnn-2", "95.00", "5", "1.23", "0.8", "61"]
    assert mean == "mean 97.000 % of 3, standard deviation 2.000"
    figures = json.loads(file.read_text(encoding="utf-8"))
    assert figures["mean_accuracy"] == pytest.approx(0.97)
    assert [each["mistakes"] for each in figures["seeds"]] == [1, 3, 5]


def test_one_run_has_no_spread(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([run(tmp_path, 0, 1)]) == 0
    assert capsys.readouterr().out.endswith("mean 99.000 % of 1\n")


def test_only_like_runs_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = run(tmp_path, 0, 1)
    assert main([one, run(tmp_path, 1, 1, epochs=4)]) == 2
    assert "differ in more than the seed" in capsys.readouterr().err
    assert main([one, one]) == 2
    assert "twice" in capsys.readouterr().err
    begun = run(tmp_path, 2, 1)
    (Path(begun) / "metrics.json").unlink()
    assert main([one, begun]) == 2
    error = capsys.readouterr().err
    assert f"python -m train --resume --runs {tmp_path} --name cnn-2" in error
    assert main([one, str(tmp_path / "cnn-9")]) == 2
    assert "there is no run" in capsys.readouterr().err
    other_data = run(tmp_path, 3, 1)
    (Path(other_data) / "data.json").write_text('{"hashes": {"cells": "1"}}', encoding="utf-8")
    assert main([one, other_data]) == 2
    assert "differ in more than the seed" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_refused_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = run(tmp_path, 0, 1)
    (tmp_path / "plain.txt").touch()
    with pytest.raises(SystemExit):
        main([one, "--json", str(tmp_path / "plain.txt" / "seeds.json")])
    out, error = capsys.readouterr()
    assert not out
    assert "cannot be written" in error
