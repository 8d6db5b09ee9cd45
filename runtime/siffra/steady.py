"""Readings that stay still: digits followed from frame to frame, what is known of them combined.

Each digit found is a track, matched to what the next frame shows in its place. How often it is
there and what the network says of it are averaged with exponentially fading weights. It is shown,
and its label changes, only when these averages say so clearly (a Schmitt trigger each), so that one
frame in doubt changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress
from math import inf
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from .clutter import is_slim
from .decide import Demand, reason_against
from .matching import Boxes, area, middle, motion_to, nearest_pairs, shared
from .order import in_lines
from .page import Page
from .results import Box, Digit, Pixels, Reading

_NEW = 0.4  # weight of the newest frame in an average
_SHOWN = 0.75  # of presence, from which a track is shown: three frames in a row
_GONE = 0.1  # of presence, under which it is forgotten: five frames without it
_FLEETING = 0.2  # the same of one that was not shown yet: two frames without it
_LASTING = 0.95  # of the weight of a frame in a longer average, that is left after the next
_OFTEN, _RARE = 0.75, 0.5  # of the frames it might have been in: to be shown, and no longer
_NEW_FOR = 5.0  # frames, by their weights in that average
_KEPT = 0.8  # of what a label needed at first, that it needs to stay
_SAME = 0.5  # of the smaller one's area, that two share which cannot both be there
_FOLLOWED = 0.9  # of the tracks shown: where fewer are found again, the picture may have moved
_EDGE = 0.4  # of a frame's height, over which a stroke alone is no 1
_SURE = 0.9  # probability of a digit that another one contradicts
_SEVERAL = 2  # digits that it takes to tell another sheet from a doubtful digit
_AGREEING = 0.34  # of the digits: where no more stay what they were, the sheet is another
_CORRECTED = 3  # frames in a row that contradict, after which what was known before is forgotten
_MOST = 40  # tracks for which it is found out how the picture moved, among twice as many digits
_CROWD = 300  # digits: where there are more in a frame, none is followed

_Value = TypeVar("_Value")


@dataclass(eq=False)
class _Track:
    """A digit that is followed."""

    digit: Digit
    """As it was last seen."""
    box: NDArray[np.float64]
    """float64 [4]: smoothed."""
    evidence: NDArray[np.float64]
    """float64 [10]: average of the probabilities."""
    size: tuple[float, float]
    """Width and height once its line is level."""
    presence: float = _NEW
    """How often it was there lately."""
    reads: float = 1.0
    """Frames in which it might have been, fading more slowly."""
    hits: float = 1.0
    """Those in which it was."""
    shown: bool = False
    replaced: bool = False
    """Whether it is shown only until what has taken its place is known."""
    label: int | None = None
    contradicted: int = 0
    """Frames in a row that are sure of another digit, and of the same one."""

    @property
    def place(self) -> Box:
        """Where it is, to a pixel."""
        return Box(*(round(side) for side in self.box.tolist()))

    def hear(self, answer: NDArray[np.float64]) -> None:
        """Take in what the network says of the newest frame, float64 [10]."""
        best = int(answer.argmax())
        repeated = best == int(np.argmax(self.digit.probabilities))
        if answer[best] < _SURE or best == self.label:
            self.contradicted = 0
        else:
            self.contradicted = self.contradicted + 1 if repeated else 1
        self.evidence += _NEW * (answer - self.evidence)
        if self.contradicted == _CORRECTED:  # it was written over, and is another digit now
            self.evidence, self.contradicted = answer.copy(), 0


class _Placed(NamedTuple):
    """A track with its place on the page with level lines, to be put in order."""

    box: Box
    track: _Track


class Steady:
    """Makes one steady reading of the readings of frame after frame."""

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._shape: tuple[int, ...] = ()
        self.velocity = np.zeros(2)
        """By how many pixels the picture moves from frame to frame, right and down."""
        self.settled = False
        """Whether the last frame showed what was known already."""

    def reset(self) -> None:
        """Forget everything."""
        self._tracks, self.velocity, self.settled = [], np.zeros(2), False

    def update(self, reading: Reading, page: Page, demand: Demand, elapsed: int = 1) -> Reading:
        """Take in the reading of a frame; return what is known now, drawn on that frame.

        Args:
            reading: Of the frame alone.
            page: What it was made from.
            demand: How sure the network has to be.
            elapsed: Frames since the one before, of which all but this one were not read.
        """
        if len(reading.digits) > _CROWD:
            self.reset()
            return reading
        shape = reading.picture.shape[:2]
        if shape != self._shape:
            self.reset()
            self._shape = shape
        before = [(track.shown, track.label) for track in self._tracks]
        self._follow(reading, elapsed)
        self._tracks = [track for track in self._tracks if self._stays(track)]
        self._show(demand.threshold)
        self._decide(demand)
        now = [(track.shown, track.label) for track in self._tracks]
        calm = all(_is_calm(track, demand.threshold) for track in self._tracks)
        self.settled = calm and before == now
        return self._reading(reading, page)

    def _follow(self, reading: Reading, elapsed: int) -> None:
        """Match tracks to the digits of a frame, and begin new ones."""
        digits = reading.digits
        straight = reading.straight_boxes
        level = [box for line in straight for box in line] if straight else [d.box for d in digits]
        sizes = [(box.width, box.height) for box in level]
        seen = np.array([digit.box for digit in digits], dtype=float).reshape(-1, 4)
        answers = np.array([digit.probabilities for digit in digits]).reshape(-1, 10)
        pairs, motion = self._matched(seen, answers, elapsed * self.velocity)
        if self._is_cut(pairs, answers):
            for track in self._tracks:
                track.replaced = True
            pairs, motion = [], np.zeros(2)
        for track in self._tracks:
            track.box[:2] += motion
            track.presence *= 1.0 - _NEW
            track.reads = _LASTING * track.reads + 1.0
            track.hits *= _LASTING
        for track, at in pairs:
            track.box += (seen[at] - track.box) / 2
            track.presence += _NEW
            track.hits += 1.0
            track.hear(answers[at])
            track.digit, track.size = digits[at], sizes[at]
        self.velocity = motion / elapsed
        fresh = set(range(len(digits))) - {at for _, at in pairs}
        self._tracks += [
            _Track(digits[at], seen[at].copy(), answers[at].copy(), sizes[at])
            for at in sorted(fresh)
        ]

    def _matched(
        self, seen: Boxes, answers: NDArray[np.float64], motion: NDArray[np.float64]
    ) -> tuple[list[tuple[_Track, int]], NDArray[np.float64]]:
        """Return which tracks continue as what, and by how many pixels the picture moved.

        Args:
            seen: Boxes of a frame.
            answers: float64 [n, 10], what the network said of them.
            motion: How the picture is expected to have moved.
        """
        tracks = [track for track in self._tracks if not track.replaced]
        if not tracks or not len(seen):
            return [], np.zeros(2)
        known = np.array([track.box for track in tracks])
        evidence = np.array([track.evidence for track in tracks])

        def agreement(pairs: list[tuple[int, int]]) -> float:
            return sum(float(evidence[index] @ answers[at]) for index, at in pairs)

        pairs = nearest_pairs(known, motion, seen)
        expected = sum(track.shown for track in tracks) or len(tracks)
        few = len(known) <= _MOST and len(seen) <= 2 * _MOST
        if few and agreement(pairs) < _FOLLOWED * min(expected, len(seen)):
            labels = evidence.argmax(axis=1), answers.argmax(axis=1)
            others = nearest_pairs(known, motion_to(known, seen, *labels), seen)
            pairs = max(pairs, others, key=agreement)
        if not pairs:
            return [], np.zeros(2)
        steps = [middle(seen[at]) - middle(known[index]) for index, at in pairs]
        return [(tracks[index], at) for index, at in pairs], np.median(steps, axis=0)

    def _is_cut(self, pairs: list[tuple[_Track, int]], answers: NDArray[np.float64]) -> bool:
        """Whether a frame shows other digits than those that are known: another sheet."""
        shown = sum(track.shown and not track.replaced for track in self._tracks)
        same = sum(
            track.shown and track.evidence.argmax() == answers[at].argmax() for track, at in pairs
        )
        sure = int((answers.max(axis=1) >= _SURE).sum()) if len(answers) else 0
        return shown >= _SEVERAL and sure >= _SEVERAL and same <= _AGREEING * min(shown, sure)

    def _stays(self, track: _Track) -> bool:
        """Whether a track is still worth following: it was there lately, and is in the picture."""
        x, y = middle(track.box)
        inside = 0 <= x < self._shape[1] and 0 <= y < self._shape[0]
        return inside and track.presence > (_GONE if track.shown else _FLEETING)

    def _show(self, threshold: float) -> None:
        """Show tracks that are there often enough, and no longer those that are not."""
        for track in self._tracks:
            often = track.hits / track.reads
            if track.shown:
                track.shown = track.replaced or often >= _RARE
            elif track.presence >= _SHOWN and often >= _OFTEN:
                self._show_one(track, sure=bool(track.evidence.max() >= threshold))
        if not any(track.shown and not is_slim(track.place) for track in self._tracks):
            for track in self._tracks:
                if track.box[3] > _EDGE * self._shape[0]:
                    track.shown = False  # with nothing beside it, it is the edge of a sheet
        if any(track.shown and not track.replaced for track in self._tracks):
            self._tracks = [track for track in self._tracks if not track.replaced]

    def _show_one(self, track: _Track, sure: bool) -> None:
        """Show a track, unless a digit that is known is in its place."""
        rivals = [
            other
            for other in self._tracks
            if other.shown
            and not other.replaced
            and shared(track.box, other.box) > _SAME * min(area(track.box), area(other.box))
        ]
        track.shown = all(sure and other.label is None for other in rivals)
        if track.shown:
            for other in rivals:  # a shadow on it, or two digits taken for one
                other.shown = False

    def _decide(self, demand: Demand) -> None:
        """Give labels to the tracks that are shown, or take them away."""
        shown = [track for track in self._tracks if track.shown]
        needed = demand.among(sum(track.evidence.max() >= demand.threshold for track in shown))
        for track in shown:
            best = int(track.evidence.argmax())
            sure = track.evidence[best]
            if sure >= needed:
                track.label = best
            elif best == track.label and sure < _KEPT * needed:
                track.label = None

    def _reading(self, reading: Reading, page: Page) -> Reading:
        """Put the tracks shown in reading order."""
        picture = reading.picture
        shown = [track for track in self._tracks if track.shown]
        if page.straight is None:
            boxes = [_rounded(track.box, picture) for track in shown]
        else:
            boxes = [_level_box(track, page, picture) for track in shown]
        lines = in_lines(map(_Placed, boxes, shown))
        level = tuple(tuple(each.box for each in line) for line in lines)
        return Reading(
            tuple(tuple(_digit(each.track, picture) for each in line) for line in lines),
            reading.timings,
            picture,
            reading.rotation,
            level if page.straight is not None else None,
        )


def moved(reading: Reading, picture: Pixels, by: NDArray[np.float64]) -> Reading:
    """Return a reading as that of a later frame, to which all of it moved by some pixels.

    What has left the picture is no longer in it.
    """
    height, width = picture.shape[:2]
    across, down = by.tolist()

    def is_there(digit: Digit) -> bool:
        x, y = digit.box.x + digit.box.width / 2 + across, digit.box.y + digit.box.height / 2 + down
        return bool(0 <= x < width and 0 <= y < height)

    def there(digit: Digit) -> Digit:
        x, y, *size = digit.box
        return replace(digit, box=_rounded((x + across, y + down, *size), picture), picture=picture)

    kept = [[is_there(digit) for digit in line] for line in reading.lines]
    level = reading.straight_boxes
    return replace(
        reading,
        lines=_only(kept, [[there(digit) for digit in line] for line in reading.lines]),
        picture=picture,
        straight_boxes=None if level is None else _only(kept, level),
    )


def _only(
    kept: Sequence[Sequence[bool]], lines: Sequence[Sequence[_Value]]
) -> tuple[tuple[_Value, ...], ...]:
    """Return what is kept of lines, without lines of which nothing is."""
    chosen = (tuple(compress(line, keep)) for line, keep in zip(lines, kept, strict=True))
    return tuple(line for line in chosen if line)


def _is_calm(track: _Track, threshold: float) -> bool:
    """Whether the next frame will hardly say anything new of a track."""
    seen = np.array(track.digit.probabilities)
    contradicts = seen.max() >= threshold and seen.argmax() != track.label
    if not (track.shown or track.evidence.max() >= threshold):
        # What comes and goes is no digit; what is new may be one.
        return track.hits < track.reads or track.reads > _NEW_FOR
    return track.presence > 1.0 - _GONE and not contradicts


def _digit(track: _Track, picture: Pixels) -> Digit:
    """Return a track as a digit of a frame."""
    reason = None if track.label is not None else reason_against(track.evidence.tolist(), inf)
    return replace(
        track.digit,
        label=track.label,
        confidence=float(
            track.evidence.max() if track.label is None else track.evidence[track.label]
        ),
        reason=reason,
        box=_rounded(track.box, picture),
        probabilities=tuple(track.evidence.tolist()),
        picture=picture,
    )


def _rounded(box: Sequence[float] | NDArray[np.float64], picture: Pixels) -> Box:
    """Return the part of a box that is in the picture, in whole pixels."""
    x, y, width, height = box
    left, right = (min(max(0, round(at)), picture.shape[1]) for at in (x, x + width))
    top, bottom = (min(max(0, round(at)), picture.shape[0]) for at in (y, y + height))
    return Box(left, top, right - left, bottom - top)


def _level_box(track: _Track, page: Page, picture: Pixels) -> Box:
    """Return where a track is on the page with its lines made level, in that page's pixels."""
    assert page.straight is not None
    scale = np.array([b / a for a, b in zip(picture.shape[1::-1], page.shape[1::-1], strict=True)])
    back = page.straight.back
    x, y = np.linalg.solve(back[:, :2], middle(track.box) * scale - back[:, 2])
    width, height = track.size
    return Box(round(x - width / 2), round(y - height / 2), round(width), round(height))
