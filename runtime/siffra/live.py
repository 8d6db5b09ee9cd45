"""The loop: frames from a source, a steady reading of each."""

from collections import deque
from time import perf_counter
from types import TracebackType
from typing import NamedTuple

import numpy as np

from .follow import Follower
from .frames import Frame, FrameSource, Notify, Wishes, open_frames
from .reader import Reader, Rotate
from .results import Pixels, Reading, Timings

_WINDOW = 300  # frames that statistics are of
_WAIT = 1.0  # seconds between looks at whether a source has ended


class Statistics(NamedTuple):
    """How the loop keeps up, over its last 300 frames."""

    frames: int
    """Given so far."""
    read: int
    """Of those; in the others nothing had changed, or all was known."""
    dropped: int
    """By a live source so far, since newer ones were there."""
    fps: float
    """Frames given a second."""
    p50_ms: float
    """Median of the milliseconds from having grabbed a frame to its reading."""
    p99_ms: float
    """The same, of the slowest in a hundred."""
    timings: Timings
    """Of the last frame that was read: one in which nothing changes is not."""


class Watch:
    """Frames with their readings; an iterator, and a context manager that closes the source.

    Made by `watch`. Used by one thread at a time.
    """

    def __init__(
        self,
        source: FrameSource,
        *,
        reader: Reader | None = None,
        steady: bool = True,
        rotate: Rotate = 0,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        patience: float | None = None,
        notify: Notify | None = None,
    ) -> None:
        self._follower = Follower(reader or Reader(), steady=steady, rotate=rotate)
        self._frames = open_frames(source, Wishes(size, fps, patience), notify)
        self._ready: deque[float] = deque(maxlen=_WINDOW)  # when readings were there
        self._latencies: deque[float] = deque(maxlen=_WINDOW)
        self._count = 0
        self._read = 0
        self._dropped = 0
        self._last = -1
        self._timings = Timings(0.0, 0.0, 0.0, 0.0)

    def __enter__(self) -> "Watch":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> "Watch":
        return self

    def __next__(self) -> tuple[Frame, Reading]:
        """Wait for the next frame and read it.

        Raises:
            CameraError: The source was lost and did not come back.
            ImageError: A program's own array is no picture.
        """
        while not self.ended:
            found = self.poll(_WAIT)
            if found is not None:
                return found
        raise StopIteration

    def poll(self, timeout: float) -> tuple[Frame, Reading] | None:
        """Return the next frame and its reading; None if none came within so many seconds.

        What is not live is waited for as long as it takes.

        Raises:
            CameraError: The source was lost and did not come back.
            ImageError: A program's own array is no picture.
        """
        frame = self._frames.next(timeout)
        if frame is None:
            return None
        before = self._follower.last
        reading = self._follower.follow(frame.pixels)
        now = perf_counter()
        if self._follower.last is not before:
            self._timings = reading.timings
            self._read += 1
        self._ready.append(now)
        self._latencies.append(1e3 * (now - frame.grabbed))
        self._count += 1
        if self._frames.live:
            self._dropped += frame.number - self._last - 1
        self._last = frame.number
        return frame, reading

    @property
    def reader(self) -> Reader:
        """What reads the frames; may be replaced, by one of another model or threshold."""
        return self._follower.reader

    @reader.setter
    def reader(self, reader: Reader) -> None:
        self._follower.reader = reader

    @property
    def name(self) -> str:
        """What the source is called."""
        return self._frames.name

    @property
    def live(self) -> bool:
        """Whether the newest frame counts and others are dropped; else every frame is given."""
        return self._frames.live

    @property
    def rate(self) -> float | None:
        """Frames a second that the source states, if it does."""
        return self._frames.rate

    @property
    def problem(self) -> str | None:
        """Why there are no frames just now, or why they ended before their time."""
        return self._frames.problem

    @property
    def ended(self) -> bool:
        """Whether no more frames will come."""
        return self._frames.ended

    @property
    def statistics(self) -> Statistics:
        """How the loop keeps up."""
        if not self._count:
            return Statistics(0, 0, 0, 0.0, 0.0, 0.0, self._timings)
        spent = self._ready[-1] - self._ready[0]
        p50, p99 = np.percentile(self._latencies, [50, 99]).tolist()
        fps = (len(self._ready) - 1) / spent if spent else 0.0
        return Statistics(self._count, self._read, self._dropped, fps, p50, p99, self._timings)

    def explain(self) -> Pixels | None:
        """Show why the last frame that was read was read as it is; see `Reader.explain`.

        Returns:
            uint8 [H, W, 3] (BGR); None before the first frame.
        """
        if self._follower.last is None:
            return None
        from .explain import explanation

        reader = self.reader
        return explanation(*self._follower.last, reader.metadata["name"], reader.threshold)

    def close(self) -> None:
        """Let go of the source, and end the thread that reads it; may be called again."""
        self._frames.close()


def watch(
    source: FrameSource = 0,
    *,
    reader: Reader | None = None,
    steady: bool = True,
    rotate: Rotate = 0,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    patience: float | None = None,
    notify: Notify | None = None,
) -> Watch:
    """Watch a camera, a stream, a video or a folder of pictures, and read each frame.

        for frame, reading in siffra.watch(0):
            print(reading.text)

    Of a camera or stream the newest frame is given, and a lost one is tried again, after growing
    pauses; of anything else every frame is given. Leaving the loop leaves the source open: use the
    watch as a context manager, or close it.

    Args:
        source: The number of a camera or its device's path; the address of a stream; the path of a
            video or of a folder of pictures; an object with `read`, as `cv2.VideoCapture` has it;
            or any iterable of arrays as `Reader.read` takes them.
        reader: Reads the frames; by default one of the default model.
        steady: Follow digits from frame to frame, combine what is known of them, and read no more
            often than changes ask for; else each frame is read for itself.
        rotate: Degrees that frames are turned clockwise before they are read; see `Reader.read`.
        size: Width and height, in pixels, asked of a camera; it gives what it has.
        fps: Frames a second asked of a camera; of pictures, what they are taken for.
        patience: Seconds that a lost camera or stream is tried again; None: until closed.
        notify: Is told in one line when a source is lost or comes back, and what of it cannot be
            read; it may be called by another thread.

    Raises:
        CameraError: There is no such source, or it gives no frames; the message says why.
        ModelError: The default model is missing.
        ValueError: `size`, `fps` or `patience` is not above 0.
        DependencyError: OpenCV is not installed.
    """
    return Watch(
        source,
        reader=reader,
        steady=steady,
        rotate=rotate,
        size=size,
        fps=fps,
        patience=patience,
        notify=notify,
    )
