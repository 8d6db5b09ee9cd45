"""How long models take for a cell: `python -m benchmarks.latency`.

The models take turns, so that what disturbs the machine disturbs them all: compare the figures of
one run alone. Cells are those of the package's golden vectors; no data is needed.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks.options import add_json, add_models, write_json
from siffra import ModelError, Reader
from siffra.check import FILE_NAME
from siffra.network import MODELS, released

BATCH = 256
_TURNS = 30
_SECONDS = 0.03  # that a model computes in one turn
_WARM_UP = 20  # calls


@dataclass(frozen=True)
class Latency:
    """What one model takes on one thread, call to return."""

    model: str
    microseconds: float
    """Median of a call with one cell."""
    slow_microseconds: float
    """99th percentile of the same."""
    batch_microseconds: float
    """Median for each cell of a call with 256."""
    kib: float
    """Size of the file."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print a table; 2 where a model cannot be loaded."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.latency", description="Measure models on single cells."
    )
    add_models(parser)
    add_json(parser)
    options = parser.parse_args(arguments)
    try:
        results = measure(options.model or list(released()))
    except ModelError as error:
        print(f"latency: {error}", file=sys.stderr)
        return 2
    print(f"{'model':12} {'one cell, us':>12} {'p99':>8} {'each of 256, us':>16} {'KiB':>6}")
    for each in results:
        print(
            f"{each.model:12} {each.microseconds:>12.1f} {each.slow_microseconds:>8.1f} "
            f"{each.batch_microseconds:>16.2f} {each.kib:>6.0f}"
        )
    if options.json:
        write_json(options.json, [asdict(result) for result in results])
    return 0


def measure(models: Sequence[str]) -> list[Latency]:
    """Measure models in turns.

    Raises:
        ModelError: There is no such model, or it is not one of siffra's.
    """
    with np.load(MODELS / FILE_NAME) as golden:
        cells = golden["cells"]
    batch = np.resize(cells, (BATCH, *cells.shape[1:]))
    readers = {model: Reader(model) for model in models}
    one: dict[str, list[float]] = {model: [] for model in models}
    many: dict[str, list[float]] = {model: [] for model in models}
    for _ in range(_TURNS):
        for model, reader in readers.items():
            one[model] += _times(reader, cells[:1])
            many[model] += _times(reader, batch)
    return [
        Latency(
            model,
            1e6 * float(np.median(one[model])),
            1e6 * float(np.quantile(one[model], 0.99)),
            1e6 * float(np.median(many[model])) / BATCH,
            released().get(model, Path(model)).stat().st_size / 1024,
        )
        for model in models
    ]


def _times(reader: Reader, cells: NDArray[np.uint8]) -> list[float]:
    """Seconds of each call in one turn."""
    for _ in range(_WARM_UP if len(cells) == 1 else 1):
        reader.probabilities(cells)
    times: list[float] = []
    while sum(times) < _SECONDS:
        started = perf_counter()
        reader.probabilities(cells)
        times.append(perf_counter() - started)
    return times


if __name__ == "__main__":
    sys.exit(main())
