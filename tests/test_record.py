"""A recording can be played, keeps time, and is whole or not there."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from siffra import SiffraError, record
from siffra.files import leftovers
from siffra.record import Recorder, RecordError
from tests.drawing import Pixels

SUFFIXES = [".mp4", ".mov", ".mkv", ".avi"]


def plain(level: int, height: int = 120, width: int = 160) -> Pixels:
    """A picture of one grey, by which its frame is known again."""
    return np.full((height, width, 3), level, dtype=np.uint8)


def play(path: Path) -> list[Pixels]:
    """Every frame of a video."""
    capture = cv2.VideoCapture(str(path))
    frames: list[Pixels] = []
    while True:
        done, pixels = capture.read()
        if not done:
            return frames
        frames.append(np.asarray(pixels, dtype=np.uint8))


def levels(path: Path) -> list[int]:
    """The grey of every frame to the next ten: encoding loses some."""
    return [int(np.rint(frame.mean() / 10)) * 10 for frame in play(path)]


def record_times(path: Path, times: list[float], rate: float | None = 10.0) -> list[int]:
    """Record pictures of greys 10, 20, 30... at these times; return the greys of the video."""
    with Recorder(path, rate) as recorder:
        for number, at in enumerate(times, 1):
            recorder.write(plain(10 * number), at)
    return levels(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_was_written_is_what_plays(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with Recorder(path, 25.0) as recorder:
        for number in range(20):
            recorder.write(plain(10 * number), number / 25)
    assert recorder.frames == 20
    assert levels(path) == [10 * number for number in range(20)]
    assert play(path)[0].shape == (120, 160, 3)
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS) == pytest.approx(25)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_suffix_may_be_in_capitals(tmp_path: Path) -> None:
    assert record_times(tmp_path / "A.MP4", [0.0, 0.1]) == [10, 20]


def test_a_picture_stays_until_the_next_one(tmp_path: Path) -> None:
    assert record_times(tmp_path / "a.avi", [7.0, 7.1, 7.5, 7.6]) == [10, 20, 20, 20, 20, 30, 40]


def test_what_comes_faster_than_the_video_is_left_out(tmp_path: Path) -> None:
    times = [number / 30 for number in range(9)]
    assert record_times(tmp_path / "a.avi", times, rate=10.0) == [10, 30, 60, 90]


def test_a_video_lasts_as_long_as_it_took(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.uniform(0.01, 0.1, 100)).tolist()
    with Recorder(tmp_path / "a.avi", 29.97) as recorder:
        for at in times:
            recorder.write(plain(50), at)
    assert len(play(tmp_path / "a.avi")) / 29.97 == pytest.approx(times[-1] - times[0], abs=0.1)


def test_a_long_gap_is_left_out(tmp_path: Path) -> None:
    assert record_times(tmp_path / "a.avi", [0.0, 0.1, 60.0, 60.1]) == [10, 20, 30, 40]


def test_a_source_that_begins_anew_goes_on(tmp_path: Path) -> None:
    assert record_times(tmp_path / "a.avi", [8.0, 8.1, 0.0, 0.1]) == [10, 20, 30, 40]


@pytest.mark.parametrize("rate", [None, 0.0, -1.0, 90_000.0, float("nan")])
def test_a_rate_that_cannot_be_is_taken_for_thirty(tmp_path: Path, rate: float | None) -> None:
    path = tmp_path / "a.mp4"
    assert record_times(path, [0.0, 1 / 30], rate) == [10, 20]
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS) == pytest.approx(30)


@pytest.mark.parametrize("rate", [0.5, 240.0])
def test_slow_and_fast_files_keep_every_frame(tmp_path: Path, rate: float) -> None:
    times = [number / rate for number in range(8)]
    assert record_times(tmp_path / "a.mp4", times, rate) == [10 * n for n in range(1, 9)]


def test_another_size_is_fitted_in(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    with Recorder(path, 10.0) as recorder:
        recorder.write(plain(100, 120, 160), 0.0)
        recorder.write(plain(200, 300, 200), 0.1)
        recorder.write(plain(100, 60, 80), 0.2)
    first, tall, small = play(path)
    assert first.shape == tall.shape == small.shape == (120, 160, 3)
    assert tall[:, :30].mean() < 10
    assert tall[:, 50:110].mean() == pytest.approx(200, abs=5)
    assert small.mean() == pytest.approx(100, abs=3)


def test_odd_sizes_lose_a_line_at_most(tmp_path: Path) -> None:
    with Recorder(tmp_path / "a.mp4", 10.0) as recorder:
        recorder.write(plain(100, 121, 161), 0.0)
    (frame,) = play(tmp_path / "a.mp4")
    assert frame.shape in [(120, 160, 3), (121, 161, 3)]


def test_a_recording_appears_when_it_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("old")
    with Recorder(path) as recorder:
        recorder.write(plain(50), 0.0)
        assert path.read_text() == "old"
        assert len(leftovers(tmp_path)) == 1
    assert levels(path) == [50]
    assert not leftovers(tmp_path)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_whatever_ends_it_it_is_finished(tmp_path: Path, error: type[BaseException]) -> None:
    def interrupted() -> None:
        with Recorder(tmp_path / "a.mp4", 10.0) as recorder:
            recorder.write(plain(50), 0.0)
            recorder.write(plain(60), 0.1)
            raise error

    with pytest.raises(error):
        interrupted()
    assert levels(tmp_path / "a.mp4") == [50, 60]


def test_without_a_frame_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("old")
    with Recorder(path):
        pass
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.mp4"]


def test_closing_twice_is_closing_once(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.mp4")
    recorder.write(plain(50), 0.0)
    recorder.close()
    recorder.close()
    assert levels(tmp_path / "a.mp4") == [50]


KILLED = """
import sys, time
import numpy as np
from siffra.record import Recorder
recorder = Recorder(sys.argv[1], 10.0)
for number in range(200):
    recorder.write(np.full((120, 160, 3), 50, dtype=np.uint8), number / 10)
