"""What only looks like a digit: texture, edges, creases. Writing stands out, and is of one pen."""

from collections.abc import Sequence

import numpy as np

from .ink import Ink
from .median import median
from .opencv import cv2
from .pieces import Region, fill
from .results import Box, Pixels

_AROUND = 0.25  # of a region's side, that is looked at on every side of it
_CLEAN = 0.62  # share of the surroundings that is paper; between close neighbours it is more
_EVEN = 0.2  # standard deviation of that paper over the strength of the ink
_PALE = 0.15  # mean strength of that paper over the strength of the ink
_SLIM = 0.4  # width over height of a bare stroke, which an edge or a crease may be as well as a 1
_WRITING = 3  # digits that tell what the writing is like
_PEN = 0.45, 2.2  # times its pen
_FAINT = 0.5  # of its strength
_TALL = 1.8  # times its height
_RIM = 0.8  # of a picture's sides, that the edge of a sheet on a desk spans
_BROAD = 1.2  # times its height, that no digit is wide
_FAR = 3.0  # times its height, from any digit
_NEXT = np.ones((3, 3), dtype=np.uint8)


def stands_out(ink: Ink, mask: Pixels, grey: Pixels, region: Region) -> bool:
    """Whether a region is ink on paper, and not a part of a picture or of a texture.

    Args:
        ink: The page.
        mask: uint8 [H, W]: its ink.
        grey: uint8 [H, W]: the page as it was seen.
        region: What may be a digit.
    """
    x, y, width, height = region.box
    margin = max(2, round(_AROUND * region.side))
    window = (
        slice(max(0, y - margin), y + height + margin),
        slice(max(0, x - margin), x + width + margin),
    )
    strength = np.ascontiguousarray(ink.strength[window])
    own = np.zeros_like(strength)
    corner = (-window[1].start, -window[0].start)
    fill(own, region.contours, corner)
    full = float(cv2.mean(strength, mask=own)[0])
    paper = cv2.bitwise_not(cv2.dilate(np.ascontiguousarray(mask[window]), _NEXT))
    pixels = cv2.countNonZero(paper)
    if pixels < 5:
        return False
    if float(cv2.mean(strength, mask=paper)[0]) > _PALE * full:
        return False
    _, deviation = cv2.meanStdDev(np.ascontiguousarray(grey[window]), mask=paper)
    return pixels > _CLEAN * paper.size or float(deviation[0, 0]) < _EVEN * full


def is_slim(box: Box) -> bool:
    """Whether a box is that of a bare stroke."""
    return box.width < _SLIM * box.height


def strays(ink: Ink, regions: Sequence[Region], accepted: Sequence[bool]) -> list[bool]:
    """Tell for each region whether it is a sheet's rim, or a stroke not of the writing."""
    rims = [_is_rim(region.box, ink.strength.shape) for region in regions]
    slim = [is_slim(region.box) for region in regions]
    if not any(slim):
        return rims
    writing = [good and not rim for good, rim in zip(accepted, rims, strict=True)]
    bare = _stray_strokes(ink, regions, slim, writing)
    return [rim or stroke for rim, stroke in zip(rims, bare, strict=True)]


def _stray_strokes(
    ink: Ink, regions: Sequence[Region], slim: Sequence[bool], accepted: Sequence[bool]
) -> list[bool]:
    """Tell for each region whether it is a bare stroke that is not of the writing beside it.

    A 1 is but a stroke, and so are edges and creases: it must be of the pen, the strength and the
    size of the digits that are none, and near one.
    """
    writing = [
        r for r, thin, good in zip(regions, slim, accepted, strict=True) if good and not thin
    ]
    if len(writing) < _WRITING:
        return [
            thin and _is_cut_off(region.box, ink.strength.shape)
            for region, thin in zip(regions, slim, strict=True)
        ]
    pen = median(region.stroke_width for region in writing)
    tall = median(region.box.height for region in writing)
    strength = median(_strength(ink, region) for region in writing)

    x, y, width, height = np.array([region.box for region in writing]).T
    right, bottom = x + width, y + height

    def is_stray(region: Region) -> bool:
        if not _PEN[0] * pen - 0.5 <= region.stroke_width <= _PEN[1] * pen + 0.5:
            return True
        if region.box.height > _TALL * tall or _strength(ink, region) < _FAINT * strength:
            return True
        across = np.maximum(region.box.x - right, x - (region.box.x + region.box.width))
        down = np.maximum(region.box.y - bottom, y - (region.box.y + region.box.height))
        gaps = np.hypot(np.maximum(across, 0), np.maximum(down, 0))
        return bool(gaps.min() > _FAR * tall)

    return [thin and is_stray(region) for region, thin in zip(regions, slim, strict=True)]


def _is_rim(box: Box, shape: tuple[int, ...]) -> bool:
    """Whether a box goes around nearly all of a picture, and is too wide for one digit."""
    height, width = shape
    around = box.width > _RIM * width and box.height > _RIM * height
    return around and box.width > _BROAD * box.height


def _is_cut_off(box: Box, shape: tuple[int, ...]) -> bool:
    """Whether a box touches a side of the picture, or top or bottom; a tight crop touches both."""
    height, width = shape
    sides = box.x <= 0 or box.x + box.width >= width
    return sides or (box.y <= 0) != (box.y + box.height >= height)


def _strength(ink: Ink, region: Region) -> float:
    """Return how strong the ink is where rows through a region cross it, one of them at least."""
    x, y, width, height = region.box
    rows = ink.strength[y + height // 4 : y + height : max(1, height // 4), x : x + width]
    return float(rows.max())
