"""Ink to connected pieces: what a pen put down without being lifted, as outlines."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from .opencv import cv2
from .results import Box, Pixels

Contour = NDArray[np.int32]
"""int32 [n, 1, 2]: the outline of a piece of ink, or of a hole in it."""

_LEAST = 3  # px of the longer side; below, it is noise


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

    @cached_property
    def area(self) -> float:
        """Pixels that the outlines hold, those of holes taken off.

        Outlines run through the centres of the border pixels, half a pixel inside the ink.
        """
        return abs(sum(cv2.contourArea(contour, oriented=True) for contour in self.contours))

    @cached_property
    def stroke_width(self) -> float:
        """Mean width of the strokes in pixels: their area over half of their outline."""
        outline = sum(cv2.arcLength(contour, closed=True) for contour in self.contours)
        return 1.0 + 2.0 * self.area / outline if outline else 1.0


def find_pieces(mask: Pixels) -> list[Region]:
    """Return the connected pieces of ink, specks of a pixel or two left out.

    Args:
        mask: uint8 [H, W]: not 0 where there is ink.
    """
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
