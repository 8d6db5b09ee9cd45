"""What is aimed at beside the others, and whether it is met."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.engines.pictures import PictureTime
from benchmarks.engines.results import BASE, Result, Spread, speed_ratio, spread
from benchmarks.engines.rounds import Run

_BATCH_MODEL = "ann"
_INT8 = 1.4
_TWO_THREADS = 1.7
_PICTURES = 100.0


@dataclass(frozen=True)
class Goal:
    """A ratio that is aimed at."""

    what: str
    wanted: str
    found: Spread
    met: bool
    """By the median of rounds."""


def goals(results: Sequence[Result], pictures: Sequence[PictureTime]) -> list[Goal]:
    """Judge what was measured; what was not has no entry."""
    return [*_one_cell(results), *_batches(results), *_pictures(pictures)]


def _one_cell(results: Sequence[Result]) -> Iterator[Goal]:
    """Each model beside the base, and beside the fastest of the others."""
    for own in results:
        if (own.engine, own.threads) != ("siffra", 1):
            continue
        yield _at_most(f"{own.model}, one cell: time to {BASE}'s", own.one_ratio)
        others = [
            each
            for each in results
            if each.model == own.model and each.engine not in ("siffra", BASE)
        ]
        if others:
            fastest = min(others, key=lambda each: each.one_ratio.median)
            ratio = spread(
                [a.one_us / b.one_us for a, b in zip(own.rounds, fastest.rounds, strict=True)]
            )
            yield _at_most(f"{own.model}, one cell: time to {fastest.engine}'s", ratio)


def _batches(results: Sequence[Result]) -> Iterator[Goal]:
    rounds = {each.run: each.rounds for each in results}
    base, one = Run(BASE, _BATCH_MODEL), Run("siffra", _BATCH_MODEL)
    int8, two = Run("siffra", f"{_BATCH_MODEL}-int8"), Run("siffra", _BATCH_MODEL, 2)
    for what, run, other, least in (
        (f"{one.model}, batches: speed to {BASE}'s", one, base, 1.0),
        (f"{int8.model}, batches: speed to {BASE}'s with {base.model}", int8, base, _INT8),
        (f"{two.model}, batches: speed of two threads to one's", two, one, _TWO_THREADS),
    ):
        if run in rounds and other in rounds:
            found = speed_ratio(rounds[run], rounds[other])
            yield Goal(what, f"at least {least:.1f}", found, found.median >= least)


def _pictures(pictures: Sequence[PictureTime]) -> Iterator[Goal]:
    for each in pictures:
        for model, ratio in each.ratios.items():
            if each.reader not in each.ratios:
                yield Goal(
                    f"{each.picture}: {each.reader}'s time to that of {model}",
                    f"at least {_PICTURES:.0f}",
                    ratio,
                    ratio.median >= _PICTURES,
                )


def _at_most(what: str, found: Spread) -> Goal:
    return Goal(what, "at most 1.00", found, found.median <= 1.0)
