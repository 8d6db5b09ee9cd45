"""How long a page takes, stage by stage: `python -m benchmarks.speed`.

Pages are drawn by this repository and decoded already: a camera's frames and a phone's photo on a
good day, a photo of small digits and a form in a shadow. All runs on one thread. The models take
turns, so that what disturbs the machine disturbs them all: compare the figures of one run alone.

Beside them stands a floor: the time that OpenCV alone takes on the same page for its grey pixels,
the outlines of its ink and a copy of each digit at the size of a cell.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.options import add_json, add_models, add_turns, write_json
from benchmarks.printed import Form
from benchmarks.scenes import draw_scene
from benchmarks.surroundings import Around
from siffra import Box, ModelError, Reader
from siffra.contract import INK_SIDE
from siffra.ink import find_ink
from siffra.network import released

_TURNS = 15
_SECONDS = 0.1  # of reading in one turn
_WARM_UP = 3  # readings
_FLOORS = 10  # of the floor in one turn
_STAGES = ("decode", "locate", "cells", "inference")


def _frame(width: int, height: int) -> tuple[NDArray[np.uint8], str]:
    """A webcam's frame with eight digits, in ordinary light."""
    text = ["4071", "8325"]
    scene = draw_scene(
        text, size=(height, width), digit_height=height / 6, light=0.2, noise=0.2, seed=1
    )
    return scene.image, scene.text


def _photo() -> tuple[NDArray[np.uint8], str]:
    """A phone's photo of 12 megapixels, with twelve digits."""
    text = ["4071", "8325", "9618"]
    scene = draw_scene(text, size=(3000, 4000), digit_height=400, light=0.4, noise=0.3, seed=2)
    return scene.image, scene.text


def _small() -> tuple[NDArray[np.uint8], str]:
    """The same photo with digits so small that a finer copy is looked at."""
    text = ["4071", "8325", "9618"]
    scene = draw_scene(text, size=(3000, 4000), digit_height=40, light=0.4, noise=0.3, seed=2)
    return scene.image, scene.text


def _form() -> tuple[NDArray[np.uint8], str]:
    """A form with its boxes on a table, in a hard shadow."""
    scene = draw_scene(
        ["4071", "8325"],
        size=(960, 1280),
        digit_height=90,
        light=0.4,
        noise=0.3,
        form=Form(boxes=0.8),
        around=Around(desk="dark", shadow=0.5),
        seed=3,
    )
    return scene.image, scene.text


PAGES: Mapping[str, Callable[[], tuple[NDArray[np.uint8], str]]] = {
    "frame 640x480": lambda: _frame(640, 480),
    "frame 1280x720": lambda: _frame(1280, 720),
    "frame 1920x1080": lambda: _frame(1920, 1080),
    "photo 4000x3000": _photo,
    "its digits small": _small,
    "form 1280x960": _form,
}


@dataclass(frozen=True)
class Speed:
    """What one model takes for one page, decoded array to reading."""

    page: str
    model: str
    right: bool
    """Whether the page was read as it is written."""
    milliseconds: float
    """Median of a reading."""
    slow_milliseconds: float
    """90th percentile of the same."""
    stages: dict[str, float]
    """Medians in milliseconds; decoding is the step to grey pixels here."""
    floor_milliseconds: float
    """Median of what OpenCV alone takes for the least that has to be done."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print a table; 2 where a model cannot be loaded."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed", description="Measure whole pages, stage by stage."
    )
    add_models(parser)
    add_turns(parser, _TURNS)
    add_json(parser)
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)  # as the network has it
    try:
        readers = {model: Reader(model) for model in options.model or list(released())}
    except ModelError as error:
        print(f"speed: {error}", file=sys.stderr)
        return 2
    print(
        f"{'page':16} {'model':10} {'ms':>6} {'p90':>6} {'x floor':>7}  "
        + " ".join(f"{s:>9}" for s in _STAGES)
    )
    results = []
    for page, draw in PAGES.items():
        for result in measure(page, *draw(), readers, options.turns):
            results.append(result)
            stages = " ".join(f"{result.stages[stage]:>9.2f}" for stage in _STAGES)
            wrong = "" if result.right else "   misread"
            print(
                f"{page:16} {result.model:10} {result.milliseconds:>6.2f} "
                f"{result.slow_milliseconds:>6.2f} "
                f"{result.milliseconds / result.floor_milliseconds:>7.2f}  {stages}{wrong}",
                flush=True,
            )
    if options.json:
        write_json(options.json, [asdict(result) for result in results])
    return 0


def measure(
    page: str, image: NDArray[np.uint8], text: str, readers: Mapping[str, Reader], turns: int
) -> list[Speed]:
    """Read a page, uint8 [H, W, 3], with all readers in turns."""
    times: dict[str, list[list[float]]] = {model: [] for model in readers}
    right = {}
    floors: list[float] = []
    boxes = [digit.box for digit in next(iter(readers.values())).read(image).digits]
    for _ in range(turns):
        floors += _floors(image, boxes)
        for model, reader in readers.items():
            for _ in range(_WARM_UP):
                right[model] = reader.read(image).text == text
            spent = 0.0
            while spent < _SECONDS:
                started = perf_counter()
                reading = reader.read(image)
                whole = perf_counter() - started
                spent += whole
                times[model].append([1e3 * whole, *(reading.timings[: len(_STAGES)])])
    medians = {model: np.median(rows, axis=0).tolist() for model, rows in times.items()}
    return [
        Speed(
            page,
            model,
            right[model],
            medians[model][0],
            float(np.quantile([row[0] for row in times[model]], 0.9)),
            dict(zip(_STAGES, medians[model][1:], strict=True)),
            float(np.median(floors)),
        )
        for model in readers
    ]


def _floors(image: NDArray[np.uint8], boxes: Sequence[Box]) -> list[float]:
    """Milliseconds of OpenCV alone, in one turn: grey pixels, outlines of ink, a crop a digit."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    ink = find_ink(np.asarray(grey, np.uint8)).mask
    times: list[float] = []
    while len(times) < 2 or (sum(times) < 1e3 * _SECONDS and len(times) < _FLOORS):
        started = perf_counter()
        cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        cv2.findContours(ink, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        for x, y, width, height in boxes:
            scale = INK_SIDE / max(width, height)
            size = max(1, round(width * scale)), max(1, round(height * scale))
            cv2.resize(grey[y : y + height, x : x + width], size, interpolation=cv2.INTER_AREA)
        times.append(1e3 * (perf_counter() - started))
    return times[1:]  # the first warms up


if __name__ == "__main__":
    sys.exit(main())
