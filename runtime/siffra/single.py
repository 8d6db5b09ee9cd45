"""The one digit that a picture shows."""

import numpy as np

from .cells import ink_of_cell, to_cells
from .clutter import is_slim
from .contract import INK_SIDE
from .doubt import DOUBT, second_look
from .images import Source, load, to_grey
from .ink import find_ink
from .locate import MIN_SIDE, locate_one, may_be_digit
from .network import Classify
from .opencv import cv2
from .pieces import is_texture
from .results import Box, Pixels, Reason
from .scale import reduce, to_picture

_FILLED = 0.8  # of its box, that no digit fills but a 1
_CLOSED = 0.8  # of each side, that a frame covers


def one_cell(source: Source) -> Pixels | None:
    """Bring the one digit that a picture shows through the contract, as `Reader.classify` does.

    Returns:
        uint8 [28, 28], or None where the picture shows nothing that may be a digit.

    Raises:
        ImageError: The source is not a picture that can be read.
        DependencyError: OpenCV is not installed.
    """
    return find_one(load(source))[1]


def find_one(picture: Pixels) -> tuple[Box, Pixels | None, Reason | None]:
    """Return the box of a picture's one digit and its cell, or why there is none.

    A picture that is a cell already is taken as it is.
    """
    drawn = ink_of_cell(picture)
    if drawn is not None and _is_plain(picture, drawn):
        cell = picture.copy()
        cell.setflags(write=False)
        return drawn, cell, None
    working = reduce(to_grey(picture))
    page = find_ink(working)
    region = locate_one(page)
    if region is None:
        reason: Reason = "not_a_digit" if is_texture(page.mask) else "blank"
        return Box(0, 0, 0, 0), None, reason
    box = to_picture(picture, working.shape)(region.box)
    if region.side < MIN_SIDE:
        return box, None, "too_small"
    if not may_be_digit(region):
        return box, None, "not_a_digit"
    return box, to_cells(page, [region])[0], None


def _is_plain(cell: Pixels, box: Box) -> bool:
    """Whether a cell, with ink in a box, shows neither a dash, specks, a frame nor what is filled.

    What may be one of these is looked at more closely.
    """
    x, y, width, height = box
    ink = cell[y : y + height, x : x + width]
    inked = cv2.countNonZero(ink)
    if is_slim(box) and inked > _FILLED * ink.size:
        return True  # a straight 1
    if width >= 3 * height or not INK_SIDE <= inked <= _FILLED * ink.size:
        return False
    sides = ink[0], ink[-1], ink[:, 0], ink[:, -1]
    return any(np.count_nonzero(side) < _CLOSED * side.size for side in sides)


def classify_one(cell: Pixels, classify: Classify) -> list[float]:
    """Return the ten probabilities of a cell, uint8 [28, 28], looked at again where in doubt."""
    probabilities = classify(cell[None])
    row: list[float] = probabilities[0].tolist()
    if max(row) < DOUBT:
        row = second_look(cell[None], probabilities, classify)[0].tolist()
    return row
