"""What the page is told of a reading: as JSON types, with what its bars and boxes need."""

from typing import Any

from ..results import Digit, Reading


def document_of(reading: Reading) -> dict[str, Any]:
    """Return a reading for the page: text, digits line by line, size of the picture, time taken."""
    height, width = reading.picture.shape[:2]
    return {
        "text": reading.text,
        "lines": [[_digit(digit) for digit in line] for line in reading.lines],
        "width": width,
        "height": height,
        "rotation": reading.rotation,
        "ms": round(reading.timings.total, 1),
    }


def _digit(digit: Digit) -> dict[str, Any]:
    return {
        "label": digit.label,
        "confidence": round(digit.confidence, 3),
        "reason": digit.reason,
        "best": [[label, round(share, 3)] for label, share in digit.top(2)],
        "box": list(digit.box),
    }
