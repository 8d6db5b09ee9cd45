"""Clips of a webcam: what they show is known, they can be had again, and video files hold them."""

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.sensor import Pixels
from benchmarks.video_files import CODECS, write_video
from benchmarks.videos import KINDS, LEVELS, RATE, REPORTING, SIZE, Clip, draw_clip, main
from siffra import Reader

ROOT = Path(__file__).parents[1]


def frame(clip: Clip, number: int) -> Pixels:
    return next(clip.frames(number))


def read(reader: Reader, clip: Clip, number: int) -> str:
    return reader.read(frame(clip, number)).text.replace(" ", "")


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_easy_clip_begins_and_ends_with_is_read(kind: str, reader: Reader) -> None:
    clip = draw_clip(kind, REPORTING + 2, seconds=1.5, lines=("407", "82"))
    assert clip.level == "easy"
    for number in (0, len(clip) - 1):
        # Words and scribbles may show as what is no digit.
        assert read(reader, clip, number).strip("?\n") == clip.truths[number].text


@pytest.mark.parametrize("kind", ["slow", "write"])
def test_a_clip_can_be_had_again(kind: str) -> None:
    first, again, other = (draw_clip(kind, seed, seconds=0.2) for seed in (5, 5, 6))
    assert first.truths == again.truths
    for one, same, same_clip in zip(first.frames(), again.frames(), first.frames(), strict=True):
        assert one.shape == (*SIZE, 3)
        np.testing.assert_array_equal(one, same)
        np.testing.assert_array_equal(one, same_clip)
    assert (frame(first, 0) != frame(other, 0)).any()


def test_kinds_of_clips_show_what_they_are_called_after() -> None:
    texts = {
        kind: [truth.text for truth in draw_clip(kind, 3, seconds=6, lines=("407", "82")).truths]
        for kind in KINDS
    }
    for kind in ("still", "hand", "slow"):
        assert set(texts[kind]) == {"407\n82"}
    assert sorted(set(texts["appear"])) == ["", "407\n82"]
    assert texts["appear"][0] == ""
    assert list(dict.fromkeys(texts["write"])) == ["", "4", "40", "407", "407\n8", "407\n82"]
    before, after = dict.fromkeys(texts["replace"])
    assert before == "407\n82"
    assert all(old == new == "\n" or old != new for old, new in zip(before, after, strict=True))
    assert texts["leave"][0] == "407\n82"
    assert texts["leave"][-1] == ""
    assert set(texts["empty"]) == {""}


def test_the_number_that_replaces_another_lies_where_that_was() -> None:
    clip = draw_clip("replace", 3, seconds=1, lines=("4",))
    (change,) = clip.changes
    (x, y, w, h), (a, b, c, d) = (clip.truths[at].boxes[0] for at in (change - 1, change))
    assert abs(x + w / 2 - a - c / 2) < 5
    assert abs(y + h / 2 - b - d / 2) < 5


def test_a_digit_that_the_border_cuts_is_not_to_be_read() -> None:
    clip = draw_clip("leave", 3, seconds=4)
    cut = [truth for truth in clip.truths if truth.cut]
    assert cut
    height, width = SIZE
    for truth in clip.truths:
        assert len(truth.boxes) == len(truth.text.replace("\n", ""))
        for x, y, w, h in truth.boxes:
            assert 0 < x < x + w < width
            assert 0 < y < y + h < height
    assert not clip.truths[-1].cut


def test_a_camera_on_a_stand_only_adds_noise_and_one_in_a_hand_moves() -> None:
    still, hand = (draw_clip(kind, 4, seconds=2) for kind in ("still", "hand"))
    assert len({truth.boxes for truth in still.truths}) == 1
    middles = np.array([np.mean(truth.boxes, axis=0)[:2] for truth in hand.truths])
    steps = np.linalg.norm(np.diff(middles, axis=0), axis=1)
    assert 0.5 < steps.mean() < 4
    assert steps.max() < 10
    one, other = (each.astype(np.float64) for each in islice(still.frames(), 2))
    # The light changes whole rows alike, noise each pixel.
    noise = other - one - np.median(other - one, axis=1, keepdims=True)
    assert still.sensor.noise < noise.std() < 3 * still.sensor.noise


def test_frames_can_be_had_from_the_middle() -> None:
    clip = draw_clip("slow", 1, seconds=0.3)
    for whole, part in zip(islice(clip.frames(), 4, 6), clip.frames(4, 6), strict=True):
        np.testing.assert_array_equal(whole, part)


def test_seeds_take_turns_in_how_hard_clips_are() -> None:
    levels = [draw_clip("still", seed, seconds=0.1).level for seed in range(4)]
    assert levels == [*LEVELS, LEVELS[0]]


@pytest.fixture(scope="module")
def frames() -> list[Pixels]:
    return list(draw_clip("hand", 0, seconds=0.3).frames())


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_written_in_a_codec_is_read_back_whole(
    codec: str, frames: list[Pixels], tmp_path: Path
) -> None:
    path = write_video(tmp_path / "clip", frames, RATE, codec)
    if path.is_dir():
        found = [cv2.imread(str(each)) for each in sorted(path.iterdir())]
    else:
        capture = cv2.VideoCapture(str(path))
        assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(RATE)
        found = []
        while (pair := capture.read())[0]:
            found.append(pair[1])
        capture.release()
    assert len(found) == len(frames)
    for one, other in zip(frames, found, strict=True):
        assert cv2.absdiff(one, np.asarray(other, np.uint8)).mean() < 4


def test_the_command_writes_a_clip_and_its_truth(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.videos", tmp_path, "--kind", "appear", "--seed", "3",
         "--seconds", "0.5", "--codec", "MJPG"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert Path(done.stdout.strip()) == tmp_path / "appear-3.avi"
    assert (tmp_path / "appear-3.avi").stat().st_size > 10_000
    truth = json.loads((tmp_path / "appear-3.json").read_text())
    assert truth["level"] == "easy"
    assert [frame["text"] for frame in truth["frames"]] == [
        each.text for each in draw_clip("appear", 3, seconds=0.5).truths
    ]


def test_a_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main([str(tmp_path / "file"), "--seconds", "0.1"]) == 2
    assert "file" in capsys.readouterr().err


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="still, hand, slow"):
        draw_clip("flying", 0)
