"""Frame after frame to a steady reading, with no more work than what changes asks for."""

import numpy as np

from . import images
from .changes import Changes
from .page import Page
from .reader import Reader, Rotate
from .results import Pixels, Reading
from .steady import Steady, moved
from .turn import rotated

_SELDOM = 10  # frames: how often a picture is read that does not change
_SPENT = 2.5  # milliseconds of reading a frame, on average, while all in a moving picture is known
_LONGEST = 8  # frames: how seldom such pages are read at most, so that nothing new waits longer
_MOVING = 6  # frames: how often one is read that moves, at most, while all in it is known


class Follower:
    """Reads frame after frame.

    Args:
        reader: Reads them; may be replaced at any time, by one of another model or threshold.
        steady: Whether digits are followed and known ones not read in each frame; else every frame
            is read for itself.
        rotate: Degrees that frames are turned clockwise, or `auto`; see `Reader.read`.
    """

    def __init__(self, reader: Reader, *, steady: bool = True, rotate: Rotate = 0) -> None:
        self._reader = reader
        self._rotate = rotate
        self._steady = Steady() if steady else None
        self._changes = Changes()
        self._since = 0  # frames, without having read any
        self._size: tuple[int, ...] = ()
        self._reading: Reading | None = None
        self.last: tuple[Reading, Page] | None = None
        """The last frame that was read, for itself, and what that was made from."""

    @property
    def reader(self) -> Reader:
        """What reads the frames."""
        return self._reader

    @reader.setter
    def reader(self, reader: Reader) -> None:
        self._reader = reader
        self._reading = None
        if self._steady is not None:
            self._steady.reset()

    def follow(self, pixels: Pixels) -> Reading:
        """Take in the next frame; return what is known now.

        Args:
            pixels: uint8 [H, W] or [H, W, 3] (BGR).

        Raises:
            ImageError: It is no picture.
        """
        pixels = images.load(pixels, self._reader.max_pixels)
        if self._steady is None:
            self.last = self._reader._read(pixels, self._rotate)
            return self.last[0]
        if pixels.shape[:2] != self._size:
            self._size, self._changes, self._reading = pixels.shape[:2], Changes(), None
        self._since += 1
        change = self._changes.look(pixels)
        if self._reading is not None and self._steady.settled and change != "news":
            still = change == "none"
            if self._since < (_SELDOM if still else self._pause()):
                by = np.zeros(2) if still else self._since * self._steady.velocity
                return moved(self._reading, rotated(pixels, self._reading.rotation), by)
        self._changes.note()
        self.last = self._reader._read(pixels, self._rotate)
        self._reading = self._steady.update(*self.last, self._reader._demand, self._since)
        self._since = 0
        return self._reading

    def _pause(self) -> int:
        """Return how often a picture that moves is read, in frames: pages that take long seldom."""
        assert self.last is not None
        return min(_LONGEST, max(_MOVING, round(self.last[0].timings.total / _SPENT)))
