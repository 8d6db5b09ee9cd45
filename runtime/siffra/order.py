"""Regions in reading order: lines from top to bottom, words from left to right."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Protocol, TypeVar

from .results import Box


class Placed(Protocol):
    """What has a place on a page."""

    @property
    def box(self) -> Box:
        """Where it is, in pixels."""


_T = TypeVar("_T", bound=Placed)

_LEVEL = 0.6  # of the height of what is compared, that middles in one line may differ by
_REACH = 3.0  # times the height of what is compared, that a line may climb or fall in a gap
_RECENT = 3  # regions that tell where a line goes on
_WIDE = 0.9  # of a digit's height: a gap that may part words
_WIDER = 2.5  # times the gap that is usual on the page


def in_lines(regions: Iterable[_T]) -> list[list[_T]]:
    """Put regions into lines, from top to bottom, each from left to right.

    Each region continues the line that it is level with and nearest to, as seen from the last
    regions of that line: on a slanted or curved page the next line comes level further on. How far
    lines fall to the right is found first, and the lines again with it.
    """
    ordered = sorted(regions, key=lambda region: region.box.x)
    lines = _chain(ordered, slope=0.0)
    slope = slope_of(lines)
    if abs(slope) > 0.02:
        lines = _chain(ordered, slope)
    return sorted(lines, key=lambda line: _level(line, slope))


def slope_of(lines: Iterable[Sequence[Placed]]) -> float:
    """Return how far lines fall to the right, as pixels down for a pixel across: their median."""
    steps = []
    for line in lines:
        for a, b in pairwise(line):
            (x, y), (right, down) = _middle(a.box), _middle(b.box)
            steps.append((down - y) / max(1.0, right - x))
    return _median(steps)


def words_of(lines: Sequence[Sequence[Box]]) -> list[list[list[int]]]:
    """Part lines where the writer left wide gaps.

    Args:
        lines: Boxes, from left to right.

    Returns:
        For each line its words, as indices into the line.
    """
    gaps = [[b.x - (a.x + a.width) for a, b in pairwise(line)] for line in lines]
    every = [max(0, gap) for line in gaps for gap in line]
    usual = _median(every)
    words = []
    for line, between in zip(lines, gaps, strict=True):
        tall = _median(box.height for box in line)
        least = max(_WIDE * tall, _WIDER * usual)
        parts: list[list[int]] = [[0]] if line else []
        for index, gap in enumerate(between, 1):
            if gap > least:
                parts.append([])
            parts[-1].append(index)
        words.append(parts)
    return words


def _chain(ordered: Sequence[_T], slope: float) -> list[list[_T]]:
    lines: list[list[_T]] = []
    for region in ordered:
        best, line = 0.0, None
        x, y = _middle(region.box)
        tall = region.box.height
        for candidate in lines:
            last = candidate[-1].box
            if abs(last.y + last.height / 2 - y) > _REACH * max(last.height, tall):
                continue  # most lines are far away, and need no second look
            recent = candidate[-_RECENT:]
            heights = max(_median(each.box.height for each in recent), tall)
            # Where the line is here, had it gone on as its last regions did, level or curved.
            levels = [y_ + slope * (x - x_) for x_, y_ in map(_middle_of, recent)]
            ways = [_median(levels), levels[-1]]
            if len(recent) > 1:
                (x0, y0), (x1, y1) = map(_middle_of, recent[-2:])
                if x1 - x0 > 0.3 * heights:
                    ways.append(y1 + (y1 - y0) / (x1 - x0) * min(x - x1, 2 * heights))
            shared = min(last.y + last.height, region.box.y + tall) - max(last.y, region.box.y)
            overlap = shared / min(last.height, tall)
            off = min(abs(y - way) for way in ways) / heights
            if off > _LEVEL or (overlap <= 0 and off > 0.5 * _LEVEL):
                continue
            gap = max(0, region.box.x - (last.x + last.width)) / heights
            score = 2.0 - off + 0.5 * max(0.0, overlap) - 0.1 * gap
            if line is None or score > best:
                best, line = score, candidate
        if line is None:
            lines.append([region])
        else:
            line.append(region)
    return lines


def _level(line: Sequence[Placed], slope: float) -> float:
    """Return the mean height of a line where it would begin at the left border."""
    levels = [y - slope * x for x, y in (_middle(region.box) for region in line)]
    return sum(levels) / len(levels)


def _median(values: Iterable[float]) -> float:
    """Return the middle value, of an even number the upper one; none are 0."""
    ranked = sorted(values)
    return ranked[len(ranked) // 2] if ranked else 0.0


def _middle_of(placed: Placed) -> tuple[float, float]:
    return _middle(placed.box)


def _middle(box: Box) -> tuple[float, float]:
    return box.x + box.width / 2, box.y + box.height / 2
