"""Digits that touch are taken apart; what is one digit, or none, is not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import nondigits
from benchmarks.strokes import STYLES
from siffra import Reader
from siffra.cells import to_cells
from siffra.found import Found
from siffra.ink import Ink, find_ink
from siffra.pieces import Region, find_pieces
from siffra.touching import take_apart
from tests.drawing import Pixels, blank, digit_ink, put, touching, write


def page_with(ink: Pixels) -> Pixels:
    """What touches, above a number that shows how large digits are."""
    page = blank(260, 460)
    put(page, ink, 60, 40)
    write(page, "52936", at=(60, 150))
    return page


def one_piece(drawn: Pixels) -> tuple[Ink, Region]:
    """A page with one piece of ink."""
    page = blank(160, 300)
    put(page, drawn, 40, 40)
    ink = find_ink(page)
    (piece,) = find_pieces(ink.mask)
    return ink, piece


def parts_of(reader: Reader, drawn: Pixels, *, alone: bool = False) -> list[Found] | None:
    ink, piece = one_piece(drawn)
    (whole,) = reader.probabilities(to_cells(ink, [piece]))
    return take_apart(ink, piece, float(whole.max()), reader.probabilities, alone)


@pytest.mark.parametrize("digits", ["36", "40", "47", "80", "88", "836"])
@pytest.mark.parametrize("seed", [0, 1])
def test_digits_that_touch_are_read(reader: Reader, digits: str, seed: int) -> None:
    page = page_with(touching(digits, overlap=1, seed=seed))
    assert len(find_pieces(find_ink(page).mask)) == 1 + len("52936")
    assert reader.read(page).text == f"{digits}\n52936"


def test_digits_that_touch_are_read_with_nothing_beside_them(reader: Reader) -> None:
    page = blank(160, 300)
    put(page, touching("40"), 60, 50)
    assert reader.read(page).text == "40"


def test_parts_go_from_left_to_right_and_cover_the_whole(reader: Reader) -> None:
    drawn = touching("836")
    height, width = drawn.shape
    upper, _ = reader.read(page_with(drawn)).lines
    assert "".join(map(str, upper)) == "836"
    covered = np.zeros(460, np.bool_)
    for digit in upper:
        x, y, w, h = digit.box
        covered[x : x + w] = True
        assert 38 <= y < y + h <= 42 + height
        assert digit.cell is not None
        assert digit.cell.shape == (28, 28)
        assert not digit.cell.flags.writeable
    assert [digit.box.x for digit in upper] == sorted(digit.box.x for digit in upper)
    assert covered[62 : 58 + width].all()


@pytest.mark.parametrize("style", STYLES)
def test_one_digit_stays_whole(reader: Reader, style: str) -> None:
    """A wide 0 could be two arcs, a 4 a 1 with something before it."""
    for digit in range(10):
        assert parts_of(reader, digit_ink(digit, style=style)) is None
    page = blank(240, 520)
    write(page, "01234", at=(30, 20), style=style, gap=25)
    write(page, "56789", at=(30, 130), style=style, gap=25)
    assert reader.read(page).text == "01234\n56789"


@pytest.mark.parametrize("kind", ["words", "crossed out"])
def test_scrawl_does_not_fall_into_digits(reader: Reader, kind: str) -> None:
    """Some slices of it look like digits; a number has none that doesn't."""
    taken_apart = []
    for picture in nondigits.draw(kind, 20, seed=5):
        ink = find_ink(picture)
        wide = [piece for piece in find_pieces(ink.mask) if piece.box.width > 40]
        rows = reader.probabilities(to_cells(ink, wide))
        taken_apart += [
            take_apart(ink, piece, float(row.max()), reader.probabilities, alone=True) is not None
            for piece, row in zip(wide, rows, strict=True)
        ]
    assert len(taken_apart) >= 20
    assert sum(taken_apart) <= 1


def test_the_parts_must_all_be_right_more_often_than_the_whole(reader: Reader) -> None:
    """And surer still where no digit beside them says that this is a number at all."""

    def unsure(cells: Pixels) -> NDArray[np.float32]:
        return np.asarray(0.93 * reader.probabilities(cells) + 0.007, np.float32)

    ink, piece = one_piece(touching("40"))
    likely, unlikely = 0.9, 0.5
    assert take_apart(ink, piece, unlikely, unsure, alone=False) is not None
    assert take_apart(ink, piece, likely, unsure, alone=False) is None
    assert take_apart(ink, piece, unlikely, unsure, alone=True) is None
