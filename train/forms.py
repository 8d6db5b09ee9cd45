"""Digits as pen strokes: forms that MNIST's writers hardly used, and others do.

MNIST comes from the United States: a 1 is a bar, a 4 is open, a 7 has no bar across. Elsewhere a 1
has a flag as long as its stem, a 4 is closed, a 7 crossed, a 9 stands on a hook.
"""

from collections.abc import Mapping
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from siffra.cells import normalise

from .augment import pictured

Ink: TypeAlias = NDArray[np.uint8]

# Two extremes of one way to write a digit, stroke by stroke; each digit drawn is somewhere between
# them. Points x,y in hundredths of the height, y down; a point given twice is a corner.
_FORMS: Mapping[int, tuple[tuple[str, str], ...]] = {
    0: (
        (
            "-6,14 14,8 40,4 54,30 46,80 20,98 2,76 4,40 24,10 40,0",
            "-26,22 8,14 46,10 62,40 40,88 10,94 0,66 10,34 30,10 52,-4",
        ),
        (
            "18,2 4,14 0,50 4,88 16,100 26,88 28,50 24,14 14,0",
            "30,4 14,14 4,48 -4,84 4,98 18,86 30,52 38,16 28,2",
        ),
        (
            "40,2 12,8 2,45 12,92 40,98 66,88 76,48 64,10 36,0",
            "26,4 10,18 4,50 10,86 26,98 40,84 46,48 38,14 24,2",
        ),
        (
            "52,10 30,2 8,22 2,58 16,94 44,94 64,62 60,20 40,4 22,14",
            "44,0 24,6 8,30 6,66 22,96 40,88 52,58 50,24 38,2 46,-6",
        ),
    ),
    1: (
        ("20,0 20,33 20,66 20,100", "30,0 22,33 12,66 4,100"),
        ("0,20 10,12 22,0 22,0 22,33 22,66 22,100", "-16,50 4,28 28,0 28,0 27,33 26,66 25,100"),
        ("-8,34 8,20 26,0 26,0 22,33 17,66 12,100", "-34,46 -4,26 30,0 30,0 26,33 22,66 18,100"),
        (
            "4,18 14,10 24,0 24,0 24,33 24,66 24,100 / 4,100 24,100 44,100",
            "0,30 12,16 24,0 24,0 24,33 24,66 23,97 / -4,98 22,97 48,96",
        ),
        (
            "22,0 22,33 22,66 22,100 / 0,100 22,100 44,100",
            "26,0 25,33 24,66 23,99 / 8,99 24,99 40,98",
        ),
    ),
    2: (
        (
            "8,12 16,2 28,4 32,18 24,46 12,72 0,94 0,94 24,97 48,95 72,90",
            "14,10 20,1 28,0 32,10 28,40 20,68 8,92 8,92 28,90 46,86 64,78",
        ),
        (
            "2,22 16,2 44,0 56,22 40,52 18,76 0,98 0,98 22,97 42,96 62,95",
            "4,30 8,8 36,0 58,14 52,44 28,66 2,92 2,92 24,96 44,92 66,98",
        ),
        (
            "4,18 22,0 48,4 52,28 36,58 10,90 -4,96 -2,84 14,84 34,94 60,92",
            "8,24 18,4 44,2 52,22 44,52 22,84 4,98 0,88 10,80 30,88 58,86",
        ),
        (
            "6,14 20,0 36,6 38,28 28,54 14,78 4,94 8,98 26,97 46,96 66,94",
            "10,20 14,2 34,0 40,22 30,50 16,74 6,88 12,98 30,100 56,92 74,84",
        ),
    ),
    3: (
        (
            "4,12 22,0 46,4 50,26 34,42 18,46 18,46 42,50 54,70 42,94 20,100 0,90",
            "8,18 20,2 38,2 44,20 34,38 22,46 22,46 38,50 46,68 38,90 18,100 -2,96",
        ),
        (
            "2,4 20,3 38,2 52,2 52,2 40,18 20,40 20,40 42,44 54,66 42,92 16,100 0,90",
            "6,2 24,4 40,2 48,4 48,4 38,20 26,36 26,36 44,44 50,66 36,90 14,98 -4,94",
        ),
        (
            "8,14 24,2 44,8 42,30 24,44 30,46 50,58 50,84 26,100 2,92",
            "4,8 20,0 36,10 36,28 16,40 26,42 44,54 46,80 24,98 6,100",
        ),
    ),
    4: (
        (
            "48,0 32,22 16,44 0,66 0,66 26,66 52,66 74,66 / 48,0 48,33 48,66 48,100",
            "34,0 24,26 14,52 2,80 2,80 24,80 44,79 66,78 / 36,2 36,30 36,66 36,96",
        ),
        (
            (
                "46,30 46,52 46,76 46,100 46,100 46,66 46,33 46,0 46,0 30,18 14,38 0,56 0,56 "
                "20,57 40,57 62,56"
            ),
            (
                "40,30 38,52 36,76 34,100 34,100 37,66 40,33 44,0 44,0 26,14 10,28 -4,40 -4,40 "
                "12,42 28,44 44,44"
            ),
        ),
        (
            "48,0 30,18 14,36 0,52 0,52 18,54 36,54 50,52 / 48,0 48,34 47,68 46,100",
            "44,0 26,8 12,20 0,32 0,32 16,36 32,38 46,38 / 44,0 45,34 45,68 45,100",
        ),
        (
            "10,0 8,18 4,38 0,54 0,54 20,55 40,55 62,54 / 48,16 47,44 45,72 44,100",
            "22,0 14,20 6,42 0,62 0,62 22,62 44,60 66,58 / 44,28 42,52 38,76 36,100",
        ),
        (
            "26,0 18,30 10,60 2,84 2,84 22,85 42,85 60,84 / 34,46 34,64 33,82 33,100",
            "20,0 14,26 8,54 2,76 2,76 18,77 36,77 52,76 / 30,40 30,60 30,80 30,98",
        ),
        (
            "6,2 4,20 4,38 12,46 28,46 44,42 / 46,0 46,34 45,68 44,100",
            "0,6 2,24 8,40 20,48 34,44 48,36 / 50,2 47,34 44,68 40,100",
        ),
    ),
    5: (
        (
            "10,2 8,18 6,32 4,46 4,46 20,38 40,42 52,62 44,90 20,100 0,92 / 10,2 26,2 42,1 58,0",
            "14,2 11,18 8,32 6,44 6,44 26,34 46,42 54,66 40,94 14,100 -8,88 / 12,6 28,4 46,2 64,-2",
        ),
        (
            "58,0 42,2 28,3 12,4 12,4 10,20 8,34 6,46 6,46 26,38 46,46 52,68 40,94 18,100 -2,90",
            "66,2 48,2 32,4 18,6 18,6 14,22 10,34 8,42 8,42 30,44 44,56 44,76 30,96 10,100 -10,94",
        ),
        (
            "60,2 40,0 20,8 16,26 28,42 44,56 46,80 26,100 0,92",
            "56,4 36,2 20,14 20,32 34,46 46,62 40,86 20,98 2,96",
        ),
    ),
    6: (
        (
            "46,0 26,14 10,38 2,66 10,92 30,100 48,86 50,66 34,54 16,62 4,76",
            "34,0 20,18 8,42 4,70 12,94 28,98 40,86 40,70 28,60 14,66 6,80",
        ),
        (
            "30,0 14,24 4,50 4,78 18,98 40,96 52,78 44,60 26,56 8,62 -10,72",
            "22,0 12,24 6,50 8,78 22,98 40,94 46,76 36,62 18,62 0,68 -22,76",
        ),
        (
            "40,2 20,4 8,24 4,54 8,86 28,100 50,90 52,66 34,52 14,58 4,68",
            "48,6 28,0 12,18 6,48 8,80 26,98 46,92 52,72 38,58 20,60 8,74",
        ),
    ),
    7: (
        (
            "2,14 14,2 34,2 46,12 42,38 32,66 30,90 40,99",
            "2,6 18,4 36,4 50,4 44,32 34,64 36,92 50,96",
        ),
        (
            "0,6 20,5 38,4 54,4 46,32 34,64 34,90 46,98 / 12,54 26,52 42,50 56,48",
            "2,14 14,2 34,2 46,12 40,38 30,66 30,90 42,99 / 8,56 22,54 36,50 52,46",
        ),
        (
            "0,4 20,4 38,3 58,2 58,2 46,34 34,66 22,100",
            "0,8 16,6 34,3 50,0 50,0 40,33 34,66 30,100",
        ),
        (
            "0,4 20,4 38,3 58,2 58,2 46,34 34,66 22,100 / 14,52 28,51 42,50 56,49",
            "2,8 18,6 32,5 48,4 48,4 40,36 32,68 26,100 / 6,48 20,50 36,50 52,46",
        ),
        (
            "2,18 2,12 2,6 4,4 4,4 22,4 40,3 58,2 58,2 46,34 36,66 28,100",
            "0,40 2,28 3,16 4,6 4,6 20,5 34,4 46,4 46,4 42,34 38,66 34,100",
        ),
        ("2,10 18,2 42,2 52,14 42,42 30,70 24,100", "0,18 12,4 34,0 44,14 40,42 36,70 34,100"),
        (
            "2,10 18,2 42,2 52,14 42,42 30,70 24,100 / 12,54 28,52 40,50 56,48",
            "0,18 12,4 34,0 44,14 40,42 36,70 34,100 / 14,58 28,54 44,52 60,46",
        ),
    ),
    8: (
        (
            "58,-4 36,2 14,8 14,28 30,44 48,64 44,92 22,100 6,84 14,62 34,46 48,26 40,6",
            "64,4 44,0 20,4 12,22 24,42 42,62 40,92 18,98 4,80 14,58 34,44 50,24 54,2",
        ),
        (
            "46,10 28,0 10,12 14,32 34,48 50,66 44,94 22,100 4,84 12,62 34,44 48,26 44,6",
            "40,12 26,0 10,10 12,30 28,46 42,66 38,92 20,100 4,88 8,66 28,48 44,32 48,14",
        ),
        (
            "28,0 10,10 10,32 28,44 46,32 46,10 26,0 / 28,44 6,58 4,84 26,100 50,86 48,58 26,44",
            "26,0 12,8 12,26 26,36 40,26 40,8 24,2 / 26,36 8,52 4,80 24,100 48,84 46,54 28,38",
        ),
        (
            "20,46 6,28 12,6 32,0 46,16 36,38 16,52 2,76 16,98 40,94 46,72 32,54 12,40",
            "28,48 12,32 14,8 30,0 42,14 34,36 18,54 8,80 20,100 38,92 42,72 34,56 20,44",
        ),
    ),
    9: (
        (
            "48,14 30,0 8,10 4,32 18,48 40,40 50,14 50,14 49,42 47,72 45,100",
            "36,10 24,0 10,6 6,22 16,32 30,26 36,8 36,8 34,40 30,72 26,100",
        ),
        (
            "48,14 30,0 8,10 4,32 18,48 40,40 50,14 50,14 50,50 46,84 28,100 4,94",
            "44,12 28,0 8,8 6,30 20,42 38,34 46,12 46,12 48,46 50,80 30,98 8,98",
        ),
        (
            "40,6 20,0 4,16 10,34 30,32 42,10 42,10 34,40 24,72 14,100",
            "32,4 16,0 4,12 8,26 22,26 34,8 34,8 24,40 14,70 4,100",
        ),
        (
            (
                "0,2 0,14 0,26 2,36 2,36 22,37 40,37 56,36 56,36 55,24 54,12 52,2 52,2 36,0 18,1 "
                "0,4 / 56,34 56,56 55,78 54,98 54,98 38,98 20,99 0,100"
            ),
            (
                "8,2 0,12 2,24 6,34 6,34 20,40 40,36 54,30 54,30 54,22 54,14 50,4 50,4 40,0 "
                "20,-1 8,2 / 54,26 54,50 52,72 48,92 48,92 38,98 20,99 4,94"
            ),
        ),
    ),
}


