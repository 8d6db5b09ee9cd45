"""How far runs of one recipe spread: `python -m benchmarks.seeds runs/cnn-0 runs/cnn-1 ...`.

Reads the runs' own metrics; a recipe is measured by the mean over its seeds, not by its best run.
"""

import argparse
import json
import shlex
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.options import add_json, write_json


class SeedsError(ValueError):
    """Runs that cannot be compared; the message says which and why."""


@dataclass(frozen=True)
class Seed:
    """What one run reached."""

    run: str
    seed: int
    accuracy: float
    """Of the test set; 0 to 1."""
    mistakes: int
    """In the test set."""
    calibration_error: float
    """On the test set; 0 to 1."""
    threshold: float
    training_seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table; 2 where the runs are not whole, or not of one recipe."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.seeds", description="Mean and spread of runs of one recipe."
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run directories")
    add_json(parser)
    options = parser.parse_args(arguments)
    try:
        seeds = read(options.runs)
    except SeedsError as error:
        print(f"seeds: {error}", file=sys.stderr)
        return 2
    width = max(len(each.run) for each in seeds)
    print(f"{'run':{width}} accuracy, %  mistakes  ECE, %  threshold  training, s")
    for each in seeds:
        print(
            f"{each.run:{width}} {100 * each.accuracy:>11.2f} {each.mistakes:>9} "
            f"{100 * each.calibration_error:>7.2f} {each.threshold:>10} "
            f"{each.training_seconds:>12.0f}"
        )
    accuracies = [100 * each.accuracy for each in seeds]
    mean = statistics.fmean(accuracies)
    deviation = statistics.stdev(accuracies) if len(seeds) > 1 else None
    print(
        f"mean {mean:.3f} % of {len(seeds)}"
        + (f", standard deviation {deviation:.3f}" if deviation is not None else "")
    )
    if options.json:
        figures = {
            "mean_accuracy": mean / 100,
            "standard_deviation": None if deviation is None else deviation / 100,
            "seeds": [asdict(each) for each in seeds],
        }
        write_json(options.json, figures)
    return 0


def read(runs: Sequence[Path]) -> list[Seed]:
    """Read what runs of one recipe reached, in the order given.

    Raises:
        SeedsError: One is not whole, or differs from the first in more than its seed.
    """
    seeds: list[Seed] = []
    recipes = []
    for run in runs:
        if not (run / "config.json").is_file():
            raise SeedsError(f"there is no run {run}: name the directories of runs")
        if not (run / "metrics.json").is_file():
            again = shlex.join(
                ["python", "-m", "train", "--resume", "--runs", str(run.parent), "--name", run.name]
            )
            raise SeedsError(f"{run} has not come to its end; go on with it: {again}")
        try:
            config, data, metrics = (
                json.loads((run / f"{name}.json").read_text("utf-8"))
                for name in ("config", "data", "metrics")
            )
            matrix = metrics["confusion_matrix"]
            right = sum(row[digit] for digit, row in enumerate(matrix))
            seeds.append(
                Seed(
                    run.name,
                    config.pop("seed"),
                    metrics["test_accuracy"],
                    sum(map(sum, matrix)) - right,
                    metrics["calibration_error"]["test"],
                    metrics["threshold"],
                    metrics["training_seconds"],
                )
            )
            hashes = data["hashes"]
        except (OSError, ValueError, KeyError) as error:
            raise SeedsError(
                f"{run} is damaged or of another version of siffra ({error}): train it again"
            ) from error
        recipes.append((config, hashes))
        if recipes[-1] != recipes[0]:
            raise SeedsError(f"{run} and {runs[0]} differ in more than the seed: compare like runs")
    if len({each.seed for each in seeds}) < len(seeds):
        raise SeedsError("one seed is there twice: a repeated run says nothing of the spread")
    return seeds


if __name__ == "__main__":
    sys.exit(main())
