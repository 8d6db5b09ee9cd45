"""What only looks like a digit is left out: texture, edges, creases. A 1 is not."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from siffra import Reader
from siffra.clutter import stands_out, strays
from siffra.ink import find_ink
from siffra.pieces import find_pieces
from tests.drawing import Pixels, blank, write


def pale(page: Pixels) -> None:
    """A crease, of a third of the ink's strength."""
    cv2.line(page, (300, 62), (301, 104), 165, 5)


def thin(page: Pixels) -> None:
    cv2.line(page, (300, 62), (301, 104), 0, 1)


def fat(page: Pixels) -> None:
    cv2.line(page, (300, 68), (301, 98), 0, 13)


def tall(page: Pixels) -> None:
    cv2.line(page, (300, 50), (301, 145), 0, 5)


def far(page: Pixels) -> None:
    """As a 1 would be, away from the number."""
    cv2.line(page, (420, 250), (421, 292), 0, 5)


@pytest.mark.parametrize("stroke", [pale, thin, fat, tall, far])
@pytest.mark.parametrize("digits", ["40718", "38569"])
def test_strokes_that_are_not_of_the_writing_are_left_out(
    reader: Reader, stroke: Callable[[Pixels], None], digits: str
) -> None:
    page = blank(300, 460)
    write(page, digits, at=(40, 60), height=45, gap=14)
    stroke(page)
    assert reader.read(page).text == digits


@pytest.mark.parametrize("digits", ["1", "111", "101", "4111", "211681"])
@pytest.mark.parametrize("style", ["round", "slanted"])
def test_a_1_is_of_the_writing(reader: Reader, digits: str, style: str) -> None:
    page = blank(200, 420)
    write(page, digits, at=(40, 60), height=50, gap=16, style=style)
    assert reader.read(page).text == digits


def test_beside_few_digits_a_stroke_that_the_picture_cuts_off_is_an_edge(reader: Reader) -> None:
    page = blank(200, 420)
    write(page, "40", at=(60, 60))
    cv2.line(page, (1, 50), (1, 130), 0, 6)
    cv2.line(page, (300, 150), (300, 199), 0, 6)
    assert reader.read(page).text == "40"


def test_only_bare_strokes_are_strays() -> None:
    """A faint 3 may be a 3 of a drying pen; a faint stroke is rather a crease."""
    page = blank(200, 460)
    write(page, "058", at=(40, 60))
    write(page, "3", at=(240, 60), level=170)
    write(page, "1", at=(320, 60), level=170)
    ink = find_ink(page)
    pieces = sorted(find_pieces(ink.mask), key=lambda piece: piece.box.x)
    assert len(pieces) == 5
    assert strays(ink, pieces, [True] * 5) == [False, False, False, False, True]
    assert strays(ink, [], []) == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ink_stands_out_from_paper_not_from_texture(seed: int) -> None:
    """Stone, cloth, leaves: dark and light without an end, some of it of a digit's shape."""
    clouds = np.random.default_rng(seed).normal(0, 300, (240, 320))
    texture = np.asarray(np.clip(150 + cv2.GaussianBlur(clouds, (0, 0), 2), 0, 255), np.uint8)
    ink = find_ink(texture)
    pieces = [piece for piece in find_pieces(ink.mask) if piece.side >= 20]
    assert len(pieces) > 20
    assert np.mean([stands_out(ink, ink.mask, texture, piece) for piece in pieces]) < 0.3


def test_close_neighbours_are_no_texture() -> None:
    page = blank(300, 320)
    for row in range(4):
        write(page, "30689", at=(20, 10 + 68 * row), gap=6)
    ink = find_ink(page)
    pieces = find_pieces(ink.mask)
    assert len(pieces) == 20
    assert all(stands_out(ink, ink.mask, page, piece) for piece in pieces)


def test_the_rim_of_a_sheet_that_fills_the_picture_is_no_zero(reader: Reader) -> None:
    rim = blank(480, 640, 60)
    cv2.rectangle(rim, (18, 20), (622, 462), 75, 12)
    cv2.rectangle(rim, (18, 20), (622, 462), 235, cv2.FILLED)
    outlined = blank(480, 640, 235)
    cv2.ellipse(outlined, (320, 240), (290, 220), 0, 0, 360, 40, 8)
    for page in (rim, outlined):
        assert reader.read(page).text == ""
