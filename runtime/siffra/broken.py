"""Digits written, or scanned, in several pieces: which pieces are of one digit."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from math import prod

import numpy as np

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


def _guesses(boxes: Sequence[Box], loose: Sequence[int], tall: float) -> list[tuple[int, ...]]:
    """Return which boxes may be one digit: pairs, and all that hang together."""
    if len(loose) > _LOOSE:
        return []
    x, y, width, height = np.array(boxes).T
    right, bottom = x + width, y + height
    found: dict[tuple[int, ...], None] = {}
    for index in loose:
        across = np.maximum(x[index] - right, x - right[index])
        down = np.maximum(y[index] - bottom, y - bottom[index])
        near = np.flatnonzero(np.maximum(across, down) <= _NEAR * tall).tolist()
        for other in near:
            if other != index:
                found[tuple(sorted((index, other)))] = None
        if len(near) > 2:
            found[tuple(near)] = None
    return [group for group in found if _fits(around([boxes[i] for i in group]), tall)]


def _fits(box: Box, tall: float) -> bool:
    return box.width <= _WIDE * tall and box.height <= _TALL * tall


def join_broken(pieces: Iterable[Region], typical: float) -> list[Region]:
    """Join the pieces of digits that were written, or scanned, in several strokes."""
    pieces = list(pieces)
    if not _any_near(pieces, typical):
        return pieces
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
            box = around([boxes[match], piece.box])
            if box == boxes[match]:
                continue
            boxes[match] = box
        else:
            continue
        for square in _squares(boxes[match], typical):
            squares[square].add(match)
    return [union(group) for group in groups]


def _any_near(pieces: Sequence[Region], typical: float) -> bool:
    """Whether any two pieces may be of one digit: most pages have whole ones alone."""
    reach = 0.12 * typical
    boxes = sorted(piece.box for piece in pieces)  # from left to right
    for index, a in enumerate(boxes):
        right, bottom = a.x + a.width, a.y + a.height
        for b in islice(boxes, index + 1, None):
            if b.x >= right:
                break
            if b.y < bottom + reach and a.y < b.y + b.height + reach:
                return True
    return False


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
