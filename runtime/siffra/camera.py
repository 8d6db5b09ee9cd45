"""Live frames, always the newest: cameras and streams, lost and found again."""

import atexit
import http.client
import re
import socket
import sys
import threading
import urllib.error
import urllib.request
import weakref
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from math import inf
from time import perf_counter
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import numpy as np

from . import images
from .devices import why_not
from .errors import CameraError, ImageError
from .frames import PIPELINE, Capture, Frame, Frames, Notify, Wishes, stated
from .opencv import cv2
from .results import Pixels

_FIRST = 5.0  # seconds that a source has for its first frame
_FAILURES = 15  # reads without a frame, one after the other, until a source is taken for lost
_BREATH = 0.02  # seconds between such reads: some fail at once
_QUIET = 2.0  # seconds without a frame that are worth a word
_PAUSE, _LONGEST = 0.5, 15.0  # seconds until a lost source is tried again: at first, at most
_JOIN = 6.0  # seconds that the thread has to leave OpenCV
_PLAIN = (640, 480)  # what cameras give uncompressed and fast enough
_OPEN_MS, _READ_MS = 10_000, 5_000  # milliseconds that a stream may take
_PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322, "rtmp": 1935}

_OPEN: "weakref.WeakSet[Live]" = weakref.WeakSet()


class _Bell:
    """Wakes the one thread that waits for it.

    An exception of a signal handler, such as Ctrl-C, may leave a `threading.Condition` or `Event`
    locked, since Python code takes their lock: the other thread would wait for ever.
    """

    def __init__(self) -> None:
        self._silent = threading.Lock()
        self._silent.acquire()

    def ring(self) -> None:
        with suppress(RuntimeError):  # it rings already
            self._silent.release()

    def wait(self, timeout: float) -> None:
        """Wait until it rings, or rang since the last time, for so many seconds at most."""
        self._silent.acquire(timeout=min(max(timeout, 0.0), threading.TIMEOUT_MAX))


class Live(Frames):
    """The newest frame of a source that does not wait, read by a thread of its own.

    The first frame is awaited at once, so that what gives none is known from the start. A source
    that is lost later is opened again, after growing pauses.

    Args:
        capture: The source, open.
        again: Opens it again; None where that cannot be done.
        name: What it is called.
        wishes: How long to go on trying.
        notify: Is told when it is lost and when it is back, by the thread.

    Raises:
        CameraError: It gives no frame.
    """

    live = True

    def __init__(
        self,
        capture: Capture,
        again: Callable[[], Capture] | None,
        name: str,
        wishes: Wishes,
        notify: Notify,
    ) -> None:
        self.name = name
        self._capture: Capture | None = capture
        self._again = again
        self._patience = inf if wishes.patience is None else wishes.patience
        self._notify = notify
        self._closed = False
        self._over = _Bell()  # for the thread: it is closed
        self._came = _Bell()  # for who asks: there is a frame, or there will be none
        self._newest: Frame | None = None
        self._given = -1  # number of the last frame that was asked for
        self._count = 0
        self._began = 0.0
        self._lost: str | None = None
        self._trouble: Exception | None = None  # that the capture raised last
        self._final: CameraError | None = None
        try:
            if not self._awaited():
                why = self._trouble or "another program may be using it, or it is no camera"
                raise CameraError(f"{name} is open but gives no frames; {why}") from self._trouble
        except BaseException:
            self._let_go()
            raise
        rate = stated(capture, cv2.CAP_PROP_FPS)
        self.rate = rate if rate > 0 else None
        self._thread = threading.Thread(target=self._run, name=f"siffra {name}", daemon=True)
        try:
            self._thread.start()
            _OPEN.add(self)
        except BaseException:
            self._closed = True
            raise

    @property
    def problem(self) -> str | None:
        """Why there are no frames just now."""
        if self._final is not None:
            return str(self._final)
        if self._lost is not None:
            return self._lost
        newest = self._newest
        silent = perf_counter() - newest.grabbed if newest is not None else 0.0
        return f"{self.name} has given no frame for {silent:.0f} s" if silent > _QUIET else None

    def next(self, timeout: float) -> Frame | None:
        """Return the newest frame, once; None if none came within so many seconds.

        Raises:
            CameraError: The source was lost and did not come back.
        """
        until = perf_counter() + timeout
        while not self._closed:
            newest = self._newest
            if newest is not None and newest.number > self._given:
                self._given = newest.number
                return newest
            left = until - perf_counter()
            if self.ended or left <= 0:
                break
            self._came.wait(left)
        if self._final is not None:
            raise self._final
        return None

    def close(self) -> None:
        """Let go of the source and end its thread."""
        self._closed = self.ended = True
        self._over.ring()
        self._came.ring()
        if threading.current_thread() is not self._thread:
            self._thread.join(_JOIN)

    def _rest(self, seconds: float) -> bool:
        """Wait, unless it is closed; return whether it is."""
        if not self._closed:
            self._over.wait(seconds)
        return self._closed

    def _awaited(self) -> bool:
        """Wait for a first frame, since many cameras need to warm up; return whether it came."""
        until = perf_counter() + _FIRST
        while not self._take():
            if perf_counter() > until or self._rest(_BREATH):
                return False
        return True

    def _let_go(self) -> None:
        """Release the capture, once."""
        capture, self._capture = self._capture, None
        release = getattr(capture, "release", None)
        if release is not None:
            release()

    def _run(self) -> None:
        try:
            failures = 0
            while not self._closed:
                if self._take():
                    failures = 0
                    continue
                failures += 1
                if failures < _FAILURES:
                    self._rest(_BREATH)
                elif self._find_again():
                    failures = 0
                else:
                    break
        finally:
            self._let_go()
            self.ended = True
            self._came.ring()

    def _take(self) -> bool:
        """Take one frame; return whether there was one."""
        try:
            pixels, grabbed = _grab(self._capture)
        except Exception as error:  # whatever a driver or a program's own camera raises
            self._trouble = error
            return False
        if pixels is None:
            return False
        self._trouble = None
        if not self._count:
            self._began = grabbed
        self._newest = Frame(pixels, self._count, grabbed, grabbed - self._began)
        self._count += 1
        self._came.ring()
        return True

    def _find_again(self) -> bool:
        """Try to open a lost source again; return whether that is to be gone on with."""
        self._let_go()
        lost, pause = perf_counter(), _PAUSE
        reason = f"{self.name} gives no more frames"
        if self._trouble is not None:
            reason += f" ({self._trouble!r})"
        while self._again is not None and perf_counter() - lost + pause <= self._patience:
            self._lost = f"{reason}; trying again in {pause:g} s"
            self._notify(self._lost)
            if self._rest(pause):
                return False
            pause = min(2 * pause, _LONGEST)
            try:
                self._capture = self._again()
            except (CameraError, cv2.error) as error:
                reason = str(error)
                continue
            if self._awaited():
                self._lost = None
                self._notify(f"{self.name} is back")
                return True
            self._let_go()
        self._final = CameraError(reason)
        self._final.__cause__ = self._trouble
        return False


