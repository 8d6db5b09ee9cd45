"""`siffra.watch`: the loop as programs use it."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import siffra
from siffra import CameraError, ImageError, Reader
from tests.drawing import Pixels, blank, write


def page(text: str = "4071") -> Pixels:
    picture = blank(240, 400, level=230)
    write(picture, text)
    return picture


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (400, 240))
    for _ in range(30):
        writer.write(cv2.cvtColor(page(), cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


class Camera:
    """A camera that gives a page some two hundred times a second."""

    def __init__(self) -> None:
        self.released = False

    def read(self) -> tuple[bool, Any]:
        time.sleep(0.005)
        return True, page()

    def release(self) -> None:
        self.released = True


def test_three_lines_read_a_video(clip: Path) -> None:
    for frame, reading in siffra.watch(clip):
        last = frame.number, reading.text
    assert last == (29, "4071")


def test_a_watch_tells_of_its_source_and_of_how_it_keeps_up(clip: Path, reader: Reader) -> None:
    with siffra.watch(clip, reader=reader) as watch:
        assert (watch.name, watch.live, watch.rate) == (str(clip), False, 25.0)
        assert watch.statistics.frames == 0
        assert watch.explain() is None
        for _ in watch:
            pass
        statistics = watch.statistics
        assert statistics.frames == 30
        assert 3 <= statistics.read < 15
        assert statistics.dropped == 0
        assert 0 < statistics.p50_ms <= statistics.p99_ms
        assert statistics.fps > 0
        assert statistics.timings.total > 0
        explained = watch.explain()
        assert explained is not None
        assert explained.ndim == 3
        assert watch.ended
        assert watch.problem is None
    assert list(watch) == []


def test_leaving_the_context_lets_go_of_the_camera(reader: Reader) -> None:
    camera = Camera()
    with siffra.watch(camera, reader=reader) as watch:
        for _, reading in watch:
            if reading.text == "4071":
                break
        assert watch.live
        assert watch.statistics.fps > 5
    assert camera.released
    assert not [one for one in threading.enumerate() if one.name.startswith("siffra")]


def test_a_slow_program_gets_new_frames_and_is_told_what_it_missed(reader: Reader) -> None:
    with siffra.watch(Camera(), reader=reader) as watch:
        next(watch)
        time.sleep(0.3)
        frame, _ = next(watch)
        assert time.perf_counter() - frame.grabbed < 0.2
        assert watch.statistics.dropped > 10


def test_asking_for_a_frame_does_not_wait_longer_than_it_is_told(reader: Reader) -> None:
    silent = threading.Event()

    class Stuck(Camera):
        def read(self) -> tuple[bool, Any]:
            if silent.is_set():
                time.sleep(0.05)
                return False, None
            return super().read()

    with siffra.watch(Stuck(), reader=reader) as watch:
        assert watch.poll(2.0) is not None
        silent.set()
        time.sleep(0.1)
        watch.poll(0.1)
        started = time.perf_counter()
        assert watch.poll(0.1) is None
        assert time.perf_counter() - started < 1.0
        with pytest.raises(CameraError, match="the camera gives no more frames"):
            watch.poll(5.0)


def test_the_reader_may_be_replaced_while_it_runs(reader: Reader) -> None:
    def frames() -> Iterator[Pixels]:
        while True:
            yield page()

    with siffra.watch(frames(), reader=reader) as watch:
        for _ in range(10):
            text = next(watch)[1].text
        assert text == "4071"
        watch.reader = Reader("ann", threshold=1.0)
        for _ in range(10):
            reading = next(watch)[1]
        assert len(reading.digits) == 4
        assert all(digit.label is None or digit.confidence == 1.0 for digit in reading.digits)
        assert any(digit.label is None for digit in reading.digits)
        assert watch.reader.metadata["name"] == "ann"


def test_frame_by_frame_is_what_reading_each_one_gives(reader: Reader) -> None:
    frames = [page("40"), page("8"), page("325")]
    with siffra.watch(frames, reader=reader, steady=False) as watch:
        assert [reading.text for _, reading in watch] == ["40", "8", "325"]


def test_a_frame_that_is_no_picture_is_an_error_and_the_source_is_missing_too() -> None:
    with siffra.watch([np.zeros(3, np.uint8)]) as watch, pytest.raises(ImageError):
        next(watch)
    with pytest.raises(CameraError, match="no such file"):
        siffra.watch("missing.mp4")


def test_a_program_that_forgets_to_close_still_ends(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import time, numpy, siffra\n"
        "class Camera:\n"
        "    def read(self):\n"
        "        time.sleep(0.01)\n"
        "        return True, numpy.full((240, 320, 3), 200, numpy.uint8)\n"
        "for frame, reading in siffra.watch(Camera()):\n"
        "    if frame.number > 3:\n"
        "        break\n"
        "print('done')\n"
    )
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
