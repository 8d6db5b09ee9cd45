"""Digits that touch: where a region may be cut, and which cuts the network is surest of."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .cells import crop_of, normalise, strokes_of
from .found import Found
from .ink import Ink
from .network import Classify
from .opencv import cv2
from .pieces import Region, find_pieces, union
from .results import Box, Pixels

_HEIGHT = 48  # px that a region is reduced to before it is cut
_SEAMS = 4  # cuts that are tried for each digit that may be there
_SURE, _SURE_SHARE = 0.8, 0.8  # of the parts
_SIDEWAYS = 0.4  # cost of a step aside, in pixels of ink
_CROSSED = 0.6  # of the height, that a cut may run through ink
_NOTCH = 0.1  # of the height, that a notch in an outline is deep
_LEANING = 0.3  # of the height, that a cut between two notches leans
_MERGED = 0.3  # cost of a pixel of ink that is deeper than a pen reaches
_NARROW, _BROAD = 0.1, 1.25  # widths of a digit over the height of what is cut
_NONE = 1.6  # the same of what no digit is as wide as
_PER_PART = -0.12  # log of what each digit more must win
_SURE_OF_ONE = 0.95  # of the whole: then it is not taken apart
_SURE_ALONE, _ALL_SURE = 0.97, 0.9  # of two parts, and of more, where nothing else is a digit
_SLIM, _PER_STROKE = 0.35, -0.5  # width over height, and log, of a part that is but a stroke
_LEAST = -0.35  # log that a part is worth on average
_USUAL, _PER_BREADTH = 0.85, -1.0  # width over height that most digits keep to; log beyond it
_PER_INK = 0.25  # the same for a cut through ink as long as digits are high


def take_apart(
    ink: Ink, region: Region, whole: float, classify: Classify, alone: bool
) -> list[Found] | None:
    """Cut a region into digits side by side, where the network is surer of these than of it.

    Cuts are paths from top to bottom through as little ink as possible, found by dynamic
    programming as seams are (Avidan and Shamir 2007); which of them part digits is decided by the
    product of what the network says of the parts.

    Args:
        ink: The page.
        region: What may be several digits.
        whole: The highest probability that the network gives it as one.
        classify: The network.
        alone: Whether nothing else on the page is a digit; then all parts must be sure.

    Returns:
        The digits, from left to right; None where the region is better left whole.
    """
    may_be_one = not is_wide(region)
    if may_be_one and whole > _SURE_OF_ONE:
        return None
    step = max(1, region.box.height // _HEIGHT)
    margin = 2
    crop, mask = crop_of(ink, region, step, margin)
    height = mask.shape[0] - 2 * margin
    most = 3 + _SEAMS * region.box.width // region.box.height
    seams, crossed = _seams(mask, height, region.stroke_width / step, most)
    if not len(seams):
        return None
    columns = np.arange(mask.shape[1])
    edges = np.concatenate(
        [np.zeros((1, len(mask)), int), seams, np.full((1, len(mask)), mask.shape[1])]
    )
    spans = [(i, j) for i in range(len(edges)) for j in range(i + 1, len(edges))]
    candidates: dict[tuple[int, int], tuple[Pixels, Pixels, Box]] = {}
    for i, j in spans:
        if (edges[j] - edges[i]).min() > _BROAD * height:
            continue
        between = (columns >= edges[i][:, None]) & (columns < edges[j][:, None])
        part = np.where(between, mask, 0).astype(np.uint8)
        part = _largest(part)
        x, y, w, h = cv2.boundingRect(part)
        if not _NARROW * height <= w <= _BROAD * height or h < 0.45 * height:
            continue
        candidates[i, j] = normalise(strokes_of(ink, crop, part)), part, Box(x, y, w, h)
    if not candidates:
        return None
    probabilities = classify(np.stack([cell for cell, _, _ in candidates.values()]))
    sure = dict(zip(candidates, probabilities.max(axis=1).tolist(), strict=True))
    worth = {
        span: _worth(sure[span], box.width / height) for span, (_, _, box) in candidates.items()
    }
    path, score = _best_path(worth, [0.0, *crossed.tolist(), 0.0])
    if len(path) < 2 or score < _LEAST * len(path):
        return None
    each = np.array([sure[span] for span in path])
    # Scrawl falls into parts of which some look like digits; a number has hardly one that doesn't.
    if np.mean(each >= _SURE) < _SURE_SHARE:
        return None
    if alone and each.min() < (_SURE_ALONE if len(path) == 2 else _ALL_SURE):
        return None
    if may_be_one and each.prod() <= whole:
        return None
    rows = dict(zip(candidates, probabilities, strict=True))
    left, top = region.box.x - margin * step, region.box.y - margin * step
    parts = []
    for span in path:
        cell, part, (x, y, w, h) = candidates[span]
        cell.setflags(write=False)
        box = Box(left + x * step, top + y * step, w * step, h * step)
        pieces = find_pieces(part)
        if not pieces:  # nothing but specks
            return None
        outlines = union(pieces).contours
        contours = tuple(np.asarray(step * outline + (left, top), np.int32) for outline in outlines)
        parts.append(Found(Region(box, contours), cell, rows[span], sure[span]))
    return parts


def is_wide(region: Region) -> bool:
    """Whether a region is too wide to be one digit."""
    return region.box.width >= _NONE * region.box.height


def _seams(
    mask: Pixels, height: int, pen: float, most: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Find paths from top to bottom through little ink.

    Args:
        mask: uint8 [rows, columns]: not 0 where there is ink.
        height: Rows that have ink.
        pen: Width of the strokes, in pixels.
        most: Paths that are wanted.

    Returns:
        Their columns in each row, int64 [n, rows], from left to right; and what each runs through,
        float32 [n], over the height.
    """
    ink = (mask > 0).astype(np.float32)
    # Where strokes lie side by side it is between them that a cut belongs.
    through = np.where(cv2.distanceTransform(mask, cv2.DIST_L2, 3) > 0.65 * pen, _MERGED * ink, ink)
    rows, columns = ink.shape
    cost = through[0].copy()
    steps = np.zeros((rows, columns), dtype=np.int64)
    choices = np.empty((3, columns), dtype=np.float32)
    for row in range(1, rows):
        choices[1] = cost
        choices[0, 1:], choices[0, 0] = cost[:-1] + _SIDEWAYS, np.inf
        choices[2, :-1], choices[2, -1] = cost[1:] + _SIDEWAYS, np.inf
        best = choices.argmin(axis=0)
        steps[row] = best - 1
        cost = choices.min(axis=0) + through[row]
    # All paths back to the top, and the ink that lies left of each.
    columns_of = np.empty((rows, columns), dtype=np.int64)
    at = np.arange(columns)
    for row in range(rows - 1, -1, -1):
        columns_of[row] = at
        at = at + steps[row, at]
    before = np.pad(ink.cumsum(axis=1), ((0, 0), (1, 0)))
    left = np.take_along_axis(before, columns_of, axis=1).sum(axis=0)
    at_rows = np.arange(rows)
    order = np.argsort(cost, kind="stable").tolist()
    paths = [*(columns_of[:, column] for column in order), *_notched(ink, height)]
    costs = [*cost[order].tolist(), *(float(through[at_rows, p].sum()) for p in paths[columns:])]
    lefts = [*left[order].tolist(), *(float(before[at_rows, p].sum()) for p in paths[columns:])]
    least = 0.4 * height * pen  # pixels of ink between two cuts; in one gap they are one
    bounds = [0.0, float(ink.sum())]
    chosen: list[int] = []
    for index in [*range(columns, len(paths)), *range(columns)]:  # those between notches first
        apart = min(abs(lefts[index] - bound) for bound in bounds) >= least
        if len(chosen) < most and costs[index] <= _CROSSED * height and apart:
            chosen.append(index)
            bounds.append(lefts[index])
    ranked = sorted(chosen, key=lambda index: lefts[index])
    cuts = np.array([paths[index] for index in ranked], dtype=np.int64).reshape(-1, rows)
    crossed = np.array([costs[index] / height for index in ranked], dtype=np.float32)
    return cuts, crossed