def open_device(device: int | str, wishes: Wishes) -> Capture:
    """Open a camera by its number or its device's path.

    Raises:
        CameraError: There is none, it is in use, or it may not be used.
    """
    for backend in _backends():
        capture = cv2.VideoCapture(device, backend)
        if capture.isOpened():
            break
        capture.release()
    else:
        raise CameraError(why_not(device))
    width, height = wishes.size or _PLAIN
    if (width, height) > _PLAIN:  # beyond it USB is too slow for pixels that are not compressed
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
    if wishes.fps:
        capture.set(cv2.CAP_PROP_FPS, wishes.fps)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # what waits there is stale; not all back ends obey
    return capture


def open_stream(address: str) -> tuple[Capture, Callable[[], Capture], str]:
    """Open a stream by its address, or a GStreamer pipeline.

    Returns:
        The stream, what opens it again, and the address without the password that may be in it.

    Raises:
        CameraError: It cannot be reached, or is no video.
    """
    shown = without_password(address)

    def open_it() -> Capture:
        if PIPELINE in address:
            capture = cv2.VideoCapture(address, cv2.CAP_GSTREAMER)
        else:
            patience = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _OPEN_MS]
            patience += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, _READ_MS]
            capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, patience)
        if not capture.isOpened():
            capture.release()
            raise CameraError(f"{shown}: {_why_no_stream(address)}")
        return capture

    return open_it(), open_it, shown


def without_password(address: str) -> str:
    """Return an address as it may be shown: with the name of a user, without the password."""
    return re.sub(r"^([^:/]+://[^:/?#]*):[^/?#]*@", r"\1:***@", address)


def _backends() -> list[int]:
    """Return what opens cameras here, the best first.

    On Windows DirectShow comes first, since Media Foundation takes long to open (opencv #17687).
    """
    named = {
        "linux": [cv2.CAP_V4L2, cv2.CAP_ANY],
        "win32": [cv2.CAP_DSHOW, cv2.CAP_MSMF],
        "darwin": [cv2.CAP_AVFOUNDATION],
    }
    return named.get(sys.platform, [cv2.CAP_ANY])


def _grab(capture: Any) -> tuple[Pixels | None, float]:
    """Return the next frame, or None, and when it was there: before it was decoded, if known."""
    if isinstance(capture, cv2.VideoCapture):
        done = capture.grab()
        grabbed = perf_counter()
        pixels = capture.retrieve()[1] if done else None
    else:
        done, pixels = capture.read()
        grabbed = perf_counter()
    if not done or not isinstance(pixels, np.ndarray):
        return None, grabbed
    if not isinstance(capture, cv2.VideoCapture):
        pixels = pixels.copy()  # it may use its array again while this frame is read
    try:
        return images.load(pixels), grabbed
    except ImageError:  # empty or torn; the next will do
        return None, grabbed


def _why_no_stream(address: str) -> str:
    """Find out why an address gives no video, since OpenCV does not tell."""
    if PIPELINE in address:
        return "cannot be opened; OpenCV from PyPI knows no GStreamer pipelines, the system's may"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme.lower())
    except ValueError:
        return "is no address: is its host or port mistyped? A / in a password is written %2F"
    if not host:
        return "names no host"
    try:
        if parts.scheme.lower() in ("http", "https"):
            return _answer(address)
        if port and parts.scheme.lower() != "udp":
            socket.create_connection((host, port), timeout=3).close()
            return "answers, but with no video that OpenCV can read; are path and password right?"
    except urllib.error.HTTPError as error:
        return f"the server answers {error.code} {error.reason}"
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        return f"cannot be reached ({reason})"
    return "gives no video that OpenCV can read"


def _answer(address: str) -> str:
    """Ask a web server what it has at an address."""
    parts = urlsplit(address)
    user, _, host = parts.netloc.rpartition("@")
    request = urllib.request.Request(urlunsplit(parts._replace(netloc=host)))
    request.add_header("User-Agent", "siffra")
    if user:
        request.add_header("Authorization", f"Basic {b64encode(unquote(user).encode()).decode()}")
    with urllib.request.urlopen(request, timeout=_OPEN_MS / 1000) as answer:
        kind = answer.headers.get("Content-Type", "something unnamed")
        return f"answers with {kind}, which OpenCV cannot read as a video"


@atexit.register
def _close_all() -> None:
    """Close what a program left open: a thread within OpenCV would abort the ending interpreter."""
    for live in list(_OPEN):
        live.close()
