"""What is printed on a page: rulings, boxes, underlines, tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.surfaces import Grid, Segment

BOX = 1.4  # width of a printed box, in heights of a digit
_BOX_HEIGHT = 1.6


@dataclass(frozen=True)
class Form:
    """What is printed on the page; all off by default. A tone is 0 none to 1 as dark as ink."""

    rulings: float = 0
    """Tone of rulings, beside those that the paper has."""
    squared: bool = False
    """Rulings downwards too."""
    boxes: float = 0
    """Tone of a box around each digit."""
    underline: float = 0
    """Tone of a line below each number."""
    table: float = 0
    """Tone of lines between the lines and the words of the writing, and around it."""
    crossing: float = 0
    """Share of digits, or of lines, that touch or cross what is printed nearest to them."""


def in_box(
    cursor: float,
    baseline: float,
    wide: float,
    deep: float,
    crossing: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Where a digit stands in its box: within it, or over one of its sides."""
    middle = np.array([cursor + BOX / 2, baseline - 0.5])
    half_box, half = np.array([BOX, _BOX_HEIGHT]) / 2, np.array([wide, deep]) / 2
    free = np.clip(half_box - half - 0.14, 0, None)
    offset = rng.uniform(-1, 1, 2) * np.minimum(free, 0.12)
    if rng.random() < crossing:
        axis, side = int(rng.integers(2)), rng.choice((-1, 1))
        # Sideways not so far that it meets the digit in the next box, which may come as far.
        over = rng.uniform(-0.03, 0.14 if axis else min(0.06, half[0]))
        offset[axis] = side * (half_box[axis] - half[axis] + over)
    return np.asarray(middle + offset - half, np.float64)


def print_form(
    form: Form,
    words: Sequence[tuple[int, float, float]],
    lines: int,
    pitch: float,
    rng: np.random.Generator,
) -> list[Segment]:
    """Print what belongs to the writing, in heights of a digit.

    Args:
        form: What to print.
        words: Number of the line and where it begins and ends, for each word.
        lines: How many lines there are.
        pitch: Distance of their baselines; the first is at 0.
        rng: Chooses what is crossed.
    """
    printed: list[Segment] = []
    if form.boxes > 0:
        for number, begin, end in words:
            top = number * pitch - 0.5 - _BOX_HEIGHT / 2
            count = round((end - begin) / BOX)
            sides = begin + BOX * np.arange(count + 1)
            printed += [_upright(x, top, top + _BOX_HEIGHT, form.boxes) for x in sides]
            printed += [
                _level(y, sides[0], sides[-1], form.boxes) for y in (top, top + _BOX_HEIGHT)
            ]
    if form.underline > 0:
        for number, begin, end in words:
            crosses = rng.random() < form.crossing
            below = rng.uniform(-0.1, 0.06) if crosses else rng.uniform(0.18, 0.28)
            printed.append(_level(number * pitch + below, begin - 0.15, end - 0.1, form.underline))
    if form.table > 0:
        left = min(begin for _, begin, _ in words) - 0.4
        right = max(end for _, _, end in words) + 0.1
        levels = [0.22 + number * pitch for number in range(-1, lines)]
        # The uppermost has no digits above it.
        for number in range(1, len(levels)):
            levels[number] -= rng.uniform(0.15, 0.35) if rng.random() < form.crossing else 0
        printed += [_level(y, left, right, form.table) for y in levels]
        splits = [
            (before[2] + after[1]) / 2 - 0.2
            for before, after in pairwise(words)
            if before[0] == after[0]
        ]
        printed += [
            _upright(x, levels[0], levels[-1], form.table) for x in (left, right, *splits[:1])
        ]
    return printed


def _level(y: float, left: float, right: float, tone: float) -> Segment:
    return Segment(np.array([[left, y], [right, y]]), 0.025, tone)


def _upright(x: float, top: float, bottom: float, tone: float) -> Segment:
    return Segment(np.array([[x, top], [x, bottom]]), 0.025, tone)


def print_rulings(
    grid: Grid, unit: float, size: tuple[int, int], form: Form, rng: np.random.Generator
) -> list[Segment]:
    """Lines all over the page, far beyond its edges, for a tilted camera sees these."""
    height, width = size
    distance = grid.pitch / (2 if form.squared else 1)
    # Above the baselines they run through the feet of all the digits.
    up = rng.uniform(0.3, 0.6) if rng.random() < form.crossing else 0.0
    first = (grid.origin[1] - up * unit) % distance - np.ceil(height / distance) * distance
    thickness = 0.02 * unit
    lines = [
        Segment(np.array([[-width, y], [2.0 * width, y]]), max(1, thickness), form.rulings)
        for y in np.arange(first, 2 * height, distance)
    ]
    if form.squared:
        first = grid.origin[0] % distance - np.ceil(width / distance) * distance
        lines += [
            Segment(np.array([[x, -height], [x, 2.0 * height]]), max(1, thickness), form.rulings)
            for x in np.arange(first, 2 * width, distance)
        ]
    return lines
