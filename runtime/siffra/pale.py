"""Pale ink that continues strokes, as a drying pen or a light hand leaves it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from .ink import Ink
from .median import median
from .opencv import cv2
from .pieces import Region, around, find_pieces, typical_height, union
from .results import Box, Pixels
from .scale import halved

_FURTHER = 0.1  # of a digit's height, that pale ink must reach beyond the rest
_LARGEST = 1.6  # times a digit's height; what is larger joins several, or is a shadow
_PEN = 1.4  # times the width that strokes had
_FLOOR = 6.0  # grey levels; below is paper
_SHARES = (0.6, 0.45, 0.33)  # of the threshold, that pale ink may have
_STRONG = 0.9  # of the paper is weaker
_REGIONS = 300  # that may be pale in part: with more of them a page is of something else
_PIXELS = 2_000_000  # more are a copy for small digits, in which grain passes for pale ink
_SPECKS = 40  # that are taken into a digit
_PALES = 3_000  # pieces as high as digits: more are a texture
_SIDE = 512  # px; around what was found, larger pages are looked at in a quarter of their size


def completed(ink: Ink, regions: Sequence[Region]) -> Iterator[tuple[tuple[int, ...], Region]]:
    """Find regions that pale ink may complete.

    A dry pen leaves streaks, which averaging over its width joins. How pale ink may be is not to be
    told from the ink alone: several levels are tried, and the network is to say which is a digit.

    Yields:
        Which regions, as indices, and what they would be with the pale ink.
    """
    if not 0 < len(regions) <= _REGIONS or ink.strength.size > _PIXELS:
        return
    typical = typical_height(regions)
    boxes = [region.box for region in regions]
    whole = [box for box in boxes if box.height > 0.5 * typical]
    crumbs = [box for box in boxes if box.height <= 0.5 * typical]
    uneven, beyond = _paper(ink.strength, boxes, _SHARES[-1] * ink.threshold)
    least = max(_FLOOR, _SHARES[-1] * ink.threshold, uneven)
    falls_apart = any(_overlap(crumb, box) for crumb in crumbs for box in whole)
    if not falls_apart and beyond < (_FURTHER * typical) ** 2:
        return
    pen = median(region.stroke_width for region in regions)
    side = max(1, round(pen / 2)) | 1
    strength = cv2.blur(ink.strength, (side, side))
    for share in _SHARES:
        level = share * ink.threshold
        if level >= least:
            _, mask = cv2.threshold(strength, level, 255, cv2.THRESH_BINARY)
            yield from _completed(find_pieces(np.asarray(mask, np.uint8)), regions, typical, pen)


def _completed(
    pales: Sequence[Region], regions: Sequence[Region], typical: float, pen: float
) -> Iterator[tuple[tuple[int, ...], Region]]:
    least = 0.5 * typical
    # Averaging takes a pixel off the ends.
    high = [pale for pale in pales if pale.box.height + 2 > least]
    if len(high) > _PALES:
        return
    left, top, width, height = np.array([region.box for region in regions]).T
    right, bottom = left + width, top + height
    corners = np.array([pale.box[:2] for pale in pales]).reshape(-1, 2)
    ends = corners + np.array([pale.box[2:] for pale in pales]).reshape(-1, 2)
    for pale in high:
        x, y, w, h = pale.box
        if max(w, h) > _LARGEST * typical:
            continue
        within = (left >= x - 1) & (top >= y - 1) & (right <= x + w + 1) & (bottom <= y + h + 1)
        # A box may lie within another's without that ink touches ink.
        own = [i for i in np.flatnonzero(within).tolist() if _holds(pale, regions[i])]
        if sum(regions[i].box.height > least for i in own) != 1:
            continue
        if not _goes_on(pale, [regions[i] for i in own], _FURTHER * typical, pen):
            continue
        # Where a pen was driest it left but specks.
        inside = ((corners >= (x, y)).all(axis=1) & (ends <= (x + w, y + h)).all(axis=1)).nonzero()[
            0
        ]
        specks = [pales[index] for index in inside[: _SPECKS + 1] if pales[index] is not pale]
        yield tuple(own), replace(union([pale, *specks]), pale=True)


def _goes_on(pale: Region, own: Sequence[Region], least: float, pen: float) -> bool:
    """Whether pale ink goes on with strokes, and is not a cloud around them."""
    before = around([piece.box for piece in own])
    beyond = (pale.box.width - before.width, pale.box.height - before.height)
    # Ragged strokes pass for thinner than they are.
    pen = max(pen, *(piece.stroke_width for piece in own))
    return (max(beyond) > least or len(own) > 1) and pale.stroke_width < _PEN * pen


def _paper(strength: Pixels, boxes: Sequence[Box], level: float) -> tuple[float, int]:
    """Look at what is around boxes, in a copy of half or a quarter of the size.

    Returns:
        What strength paper has where it is strong, and how many of its pixels are above a level.
    """
    s = 4 if max(strength.shape) > _SIDE else 2
    strength = halved(strength, max(1, max(strength.shape) // s))
    for x, y, w, h in boxes:  # no paper is as strong
        strength[max(0, y // s - 1) : (y + h) // s + 2, max(0, x // s - 1) : (x + w) // s + 2] = 255
    counts = np.cumsum(cv2.calcHist([strength], [0], None, [255], [0, 255]))
    strong = float(np.searchsorted(counts, _STRONG * counts[-1]))
    return strong, s * s * int(counts[-1] - counts[int(max(_FLOOR, level))])


def _overlap(a: Box, b: Box) -> bool:
    return (
        a.x < b.x + b.width
        and b.x < a.x + a.width
        and a.y < b.y + b.height
        and b.y < a.y + a.height
    )


def _holds(outer: Region, inner: Region) -> bool:
    x, y = inner.contours[0][0, 0].tolist()
    return cv2.pointPolygonTest(outer.contours[0], (x, y), measureDist=False) >= 0
