"""A live picture as people watch it: what was read, what to do, how well it goes."""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from .draw import Colour, extent, overlay, tag, write
from .live import Statistics
from .opencv import cv2
from .results import Box, Digit, Pixels, Reading

KEYS = (
    ("q, Esc", "quit"),
    ("space", "pause, go on"),
    ("s", "save a snapshot"),
    ("i", "explain what is read"),
    ("m", "switch model"),
    ("+  -", "threshold"),
    ("h", "this help"),
)
"""What the keys of the window do."""

_NARROWEST = 480  # px of width, without which no line of text can be read
_LONGEST = 1920  # px of the longer side; more is slow to show and to record
_EMPTY = (480, 640)  # height and width of what is shown before the first frame
_DARK, _BRIGHT = 50, 235  # grey that nearly all of a picture stays under, or over
_SMALL = 14  # px of a digit, per 640 of the picture's width, under which few are read
_BAR: Colour = (32, 32, 32)
_TEXT: Colour = (255, 255, 255)
_FAINT: Colour = (165, 165, 165)
_GUIDE: Colour = (70, 200, 255)
_MARK: Colour = (150, 110, 20)
_ALERT: Colour = (60, 60, 230)


@dataclass(frozen=True)
class Status:
    """What a view tells besides the reading."""

    model: str = ""
    """Name of what reads."""
    threshold: float | None = None
    """From which confidence it accepts a digit."""
    live: bool = True
    """Whether there is a camera that can be pointed."""
    problem: str | None = None
    """Why no frames come: the picture is greyed, and this stands on it."""
    message: str | None = None
    """What was just done; it stands in place of advice."""
    paused: bool = False
    ended: bool = False
    """Whether no more frames will come."""
    recording: bool = False
    help: bool = False
    """Whether to show what the keys do."""
    keys: bool = False
    """Whether there are keys to press: in a window, not in a recording."""


