"""Sources that are there as a whole: videos, folders of pictures, a program's own arrays."""

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import siffra
from siffra import CameraError, ImageError
from siffra.frames import Frame, Frames, FrameSource, Wishes, open_frames
from tests.drawing import Pixels, blank


def picture(level: int, size: tuple[int, int] = (48, 64)) -> Pixels:
    return np.full((*size, 3), level, dtype=np.uint8)


def video(path: Path, frames: int = 12, codec: str = "MJPG", rate: float = 25.0) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), rate, (64, 48))
    for number in range(frames):
        writer.write(picture(20 * number % 240))
    writer.release()
    return path


def everything(frames: Frames) -> list[Frame]:
    found = []
    while not frames.ended:
        frame = frames.next(timeout=1.0)
        if frame is not None:
            found.append(frame)
    return found


@pytest.mark.parametrize(
    ("codec", "suffix"), [("MJPG", ".avi"), ("mp4v", ".mp4"), ("mp4v", ".mkv")]
)
def test_a_video_gives_every_frame_once_in_order(codec: str, suffix: str, tmp_path: Path) -> None:
    frames = open_frames(video(tmp_path / f"clip{suffix}", codec=codec))
    assert not frames.live
    assert frames.rate == pytest.approx(25.0)
    found = everything(frames)
    assert [frame.number for frame in found] == list(range(12))
    assert [frame.at for frame in found] == pytest.approx([number / 25 for number in range(12)])
    levels = [frame.pixels.mean() for frame in found]
    assert levels == pytest.approx([20 * number for number in range(12)], abs=6)
    assert frames.problem is None


def test_a_video_that_is_cut_off_says_where_it_ends(tmp_path: Path) -> None:
    path = video(tmp_path / "clip.avi", frames=40)
    data = path.read_bytes()
    index = data.rindex(b"idx1")  # kept, so that the length is still stated
    path.write_bytes(data[: index // 2] + bytes(index - index // 2) + data[index:])
    told: list[str] = []
    frames = open_frames(path, notify=told.append)
    found = everything(frames)
    assert 0 < len(found) < 36
    assert frames.problem == told[0]
    assert f"ends after {len(found)} of 40 frames" in told[0]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.mp4", None, "no such file"),
        ("missing", None, "siffra cameras"),
        ("empty.mp4", b"", "is empty"),
        ("text.mp4", b"no video at all" * 100, "is no video that OpenCV"),
        ("photo.jpg", b"\xff\xd8\xff", "siffra read"),
    ],
)
def test_what_is_no_video_says_what_it_is(
    name: str, content: bytes | None, says: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CameraError, match=says) as caught:
        open_frames(path)
    assert name in str(caught.value)


def test_pictures_of_a_folder_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        cv2.imwrite(str(tmp_path / f"frame-{number}.png"), picture(number))
    found = everything(open_frames(tmp_path, Wishes(fps=10)))
    assert [int(frame.pixels[0, 0, 0]) for frame in found] == [1, 2, 10]
    assert [frame.at for frame in found] == pytest.approx([0.0, 0.1, 0.2])


def test_pictures_that_cannot_be_read_are_left_out_and_named(tmp_path: Path) -> None:
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture(number))
    (tmp_path / "1.png").write_bytes(b"torn")
    told: list[str] = []
    frames = open_frames(tmp_path, notify=told.append)
    assert [frame.number for frame in everything(frames)] == [0, 2]
    assert "1.png" in told[0]
    assert frames.problem is not None
    assert "1 of 3 pictures" in frames.problem


def test_a_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="without pictures"):
        open_frames(tmp_path)


def test_arrays_of_a_program_are_frames_and_its_generator_is_closed() -> None:
    closed = threading.Event()

    def arrays() -> Iterator[Pixels]:
        try:
            while True:
                yield blank(48, 64)
        finally:
            closed.set()

    frames = open_frames(arrays())
    first, second = frames.next(1.0), frames.next(1.0)
    assert first is not None
    assert second is not None
    assert first.pixels.shape == (48, 64)
    assert second.at > first.at == 0.0
    frames.close()
    assert closed.is_set()
    assert frames.next(1.0) is None


def test_an_array_that_is_no_picture_is_the_callers_error() -> None:
    with pytest.raises(ImageError, match="shape"):
        everything(open_frames([np.zeros((2, 2, 2, 2), np.uint8)]))


def test_a_capture_of_a_file_gives_every_frame_too(tmp_path: Path) -> None:
    capture = cv2.VideoCapture(str(video(tmp_path / "clip.avi")))
    frames = open_frames(capture)
    assert not frames.live
    assert len(everything(frames)) == 12
    assert not capture.isOpened()


@pytest.mark.skipif(sys.platform != "linux", reason="names of other systems are Unicode")
def test_a_name_without_an_encoding_is_an_error_and_not_the_end_of_the_process(
    tmp_path: Path,
) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/clip\xff.avi")
    Path(path).write_bytes(video(tmp_path / "clip.avi").read_bytes())
    with pytest.raises(CameraError, match="not UTF-8; rename it"):
        open_frames(path)


def test_a_capture_that_was_wound_on_is_not_damaged(tmp_path: Path) -> None:
    capture = cv2.VideoCapture(str(video(tmp_path / "clip.avi")))
    capture.set(cv2.CAP_PROP_POS_FRAMES, 6)
    frames = open_frames(capture)
    assert len(everything(frames)) == 6
    assert frames.problem is None


@pytest.mark.skipif(os.name != "posix", reason="devices of POSIX")
def test_what_is_neither_file_nor_camera_is_not_opened() -> None:
    with pytest.raises(CameraError, match="/dev/null: is no video file"):
        open_frames("/dev/null")


@pytest.mark.parametrize("wish", [{"fps": -5.0}, {"patience": 0.0}, {"size": (0, 480)}])
def test_wishes_that_nothing_can_grant_are_the_callers_error(wish: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        siffra.watch([], **wish)


def test_one_array_and_an_open_file_say_what_to_pass(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="pass a list of arrays"):
        open_frames(blank(48, 64))
    path = video(tmp_path / "clip.avi")
    with path.open("rb") as file, pytest.raises(CameraError, match="pass its path"):
        open_frames(file)


@pytest.mark.parametrize("source", [None, 1.5, b"bytes", True, ""])
def test_what_is_no_source_is_refused(source: FrameSource) -> None:
    with pytest.raises(CameraError, match=r"cannot watch|no name"):
        open_frames(source)