print("recording", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is Unix")
def test_a_killed_process_leaves_a_hidden_file_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    path.write_text("old")
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "recording\n"
        process.send_signal(signal.SIGKILL)
    assert path.read_text() == "old"
    assert len(leftovers(tmp_path)) == 1


@pytest.mark.parametrize(("name", "message"), [
    ("a.webm", r"no video can be recorded as \.webm; use \.mp4, \.mov, \.mkv, \.avi"),
    ("a", r"no video can be recorded .* use \.mp4"),
    ("missing/a.mp4", r"there is no folder .*missing; make it first"),
    ("folder.mp4", r"is a folder or device, no file; name another"),
    ("file/a.mp4", r"there is no folder .*file; make it first"),
])  # fmt: skip
def test_what_cannot_be_recorded_says_so_at_once(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RecordError, match=message) as caught:
        Recorder(tmp_path / name)
    assert isinstance(caught.value, SiffraError)
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(sys.platform != "linux", reason="a folder that not even root can write in")
def test_a_folder_that_may_not_be_written_says_so() -> None:
    with pytest.raises(RecordError, match=r"/sys/a.mp4: cannot be written \(Permission denied\)"):
        Recorder("/sys/a.mp4")


def test_a_codec_that_this_opencv_lacks_names_what_to_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(record.CODECS, ".mp4", "ZZZZ")
    with pytest.raises(RecordError, match=r"built without ZZZZ video; try \.mov, \.mkv, \.avi"):
        Recorder(tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_up_ends_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.avi"
    full = shutil.disk_usage(tmp_path)._replace(free=1000)

    def fill(recorder: Recorder) -> None:
        for number in range(100):
            if number == 25:
                monkeypatch.setattr("shutil.disk_usage", lambda _: full)
            recorder.write(plain(50), number / 10)

    with (
        Recorder(path, 10.0) as recorder,
        pytest.raises(RecordError, match=r"a\.avi: the disk is full; .* ends after 3\.0 s"),
    ):
        fill(recorder)
    assert levels(path) == [50] * 30
    assert [each.name for each in tmp_path.iterdir()] == ["a.avi"]


def test_a_disk_that_is_full_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("old")
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr("shutil.disk_usage", lambda _: full)
    with Recorder(path) as recorder, pytest.raises(RecordError, match="the disk is full"):
        recorder.write(plain(50), 0.0)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.mp4"]


LIMITED = """
import resource, sys
import numpy as np
from siffra.record import Recorder, RecordError
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
rng = np.random.default_rng(1)
try:
    with Recorder(sys.argv[1], 10.0) as recorder:
        for number in range(100):
            recorder.write(rng.integers(0, 255, (240, 320, 3), dtype=np.uint8), number / 10)
except RecordError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are Unix")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_could_not_be_written_whole_is_not_kept(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{path}: the video could not be written; is the disk full?\n"
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_it_keeps_up_with_a_camera(tmp_path: Path) -> None:
    picture = np.random.default_rng(1).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    large = np.asarray(cv2.resize(picture, (640, 480)), dtype=np.uint8)
    with Recorder(tmp_path / "a.mp4", 30.0) as recorder:
        started = time.perf_counter()
        for number in range(60):
            recorder.write(large, number / 30)
        spent = time.perf_counter() - started
    assert spent < 1.5  # of 2 s that it shows; some tenths where nothing else runs
