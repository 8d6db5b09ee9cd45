"""Copies of other sizes: small ones to look at, and what was found in them brought back."""

from collections.abc import Callable

import numpy as np

from .opencv import cv2
from .results import Box, Pixels

WORKING_SIDE = 640
"""Pixels of the longer side of the copy that digits are looked for in."""


def reduce(grey: Pixels, side: int = WORKING_SIDE) -> Pixels:
    """Shrink grey pixels until their longer side is at most `side`, by averaging.

    Pixels that are small enough come back as they are.
    """
    factor = max(grey.shape) / side
    if factor <= 1.0:
        return grey
    size = [max(1, round(length / factor)) for length in grey.shape]
    # By halves first: what is left to do in one step takes ten times as long for each pixel.
    small = cv2.resize(halved(grey, 2 * side - 1), size[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def halved(grey: Pixels, side: int) -> Pixels:
    """Halve grey pixels until their longer side is at most `side`, by averaging.

    Pixels that are small enough come back as they are.
    """
    height, width = grey.shape
    while max(height, width) > side:
        height, width = max(1, height // 2), max(1, width // 2)
        grey = np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return grey


def enlarge(small: Pixels, shape: tuple[int, ...]) -> Pixels:
    """Return a smooth copy, uint8 of this shape."""
    size = (shape[1], shape[0])
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def to_picture(picture: Pixels, shape: tuple[int, ...]) -> Callable[[Box], Box]:
    """Return what brings boxes of the working copy, which has that shape, to the picture."""
    height, width = picture.shape[:2]
    down, across = height / shape[0], width / shape[1]

    def scaled(box: Box) -> Box:
        x, y, w, h = box
        left, right = min(round(x * across), width), min(round((x + w) * across), width)
        top, bottom = min(round(y * down), height), min(round((y + h) * down), height)
        return Box(left, top, right - left, bottom - top)

    return scaled
