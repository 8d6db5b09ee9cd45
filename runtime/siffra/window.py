"""The window: a live picture, and keys."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import perf_counter

from .errors import ModelError
from .frames import Frame
from .live import Watch
from .network import released
from .opencv import cv2
from .reader import Reader
from .record import Recorder
from .results import Pixels, Reading
from .snapshot import save_snapshot
from .view import Status, view

_NAME = "siffra"
_LARGEST = (1000, 720)  # px, width and height that a window opens with at most
_SMALLEST = 640  # px of width that it opens with, where the height allows
_LOOK = 0.03  # s at most from a key to what it does
_LATE = 0.1  # s that a file may lag behind its frame rate and catch up
_SAID = 4.0  # s that a message stays
_STEP = 0.05  # of threshold
_PROBE = "import cv2; cv2.namedWindow('siffra'); cv2.destroyAllWindows()"
_PATIENCE = 20.0  # s that a display may take to answer
_KEYPAD = {0xFFAB: "+", 0xFFAD: "-"}  # as GTK has them; others give the letters


def why_no_window() -> str | None:
    """Return why no window can be shown here, and what to do; None if one can.

    On Linux a process of its own finds out, in some tenths of a second: where a display cannot be
    reached, Qt ends the process that tried.
    """
    if not _has_windows():
        return (
            "this OpenCV is built without windows: pip uninstall opencv-python-headless, then "
            "pip install --force-reinstall opencv-python; or use --serve or --headless"
        )
    if sys.platform in ("win32", "darwin"):
        return None
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not display:
        return (
            "there is no display ($DISPLAY is not set): use --serve or --headless, or log in with "
            "ssh -X"
        )
    if not sys.executable or getattr(sys, "frozen", False):
        return None  # a frozen application would start itself
    try:
        probe = subprocess.run(
            [sys.executable, "-c", _PROBE], capture_output=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return f"the display {display} does not answer; use --serve or --headless"
    if probe.returncode:
        return (
            f"the display {display} cannot be used: is it running, and may you use it? "
            "Else use --serve or --headless"
        )
    return None


def show(
    watch: Watch,
    *,
    recorder: Recorder | None = None,
    folder: Path | None = None,
    announce: Callable[[str], None] | None = None,
    threshold: float | None = None,
) -> None:
    """Show what is watched in a window until it is closed.

    Cameras and streams are shown as frames come, anything else at its own frame rate; its last
    picture stays. Must be called from the main thread, where `why_no_window` gives None.

    Args:
        watch: What to show; it is left open.
        recorder: Records what is shown, without what only concerns the one at the keys.
        folder: Where snapshots are saved; by default the current folder.
        announce: Is told in one line what a key did.
        threshold: What was asked for; None leaves it to each model that `m` switches to.

    Raises:
        CameraError: The source was lost and did not come back.
        RecordError: The recording cannot go on.
    """
    window = _Window(watch, recorder, folder or Path(), announce, threshold)
    window.run()


class _Window:
    """A window and what was done to it."""

    def __init__(
        self,
        watch: Watch,
        recorder: Recorder | None,
        folder: Path,
        announce: Callable[[str], None] | None,
        threshold: float | None,
    ) -> None:
        self._watch = watch
        self._recorder = recorder
        self._folder = folder
        self._announce = announce
        name = watch.reader.metadata["name"]
        self._models: list[str | os.PathLike[str]] = [watch.reader.model]  # the one in use is first
        self._models += [other for other in released() if other != name]
        self._threshold = threshold
        self._open = True
        self._paused = False
        self._help = False
        self._explaining = False
        self._message: str | None = None
        self._message_until = 0.0
        self._stalled = False
        self._ahead: tuple[Frame, Reading] | None = None  # of a file, until its time has come
        self._start: float | None = None  # when a file's first frame was due
        self._frame: Frame | None = None
        self._reading: Reading | None = None
        self._drawn: tuple[Reading | None, bool, Status] | None = None
        self._actions: dict[str, Callable[[], None]] = {
            "q": self._quit,
            "\x1b": self._quit,
            " ": self._pause,
            "s": self._save,
            "i": self._explain,
            "m": self._switch_model,
            "+": lambda: self._change_threshold(_STEP),
            "=": lambda: self._change_threshold(_STEP),
            "-": lambda: self._change_threshold(-_STEP),
            "_": lambda: self._change_threshold(-_STEP),
            "h": self._toggle_help,
        }

    def run(self) -> None:
        """Show it until it is closed."""
        cv2.namedWindow(_NAME, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        try:
            cv2.setWindowTitle(_NAME, f"siffra: {self._watch.name}")
            while self._open:
                self._advance()
                self._draw()
                key = cv2.waitKeyEx(self._delay())
                if not _is_there():
                    break
                action = self._actions.get(_letter(key))
                if action is not None:
                    action()
        finally:
            if _is_there():
                cv2.destroyWindow(_NAME)
                cv2.waitKey(1)  # some systems take it off the screen only then

    @property
    def _ended(self) -> bool:
        return self._watch.ended and self._ahead is None

    @property
    def _frozen(self) -> bool:
        return self._paused or self._ended

    def _advance(self) -> None:
        """Take the next frame if it is time."""
        live = self._watch.live
        if self._paused or (self._ended and not live):  # a camera that ended says why when asked
            return
        if self._ahead is None:
            self._ahead = self._watch.poll(_LOOK)
            self._stalled = self._ahead is None
        if self._ahead is None or (not live and self._early(self._ahead[0]) > 0):
            return
        self._frame, self._reading = self._ahead
        self._ahead = None
        if self._recorder is not None:
            statistics = self._watch.statistics
            self._recorder.write(view(self._reading, statistics, self._plain()), self._frame.at)

    def _early(self, frame: Frame) -> float:
        """Return the seconds until a file's frame is due."""
        now = perf_counter()
        if self._start is None or now - self._start - frame.at > _LATE:
            self._start = now - frame.at
        return self._start + frame.at - now

    def _delay(self) -> int:
        """Return the milliseconds to wait for a key."""
        if self._frozen:
            return round(1e3 * _LOOK)
        if self._ahead is None:
            return 1  # what waits is `poll`
        return max(1, min(round(1e3 * _LOOK), int(1e3 * self._early(self._ahead[0]))))

    def _plain(self) -> Status:
        """Return what concerns everybody."""
        reader = self._watch.reader
        return Status(
            model=reader.metadata["name"], threshold=reader.threshold, live=self._watch.live
        )

    def _status(self) -> Status:
        if perf_counter() > self._message_until:
            self._message = None
        message = self._message
        problem = self._watch.problem
        if self._ended and problem:
            message = message or f"end: {problem}"
        return replace(
            self._plain(),
            problem=problem if self._stalled and not self._frozen else None,
            message=message,
            paused=self._paused,
            ended=self._ended,
            recording=self._recorder is not None,
            help=self._help,
            keys=True,
        )

    def _draw(self) -> None:
        """Draw what has changed."""
        state = self._reading, self._explaining, self._status()
        if self._drawn is not None and self._drawn[0] is state[0] and self._drawn[1:] == state[1:]:
            return
        explanation = None
        if self._explaining and self._reading is not None:
            # A picture that stands may have been read again, by another model.
            standing = self._watch.reader.explain(self._reading.picture) if self._frozen else None
            explanation = self._watch.explain() if standing is None else standing
        shown = view(self._reading, self._watch.statistics, state[2], explanation)
        if self._drawn is None:
            cv2.resizeWindow(_NAME, *_first_size(shown))
        cv2.imshow(_NAME, shown)
        self._drawn = state

    def _say(self, message: str) -> None:
        self._message, self._message_until = message, perf_counter() + _SAID
        if self._announce is not None:
            self._announce(message)

    def _quit(self) -> None:
        self._open = False

    def _pause(self) -> None:
        self._paused = not self._paused
        self._start = None

    def _toggle_help(self) -> None:
        self._help = not self._help

    def _explain(self) -> None:
        self._explaining = not self._explaining

    def _save(self) -> None:
        if self._reading is None or self._frame is None:
            return
        reader = self._watch.reader
        facts = {
            "source": self._watch.name,
            "frame": self._frame.number,
            "at": round(self._frame.at, 3),
            "saved": datetime.now().astimezone().isoformat(timespec="seconds"),
            "model": reader.metadata["name"],
            "threshold": reader.threshold,
        }
        try:
            path = save_snapshot(self._reading, self._folder, facts)
        except OSError as error:
            self._say(f"{self._folder}: cannot be saved in ({error.strerror or error})")
        else:
            self._say(f"saved {path}, with overlay and JSON")

    def _switch_model(self) -> None:
        if self._read_with(self._models[1 % len(self._models)], self._threshold):
            self._models.append(self._models.pop(0))

    def _change_threshold(self, by: float) -> None:
        self._threshold = round(min(1.0, max(0.0, self._watch.reader.threshold + by)), 2)
        self._read_with(self._models[0], self._threshold)

    def _read_with(self, model: str | os.PathLike[str], threshold: float | None) -> bool:
        """Read on with a model; return whether it can be."""
        try:
            reader = Reader(model, threshold=threshold)
        except ModelError as error:
            self._say(str(error))
            return False
        self._watch.reader = reader
        self._say(f"model {reader.metadata['name']}, threshold {reader.threshold:.2f}")
        if self._frozen and self._reading is not None:
            again = reader.read(self._reading.picture)  # turned already
            self._reading = replace(again, rotation=self._reading.rotation)
        return True


def _has_windows() -> bool:
    lines = cv2.getBuildInformation().splitlines()
    stated = [line.split(":")[1].strip() for line in lines if line.strip().startswith("GUI:")]
    return stated != ["NONE"]


def _letter(key: int) -> str:
    """Return what a key writes, in lower case; nothing where none was pressed."""
    if key < 0:
        return ""
    code = key & 0xFFFF  # GTK sets the bits above for Shift, Num Lock and the like
    return _KEYPAD.get(code) or chr(code).lower()


def _is_there() -> bool:
    """Whether the window was not closed by its own button."""
    with suppress(cv2.error):  # Qt forgets the last one at once
        return cv2.getWindowProperty(_NAME, cv2.WND_PROP_VISIBLE) >= 1
    return False


def _first_size(shown: Pixels) -> tuple[int, int]:
    """Return width and height that a window opens with."""
    height, width = shown.shape[:2]
    scale = min(max(1.0, _SMALLEST / width), _LARGEST[0] / width, _LARGEST[1] / height)
    return round(scale * width), round(scale * height)
