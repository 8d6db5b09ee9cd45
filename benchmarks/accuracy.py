"""How well models read and how well they know it: `python -m benchmarks.accuracy --data DIR`.

DIR holds MNIST's test set (`t10k-*.gz`, also in a subfolder `mnist`) and folders of pictures with
`images/` and `labels.csv` (also in a subfolder `pictures`), or one of both. Every share comes with
its 95 % interval; a model's errors are those of its best answer unless its threshold is named.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2

from benchmarks import tables
from benchmarks.datasets import DataError
from benchmarks.evaluation import Evaluation, answer, evaluate, load_model
from benchmarks.material import Digits, gather
from benchmarks.measures import plain
from benchmarks.mistakes import draw_mistakes
from benchmarks.options import add_data, add_json, add_models, write_json
from benchmarks.summary import spreads, summarise
from siffra import ModelError, Reader
from siffra.network import released

SECTIONS = ("mnist", "pictures", "corruptions", "nondigits")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print tables and write what was asked for; 2 where the input is at fault."""
    options = _parse(arguments)
    try:
        _measure(options)
    except (DataError, ModelError, OSError) as error:
        print(f"accuracy: {error}", file=sys.stderr)
        return 2
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy",
        description="Measure accuracy, calibration, robustness and rejection of models.",
    )
    add_data(
        parser,
        "MNIST's IDX files (or mnist/ with them), and for each set of pictures a folder with "
        "images/ and labels.csv (or pictures/ with these)",
    )
    add_models(parser)
    parser.add_argument(
        "--only",
        type=_sections,
        default=SECTIONS,
        metavar="SECTIONS",
        help=f"some of {','.join(SECTIONS)}, separated by commas",
    )
    parser.add_argument(
        "--corruption-cells",
        type=_count,
        default=2000,
        metavar="N",
        help="MNIST test cells in each family of corruptions; default: %(default)s",
    )
    parser.add_argument(
        "--drawn",
        type=_count,
        default=200,
        metavar="N",
        help="pictures of each kind of drawn non-digits; default: %(default)s",
    )
    add_json(parser)
    parser.add_argument(
        "--mistakes", type=Path, metavar="DIR", help="write sheets of the misread pictures there"
    )
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("nothing to measure on: give --data DIR or set $SIFFRA_DATA")
    if options.mistakes and "pictures" not in options.only:
        parser.error("--mistakes shows misread pictures: add pictures to --only")
    return options


def _sections(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not set(names) <= set(SECTIONS):
        raise argparse.ArgumentTypeError(
            f"{text!r} names other sections than {', '.join(SECTIONS)}"
        )
    return names


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def _measure(options: argparse.Namespace) -> None:
    cv2.setNumThreads(1)  # as the network has it
    # Before anything slow: a wrong name should not take minutes to be found.
    models = [load_model(given) for given in dict.fromkeys(options.model or released())]
    if options.mistakes:
        options.mistakes.mkdir(parents=True, exist_ok=True)
    material = gather(options.data, options.only, options.corruption_cells, options.drawn)
    evaluations = [evaluate(model, reader, material, options.only) for model, reader in models]
    for table in _tables(evaluations):
        print(table)
    if options.json:
        write_json(options.json, _as_json(evaluations))
    if options.mistakes:
        for model, reader in models:
            _write_mistakes(options.mistakes, model.given, reader, material.digit_sets)


def _tables(evaluations: Sequence[Evaluation]) -> list[str]:
    return [
        *tables.mnist_tables(
            [(each.model.given, each.mnist) for each in evaluations if each.mnist]
        ),
        *tables.picture_tables(
            [(each.model.given, each.pictures) for each in evaluations if each.pictures]
        ),
        *tables.corruption_tables(
            [(each.model.given, each.corruptions) for each in evaluations if each.corruptions]
        ),
        *tables.nondigit_tables(
            [(each.model.given, each.nondigits) for each in evaluations if each.nondigits]
        ),
        *tables.summary_tables([summarise(each) for each in evaluations]),
    ]


def _as_json(evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    results = {each.model.given: asdict(each) for each in evaluations}
    summaries = [summarise(each) for each in evaluations]
    sections: dict[str, Any] = {
        section: {given: result[section] for given, result in results.items() if result[section]}
        for section in SECTIONS
    }
    sections["summary"] = {
        "models": [asdict(each) for each in summaries],
        "seeds": [asdict(spread) for spread in spreads(summaries)],
    }
    models = {given: result["model"] for given, result in results.items()}
    document: dict[str, Any] = plain({"models": models, "sections": sections})
    return document


def _write_mistakes(folder: Path, model: str, reader: Reader, digit_sets: Sequence[Digits]) -> None:
    for digits in digit_sets:
        sheet = draw_mistakes(digits, answer(reader, digits.cells), f"{digits.name}, {model}")
        if sheet is not None:
            name = re.sub(r"[^\w.-]+", "-", f"{digits.name}-{model}").strip("-")
            _, file = cv2.imencode(".png", sheet)
            (folder / f"{name}.png").write_bytes(file.tobytes())


if __name__ == "__main__":
    sys.exit(main())
