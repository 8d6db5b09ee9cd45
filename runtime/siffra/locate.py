"""Ink to regions: which strokes belong together, which may be digits, in what order they read."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from .broken import join_broken
from .ink import Ink
from .median import median
from .opencv import cv2
from .pieces import Contour, Region, find_pieces, typical_height, union
from .results import Box
from .rulings import remove_lines, without_paler

_HOLES = 500  # that a table may have
_THIN = 60  # times its width, that no stroke is long
_WHOLE = 2.1  # times the longer side of its largest piece, that a digit's may be
_BOX = 0.96  # of its rectangle, that a printed box fills
_LEVEL = 0.25  # of a 1's height, that it may be higher or lower than a digit beside it
_BARE = 2.5  # times its pen, that a leaning stroke is wide
_OPEN = 0.3  # of its box, that a frame leaves open

MIN_SIDE = 6
"""Pixels that the longer side of a digit must have; below, its shape is lost to the grid."""


def locate(ink: Ink, least: int = MIN_SIDE, *, ruled: bool = True) -> list[Region]:
    """Find what may be digits on a page, in no order.

    Specks, rulings, frames and the edges of the paper are left out.

    Args:
        ink: The page.
        least: Pixels that the longer side of a piece must have, to be more than a speck.
        ruled: Whether the page may have lines; where not, nothing is found on one that has.
    """
    height, width = ink.strength.shape
    mask = ink.mask
    pieces = [piece for piece in find_pieces(mask) if piece.side >= least]
    cleared = remove_lines(mask, pieces, _height_of_writing(pieces))
    if cleared is not None:
        if not ruled:
            return []
        cleared = without_paler(ink, mask, cleared)
        pieces = [piece for piece in find_pieces(cleared) if piece.side >= least]
    pieces = _without_lines(_without_frames(pieces), height, width)
    if not pieces:
        return []
    typical = typical_height(pieces)
    return [
        region
        for region in join_broken(pieces, typical)
        if region.box.height >= 0.33 * typical and _may_be_digits(region)
    ]


def locate_one(ink: Ink) -> Region | None:
    """Find the one digit that a picture shows: its largest ink, nearest to the middle.

    Ink that touches the picture's border counts less, since that is how edges of paper and form
    boxes show; pieces close to the digit are taken as parts of it. None only where there is no ink.
    """
    height, width = ink.strength.shape
    pieces = find_pieces(ink.mask)
    if not pieces:
        return None
    pieces = [piece for piece in _without_frames(pieces) if not _is_box(piece)]
    if not pieces:
        return None

    def prominence(piece: Region) -> float:
        x, y, w, h = piece.box
        off_centre = max(abs((x + w / 2) / width - 0.5), abs((y + h / 2) / height - 0.5))
        borders = _borders(piece.box, height, width)
        return float(piece.side * (1.0 - 0.5 * off_centre) * 0.5**borders)

    main = max(pieces, key=prominence)
    at_border = _borders(main.box, height, width) > 0
    parts = [
        piece
        for piece in pieces
        if piece is not main
        and piece.side >= 0.12 * main.side
        and _gap(piece.box, main.box) <= 0.25 * main.side
        and _borders(piece.box, height, width) <= at_border  # what touches two is a frame's corner
    ]
    whole = union([main, *parts])
    # What is far larger is not one digit, but several.
    return whole if whole.side <= _WHOLE * main.side else main


def _is_box(piece: Region) -> bool:
    """Whether a piece is an empty form box: a rectangle within a rectangle."""
    if len(piece.contours) != 2:
        return False
    outer, hole = piece.contours
    return (
        cv2.contourArea(hole) > 0.4 * cv2.contourArea(outer)
        and _is_rectangular(outer, _BOX)
        and _is_rectangular(hole, _BOX)
    )


def may_be_digit(region: Region) -> bool:
    """Whether a region's shape is one that a digit can have: not a dash, not a filled box."""
    _, _, width, height = region.box
    if width >= 3 * height:
        return False
    filled = 2.0 * region.stroke_width >= min(width, height) and width >= 0.5 * height
    return not (filled and _fill(region) > 0.85)