def view(
    reading: Reading | None,
    statistics: Statistics | None = None,
    status: Status | None = None,
    explanation: Pixels | None = None,
) -> Pixels:
    """Draw what people see of one frame: the picture, and below it a bar that hides nothing.

    Args:
        reading: What was read, with its picture; None before the first frame.
        statistics: How the loop keeps up.
        status: What else to tell.
        explanation: uint8 [h, w, 3], shown in place of the picture.

    Returns:
        uint8 [H, W, 3] (BGR), W at least 480: small pictures are enlarged, those of more than 1,920
        pixels shrunk, narrow ones get margins.
    """
    status = status or Status()
    picture = _picture(reading) if explanation is None else explanation
    margin = max(0, _NARROWEST - picture.shape[1])
    if margin:
        picture = np.pad(picture, ((0, 0), (margin // 2, margin - margin // 2), (0, 0)))
    width = picture.shape[1]
    scale = width / 640
    found = reading is not None and any(digit.accepted for digit in reading.digits)
    advice = _advice(reading, status.live) if reading is not None else None
    if status.problem:
        picture = _greyed(picture)
        _tell(picture, status.problem, scale)
    elif reading is not None and not found and explanation is None and not status.ended:
        _corners(picture, scale)
    if status.help:
        _help(picture, scale)
    bar = _Bar(width, scale)
    bar.headline(reading.text if reading else "", _marks(status))
    bar.line(*_news(status, advice))
    bar.line(_figures(statistics, status), _FAINT)
    return np.concatenate([picture, bar.pixels])


def _picture(reading: Reading | None) -> Pixels:
    """Return the picture with what was found, as large as it can be seen and is not slow."""
    if reading is None:
        return np.full((*_EMPTY, 3), _BAR, dtype=np.uint8)
    picture, digits = reading.picture, reading.digits
    longest = max(picture.shape[:2])
    zoom = min(float(-(-_NARROWEST // longest)), _LONGEST / longest)
    if zoom != 1.0:
        method = cv2.INTER_LINEAR if zoom > 1.0 else cv2.INTER_AREA
        scaled = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=method)
        picture = np.asarray(scaled, dtype=np.uint8)
        digits = tuple(
            replace(digit, box=Box(*(round(zoom * side) for side in digit.box))) for digit in digits
        )
    return overlay(picture, digits)


def _advice(reading: Reading, live: bool) -> str | None:
    """Return what to do so that more is read; None where all is well."""
    digits, picture = reading.digits, reading.picture
    in_doubt = [digit for digit in digits if not digit.accepted]
    if live and _are_small(in_doubt, picture):
        return "come closer"
    if len(in_doubt) < len(digits):
        return None
    step = max(1, max(picture.shape[:2]) // 100)
    low, high = np.percentile(picture[::step, ::step], [5, 95])
    if high < _DARK:
        return "too dark: more light"
    if low > _BRIGHT:
        return "too bright: less light" if live else "nothing but white"
    if not live:
        return "not sure of what is there" if digits else "no digits"
    if digits:
        return "not sure: come closer, hold still"
    return "point the camera at digits: near, sharp, well lit"


def _are_small(digits: Iterable[Digit], picture: Pixels) -> bool:
    sides = [max(digit.box.width, digit.box.height) for digit in digits]
    return bool(sides) and float(np.median(sides)) < _SMALL * max(picture.shape[:2]) / 640


def _news(status: Status, advice: str | None) -> tuple[str, Colour]:
    """Return the line that changes most, with its colour: the most urgent of what there is."""
    if status.message:
        return status.message, _GUIDE
    if status.problem:
        return "no picture: what is shown is the last one", _ALERT
    if status.ended:
        return "end: q quits" if status.keys else "end", _GUIDE
    if status.paused:
        return "paused: space goes on", _GUIDE
    if advice:
        return advice, _GUIDE
    return ("h: help, q: quit" if status.keys else ""), _FAINT


def _marks(status: Status) -> list[tuple[str, Colour]]:
    marks = [("REC", _ALERT)] if status.recording else []
    if status.ended:
        marks.append(("END", _MARK))
    elif status.paused:
        marks.append(("PAUSED", _MARK))
    return marks


def _figures(statistics: Statistics | None, status: Status) -> str:
    """Return how well it goes; the end, which narrow bars cut off, is what matters least."""
    parts = []
    if statistics is not None:
        of = statistics.timings
        parts += [f"{statistics.fps:.1f} fps", f"latency {statistics.p50_ms:.1f} ms"]
        parts += [f"locate {of.locate:.1f}", f"cells {of.cells:.1f}", f"net {of.inference:.1f}"]
    if status.model:
        parts.append(status.model)
    if status.threshold is not None:
        parts.append(f"threshold {status.threshold:.2f}")
    if statistics is not None and statistics.dropped:
        parts.append(f"{statistics.dropped} dropped")
    return "  ".join(parts)


class _Bar:
    """The lines below a picture."""

    def __init__(self, width: int, scale: float) -> None:
        self._size = 0.55 * max(scale, 0.8)  # of letters; smaller ones cannot be read
        self._pen = max(1, round(scale))
        self._row = round(40 * self._size)
        self._margin = round(8 * scale)
        height = round(4.6 * self._row)
        self.pixels: Pixels = np.full((height, width, 3), _BAR, dtype=np.uint8)
        self._at = 0

    def headline(self, text: str, marks: Iterable[tuple[str, Colour]]) -> None:
        """Write the text that was read, as large as it fits, and marks on the right."""
        base = round(1.7 * self._row)
        right = self.pixels.shape[1] - self._margin
        for mark, colour in marks:
            right -= extent(mark, self._size, self._pen).width
            tag(self.pixels, mark, (right, base), colour, self._size, self._pen)
            right -= 2 * self._margin
        text = " / ".join(text.split("\n"))
        sizes = 2.4 * self._size, 1.3 * self._size
        self._write(text, base, _TEXT, sizes, 2 * self._pen, right - self._margin)
        self._at = round(2.2 * self._row)

    def line(self, text: str, colour: Colour) -> None:
        """Write a line of plain text below the others."""
        self._at += self._row
        room = self.pixels.shape[1] - 2 * self._margin
        self._write(text, self._at, colour, (self._size, 0.8 * self._size), self._pen, room)

    def _write(
        self, text: str, base: int, colour: Colour, sizes: tuple[float, float], pen: int, room: int
    ) -> None:
        """Write a text in a size between two, the larger the better, and shorten what is longer."""
        size, least = sizes
        text = _ascii(text)
        width = extent(text, size, pen).width
        if width > room:
            size = max(least, size * room / width)
            text = _fitting(text, size, pen, room)
        write(self.pixels, text, (self._margin, base), colour, size, pen)


def _ascii(text: str) -> str:
    """Return a text as OpenCV 4 can write it."""
    return text.encode("ascii", "replace").decode()


def _fitting(text: str, size: float, pen: int, room: int) -> str:
    """Shorten a text until it fits."""
    width = extent(text, size, pen).width
    if width <= room:
        return text
    kept = int(len(text) * room / width)
    while kept > 0 and extent(f"{text[:kept]}...", size, pen).width > room:
        kept -= 1
    return f"{text[:kept]}..."


def _greyed(picture: Pixels) -> Pixels:
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.cvtColor(grey // 2, cv2.COLOR_GRAY2BGR), dtype=np.uint8)


def _tell(canvas: Pixels, text: str, scale: float) -> None:
    """Write what is wrong across the middle."""
    height, width = canvas.shape[:2]
    size, pen = 0.6 * scale, max(1, round(scale))
    letters = max(10, int(width / (13.5 * scale)))
    lines = textwrap.wrap(_ascii(text), letters)
    row = round(28 * scale)
    top = max(row, (height - row * len(lines)) // 2)
    for number, line in enumerate(lines):
        left = max(0, (width - extent(line, size, pen).width) // 2)
        tag(canvas, line, (left, top + number * row), _ALERT, size, pen)


def _corners(canvas: Pixels, scale: float) -> None:
    """Mark where digits should be."""
    height, width = canvas.shape[:2]
    inset, arm, pen = min(height, width) // 8, min(height, width) // 10, max(1, round(2 * scale))
    for x, right in ((inset, 1), (width - inset, -1)):
        for y, down in ((inset, 1), (height - inset, -1)):
            for end in ((x + right * arm, y), (x, y + down * arm)):
                cv2.line(canvas, (x, y), end, _GUIDE, pen, cv2.LINE_AA)


def _help(canvas: Pixels, scale: float) -> None:
    """Write what the keys do over the upper left corner."""
    row, size, pen = round(26 * scale), 0.6 * scale, max(1, round(scale))
    panel = canvas[: (len(KEYS) + 1) * row, : round(330 * scale)]
    panel[:] = panel // 5
    for number, (key, does) in enumerate(KEYS, 1):
        write(canvas, key, (row // 2, number * row), _GUIDE, size, pen)
        write(canvas, does, (4 * row, number * row), _TEXT, size, pen)
