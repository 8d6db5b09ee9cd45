"""How long models take for a cell: `python -m benchmarks.latency`.

The models take turns, and so do the ways of asking one: a bare session of onnxruntime, with the
same file and one thread; `Reader.probabilities`; and `Reader.classify`, from an array of 28x28 to a
`Digit`. What disturbs the machine disturbs them all: compare the figures of one run alone. Cells
are those of the package's golden vectors; no data is needed.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import onnxruntime

from benchmarks.options import add_json, add_models, add_turns, write_json
from siffra import ModelError, Reader
from siffra.check import FILE_NAME
from siffra.network import MODELS, released
from siffra.results import Pixels

BATCH = 256
_TURNS = 30
_SECONDS = 0.03  # that a model computes in one turn
_WARM_UP = 20  # calls, or as long as a turn


@dataclass(frozen=True)
class Latency:
    """What one model takes on one thread, call to return."""

    model: str
    microseconds: float
    """Median of a call with one cell."""
    bare_microseconds: float
    """The same of `InferenceSession.run`, with nothing around it."""
    classify_microseconds: float
    """Median of `Reader.classify`."""
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
    add_turns(parser, _TURNS)
    add_json(parser)
    options = parser.parse_args(arguments)
    try:
        results = measure(options.model or list(released()), options.turns)
    except ModelError as error:
        print(f"latency: {error}", file=sys.stderr)
        return 2
    print(
        f"{'model':12} {'bare, us':>8} {'one cell, us':>15} {'p99':>7} {'classify, us':>15} "
        f"{'each of 256, us':>15} {'KiB':>4}"
    )
    for each in results:
        bare = each.bare_microseconds
        print(
            f"{each.model:12} {bare:>8.1f} {_beside(each.microseconds, bare)} "
            f"{each.slow_microseconds:>7.1f} {_beside(each.classify_microseconds, bare)} "
            f"{each.batch_microseconds:>15.2f} {each.kib:>4.0f}"
        )
    print("in brackets: times that of bare onnxruntime")
    if options.json:
        write_json(options.json, [asdict(result) for result in results])
    return 0


def measure(models: Sequence[str], turns: int) -> list[Latency]:
    """Measure models in turns.

    Raises:
        ModelError: There is no such model, or it is not one of siffra's.
    """
    with np.load(MODELS / FILE_NAME) as golden:
        cells = golden["cells"]
    batch = np.resize(cells, (BATCH, *cells.shape[1:]))
    one, digit = cells[:1], cells[0].copy()
    ways = {model: _ways_of_asking(model, one, digit, batch) for model in models}
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(turns):
        for model, calls in ways.items():
            for way, call in calls.items():
                times.setdefault((model, way), []).extend(_times(call))
    medians = {key: 1e6 * float(np.median(spent)) for key, spent in times.items()}
    return [
        Latency(
            model,
            medians[model, "one"],
            medians[model, "bare"],
            medians[model, "classify"],
            1e6 * float(np.quantile(times[model, "one"], 0.99)),
            medians[model, "batch"] / BATCH,
            released().get(model, Path(model)).stat().st_size / 1024,
        )
        for model in models
    ]


def _ways_of_asking(
    model: str, one: Pixels, digit: Pixels, batch: Pixels
) -> dict[str, Callable[[], object]]:
    reader = Reader(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        reader.model, options, providers=["CPUExecutionProvider"]
    )
    cells = {session.get_inputs()[0].name: one}
    return {
        "bare": lambda: session.run(None, cells),
        "one": lambda: reader.probabilities(one),
        "classify": lambda: reader.classify(digit),
        "batch": lambda: reader.probabilities(batch),
    }


def _times(call: Callable[[], object]) -> list[float]:
    """Seconds of each call in one turn."""
    warm_up = perf_counter()
    for _ in range(_WARM_UP):
        call()
        if perf_counter() - warm_up > _SECONDS:
            break
    times: list[float] = []
    while sum(times) < _SECONDS:
        started = perf_counter()
        call()
        times.append(perf_counter() - started)
    return times


def _beside(value: float, base: float) -> str:
    return f"{value:>8.1f} ({value / base:.2f})"


if __name__ == "__main__":
    sys.exit(main())