def cell(digit: int, rng: np.random.Generator) -> Ink:
    """A digit written with any pen at any size, pictured and read: uint8 [28, 28]."""
    height = np.exp(rng.uniform(np.log(12), np.log(110)))
    ink = draw(digit, height, max(1.0, height * rng.uniform(0.01, 0.15)), rng)
    seen = pictured(ink, rng)
    return normalise(ink) if seen is None else seen


def draw(digit: int, height: float, thickness: float, rng: np.random.Generator) -> Ink:
    """Write a digit with a round pen.

    Args:
        digit: 0 to 9.
        height: Of the digit before it is slanted and turned, pixels.
        thickness: Of the pen, pixels.
        rng: Chooses the form, and moves every point of it.

    Returns:
        Coverage with ink, uint8 [H, W], with a margin of at least two pixels on each side.
    """
    forms = _FORMS[digit]
    first, second = forms[rng.integers(len(forms))]
    between = rng.uniform(-0.15, 1.15)
    wobble = rng.uniform(0.5, 3.5)
    slant, turn = np.tan(np.radians(rng.normal(6, 9))), np.radians(rng.normal(0, 5))
    bearing = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.array(
        [[np.exp(rng.uniform(np.log(0.55), np.log(1.3))), -slant], [0, 1]]
    )
    lines = []
    for one, other in zip(first.split(" / "), second.split(" / "), strict=True):
        start, end = (_stroke(points, wobble, rng) for points in (one, other))
        lines.append((start + between * (end - start)) @ bearing.T * (height / 100))
    everything = np.concatenate(lines)
    margin = thickness / 2 + 2.5
    corner = everything.min(axis=0) - margin
    columns, rows = np.ceil(everything.max(axis=0) + margin - corner).astype(int)
    return pen([line - corner for line in lines], (int(rows), int(columns)), thickness)