def _notched(ink: NDArray[np.float32], height: int) -> Iterator[NDArray[np.int64]]:
    """Yield straight cuts between notches in the outline, above and below: where digits meet."""
    rows = len(ink)
    filled = ink.any(axis=0)
    above = np.where(filled, ink.argmax(axis=0), rows)
    below = np.where(filled, ink[::-1].argmax(axis=0), rows)
    tops, bottoms = _notches(above, height), _notches(below, height)
    for top in tops:
        near = [bottom for bottom in bottoms if abs(bottom - top) < _LEANING * height]
        end = min(near, key=lambda bottom: abs(bottom - top)) if near else top
        yield np.rint(np.linspace(top, end, rows)).astype(np.int64)
    for bottom in bottoms:
        if not any(abs(bottom - top) < _LEANING * height for top in tops):
            yield np.full(rows, bottom, dtype=np.int64)


def _notches(depth: NDArray[np.int64], height: int) -> list[int]:
    """Return columns where an outline is deeper than on either side of it."""
    reach, least = max(2, round(0.4 * height)), _NOTCH * height
    found: list[int] = []
    for column in range(2, len(depth) - 2):
        around = depth[max(0, column - 3) : column + 4]
        if depth[column] < around.max() or (found and column - found[-1] < 0.1 * height):
            continue
        left = depth[max(0, column - reach) : column].min()
        right = depth[column + 1 : column + 1 + reach].min()
        if depth[column] - max(left, right) >= least:
            found.append(column)
    return found


def _largest(part: Pixels) -> Pixels:
    """Leave out crumbs that a cut left of a neighbour."""
    contours, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if len(contours) < 2:
        return part
    sizes = [len(contour) for contour in contours]
    for contour, size in zip(contours, sizes, strict=True):
        if size < 0.2 * max(sizes):
            cv2.drawContours(part, [contour], -1, 0, cv2.FILLED)
    return part


def _worth(sure: float, breadth: float) -> float:
    """Return the log of what a part is worth, by the network and by its width over the height."""
    shape = _PER_STROKE if breadth < _SLIM else _PER_BREADTH * max(0.0, breadth - _USUAL)
    return float(np.log(max(sure, 1e-6))) + _PER_PART + shape


def _best_path(
    worth: dict[tuple[int, int], float], crossed: Sequence[float]
) -> tuple[list[tuple[int, int]], float]:
    """Return the spans, from the first cut to the last, that are worth most together.

    Args:
        worth: What the network makes of the span between two cuts, as a logarithm.
        crossed: Ink that each cut runs through, over the height.

    Returns:
        The spans, none where there is no way; and what they are worth, less what is cut.
    """
    best: dict[int, tuple[list[tuple[int, int]], float]] = {0: ([], 0.0)}
    for to, cost in enumerate(crossed):
        for start in range(to):
            if start not in best or (start, to) not in worth:
                continue
            spans, before = best[start]
            score = before + worth[start, to] - _PER_INK * cost
            if to not in best or score > best[to][1]:
                best[to] = [*spans, (start, to)], score
    return best.get(len(crossed) - 1, ([], 0.0))
