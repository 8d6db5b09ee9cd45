"""A real window on a display of its own: what people see, and what the keys do.

Needs Xvfb, xdotool and openbox, and in $SIFFRA_GUI_PYTHON a Python that has opencv-python, which
would overwrite the OpenCV that all other tests run on.
"""

import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.conftest import ROOT
from tests.drawing import Pixels, blank, write

GUI_PYTHON = os.environ.get("SIFFRA_GUI_PYTHON", "")
PROGRAMS = ("Xvfb", "xdotool", "openbox")
MISSING = [program for program in PROGRAMS if not shutil.which(program)]

needs_window = pytest.mark.skipif(
    bool(MISSING) or not GUI_PYTHON,
    reason=f"needs {', '.join(MISSING)}"
    if MISSING
    else "$SIFFRA_GUI_PYTHON is not set: no Python with opencv-python",
)

Colour = tuple[int, int, int]
GREEN, RED, AMBER, BLUE = (60, 160, 0), (60, 60, 230), (70, 200, 255), (150, 110, 20)
"""Of accepted digits, of alarm and recording, of advice and news, of pause and end."""


def page(level: int = 235) -> Pixels:
    """31415 on paper of some grey, uint8 [480, 640]."""
    paper = blank(480, 640, level)
    write(paper, "31415", at=(100, 180), height=80, gap=25)
    return paper