def _may_be_digits(region: Region) -> bool:
    """Whether a region may be a digit, or several that touch."""
    _, _, width, height = region.box
    if width >= 1.2 * height:
        return width < 20 * height and height > 3.5 * region.stroke_width
    return may_be_digit(region)


def _fill(region: Region) -> float:
    return region.area / max(1, (region.box.width - 1) * (region.box.height - 1))


def _without_frames(pieces: list[Region]) -> list[Region]:
    """Leave out what is around other ink: form boxes, table cells, the desk around a sheet."""
    corners = np.array([piece.box[:2] for piece in pieces]).reshape(-1, 2)
    return [piece for piece in pieces if not _is_frame(piece, pieces, corners)]


def _is_frame(piece: Region, pieces: Sequence[Region], corners: NDArray[np.int64]) -> bool:
    """Whether a piece is around others, whose upper left corners are int64 [n, 2]."""
    holes = piece.contours[1:]
    if not holes or len(holes) > _HOLES:
        return bool(holes)  # what has so many is a texture
    left, top, width, height = piece.box
    open_area = sum(cv2.contourArea(hole) for hole in holes)
    if open_area < _OPEN * width * height:
        return False  # a broad stroke with gaps that a dry pen left
    start, end = (left, top), (left + width, top + height)
    within = np.flatnonzero(((corners > start) & (corners < end)).all(axis=1)).tolist()
    inside = [pieces[index] for index in within]
    return bool(inside) and any(_surrounds(hole, inside) for hole in holes)


def _surrounds(hole: Contour, pieces: Iterable[Region]) -> bool:
    """Whether any of the pieces lies in a hole, and is more than a speck in the loop of a digit."""
    left, top, width, height = cv2.boundingRect(hole)
    room = min(width, height)
    if room < 2 * MIN_SIDE:
        return False
    # The loop of a digit may hold specks, but nothing large, and it is not rectangular.
    least = max((0.015 if _is_rectangular(hole) else 0.4) * room, MIN_SIDE)
    return any(
        piece.side > least
        and piece.box.x > left
        and piece.box.y > top
        and piece.box.x + piece.box.width < left + width
        and piece.box.y + piece.box.height < top + height
        for piece in pieces
    )


def _is_rectangular(outline: Contour, share: float = 0.88) -> bool:
    """Whether an outline fills its rectangle, at any tilt; an ellipse fills 79 % of its own."""
    _, (width, height), _ = cv2.minAreaRect(outline)
    return float(cv2.contourArea(outline)) > share * width * height


def _without_lines(pieces: list[Region], height: int, width: int) -> list[Region]:
    """Leave out rulings, frames and the edges of the paper.

    A tall thin stroke may be any of these or a 1: what stands beside it decides. On a level with
    other ink, about as tall and of the same pen, or with nothing else there, it is a 1.
    """
    pieces = [piece for piece in pieces if not _is_never_ink(piece, height, width)]
    lines = {id(piece) for piece in pieces if _is_line(piece.box, height, width)}
    plain = [piece for piece in pieces if id(piece) not in lines]
    tall = [piece for piece in pieces if piece.box.height > 2 * piece.box.width]
    if not tall:
        return plain or pieces
    upright = [piece for piece in tall if id(piece) in lines]
    if not plain:  # nothing but strokes, or one shape that fills the picture
        return upright or pieces
    typical = typical_height(plain)
    bare = [piece for piece in tall if _is_bare(piece)]
    if len(bare) > 1:
        others = [piece for piece in plain if not _is_bare(piece)]
        parts = _in_columns([piece for piece in bare if not _is_level(piece, others)], typical)
        plain = [piece for piece in plain if id(piece) not in parts]
        upright = [piece for piece in upright if id(piece) not in parts]
    if not upright or not plain:
        return plain or upright
    pen = median(piece.stroke_width for piece in plain)
    ones = [
        piece
        for piece in upright
        if 0.6 * typical <= piece.box.height <= 1.6 * typical
        and 0.5 * pen - 1.0 <= piece.stroke_width <= 2.0 * pen + 1.0
        and any(_shared_height(piece.box, other.box) > 0.5 for other in plain)
    ]
    return plain + ones


