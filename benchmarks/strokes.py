"""The hand: digits as pen strokes, in several people's handwriting, never twice the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

# Each form is one way to write a digit: the points x,y that the pen passes, x right, y down, in
# hundredths of the digit's height; " / " lifts the pen. A point given twice is a corner, where the
# pen halts and turns.
FORMS: Mapping[str, str] = MappingProxyType(
    {
        "0": "34,1 17,7 5,27 2,53 9,82 27,98 46,89 57,62 56,30 44,8 30,2",
        "0-overlapped": "43,6 28,1 10,16 2,48 7,82 26,99 47,88 57,58 54,25 40,5 26,7",
        "1": "8,0 9,34 7,67 7,100",
        "1-flagged": "-7,16 4,9 12,0 12,0 12,34 11,67 11,100",
        "2": "4,23 11,7 28,0 47,7 53,25 43,49 23,75 2,97 2,97 20,95 40,96 61,95",
        "2-looped": (
            "7,19 17,4 35,0 50,11 49,31 35,59 17,85 5,97 -3,91 5,82 19,86 36,95 48,98 61,91"
        ),
        "3": "5,12 18,1 38,2 49,16 42,35 20,46 20,46 42,49 54,67 48,89 26,100 2,91",
        "3-swung": "7,9 24,0 43,6 48,23 36,40 21,46 37,48 53,61 54,81 38,98 17,99 2,88",
        "4-open": "12,3 8,22 4,42 1,57 1,57 20,57 42,55 62,53 / 46,5 44,36 42,68 40,100",
        "4-hurried": "15,7 8,26 3,45 10,55 30,54 58,49 / 47,0 44,35 40,68 37,100",
        "4-closed": "42,0 30,19 15,42 0,63 0,63 22,64 44,63 63,61 / 42,0 43,34 42,67 41,100",
        "5": ("12,3 10,22 7,43 7,43 22,36 42,40 53,58 50,80 32,97 13,98 0,89 / 13,4 32,3 56,1"),
        "5-unbroken": "56,1 36,2 16,3 16,3 12,22 9,42 9,42 27,38 46,47 53,66 44,87 23,99 1,93",
        "6": "45,1 27,14 12,36 3,62 8,87 26,99 45,90 50,72 39,57 21,59 5,75",
        "6-straight": "34,0 19,25 6,52 2,76 11,94 29,99 45,87 45,69 31,58 14,66 4,82",
        "7": "1,6 20,5 38,4 57,2 57,2 44,30 32,63 23,100",
        "7-rounded": "1,12 18,3 40,3 52,10 47,32 35,63 27,100",
        "7-crossed": "1,6 20,5 38,4 57,2 57,2 44,30 32,63 23,100 / 18,50 34,49 52,47",
        "8": ("46,10 29,0 11,10 11,29 29,46 47,63 51,84 29,100 6,86 9,65 28,46 44,31 48,17 41,5"),
        "8-ringed": (
            "30,0 13,10 12,30 29,43 46,32 46,11 27,0 / 30,43 10,55 6,80 28,99 51,85 51,58 27,43"
        ),
        "9": "47,14 34,1 14,5 3,25 10,46 28,48 42,35 49,15 49,15 48,44 46,72 43,100",
        "9-tailed": "46,15 32,1 13,6 3,27 12,47 30,47 43,33 48,15 48,15 50,44 46,74 33,95 12,98",
    }
)


@dataclass(frozen=True)
class Style:
    """One person's handwriting: the form chosen for each digit, and the bearing of all of them."""

    forms: str
    """Names in `FORMS`, for the digits 0 to 9 in turn, separated by spaces."""
    slant: float
    """Lean of the verticals to the right, in degrees."""
    width: float
    """Width of the digits, 1 as in `FORMS`."""
    wobble: float
    """Standard deviation of each point, as a fraction of the digit's height."""