def video(path: Path, seconds: float, rate: float = 20.0) -> Path:
    """A video of a page that darkens from frame to frame."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, (640, 480))
    for number in range(round(seconds * rate)):
        writer.write(cv2.cvtColor(page(240 - number), cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


@contextmanager
def started(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@dataclass(frozen=True)
class Display:
    """An X server whose screen is a file."""

    name: str
    _screen: Path

    def run(self, *command: str) -> str:
        """Run a program on it; return what it prints."""
        environment = {**os.environ, "DISPLAY": self.name}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def shot(self) -> Pixels:
        """What is on the screen, uint8 [1024, 1280, 3]."""
        data = self._screen.read_bytes()
        header = struct.unpack(">25I", data[:100])  # as X11/XWDFile.h has it
        size, width, height, stride, colours = (header[at] for at in (0, 4, 5, 12, 19))
        rows = np.frombuffer(data, np.uint8, stride * height, size + 12 * colours)
        return rows.reshape(height, -1, 4)[:, :width, :3]


@contextmanager
def new_display(folder: Path, *, manager: bool) -> Iterator[Display]:
    """Start an X server, with or without a window manager."""
    options = ["-screen", "0", "1280x1024x24", "-nolisten", "tcp", "-fbdir", str(folder)]
    with started(["Xvfb", "-displayfd", "1", *options], {}) as process:
        assert process.stdout is not None
        display = Display(f":{process.stdout.readline().strip()}", folder / "Xvfb_screen0")
        if not manager:
            yield display
            return
        with started(["openbox"], {"DISPLAY": display.name}):
            eventually(
                lambda: (
                    "openbox" in display.run("xdotool", "search", "--class", "openbox")
                    or display.run("xdotool", "get_num_desktops")
                ),
                "a window manager",
            )
            yield display


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Display]:
    """A display on which windows have no frames and are in the upper left corner."""
    with new_display(tmp_path_factory.mktemp("bare"), manager=False) as display:
        yield display


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Display]:
    """A display with a window manager."""
    with new_display(tmp_path_factory.mktemp("managed"), manager=True) as display:
        yield display


def eventually(holds: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Wait until something holds."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"{what}: not within {seconds} s"
        time.sleep(0.05)


class Window:
    """A window of `siffra webcam`, as a person has it."""

    def __init__(self, process: subprocess.Popen[str], display: Display) -> None:
        self.process = process
        self._display = display
        eventually(lambda: self.is_there() or process.poll() is not None, "a window")
        self._name = self._search()
        eventually(lambda: self.shows(GREEN) or process.poll() is not None, "digits found")
        if process.poll() is not None:
            pytest.fail(f"it ended: {self.ends()}")
        display.run("xdotool", "mousemove", "--window", self._name, "200", "420")  # keys go there

    def _search(self) -> str:
        return self._display.run("xdotool", "search", "--name", "^siffra: ")

    def is_there(self) -> bool:
        return bool(self._search())

    def press(self, *keys: str) -> None:
        for key in keys:
            self._display.run("xdotool", "key", key)
            time.sleep(0.15)  # people are no faster

    def close(self) -> None:
        """Ask for its end as its X button does."""
        self._display.run("xdotool", "key", "alt+F4")

    def resize(self, width: int, height: int) -> None:
        self._display.run("xdotool", "windowsize", self._name, str(width), str(height))

    def shot(self) -> Pixels:
        """What is on the screen, on which it is alone, uint8 [H, W, 3]."""
        return self._display.shot()

    def shows(self, colour: Colour) -> bool:
        return bool((np.abs(self.shot().astype(int) - colour).max(axis=2) < 8).sum() > 20)

    def ends(self) -> tuple[int, list[str]]:
        """Its exit status and what it said."""
        _, said = self.process.communicate(timeout=10)
        return self.process.returncode, said.splitlines()


@contextmanager
def window(source: object, display: Display, *options: str) -> Iterator[Window]:
    command = [GUI_PYTHON, "-m", "siffra", "webcam", str(source), "--window", *options]
    environment = {"DISPLAY": display.name, "PYTHONPATH": str(ROOT / "runtime")}
    with started(command, environment) as process:
        yield Window(process, display)


def pixels_of(path: Path) -> Pixels:
    return np.asarray(cv2.imread(str(path)), dtype=np.uint8)


def snapshots(folder: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def number(snapshot: dict[str, object], key: str) -> float:
    value = snapshot[key]
    assert isinstance(value, (int, float))
    return float(value)


@needs_window
@pytest.mark.parametrize("name", ["bare", "managed"])
def test_a_video_plays_at_its_own_rate_and_its_last_picture_stays(
    request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    display: Display = request.getfixturevalue(name)
    source = video(tmp_path / "v.avi", seconds=3.0, rate=10.0)
    with window(source, display, "--snapshots", str(tmp_path)) as shown:
        shown.press("s")
        began = time.monotonic()
        time.sleep(1.0)
        shown.press("s")
        spent = time.monotonic() - began
        eventually(lambda: shown.shows(BLUE), "the end")
        assert shown.shows(GREEN)
        shown.press("s", "q")
        assert shown.ends()[0] == 0
    first, second, last = snapshots(tmp_path)
    assert number(second, "at") - number(first, "at") == pytest.approx(spent, abs=0.4)
    assert number(last, "frame") == 29
    assert {snapshot["text"] for snapshot in (first, second, last)} == {"31415"}


@needs_window
def test_space_stops_a_video_and_lets_it_go_on(bare: Display, tmp_path: Path) -> None:
    with window(video(tmp_path / "v.avi", seconds=6.0), bare) as shown:
        shown.press("space")
        eventually(lambda: shown.shows(BLUE), "the mark of a pause")
        still = shown.shot()
        time.sleep(0.5)
        assert np.array_equal(shown.shot(), still)
        shown.press("space")
        eventually(lambda: shown.shot()[50, 50, 0] < still[50, 50, 0], "it goes on")
        assert not shown.shows(BLUE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where snapshots of the still window go: there is no such folder before the first."""
    return tmp_path_factory.mktemp("still") / "saved" / "here"


