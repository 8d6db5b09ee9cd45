"""Ink to regions: which strokes belong together, which may be digits, in what order they read."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .ink import Ink
from .opencv import cv2
from .results import Box

Contour = NDArray[np.int32]
"""int32 [n, 1, 2]: the outline of a piece of ink, or of a hole in it."""

MIN_SIDE = 6
"""Pixels that the longer side of a digit must have; below, its shape is lost to the grid."""


@dataclass(frozen=True)
class Region:
    """Ink that belongs together: one digit, if it is one."""

    box: Box
    contours: tuple[Contour, ...]
    """Outer outlines and those of holes."""

    @property
    def side(self) -> int:
        """The longer side of the box, in pixels."""
        return max(self.box.width, self.box.height)

    @property
    def stroke_width(self) -> float:
        """Mean width of the strokes in pixels: their area over half of their outline.

        Outlines run through the centres of the border pixels, half a pixel inside the ink.
        """
        area = 0.0
        outline = 0.0
        for contour in self.contours:
            area += float(cv2.contourArea(contour, oriented=True))
            outline += float(cv2.arcLength(contour, closed=True))
        return 1.0 + 2.0 * abs(area) / outline if outline else 1.0


def locate(ink: Ink) -> list[list[Region]]:
    """Find the digits of a page.

    Returns:
        The regions that may be digits, in lines from top to bottom, each from left to right.
        Specks, rulings and the edges of the paper are left out.
    """
    height, width = ink.strength.shape
    pieces = [piece for piece in _pieces(ink) if piece.side >= MIN_SIDE]
    pieces = _without_lines(_without_frames(pieces), height, width)
    if not pieces:
        return []
    typical = _typical_height(pieces)
    regions = [
        region
        for region in _join_broken(pieces, typical)
        if region.box.height >= 0.33 * typical and may_be_digit(region)
    ]
    return _lines(regions)


def locate_one(ink: Ink) -> Region | None:
    """Find the one digit that a picture shows: its largest ink, nearest to the middle.

    Ink that touches the picture's border counts less, since that is how edges of paper and form
    boxes show; pieces close to the digit are taken as parts of it. None only where there is no ink.
    """
    height, width = ink.strength.shape
    pieces = _pieces(ink)
    if not pieces:
        return None
    pieces = _without_frames(pieces) or pieces

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
        and (at_border or not _borders(piece.box, height, width))
    ]
    return _union([main, *parts])


def may_be_digit(region: Region) -> bool:
    """Whether a region's shape is one that a digit can have: not a dash, not a filled box."""
    _, _, width, height = region.box
    if width >= 3 * height:
        return False
    filled = 2.0 * region.stroke_width >= min(width, height) and width >= 0.5 * height
    return not (filled and _fill(region) > 0.85)


def _fill(region: Region) -> float:
    area = sum(float(cv2.contourArea(contour, oriented=True)) for contour in region.contours)
    return abs(area) / max(1, (region.box.width - 1) * (region.box.height - 1))


