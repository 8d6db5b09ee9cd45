"""Ink to connected pieces: what a pen put down without being lifted, as outlines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from .opencv import cv2
from .results import Box, Pixels

Contour = NDArray[np.int32]
"""int32 [n, 1, 2]: the outline of a piece of ink, or of a hole in it."""

_LEAST = 3  # px of the longer side; below, it is noise
_EDGES = 1_000_000  # steps from ink to paper, from pixel to pixel; 2,500 digits have half of them
_TOGETHER = 500  # outlines that are filled at once
_PIECES, _HOLES = 60_000, 20_000  # a tenth is more than any page of the measured sets has


class _Once:
    """A property that is computed once.

    Until Python 3.12 `functools.cached_property` has a lock, which threads wait for, and which a
    fork may find taken for ever.
    """

    def __init__(self, compute: "Callable[[Region], float]") -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __get__(self, region: "Region", owner: object = None) -> float:
        value = region.__dict__[self._compute.__name__] = self._compute(region)
        return value


@dataclass(frozen=True)
class Region:
    """Ink that belongs together: one digit, if it is one."""

    box: Box
    contours: tuple[Contour, ...]
    """Outer outlines and those of holes."""
    pale: bool = False
    """Whether strokes of it are so pale that how dark they are tells nothing."""

    @property
    def side(self) -> int:
        """The longer side of the box, in pixels."""
        return max(self.box.width, self.box.height)

    @_Once
    def area(self) -> float:
        """Pixels that the outlines hold, those of holes taken off.

        Outlines run through the centres of the border pixels, half a pixel inside the ink.
        """
        return abs(sum(cv2.contourArea(contour, oriented=True) for contour in self.contours))

    @_Once
    def stroke_width(self) -> float:
        """Mean width of the strokes in pixels: their area over half of their outline."""
        outline = sum(cv2.arcLength(contour, closed=True) for contour in self.contours)
        return 1.0 + 2.0 * self.area / outline if outline else 1.0


def find_pieces(mask: Pixels) -> list[Region]:
    """Return the connected pieces of ink, specks of a pixel or two left out.

    Args:
        mask: uint8 [H, W]: 255 where there is ink, else 0. What is texture has no pieces.
    """
    if is_texture(mask):
        return []
    # findContours costs a twentieth of connectedComponentsWithStats on a VGA mask.
    contours, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if hierarchy is None:
        return []
    pieces = []
    links = hierarchy[0].tolist()  # for each outline: next, previous, first hole, parent
    for outer, (_, _, hole, parent) in zip(contours, links, strict=True):
        if parent >= 0 or len(outer) < _LEAST:
            continue
        box = Box(*cv2.boundingRect(outer))
        if max(box.width, box.height) < _LEAST:
            continue
        own = [outer]
        following = hole
        while following >= 0:
            own.append(contours[following])
            following = links[following][0]
        pieces.append(Region(box, tuple(np.asarray(contour, np.int32) for contour in own)))
    return pieces


def is_texture(mask: Pixels) -> bool:
    """Whether ink, uint8 [H, W], falls into so many bits that it is no writing: noise, a screen.

    OpenCV finds the holes of one piece in quadratic time: those of a chequered megapixel took it
    minutes.
    """
    if cv2.countNonZero(mask) <= _HOLES:
        return False
    edges = sum(
        cv2.countNonZero(cv2.absdiff(one, next_to_it))
        for one, next_to_it in ((mask[:, 1:], mask[:, :-1]), (mask[1:], mask[:-1]))
        if one.size
    )
    if edges <= 4 * _HOLES:  # an outline has four at least
        return False
    if edges > _EDGES or cv2.connectedComponents(mask)[0] > _PIECES:
        return True
    holes, _ = cv2.connectedComponents(cv2.bitwise_not(mask), connectivity=4)
    return holes > _HOLES


def fill(canvas: Pixels, contours: Sequence[Contour], offset: tuple[int, int]) -> None:
    """Draw what outlines hold, holes left out.

    OpenCV 4.8 takes time that grows with the square of their number: 12 s for 16,000. So many are
    filled by parts: within is what lies in an odd number of them, or on an outline.

    Args:
        canvas: uint8 [H, W] of zeros; becomes 255 there.
        contours: Outer outlines and those of holes.
        offset: x and y that are added to theirs.
    """
    if len(contours) <= _TOGETHER:
        cv2.drawContours(canvas, contours, -1, 255, cv2.FILLED, offset=offset)
        return
    for start in range(0, len(contours), _TOGETHER):
        part = np.zeros_like(canvas)
        some = contours[start : start + _TOGETHER]
        cv2.drawContours(part, some, -1, 255, cv2.FILLED, offset=offset)
        canvas ^= part
    cv2.drawContours(canvas, contours, -1, 255, 1, offset=offset)


def union(regions: Sequence[Region]) -> Region:
    """Return regions as one."""
    if len(regions) == 1:
        return regions[0]
    contours = tuple(contour for region in regions for contour in region.contours)
    pale = any(region.pale for region in regions)
    return Region(around([region.box for region in regions]), contours, pale)


def around(boxes: Sequence[Box]) -> Box:
    """Return the smallest box that holds all boxes."""
    x, y = min(box.x for box in boxes), min(box.y for box in boxes)
    right = max(box.x + box.width for box in boxes)
    bottom = max(box.y + box.height for box in boxes)
    return Box(x, y, right - x, bottom - y)


def typical_height(pieces: Sequence[Region]) -> float:
    """Return the height that most ink has: its 60 % quantile, weighted by height."""
    heights = sorted(max(piece.box.height, 0.6 * piece.box.width) for piece in pieces)
    least = 0.6 * sum(heights)
    return float(
        next(
            tall for tall, below in zip(heights, accumulate(heights), strict=True) if below >= least
        )
    )
