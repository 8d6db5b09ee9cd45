"""The hand that writes: digits from strokes or from cells, whole, broken, against each other."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.cell_outlines import cell_outlines
from benchmarks.datasets import LabelledCells
from benchmarks.strokes import digit_strokes

Strokes = list[NDArray[np.float64]]
"""Each float64 [n, 2]: points x, y that the pen passes, y down."""


class Written(NamedTuple):
    """One thing that the pen wrote."""

    strokes: Strokes  # x, y in heights of a digit, or in pixels of the page
    height: float  # of a digit there, in the same
    filled: bool = False  # whether the strokes are outlines, the inside of which is ink

    def moved(self, x: float, y: float) -> "Written":
        """The same elsewhere."""
        return self._replace(strokes=[stroke + np.array([x, y]) for stroke in self.strokes])

    @property
    def bottom(self) -> float:
        """The y where it ends."""
        return float(max(stroke[:, 1].max() for stroke in self.strokes))

    @property
    def right(self) -> float:
        """The x where it ends."""
        return float(max(stroke[:, 0].max() for stroke in self.strokes))


@dataclass(frozen=True)
class Hand:
    """Who writes, and with how thick a pen."""

    style: str
    """A name in `benchmarks.strokes.STYLES`."""
    thickness: float
    """Of the pen, as a fraction of the digit's height."""
    cells: LabelledCells | None = None
    """If given, digits have the shapes of these cells, whatever the style."""


def write_digit(
    label: int,
    tall: float,
    hand: Hand,
    broken: float,
    rng: np.random.Generator,
    extras: np.random.Generator,
) -> Written:
    """A digit whose box begins at 0, 0."""
    if hand.cells is None:
        strokes, filled = digit_strokes(label, hand.style, rng), False
    else:
        chosen = rng.choice(np.flatnonzero(hand.cells.labels == label))
        strokes, filled = cell_outlines(hand.cells.cells[chosen], broken, extras), True
    if broken > 0 and not filled:
        strokes = _broken(strokes, broken, hand.thickness, extras)
    return Written([tall * stroke for stroke in strokes], tall, filled)


def _broken(
    strokes: Strokes, strength: float, thickness: float, rng: np.random.Generator
) -> Strokes:
    """Strokes that were lifted early, set apart, and skipped in the middle."""
    pieces: Strokes = []
    for number, stroke in enumerate(strokes):
        apart = rng.normal(0, 0.05 * strength, 2) if number else np.zeros(2)
        moved = stroke + apart
        if rng.random() < strength:
            way = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(moved, axis=0), axis=1))])
            # The pen is round: its ends close a thickness of the gap.
            gap = thickness + rng.uniform(0.03, 0.17) * strength
            middle = rng.uniform(0.2, 0.8) * way[-1]
            halves = moved[way < middle - gap / 2], moved[way > middle + gap / 2]
            if min(map(len, halves)) >= 2:
                pieces += halves
                continue
        pieces.append(moved)
    corner = np.concatenate(pieces).min(axis=0)
    return [piece - corner for piece in pieces]


def against(
    previous: Written, digit: Written, thickness: float, rng: np.random.Generator
) -> Written:
    """A digit moved left until its ink meets that of the one before it."""
    near = thickness * previous.height * rng.uniform(0.5, 0.95)
    if digit.filled:
        near = 0.02
    a, b = np.concatenate(previous.strokes), np.concatenate(digit.strokes)
    dx, dy = np.moveaxis(b[None] - a[:, None], 2, 0)
    level = np.abs(dy) < near
    if level.any():
        free = dx[level] - np.sqrt(near**2 - dy[level] ** 2)
        # Of digits that are curved towards each other, a slight overlap is natural.
        step = np.array([free.min() + (rng.uniform(0.01, 0.05) if digit.filled else 0), 0])
    else:
        step = np.array([b[:, 0].min() - a[:, 0].max(), 0])
    return digit._replace(strokes=[stroke - step for stroke in digit.strokes])
