"""Frames that were taken before: videos, folders of pictures, a program's own arrays."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

from . import images
from .errors import CameraError, ImageError
from .frames import Capture, Frame, Frames, Notify, Wishes, stated
from .opencv import cv2
from .results import Pixels
from .sources import SUFFIXES, pictures_in

_RATE = 30.0  # frames a second of what states none
_FASTEST = 1000.0  # what states more states nonsense
_ROUGHLY = 0.98, 2  # of the frames that a video states, and less some: containers estimate


class Video(Frames):
    """Every frame of a video.

    Args:
        capture: The video, open.
        name: What it is called.
        notify: Is told of what cannot be read.
    """

    live = False

    def __init__(self, capture: Capture, name: str, notify: Notify) -> None:
        self._capture = capture
        self._notify = notify
        self.name = name
        rate = stated(capture, cv2.CAP_PROP_FPS)
        self.rate = rate if 0.0 < rate < _FASTEST else None
        position = max(0.0, stated(capture, cv2.CAP_PROP_POS_FRAMES))
        self._count = int(stated(capture, cv2.CAP_PROP_FRAME_COUNT) - position)
        self._number = 0
        self._problem: str | None = None

    @staticmethod
    def is_one(capture: Capture) -> bool:
        """Whether a capture has an end, so that each of its frames counts."""
        return 0 < stated(capture, cv2.CAP_PROP_FRAME_COUNT) < float(2**53)

    @property
    def problem(self) -> str | None:
        """Why it ended before its time."""
        return self._problem

    def next(self, timeout: float) -> Frame | None:
        """Return the next frame; None at the end."""
        if self.ended:
            return None
        done, pixels = self._capture.read()
        grabbed = perf_counter()
        if not done or pixels is None or not pixels.size:
            self._end()
            return None
        at = self._number / (self.rate or _RATE)
        frame = Frame(images.load(pixels), self._number, grabbed, at)
        self._number += 1
        return frame

    def _end(self) -> None:
        share, less = _ROUGHLY
        if self._number < share * self._count - less:
            self._problem = (
                f"{self.name}: ends after {self._number} of {self._count} frames; the rest is "
                "missing or damaged"
            )
            self._notify(self._problem)
        self.close()

    def close(self) -> None:
        """Let go of the video."""
        if not self.ended:
            self.ended = True
            release = getattr(self._capture, "release", None)
            if release is not None:
                release()


def open_video(name: str, notify: Notify) -> Frames:
    """Open a video by its path.

    Raises:
        CameraError: It is missing, or no video that OpenCV can read here.
    """
    path = Path(name)
    if not path.exists():
        hint = "" if path.suffix else "; cameras have numbers, siffra cameras lists them"
        raise CameraError(f"{name}: no such file{hint}")
    if not path.is_file():
        raise CameraError(f"{name}: is no video file; a camera is /dev/video0 and the like")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise CameraError(f"{name}: cannot be read ({error.strerror or error})") from error
    if empty:
        raise CameraError(f"{name}: is empty")
    if path.suffix.lower() in SUFFIXES:
        raise CameraError(f"{name}: is a picture, not a video; siffra read takes it")
    capture = cv2.VideoCapture(name)
    if not capture.isOpened():
        raise CameraError(
            f"{name}: is no video that OpenCV {cv2.__version__} can read here: damaged, or of a "
            "codec that its build lacks; MP4 with H.264 works nearly everywhere"
        )
    return Video(capture, name, notify)


class Pictures(Frames):
    """The pictures of a folder by their names, in which numbers count as numbers.

    Args:
        folder: Where they are.
        wishes: How many are a second.
        notify: Is told of those that cannot be read.

    Raises:
        CameraError: There are none.
    """

    live = False

    def __init__(self, folder: Path, wishes: Wishes, notify: Notify) -> None:
        self.name = str(folder)
        self.rate = wishes.fps
        self._notify = notify
        self._paths = sorted(pictures_in(folder), key=_natural)
        if not self._paths:
            raise CameraError(f"{folder}: is a folder without pictures")
        self._number = 0
        self._failed = 0

    @property
    def problem(self) -> str | None:
        """How many could not be read."""
        if not self._failed:
            return None
        return f"{self.name}: {self._failed} of {len(self._paths)} pictures cannot be read"

    def next(self, timeout: float) -> Frame | None:
        """Return the next picture that can be read; None at the end."""
        while not self.ended:
            if self._number >= len(self._paths):
                self.close()
                break
            number, path = self._number, self._paths[self._number]
            self._number += 1
            try:
                pixels = images.load(path)
            except ImageError as error:
                self._failed += 1
                self._notify(f"{error}; it is left out")
                continue
            return Frame(pixels, number, perf_counter(), number / (self.rate or _RATE))
        return None

    def close(self) -> None:
        """End it."""
        self.ended = True


class Arrays(Frames):
    """The arrays that a program gives, each when it is asked for.

    Args:
        arrays: As `images.load` takes them.
        wishes: How many are a second; if that is not said, they are timed by the clock.
    """

    live = False
    name = "frames"
    problem = None

    def __init__(self, arrays: Iterable[Any], wishes: Wishes) -> None:
        self._arrays: Iterator[Any] = iter(arrays)
        self.rate = wishes.fps
        self._number = 0
        self._began = 0.0

    def next(self, timeout: float) -> Frame | None:
        """Return the next array; None at the end.

        Raises:
            ImageError: It is no picture.
        """
        if self.ended:
            return None
        try:
            pixels: Pixels = images.load(next(self._arrays))
        except StopIteration:
            self.close()
            return None
        grabbed = perf_counter()
        if not self._number:
            self._began = grabbed
        at = self._number / self.rate if self.rate else grabbed - self._began
        frame = Frame(pixels, self._number, grabbed, at)
        self._number += 1
        return frame

    def close(self) -> None:
        """End it; a generator is closed."""
        self.ended = True
        close = getattr(self._arrays, "close", None)
        if close is not None:
            close()


def _natural(path: Path) -> list[tuple[int, str]]:
    """Return a key by which frame-2 comes before frame-10."""
    parts = re.split(r"(\d+)", str(path))
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
