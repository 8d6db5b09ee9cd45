"""Boxes in reading order: lines from top to bottom, words from left to right."""

from typing import NamedTuple

import numpy as np
import pytest

from siffra.order import in_lines, slope_of, words_of
from siffra.results import Box


class Placed(NamedTuple):
    """A digit of a text, in a place."""

    label: str
    box: Box


def page(
    *lines: str,
    slope: float = 0,
    bow: float = 0,
    pitch: float = 1.7,
    uneven: float = 0,
    seed: int = 0,
) -> list[Placed]:
    """Lines of digits, about 40 pixels high, in no order.

    Args:
        lines: What they say; a space is a gap.
        slope: Pixels down for a pixel across.
        bow: Pixels that the middle of a line hangs lower than its ends.
        pitch: From line to line, in heights of a digit.
        uneven: Standard deviation of the sizes.
        seed: Decides how the hand wandered.
    """
    rng = np.random.default_rng(seed)
    length = 44 * max(map(len, lines))
    placed = []
    for row, line in enumerate(lines):
        for column, label in enumerate(line):
            if label == " ":
                continue
            x = 50 + 44 * column
            tall = round(40 * float(np.clip(1 + rng.normal(0, uneven), 0.5, 1.6)))
            sag = bow * (1 - (2 * (x - 50) / length - 1) ** 2)
            foot = 100 + 40 * pitch * row + slope * x + sag + rng.normal(0, 1.5)
            placed.append(Placed(label, Box(x, round(foot) - tall, round(0.6 * tall), tall)))
    return [placed[index] for index in rng.permutation(len(placed))]


def text_of(placed: list[Placed]) -> list[str]:
    return ["".join(each.label for each in line) for line in in_lines(placed)]


LINES = ["40718", "325", "9960417"]


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"pitch": 1.25},
        {"slope": 0.15},
        {"slope": -0.15},
        {"bow": 40},
        {"bow": -40},
        {"uneven": 0.25, "pitch": 2.0},
    ],
    ids=["straight", "narrow", "falling", "climbing", "hanging", "arching", "uneven"],
)
@pytest.mark.parametrize("seed", range(3))
def test_lines_keep_together_in_reading_order(setting: dict[str, float], seed: int) -> None:
    assert text_of(page(*LINES, **setting, seed=seed)) == LINES


def test_a_line_goes_on_after_a_wide_gap() -> None:
    lines = ["40       18", "3 5     617", "996      41"]
    for slope in (-0.12, 0, 0.12):
        assert text_of(page(*lines, slope=slope)) == [line.replace(" ", "") for line in lines]


def test_a_line_may_begin_further_right_than_the_next() -> None:
    lines = ["      40718", "325", "    99604"]
    assert text_of(page(*lines, pitch=1.3)) == ["40718", "325", "99604"]


def test_the_slope_is_that_of_most_lines() -> None:
    lines = in_lines(page(*LINES, slope=0.1))
    assert slope_of(lines) == pytest.approx(0.1, abs=0.03)
    assert slope_of(in_lines(page("7"))) == 0
    assert slope_of([]) == 0


def test_nothing_is_no_line() -> None:
    assert in_lines([]) == []
    assert words_of([]) == []
    assert words_of([[]]) == [[]]


def row(*gaps: int, tall: int = 40) -> list[Box]:
    """Boxes, 24 wide, with these gaps between them."""
    x = np.cumsum([10, *(24 + gap for gap in gaps)]).tolist()
    return [Box(left, 50, 24, tall) for left in x]


def test_words_are_parted_by_wide_gaps() -> None:
    assert words_of([row(10, 12, 60, 9)]) == [[[0, 1, 2], [3, 4]]]
    assert words_of([row(10, 12), row(8, 70)]) == [[[0, 1, 2]], [[0, 1], [2]]]
    assert words_of([row()]) == [[[0]]]


def test_a_gap_is_wide_beside_the_digits_height_and_the_usual_gap() -> None:
    """In boxes of a form all digits stand apart; they are one number."""
    assert words_of([row(45, 48, 44, 46)]) == [[[0, 1, 2, 3, 4]]]
    assert words_of([row(45, 150, 44, 46)]) == [[[0, 1], [2, 3, 4]]]
    assert words_of([row(10, 30, 9, tall=20)]) == [[[0, 1], [2, 3]]]
    assert words_of([row(10, 30, 9, tall=60)]) == [[[0, 1, 2, 3]]]
