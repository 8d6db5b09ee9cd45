"""What frames are, and what gives them: a camera, a stream, a video, a folder, a program's own."""

import io
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeGuard

import numpy as np

from .errors import CameraError
from .files import is_utf8
from .results import Pixels

Notify: TypeAlias = Callable[[str], None]
"""Takes one line about what happens to a source, from whichever thread notices it."""


@dataclass(frozen=True)
class Frame:
    """One picture of a sequence."""

    pixels: Pixels = field(repr=False, compare=False)
    """uint8 [H, W] or [H, W, 3] (BGR)."""
    number: int
    """From 0, as the source counted it: those that were dropped count too."""
    grabbed: float
    """When the source had it, in seconds of `time.perf_counter`."""
    at: float
    """Seconds since the first: by the clock where it is live, by the frame rate in a file."""


class Capture(Protocol):
    """What has `read` as `cv2.VideoCapture` has it; `release`, if there is one, is called once."""

    def read(self) -> tuple[bool, Any]:
        """Return whether there was a frame, and the frame: an array as `images.load` takes them."""


FrameSource: TypeAlias = int | str | os.PathLike[str] | Capture | Iterable[Any]
"""What `open_frames` takes."""


class Frames(ABC):
    """A source of frames; one thread asks it, and closes it."""

    name: str
    """What it is called."""
    live: bool
    """Whether the newest frame is given and older ones are dropped, as a camera needs it."""
    rate: float | None
    """Frames a second that it states, if it does."""
    ended: bool = False
    """Whether no more frames will come."""

    @property
    @abstractmethod
    def problem(self) -> str | None:
        """Why there are no frames just now, or why they ended before their time."""

    @abstractmethod
    def next(self, timeout: float) -> Frame | None:
        """Return a frame; None if none came within so many seconds, or none will.

        Raises:
            CameraError: A live source was lost and did not come back.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of it; may be called again."""


@dataclass(frozen=True)
class Wishes:
    """What is asked of a source, which gives what it has."""

    size: tuple[int, int] | None = None
    """Width and height of a camera's frames, in pixels."""
    fps: float | None = None
    """Frames a second: of a camera; of pictures, that state none themselves."""
    patience: float | None = None
    """Seconds that a lost camera or stream is tried again; None: until it is closed."""

    def __post_init__(self) -> None:
        """Make sure that it can be asked.

        Raises:
            ValueError: A wish is not above 0.
        """
        wishes = {"size": self.size, "fps": self.fps, "patience": self.patience}
        for name, wish in wishes.items():
            if wish is not None and not np.all(np.asarray(wish) > 0):
                raise ValueError(f"{name} must be above 0, not {wish}")


_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
PIPELINE = " ! "
"""Stands between the elements of a GStreamer pipeline."""
_DEVICE = re.compile(r"/dev/(video\d|v4l/)")  # what cameras are called on Linux


def open_frames(
    source: FrameSource, wishes: Wishes | None = None, notify: Notify | None = None
) -> Frames:
    """Open a source of frames.

    Args:
        source: The number of a camera or its device's path; the address of a stream; the path of a
            video or of a folder of pictures; a GStreamer pipeline, where OpenCV was built with it;
            an object with `read`, as `cv2.VideoCapture` has it; or arrays as `images.load` takes
            them, one a frame.
        wishes: What is asked of it.
        notify: Is told when a source is lost or comes back, and what of it cannot be read.

    Raises:
        CameraError: There is no such source, or it gives no frames; the message says why.
        DependencyError: OpenCV is not installed.
    """
    wishes = wishes or Wishes()
    notify = notify or _ignore
    if isinstance(source, io.IOBase):
        raise CameraError("cannot watch an open file; pass its path")
    if isinstance(source, np.ndarray):
        raise CameraError("one array is one picture: Reader.read takes it; pass a list of arrays")
    if _is_capture(source):
        return _of_a_capture(source, wishes, notify)
    if isinstance(source, (int, np.integer)) and not isinstance(source, bool):
        return _camera(int(source), wishes, notify)
    if isinstance(source, (str, os.PathLike)):
        return _named(os.fsdecode(source), wishes, notify)
    if isinstance(source, Iterable) and not isinstance(source, (bytes, bytearray)):
        from .footage import Arrays

        return Arrays(source, wishes)
    raise CameraError(
        f"cannot watch {type(source).__name__}; pass the number of a camera, a path, an address, "
        "an object with read(), or arrays"
    )


def stated(capture: Any, number: int) -> float:
    """Return what a capture states of itself, by OpenCV's number of it; 0 where that is nothing."""
    get = getattr(capture, "get", None)
    try:
        return float(get(number)) if get is not None else 0.0
    except (TypeError, ValueError):
        return 0.0


def _is_capture(source: object) -> TypeGuard[Capture]:
    # `isinstance` would not see what a wrapper hands on by `__getattr__`, since Python 3.12.
    return callable(getattr(source, "read", None))


def _named(name: str, wishes: Wishes, notify: Notify) -> Frames:
    if not name:
        raise CameraError("a source has no name; is a shell variable empty?")
    if not is_utf8(name):
        raise CameraError(f"{name!r}: OpenCV opens no names that are not UTF-8; rename it")
    if name.isdecimal():
        return _camera(int(name), wishes, notify)
    if _ADDRESS.match(name) or PIPELINE in name:
        from .camera import open_stream
        from .footage import Video

        capture, again, shown = open_stream(name)
        if Video.is_one(capture):
            return Video(capture, shown, notify)
        return _live(capture, again, shown, wishes, notify)
    path = Path(name)
    if path.is_dir():
        from .footage import Pictures

        return Pictures(path, wishes, notify)
    if _DEVICE.match(name):
        return _camera(name, wishes, notify)
    from .footage import open_video

    return open_video(name, notify)


def _camera(device: int | str, wishes: Wishes, notify: Notify) -> Frames:
    from .camera import open_device

    name = f"camera {device}"
    return _live(
        open_device(device, wishes), lambda: open_device(device, wishes), name, wishes, notify
    )


def _of_a_capture(capture: Capture, wishes: Wishes, notify: Notify) -> Frames:
    from .footage import Video

    if hasattr(capture, "isOpened") and not capture.isOpened():
        raise CameraError("the capture is not open; its source is missing, busy or no video")
    if Video.is_one(capture):
        return Video(capture, "the video", notify)
    return _live(capture, None, "the camera", wishes, notify)


def _live(
    capture: Capture,
    again: Callable[[], Capture] | None,
    name: str,
    wishes: Wishes,
    notify: Notify,
) -> Frames:
    from .camera import Live

    return Live(capture, again, name, wishes, notify)


def _ignore(message: str) -> None:
    """Tell nobody."""
