"""Videos of what was seen, written while it happens."""

import os
import shutil
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

import numpy as np

from .errors import SiffraError
from .files import is_utf8, replacing
from .opencv import cv2
from .results import Pixels

CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG"}
"""What a video is encoded with, by its suffix. WebM takes a tenth of a second a frame: too long."""

_USUAL = 30.0  # frames a second of a source that states none
_FASTEST = 240.0  # streams without a clock state rates such as 90,000
_LONGEST_GAP = 5.0  # s without a frame that a video shows as they were
_RESERVE = 64 << 20  # bytes that the disk must have left, so that the video can be finished
_MISSING = 0.9  # of the frames that a whole file states; containers estimate


class RecordError(SiffraError, OSError):
    """A video that cannot be written, or not to its end; the message says why."""


class Recorder:
    """Writes pictures to a video; a context manager, which finishes it however it is left.

    The video appears under its name when it is finished, whole. A process that is killed without
    warning leaves what it wrote beside it, in a hidden file with `-siffra-` in its name.

    Args:
        path: Of the video; what is there is replaced. `.mp4`, `.mov`, `.mkv` or `.avi`.
        rate: Frames a second; 30 if that is not known.

    Raises:
        RecordError: There is no such format, or nothing can be written there.
    """

    def __init__(self, path: str | os.PathLike[str], rate: float | None = None) -> None:
        self.path = Path(path)
        self.rate = rate if rate is not None and 0.0 < rate <= _FASTEST else _USUAL
        self.frames = 0
        """Written so far."""
        codec = CODECS.get(self.path.suffix.lower())
        if codec is None:
            raise RecordError(
                f"{self.path}: no video can be recorded as {self.path.suffix or 'a nameless type'}"
                f"; use {', '.join(CODECS)}"
            )
        if not is_utf8(str(self.path)):
            raise RecordError(f"{str(self.path)!r}: is not UTF-8; name another file")
        self._codec = cv2.VideoWriter.fourcc(*codec)
        self._writer: cv2.VideoWriter | None = None
        self._last: Pixels | None = None
        self._origin = 0.0
        self._previous = 0.0
        if not self.path.parent.is_dir():
            raise RecordError(f"{self.path}: there is no folder {self.path.parent}; make it first")
        if self.path.exists() and not self.path.is_file():
            raise RecordError(f"{self.path}: is a folder or device, no file; name another")
        self._exit = ExitStack()
        try:
            self._temporary = self._exit.enter_context(replacing(self.path))
        except OSError as error:
            raise RecordError(
                f"{self.path}: cannot be written ({error.strerror or error}); name another"
            ) from error
        try:
            self._try(codec)
        except RecordError:
            self._discard()
            raise

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, picture: Pixels, at: float) -> None:
        """Add a picture at its time; the one before is repeated until then.

        A gap of more than 5 seconds, such as a pause, is left out. Of pictures that fall into the
        same frame the first counts.

        Args:
            picture: uint8 [H, W, 3] (BGR); if it is not of the first one's size, it is shrunk or
                enlarged to fit in, with black margins.
            at: Seconds, from any beginning.

        Raises:
            RecordError: The disk is full; what was written is finished and stays.
        """
        if self._writer is None:
            self._begin(picture, at)
        assert self._writer is not None
        gap = at - self._previous
        if gap > _LONGEST_GAP or gap < 0:  # backwards: the source began anew
            self._origin += gap - 1 / self.rate
        self._previous = at
        place = round((at - self._origin) * self.rate)
        if place < self.frames:
            return
        height, width = self._last.shape[:2] if self._last is not None else picture.shape[:2]
        fitted = _fitted(picture, width, height)
        while self.frames < place and self._last is not None:
            self._add(self._last)
        self._add(fitted)
        self._last = fitted

    def close(self) -> None:
        """Finish the video and put it in its place; without a frame nothing is written.

        Raises:
            RecordError: It could not be written whole; what was there before stays.
        """
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.release()
        if not self.frames:
            self._discard()
            return
        if writer is not None and not _is_whole(self._temporary, self.frames):
            self._discard()
            raise RecordError(f"{self.path}: the video could not be written; is the disk full?")
        try:
            self._exit.close()
        except OSError as error:
            raise RecordError(f"{self.path}: {error.strerror or error}") from error

    def _try(self, codec: str) -> None:
        """Make sure before the first frame that a video can be written there.

        Raises:
            RecordError: It cannot.
        """
        trial = self._open((64, 64))
        opened = trial.isOpened()
        trial.release()
        if not opened:
            others = [suffix for suffix in CODECS if CODECS[suffix] != codec]
            raise RecordError(
                f"{self.path}: OpenCV {cv2.__version__} is built without {codec} video; "
                f"try {', '.join(others)}"
            )

    def _open(self, size: tuple[int, int]) -> cv2.VideoWriter:
        return cv2.VideoWriter(str(self._temporary), self._codec, self.rate, size)

    def _begin(self, picture: Pixels, at: float) -> None:
        height, width = picture.shape[:2]
        writer = self._open((width, height))
        if not writer.isOpened():
            raise RecordError(f"{self.path}: no video of {width}x{height} can be written")
        self._writer = writer
        self._origin = self._previous = at

    def _add(self, picture: Pixels) -> None:
        assert self._writer is not None
        # OpenCV does not tell when it cannot write: the disk has to be asked beforehand.
        if self.frames % max(1, round(self.rate)) == 0 and _free(self.path.parent) < _RESERVE:
            self.close()
            raise RecordError(
                f"{self.path}: the disk is full; the recording ends after "
                f"{self.frames / self.rate:.1f} s"
            )
        self._writer.write(picture)
        self.frames += 1

    def _discard(self) -> None:
        """Leave everything as it was."""
        with suppress(RuntimeError), self._exit:  # an error makes `replacing` remove what it began
            raise RuntimeError("nothing is to be kept")


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _fitted(picture: Pixels, width: int, height: int) -> Pixels:
    """Return a picture in a frame of some size, its shape kept, centred on black."""
    if picture.shape[:2] == (height, width):
        return picture
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size = max(1, round(scale * picture.shape[1])), max(1, round(scale * picture.shape[0]))
    smaller = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((height, width, 3), dtype=np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    canvas[top : top + size[1], left : left + size[0]] = smaller
    return canvas


def _is_whole(path: Path, frames: int) -> bool:
    """Whether a video can be opened and has its frames."""
    capture = cv2.VideoCapture(str(path))
    try:
        stated = capture.get(cv2.CAP_PROP_FRAME_COUNT) if capture.isOpened() else 0.0
    finally:
        capture.release()
    return stated >= _MISSING * frames
