"""What rounds show: medians over rounds, ratios within each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.engines.calls import BATCH
from benchmarks.engines.rounds import Round, Run

BASE = "onnxruntime"
"""What all are compared with: bare, on one thread, with the same model."""

TOLERANCE = {"fp32": 1e-4, "int8": 0.1}
"""Greatest difference of a probability from the base's, by precision of the model.

It is for cells in doubt. Engines round int8 at different places; fp32 differs from it by as much.
"""


@dataclass(frozen=True)
class Spread:
    """A figure over rounds."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Summarise a figure of each round."""
    return Spread(float(np.median(values)), min(values), max(values))


@dataclass(frozen=True)
class Agreement:
    """How an engine's answers differ from those of the base."""

    answers: int
    difference: float
    """Greatest difference of a probability."""
    flips: int
    """Answers of which another digit is the best."""


def compared(answers: NDArray[np.float32], base: NDArray[np.float32]) -> Agreement:
    """Compare probabilities, float32 [n, 10]."""
    difference = float(np.abs(answers - base).max())
    flips = int((answers.argmax(axis=1) != base.argmax(axis=1)).sum())
    return Agreement(len(base), difference, flips)


@dataclass(frozen=True)
class Result:
    """An engine with a model on a number of threads; medians over rounds."""

    engine: str
    model: str
    threads: int
    how: str
    """The call."""
    agreement: Agreement
    one_us: Spread
    """Median of a call with one cell."""
    one_p99_us: float
    one_ratio: Spread
    """Of its time to the base's, within a round."""
    speed: Spread
    """Cells a second in the fastest call with 1,024 of a round."""
    speed_ratio: Spread
    """To the base's, within a round."""
    import_ms: float
    load_ms: float
    first_ms: float
    """From the start of the process to the first answer."""
    first_mb: float | None
    """Resident memory after the first answer; None where the system does not tell."""
    resident_mb: float | None
    """After the last turn."""
    peak_mb: float | None
    installed_mb: float
    """On the disk, beyond NumPy."""
    rounds: Sequence[Round]

    @property
    def run(self) -> Run:
        """What it is of."""
        return Run(self.engine, self.model, self.threads)


def summarise(
    run: Run,
    rounds: Mapping[Run, Sequence[Round]],
    how: str,
    found: Agreement,
    installed_mb: float,
) -> Result:
    """Summarise the rounds of a run beside those of the base."""
    own, base = rounds[run], rounds[Run(BASE, run.model)]

    def middle(values: Sequence[float]) -> float:
        return float(np.median(values))

    def memory(values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return middle(known) if known else None

    return Result(
        *run,
        how=how,
        agreement=found,
        one_us=spread([each.one_us for each in own]),
        one_p99_us=middle([each.one_p99_us for each in own]),
        one_ratio=spread([a.one_us / b.one_us for a, b in zip(own, base, strict=True)]),
        speed=spread([1e6 * BATCH / each.batch_least_us for each in own]),
        speed_ratio=speed_ratio(own, base),
        import_ms=middle([each.import_ms for each in own]),
        load_ms=middle([each.load_ms for each in own]),
        first_ms=middle([each.first_ms for each in own]),
        first_mb=memory([each.first_mb for each in own]),
        resident_mb=memory([each.resident_mb for each in own]),
        peak_mb=memory([each.peak_mb for each in own]),
        installed_mb=installed_mb,
        rounds=own,
    )


def speed_ratio(own: Sequence[Round], other: Sequence[Round]) -> Spread:
    """Return how many times as many cells a second, round by round."""
    pairs = zip(own, other, strict=True)
    return spread([theirs.batch_least_us / ours.batch_least_us for ours, theirs in pairs])
