"""Digits in several pieces are one digit; neighbours are not."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.scenes import Layout, draw_scene
from siffra import Reader
from siffra.broken import join_broken, mend
from siffra.cells import to_cells
from siffra.found import Found, found_of
from siffra.ink import find_ink
from siffra.pieces import find_pieces
from tests.drawing import Pixels, blank, digit_ink, overlap, put, write

HEIGHT = 60
ALL = slice(None)
GAPS: dict[str, tuple[int, tuple[slice, slice]]] = {
    "the hat of a 5 is off": (5, (slice(8, 14), slice(0, 30))),
    "a 0 is open above": (0, (slice(0, 12), slice(20, 26))),
    "a 0 of two halves": (0, (ALL, slice(20, 24))),
    "a 9 with a loose stem": (9, (slice(38, 42), ALL)),
    "a 2 of two halves": (2, (slice(30, 34), ALL)),
    "a 3 of two halves": (3, (slice(36, 39), ALL)),
}


def broken(digit: int, gap: tuple[slice, slice]) -> Pixels:
    """The ink of a digit but for rows and columns that the pen skipped."""
    ink = digit_ink(digit, HEIGHT)
    ink[gap] = 0
    return ink


@pytest.mark.parametrize(("digit", "gap"), GAPS.values(), ids=GAPS.keys())
def test_a_digit_in_pieces_is_one_digit(
    reader: Reader, digit: int, gap: tuple[slice, slice]
) -> None:
    page = blank()
    write(page, "36", at=(40, 80))
    box = put(page, broken(digit, gap), 170, 80)
    write(page, "38", at=(260, 80))
    reading = reader.read(page)
    assert reading.text == f"36{digit}38"
    assert overlap(reading.digits[2].box, box) > 0.9


@pytest.mark.parametrize("seed", [0, 1, 3, 4])
def test_numbers_of_a_pen_that_skips_are_read(reader: Reader, seed: int) -> None:
    scene = draw_scene(
        ["4071", "325"], size=(300, 400), layout=Layout(broken=0.4), noise=0.1, seed=seed
    )
    assert reader.read(scene.image).text == scene.text


@pytest.mark.parametrize("digits", ["1117", "10110", "71415"])
def test_neighbours_stay_apart_however_near(reader: Reader, digits: str) -> None:
    page = blank()
    write(page, digits, at=(40, 80), gap=5)
    assert reader.read(page).text == digits


def test_lines_stay_apart_however_near(reader: Reader) -> None:
    page = blank()
    for row, digits in enumerate(("5270", "1836")):
        write(page, digits, at=(60, 50 + 66 * row))
    assert reader.read(page).text == "5270\n1836"


def test_what_lies_on_one_another_is_joined_without_asking_the_network() -> None:
    """The hat of a 5 and its body; not a speck within a 0, nor a dash below it."""
    page = blank()
    body = write(page, "0", at=(40, 80))[0]
    five = put(page, broken(*GAPS["the hat of a 5 is off"]), 120, 80)
    page[108:112, 58:62] = 0
    page[152:157, 50:70] = 0
    pieces = find_pieces(find_ink(page).mask)
    assert len(pieces) == 5
    joined = join_broken(pieces, HEIGHT)
    assert len(joined) == 3
    for box in (body, five):
        assert max(overlap(region.box, box) for region in joined) > 0.9
    assert sum(len(region.contours) for region in joined) == 5  # the 0 has an inside


def test_the_network_decides_what_is_put_together(reader: Reader) -> None:
    """Two halves of a 0 are joined; a 1 beside a 0 is not, though together they look like a 10."""
    page = blank()
    halves = put(page, broken(*GAPS["a 0 of two halves"]), 40, 80)
    write(page, "10", at=(140, 80), gap=5)
    write(page, "38", at=(260, 80))
    read = _read(reader, page)
    assert len(read) == 6
    mended = mend(find_ink(page), read, 0.7, reader.probabilities)
    assert len(mended) == 5
    (new,) = [each for each in mended if not any(each is old for old in read)]
    assert overlap(new.region.box, halves) > 0.9
    assert new.probabilities.argmax() == 0
    assert new.sure > 0.7


@pytest.mark.parametrize(("together", "count"), [(0.6, 3), (0.85, 3), (0.95, 2)])
def test_digits_that_are_sure_must_be_surer_together(
    reader: Reader, together: float, count: int
) -> None:
    """Both at 95 %, they are both right at 90 %: a small 5 beside a 0, such as a footnote's."""
    page = blank()
    *_, zero = write(page, "80", at=(40, 80))
    write(page, "5", at=(zero.x + zero.width + 4, 116), height=24)
    apart = [each._replace(probabilities=_row(0.95), sure=0.95) for each in _read(reader, page)]

    def classify(cells: Pixels) -> NDArray[np.float32]:
        return np.tile(_row(together), (len(cells), 1))

    assert len(mend(find_ink(page), apart, 0.7, classify)) == count


def _row(sure: float) -> NDArray[np.float32]:
    """What the network says if it is as sure as this, float32 [10]."""
    return np.array([sure, *[(1 - sure) / 9] * 9], np.float32)


def test_nothing_is_put_together_where_nothing_shows_how_large_digits_are(reader: Reader) -> None:
    page = blank()
    page[80:84, 40:100] = page[100:104, 40:100] = 0  # two dashes
    read = _read(reader, page)
    assert mend(find_ink(page), read, 0.999, reader.probabilities) == read


def _read(reader: Reader, page: Pixels) -> Sequence[Found]:
    """Each piece of ink as it is read by itself."""
    ink = find_ink(page)
    pieces = find_pieces(ink.mask)
    cells = to_cells(ink, pieces)
    return found_of(pieces, cells, reader.probabilities(cells))
