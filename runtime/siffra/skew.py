"""Pages photographed askew: how far their lines fall, and the page turned until they are level."""

from collections.abc import Sequence
from math import atan2, degrees
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .ink import Ink
from .opencv import cv2
from .order import Placed
from .pieces import Region
from .results import Box, Pixels

_LEAST = 6.0  # degrees; digits that lean less are read as well as upright ones
_MOST = 40.0  # degrees; what falls more steeply is a column or a diagonal of several lines
_TELLING = 2  # digits that a line needs to tell how far it falls


class Straight(NamedTuple):
    """A page turned until its lines are level."""

    ink: Ink
    grey: Pixels
    """uint8 [H, W]: larger than the page was, so that nothing is cut off."""
    back: NDArray[np.float64]
    """float64 [2, 3]: from its pixels to those of the page as it was."""
    shape: tuple[int, int]
    """Height and width of the page as it was."""

    def box_before(self, region: Region) -> Box:
        """Return the box that a region has on the page as it was."""
        points = np.concatenate(region.contours).reshape(-1, 2) @ self.back[:, :2].T
        points += self.back[:, 2]
        end = self.shape[1] - 1, self.shape[0] - 1
        low = np.clip(np.rint(points.min(axis=0)), 0, end).astype(int).tolist()
        high = np.clip(np.rint(points.max(axis=0)), 0, end).astype(int).tolist()
        return Box(low[0], low[1], high[0] - low[0] + 1, high[1] - low[1] + 1)


def fall_of(lines: Sequence[Sequence[Placed]]) -> float:
    """Return by how many degrees lines fall to the right; 0 where they are level or too short.

    It is the direction in which digits spread most around the middles of their lines, so that
    long lines count most.
    """
    across = down = both = 0.0  # squares of distances from the middles, and products
    for line in lines:
        if len(line) < _TELLING:
            continue
        boxes = [placed.box for placed in line]
        xs = [box.x + box.width / 2 for box in boxes]
        ys = [box.y + box.height / 2 for box in boxes]
        x, y = sum(xs) / len(xs), sum(ys) / len(ys)
        across += sum((each - x) ** 2 for each in xs)
        down += sum((each - y) ** 2 for each in ys)
        both += sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True))
    fall = degrees(atan2(2.0 * both, across - down)) / 2.0
    return fall if _LEAST < abs(fall) < _MOST else 0.0


def straighten(ink: Ink, grey: Pixels, fall: float) -> Straight:
    """Turn a page back whose lines fall by some degrees.

    The ink is turned as it was found: paper that is not there has no ink.
    """
    height, width = grey.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), fall, 1.0)
    across, down = np.ceil(np.abs(turn[:, :2]) @ (width, height)).astype(int).tolist()
    turn[:, 2] += (across - width) / 2, (down - height) / 2
    strength = cv2.warpAffine(ink.strength, turn, (across, down))
    turned = cv2.warpAffine(grey, turn, (across, down), borderMode=cv2.BORDER_REPLICATE)
    return Straight(
        ink._replace(strength=np.asarray(strength, dtype=np.uint8)),
        np.asarray(turned, dtype=np.uint8),
        np.asarray(cv2.invertAffineTransform(turn), dtype=np.float64),
        (height, width),
    )
