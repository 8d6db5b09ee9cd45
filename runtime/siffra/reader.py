"""The main class: a picture in, a reading out."""

import os
from collections.abc import Mapping
from operator import index
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from .contract import DEFAULT_MODEL
from .decide import Demand, reason_against
from .network import Network
from .results import Box, Digit, Pixels, Reading, Rotation, Timings
from .sizes import MAX_PIXELS

# What handles pictures needs OpenCV and is imported where it is used: those who bring cells of
# their own work without it.
if TYPE_CHECKING:
    from .images import Source
    from .page import Page

Rotate: TypeAlias = Rotation | Literal["auto"]
"""Degrees that a picture is to be turned, clockwise; `auto`: as many as make it upright."""


class Reader:
    """Reads handwritten digits from pictures.

    Loading takes some milliseconds; make one and keep it. It may be shared between threads.

    Args:
        model: Name of a released model (`siffra info` lists them) or path of an ONNX model that
            `python -m export` made.
        threshold: Confidence, 0 to 1, from which a digit is accepted; the model's own by default.
        threads: Threads that compute one inference, at most as many as the machine has cores.
        max_pixels: The most pixels that a picture may have; what has more is refused by its
            header, before it is decoded. None for any number, where all pictures are trusted.

    Raises:
        ModelError: The model is missing or is not one of siffra's.
        ValueError: The threshold, the number of threads or that of pixels is out of range.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = DEFAULT_MODEL,
        *,
        threshold: float | None = None,
        threads: int = 1,
        max_pixels: int | None = MAX_PIXELS,
    ) -> None:
        if threshold is not None and not 0.0 <= threshold <= 1.0:
            raise ValueError(f"threshold must be from 0 to 1, not {threshold}")
        self._max_pixels = None if max_pixels is None else _from_one("max_pixels", max_pixels)
        self._network = Network(model, _from_one("threads", threads))
        self._demand = Demand(self._network.threshold, threshold)

    def __repr__(self) -> str:
        return f"Reader(model={str(self._network.path)!r}, threshold={self.threshold})"

    @property
    def threshold(self) -> float:
        """Confidence from which a digit is accepted."""
        return self._demand.threshold

    @property
    def max_pixels(self) -> int | None:
        """The most pixels that a picture may have; None for any number."""
        return self._max_pixels

    @property
    def model(self) -> Path:
        """The file of the model."""
        return self._network.path

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the model file says of itself: name, version, recipe, data, accuracy, parity."""
        return self._network.metadata

    def probabilities(self, cells: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Classify cells, which are digits normalised by the contract; needs no OpenCV.

        Args:
            cells: uint8 [n, 28, 28], ink bright on black, as MNIST has them.

        Returns:
            float32 [n, 10]: for each cell the probabilities of 0 to 9.

        Raises:
            ImageError: The array is not of that shape and type.
        """
        return self._network.probabilities(cells)

    def read(self, source: "Source", *, rotate: Rotate = 0) -> Reading:
        """Read all digits of a picture, in reading order.

        Args:
            source: A path, bytes, binary file object, Pillow image or array; see `images.load`.
            rotate: Degrees that the picture, upright by its EXIF orientation, is turned clockwise
                before it is read: 0, 90, 180 or 270; or `auto`, which finds out, in some three
                times the time. Pages that read alike either way up stay as they are.

        Raises:
            ImageError: The source is not a picture that can be read.
            MemoryError: There is not enough for it.
            DependencyError: OpenCV is not installed.
            ValueError: `rotate` is something else.
        """
        return self._read(source, rotate)[0]

    def _read(self, source: "Source", rotate: Rotate = 0) -> "tuple[Reading, Page]":
        """Read a picture; return the reading, and what it was made from."""
        whole = isinstance(rotate, (int, np.integer))
        if rotate != "auto" and not (whole and rotate in get_args(Rotation)):
            raise ValueError(
                f"rotate must be 0, 90, 180 or 270, degrees clockwise, or 'auto', not {rotate!r}"
            )
        from .opencv import memory_told

        with memory_told():
            return self._read_within(source, rotate)

    def _read_within(self, source: "Source", rotate: Rotate) -> "tuple[Reading, Page]":
        from . import images, page, scale

        started = perf_counter()
        picture = images.load(source, self._max_pixels)
        grey = images.to_grey(picture)
        decoded = perf_counter()
        rotation: Rotation = 0
        if rotate:
            from .turn import find_rotation, rotated

            if rotate == "auto":
                rotation = find_rotation(grey, self._network.probabilities)
            else:
                rotation = rotate
            picture, grey = rotated(picture, rotation), rotated(grey, rotation)
        read = page.read_page(grey, self._network.probabilities, self.threshold)
        sure = sum(found.sure >= self.threshold for line in read.lines for found in line)
        needed = self._demand.among(sure)
        scaled = scale.to_picture(picture, read.shape)
        lines = tuple(
            tuple(
                _digit(
                    scaled(read.box_before(found)),
                    found.cell,
                    found.probabilities.tolist(),
                    picture,
                    needed,
                )
                for found in line
            )
            for line in read.lines
        )
        _, normalising, inferring = read.seconds
        rest = perf_counter() - decoded - normalising - inferring
        timings = Timings(
            decode=1e3 * (decoded - started),
            locate=1e3 * rest,
            cells=1e3 * normalising,
            inference=1e3 * inferring,
        )
        straight_boxes = None
        if read.straight is not None:
            straight_boxes = tuple(tuple(found.box for found in line) for line in read.lines)
        return Reading(lines, timings, picture, rotation, straight_boxes), read

    def explain(self, source: "Source", *, rotate: Rotate = 0) -> Pixels:
        """Show in one picture why a picture is read as it is; the first thing to look at.

        Args:
            source: A path, bytes, binary file object, Pillow image or array; see `images.load`.
            rotate: As for `read`.

        Returns:
            uint8 [H, W, 3] (BGR): the picture with what was found, the ink on it, and for each
            digit its cell and its best answers; see `explain.explanation`.

        Raises:
            ImageError: The source is not a picture that can be read.
            MemoryError: There is not enough for it.
            DependencyError: OpenCV is not installed.
        """
        from .explain import explanation
        from .opencv import memory_told

        read = self._read(source, rotate)
        with memory_told():
            return explanation(*read, self.metadata["name"], self.threshold)

    def classify(self, source: "Source") -> Digit:
        """Classify the one digit that a picture shows.

        Args:
            source: A path, bytes, binary file object, Pillow image or array; see `images.load`.

        Raises:
            ImageError: The source is not a picture that can be read.
            MemoryError: There is not enough for it.
            DependencyError: OpenCV is not installed.
        """
        from .opencv import memory_told

        with memory_told():
            return self._classify_within(source)

    def _classify_within(self, source: "Source") -> Digit:
        from .images import load
        from .single import classify_one, find_one

        picture = load(source, self._max_pixels)
        box, cell, reason = find_one(picture)
        if cell is None:
            digit = Digit(None, 0.0, reason, box, (), None, picture)
        else:
            probabilities = classify_one(cell, self._network.probabilities)
            digit = _digit(box, cell, probabilities, picture, self.threshold)
        if digit.accepted or reason == "blank":
            return digit
        # What fills the picture is no digit: a form, a table, a shadow. Something on it may be.
        accepted = [found for found in self._read_within(picture, 0)[0].digits if found.accepted]
        return accepted[0] if len(accepted) == 1 else digit


def _from_one(name: str, value: int) -> int:
    try:
        number = index(value)  # NumPy's whole numbers are as good
    except TypeError:
        number = 0
    if number < 1:
        raise ValueError(f"{name} must be a whole number from 1, not {value!r}")
    return number


def _digit(
    box: Box, cell: Pixels, probabilities: list[float], picture: Pixels, needed: float
) -> Digit:
    """Decide on what the network says: a digit from the probability on that is needed."""
    confidence = max(probabilities)
    reason = reason_against(probabilities, needed)
    label = probabilities.index(confidence) if reason is None else None
    return Digit(label, confidence, reason, box, tuple(probabilities), cell, picture)
