"""The camera's loop in a thread of its own, and what it shows to those who look."""

import asyncio
import json
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..draw import thumbnail
from ..errors import SiffraError
from ..opencv import cv2
from ..results import Pixels, Reading
from .channel import Channel
from .documents import document_of

if TYPE_CHECKING:
    from ..frames import Frame
    from ..live import Watch
    from ..record import Recorder

_POLL = 0.25  # seconds that the loop waits for a frame before it looks whether it is to end
_CALM = 0.1  # seconds from one state to the next: more often nobody reads
_UNSEEN = 0.5  # seconds between two frames of a camera at which nobody looks
_WINDOW = 30  # frames that their rate is told by
_WIDEST = 1280  # pixels of the longer side of what is streamed
_QUALITY = 80  # of JPEG, 0 to 100


class Show:
    """Polls a watch, and publishes pictures and states.

    While nobody looks and nothing is recorded, nothing is drawn or encoded, a camera is read twice
    a second, and a file, which loses nothing by that, waits. A frame is drawn and encoded once,
    however many look.

    Args:
        watch: The camera; None if there is none.
        why: Why there is none.
        recorder: Records what is seen.
        announce: Is told if it cannot go on recording.
    """

    def __init__(
        self,
        watch: "Watch | None",
        why: str | None,
        recorder: "Recorder | None",
        announce: Callable[[str], None],
    ) -> None:
        self._watch = watch
        self._why = why
        self._recorder = recorder
        self._announce = announce
        self._name = "" if watch is None else watch.name
        if os.path.exists(self._name):  # viewers need not know where on this machine a file lies
            self._name = Path(self._name).resolve().name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="siffra show", daemon=True)
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._newest: Reading | None = None
        self._encoded = True
        self._shown = self._at = 0.0  # when a frame was shown last, and its time in the video
        self._told = 0.0
        self._times: deque[float] = deque(maxlen=_WINDOW)  # when the last frames came
        self._failure: str | None = None
        self._state: dict[str, Any] = {}
        self.pictures: Channel[bytes] = Channel(self._draw_anew)
        """JPEG files of the newest frame with what was read drawn on it. None is put while nobody
        reads, so that the one which is there may be old."""
        self.states: Channel[dict[str, Any]] = Channel(self._woken.set)
        """What the camera does and what was read last, for the page."""

    @property
    def why_no_camera(self) -> str | None:
        """Why there is no camera; None if there is one, be it lost just now."""
        if self._watch is not None:
            return None
        return self._why or "this server has no camera; siffra webcam SOURCE --serve gives it one"

    def camera(self) -> dict[str, Any] | None:
        """Return what there is to say of the camera; None if there is none."""
        if self._watch is None:
            return None
        problem = self._failure or self._watch.problem
        return {
            "name": self._name,
            "live": self._watch.live,
            "problem": problem and problem.replace(self._watch.name, self._name),
            "ended": self._watch.ended or self._failure is not None,
        }

    def start(self) -> None:
        """Begin; in the thread of the event loop."""
        self._loop = asyncio.get_running_loop()
        if self._watch is not None:
            self._thread.start()

    def stop(self) -> None:
        """End streams and the loop; in the thread of the event loop."""
        self._stopped.set()
        self._woken.set()
        self.pictures.close()
        self.states.close()

    def join(self) -> None:
        """Wait until the loop has ended."""
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        assert self._watch is not None
        try:
            while not self._stopped.is_set():
                self._step(self._watch)
        except Exception as error:
            self._failure = f"the camera's loop failed ({error!r}), which is a mistake in siffra"
            self._tell(at_once=True)
            raise

    def _step(self, watch: "Watch") -> None:
        """Show a frame, if there is one, or wait for somebody who looks."""
        over = watch.ended or self._failure is not None
        if over or not self._looked_at:
            self._tell(at_once=True)
            self._woken.wait(_UNSEEN if watch.live and not over else None)
            self._woken.clear()
            self._times.clear()  # what comes at leisure tells nothing of what could come
        if over:
            self._encode()
        else:
            self._show_next(watch)

    @property
    def _looked_at(self) -> bool:
        return bool(self.pictures.readers or self.states.readers or self._recorder)

    def _show_next(self, watch: "Watch") -> None:
        try:
            found = watch.poll(_POLL)
        except SiffraError as error:
            self._failure, found = str(error), None
        if found is not None:
            frame, self._newest = found
            self._times.append(perf_counter())
            self._encoded = False
            self._record(watch, frame)
            if not watch.live:  # as fast as it was taken
                self._stopped.wait(self._shown + frame.at - self._at - perf_counter())
                self._shown, self._at = perf_counter(), frame.at
        self._encode()
        self._tell()

    def _record(self, watch: "Watch", frame: "Frame") -> None:
        if self._recorder is None:
            return
        from ..view import Status, view

        status = Status(model=watch.reader.metadata["name"], live=watch.live)
        try:
            self._recorder.write(view(self._newest, watch.statistics, status), frame.at)
        except SiffraError as error:  # a full disk is no reason to show nothing
            self._announce(str(error))
            self._recorder = None

    def _draw_anew(self) -> None:
        """Have the newest frame published for a reader who has just come, though it be out."""
        self._encoded = False
        self._woken.set()

    def _encode(self) -> None:
        """Publish the newest frame, if somebody looks and it is not out yet."""
        if self._newest is None or self._encoded or not self.pictures.readers:
            return
        self._encoded = True
        self._publish(self.pictures, to_jpeg(thumbnail(self._newest.draw(), _WIDEST)))

    def _tell(self, at_once: bool = False) -> None:
        """Publish what there is to say, if it has changed."""
        assert self._watch is not None
        if not at_once and monotonic() - self._told < _CALM:
            return
        self._told = monotonic()
        spent = self._times[-1] - self._times[0] if self._times else 0.0
        fps = (len(self._times) - 1) / spent if spent else 0.0
        state = {
            "camera": self.camera(),
            "reading": self._newest and document_of(self._newest),
            # Of the last frame that was read: most are not, since nothing changes in them.
            "speed": {"fps": round(fps, 1), "ms": round(self._watch.statistics.timings.total, 1)},
        }
        if state != self._state:
            self._state = state
            self._publish(self.states, state)

    def _publish(self, channel: Channel[Any], value: Any) -> None:
        assert self._loop is not None
        if not self._stopped.is_set():
            self._loop.call_soon_threadsafe(channel.put, value)


def to_jpeg(pixels: Pixels) -> bytes:
    """Encode pixels as a JPEG file."""
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return np.asarray(data).tobytes()


def event(state: dict[str, Any] | None) -> str:
    """Return a state as a server-sent event; for none, one that says that the server is there."""
    if state is None:
        return "event: alive\ndata:\n\n"
    return f"data: {json.dumps(state)}\n\n"
