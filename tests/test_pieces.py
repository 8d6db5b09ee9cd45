"""Connected pieces of ink: outlines, and what can be measured of them."""

import cv2
import numpy as np
import pytest

from siffra.pieces import fill, find_pieces, typical_height, union
from siffra.results import Box
from tests.drawing import Pixels, blank, write


def dark() -> Pixels:
    return blank(120, 160, level=0)


def test_each_piece_has_its_holes_and_nothing_of_what_is_in_them() -> None:
    """A dot in a ring in a frame: three pieces."""
    mask = dark()
    cv2.rectangle(mask, (5, 5), (150, 110), 255, 3)
    cv2.circle(mask, (75, 55), 40, 255, 5)
    cv2.circle(mask, (75, 55), 8, 255, cv2.FILLED)
    dot, ring, frame = sorted(find_pieces(mask), key=lambda piece: piece.area)
    assert [len(piece.contours) for piece in (dot, ring, frame)] == [1, 2, 2]
    assert dot.box == (67, 47, 17, 17)
    assert frame.side == frame.box.width == pytest.approx(148, abs=2)
    drawn = np.zeros_like(mask)
    cv2.drawContours(drawn, ring.contours, -1, 255, cv2.FILLED)
    assert not drawn[55, 75]


def test_area_and_pen_are_those_of_the_strokes() -> None:
    """Outlines run half a pixel inside the ink, which thin strokes must not lose by."""
    y, x = np.mgrid[:120, :160]
    for width in (1, 3, 8):
        away = np.abs(np.hypot(x - 80, y - 60) - 40)
        (ring,) = find_pieces(np.where(away <= width / 2, 255, 0).astype(np.uint8))
        assert ring.stroke_width == pytest.approx(width, abs=0.6)
    mask = dark()
    mask[20:60, 30:50] = 255
    (block,) = find_pieces(mask)
    assert block.area == 39 * 19


def test_specks_of_a_pixel_or_two_are_noise() -> None:
    mask = dark()
    mask[10, 10] = mask[20, 20:22] = mask[30:32, 30:32] = 255
    assert find_pieces(mask) == []
    mask[40:43, 40] = 255
    assert [piece.box for piece in find_pieces(mask)] == [(40, 40, 1, 3)]


def test_a_union_is_around_all_of_its_pieces() -> None:
    mask = dark()
    mask[20:30, 20:60] = mask[50:90, 40:50] = 255
    pieces = find_pieces(mask)
    both = union(pieces)
    assert both.box == Box(20, 20, 40, 70)
    assert both.area == sum(piece.area for piece in pieces)
    assert union(pieces[:1]) is pieces[0]


def test_the_typical_height_is_that_of_digits_among_many_specks() -> None:
    page = blank()
    write(page, "407185", at=(20, 60), height=50)
    for number in range(30):
        cv2.circle(page, (10 + 12 * number, 180), 2, 0, cv2.FILLED)
    assert typical_height(find_pieces(255 - page)) == pytest.approx(50, rel=0.1)


@pytest.mark.parametrize("step", [1, 2])
def test_many_outlines_are_filled_as_few_are(step: int) -> None:
    """Islands lie in holes, and outlines of a smaller copy run over each other."""
    mask = np.where(np.random.default_rng(0).random((150, 200)) < 0.6, 255, 0).astype(np.uint8)
    mask[20:130:5, 20:180] = mask[20:130, 20:180:4] = 255
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    few = tuple((np.asarray(contour, np.int32) + 3) // step for contour in contours)
    assert len(few) > 2000
    expected, canvas = np.zeros((160, 210), np.uint8), np.zeros((160, 210), np.uint8)
    cv2.drawContours(expected, few, -1, 255, cv2.FILLED, offset=(4, 2))
    fill(canvas, few, (4, 2))
    np.testing.assert_array_equal(canvas, expected)