@pytest.fixture(scope="module")
def still(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """A window whose source has ended, so that nothing moves unless a key is pressed."""
    frames = folder.parents[1] / "frames"
    frames.mkdir()
    for name in range(6):
        cv2.imwrite(str(frames / f"{name}.png"), page())
    with (
        new_display(tmp_path_factory.mktemp("screen"), manager=False) as display,
        window(frames, display, "--snapshots", str(folder)) as shown,
    ):
        eventually(lambda: shown.shows(BLUE), "the end")
        yield shown


@pytest.fixture
def snapshot(still: Window, folder: Path) -> Callable[[], dict[str, object]]:
    """Presses s and returns what was saved."""

    def take() -> dict[str, object]:
        before = set(folder.glob("*.json"))
        still.press("s")
        eventually(lambda: set(folder.glob("*.json")) > before, "a snapshot", 5)
        (new,) = set(folder.glob("*.json")) - before
        return {"path": new, **json.loads(new.read_text())}

    return take


Snapshot = Callable[[], dict[str, object]]


@needs_window
def test_h_shows_what_the_keys_do_and_hides_it(still: Window) -> None:
    assert still.shot()[40, 200].min() > 200
    still.press("h")
    eventually(lambda: still.shot()[40, 200].max() < 80, "help")
    still.press("H")
    eventually(lambda: still.shot()[40, 200].min() > 200, "no help")


@needs_window
def test_i_shows_mask_and_cells_and_returns(still: Window) -> None:
    before = still.shot()[:480]
    still.press("i")
    eventually(lambda: (still.shot()[:480, :640] < 5).mean() > 0.2, "a mask, black where no ink is")
    still.press("i")
    eventually(lambda: np.array_equal(still.shot()[:480], before), "the picture again")


@needs_window
def test_s_saves_picture_overlay_and_reading(
    still: Window, snapshot: Snapshot, folder: Path
) -> None:
    saved = snapshot()
    eventually(lambda: still.shows(AMBER), "news of it")
    assert saved["text"] == "31415"
    assert saved["model"] == "cnn"
    assert saved["frame"] == 5
    stem = Path(str(saved["path"])).stem
    assert re.fullmatch(r"siffra-\d{8}-\d{6}", stem)
    assert np.array_equal(pixels_of(folder / f"{stem}.png")[:, :, 0], page())
    overlay = pixels_of(folder / f"{stem}.read.png")
    assert np.all(overlay == GREEN, axis=2).any()


@needs_window
def test_snapshots_never_overwrite_one_another(snapshot: Snapshot, folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    names = {snapshot()["path"] for _ in range(4)}
    assert len(names) == 4
    assert {path: path.read_bytes() for path in before} == before
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


@needs_window
@pytest.mark.parametrize(
    ("keys", "by"),
    [
        (("minus",), -0.05),
        (("underscore", "KP_Subtract"), -0.1),
        (("plus",), 0.05),
        (("equal", "KP_Add"), 0.1),
        (("plus",) * 8, 0.4),
        (("minus",) * 6, -0.3),
    ],
)
def test_plus_and_minus_move_the_threshold(
    still: Window, snapshot: Snapshot, keys: tuple[str, ...], by: float
) -> None:
    before = number(snapshot(), "threshold")
    still.press(*keys)
    assert number(snapshot(), "threshold") == pytest.approx(min(1.0, before + by), abs=0.006)


@needs_window
def test_m_switches_from_model_to_model_and_reads_again(still: Window, snapshot: Snapshot) -> None:
    saved = []
    for _ in range(5):
        saved.append(snapshot())
        still.press("m")
    assert [each["model"] for each in saved] == ["cnn", "ann", "ann-int8", "cnn-int8", "cnn"]
    assert {each["text"] for each in saved} == {"31415"}
    assert len({json.dumps(each["digits"]) for each in saved[:4]}) == 4, "each is sure otherwise"


@needs_window
def test_it_can_be_resized_and_keeps_the_shape_of_the_picture(still: Window) -> None:
    def paper() -> list[int]:
        """The columns of the screen that show paper near its top."""
        columns = np.abs(still.shot()[20].astype(int) - 235).max(axis=1) < 3
        return [int(column) for column in np.flatnonzero(columns)]

    assert paper() == list(range(640))
    still.resize(900, 400)
    width = 400 * 640 / 581
    eventually(lambda: len(paper()) == pytest.approx(width, abs=6), "a smaller picture")
    assert paper()[0] == pytest.approx((900 - width) / 2, abs=6)
    still.resize(640, 581)
    eventually(lambda: paper() == list(range(640)), "the old size")


@needs_window
@pytest.mark.parametrize("way", ["q", "Escape", "its button", "SIGINT", "SIGTERM"])
def test_however_it_is_closed_it_is_gone_and_the_recording_whole(
    managed: Display, tmp_path: Path, way: str
) -> None:
    source, recording = video(tmp_path / "v.avi", seconds=8.0), tmp_path / "recorded.mp4"
    with window(source, managed, "--record", str(recording)) as shown:
        assert shown.shows(RED)  # the mark of recording
        assert not recording.exists()
        if way == "its button":
            shown.close()
        elif way.startswith("SIG"):
            shown.process.send_signal(signal.Signals[way])
        else:
            shown.press(way)
        assert shown.ends() == (0, [])
        assert not shown.is_there()
    capture = cv2.VideoCapture(str(recording))
    done, first = capture.read()
    assert done
    assert first.shape == (580, 640, 3)  # with the bar
    assert first[:400].mean() > 200
    assert not (np.abs(first.astype(int) - RED).max(axis=2) < 20).any(), "marks are for the window"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["recorded.mp4", "v.avi"]


class Stream:
    """A camera in the network, which can be cut off and come back."""

    def __init__(self) -> None:
        self._listening = self._listen(0)
        self.port = self._listening.getsockname()[1]
        self._cut = threading.Event()
        _, data = cv2.imencode(".jpg", page())
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
        self._part = head.encode() + data.tobytes() + b"\r\n"
        self._thread = self._serving()

    def cut(self) -> None:
        self._cut.set()
        self._listening.close()
        self._thread.join()

    def back(self) -> None:
        self._cut.clear()
        self._listening = self._listen(self.port)
        self._thread = self._serving()

    @staticmethod
    def _listen(port: int) -> socket.socket:
        listening = socket.create_server(("127.0.0.1", port))
        listening.settimeout(0.1)
        return listening

    def _serving(self) -> threading.Thread:
        thread = threading.Thread(target=self._serve, daemon=True)
        thread.start()
        return thread

    def _serve(self) -> None:
        while not self._cut.is_set():
            try:
                client, _ = self._listening.accept()
            except OSError:
                continue
            with client, suppress(OSError):
                client.settimeout(5)
                client.recv(4096)
                client.sendall(
                    b"HTTP/1.1 200 OK\r\n"
                    b"Content-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
                )
                while not self._cut.is_set():
                    client.sendall(self._part)
                    time.sleep(0.05)


@needs_window
def test_while_a_camera_is_gone_the_window_says_so_and_lives(bare: Display, tmp_path: Path) -> None:
    stream = Stream()
    address = f"http://127.0.0.1:{stream.port}/"
    with window(address, bare, "--snapshots", str(tmp_path)) as shown:
        assert not shown.shows(RED)
        stream.cut()
        eventually(lambda: shown.shows(RED), "what is wrong")
        assert not shown.shows(GREEN), "the last picture is greyed"
        assert shown.shot()[50, 50].max() < 150
        shown.press("s")
        eventually(lambda: snapshots(tmp_path), "a key works")
        stream.back()
        eventually(lambda: shown.shows(GREEN), "the picture is back")
        assert not shown.shows(RED)
        shown.press("q")
        status, said = shown.ends()
    stream.cut()
    assert status == 0
    assert said[-1].endswith("is back")


def refused(python: str, environment: dict[str, str]) -> str:
    """What is said where a window cannot be shown."""
    done = subprocess.run(
        [python, "-m", "siffra", "webcam", "missing.avi", "--window"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "runtime"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    return line


def test_an_opencv_without_windows_says_what_to_install() -> None:
    if "GUI:                           NONE" not in cv2.getBuildInformation():
        pytest.skip("this OpenCV has windows")
    assert re.search(
        r"built without windows: .*--force-reinstall opencv-python; .*--headless",
        refused(sys.executable, {}),
    )


@needs_window
@pytest.mark.skipif(sys.platform != "linux", reason="displays are X's")
def test_without_a_display_it_says_so() -> None:
    line = refused(GUI_PYTHON, {"DISPLAY": "", "WAYLAND_DISPLAY": ""})
    assert re.search(r"no display \(\$DISPLAY is not set\): use --serve or --headless", line)


@needs_window
@pytest.mark.skipif(sys.platform != "linux", reason="displays are X's")
def test_a_display_that_does_not_answer_says_so() -> None:
    line = refused(GUI_PYTHON, {"DISPLAY": ":4077"})
    assert re.search(r"the display :4077 cannot be used: .*--serve or --headless", line)
