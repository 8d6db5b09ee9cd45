"""Pale ink that continues strokes is a part of them; other pale ink is not."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from siffra import Reader
from siffra.ink import find_ink
from siffra.pale import completed
from siffra.pieces import find_pieces
from siffra.results import Box
from tests.drawing import Pixels, blank, digit_ink, overlap, put, write

ALL = slice(None)
# Rows and columns in which a drying pen left a quarter of the ink.
DRY: dict[str, tuple[int, tuple[slice, slice]]] = {
    "the stem of a 9": (9, (slice(34, 60), ALL)),
    "the bowl of a 6": (6, (slice(34, 60), ALL)),
    "the foot of a 3": (3, (slice(36, 60), ALL)),
    "the right of a 0": (0, (ALL, slice(28, 60))),
}


def put_dry(on: Pixels, digit: int, part: tuple[slice, slice], x: int) -> Box:
    ink = digit_ink(digit)
    ink[part] = np.rint(0.25 * ink[part])
    return put(on, ink, x, 80)


@pytest.mark.parametrize(("digit", "part"), DRY.values(), ids=DRY.keys())
def test_strokes_of_a_drying_pen_are_read_to_their_end(
    reader: Reader, digit: int, part: tuple[slice, slice]
) -> None:
    page = blank()
    write(page, "36", at=(40, 80))
    box = put_dry(page, digit, part, 170)
    write(page, "58", at=(260, 80))
    reading = reader.read(page)
    assert reading.text == f"36{digit}58"
    assert overlap(reading.digits[2].box, box) > 0.85


def ruling(page: Pixels) -> None:
    """Through all feet."""
    page[136:140] = np.minimum(page[136:140], 215)


def stain(page: Pixels) -> None:
    """Larger than a digit, with a soft edge."""
    paper = np.full(page.shape, 255, np.uint8)
    cv2.circle(paper, (200, 110), 45, 205, cv2.FILLED)
    page[:] = np.minimum(page, cv2.GaussianBlur(paper, (0, 0), 8))


def bridge(page: Pixels) -> None:
    """From one digit to the next, as the last page shows through."""
    cv2.line(page, (60, 134), (115, 134), 205, 4)


def cloud(page: Pixels) -> None:
    """Smeared all around a digit by a hand."""
    smeared = cv2.GaussianBlur(page[:, 130:187], (0, 0), 4)
    page[:, 130:187] = np.minimum(page[:, 130:187], smeared)


@pytest.mark.parametrize("spoil", [ruling, stain, bridge, cloud])
def test_pale_ink_that_is_no_stroke_of_one_digit_stays_out(
    reader: Reader, spoil: Callable[[Pixels], None]
) -> None:
    """On a page that has a dry stroke too, the end of a 9."""
    page = blank()
    boxes = write(page, "36058", at=(40, 80), gap=8)
    spoil(page)
    put_dry(page, *DRY["the stem of a 9"], 300)
    ink = find_ink(page)
    assert all(whole.box.x >= 295 for _, whole in completed(ink, find_pieces(ink.mask)))
    reading = reader.read(page)
    assert reading.text == "360589"
    assert min(map(overlap, (digit.box for digit in reading.digits), boxes)) > 0.8
