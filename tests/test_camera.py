"""Live sources: cameras, played by captures that fail as cameras do, and a stream that is cut."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any

import cv2
import numpy as np
import pytest

from siffra import CameraError, camera
from siffra.frames import Frame, Frames, Wishes, open_frames
from tests.drawing import Pixels


class FakeCamera:
    """What `cv2.VideoCapture` is to siffra; `play` gives the frame of a number, or none."""

    def __init__(self, play: Callable[[int], Any], pause: float = 0.005) -> None:
        self.play, self.pause = play, pause
        self.count = 0
        self.released = 0

    def read(self) -> tuple[bool, Any]:
        time.sleep(self.pause)
        pixels = self.play(self.count)
        self.count += 1
        return pixels is not None, pixels

    def release(self) -> None:
        self.released += 1


def numbered(number: int, size: tuple[int, int] = (48, 64)) -> Pixels:
    return np.full((*size, 3), number % 256, dtype=np.uint8)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("siffra")]


def wait_for(what: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "in vain"
        time.sleep(0.01)


def next_of(frames: Frames, seconds: float = 10.0) -> Frame:
    frame = frames.next(seconds)
    assert frame is not None
    return frame


def test_a_camera_gives_the_newest_frame_and_drops_the_others() -> None:
    frames = open_frames(FakeCamera(numbered))
    assert frames.live
    next_of(frames)
    time.sleep(0.2)  # a slow program: some forty frames go by
    before = time.perf_counter()
    frame = next_of(frames)
    assert frame.number > 10
    assert before - frame.grabbed < 0.1
    assert (frame.pixels == frame.number % 256).all()
    assert next_of(frames).number > frame.number
    frames.close()


class Wrapped:
    """Hands on what a camera has, as a program's proxy does."""

    def __init__(self, camera: FakeCamera) -> None:
        self._camera = camera

    def __getattr__(self, name: str) -> Any:
        return getattr(self._camera, name)


def test_what_wraps_a_camera_is_one() -> None:
    fake = FakeCamera(numbered)
    frames = open_frames(Wrapped(fake))
    next_of(frames)
    frames.close()
    assert fake.released == 1


def test_no_frame_is_given_twice_and_waiting_ends() -> None:
    gate = threading.Event()

    def play(number: int) -> Pixels | None:
        if number:
            gate.wait(10)
        return numbered(number)

    frames = open_frames(FakeCamera(play))
    next_of(frames)
    started = time.perf_counter()
    assert frames.next(0.1) is None
    assert 0.05 < time.perf_counter() - started < 2
    gate.set()
    assert next_of(frames).number >= 1
    frames.close()


def test_closing_lets_go_of_the_camera_and_leaves_no_thread() -> None:
    fake = FakeCamera(numbered)
    frames = open_frames(fake)
    assert threads()
    frames.close()
    frames.close()
    assert fake.released == 1
    assert not threads()
    assert frames.ended
    assert frames.next(0.1) is None


def test_a_camera_that_gives_nothing_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "_FIRST", 0.2)
    fake = FakeCamera(lambda number: None)
    with pytest.raises(CameraError, match="gives no frames; another program"):
        open_frames(fake)
    assert fake.released == 1
    assert not threads()


def test_whenever_ctrl_c_comes_while_a_frame_is_awaited_closing_ends_the_thread() -> None:
    """Each instruction in turn is where the handler of a signal raises."""
    interrupts = 0
    while True:
        frames = open_frames(FakeCamera(numbered, pause=0.0))
        next_of(frames)
        try:
            with _interrupted(interrupts):
                next_of(frames)
            break
        except KeyboardInterrupt:
            interrupts += 1
        finally:
            started = time.perf_counter()
            frames.close()
            assert time.perf_counter() - started < 3, f"instruction {interrupts}"
            assert not threads()
    assert interrupts > 10


@contextmanager
def _interrupted(instruction: int) -> Iterator[None]:
    """Raise KeyboardInterrupt before an instruction of what is called, counted from 0."""
    left = iter(range(instruction, -1, -1))

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode" and next(left) == 0:
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys._getframe().f_trace_opcodes = True  # Python 3.12 looks whether any frame wants them
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


@pytest.mark.parametrize(
    "torn", [None, np.zeros((0, 0, 3), np.uint8), np.zeros((48, 64, 7), np.uint8)]
)
def test_empty_and_torn_frames_are_passed_over(torn: Any) -> None:
    frames = open_frames(FakeCamera(lambda n: torn if n % 3 else numbered(n)))
    numbers = [next_of(frames).number for _ in range(5)]
    assert numbers == sorted(set(numbers))
    assert frames.problem is None
    frames.close()


