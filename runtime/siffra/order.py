"""Regions in reading order: lines from top to bottom, words from left to right."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol, TypeVar

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
_TILTED = 0.1  # of a digit's height, that lines fall within a gap: then it is to be reckoned with
_WIDE = 0.9  # of a digit's height: a gap that may part words
_WIDER = 2.5  # times the gap that is usual on the page


class _Place(NamedTuple):
    """Where a region is, with what is asked of it again and again."""

    number: int
    x: float
    """Of its middle."""
    y: float
    left: int
    right: int
    top: int
    bottom: int
    height: int


def in_lines(regions: Iterable[_T]) -> list[list[_T]]:
    """Put regions into lines, from top to bottom, each from left to right.

    Each region continues the line that it is level with and nearest to, as seen from the last
    regions of that line: on a slanted or curved page the next line comes level further on. How far
    lines fall to the right is found first, and the lines again with it.
    """
    ordered = sorted(regions, key=lambda region: region.box.x)
    places = [_place(number, region.box) for number, region in enumerate(ordered)]
    lines = _chain(places, slope=0.0)
    slope = _slope(lines)
    if abs(slope) * _widest_step(lines) > _TILTED * _median([place.height for place in places]):
        lines = _chain(places, slope)
    lines.sort(key=lambda line: _level(line, slope))
    return [[ordered[place.number] for place in line] for line in lines]


def slope_of(lines: Iterable[Sequence[Placed]]) -> float:
    """Return how far lines fall to the right, as pixels down for a pixel across: their median."""
    return _slope([[_place(0, placed.box) for placed in line] for line in lines])


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


def _place(number: int, box: Box) -> _Place:
    x, y, width, height = box
    return _Place(number, x + width / 2, y + height / 2, x, x + width, y, y + height, height)


def _slope(lines: Iterable[Sequence[_Place]]) -> float:
    return _median((b.y - a.y) / max(1.0, b.x - a.x) for line in lines for a, b in pairwise(line))


class _Line:
    """A line as far as it is known, and where it goes on."""

    def __init__(self, first: _Place, slope: float) -> None:
        self.places = [first]
        self.last = first
        self._slope = slope
        self._recent = [(first.x, first.y)]
        self._heights = [first.height]
        self.tall: float = first.height
        """Of its last regions."""
        self._climb: float | None = None
        """Pixels down for a pixel across, in its last step."""

    def append(self, place: _Place) -> None:
        last, self.last = self.last, place
        self.places.append(place)
        self._recent = [*self._recent[1 - _RECENT :], (place.x, place.y)]
        self._heights = [*self._heights[1 - _RECENT :], place.height]
        self.tall = _median(self._heights)
        far = place.x - last.x
        self._climb = (place.y - last.y) / far if far else None

    def off(self, x: float, y: float, tall: float) -> float:
        """Return how far a middle is from where the line is there, level or curved, in pixels."""
        slope, last = self._slope, self.last
        levels = [at + slope * (x - before) for before, at in self._recent]
        off = min(abs(y - levels[-1]), abs(y - _median(levels)))
        if self._climb is not None and last.x - self._recent[-2][0] > 0.3 * tall:
            off = min(off, abs(y - last.y - self._climb * min(x - last.x, 2 * tall)))
        return off


def _widest_step(lines: Iterable[Sequence[_Place]]) -> float:
    return max([b.x - a.x for line in lines for a, b in pairwise(line)], default=0.0)


def _chain(places: Sequence[_Place], slope: float) -> list[list[_Place]]:
    lines: list[_Line] = []
    for place in places:
        best, line = 0.0, None
        _, x, y, left, _, top, bottom, tall = place
        for candidate in lines:
            last = candidate.last
            if abs(last.y - y) > _REACH * max(last.height, tall):
                continue  # most lines are far away, and need no second look
            heights = max(candidate.tall, tall)
            overlap = (min(last.bottom, bottom) - max(last.top, top)) / min(last.height, tall)
            off = candidate.off(x, y, heights) / heights
            if off > _LEVEL or (overlap <= 0 and off > 0.5 * _LEVEL):
                continue
            gap = max(0, left - last.right) / heights
            score = 2.0 - off + 0.5 * max(0.0, overlap) - 0.1 * gap
            if line is None or score > best:
                best, line = score, candidate
        if line is None:
            lines.append(_Line(place, slope))
        else:
            line.append(place)
    return [line.places for line in lines]


def _level(line: Sequence[_Place], slope: float) -> float:
    """Return the mean height of a line where it would begin at the left border."""
    return sum([place.y - slope * place.x for place in line]) / len(line)


def _median(values: Iterable[float]) -> float:
    """Return the middle value, of an even number the upper one; none are 0."""
    ranked = sorted(values)
    return ranked[len(ranked) // 2] if ranked else 0.0