def _pieces(ink: Ink) -> list[Region]:
    """Return the connected pieces of ink, specks of a pixel or two left out."""
    # findContours costs a twentieth of connectedComponentsWithStats on a VGA mask.
    contours, hierarchy = cv2.findContours(ink.mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if hierarchy is None:
        return []
    pieces = []
    links = hierarchy[0].tolist()  # for each outline: next, previous, first hole, parent
    for outer, (_, _, hole, parent) in zip(contours, links, strict=True):
        if parent >= 0:
            continue
        box = Box(*cv2.boundingRect(outer))
        if max(box.width, box.height) < 3:
            continue
        own = [outer]
        following = hole
        while following >= 0:
            own.append(contours[following])
            following = links[following][0]
        pieces.append(Region(box, tuple(np.asarray(contour, dtype=np.int32) for contour in own)))
    return pieces


def _without_frames(pieces: list[Region]) -> list[Region]:
    """Leave out what is around other ink: form boxes, table cells, the desk around a sheet."""
    x, y, width, height = np.array([piece.box for piece in pieces]).reshape(-1, 4).T
    side = np.maximum(width, height)

    def surrounds(hole: Contour) -> bool:
        left, top, across, down = cv2.boundingRect(hole)
        room = min(across, down)
        if room < 2 * MIN_SIDE:
            return False
        inside = side[
            (x > left) & (y > top) & (x + width < left + across) & (y + height < top + down)
        ]
        # The loop of a digit may hold specks, but nothing large, and it is not rectangular.
        least = 0.015 if _is_rectangular(hole) else 0.4
        return bool((inside > max(least * room, MIN_SIDE)).any())

    def is_frame(piece: Region) -> bool:
        return any(surrounds(hole) for hole in piece.contours[1:])

    return [piece for piece in pieces if not is_frame(piece)]


def _is_rectangular(outline: Contour) -> bool:
    """Whether an outline fills its rectangle, at any tilt; an ellipse fills 79 % of its own."""
    _, (width, height), _ = cv2.minAreaRect(outline)
    return float(cv2.contourArea(outline)) > 0.88 * width * height


def _without_lines(pieces: list[Region], height: int, width: int) -> list[Region]:
    """Leave out rulings, frames and the edges of the paper.

    A tall thin stroke may be any of these or a 1: what stands beside it decides. On a level with
    other ink, about as tall and of the same pen, or with nothing else there, it is a 1.
    """
    plain = [piece for piece in pieces if not _is_line(piece.box, height, width)]
    upright = [
        piece
        for piece in pieces
        if _is_line(piece.box, height, width) and piece.box.height > 2 * piece.box.width
    ]
    if not plain:  # nothing but strokes, or one shape that fills the picture
        return upright or pieces
    typical = _typical_height(plain)
    pen = float(np.median([piece.stroke_width for piece in plain]))
    ones = [
        piece
        for piece in upright
        if 0.6 * typical <= piece.box.height <= 1.6 * typical
        and 0.5 * pen - 1.0 <= piece.stroke_width <= 2.0 * pen + 1.0
        and any(_shared_height(piece.box, other.box) > 0.5 for other in plain)
    ]
    return plain + ones


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


def _typical_height(pieces: Sequence[Region]) -> float:
    """Return the height that most ink has: its 60 % quantile, weighted by height."""
    heights = np.sort([max(piece.box.height, 0.6 * piece.box.width) for piece in pieces])
    share = np.cumsum(heights) / heights.sum()
    return float(heights[int(np.searchsorted(share, 0.6))])


def _join_broken(pieces: Iterable[Region], typical: float) -> list[Region]:
    """Join the pieces of digits that were written, or scanned, in several strokes."""
    groups: list[list[Region]] = []
    boxes: list[Box] = []  # around each group
    # Which groups lie in each square of the page: to compare all with all would take seconds on a
    # page of text.
    squares: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for piece in sorted(pieces, key=lambda piece: piece.side, reverse=True):
        near = set().union(*(squares[square] for square in _squares(piece.box, typical)))
        match = next((i for i in sorted(near) if _same(boxes[i], piece.box, typical)), None)
        if match is None:
            match = len(groups)
            groups.append([piece])
            boxes.append(piece.box)
        elif piece.side >= 0.15 * typical:
            groups[match].append(piece)
            around = _around([boxes[match], piece.box])
            if around == boxes[match]:
                continue
            boxes[match] = around
        else:
            continue
        for square in _squares(boxes[match], typical):
            squares[square].add(match)
    return [_union(group) for group in groups]


def _squares(box: Box, typical: float) -> Iterator[tuple[int, int]]:
    """Yield the squares of the page, two digits wide, that a box and what may join it lie in."""
    side = max(1, round(2 * typical))
    reach = round(0.12 * typical) + 1
    for row in range((box.y - reach) // side, (box.y + box.height + reach) // side + 1):
        for column in range(box.x // side, (box.x + box.width) // side + 1):
            yield row, column


def _same(a: Box, b: Box, typical: float) -> bool:
    """Whether a smaller piece, b, is part of a digit: inside of it, or right above or below it."""
    beside = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    level = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    narrower = min(a.width, b.width)
    if beside > 0.3 * narrower and level > 0.5 * min(a.height, b.height):
        return True
    together = max(a.y + a.height, b.y + b.height) - min(a.y, b.y)
    return (
        beside > 0.5 * narrower
        and -level < 0.12 * typical
        and together < 1.35 * max(typical, a.height)
    )


def _gap(a: Box, b: Box) -> int:
    """Return the pixels between two boxes along the axis on which they are further apart."""
    across = max(a.x - (b.x + b.width), b.x - (a.x + a.width))
    down = max(a.y - (b.y + b.height), b.y - (a.y + a.height))
    return max(0, across, down)


def _union(regions: Sequence[Region]) -> Region:
    contours = tuple(contour for region in regions for contour in region.contours)
    return Region(_around([region.box for region in regions]), contours)


def _around(boxes: Sequence[Box]) -> Box:
    x, y = min(box.x for box in boxes), min(box.y for box in boxes)
    right = max(box.x + box.width for box in boxes)
    bottom = max(box.y + box.height for box in boxes)
    return Box(x, y, right - x, bottom - y)


def _lines(regions: Iterable[Region]) -> list[list[Region]]:
    """Put regions into lines, from top to bottom.

    Each region continues the line whose last region it shares most height with, as a share of the
    lower of the two, and is nearest to: on a slanted page the next line comes level further on.
    """
    ordered = sorted(regions, key=lambda region: region.box.x)
    lines: list[list[Region]] = []
    right, top, bottom = np.zeros((3, len(ordered)))  # of the last region of each line
    for region in ordered:
        x, y, width, height = region.box
        count = len(lines)
        shared = np.minimum(bottom[:count], y + height) - np.maximum(top[:count], y)
        level = shared / np.minimum(bottom[:count] - top[:count], height)
        gap = np.maximum(0.0, x - right[:count]) / height
        score = np.where(level > 0.4, level - 0.1 * gap, -np.inf)
        line = int(score.argmax()) if count and score.max() > -np.inf else count
        if line == count:
            lines.append([])
        lines[line].append(region)
        right[line], top[line], bottom[line] = x + width, y, y + height
    slope = _slope(lines)
    return sorted(
        lines,
        key=lambda line: float(np.mean([_middle(r)[1] - slope * _middle(r)[0] for r in line])),
    )


def _slope(lines: Iterable[Sequence[Region]]) -> float:
    """Return how far lines fall to the right, as pixels down for a pixel across: their median."""
    steps = [
        (_middle(b)[1] - _middle(a)[1]) / max(1.0, _middle(b)[0] - _middle(a)[0])
        for line in lines
        for a, b in pairwise(line)
    ]
    return float(np.median(steps)) if steps else 0.0


def _middle(region: Region) -> tuple[float, float]:
    x, y, width, height = region.box
    return x + width / 2, y + height / 2
