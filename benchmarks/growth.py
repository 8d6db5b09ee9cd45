"""How the time of a reading grows with pixels and with digits: `python -m benchmarks.growth`.

Two curves. One photo with 8 digits, from 0.3 to 48 megapixels; and one page of 12 megapixels with
1 to 2,000 digits. Growth is what the time is proportional to a power of: 1 is linear.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.options import add_json, add_models, write_json
from siffra import ModelError, Reader
from siffra.check import FILE_NAME
from siffra.contract import DEFAULT_MODEL
from siffra.network import MODELS

SIZES = ((640, 480), (1280, 960), (2000, 1500), (4000, 3000), (8000, 6000))
"""Pixels across and down, of the pages with 8 digits."""

COUNTS = (1, 8, 40, 100, 250, 500, 1000, 2000)
"""Digits, of the pages of 4000x3000 pixels."""

_SECONDS = 1.0  # of reading for each page, and three readings at least
_PAPER, _INK = 220, 0.75
_HIGH = 0.45  # of the distance between lines, that digits are high


@dataclass(frozen=True)
class Growth:
    """What one page takes, decoded array to reading, on one thread."""

    model: str
    width: int
    height: int
    digits: int
    found: int
    """Digits that were read and accepted."""
    milliseconds: float
    """Median of a reading."""
    stages: dict[str, float]
    """Medians of the stages, in milliseconds."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the curves; 2 where a model cannot be loaded."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.growth",
        description="Measure how the time of a reading grows with pixels and digits.",
    )
    add_models(parser)
    add_json(parser)
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)  # as the network has it
    try:
        readers = {model: Reader(model) for model in options.model or [DEFAULT_MODEL]}
    except ModelError as error:
        print(f"growth: {error}", file=sys.stderr)
        return 2
    results = []
    for model, reader in readers.items():
        print(f"{model}: pixels, digits, read, ms, and of it decode, locate, cells, inference")
        by_pixels = list(_measured(model, reader, [(size, 8) for size in SIZES]))
        megapixels = [each.width * each.height / 1e6 for each in by_pixels]
        print(_growth("megapixels", megapixels, by_pixels), flush=True)
        by_digits = list(_measured(model, reader, [((4000, 3000), count) for count in COUNTS]))
        print(_growth("digits", [each.digits for each in by_digits], by_digits), flush=True)
        results += by_pixels + by_digits
    if options.json:
        write_json(options.json, [asdict(result) for result in results])
    return 0


def _measured(
    model: str, reader: Reader, pages: Sequence[tuple[tuple[int, int], int]]
) -> Iterator[Growth]:
    for (width, height), digits in pages:
        result = measure(model, reader, width, height, digits)
        stages = "  ".join(f"{value:7.2f}" for value in result.stages.values())
        print(
            f"{width:5}x{height:<5} {digits:5} {result.found:5} {result.milliseconds:9.2f}   "
            f"{stages}",
            flush=True,
        )
        yield result


def measure(model: str, reader: Reader, width: int, height: int, digits: int) -> Growth:
    """Read a drawn page again and again."""
    page = draw_page(width, height, digits)
    reader.read(page)
    times: list[float] = []
    stages: list[Sequence[float]] = []
    while len(times) < 3 or sum(times) < _SECONDS:
        started = perf_counter()
        reading = reader.read(page)
        times.append(perf_counter() - started)
        stages.append(reading.timings)
    names = reading.timings._fields
    medians = np.median(stages, axis=0).tolist()
    found = sum(digit.accepted for digit in reading.digits)
    return Growth(
        model,
        width,
        height,
        digits,
        found,
        1e3 * float(np.median(times)),
        dict(zip(names, medians, strict=True)),
    )


def draw_page(width: int, height: int, digits: int) -> NDArray[np.uint8]:
    """Draw digits of the package's golden vectors in lines: uint8 [height, width, 3] (BGR)."""
    rng = np.random.default_rng(7)
    with np.load(MODELS / FILE_NAME) as golden:
        cells = golden["cells"]
        labels = golden[DEFAULT_MODEL][: len(cells)].argmax(axis=1)
    cells = cells[labels != 1]  # a stroke alone may be the edge of something
    columns = max(1, round((digits * width / height * 1.4) ** 0.5))
    lines = -(-digits // columns)
    step_x, step_y = width // columns, height // lines
    side = min(round(_HIGH * step_y), round(0.9 * step_x), 600) * 28 // 20
    ink = np.zeros((height, width), dtype=np.uint8)
    for number in range(digits):
        line, column = divmod(number, columns)
        cell = cv2.resize(cells[rng.integers(len(cells))], (side, side))
        x = min(column * step_x + max(0, (step_x - side) // 2), width - side)
        y = min(line * step_y + max(0, (step_y - side) // 2), height - side)
        part = ink[y : y + side, x : x + side]
        np.maximum(part, np.asarray(cell, np.uint8), out=part)
    shade = np.linspace(1.0, 0.85, width, dtype=np.float32)
    grey = _PAPER * shade - _INK * _PAPER / 255 * ink
    grey += rng.normal(0, 2, (height, width)).astype(np.float32)
    pixels = np.clip(grey, 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), dtype=np.uint8)


def _growth(what: str, amounts: Sequence[float], results: Sequence[Growth]) -> str:
    """Tell by which power of an amount the time grows, over all, and where it is most of it.

    What a page takes whatever is on it hides the growth in the lower half.
    """
    half = len(amounts) // 2
    times = [each.milliseconds for each in results]
    whole, upper = (
        float(np.polyfit(np.log(amounts[start:]), np.log(times[start:]), 1)[0])
        for start in (0, half)
    )
    return (
        f"time grows as {what} to the power of {whole:.2f}, "
        f"and of {upper:.2f} from {amounts[half]:g} {what} on\n"
    )


if __name__ == "__main__":
    sys.exit(main())