STYLES: Mapping[str, Style] = MappingProxyType(
    {
        "round": Style(
            "0 1 2 3 4-open 5 6 7 8 9",
            slant=2,
            width=1.22,
            wobble=0.014,
        ),
        "slanted": Style(
            "0-overlapped 1 2 3-swung 4-open 5-unbroken 6-straight 7 8 9",
            slant=15,
            width=0.98,
            wobble=0.012,
        ),
        "school": Style(
            "0 1 2 3 4-open 5 6-straight 7 8-ringed 9",
            slant=6,
            width=0.84,
            wobble=0.01,
        ),
        "quick": Style(
            "0-overlapped 1 2-looped 3-swung 4-hurried 5-unbroken 6 7-rounded 8 9-tailed",
            slant=9,
            width=1.08,
            wobble=0.02,
        ),
        "continental": Style(
            "0 1-flagged 2 3 4-closed 5 6 7-crossed 8 9-tailed",
            slant=5,
            width=1.02,
            wobble=0.012,
        ),
        "looped": Style(
            "0-overlapped 1 2-looped 3 4-hurried 5 6 7-rounded 8-ringed 9",
            slant=-4,
            width=1.1,
            wobble=0.014,
        ),
    }
)

# Shares of a stroke over which the pen settles on the paper and leaves it.
_LANDING, _LEAVING = 0.10, 0.18
_SUPERSAMPLING = 4
_SUBPIXEL_BITS = 4


