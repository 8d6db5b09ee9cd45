"""Pale ink that continues strokes, as a drying pen or a light hand leaves it."""

import numpy as np

from .ink import Ink
from .opencv import cv2
from .pieces import Region, find_pieces, typical_height


def with_pale_strokes(pieces: list[Region], ink: Ink) -> list[Region]:
    """Complete pieces by the pale ink that continues them, as a drying pen leaves it.

    Pale ink that joins several pieces, or reaches far beyond one, is a ruling or a shadow.
    """
    weak = ink.weak_mask
    if not pieces or weak is None:
        return pieces
    typical = typical_height(pieces)
    boxes = np.array([piece.box for piece in pieces])
    left, top = boxes[:, 0], boxes[:, 1]
    right, bottom = left + boxes[:, 2], top + boxes[:, 3]
    taken = np.zeros(len(pieces), dtype=np.bool_)
    completed = []
    for pale in find_pieces(weak):
        x, y, w, h = pale.box
        within = np.flatnonzero(
            (left >= x) & (top >= y) & (right <= x + w) & (bottom <= y + h) & ~taken
        )
        if not within.size or max(w, h) > 1.6 * typical:
            continue
        # A box may lie within another's without that ink touches ink.
        own = [i for i in within if _holds(pale, pieces[i])]
        large = [i for i in own if pieces[i].box.height > 0.5 * typical]
        if len(large) != 1 or pale.area < 1.15 * sum(pieces[i].area for i in own):
            continue
        taken[own] = True
        completed.append(pale)
    return [piece for piece, gone in zip(pieces, taken, strict=True) if not gone] + completed


def _holds(outer: Region, inner: Region) -> bool:
    x, y = inner.contours[0][0, 0].tolist()
    return cv2.pointPolygonTest(outer.contours[0], (x, y), measureDist=False) >= 0
