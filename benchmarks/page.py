"""A page of handwriting: lines of it, placed, with what is printed around them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.camera import MARGIN
from benchmarks.hand import Hand, Written
from benchmarks.printed import Form, print_form, print_rulings
from benchmarks.strays import Strays, specks
from benchmarks.surfaces import Grid, Segment
from benchmarks.writing import Layout, write_lines


class FitError(ValueError):
    """Writing that is too large for its page."""


class Page(NamedTuple):
    """What is on a page, in its pixels."""

    digits: list[Written]
    strays: list[Written]
    printed: list[Segment]
    grid: Grid
    unit: float  # height of a digit
    area: NDArray[np.float64]  # x, y of two corners around everything that is written: [2, 2]


def lay_out(
    lines: Sequence[str],
    size: tuple[int, int],
    hand: Hand,
    digit_height: float | None,
    *,
    layout: Layout,
    form: Form,
    strays: Strays,
    room_share: float,
    pen_room: float,
    rng: np.random.Generator,
    extras: np.random.Generator,
) -> Page:
    """Write lines on a page, left to right on baselines that wander a little.

    Args:
        lines: Digits, and spaces for gaps between words; none for a page of strays only.
        size: Height and width of the page, pixels.
        hand: Who writes.
        digit_height: Pixels; None for what fills the page well.
        layout: How the lines are set.
        form: What is printed.
        strays: What is written beside digits.
        room_share: Share of the page's height and width that may be written on.
        pen_room: Thickest pen, in heights of a digit, for which there must be room.
        rng: Moves the hand.
        extras: Decides about layout, form and strays, so that these do not move the digits.

    Raises:
        FitError: The writing does not fit the page.
    """
    height, width = size
    room = room_share * (np.array([width, height]) - 2 * 1.5 * MARGIN * min(size))
    # Laid out with digits of height 1 first; the page then decides how large that is.
    written = write_lines(lines, hand, layout, strays, form, rng, extras)
    printed = print_form(form, written.words, written.number, written.pitch, extras)
    everything = np.concatenate(
        [stroke for item in written.digits + written.strays for stroke in item.strokes]
        + [segment.ends for segment in printed]
        + [np.array([[x, 0.0] for x in word[1:]]) for word in written.words if not lines]
    )
    low, high = everything.min(axis=0) - pen_room, everything.max(axis=0) + pen_room
    largest = float((room / (high - low)).min())
    unit = min(largest, 0.5 * min(size)) if digit_height is None else digit_height
    if unit > largest:
        raise FitError(
            f"digits of {unit:.0f} pixels do not fit the page; {largest:.0f} is the most here"
        )
    spare = room - unit * (high - low)
    origin = (np.array([width, height]) - room) / 2 + spare * rng.uniform(0.2, 0.8, 2) - unit * low

    def placed(item: Written) -> Written:
        return item._replace(
            strokes=[unit * stroke + origin for stroke in item.strokes], height=unit * item.height
        )

    segments = [
        segment._replace(ends=unit * segment.ends + origin, width=max(1, unit * segment.width))
        for segment in printed
    ]
    # Rulings a little below the baselines, so that the writing stands between them.
    grid = Grid((float(origin[0]), float(origin[1] + 0.2 * unit)), written.pitch * unit)
    if form.rulings > 0:
        segments += print_rulings(grid, unit, size, form, extras)
    return Page(
        [placed(item) for item in written.digits],
        [placed(item) for item in written.strays] + specks(strays, unit, size, extras),
        segments,
        grid,
        unit,
        np.array([unit * low + origin, unit * high + origin]),
    )