def digit_strokes(digit: int, style: str, rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Write a digit once.

    Args:
        digit: 0 to 9.
        style: A name in `STYLES`.
        rng: Moves every point a little, and varies slant, width and rotation.

    Returns:
        The strokes, each float64 [n, 2]: points x, y along a smooth line, y down. All together they
        touch the left and upper edge of the unit box and fill its height or its width.

    Raises:
        ValueError: No such digit or style.
    """
    if digit not in range(10):
        raise ValueError(f"there is no digit {digit}; give 0 to 9")
    if style not in STYLES:
        raise ValueError(f"there is no style {style!r}; choose one of {', '.join(STYLES)}")
    person = STYLES[style]
    return write(
        points_of(FORMS[person.forms.split()[digit]]),
        slant=person.slant,
        width=person.width,
        wobble=person.wobble,
        rng=rng,
    )


def points_of(form: str) -> list[NDArray[np.float64]]:
    """The points of each stroke of a form that is noted as those in `FORMS`: float64 [n, 2]."""
    return [
        np.array([point.split(",") for point in stroke.split()], np.float64) / 100
        for stroke in form.split(" / ")
    ]


def write(
    form: Sequence[NDArray[np.float64]],
    *,
    slant: float,
    width: float,
    wobble: float,
    rng: np.random.Generator,
) -> list[NDArray[np.float64]]:
    """Write a form once, with an unsteady hand.

    Args:
        form: Strokes of two points or more, each float64 [n, 2]: points x, y that the pen passes,
            y down, about 1 in height. A point given twice is a corner.
        slant: Lean of the verticals to the right, in degrees.
        width: Width of the form, 1 as it is given.
        wobble: Standard deviation of each point.
        rng: Moves every point a little, and varies slant, width and rotation.

    Returns:
        The strokes, each float64 [n, 2]: points x, y along a smooth line, y down. All together they
        touch the left and upper edge of the unit box and fill its height or its width.
    """
    strokes = [_smooth(points, wobble, rng) for points in form]
    lean = np.tan(np.radians(slant + rng.normal(0, 2)))
    scale = width * rng.normal(1, 0.04)
    turn = np.radians(rng.normal(0, 1.5))
    bearing = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.array(
        [[scale, -lean], [0, 1]]
    )
    strokes = [stroke @ bearing.T for stroke in strokes]
    everything = np.concatenate(strokes)
    corner, extent = everything.min(axis=0), np.ptp(everything, axis=0).max()
    return [(stroke - corner) / extent for stroke in strokes]


def draw_strokes(
    strokes: Sequence[NDArray[np.float64]],
    shape: tuple[int, int],
    *,
    thickness: float,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Draw strokes with a round pen whose pressure varies.

    Args:
        strokes: Each float64 [n, 2]: points x, y in pixels; what lies outside is cut off.
        shape: Height and width of the result, pixels.
        thickness: Width of the pen, pixels.
        rng: Varies the pressure.

    Returns:
        The coverage with ink, uint8 [height, width]: 0 none, 255 full, between them at edges.
    """
    height, width = shape
    # Only the part around the ink is drawn large: a page holds many digits.
    everything = np.concatenate(strokes)
    left, top = np.clip(np.floor(everything.min(axis=0) - thickness), 0, [width, height])
    right, bottom = np.clip(np.ceil(everything.max(axis=0) + thickness), 0, [width, height])
    ink = np.zeros((height, width), np.uint8)
    if left >= right or top >= bottom:
        return ink
    part = slice(int(top), int(bottom)), slice(int(left), int(right))
    rows, columns = ink[part].shape
    large = np.zeros((rows * _SUPERSAMPLING, columns * _SUPERSAMPLING), np.uint8)
    for stroke in strokes:
        along, points = _even_steps(stroke, step=max(thickness / 8, 0.25))
        radii = thickness / 2 * _pressure(along, rng)
        # OpenCV puts integer coordinates at the centres of pixels.
        centres = (points - (left, top)) * _SUPERSAMPLING - 0.5
        fixed = np.rint(centres * 2**_SUBPIXEL_BITS).astype(int).tolist()
        fixed_radii = np.rint(radii * _SUPERSAMPLING * 2**_SUBPIXEL_BITS).astype(int).tolist()
        for centre, radius in zip(fixed, fixed_radii, strict=True):
            cv2.circle(large, centre, radius, 255, cv2.FILLED, cv2.LINE_8, _SUBPIXEL_BITS)
    ink[part] = cv2.resize(large, (columns, rows), interpolation=cv2.INTER_AREA)
    return ink


def _smooth(
    points: NDArray[np.float64], wobble: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """A curve through the points, each moved a little, with a corner at points given twice."""
    moved = points + rng.normal(0, wobble, points.shape)
    corners = np.flatnonzero((points[1:] == points[:-1]).all(axis=1)) + 1
    moved[corners] = moved[corners - 1]
    return np.concatenate([_curve(piece) for piece in np.split(moved, corners)])


def _curve(points: NDArray[np.float64], steps: int = 12) -> NDArray[np.float64]:
    """The Catmull-Rom curve through the points, as Hermite pieces of `steps` points each."""
    # Centripetal: the square root of the distance keeps uneven points from making loops.
    gaps = np.sqrt(np.linalg.norm(np.diff(points, axis=0), axis=1))
    times = np.concatenate([[0], np.cumsum(gaps)])
    tangents = np.gradient(points, times, axis=0, edge_order=1 if len(points) < 3 else 2)
    t = np.linspace(0, 1, steps)[None, :, None]
    gap = gaps[:, None, None]
    start, end = points[:-1, None], points[1:, None]
    leaving, arriving = tangents[:-1, None] * gap, tangents[1:, None] * gap
    pieces = (
        (2 * t**3 - 3 * t**2 + 1) * start
        + (t**3 - 2 * t**2 + t) * leaving
        + (3 * t**2 - 2 * t**3) * end
        + (t**3 - t**2) * arriving
    )
    return np.asarray(pieces.reshape(-1, 2), np.float64)


def _even_steps(
    stroke: NDArray[np.float64], step: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points at even distances along a stroke, and each one's way along it, 0 to 1."""
    way = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(stroke, axis=0), axis=1))])
    even = np.linspace(0, way[-1], max(2, int(np.ceil(way[-1] / step)) + 1))
    points = np.column_stack([np.interp(even, way, stroke[:, axis]) for axis in (0, 1)])
    return np.linspace(0, 1, len(even)), points


def _pressure(along: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Relative width of the pen along a stroke: it lands, sways slowly, and lifts at the end."""
    knots = np.linspace(0, 1, 5)
    sway = np.interp(along, knots, rng.normal(1, 0.06, len(knots)))
    landing = 0.88 + 0.12 * np.clip(along / _LANDING, 0, 1)
    leaving = 0.70 + 0.30 * np.clip((1 - along) / _LEAVING, 0, 1)
    return np.asarray(sway * landing * leaving, np.float64)
