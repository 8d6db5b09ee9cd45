"""How long a picture can take at worst, and how much memory: `python -m benchmarks.worst`.

Reads patterns that are hard work (benchmarks.patterns) at sizes from a thumbnail to 100 megapixels
and in odd shapes, each at several scales, and prints those that took longest. With `--search` it
goes on from there: mixtures of patterns change at random, and those that take longer are kept.

Time is what one thread spends on the processor. Memory is what is needed beside the picture at
most, and is measured on Linux alone.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import monotonic, process_time

import cv2
import numpy as np

from benchmarks.options import add_json, write_json
from benchmarks.patterns import PATTERNS, Pixels, draw
from siffra import ModelError, Reader
from siffra.contract import DEFAULT_MODEL

SIZES = (
    *((28, 28), (200, 200), (640, 480), (1000, 1000), (4000, 3000), (10_000, 10_000)),
    *((1, 10**6), (10**6, 1), (64, 10**5), (10**5, 64), (5000, 200), (300, 3300)),
)
"""Pixels across and down."""

_SCALES = (1, 2, 3, 5)  # of the squares of a pattern, in pixels of a copy of 640
_COPY = 640
_CALLS: dict[str, Callable[[Reader, Pixels], object]] = {
    "read": lambda reader, picture: reader.read(picture),
    "auto": lambda reader, picture: reader.read(picture, rotate="auto"),
    "classify": lambda reader, picture: reader.classify(picture),
    "explain": lambda reader, picture: reader.explain(picture),
    "draw": lambda reader, picture: reader.read(picture).draw(),
    "json": lambda reader, picture: reader.read(picture).to_json(),
}
_KEPT = 10  # pictures that a search goes on from
_FRESH = 0.25  # of those tried, that are of no older one
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Picture:
    """A pattern, or two in one picture."""

    pattern: str
    width: int
    height: int
    scale: int
    beside: str | None = None
    """Another pattern, in the right part of the picture."""
    beside_scale: int = 1
    share: float = 0.5
    """Of the width, that the first pattern has."""

    def draw(self) -> Pixels:
        """Return uint8 [height, width]."""
        picture = draw(self.pattern, self.height, self.width, self.scale)
        if self.beside is not None:
            start = round(self.share * self.width)
            other = draw(self.beside, self.height, self.width, self.beside_scale)
            picture[:, start:] = other[:, start:]
        return picture

    def __str__(self) -> str:
        first = f"{self.pattern} x{self.scale}"
        if self.beside is None:
            return first
        return f"{first}, from {self.share:.2f} on {self.beside} x{self.beside_scale}"


@dataclass(frozen=True)
class Worst:
    """What one picture took."""

    picture: Picture
    call: str
    milliseconds: float
    """On the processor."""
    mebibytes: float | None
    """That were needed at most, beside the picture; None where that cannot be measured."""

    @property
    def bytes_per_pixel(self) -> float:
        """The same for each pixel, 0 where it cannot be measured."""
        return (self.mebibytes or 0.0) * 2**20 / (self.picture.width * self.picture.height)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print what took longest; 2 where the model cannot be loaded."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.worst",
        description="Measure how long a picture can take at worst, and how much memory.",
    )
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME_OR_PATH")
    parser.add_argument(
        "--size", action="append", type=_size, metavar="WxH", help="may be repeated; default: many"
    )
    parser.add_argument("--call", choices=_CALLS, default="read", help="default: read")
    parser.add_argument("--top", type=int, default=5, metavar="N", help="lines for each size")
    parser.add_argument(
        "--search", type=float, metavar="SECONDS", help="look for worse ones so long, per size"
    )
    add_json(parser)
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)  # as the network has it
    try:
        reader = Reader(options.model)
    except ModelError as error:
        print(f"worst: {error}", file=sys.stderr)
        return 2
    _CALLS[options.call](reader, draw("digits", 640, 480))  # what is loaded once counts for none
    results: list[Worst] = []
    for width, height in options.size or SIZES:
        found = [measure(reader, each, options.call) for each in pictures(width, height)]
        if options.search:
            found += search(reader, options.call, found, options.search)
        results += found
        found.sort(key=lambda worst: -worst.milliseconds)
        print(f"{options.call}, {width}x{height}: ms, MiB beside the picture, pattern")
        for worst in found[: options.top]:
            print(_line(worst), flush=True)
        most = max(found, key=lambda worst: worst.bytes_per_pixel)
        print(f"most memory: {most.bytes_per_pixel:.1f} bytes a pixel, {most.picture}\n")
    if options.json:
        write_json(options.json, [asdict(result) for result in results])
    return 0


def pictures(width: int, height: int) -> Iterator[Picture]:
    """Yield each pattern at this size, as fine as it can be and as it is hardest in a copy."""
    by = max(width, height) / _COPY
    scales = sorted({1} | {max(1, round(by * scale)) for scale in _SCALES})
    for pattern in PATTERNS:
        for scale in scales:
            yield Picture(pattern, width, height, scale)


def measure(reader: Reader, picture: Picture, call: str = "read") -> Worst:
    """Do with a picture what one of the calls does, once."""
    pixels = picture.draw()
    before = _peak(reset=True)
    started = process_time()
    _CALLS[call](reader, pixels)
    spent = process_time() - started
    after = _peak()
    needed = None if before is None or after is None else (after - before) / 2**20
    return Worst(picture, call, 1e3 * spent, needed)


def search(
    reader: Reader, call: str, found: Sequence[Worst], seconds: float, seed: int = 1
) -> list[Worst]:
    """Change what took longest at random, for some time; return what was tried."""
    rng = np.random.default_rng(seed)
    best = sorted(found, key=lambda worst: -worst.milliseconds)[:_KEPT]
    tried = []
    end = monotonic() + seconds
    while monotonic() < end:
        start = found if rng.random() < _FRESH else best
        worst = measure(reader, _changed(start[int(rng.integers(len(start)))].picture, rng), call)
        tried.append(worst)
        best = sorted([*best, worst], key=lambda worst: -worst.milliseconds)[:_KEPT]
    return tried


def _changed(picture: Picture, rng: np.random.Generator) -> Picture:
    names = list(PATTERNS)
    change = rng.integers(4)
    if change == 0:
        return replace(picture, scale=max(1, picture.scale + int(rng.choice([-1, 1]))))
    if change == 1:
        return replace(picture, beside_scale=max(1, picture.scale + int(rng.integers(-2, 3))))
    if change == 2:
        return replace(picture, share=float(rng.uniform(0.1, 0.9)))
    return replace(picture, beside=names[int(rng.integers(len(names)))], beside_scale=picture.scale)


def _peak(reset: bool = False) -> int | None:
    """Return the most bytes that the process had since this was reset; None if not known."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        status = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    except OSError:
        return None
    return 1024 * int(status["VmHWM"].split()[0])


def _line(worst: Worst) -> str:
    needed = "-" if worst.mebibytes is None else f"{worst.mebibytes:.1f}"
    return f"{worst.milliseconds:10.1f} {needed:>8}  {worst.picture}"


def _size(text: str) -> tuple[int, int]:
    try:
        width, height = map(int, text.split("x"))
    except ValueError:
        width = height = 0
    if min(width, height) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not pixels across and down, as in 640x480")
    return width, height


if __name__ == "__main__":
    sys.exit(main())
