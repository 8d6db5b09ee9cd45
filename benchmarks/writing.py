"""Lines of writing: digits and what is beside them, set from left to right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benchmarks.hand import Hand, Written, against, write_digit
from benchmarks.printed import BOX, Form, in_box
from benchmarks.strays import Strays, after, before, between

_LINE_PITCH = 1.45  # distance of baselines in heights of a digit: room for the largest
_EMPTY_LINES = 4  # on a page without digits


@dataclass(frozen=True)
class Layout:
    """How the hand sets the digits; all off by default."""

    slope: float = 0
    """Degrees by which lines climb; the verticals stay upright."""
    curve: float = 0
    """Lines bent up or down in the middle: 0 straight to 1, by a fifth of the longest line."""
    uneven: float = 0
    """Sizes within a line: 0 alike to 1, from half to one and a half."""
    touching: float = 0
    """Share of neighbours that touch or overlap a little."""
    broken: float = 0
    """Gaps in the strokes: 0 none to 1, in each stroke, up to a sixth of the digit's height."""
    ragged: float = 0
    """Lines that begin further right: 0 alike to 1, by up to two digits' heights."""


class Lines(NamedTuple):
    """Writing with digits of height 1 on baselines 0, pitch, 2 pitch ..."""

    digits: list[Written]
    strays: list[Written]
    words: list[tuple[int, float, float]]  # number of the line, where a word begins and ends
    number: int
    pitch: float


def write_lines(
    lines: Sequence[str],
    hand: Hand,
    layout: Layout,
    strays: Strays,
    form: Form,
    rng: np.random.Generator,
    extras: np.random.Generator,
) -> Lines:
    """Write lines from left to right on baselines that wander a little.

    Args:
        lines: Digits, and spaces for gaps between words; none for a page of strays only.
        hand: Who writes.
        layout: How the lines are set.
        strays: What is written beside digits.
        form: What is printed; of it, boxes say where the digits go.
        rng: Moves the hand.
        extras: Decides about layout, strays and form, so that these do not move the digits.
    """
    pitch = _LINE_PITCH * (1 + 0.4 * layout.uneven + 0.15 * (form.underline > 0))
    if form.boxes > 0:
        pitch *= 1.4
    written = Lines([], [], [], len(lines) or _EMPTY_LINES, pitch)
    climb = rng.normal(0, 0.012)  # the same for all lines, or long ones would meet
    for number, line in enumerate(lines or [""] * _EMPTY_LINES):
        cursor = rng.uniform(0, 0.5) + 2 * layout.ragged * extras.random()
        baseline = number * pitch
        for stray in before(line, hand, strays, extras):
            written.strays.append(stray.moved(cursor, baseline))
            cursor = written.strays[-1].right + extras.uniform(0.3, 0.6)
        for place, word in enumerate(line.split() or [""]):
            begun = cursor = cursor + (extras.uniform(0.9, 1.5) if place else 0)
            if form.boxes > 0:
                cursor = _fill_boxes(
                    written, word, cursor, baseline, hand, layout, form, rng, extras
                )
            else:
                cursor = _write_word(
                    written, word, cursor, baseline, climb, hand, layout, strays, rng, extras
                )
            # Where nothing is to be written, there is room for it nevertheless.
            cursor += 0 if word else BOX * int(extras.integers(3, 7))
            written.words.append((number, begun, cursor))
        for stray in after(hand, strays, extras):
            written.strays.append(stray.moved(cursor + extras.uniform(0, 0.3), baseline))
            cursor = written.strays[-1].right + 0.3
    return _bent(written, layout, extras) if layout.slope or layout.curve else written


def _write_word(
    written: Lines,
    word: str,
    cursor: float,
    baseline: float,
    climb: float,
    hand: Hand,
    layout: Layout,
    strays: Strays,
    rng: np.random.Generator,
    extras: np.random.Generator,
) -> float:
    """Add a word that begins at a cursor; return where the next may begin."""
    previous: Written | None = None
    for place, label in enumerate(word):
        digit = write_digit(
            int(label), _height(layout, rng, extras), hand, layout.broken, rng, extras
        )
        wide, deep = digit.right, digit.bottom
        wander = float(np.clip(rng.normal(0, 0.03), -0.06, 0.06))
        digit = digit.moved(cursor, baseline - climb * cursor + wander - deep)
        if previous and layout.touching > 0 and extras.random() < layout.touching:
            digit = against(previous, digit, hand.thickness, extras)
            cursor = digit.right - wide
        written.digits.append(digit)
        previous = digit
        cursor += wide + rng.uniform(0.26, 0.5)
        for stray in between(strays, extras) if place + 1 < len(word) else []:
            written.strays.append(stray.moved(digit.right + extras.uniform(0.1, 0.2), baseline))
            cursor = max(cursor, written.strays[-1].right + extras.uniform(0.15, 0.3))
            previous = None
    return cursor


def _fill_boxes(
    written: Lines,
    word: str,
    cursor: float,
    baseline: float,
    hand: Hand,
    layout: Layout,
    form: Form,
    rng: np.random.Generator,
    extras: np.random.Generator,
) -> float:
    """Add a word, each digit in its printed box; return where the last box ends."""
    for label in word:
        digit = write_digit(
            int(label), _height(layout, rng, extras), hand, layout.broken, rng, extras
        )
        origin = in_box(cursor, baseline, digit.right, digit.bottom, form.crossing, extras)
        written.digits.append(digit.moved(*origin))
        cursor += BOX
    return cursor


def _height(layout: Layout, rng: np.random.Generator, extras: np.random.Generator) -> float:
    tall = float(np.clip(rng.normal(1, 0.05), 0.88, 1.12))
    if layout.uneven > 0:
        tall *= float(np.clip(1 + layout.uneven * extras.normal(0, 0.35), 0.5, 1.5))
    return tall


def _bent(written: Lines, layout: Layout, rng: np.random.Generator) -> Lines:
    """Lines that climb and sag together, so that they keep their distances."""
    everything = np.concatenate(
        [stroke for item in written.digits + written.strays for stroke in item.strokes]
        or [np.zeros((1, 2))]
    )
    left, right = everything[:, 0].min(), everything[:, 0].max()
    length = right - left
    # Slopes and curves go either way, whichever comes.
    rise = np.tan(np.radians(layout.slope)) * rng.choice((-1, 1))
    sag = 0.2 * length * layout.curve * rng.choice((-1, 1))

    def bend(item: Written) -> Written:
        bent = []
        for stroke in item.strokes:
            share = 2 * (stroke[:, 0] - left) / length - 1
            down = -rise * stroke[:, 0] + sag * (1 - share**2)
            bent.append(np.column_stack([stroke[:, 0], stroke[:, 1] + down]))
        return item._replace(strokes=bent)

    return written._replace(
        digits=[bend(item) for item in written.digits],
        strays=[bend(item) for item in written.strays],
    )
