"""Ink to regions: which strokes belong together, which may be digits, in what order they read."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .broken import join_broken
from .ink import Ink
from .median import median
from .opencv import cv2
from .pieces import Contour, Region, find_pieces, typical_height, union
from .results import Box, Pixels
from .rulings import remove_lines, without_paler

_HOLES = 500  # that a table may have
_THIN = 60  # times its width, that no stroke is long
_WHOLE = 2.1  # times the longer side of its largest piece, that a digit's may be
_BOX = 0.96  # of its rectangle, that a printed box fills
_LEVEL = 0.25  # of a 1's height, that it may be higher or lower than a digit beside it
_BARE = 2.5  # times its pen, that a leaning stroke is wide
_OPEN = 0.3  # of its box, that a frame leaves open
_MOST = 2_500  # pieces: a page with more of them is no page of digits
_COVERED = 40_000_000  # px that all their boxes hold: what overlaps so much is texture

MIN_SIDE = 6
"""Pixels that the longer side of a digit must have; below, its shape is lost to the grid."""


def locate(
    ink: Ink, least: int = MIN_SIDE, *, ruled: bool = True, most: int = _MOST
) -> list[Region]:
    """Find what may be digits on a page, in no order.

    Specks, rulings, frames and the edges of the paper are left out.

    Args:
        ink: The page.
        least: Pixels that the longer side of a piece must have, to be more than a speck.
        ruled: Whether the page may have lines; where not, nothing is found on one that has.
        most: Pieces that there may be: on a page with more nothing is found.
    """
    height, width = ink.strength.shape
    mask = ink.mask
    pieces = _large_pieces(mask, least, most)
    cleared = remove_lines(mask, pieces, _height_of_writing(pieces))
    if cleared is not None:
        if not ruled:
            return []
        cleared = without_paler(ink, mask, cleared)
        pieces = _large_pieces(cleared, least, most)
    pieces = _without_lines(_without_frames(pieces), height, width)
    if not pieces:
        return []
    typical = typical_height(pieces)
    return [
        region
        for region in join_broken(pieces, typical)
        if region.box.height >= 0.33 * typical and _may_be_digits(region)
    ]


def _large_pieces(mask: Pixels, least: int, most: int) -> list[Region]:
    """Return the pieces of ink that are no specks; none where they are too many for writing."""
    pieces = [piece for piece in find_pieces(mask) if piece.side >= least]
    covered = sum(piece.box.width * piece.box.height for piece in pieces)
    return [] if len(pieces) > most or covered > _COVERED else pieces


def locate_one(ink: Ink) -> Region | None:
    """Find the one digit that a picture shows: its largest ink, nearest to the middle.

    Ink that touches the picture's border counts less, since that is how edges of paper and form
    boxes show; pieces close to the digit are taken as parts of it. None only where there is no ink.
    """
    height, width = ink.strength.shape
    pieces = find_pieces(ink.mask)
    if not pieces:
        return None
    if len(pieces) > _MOST:
        pieces = sorted(pieces, key=lambda piece: -piece.side)[:_MOST]
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
    boxes = np.array([piece.box for piece in pieces]).reshape(-1, 4)
    return [piece for piece in pieces if not _is_frame(piece, boxes)]


def _is_frame(piece: Region, boxes: NDArray[np.int64]) -> bool:
    """Whether a piece is around others, whose boxes are int64 [n, 4]."""
    holes = piece.contours[1:]
    if not holes or len(holes) > _HOLES:
        return bool(holes)  # what has so many is a texture
    left, top, width, height = piece.box
    open_area = sum(cv2.contourArea(hole) for hole in holes)
    if open_area < _OPEN * width * height:
        return False  # a broad stroke with gaps that a dry pen left
    start, end = (left, top), (left + width, top + height)
    corners = boxes[:, :2]
    inside = boxes[((corners > start) & (corners < end)).all(axis=1)]
    return bool(len(inside)) and any(_surrounds(hole, inside) for hole in holes)


def _surrounds(hole: Contour, boxes: NDArray[np.int64]) -> bool:
    """Whether any of the boxes lies in a hole, and is more than a speck in the loop of a digit."""
    left, top, width, height = cv2.boundingRect(hole)
    room = min(width, height)
    if room < 2 * MIN_SIDE:
        return False
    # The loop of a digit may hold specks, but nothing large, and it is not rectangular.
    least = max((0.015 if _is_rectangular(hole) else 0.4) * room, MIN_SIDE)
    starts, sides = boxes[:, :2], boxes[:, 2:]
    inside = (starts > (left, top)) & (starts + sides < (left + width, top + height))
    return bool((inside.all(axis=1) & (sides.max(axis=1) > least)).any())


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
        others = _rows([piece for piece in plain if not _is_bare(piece)])
        parts = _in_columns([piece for piece in bare if not _is_level(piece, others)], typical)
        plain = [piece for piece in plain if id(piece) not in parts]
        upright = [piece for piece in upright if id(piece) not in parts]
    if not upright or not plain:
        return plain or upright
    pen = median(piece.stroke_width for piece in plain)
    rows = _rows(plain)
    ones = [
        piece
        for piece in upright
        if 0.6 * typical <= piece.box.height <= 1.6 * typical
        and 0.5 * pen - 1.0 <= piece.stroke_width <= 2.0 * pen + 1.0
        and _shares_height(piece.box, rows)
    ]
    return plain + ones


def _in_columns(strokes: Sequence[Region], typical: float) -> set[int]:
    """Return the ids of upright strokes that are parts of one broken line down the page."""
    ordered = sorted(strokes, key=lambda stroke: stroke.box.x + stroke.box.width / 2)
    middles = [stroke.box.x + stroke.box.width / 2 for stroke in ordered]
    tops, bottoms = _rows(ordered)
    found = np.zeros(len(ordered), dtype=np.bool_)
    for middle in middles:
        first = bisect_left(middles, middle - 0.15 * typical)
        column = slice(first, bisect_right(middles, middle + 0.15 * typical))
        if column.stop - first < 2:
            continue
        length = bottoms[column].max() - tops[column].min()
        covered = (bottoms[column] - tops[column]).sum()
        if length > 2.5 * typical and covered > 0.75 * length:
            found[column] = True
    return {id(ordered[index]) for index in np.flatnonzero(found).tolist()}


def _rows(pieces: Sequence[Region]) -> NDArray[np.int64]:
    """Return where pieces begin and end, int64 [2, n]: top and bottom."""
    tops = [piece.box.y for piece in pieces]
    return np.array([tops, [piece.box.y + piece.box.height for piece in pieces]], np.int64)


def _is_bare(piece: Region) -> bool:
    """Whether a piece is one stroke; digits other than 1 are wider than that, or have a loop."""
    return len(piece.contours) == 1 and piece.box.width <= _BARE * piece.stroke_width


def _is_level(stroke: Region, others: NDArray[np.int64]) -> bool:
    """Whether a stroke begins and ends where others do, int64 [2, n], as a 1 in a number does."""
    _, y, _, height = stroke.box
    off = np.abs(others - [[y], [y + height]]).max(axis=0)
    return bool((off < _LEVEL * height).any())


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


def _shares_height(box: Box, others: NDArray[np.int64]) -> bool:
    """Whether a box and any of others, int64 [2, n], share half of the lower one's height."""
    tops, bottoms = others
    shared = np.minimum(bottoms, box.y + box.height) - np.maximum(tops, box.y)
    return bool((shared > 0.5 * np.minimum(bottoms - tops, box.height)).any())


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
