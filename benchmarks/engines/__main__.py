"""The networks beside other engines: `python -m benchmarks.engines`.

The same weights and the same cells, each engine in fresh processes that take turns in an order
drawn from a seed, on one thread: compare the figures of one run alone. What is not installed is
left out; `pip install -e ".[engines]"` brings all engines. Whole pictures, too, beside Tesseract
and RapidOCR: these need an environment of their own (see `peers`), which `--peer-python` names.
"""

import argparse
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.datasets import DataError
from benchmarks.engines.calls import ENGINES
from benchmarks.engines.cells import cells_to_agree_on
from benchmarks.engines.families import Tell, compare, installed
from benchmarks.engines.goals import goals
from benchmarks.engines.net import EngineError
from benchmarks.engines.pictures import PictureTime, draw_pictures, read_once, time_pictures
from benchmarks.engines.results import BASE, Result
from benchmarks.engines.tables import engine_tables, goal_table, picture_table
from benchmarks.engines.turns import Effort, Task
from benchmarks.options import add_data, add_json, add_models, write_json
from benchmarks.peers import RapidOcr, Tesseract
from siffra import ModelError, Reader, __version__
from siffra.network import released
from siffra.progress import Progress

SCHEMA = 1
"""Version of the layout of what `--json` writes."""

_PEERS = (Tesseract.name, RapidOcr.name)
_FULL = (5, 5, 0.05)  # rounds, turns, seconds
_QUICK = (2, 3, 0.02)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print tables; 2 where something cannot be read, or an engine breaks off."""
    options = _parser().parse_args(arguments)
    effort = Effort(*(_QUICK if options.quick else _FULL), options.seed)
    chosen = options.engine or [*ENGINES, *_PEERS]
    left_out: list[str] = []

    def tell(line: str) -> None:
        left_out.append(line)
        print(line, file=sys.stderr)

    results: list[Result] = []
    pictures: list[PictureTime] = []
    loads = [_load()]
    try:
        models = {model: Reader(model) for model in dict.fromkeys(options.model or released())}
        with TemporaryDirectory() as name:
            folder = Path(name)
            if not ENGINES.keys().isdisjoint(chosen):
                results = _engines(models, {*chosen, BASE}, options.data, effort, folder, tell)
            if peers := [peer for peer in _PEERS if peer in chosen]:
                pictures = _pictures(list(models), peers, options.peer_python, effort, folder, tell)
    except (ModelError, DataError, EngineError) as error:
        print(f"engines: {error}", file=sys.stderr)
        return 2
    loads.append(_load())
    aims = goals(results, pictures)
    for lines in (
        *engine_tables(results, markdown=options.markdown),
        *picture_table(pictures, markdown=options.markdown),
        *goal_table(aims, markdown=options.markdown),
    ):
        print(lines)
    if None not in loads:
        before, after = loads
        print(f"Load of {os.cpu_count()} cores: {before:.1f} before, {after:.1f} at the end.")
    if options.json:
        document = {
            "schema": SCHEMA,
            "machine": _machine(results),
            "load": loads,
            "effort": effort._asdict(),
            "left_out": left_out,
            "engines": [asdict(each) for each in results],
            "pictures": [asdict(each) for each in pictures],
            "goals": [asdict(each) for each in aims],
        }
        write_json(options.json, document)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.engines",
        description="Measure the networks beside other engines, pictures beside other readers.",
    )
    parser.add_argument(
        "--engine",
        action="append",
        choices=[*ENGINES, *_PEERS],
        metavar="NAME",
        help=f"may be repeated; of {', '.join((*ENGINES, *_PEERS))}; default: all that are "
        f"installed; {BASE}, with which the others are compared, is always measured",
    )
    add_models(parser)
    add_data(parser, "MNIST, to agree on its test set too")
    parser.add_argument(
        "--peer-python",
        default=sys.executable,
        metavar="FILE",
        help=f"the interpreter that has {' and '.join(_PEERS)}; default: this one",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the order; default: %(default)s")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="two short rounds: a few minutes, not a quarter of an hour",
    )
    parser.add_argument("--markdown", action="store_true", help="print tables as Markdown")
    add_json(parser)
    return parser


def _engines(
    models: Mapping[str, Reader],
    chosen: set[str],
    data: Path | None,
    effort: Effort,
    folder: Path,
    tell: Tell,
) -> list[Result]:
    there = installed([name for name in ENGINES if name in chosen], tell)
    return compare(models, there, cells_to_agree_on(data), effort, folder, tell)


def _pictures(
    models: Sequence[str],
    peers: Sequence[str],
    python: str,
    effort: Effort,
    folder: Path,
    tell: Tell,
) -> list[PictureTime]:
    files = draw_pictures(folder)
    readers = {}
    for name in (*models, *peers):
        task = Task({"reader": name}, python if name in peers else sys.executable)
        try:
            readers[name] = task, read_once(task, files)
        except EngineError as error:
            if name in models:
                raise
            tell(f"{name} is left out: {error}")
    with Progress(len(readers) * effort.rounds) as progress:
        return time_pictures(files, readers, models, effort, progress.step)


def _load() -> float | None:
    """Return how many processes compute or wait for it, over a minute; None where unknown."""
    return os.getloadavg()[0] if sys.platform != "win32" else None


def _machine(results: Sequence[Result]) -> dict[str, Any]:
    """Tell what the figures are of."""
    versions = {"siffra": __version__}
    for package in {name for each in results for name in ENGINES[each.engine].packages}:
        try:
            versions.setdefault(package, version(package))
        except PackageNotFoundError:  # of two builds of OpenCV there is one
            continue
    return {
        "system": platform.platform(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "versions": dict(sorted(versions.items())),
    }


if __name__ == "__main__":
    sys.exit(main())
