"""Whatever an application may ask of a reader, drawn by code, and its answers to the last bit.

`benchmarks.soak` asks them a million times, the tests of threads, processes and interrupts from
everywhere at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal
from zlib import crc32

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.inks import Pen
from benchmarks.scenes import draw_digit, draw_scene
from benchmarks.surfaces import Paper
from siffra import Digit, ImageError, Reader, Reading

Way = Literal["read", "classify", "probabilities"]

_PAPERS: tuple[tuple[Paper, Pen], ...] = (
    ("white", "pen"),
    ("ruled", "pencil"),
    ("squared", "blue pen"),
    ("kraft", "marker"),
    ("blackboard", "chalk"),
)


@dataclass(frozen=True)
class Question:
    """One call of a reader."""

    way: Way
    """The method."""
    given: Any
    """What it gets: an array, or the bytes of a file, whole or broken."""

    def answer(self, reader: Reader) -> Any:
        """Ask; an `ImageError` is an answer too."""
        try:
            return getattr(reader, self.way)(self.given)
        except ImageError as error:
            return error


def told(answer: Any) -> bytes:
    """Return all that an answer says but the times that it took."""
    if isinstance(answer, np.ndarray):
        return answer.tobytes()
    if isinstance(answer, Digit):
        pixels = [crc32(part.data) for part in (answer.picture, answer.cell) if part is not None]
        return repr((answer, answer.probabilities, pixels)).encode()
    if isinstance(answer, Reading):
        lines = [[told(digit) for digit in line] for line in answer.lines]
        return repr((lines, answer.text, answer.rotation, answer.straight_boxes)).encode()
    return repr(answer).encode()


def draw_questions(count: int, seed: int = 0) -> list[Question]:
    """Draw that many, of all kinds, in an order that mixes them."""
    rng = np.random.default_rng(seed)
    kinds = (  # one large page, five small ones, six digits, six times cells, two broken
        *(_page(number == 0, rng) for number in range(6)),
        *(_digit(rng) for _ in range(6)),
        *(_cells(number < 4, rng) for number in range(6)),
        *(_broken(rng) for _ in range(2)),
    )
    rounds = -(-count // len(kinds))
    questions = list(chain.from_iterable([next(kind) for kind in kinds] for _ in range(rounds)))
    return [questions[place] for place in rng.permutation(len(questions))[:count]]


def _page(large: bool, rng: np.random.Generator) -> Iterator[Question]:
    while True:
        height = 360 if large else int(rng.integers(96, 200))
        width = height * 4 // 3
        lines = ["".join(map(str, rng.integers(0, 10, rng.integers(2, 5)))) for _ in range(2)]
        paper, pen = _PAPERS[int(rng.integers(len(_PAPERS)))]
        scene = draw_scene(
            lines if large else lines[:1],
            size=(height, width),
            paper=paper,
            pen=pen,
            light=float(rng.uniform(0, 0.6)),
            noise=float(rng.uniform(0, 0.4)),
            seed=int(rng.integers(1 << 30)),
        )
        yield Question("read", _as_anything(scene.image, rng))


def _digit(rng: np.random.Generator) -> Iterator[Question]:
    while True:
        size = int(rng.integers(28, 160))
        picture = draw_digit(int(rng.integers(10)), size=size, seed=int(rng.integers(1 << 30)))
        yield Question("classify", _as_anything(picture, rng))


def _cells(one: bool, rng: np.random.Generator) -> Iterator[Question]:
    while True:
        count = 1 if one else int(rng.integers(0, 40))
        yield Question("probabilities", rng.integers(0, 256, (count, 28, 28), dtype=np.uint8))


def _broken(rng: np.random.Generator) -> Iterator[Question]:
    while True:
        picture = draw_digit(int(rng.integers(10)), seed=int(rng.integers(1 << 30)))
        whole = _encoded(picture, ".png")
        middle = len(whole) // 2
        torn = whole[:middle] + rng.bytes(16) + whole[middle + 16 :]
        jpeg = _encoded(picture, ".jpg")
        cut = jpeg[: int(rng.integers(len(jpeg)))]
        given = (cut, torn, rng.bytes(64), picture.astype(np.float32))[int(rng.integers(4))]
        yield Question("read" if rng.random() < 0.5 else "classify", given)


def _as_anything(picture: NDArray[np.uint8], rng: np.random.Generator) -> Any:
    form = str(rng.choice(["array", "view", ".jpg", ".png", ".bmp"]))
    if form == "view":
        return picture[::-1][::-1]
    return picture if form == "array" else _encoded(picture, form)


def _encoded(picture: NDArray[np.uint8], suffix: str) -> bytes:
    return bytes(cv2.imencode(suffix, picture)[1])
