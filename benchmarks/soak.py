"""Whether a reader stays as it is for months: `python -m benchmarks.soak --frames 1000000`.

One reader is asked about frames of all sizes and kinds, whole and broken, round after round: each
round the same frames, in another order, so that rounds can be compared. The first twentieth is for
warming up. Then each call's time is measured, and whether all answers are the same to the last bit;
and every few rounds what memory is resident (VmRSS, with whatever the C library keeps). A full
garbage collection precedes that: until its next one Python keeps up to 2,000 freed tuples of each
length, some megabytes, which an application sees come and go. Exit status 1 where a bound is
broken: memory that grows by 2 MB or more from the first tenth of the rounds to the last, a 99th
percentile that is surely more than a tenth higher then, a file or a thread left, an answer that
changed.

Times are those of the processor in this thread, so that what other programs took is left out; those
of the clock stand beside them. OpenCV gets one thread. Linux only; 2 where it cannot be run.
"""

import argparse
import gc
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter, thread_time
from typing import TypeAlias
from zlib import crc32

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.options import add_json, write_json
from benchmarks.questions import Question, draw_questions, told
from siffra import ModelError, Reader
from siffra.contract import DEFAULT_MODEL

DIFFERENT = 400
"""Frames that differ: one round."""

_WARM_UP = 20  # rounds for one that is left out, and at least
_LEAST_WARM_UP = 2
_MOST_GROWTH = 2e6  # bytes
_MOST_DRIFT = 1.1
_TENTHS = 10
_LOOKS = 5  # at memory, in each tenth
_RESAMPLED = 1000
_PROC = Path("/proc/self")

Times: TypeAlias = NDArray[np.float32]
"""Seconds, float32 [rounds, frames]."""


@dataclass(frozen=True)
class Tenth:
    """A tenth of the rounds."""

    p50_us: float
    """Processor time of a call, median."""
    p99_us: float
    clock_p50_us: float
    """The same by the clock."""
    clock_p99_us: float
    resident_bytes: int
    """Median of what was resident after some of its rounds."""


@dataclass(frozen=True)
class Soak:
    """How one reader did."""

    model: str
    frames: int
    """Asked about, warm-up left out."""
    warm_up: int
    different: int
    seconds: float
    growth_bytes: int
    """Of what is resident, from the first tenth to the last."""
    drift: float
    """99th percentile of the last tenth over that of the first, processor time."""
    drift_low: float
    """The low end of its 95 % interval, from rounds drawn anew."""
    drift_high: float
    files: tuple[int, int]
    """Open before and after."""
    threads: tuple[int, int]
    changed: int
    """Answers that were not the same as at first."""
    tenths: tuple[Tenth, ...]

    def broken(self) -> list[str]:
        """Say which bounds were broken."""
        bounds = {
            f"memory grew by {self.growth_bytes / 1e6:.1f} MB": self.growth_bytes >= _MOST_GROWTH,
            f"p99 is {self.drift:.2f} times as long": self.drift_low > _MOST_DRIFT,
            f"{self.files[1] - self.files[0]} more open files": self.files[1] > self.files[0],
            f"{self.threads[1] - self.threads[0]} more threads": self.threads[1] > self.threads[0],
            f"{self.changed} answers changed": self.changed > 0,
        }
        return [what for what, true in bounds.items() if true]


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, print and judge; 1 where a bound is broken, 2 where it cannot be run."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak", description="Ask one reader a million times."
    )
    parser.add_argument("--frames", type=int, default=1_000_000, help="default: %(default)s")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="default: %(default)s")
    add_json(parser)
    options = parser.parse_args(arguments)
    least = DIFFERENT * (_TENTHS + _LEAST_WARM_UP)
    try:
        if options.frames < least:
            raise ValueError(f"ask for {least} frames at least")
        if not _PROC.exists():
            raise ValueError("needs Linux's /proc")
        reader = Reader(options.model)
    except (ModelError, ValueError) as error:
        print(f"soak: {error}", file=sys.stderr)
        return 2
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        result = soak(reader, draw_questions(DIFFERENT), options.frames)
    finally:
        cv2.setNumThreads(before)
    _print(result)
    if options.json:
        write_json(options.json, {**asdict(result), "broken": result.broken()})
    return 1 if result.broken() else 0


