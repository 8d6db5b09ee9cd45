"""From samples to figures, and what can be said of a difference between two of them.

Calls that follow each other share their process, its addresses and what disturbs the machine, so
they are no independent samples: a turn, in a process of its own, is one. That is the design of
Kalibera and Jones ("Rigorous Benchmarking in Reasonable Time", ISMM 2013), and resampling turns is
a bootstrap of whole blocks (Künsch, "The Jackknife and the Bootstrap for General Stationary
Observations", 1989). The spread of the resampled figure, widened by Student's t for the small
number of turns, gives the interval (Efron and Tibshirani, "An Introduction to the Bootstrap",
chapter 12).
"""

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_9": 0.999}
_RESAMPLES = 2000
_POWER = 0.8
_FEWEST = 3  # turns, of which a spread can be told
_TICK = 100.0  # ns: what the coarsest of the clocks counts in


def summary(samples: Sequence[float]) -> dict[str, float | int | None]:
    """Return count, min, quantiles, max, mean and std of samples, in their unit.

    A quantile is None where fewer than one sample is expected beyond it.
    """
    values = np.asarray(samples, dtype=np.float64)
    found: dict[str, float | int | None] = {"count": len(values), "min": float(values.min())}
    for name, share in _QUANTILES.items():
        told = len(values) * (1 - share) >= 1 - 1e-9 or name == "p50"
        found[name] = round(float(np.quantile(values, share)), 1) if told else None
    found["max"] = float(values.max())
    found["mean"] = round(float(values.mean()), 1)
    found["std"] = round(float(values.std(ddof=1)), 1) if len(values) > 1 else None
    return found


class Level(NamedTuple):
    """Where the turns of a row are, on a scale of logarithms."""

    log: float
    """Mean of the logarithms of the turns' medians."""
    error: float
    """Standard error of that, from resampled turns; infinite with fewer than three."""
    turns: int


def level_of_turns(turns: Sequence[Mapping[str, Any]]) -> Level:
    """Return the level of turns, by the medians of their samples in nanoseconds."""
    return level([float(np.median(turn["ns"])) for turn in turns])


def level(medians: Sequence[float]) -> Level:
    """Return the level of turns, given the median of each, in nanoseconds."""
    logs = np.log(np.asarray(medians, dtype=np.float64))
    count = len(logs)
    # The mean, since a turn's process often runs at one of two speeds, by where it lies in memory:
    # of two levels the resampled median jumps from one to the other.
    middle = float(logs.mean())
    if count < _FEWEST:
        return Level(middle, float("inf"), count)
    chosen = np.random.default_rng(0).integers(0, count, (_RESAMPLES, count))
    spread = float(logs[chosen].mean(axis=1).std()) * np.sqrt(count / (count - 1))
    # No clock tells less than its tick.
    return Level(middle, float(np.hypot(spread, _TICK / np.exp(middle) / np.sqrt(12))), count)


class Ratio(NamedTuple):
    """How much longer one takes than the other, with the interval for it."""

    value: float
    low: float
    high: float


def ratio(before: Level, after: Level, comparisons: int = 1) -> Ratio:
    """Compare two levels.

    Args:
        before: What the ratio is to.
        after: What is compared.
        comparisons: With how many the interval holds at once (Bonferroni), so that of many rows
            that are equal none differs by chance.
    """
    difference = after.log - before.log
    half = _half_width(before, after, comparisons)
    low, high = np.exp([difference - half, difference + half]).tolist()
    return Ratio(float(np.exp(difference)), low, high)


def detectable(measured: Level, comparisons: int, allowed: float) -> float | None:
    """Return the least ratio to another run, as noisy as this one, that would be told.

    Told in about four of five times (the power), by an interval that holds for all comparisons at
    once and is beyond what is allowed for the machine. None where there are too few turns to know.
    """
    if measured.turns < _FEWEST or not np.isfinite(allowed):
        return None
    error = np.sqrt(2) * measured.error
    power = student_t(_POWER, 2 * measured.turns - 2) * error
    half = _half_width(measured, measured, comparisons)
    return float(np.exp(min(50.0, half + np.log(allowed) + power)))


def _half_width(before: Level, after: Level, comparisons: int) -> float:
    if min(before.turns, after.turns) < _FEWEST:
        return float("inf")
    freedom = before.turns + after.turns - 2
    tail = (1 - CONFIDENCE) / (2 * comparisons)
    return student_t(1 - tail, freedom) * float(np.hypot(before.error, after.error))


def student_t(share: float, freedom: int) -> float:
    """Return the quantile of Student's t, by its expansion around the normal one.

    Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.5; within 1 % from 8 degrees
    of freedom, too low by 6 % at 4 and the tails used here.
    """
    x = NormalDist().inv_cdf(share)
    terms: NDArray[np.float64] = np.array(
        [
            x,
            (x**3 + x) / 4,
            (5 * x**5 + 16 * x**3 + 3 * x) / 96,
            (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        ]
    )
    return float((terms / float(freedom) ** np.arange(4)).sum())


def duration(nanoseconds: float | None) -> str:
    """Return a time for people, with three digits and its unit; a dash where it is not known."""
    if nanoseconds is None:
        return "-"
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if nanoseconds >= 0.9995 * size:
            value = nanoseconds / size
            return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {unit}"
    return f"{nanoseconds:.0f} ns"