def test_the_first_frame_may_take_its_time() -> None:
    frames = open_frames(FakeCamera(lambda n: numbered(n) if n > 20 else None))
    assert next_of(frames).number == 0
    frames.close()


def test_frames_may_change_their_size_and_colour() -> None:
    sizes = [(48, 64, 3), (96, 128, 3), (48, 64), (48, 64, 4)]
    frames = open_frames(FakeCamera(lambda n: np.zeros(sizes[n // 30 % 4], np.uint8)))
    seen = {next_of(frames).pixels.shape for _ in range(150)}
    assert seen == {(48, 64, 3), (96, 128, 3), (48, 64)}
    frames.close()


class Plug:
    """A socket for fake cameras in place of OpenCV's: what is plugged in can be pulled out."""

    def __init__(self) -> None:
        self.in_it = True
        self.cold = 0  # reads without a frame, after which a camera is warm
        self.opened = 0
        self.asked: dict[int, float] = {}

    def __call__(self, device: Any, backend: int) -> "PluggedCamera":
        self.opened += 1
        return PluggedCamera(self)


class PluggedCamera(FakeCamera):
    def __init__(self, plug: Plug) -> None:
        super().__init__(lambda n: numbered(n) if plug.in_it and n >= plug.cold else None)
        self.plug = plug

    def isOpened(self) -> bool:  # noqa: N802, OpenCV's name
        return self.plug.in_it

    def set(self, number: int, value: float) -> bool:
        self.plug.asked[number] = value
        return True

    def get(self, number: int) -> float:
        return 30.0 if number == cv2.CAP_PROP_FPS else -1.0


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Plug:
    plug = Plug()

    class Fake(cv2.VideoCapture):
        def __new__(cls, *arguments: Any) -> Any:
            return plug(*arguments)

    monkeypatch.setattr(cv2, "VideoCapture", Fake)
    return plug


def test_a_camera_that_is_unplugged_is_found_again(plug: Plug) -> None:
    told: list[str] = []
    frames = open_frames(0, notify=told.append)
    assert frames.rate == 30.0
    last = next_of(frames).number
    plug.in_it = False
    wait_for(lambda: bool(told))
    assert told[0] == "camera 0 gives no more frames; trying again in 0.5 s"
    assert frames.problem == told[0]
    wait_for(lambda: len(told) > 1)
    assert "trying again in 1 s" in told[1]
    plug.in_it = True
    wait_for(lambda: frames.problem is None)
    assert told[-1] == "camera 0 is back"
    while next_of(frames).number <= last + 1:
        pass
    frames.close()
    assert not threads()


def test_a_camera_that_does_not_come_back_is_an_error_after_the_patience(plug: Plug) -> None:
    frames = open_frames("0", Wishes(patience=1.0))
    plug.in_it = False
    frames.next(5.0)
    with pytest.raises(CameraError, match="camera 0"):
        wait_for(lambda: frames.next(5.0) is None)
    assert frames.ended
    assert frames.problem is not None
    frames.close()
    assert not threads()


def test_closing_does_not_wait_for_a_lost_camera(plug: Plug) -> None:
    frames = open_frames(0)
    plug.in_it = False
    wait_for(lambda: frames.problem is not None)
    started = time.perf_counter()
    frames.close()
    assert time.perf_counter() - started < 1.0
    assert not threads()


def test_what_is_wished_for_is_asked_of_the_camera(plug: Plug) -> None:
    open_frames(0, Wishes(size=(1280, 720), fps=15)).close()
    assert plug.asked[cv2.CAP_PROP_FRAME_WIDTH] == 1280
    assert plug.asked[cv2.CAP_PROP_FRAME_HEIGHT] == 720
    assert plug.asked[cv2.CAP_PROP_FPS] == 15
    assert plug.asked[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"MJPG")


def test_a_missing_camera_says_how_to_find_one() -> None:
    with pytest.raises(CameraError, match="siffra cameras lists what there is"):
        open_frames(97)


class Broadcast(ThreadingHTTPServer):
    """A stream of JPEG pictures over HTTP, as network cameras give it, until it is cut."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Pictures)
        self.cut = threading.Event()
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def stop(self) -> None:
        self.cut.set()
        self.shutdown()
        self.server_close()
        self.thread.join()


class _Pictures(BaseHTTPRequestHandler):
    server: Broadcast

    def do_GET(self) -> None:
        if self.path != "/stream":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
        self.end_headers()
        data = cv2.imencode(".jpg", np.full((48, 64, 3), 90, np.uint8))[1].tobytes()
        head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
        while not self.server.cut.wait(0.01):
            try:
                self.wfile.write(head.encode() + data + b"\r\n")
            except OSError:
                return

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, its base's name
        """Keep quiet."""


@pytest.fixture
def broadcast() -> Iterator[Broadcast]:
    server = Broadcast()
    yield server
    if not server.cut.is_set():
        server.stop()


def test_a_stream_is_read_and_found_again_after_it_was_cut_off(broadcast: Broadcast) -> None:
    told: list[str] = []
    frames = open_frames(f"http://127.0.0.1:{broadcast.port}/stream", notify=told.append)
    assert frames.live
    assert next_of(frames).pixels.shape == (48, 64, 3)
    broadcast.stop()
    wait_for(lambda: bool(told))
    assert "gives no more frames" in told[0]
    again = Broadcast(broadcast.port)
    wait_for(lambda: told[-1].endswith("is back"), 20.0)
    next_of(frames)
    frames.close()
    again.stop()
    assert not threads()


@pytest.mark.parametrize("raises", [RuntimeError("cable"), None])
def test_a_camera_that_raises_or_answers_nonsense_is_an_error_with_its_cause(
    raises: Exception | None,
) -> None:
    class Broken(FakeCamera):
        def read(self) -> Any:
            if self.count < 5:
                return super().read()
            if raises is not None:
                raise raises
            return None

    fake = Broken(numbered)
    frames = open_frames(fake)
    frames.next(5.0)
    with pytest.raises(CameraError, match="gives no more frames") as caught:
        wait_for(lambda: frames.next(5.0) is None)
    assert caught.value.__cause__ is not None
    if raises is not None:
        assert "cable" in str(caught.value)
    frames.close()
    assert fake.released == 1


def test_a_camera_may_use_its_array_again(monkeypatch: pytest.MonkeyPatch) -> None:
    one = np.zeros((48, 64, 3), np.uint8)

    def play(number: int) -> Pixels:
        one[:] = number % 256
        return one

    frames = open_frames(FakeCamera(play))
    for _ in range(5):
        frame = next_of(frames)
        time.sleep(0.03)
        assert (frame.pixels == frame.number % 256).all()
    frames.close()


def test_a_camera_that_was_lost_may_need_to_warm_up(plug: Plug) -> None:
    plug.cold = 20
    frames = open_frames(0)
    plug.in_it = False
    wait_for(lambda: frames.problem is not None)
    plug.in_it = True
    wait_for(lambda: frames.problem is None)
    frames.close()


def test_a_capture_that_is_not_open_says_so() -> None:
    with pytest.raises(CameraError, match="is not open"):
        open_frames(cv2.VideoCapture("missing.mp4"))


def test_a_program_that_leaves_a_stream_open_ends_as_it_wants_to(broadcast: Broadcast) -> None:
    program = "import sys, siffra; w = siffra.watch(sys.argv[1]); next(w); raise SystemExit(3)"
    address = f"http://127.0.0.1:{broadcast.port}/stream"
    done = subprocess.run(
        [sys.executable, "-c", program, address], capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (3, b"")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://me:secret@127.0.0.1:9/x", "Connection refused"),
        ("rtsp://me:sec@ret@127.0.0.1:9/x", "Connection refused"),
        ("rtsp://me:secret@127.0.0.1:99999/x", "is no address"),
        ("http://me:secret@[::1", "is no address"),
        ("http:///x", "names no host"),
    ],
)
def test_odd_addresses_say_what_is_wrong_without_the_password(address: str, says: str) -> None:
    with pytest.raises(CameraError, match=says) as caught:
        open_frames(address)
    assert "sec" not in str(caught.value)


def test_a_stream_that_cannot_be_had_says_why_and_keeps_its_password(broadcast: Broadcast) -> None:
    base = f"127.0.0.1:{broadcast.port}"
    with pytest.raises(CameraError, match="the server answers 404"):
        open_frames(f"http://{base}/other")
    broadcast.stop()
    with pytest.raises(CameraError, match="cannot be reached") as caught:
        open_frames(f"rtsp://me:secret@{base}/stream")
    assert "secret" not in str(caught.value)
    assert "rtsp://me:***@127.0.0.1" in str(caught.value)
