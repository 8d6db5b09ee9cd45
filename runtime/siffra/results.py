"""What a reading is made of: values that can be printed, compared, stored and drawn."""

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]

Reason: TypeAlias = Literal["blank", "too_small", "not_a_digit", "low_confidence"]
"""Why a digit was not accepted.

`blank`: no ink; `too_small`: ink of too few pixels; `not_a_digit`: ink whose shape no digit has, or
in which the network sees none, since its probabilities spread over more than two digits;
`low_confidence`: the network is not sure which digit it is.
"""

Rotation: TypeAlias = Literal[0, 90, 180, 270]
"""Degrees that a picture is turned, clockwise."""

UNSURE = "?"
"""Stands in a text for a digit that is there but was not accepted, so that no place gets lost."""


class Box(NamedTuple):
    """A rectangle in the pixels of the upright picture, as it was turned to be read."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Digit:
    """One digit: what the network said of it, and what was decided."""

    label: int | None
    """The digit, 0 to 9; None unless it was accepted."""

    confidence: float
    """The highest of the probabilities, 0 to 1; 0 where the network was not asked."""

    reason: Reason | None
    """Why it was not accepted; None if it was."""

    box: Box
    """Where its ink is."""

    probabilities: tuple[float, ...]
    """What the network said for 0 to 9; empty where it was not asked."""

    cell: Pixels | None = field(compare=False, repr=False)
    """uint8 [28, 28]: what the network saw; None where it was not asked."""

    picture: Pixels = field(compare=False, repr=False)
    """uint8 [H, W] or [H, W, 3] (BGR): the picture it was found in, not a copy."""

    @property
    def accepted(self) -> bool:
        """Whether the digit can be relied on, by the reader's threshold."""
        return self.reason is None

    def top(self, count: int = 3) -> list[tuple[int, float]]:
        """Return the most probable digits with their probabilities, the best first."""
        ranked = sorted(enumerate(self.probabilities), key=lambda pair: pair[1], reverse=True)
        return ranked[:count]

    def __str__(self) -> str:
        return UNSURE if self.label is None else str(self.label)

    def to_dict(self) -> dict[str, Any]:
        """Return the digit as JSON types."""
        return {**_decision(self), "probabilities": [round(p, 6) for p in self.probabilities]}

    def to_json(self) -> str:
        """Return the digit as one line of JSON."""
        import json

        return json.dumps(self.to_dict())

    def draw(self) -> Pixels:
        """Return a copy of the picture with box and label drawn on it, uint8 [H, W, 3] (BGR)."""
        from .draw import overlay

        return overlay(self.picture, [self])

    def _repr_png_(self) -> bytes:
        """Show the overlay in a notebook, at most 1,000 pixels wide or high."""
        from .draw import thumbnail, to_png

        return to_png(thumbnail(self.draw()))


class Timings(NamedTuple):
    """Milliseconds that each stage took."""

    decode: float
    """Source to grey pixels."""

    locate: float
    """Grey pixels to ink to regions; with `rotate="auto"`, also which way up they are; and a first
    look at a small copy, where it left doubts."""

    cells: float
    """Regions to cells."""

    inference: float
    """Cells to probabilities."""

    @property
    def total(self) -> float:
        """All stages together, in milliseconds."""
        return sum(self)


@dataclass(frozen=True)
class Reading:
    """What was read from one picture."""

    lines: tuple[tuple[Digit, ...], ...]
    """The digits in reading order, line by line."""

    timings: Timings = field(compare=False)
    """Where the time went."""

    picture: Pixels = field(compare=False, repr=False)
    """uint8 [H, W] or [H, W, 3] (BGR): what was read, turned as asked for; not a copy."""

    rotation: Rotation = 0
    """Degrees that the source, upright by its EXIF orientation, was turned clockwise to be read."""

    straight_boxes: tuple[tuple[Box, ...], ...] | None = field(
        default=None, compare=False, repr=False
    )
    """Where the digits were found on the page with its lines made level, in its pixels; None if
    they were as good as level."""

    @property
    def digits(self) -> tuple[Digit, ...]:
        """All digits in reading order, with those that were not accepted."""
        return tuple(digit for line in self.lines for digit in line)

    @property
    def words(self) -> tuple[tuple[tuple[Digit, ...], ...], ...]:
        """The lines, parted where the writer left wide gaps."""
        from .order import words_of

        boxes = self.straight_boxes or [[digit.box for digit in line] for line in self.lines]
        parts = words_of(boxes)
        return tuple(
            tuple(tuple(line[index] for index in word) for word in words)
            for line, words in zip(self.lines, parts, strict=True)
        )

    @property
    def text(self) -> str:
        """The digits in reading order: lines separated by newlines, words by spaces.

        `?` stands for each digit that was not accepted. A word of which nothing even resembles a
        digit (`not_a_digit`) is left out: letters, a signature, a scribble.
        """
        lines = (
            " ".join(
                "".join(map(str, word))
                for word in line
                if any(digit.reason != "not_a_digit" for digit in word)
            )
            for line in self.words
        )
        return "\n".join(line for line in lines if line)

    def __str__(self) -> str:
        return self.text

    def to_dict(self) -> dict[str, Any]:
        """Return the reading as JSON types; timings are in milliseconds."""
        timings = {**self.timings._asdict(), "total": self.timings.total}
        return {
            "text": self.text,
            "rotation": self.rotation,
            "digits": [_decision(digit) for digit in self.digits],
            "timings": {f"{stage}_ms": round(value, 3) for stage, value in timings.items()},
        }

    def to_json(self) -> str:
        """Return the reading as one line of JSON."""
        import json

        return json.dumps(self.to_dict())

    def draw(self) -> Pixels:
        """Return a copy of the picture with boxes and labels drawn on it, uint8 [H, W, 3] (BGR)."""
        from .draw import overlay

        return overlay(self.picture, self.digits)

    def _repr_png_(self) -> bytes:
        """Show the overlay in a notebook, at most 1,000 pixels wide or high."""
        from .draw import thumbnail, to_png

        return to_png(thumbnail(self.draw()))


def _decision(digit: Digit) -> dict[str, Any]:
    return {
        "label": digit.label,
        "confidence": round(digit.confidence, 6),
        "accepted": digit.accepted,
        "reason": digit.reason,
        "box": list(digit.box),
    }
