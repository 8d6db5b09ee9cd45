"""Pale ink that continues strokes, as a drying pen or a light hand leaves it."""

from collections.abc import Sequence
from statistics import median

import numpy as np

from .ink import Ink
from .opencv import cv2
from .pieces import Region, around, find_pieces, typical_height
from .results import Box, Pixels

_FURTHER = 0.1  # of a digit's height, that pale ink must reach beyond the rest
_LARGEST = 1.6  # times a digit's height; what is larger joins several, or is a shadow
_PEN = 1.4  # times the width that strokes had
_FLOOR = 6.0  # grey levels; below is paper
_SHARE = 0.33  # of the threshold, that pale ink has
_ABOVE = 1.5  # times the strength that paper has here and there


def with_pale_strokes(pieces: list[Region], ink: Ink) -> list[Region]:
    """Complete pieces by the pale ink that continues them.

    A dry pen leaves streaks, which averaging over its width joins. Pale ink that joins several
    pieces, or reaches far beyond one, is a ruling or a shadow.
    """
    if not pieces:
        return pieces
    typical = typical_height(pieces)
    large = [piece for piece in pieces if piece.box.height > 0.5 * typical]
    boxes = [piece.box for piece in pieces]
    small = _quarter(ink.strength)
    level = max(_FLOOR, _SHARE * ink.threshold, _ABOVE * _unevenness(small, boxes))
    if level >= ink.threshold:
        return pieces
    whole = [piece.box for piece in large]
    crumbs = [piece.box for piece in pieces if piece.box.height <= 0.5 * typical]
    falls_apart = any(_overlap(crumb, box) for crumb in crumbs for box in whole)
    if not falls_apart and not _reaches_further(small, level, whole, typical):
        return pieces
    pen = median(piece.stroke_width for piece in large)
    side = max(1, round(pen / 2)) | 1
    strength = cv2.blur(ink.strength, (side, side))
    _, mask = cv2.threshold(strength, level, 255, cv2.THRESH_BINARY)
    left, top, width, height = np.array(boxes).T
    right, bottom = left + width, top + height
    taken = np.zeros(len(pieces), dtype=np.bool_)
    completed = []
    for pale in find_pieces(np.asarray(mask, np.uint8)):
        x, y, w, h = pale.box
        if max(w, h) > _LARGEST * typical:
            continue
        within = (left >= x) & (top >= y) & (right <= x + w) & (bottom <= y + h) & ~taken
        # A box may lie within another's without that ink touches ink.
        own = [i for i in np.flatnonzero(within).tolist() if _holds(pale, pieces[i])]
        if sum(pieces[i].box.height > 0.5 * typical for i in own) != 1:
            continue
        if not _goes_on(pale, [pieces[i] for i in own], _FURTHER * typical):
            continue
        taken[own] = True
        completed.append(pale)
    return [piece for piece, gone in zip(pieces, taken, strict=True) if not gone] + completed


def _goes_on(pale: Region, own: Sequence[Region], least: float) -> bool:
    """Whether pale ink goes on with strokes, and is not a cloud around them."""
    before = around([piece.box for piece in own])
    beyond = (pale.box.width - before.width, pale.box.height - before.height)
    pen = max(piece.stroke_width for piece in own)
    further = max(beyond) > least or len(own) > 1
    return further and pale.stroke_width < _PEN * pen


def _quarter(strength: Pixels) -> Pixels:
    height, width = strength.shape
    for _ in range(2):  # by halves, which is quicker than at once
        height, width = max(1, height // 2), max(1, width // 2)
        strength = np.asarray(
            cv2.resize(strength, (width, height), interpolation=cv2.INTER_AREA), np.uint8
        )
    return strength


def _unevenness(small: Pixels, boxes: Sequence[Box]) -> float:
    """Return what strength paper has where it is strongest, in a quarter of the size."""
    paper = np.ones(small.shape, dtype=np.bool_)
    for x, y, w, h in boxes:
        paper[max(0, y // 4 - 1) : (y + h) // 4 + 2, max(0, x // 4 - 1) : (x + w) // 4 + 2] = False
    values = small[paper]
    return float(np.percentile(values, 98)) if values.size else 0.0


def _reaches_further(small: Pixels, level: float, boxes: Sequence[Box], typical: float) -> bool:
    """Whether pale ink reaches beyond any of the boxes; looked for in a quarter of the size."""
    _, mask = cv2.threshold(small, level, 255, cv2.THRESH_BINARY)
    beyond = _FURTHER * typical + 4
    for pale in find_pieces(np.asarray(mask, np.uint8)):
        x, y, w, h = (4 * side for side in pale.box)
        if max(w, h) > _LARGEST * typical:
            continue
        for box in boxes:
            right, bottom = box.x + box.width, box.y + box.height
            if not _overlap(box, Box(x, y, w, h)):
                continue
            if max(box.x - x, box.y - y, x + w - right, y + h - bottom) > beyond:
                return True
    return False


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
