"""`siffra webcam`, as a user runs it: in a process of its own, over real videos."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.drawing import Pixels, blank, write
from tests.test_camera import Broadcast

COMMAND = [sys.executable, "-W", "error", "-m", "siffra", "webcam"]
posix = pytest.mark.skipif(os.name != "posix", reason="signals and pipes of POSIX")


def page(text: str) -> Pixels:
    picture = blank(240, 400, level=230)
    write(picture, text)
    return picture


def webcam(*arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done


def started(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1,
    )  # fmt: skip


def documents(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def video(path: Path, *sheets: str, frames: int = 20) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (400, 240))
    for text in sheets:
        for _ in range(frames):
            writer.write(cv2.cvtColor(page(text), cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return video(tmp_path / "clip.avi", "4071", "8325")


@pytest.fixture
def endless() -> Any:
    """The address of a stream of empty paper that does not end."""
    server = Broadcast()
    yield f"http://127.0.0.1:{server.port}/stream"
    if not server.cut.is_set():
        server.stop()


def test_lines_come_when_the_text_changes(clip: Path) -> None:
    done = webcam(clip, "--headless")
    found = documents(done.stdout)
    assert [one["text"] for one in found] == ["", "4071", "8325"]
    assert [one["label"] for one in found[1]["digits"]] == [4, 0, 7, 1]
    assert found[2]["frame"] >= 20
    assert found[2]["seconds"] == pytest.approx(found[2]["frame"] / 25)
    assert all(one["latency_ms"] > 0 for one in found)
    assert re.search(r"clip.avi: 40 frames, .* ms \(p50\), .* ms \(p99\)\n$", done.stderr)


def test_every_frame_is_printed_if_asked_for(clip: Path) -> None:
    found = documents(webcam(clip, "--headless", "--every").stdout)
    assert [one["frame"] for one in found] == list(range(40))
    alone = documents(webcam(clip, "--every", "--frame-by-frame").stdout)
    assert [one["text"] for one in alone] == ["4071"] * 20 + ["8325"] * 20


def test_the_options_of_reading_hold_for_frames_too(clip: Path) -> None:
    texts = [one["text"] for one in documents(webcam(clip, "--headless", "--threshold", 1).stdout)]
    assert "4071" not in texts
    lying = clip.with_name("lying")
    lying.mkdir()
    for number in range(6):
        cv2.imwrite(str(lying / f"{number}.png"), np.rot90(page("4071")))
    found = documents(webcam(lying, "--headless", "--rotate", 90, "--model", "ann").stdout)
    assert found[-1]["text"] == "4071"
    assert found[-1]["rotation"] == 90


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("missing.mp4", "--headless"), 1, "missing.mp4: no such file"),
        (("97", "--headless"), 1, "siffra cameras"),
        (("http://127.0.0.1:9/x", "--headless"), 1, "cannot be reached"),
        (("x.mp4", "--headless", "--model", "none"), 2, "--model: no model 'none'"),
        (("x.mp4", "--headless", "--size", "large"), 2, "is no size such as 1280x720"),
        (("x.mp4", "--headless", "--fps", "0"), 2, "is not a number above 0"),
        (("--serve", "x.mp4"), 2, "SOURCE stands before --serve"),
        (("x.mp4", "--headless", "--serve"), 2, "not allowed with"),
        (("x.mp4", "--window", "--every"), 2, "--every goes with --headless"),
        (("x.mp4", "--headless", "--token", "0123456789"), 2, "--token goes with --serve"),
        (("x.mp4", "--serve", "--key", "k.pem"), 2, "--key goes with --certificate"),
    ],
)
def test_what_cannot_be_says_why(arguments: tuple[str, ...], status: int, says: str) -> None:
    done = webcam(*arguments, status=status)
    assert says in done.stderr
    assert done.stdout == ""


def test_a_damaged_video_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = video(tmp_path / "clip.avi", "4071", frames=60)
    data = path.read_bytes()
    index = data.rindex(b"idx1")
    path.write_bytes(data[: index // 2] + bytes(index - index // 2) + data[index:])
    done = webcam(path, "--headless", status=1)
    assert documents(done.stdout)[-1]["text"] == "4071"
    assert "of 60 frames; the rest is missing or damaged" in done.stderr


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_once_and_cleanly_by_a_signal(number: signal.Signals, endless: str) -> None:
    process = started(endless, "--headless")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["text"] == ""
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert "frames" in errors


@posix
def test_it_ends_when_nobody_reads_even_if_nothing_changes(endless: str) -> None:
    process = started(endless, "--headless")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=10) == 0
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()


def test_a_stream_that_is_cut_off_is_lost_after_the_patience() -> None:
    server = Broadcast()
    process = started(f"http://127.0.0.1:{server.port}/stream", "--headless", "--patience", 1)
    assert process.stdout is not None
    process.stdout.readline()
    server.stop()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "gives no more frames; trying again in 0.5 s" in errors


def test_what_is_seen_is_recorded(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "seen.mp4"
    webcam(clip, "--headless", "--record", path)
    capture = cv2.VideoCapture(str(path))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 40
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(25)
    assert [entry.name for entry in tmp_path.iterdir()].count("seen.mp4") == 1
    assert webcam(clip, "--headless", "--record", tmp_path / "x.txt", status=1).stdout == ""


@posix
def test_a_recording_that_is_ended_by_a_signal_is_whole(endless: str, tmp_path: Path) -> None:
    path = tmp_path / "seen.avi"
    process = started(endless, "--headless", "--record", path)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.5)
    process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == 0
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT) > 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["seen.avi"]


def test_a_recording_does_not_overwrite_what_is_read(clip: Path) -> None:
    before = clip.read_bytes()
    done = webcam(clip, "--headless", "--record", clip, status=2)
    assert "is what is read; name another file" in done.stderr
    assert clip.read_bytes() == before


@posix
@pytest.mark.parametrize("pause", [0.002, 0.02])
def test_a_second_signal_does_not_lose_the_recording(
    pause: float, endless: str, tmp_path: Path
) -> None:
    path = tmp_path / "seen.mp4"
    process = started(endless, "--headless", "--record", path)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.5)
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
        process.send_signal(number)
        time.sleep(pause)
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, "Traceback" in errors) == (0, False), errors
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT) > 3


def test_without_a_flag_it_says_which_way_it_takes(clip: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    if sys.platform != "linux":
        pytest.skip("there may be a display that no variable names")
    done = subprocess.run(
        [*COMMAND, clip], capture_output=True, text=True, timeout=60, check=True, env=environment
    )
    assert "no window" in done.stderr
    assert "This is --headless" in done.stderr
    assert documents(done.stdout)[-1]["text"] == "8325"
