"""How steadily a clip is read: what changes without need, and how soon what must change does."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.videos import Clip, Truth

SETTLED = 10
"""Frames after a change in which a text need not be right yet, nor still: a third of a second."""
STABLE = 5
"""Frames on end for which a text has to be right, to count as read."""


@dataclass(frozen=True)
class Delay:
    """What became of one change of what is to be read."""

    frames: int | None
    """From the first that shows it to the first of `STABLE` that are read right: 1 for at once;
    None where it is not read before the next change."""
    clear: bool
    """Whether each of its first frames is read right by itself, too."""


@dataclass(frozen=True)
class Steadiness:
    """How one clip was read, or several together."""

    frames: int = 0
    """In which nothing has changed for `SETTLED` frames, and no digit is cut by the border."""
    right: int = 0
    """Of these, whose text is right; spaces do not count."""
    flips: int = 0
    """Of these, whose text is another than that of the frame before."""
    shown: int = 0
    """Frames with a digit, of a clip without."""
    false: int = 0
    """How often a digit came into the text of such a clip."""
    delays: tuple[Delay, ...] = ()
    """Of each change."""

    def __add__(self, other: "Steadiness") -> "Steadiness":
        return Steadiness(
            self.frames + other.frames,
            self.right + other.right,
            self.flips + other.flips,
            self.shown + other.shown,
            self.false + other.false,
            self.delays + other.delays,
        )


def judge_clip(clip: Clip, texts: Sequence[str], alone: Sequence[str]) -> Steadiness:
    """Judge the texts of a clip, one of each frame.

    Args:
        clip: What was to be read.
        texts: What was.
        alone: What was read of each frame by itself, which says whether a change is `clear`.
    """
    truths = clip.truths
    calm = _calm(truths)
    counts = [_digits(text) for text in texts] if not any(each.text for each in truths) else []
    return Steadiness(
        frames=len(calm),
        right=sum(_right(texts[number], truths[number]) for number in calm),
        flips=sum(texts[number] != texts[number - 1] for number in calm),
        shown=sum(count > 0 for count in counts),
        false=sum(max(0, after - before) for before, after in pairwise([0, *counts])),
        delays=tuple(_delay(clip, texts, alone, *change) for change in _changes(clip)),
    )


def _calm(truths: Sequence[Truth]) -> list[int]:
    """The frames in which nothing has changed lately."""
    found, since = [], 0
    for number, truth in enumerate(truths):
        same = number > 0 and truth.text == truths[number - 1].text and not truth.cut
        since = since + 1 if same else 0
        if since >= SETTLED:
            found.append(number)
    return found


def _changes(clip: Clip) -> list[tuple[int, int]]:
    """The frames in which something else is to be read, and where that ends.

    Digits that leave the view do so one after the other: only the last one counts.
    """
    cut = [number for number, truth in enumerate(clip.truths, 1) if truth.cut]
    begin = [max([*clip.changes, *cut])] if cut else list(clip.changes)
    return [pair for pair in pairwise([*begin, len(clip)]) if pair[0] < pair[1]]


def _delay(clip: Clip, texts: Sequence[str], alone: Sequence[str], begin: int, end: int) -> Delay:
    right = [_right(text, clip.truths[begin]) for text in texts[begin:end]]
    single = [_right(text, clip.truths[begin]) for text in alone[begin:end]]
    starts = (at for at in range(len(right) - STABLE + 1) if all(right[at : at + STABLE]))
    at = next(starts, None)
    return Delay(None if at is None else at + 1, all(single[:SETTLED]))


def _right(text: str, truth: Truth) -> bool:
    # Of what shows no digit it is right to read none, whatever else was looked at.
    return text.replace(" ", "") == truth.text if truth.text else not _digits(text)


def _digits(text: str) -> int:
    return sum(sign.isdigit() for sign in text)