def soak(reader: Reader, questions: Sequence[Question], frames: int) -> Soak:
    """Ask a reader round after round, about so many frames in all, and a round's rest more."""
    rounds = -(-frames // len(questions))
    warm_up = max(_LEAST_WARM_UP, rounds // _WARM_UP)
    rounds -= warm_up
    # What is measured is kept where it takes no more memory than at first.
    spent, clock = (np.full((rounds, len(questions)), 1, np.float32) for _ in range(2))
    parts = np.array_split(np.arange(rounds), _TENTHS)
    looks = {int(number) for part in parts for number in part[:: -(-len(part) // _LOOKS)]}
    resident = np.full(rounds, -1, np.int64)
    expected = [crc32(told(question.answer(reader))) for question in questions]
    chance = np.random.default_rng(0)
    for _ in range(warm_up):
        _ask_all(reader, questions, expected, chance, spent[0], clock[0])
    files, threads = _files(), _status("Threads")
    began, changed = perf_counter(), 0
    for number in range(rounds):
        changed += _ask_all(reader, questions, expected, chance, spent[number], clock[number])
        if number in looks:
            gc.collect()
            resident[number] = 1024 * _status("VmRSS")
    seconds = perf_counter() - began
    tenths = tuple(_tenth(spent[part], clock[part], resident[part]) for part in parts)
    low, high = _interval(spent[parts[0]], spent[parts[-1]])
    return Soak(
        model=reader.metadata["name"],
        frames=spent.size,
        warm_up=warm_up * len(questions),
        different=len(questions),
        seconds=seconds,
        growth_bytes=tenths[-1].resident_bytes - tenths[0].resident_bytes,
        drift=tenths[-1].p99_us / tenths[0].p99_us,
        drift_low=low,
        drift_high=high,
        files=(files, _files()),
        threads=(threads, _status("Threads")),
        changed=changed,
        tenths=tenths,
    )


def _ask_all(
    reader: Reader,
    questions: Sequence[Question],
    expected: Sequence[int],
    chance: np.random.Generator,
    spent: Times,
    clock: Times,
) -> int:
    """Ask everything once; return how many answers are others than expected."""
    changed = 0
    for place in chance.permutation(len(questions)):
        question = questions[place]
        by_clock, by_processor = perf_counter(), thread_time()
        answer = question.answer(reader)
        spent[place] = thread_time() - by_processor
        clock[place] = perf_counter() - by_clock
        changed += crc32(told(answer)) != expected[place]
    return changed


def _tenth(spent: Times, clock: Times, resident: NDArray[np.int64]) -> Tenth:
    times = (1e6 * np.quantile(each, (0.5, 0.99)) for each in (spent, clock))
    (p50, p99), (clock_p50, clock_p99) = (each.tolist() for each in times)
    return Tenth(p50, p99, clock_p50, clock_p99, int(np.median(resident[resident > 0])))


def _interval(first: Times, last: Times) -> tuple[float, float]:
    """Return the interval of the ratio of two 99th percentiles.

    Rounds are drawn anew, not calls, which are no independent samples. A percentile of the rounds'
    own percentiles would be another figure, so each draw takes that of all calls.
    """
    chance = np.random.default_rng(0)

    def drawn(times: Times) -> float:
        return float(np.quantile(times[chance.integers(0, len(times), len(times))], 0.99))

    ratios = [drawn(last) / drawn(first) for _ in range(_RESAMPLED)]
    low, high = np.quantile(ratios, (0.025, 0.975)).tolist()
    return low, high


def _files() -> int:
    return len(list((_PROC / "fd").iterdir()))


def _status(key: str) -> int:
    lines = (_PROC / "status").read_text().splitlines()
    return int(dict(line.split(":", 1) for line in lines)[key].split()[0])


def _print(result: Soak) -> None:
    print(
        f"{result.model}: {result.frames:,} frames ({result.different} that differ) in "
        f"{result.seconds:,.0f} s, after {result.warm_up:,} to warm up"
    )
    print(f"{'tenth':>6} {'p50, us':>9} {'p99, us':>9} {'by the clock':>19} {'resident, MB':>13}")
    for number, each in enumerate(result.tenths, 1):
        print(
            f"{number:>6} {each.p50_us:>9.0f} {each.p99_us:>9.0f} {each.clock_p50_us:>9.0f} "
            f"{each.clock_p99_us:>9.0f} {each.resident_bytes / 1e6:>13.2f}"
        )
    print(
        f"memory {result.growth_bytes / 1e6:+.2f} MB; p99 of the last tenth {result.drift:.3f} "
        f"times the first ({result.drift_low:.3f} to {result.drift_high:.3f}); "
        f"open files {result.files[0]} -> {result.files[1]}; "
        f"threads {result.threads[0]} -> {result.threads[1]}; {result.changed} answers changed"
    )
    print("BROKEN: " + "; ".join(result.broken()) if result.broken() else "all bounds kept")


if __name__ == "__main__":
    sys.exit(main())
