"""Pages that tests write on, with the repository's own strokes, pixel by pixel where they want."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.strokes import digit_strokes, draw_strokes
from siffra.results import Box

Pixels = NDArray[np.uint8]


def blank(height: int = 240, width: int = 400, level: int = 255) -> Pixels:
    """Paper with nothing on it, uint8 [height, width]."""
    return np.full((height, width), level, dtype=np.uint8)


def digit_ink(
    digit: int, height: int = 60, *, pen: float = 0.1, style: str = "round", seed: int = 1
) -> Pixels:
    """One digit as tight as it comes: coverage with ink, 0 to 255, uint8 [h, w].

    Args:
        digit: 0 to 9.
        height: Pixels, of the digit or of its width if that is more.
        pen: Its width, in heights of the digit.
        style: A name in `benchmarks.strokes.STYLES`.
        seed: Decides how the hand moved.
    """
    rng = np.random.default_rng((seed, digit))
    width = pen * height
    strokes = [(height - width) * part + width for part in digit_strokes(digit, style, rng)]
    ink = draw_strokes(strokes, (2 * height, 2 * height), thickness=width, rng=rng)
    return _tight(ink)


def put(on: Pixels, ink: Pixels, x: int, y: int, level: int = 0) -> Box:
    """Put ink of some level on a page, in place, by its upper left corner; return where it is."""
    height, width = ink.shape
    part = on[y : y + height, x : x + width]
    share = ink / 255
    part[:] = np.rint(part + share * (level - part.astype(float)))
    return Box(x, y, width, height)


def write(
    on: Pixels,
    digits: str,
    *,
    at: tuple[int, int] = (30, 80),
    height: int = 60,
    gap: int = 18,
    pen: float = 0.1,
    style: str = "round",
    level: int = 0,
    seed: int = 1,
) -> list[Box]:
    """Write digits on a page, in place, level at their feet; a space is a digit's height wide.

    Args:
        on: uint8 [H, W].
        digits: 0 to 9, and spaces.
        at: x, y of the upper left corner.
        height: Pixels of a digit.
        gap: Pixels between neighbours.
        pen: Its width, in heights of a digit.
        style: A name in `benchmarks.strokes.STYLES`.
        level: Grey of the ink.
        seed: Decides how the hand moved.

    Returns:
        The box of each digit.
    """
    x, y = at
    boxes = []
    for place, label in enumerate(digits):
        if label == " ":
            x += height
            continue
        ink = digit_ink(int(label), height, pen=pen, style=style, seed=seed + place)
        boxes.append(put(on, ink, x, y + height - len(ink), level))
        x += ink.shape[1] + gap
    return boxes


def two_lines() -> Pixels:
    """40718 above 325, away from the borders of a page, uint8 [300, 420]."""
    page = blank(300, 420)
    write(page, "40718", at=(90, 70), height=50)
    write(page, "325", at=(120, 170), height=50)
    return page


def cross(on: Pixels, x: int, y: int, side: int = 50) -> None:
    """Put what is no digit on a page, in place."""
    cv2.line(on, (x, y), (x + side, y + side), 0, 5)
    cv2.line(on, (x + side, y), (x, y + side), 0, 5)


def touching(digits: str, *, height: int = 60, overlap: int = 2, seed: int = 1) -> Pixels:
    """Digits pushed together until their ink meets, and a little on: coverage, uint8 [h, w]."""
    row = blank(2 * height, 2 * height * len(digits), level=0)
    right = 0
    for place, label in enumerate(digits):
        ink = digit_ink(int(label), height, seed=seed + place)
        h, w = ink.shape
        x = right
        while place and not _meet(row[height - h : height, x : x + w], ink):
            x -= 1
        x -= overlap if place else 0
        part = row[height - h : height, x : x + w]
        np.maximum(part, ink, out=part)
        right = x + w
    return _tight(row)


def inked(on: Pixels, paper: int = 255) -> NDArray[np.bool_]:
    """Which pixels of a page with black ink are more ink than paper, bool [H, W]."""
    return on < paper / 2


def shared(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    """Intersection over union of two masks."""
    return float(np.logical_and(a, b).sum() / np.logical_or(a, b).sum())


def overlap(a: Sequence[int], b: Sequence[int]) -> float:
    """Intersection over union of two boxes."""
    across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(0, across) * max(0, down)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def _meet(a: Pixels, b: Pixels) -> bool:
    return bool(((a > 127) & (b > 127)).any())


def _tight(ink: Pixels) -> Pixels:
    full = ink > 127
    rows, columns = np.flatnonzero(full.any(axis=1)), np.flatnonzero(full.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