def rounded(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A smooth line near the points, float64 [n, 2]: its corners cut thrice (Chaikin 1974)."""
    for _ in range(3):
        quarter, three_quarters = (
            points[:-1] * (1 - share) + points[1:] * share for share in (0.25, 0.75)
        )
        cut = np.stack([quarter, three_quarters], axis=1).reshape(-1, 2)
        points = np.concatenate([points[:1], cut, points[-1:]])
    return points


def pen(lines: list[NDArray[np.float64]], shape: tuple[int, int], thickness: float) -> Ink:
    """Lines, each float64 [n, 2] of x, y in pixels, drawn with a round pen: uint8 [H, W]."""
    zoom = 1 if thickness >= 6 else 2 if thickness >= 3 else 4  # a pen is a whole number of pixels
    ink = np.zeros((shape[0] * zoom, shape[1] * zoom), np.uint8)
    width = max(1, round(thickness * zoom))
    for line in lines:
        fixed = np.rint(((line + 0.5) * zoom - 0.5) * 16).astype(np.int32)
        cv2.polylines(ink, [fixed], False, 255, width, cv2.LINE_AA, 4)
    if zoom == 1:
        return ink
    return np.asarray(
        cv2.resize(ink, (shape[1], shape[0]), interpolation=cv2.INTER_AREA), dtype=np.uint8
    )


def _stroke(stroke: str, wobble: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A stroke of a form with every point moved, float64 [n, 2]; n follows from its corners."""
    points = np.array([point.split(",") for point in stroke.split()], np.float64)
    corners = np.flatnonzero((points[1:] == points[:-1]).all(axis=1)) + 1
    points += rng.normal(0, wobble, points.shape)
    points[corners] = points[corners - 1]
    return np.concatenate([_even(rounded(piece)) for piece in np.split(points, corners)])


def _even(line: NDArray[np.float64], count: int = 24) -> NDArray[np.float64]:
    """As many points as asked for, at even distances along a line."""
    way = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    even = np.linspace(0, way[-1], count)
    return np.column_stack([np.interp(even, way, line[:, axis]) for axis in (0, 1)])
