"""What is fuzzed, and what must hold: bytes in, an `ImageError` or a right answer out."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
from numpy.typing import NDArray

from siffra import Digit, ImageError, Reader, Reading
from siffra.images import load
from siffra.reader import Rotate
from siffra.sizes import stated_size

from .arrays import array_of

MAX_PIXELS = 1 << 18
"""Of what is loaded, so that an execution stays short and what gets past the limit stands out."""

_ARRAY_PIXELS = 10_000
_ROTATIONS: tuple[Rotate, ...] = (0, 0, 0, 0, 90, 180, 270, "auto")


def fuzz_load(data: bytes) -> None:
    """Load a file: what comes out is pixels, no more than its header states."""
    try:
        with _watching():
            pixels = load(data, MAX_PIXELS)
    except ImageError as error:
        _expect_message(error)
        return
    _expect_pixels(pixels)
    assert np.array_equal(pixels, load(data, MAX_PIXELS)), "two loads differ"


def fuzz_read(data: bytes, reader: Reader) -> None:
    """Read or classify: what is found lies in the picture and is found again.

    The first byte says which, whether the others are a file or decide on an array, and whether it
    is asked twice.

    Args:
        data: Anything.
        reader: With `max_pixels=MAX_PIXELS`.
    """
    what, rest = data[:1] or b"\0", data[1:]
    source = array_of(rest, _ARRAY_PIXELS) if what[0] & 1 else rest
    before = source.tobytes() if isinstance(source, np.ndarray) else b""
    try:
        answer = _ask(reader, what[0], source)
        again = _ask(reader, what[0], source) if what[0] & 32 else answer
    except ImageError as error:
        _expect_message(error)
        return
    if isinstance(source, np.ndarray):
        assert source.tobytes() == before, "the caller's array was written to"
    assert answer == again, "two answers differ"
    for digit in answer.digits if isinstance(answer, Reading) else [answer]:
        _expect_digit(digit)
    json.loads(answer.to_json())
    _expect_pixels(answer.draw())


def _ask(reader: Reader, what: int, source: bytes | NDArray[Any]) -> Digit | Reading:
    if what & 2:
        return reader.classify(source)
    return reader.read(source, rotate=_ROTATIONS[what // 4 % len(_ROTATIONS)])


@contextmanager
def _watching() -> Iterator[None]:
    """Compare what OpenCV makes of a file, be it refused afterwards, with what was let through."""
    decode = cv2.imdecode

    def watched(data: NDArray[np.uint8], flags: int) -> NDArray[Any] | None:
        size = stated_size(data.tobytes())
        assert size is not None, "decoded, though it states no size"
        pixels: NDArray[Any] | None = decode(data, flags)
        if pixels is not None:  # of a TIFF file, the sides of a tile count where they are longer
            most = size[0] * size[1]
            assert pixels.shape[0] * pixels.shape[1] <= most, (
                f"{pixels.shape} decoded, {size} stated"
            )
        return pixels

    with patch.object(cv2, "imdecode", watched):
        yield


def _expect_message(error: Exception) -> None:
    message = str(error)
    assert 10 < len(message) < 1000
    assert message.isprintable(), f"more than one line, or unprintable: {message!r}"


def _expect_pixels(pixels: NDArray[np.uint8]) -> None:
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    assert 0 < pixels.shape[0] * pixels.shape[1] <= MAX_PIXELS


def _expect_digit(digit: Digit) -> None:
    height, width = digit.picture.shape[:2]
    x, y, w, h = digit.box
    least = 0 if digit.reason == "blank" else 1
    assert 0 <= x <= x + w - least < width, f"{digit.box} in {width}x{height}"
    assert 0 <= y <= y + h - least < height, f"{digit.box} in {width}x{height}"
    assert 0.0 <= digit.confidence <= 1.0
    assert (digit.label is None) == (digit.reason is not None)
    assert digit.label in (None, *range(10))
