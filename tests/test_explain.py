"""The picture that says why a picture was read as it was."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import nondigits
from benchmarks.scenes import draw_digit, draw_scene
from siffra import Digit, Reader
from siffra.explain import explanation
from siffra.pieces import Region
from siffra.results import Box

Pixels = NDArray[np.uint8]

GREEN, RED, BLUE = (60, 160, 0), (0, 90, 220), (210, 120, 30)
WHITE, GREY = (255, 255, 255), (120, 120, 120)


def found_at(explained: Pixels, digit: Digit) -> tuple[int, int]:
    """Where a digit's cell is shown, four times as large, without smoothing: row, column."""
    assert digit.cell is not None
    cell = np.kron(digit.cell, np.ones((4, 4), dtype=np.uint8))
    inner = cell[3:-3, 3:-3]  # a frame is drawn on its rim
    differences = cv2.matchTemplate(explained[:, :, 1].copy(), inner, cv2.TM_SQDIFF)
    lowest, _, (left, top), _ = cv2.minMaxLoc(differences)
    assert lowest < inner.size  # rounding in a sum over all pixels
    return top, left


def count(explained: Pixels, colour: tuple[int, int, int]) -> int:
    return int((explained == colour).all(axis=2).sum())


def page_with(*, line: bool = False) -> Pixels:
    """A page with a 3 on it, and a line below."""
    page = np.full((300, 400), 255, dtype=np.uint8)
    page[60:160, 60:160] = draw_digit(3, size=100, style="round", seed=1)
    if line:
        page[248:251, 20:380] = 40
    return page


def test_each_cell_is_shown_in_reading_order(reader: Reader, examples: dict[Path, str]) -> None:
    path = next(path for path, text in examples.items() if text.count("\n") == 2)
    explained = reader.explain(path)
    assert explained.dtype == np.uint8
    places = [[found_at(explained, digit) for digit in line] for line in reader.read(path).lines]
    for line in places:
        assert len({top for top, _ in line}) == 1
        assert [left for _, left in line] == sorted({left for _, left in line})
    assert len({line[0][1] for line in places}) == 1
    assert [line[0][0] for line in places] == sorted({line[0][0] for line in places})


def test_the_picture_and_its_ink_are_shown(reader: Reader) -> None:
    page = page_with()
    explained = reader.explain(page)
    colours = cv2.cvtColor(page, cv2.COLOR_GRAY2BGR)[180:]  # below the digit, and what is written
    assert cv2.minMaxLoc(cv2.matchTemplate(explained, colours, cv2.TM_SQDIFF))[0] < colours.size
    ink = int((page < 128).sum())
    assert count(explained, WHITE) > 0.9 * ink


def test_ink_that_is_no_digit_is_grey(reader: Reader) -> None:
    """A line is as long in the mask as on the page, and the digit is white with it and without."""
    page = page_with(line=True)
    assert reader.read(page).text == "3"
    plain, explained = reader.explain(page_with()), reader.explain(page)
    line = int((page[200:] < 128).sum())
    assert count(explained, GREY) - count(plain, GREY) == pytest.approx(line, rel=0.2)
    rows = np.flatnonzero((explained == GREY).all(axis=2).sum(axis=1) > 300)
    assert 1 <= len(rows) <= 5


def test_what_was_left_out_is_marked(reader: Reader) -> None:
    reading, page = reader._read(page_with())
    (found,) = [each for line in page.lines for each in line]
    region = Region(Box(250, 200, 60, 80), ())
    assert count(explanation(reading, page, "cnn", 0.5), BLUE) == 0
    marked = explanation(reading, replace(page, left_out=(region,)), "cnn", 0.5)
    assert count(marked, BLUE) >= 2 * (60 + 80)
    rows, columns = np.nonzero((marked == BLUE).all(axis=2))
    green = np.argwhere((marked == GREEN).all(axis=2) & (np.indices(marked.shape[:2])[1] > 412))
    # As far from the digit in the mask as on the page.
    assert rows.max() - green[:, 0].min() == pytest.approx(280 - found.box.y, abs=25)
    assert columns.max() - green[:, 1].min() == pytest.approx(310 - found.box.x, abs=25)


def test_green_was_accepted_and_red_was_not(reader: Reader) -> None:
    accepted = reader.explain(page_with())
    assert count(accepted, GREEN) > 500 > count(accepted, RED) == 0
    letters = [reader.read(letter).digits for letter in nondigits.draw("letters", 12, seed=1)]
    (first, *_) = [digits[0] for digits in letters if digits and not digits[0].accepted]
    rejected = reader.explain(first.picture)
    assert count(rejected, RED) > 500 > count(rejected, GREEN) == 0


@pytest.mark.parametrize(
    "shape", [(1, 1), (3, 900), (900, 3), (28, 28), (480, 640, 3), (3000, 4000)]
)
def test_a_picture_without_digits_is_explained_too(reader: Reader, shape: tuple[int, ...]) -> None:
    explained = reader.explain(np.full(shape, 230, dtype=np.uint8))
    assert (explained[:60] < 100).any()  # says so
    assert count(explained, (230, 230, 230)) > 0
    assert count(explained, (0, 0, 0)) > 0
    assert count(explained, GREEN) == count(explained, RED) == 0
    assert explained.shape[1] >= 1000


def test_a_small_picture_is_enlarged_and_a_large_one_reduced(reader: Reader) -> None:
    small = draw_digit(7, size=28, style="round", seed=2)
    assert count(reader.explain(small), (0, 0, 0)) > 100 * small.size
    large = cv2.resize(page_with(), (4000, 3000))
    explained = reader.explain(large)
    assert explained.shape[1] <= 1600
    assert explained.shape[0] <= 2500
    found_at(explained, *reader.read(large).digits)


def test_many_digits_stay_one_usable_picture(reader: Reader) -> None:
    """Of more than 200 digits it shows those that the network is least sure of."""
    numbers = [f"{row * 7919 % 10**9:09}{row * 104729 % 10**9:09}" for row in range(1, 15)]
    scene = draw_scene(numbers, size=(1400, 1200), style="round", seed=1)
    digits = sorted(reader.read(scene.image).digits, key=lambda digit: digit.confidence)
    assert len(digits) > 230
    explained = reader.explain(scene.image)
    assert explained.shape[0] <= 8000
    assert explained.shape[1] <= 1600
    for digit in (digits[0], digits[100]):
        assert digit.confidence < digits[200].confidence
        found_at(explained, digit)
    with pytest.raises(AssertionError):
        found_at(explained, digits[-1])


def test_a_column_of_numbers_shares_rows(reader: Reader) -> None:
    scene = draw_scene(list("123456789012345678901234567890"), size=(2400, 300), seed=3)
    assert len(reader.read(scene.image).lines) > 25
    assert reader.explain(scene.image).shape[0] <= 3000
