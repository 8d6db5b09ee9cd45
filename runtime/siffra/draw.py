"""Pictures with what was read drawn on them."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from .errors import ImageError
from .opencv import cv2
from .results import Digit, Pixels

Colour: TypeAlias = tuple[int, int, int]
"""Blue, green, red, 0 to 255 each."""

_ACCEPTED: Colour = (60, 160, 0)  # dark enough for white letters on it
_REJECTED: Colour = (0, 90, 220)
_LETTERS: Colour = (255, 255, 255)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def overlay(picture: Pixels, digits: Sequence[Digit]) -> Pixels:
    """Draw the box, label and confidence of each digit.

    Args:
        picture: uint8 [H, W] or [H, W, 3] (BGR); it is left as it is.
        digits: What was found in it; what was not accepted shows in red, with the reason.

    Returns:
        uint8 [H', W', 3] (BGR); a picture under 240 pixels is enlarged so that labels can be read.
    """
    longest = max(picture.shape[:2])
    zoom = max(1, -(-240 // longest))
    canvas = picture.copy() if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    if zoom > 1:
        canvas = cv2.resize(canvas, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_NEAREST)
    drawn: Pixels = np.asarray(canvas, dtype=np.uint8)
    pen = max(1, round(longest * zoom / 500))
    for digit in digits:
        _draw_digit(drawn, digit, zoom, pen)
    return drawn


def thumbnail(pixels: Pixels, side: int = 1000) -> Pixels:
    """Shrink pixels so that their longer side is at most `side`, for a page or a notebook."""
    scale = side / max(pixels.shape[:2])
    if scale >= 1.0:
        return pixels
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def to_png(pixels: Pixels) -> bytes:
    """Encode pixels as a PNG file."""
    done, data = cv2.imencode(".png", pixels)
    if not done:
        raise ImageError(f"OpenCV cannot encode an array of shape {pixels.shape} as PNG")
    return data.tobytes()


def colour_of(digit: Digit) -> Colour:
    """Return the colour that says whether a digit was accepted."""
    return _ACCEPTED if digit.accepted else _REJECTED


class Extent(NamedTuple):
    """Pixels that a line of text takes."""

    width: int
    height: int
    """Above the line that letters stand on."""
    depth: int
    """Below it."""


def extent(text: str, size: float, pen: int = 1) -> Extent:
    """Measure a line of text; letters of size 1 are about 22 pixels high."""
    (width, height), depth = cv2.getTextSize(text, _FONT, size, pen)
    return Extent(width, height, depth)


def write(
    canvas: Pixels, text: str, at: tuple[int, int], colour: Colour, size: float, pen: int = 1
) -> None:
    """Write a line of text, of ASCII alone, that begins and stands at a point."""
    cv2.putText(canvas, text, at, _FONT, size, colour, pen, cv2.LINE_AA)


def tag(
    canvas: Pixels, text: str, at: tuple[int, int], colour: Colour, size: float, pen: int = 1
) -> None:
    """Write a line of text in white on a rectangle of a colour."""
    left, bottom = at
    width, height, depth = extent(text, size, pen)
    corners = (left, bottom - height - pen), (left + width, bottom + depth)
    cv2.rectangle(canvas, *corners, colour, cv2.FILLED)
    write(canvas, text, at, _LETTERS, size, pen)


def _draw_digit(canvas: Pixels, digit: Digit, zoom: int, pen: int) -> None:
    x, y, width, height = (side * zoom for side in digit.box)
    colour = colour_of(digit)
    if width and height:
        cv2.rectangle(canvas, (x - pen, y - pen), (x + width + pen, y + height + pen), colour, pen)

    label = f"{digit} {digit.confidence:.0%}" if digit.probabilities else str(digit.reason)
    size = 0.45 * max(1.0, pen * 0.8)
    text_width, text_height, baseline = extent(label, size, pen)
    if text_width > 1.3 * width and digit.accepted:  # neighbours stand close: the label alone
        label = str(digit)
        text_width, text_height, baseline = extent(label, size, pen)
    left = max(0, min(x - pen, canvas.shape[1] - text_width))
    bottom = y - 2 * pen - baseline
    if bottom - text_height < 0:  # no room above: below
        bottom = min(y + height + 3 * pen + text_height, canvas.shape[0] - baseline)
    tag(canvas, label, (left, bottom), colour, size, pen)
