"""Grey pixels to ink: what is written, whatever the paper, the light and the pen are like."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from siffra.ink import find_ink
from tests.drawing import Pixels, blank, digit_ink, inked, put, shared, two_lines, write


def lamp(page: Pixels) -> Pixels:
    """A lamp above one corner: the other has a third of its light."""
    height, width = page.shape
    down, across = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    return np.asarray(page * (1 - 0.33 * (down**2 + across**2)), np.uint8)


def noisy(page: Pixels, deviation: float) -> Pixels:
    noise = np.random.default_rng(5).normal(0, deviation, page.shape)
    return np.asarray(np.clip(page + noise, 0, 255), np.uint8)


@pytest.mark.parametrize("light", [lambda page: page, lamp], ids=["even", "lamp"])
@pytest.mark.parametrize("darkest", [0, 120], ids=["black", "grey"])
def test_ink_is_what_the_pen_wrote(light: Callable[[Pixels], Pixels], darkest: int) -> None:
    page = two_lines()
    grey = np.asarray(darkest + page.astype(float) * (235 - darkest) / 255, np.uint8)
    assert shared(find_ink(light(grey)).mask, inked(page)) > 0.85


def test_light_ink_on_dark_paper_is_ink_too() -> None:
    """A blackboard is a page with its brightness reversed."""
    page = two_lines()
    dark_on_light, light_on_dark = find_ink(page), find_ink(255 - page)
    np.testing.assert_array_equal(light_on_dark.mask, dark_on_light.mask)


@pytest.mark.parametrize(
    "paper",
    [
        blank(),
        blank(level=0),
        lamp(blank()),
        noisy(blank(level=190), 8),
        noisy(lamp(blank(level=230)), 5),
        blank(1, 1),
        blank(1, 90),
        blank(90, 1),
    ],
    ids=["white", "black", "lit", "noisy", "lit and noisy", "a pixel", "a row", "a column"],
)
def test_paper_without_ink_has_none(paper: Pixels) -> None:
    """Some pixels of noise may stand out; they are no strokes."""
    ink = find_ink(paper)
    assert ink.strength.shape == paper.shape
    assert cv2.countNonZero(ink.mask) < 0.01 * paper.size


@pytest.mark.parametrize("y", range(100, 140, 3))
def test_a_line_of_small_digits_tells_what_is_ink_wherever_it_is(y: int) -> None:
    """However few rows of a large page it covers, and on paper without any noise."""
    page = blank(640, 640, level=60)
    ink = digit_ink(4, 12)
    height, width = ink.shape
    page[y : y + height, 300 : 300 + width] = np.maximum(60, ink)
    strength = find_ink(page).strength
    assert strength[y : y + height, 300 : 300 + width].max() > 100


def test_faint_ink_is_told_from_noise() -> None:
    """A pencil that takes 30 of 200 grey levels, seen by a sensor that adds 4 of its own."""
    page = blank(level=200)
    write(page, "40718", pen=0.14, level=170)
    mask = find_ink(noisy(page, 4)).mask
    assert shared(mask, page < 185) > 0.7


def test_a_digit_that_fills_the_picture_is_ink_not_paper() -> None:
    page = blank(120, 100)
    put(page, digit_ink(0, 110, pen=0.2), 8, 5)
    assert shared(find_ink(page).mask, inked(page)) > 0.9
