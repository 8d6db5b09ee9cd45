"""How well and how fast real pictures are read: `python -m benchmarks.pictures --data DIR`.

DIR holds a folder for each set, with `images/` and `labels.csv` (columns `file`, `label`). Sets of
one digit a picture are classified; sets of several are read, lines separated by `/` in the label. A
digit that is not accepted is read as `?`, and so a mistake; `benchmarks.accuracy` counts its best
answer.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import cv2

from benchmarks.datasets import DataError, digit_labels, picture_sets
from benchmarks.options import add_data, add_json, add_models, write_json
from siffra import ImageError, Reader
from siffra.network import released


@dataclass(frozen=True)
class SetResult:
    """What one model makes of one set of pictures."""

    name: str
    model: str
    pictures: int
    exact: int
    """Pictures whose whole label was read, and nothing beside it."""

    characters: int
    edits: int
    """Characters to insert, delete or replace to get from what was read to the labels."""

    milliseconds: float
    """Median of the time for a picture, file to result."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every set with every released model and print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pictures",
        description="Measure reading on folders of labelled pictures; a digit that is not accepted "
        "is a mistake.",
    )
    add_data(parser, "a folder with images/ and labels.csv for each set (or pictures/ with these)")
    add_models(parser)
    add_json(parser)
    parser.add_argument("--mistakes", action="store_true", help="list what was misread")
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("no pictures to measure: give --data or set $SIFFRA_DATA")
    try:
        sets = [folder for folder in picture_sets(options.data) if digit_labels(folder)]
    except DataError as error:
        parser.error(str(error))
    if not sets:
        parser.error(f"{options.data}: no folder in it has images/ and labels.csv with digits")

    cv2.setNumThreads(1)  # as the network has it
    print(f"{'set':10} {'model':10} {'pictures':>8} {'exact':>7} {'edits':>11} {'ms':>7}")
    results = []
    for folder in sets:
        for model in options.model or released():
            result, mistakes = measure(folder, model)
            results.append(result)
            print(
                f"{result.name:10} {model:10} {result.pictures:>8} "
                f"{result.exact / result.pictures:>7.1%} "
                f"{result.edits:>5}/{result.characters:<5} {result.milliseconds:>7.2f}",
                flush=True,
            )
            if options.mistakes:
                print("\n".join(f"    {line}" for line in mistakes))
    if options.json:
        write_json(options.json, [asdict(result) for result in results])
    return 0


def measure(folder: Path, model: str) -> tuple[SetResult, list[str]]:
    """Read a set with a model; return the result and a line for each picture misread."""
    labels = digit_labels(folder)
    reader = Reader(model)
    several = any(len(label) > 1 for label in labels.values())
    call: Callable[[Path], object] = reader.read if several else reader.classify
    exact = edits = 0
    times = []
    mistakes = []
    for name, label in labels.items():
        started = perf_counter()
        try:
            text = str(call(folder / "images" / name)).replace("\n", "/")
        except ImageError as error:
            text = ""
            print(f"{error}", file=sys.stderr)
        times.append(1e3 * (perf_counter() - started))
        exact += text == label
        edits += _distance(text, label)
        if text != label:
            mistakes.append(f"{name}: {label} read as {text or 'nothing'}")
    characters = sum(map(len, labels.values()))
    return (
        SetResult(folder.name, model, len(labels), exact, characters, edits, median(times)),
        mistakes,
    )


def _distance(a: str, b: str) -> int:
    """Return the Levenshtein distance of two texts."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


if __name__ == "__main__":
    sys.exit(main())