def _in_columns(strokes: Sequence[Region], typical: float) -> set[int]:
    """Return the ids of upright strokes that are parts of one broken line down the page."""
    ordered = sorted(strokes, key=lambda stroke: stroke.box.x + stroke.box.width / 2)
    middles = [stroke.box.x + stroke.box.width / 2 for stroke in ordered]
    found: set[int] = set()
    for middle in middles:
        first = bisect_left(middles, middle - 0.15 * typical)
        column = ordered[first : bisect_right(middles, middle + 0.15 * typical)]
        if len(column) < 2:
            continue
        top = min(other.box.y for other in column)
        bottom = max(other.box.y + other.box.height for other in column)
        covered = sum(other.box.height for other in column)
        if bottom - top > 2.5 * typical and covered > 0.75 * (bottom - top):
            found.update(map(id, column))
    return found


def _is_bare(piece: Region) -> bool:
    """Whether a piece is one stroke; digits other than 1 are wider than that, or have a loop."""
    return len(piece.contours) == 1 and piece.box.width <= _BARE * piece.stroke_width


def _is_level(stroke: Region, others: Sequence[Region]) -> bool:
    """Whether a stroke begins and ends at the height of something else, as a 1 in a number does."""
    _, y, _, height = stroke.box
    off = _LEVEL * height
    return any(
        abs(other.box.y - y) < off and abs(other.box.y + other.box.height - y - height) < off
        for other in others
    )


def _is_never_ink(piece: Region, height: int, width: int) -> bool:
    """Whether a piece is what no digit can be, though nothing else is there: a rim, a long line."""
    _, _, w, h = piece.box
    if (h > 0.6 * height or w > 0.6 * width) and max(w, h) > _THIN * piece.stroke_width:
        return min(w, h) < 0.2 * max(w, h)
    return _borders(piece.box, height, width) >= 3 and any(
        cv2.contourArea(hole) > 0.3 * w * h and _is_rectangular(hole) for hole in piece.contours[1:]
    )


def _is_line(box: Box, height: int, width: int) -> bool:
    """Whether a box may be that of a ruling, a frame or the edge of the paper."""
    x, y, w, h = box
    if _borders(box, height, width) >= 3 and w > 0.8 * width and h > 0.8 * height:
        return True
    if (w > 4 * h and w > 0.3 * width) or (h > 8 * w and h > 0.6 * height):
        return True
    at_side = x <= 0 or x + w >= width
    at_end = y <= 0 or y + h >= height
    return (at_side and h > 2.5 * w) or (at_end and w > 2.5 * h)


def _shared_height(a: Box, b: Box) -> float:
    """Return the share of the lower box's height that two boxes have in common."""
    shared = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    return shared / min(a.height, b.height)


def _borders(box: Box, height: int, width: int) -> int:
    """Return how many of the picture's four borders a box touches."""
    x, y, w, h = box
    return (x <= 0) + (y <= 0) + (x + w >= width) + (y + h >= height)


def _height_of_writing(pieces: Sequence[Region]) -> float:
    """Return the height of what has a digit's shape, 0 where it is too little to tell."""
    shaped = [p for p in pieces if 0.2 < p.box.width / p.box.height < 1.3]
    if len(shaped) < 3 or sum(p.area for p in shaped) < 0.05 * sum(p.area for p in pieces):
        return 0.0
    return typical_height(shaped)


def _gap(a: Box, b: Box) -> int:
    """Return the pixels between two boxes along the axis on which they are further apart."""
    across = max(a.x - (b.x + b.width), b.x - (a.x + a.width))
    down = max(a.y - (b.y + b.height), b.y - (a.y + a.height))
    return max(0, across, down)
