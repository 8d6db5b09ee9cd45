"""Digits written, or scanned, in several pieces: which pieces are of one digit."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from math import ceil, prod

import numpy as np
from numpy.typing import NDArray

from .cells import to_cells
from .found import Found, found_of
from .ink import Ink
from .median import median
from .network import Classify
from .pale import completed
from .pieces import Region, around, union
from .results import Box

_NEAR = 0.3  # of a digit's height, between pieces of one
_WHOLE = 0.75  # of a digit's height: what is lower may be a piece
_WIDE, _TALL = 1.2, 1.5  # times a digit's height that pieces together may measure
_LOOSE = 200  # pieces that may be parts of digits: with more of them a page is of something else
_MOST = 48  # guesses that are tried, of each kind


def mend(ink: Ink, read: Sequence[Found], threshold: float, classify: Classify) -> list[Found]:
    """Put pieces together, with pale ink between them, where the network makes more of the whole.

    Args:
        ink: The page.
        read: What was found on it.
        threshold: Probability from which a digit is accepted.
        classify: The network.
    """
    regions = [each.region for each in read]
    ways = _joined(read, threshold), completed(ink, regions)
    guesses = [guess for way in ways for guess in islice(way, _MOST)]
    if not guesses:
        return list(read)
    cells = to_cells(ink, [whole for _, whole in guesses])
    wholes = found_of([whole for _, whole in guesses], cells, classify(cells))
    used: set[int] = set()
    mended = []
    for (parts, _), whole in sorted(
        zip(guesses, wholes, strict=True), key=lambda pair: pair[1].sure, reverse=True
    ):
        apart = [read[index].sure for index in parts]
        if whole.sure < threshold or used.intersection(parts):
            continue
        # Pieces that are digits by themselves must all be less likely than the whole.
        if min(apart) >= threshold and whole.sure <= prod(apart):
            continue
        used.update(parts)
        mended.append(whole)
    return [each for index, each in enumerate(read) if index not in used] + mended


def _joined(read: Sequence[Found], threshold: float) -> Iterator[tuple[tuple[int, ...], Region]]:
    """Yield what may be one digit of what is near each other: which, and all of it as one."""
    sure = [each for each in read if each.sure >= threshold]
    if not sure:
        return
    tall = median(each.region.box.height for each in sure)
    loose = [
        index
        for index, each in enumerate(read)
        if each.sure < threshold or each.region.box.height < _WHOLE * tall
    ]
    for parts in _guesses([each.region.box for each in read], loose, tall):
        yield parts, union([read[index].region for index in parts])


def _guesses(boxes: Sequence[Box], loose: Sequence[int], tall: float) -> Iterator[tuple[int, ...]]:
    """Yield which boxes may be one digit: pairs, and all that hang together."""
    if len(loose) > _LOOSE:
        return
    x, y, width, height = np.array(boxes).T
    right, bottom = x + width, y + height
    seen: set[tuple[int, ...]] = set()
    for index in loose:
        across = np.maximum(x[index] - right, x - right[index])
        down = np.maximum(y[index] - bottom, y - bottom[index])
        near = np.flatnonzero(np.maximum(across, down) <= _NEAR * tall)
        wide = np.maximum(right[near], right[index]) - np.minimum(x[near], x[index])
        high = np.maximum(bottom[near], bottom[index]) - np.minimum(y[near], y[index])
        fits = (wide <= _WIDE * tall) & (high <= _TALL * tall)
        groups = [tuple(sorted((index, other))) for other in near[fits].tolist() if other != index]
        wide, high = right[near].max() - x[near].min(), bottom[near].max() - y[near].min()
        if len(near) > 2 and wide <= _WIDE * tall and high <= _TALL * tall:
            groups.append(tuple(near.tolist()))
        for group in groups:
            if group not in seen:
                seen.add(group)
                yield group


def join_broken(pieces: Iterable[Region], typical: float) -> list[Region]:
    """Join the pieces of digits that were written, or scanned, in several strokes."""
    pieces = list(pieces)
    if not _any_near(pieces, typical):
        return pieces
    groups: list[list[Region]] = []
    boxes = np.zeros((len(pieces), 4), dtype=np.int64)  # around each group
    for piece in sorted(pieces, key=lambda piece: piece.side, reverse=True):
        matches = _same(boxes[: len(groups)], piece.box, typical)
        if not len(matches):
            boxes[len(groups)] = piece.box
            groups.append([piece])
        elif piece.side >= 0.15 * typical:
            match = int(matches[0])
            groups[match].append(piece)
            boxes[match] = around([Box(*boxes[match].tolist()), piece.box])
    return [union(group) for group in groups]


def _any_near(pieces: Sequence[Region], typical: float) -> bool:
    """Whether any two pieces may be of one digit: most pages have whole ones alone."""
    x, y, width, height = np.array([piece.box for piece in pieces], np.int32).reshape(-1, 4).T
    right, bottom = x + width, y + height + ceil(0.12 * typical)
    overlap = (x < right[:, None]) & (y < bottom[:, None])
    overlap &= overlap.T
    return int(np.count_nonzero(overlap)) > len(pieces)  # each overlaps with itself


def _same(boxes: NDArray[np.int64], part: Box, typical: float) -> NDArray[np.intp]:
    """Return of which digits, int64 [n, 4], a smaller piece is part: inside, above or below."""
    x, y, width, height = boxes.T
    right, bottom = x + width, y + height
    beside = np.minimum(right, part.x + part.width) - np.maximum(x, part.x)
    level = np.minimum(bottom, part.y + part.height) - np.maximum(y, part.y)
    narrower = np.minimum(width, part.width)
    inside = (beside > 0.3 * narrower) & (level > 0.5 * np.minimum(height, part.height))
    together = np.maximum(bottom, part.y + part.height) - np.minimum(y, part.y)
    next_to = (beside > 0.5 * narrower) & (level > -0.12 * typical)
    next_to &= together < 1.35 * np.maximum(typical, height)
    return np.flatnonzero(inside | next_to)
