"""What is measured of the loop: flips, delays, false digits, cost and memory."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.live import main
from benchmarks.pacing import MemoryCamera, measure_cost, measure_memory
from benchmarks.steadiness import SETTLED, Delay, Steadiness, judge_clip
from benchmarks.videos import Clip, Truth, draw_clip
from siffra import Reader

_SENSOR = draw_clip("still", 0, seconds=0.1).sensor


def clip(*texts: str, cut: Sequence[int] = ()) -> Clip:
    truths = tuple(Truth(text, (), number in cut) for number, text in enumerate(texts))
    return Clip("made up", 0, "easy", 30.0, truths, (), (), _SENSOR)


def test_a_flip_is_a_change_that_nothing_asks_for() -> None:
    texts = ["12"] * 30
    texts[3] = "17"  # so early it may
    texts[20] = "1?"
    assert judge_clip(clip(*["12"] * 30), texts, texts) == Steadiness(
        frames=30 - SETTLED, right=30 - SETTLED - 1, flips=2
    )


def test_spaces_are_no_mistake_but_their_coming_and_going_is_a_flip() -> None:
    texts = ["12"] * 20 + ["1 2"] * 10
    found = judge_clip(clip(*["12"] * 30), texts, texts)
    assert (found.right, found.flips) == (found.frames, 1)


def test_a_change_that_is_asked_for_is_no_flip_and_takes_its_time() -> None:
    truth = clip(*["1"] * 20, *["2"] * 30)
    alone = ["1"] * 20 + ["2"] * 30
    steady = ["1"] * 23 + ["2"] * 27
    found = judge_clip(truth, steady, alone)
    assert (found.flips, found.delays) == (0, (Delay(4, clear=True),))
    assert judge_clip(truth, alone, alone).delays == (Delay(1, clear=True),)


@pytest.mark.parametrize(
    ("after", "frames"),
    [
        (["2", "1", *["2"] * 28], 3),  # right once, and not for good
        (["1"] * 26 + ["2"] * 4, None),  # not for long enough
        (["1"] * 30, None),
    ],
)
def test_a_change_is_read_once_it_stays_right(after: list[str], frames: int | None) -> None:
    texts = ["1"] * 20 + after
    found = judge_clip(clip(*["1"] * 20, *["2"] * 30), texts, texts)
    assert found.delays == (Delay(frames, clear=False),)


def test_digits_have_left_when_the_last_one_is_out_of_view() -> None:
    truth = clip(*["12"] * 20, *["1"] * 5, *[""] * 25, cut=range(18, 28))
    texts = ["12"] * 20 + ["1"] * 11 + [""] * 19
    assert judge_clip(truth, texts, texts).delays == (Delay(4, clear=False),)


def test_each_time_that_a_digit_is_shown_where_there_is_none_is_counted() -> None:
    texts = ["", "1", "1", "", "?", "12", "12", *[""] * 13]
    found = judge_clip(clip(*[""] * 20), texts, texts)
    assert (found.false, found.shown) == (3, 4)
    assert found.right == found.frames  # by then there is none


def test_clips_add_up() -> None:
    one, other = Steadiness(10, 9, 2, 1, 1, (Delay(3, True),)), Steadiness(5, 5, delays=())
    assert one + other == Steadiness(15, 14, 2, 1, 1, (Delay(3, True),))


def test_a_camera_of_frames_in_memory_keeps_its_rate_and_never_leaps() -> None:
    frames = [np.full((4, 4, 3), value, np.uint8) for value in range(4)]
    camera = MemoryCamera(frames, rate=1000)
    seen = [int(camera.read()[1][0, 0, 0]) for _ in range(9)]
    assert seen == [0, 1, 2, 3, 2, 1, 0, 1, 2]


def test_cost_and_memory_are_those_of_what_was_watched(reader: Reader) -> None:
    frames = list(draw_clip("hand", 1, seconds=0.3, lines=("407",)).frames())
    cost = measure_cost(frames, 30, reader, 0.5)
    assert cost.frames + cost.dropped == pytest.approx(15, abs=4)
    assert 0 < cost.p50_ms <= cost.p99_ms
    assert -0.05 < cost.camera < 0.5
    memory = measure_memory(frames, None, reader, 0.5)
    assert memory.frames > 20
    assert memory.seconds == pytest.approx(0.5, abs=0.3)
    assert len(memory.megabytes) in (0, 11)


def test_the_command_prints_tables_and_writes_every_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "live.json"
    options = "--kind hand appear empty --clips 1 --seconds 1.5 --seed 3 --paced 0.4 --minutes 0.01"
    assert main([*options.split(), "--json", str(path)]) == 0
    shown = capsys.readouterr().out
    for title in ("Steadiness", "Frames from a change", "No digits", "Cost", "Memory"):
        assert title in shown
    figures = json.loads(path.read_text())
    hand, appear, empty = figures["clips"]
    assert hand["steady"]["right"] == hand["alone"]["right"] == hand["steady"]["frames"] > 0
    assert hand["steady"]["flips"] == 0
    (delay,) = appear["steady"]["delays"]
    assert 1 <= delay["frames"] <= 12
    assert empty["level"] == "easy"
    assert list(figures["costs"]) == ["hand"]
    assert 0 < figures["costs"]["hand"]["processor"] < 2


def test_an_unknown_model_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--model", "lenet"]) == 2
    assert "lenet" in capsys.readouterr().err
