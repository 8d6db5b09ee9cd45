"""Where reading breaks: scenes from easy to hard, and what becomes of their digits."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.axes import AXES, draw_level
from benchmarks.hardness import main
from benchmarks.outcomes import Outcome, judge
from benchmarks.scenes import Scene, draw_scene
from siffra import Digit, Reader, Reading
from siffra.results import Box, Reason, Timings

PICTURE = np.full((100, 200, 3), 255, np.uint8)
SCENE = Scene(PICTURE, "12\n3", ((10, 10, 20, 30), (40, 10, 20, 30), (10, 60, 20, 30)))


def digit(label: int | None, *box: int) -> Digit:
    reason: Reason | None = None if label is not None else "low_confidence"
    return Digit(label, 0.9, reason, Box(*box), (), None, PICTURE)


def reading(*lines: tuple[Digit, ...]) -> Reading:
    return Reading(lines, Timings(0, 0, 0, 0), PICTURE)


ONE, TWO, THREE = digit(1, 10, 10, 20, 30), digit(2, 40, 10, 20, 30), digit(3, 10, 60, 20, 30)


def test_all_right() -> None:
    outcome, exact = judge(SCENE, reading((ONE, TWO), (THREE,)))
    assert exact
    assert outcome == Outcome(digits=3, right=3)
    assert outcome.precision == outcome.recall == outcome.f1 == 1


@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        ([(ONE, digit(7, *TWO.box)), (THREE,)], Outcome(3, 2, mistaken=1)),
        ([(ONE, digit(None, *TWO.box)), (THREE,)], Outcome(3, 2, rejected=1)),
        ([(ONE,), (THREE,)], Outcome(3, 2, missed=1)),
        ([(ONE, TWO, digit(1, 150, 5, 4, 40)), (THREE,)], Outcome(3, 3, false=1)),
        ([(ONE, TWO, digit(None, 150, 5, 4, 40)), (THREE,)], Outcome(3, 3, unsure=1)),
        ([(TWO, ONE), (THREE,)], Outcome(3, 3, scrambled=1)),
        ([(ONE, TWO, THREE)], Outcome(3, 3, scrambled=1)),
        # Two digits in one box are neither of them.
        ([(digit(8, 10, 10, 50, 30),), (THREE,)], Outcome(3, 1, missed=2, false=1)),
        # A digit that is read twice is right once.
        ([(ONE, TWO, digit(2, 41, 11, 20, 30)), (THREE,)], Outcome(3, 3, false=1)),
        # What is in the middle of a digit is not the digit.
        ([(ONE, digit(7, 48, 22, 4, 6)), (THREE,)], Outcome(3, 2, missed=1, false=1)),
        ([], Outcome(3, missed=3)),
    ],
)
def test_what_becomes_of_digits(lines: list[tuple[Digit, ...]], outcome: Outcome) -> None:
    assert judge(SCENE, reading(*lines)) == (outcome, False)


@pytest.mark.parametrize("box", [(90, 10, 20, 30), (40, 10, 8, 12)], ids=["elsewhere", "a part"])
def test_the_text_may_be_right_by_luck(box: tuple[int, int, int, int]) -> None:
    lucky = reading((ONE, digit(2, *box)), (THREE,))
    assert judge(SCENE, lucky) == (Outcome(3, 2, missed=1, false=1), True)


@pytest.mark.parametrize("box", [(36, 5, 27, 40), (47, 12, 5, 25)], ids=["wide", "narrow"])
def test_boxes_need_not_be_exact(box: tuple[int, int, int, int]) -> None:
    near = replace(TWO, box=Box(*box))
    assert judge(SCENE, reading((ONE, near), (THREE,))) == (Outcome(3, 3), True)


def test_what_is_read_as_one_of_two_digits_is_not_the_other_too() -> None:
    touching = Scene(PICTURE, "11", ((10, 10, 20, 30), (18, 10, 20, 30)))
    outcome, _ = judge(touching, reading((digit(1, 14, 10, 20, 30),)))
    assert outcome == Outcome(2, 1, missed=1)


def test_of_a_page_without_digits_it_is_right_to_accept_none() -> None:
    empty = Scene(PICTURE, "", ())
    assert judge(empty, reading()) == (Outcome(), True)
    assert judge(empty, reading((digit(None, 10, 10, 20, 30),))) == (Outcome(unsure=1), True)
    assert judge(empty, reading((ONE,))) == (Outcome(false=1), False)


def test_outcomes_add_up_to_shares() -> None:
    total = Outcome(10, 8, mistaken=1, missed=1, false=1) + Outcome(10, 10, false=2, unsure=5)
    assert total == Outcome(20, 18, mistaken=1, missed=1, false=3, unsure=5)
    assert total.recall == 18 / 20
    assert total.precision == 18 / 22
    assert total.f1 == pytest.approx(2 / (20 / 18 + 22 / 18))
    assert Outcome().f1 == Outcome().recall == Outcome().precision == 1


@pytest.mark.parametrize("axis", AXES)
def test_every_axis_begins_with_what_can_be_drawn(axis: str) -> None:
    scene = draw_level(axis, AXES[axis].levels[0], 1, seed=0)
    assert bool(scene.text) == (axis != "no digit")
    assert len(scene.boxes) == len(scene.text.replace("\n", ""))
    height, width = scene.image.shape[:2]
    for x, y, w, h in scene.boxes:
        assert 0 <= x < x + w <= width
        assert 0 <= y < y + h <= height


@pytest.mark.parametrize("axis", ["pale", "touching", "boxes", "desk", "noise"])
def test_scenes_differ_from_level_to_level_by_what_is_varied_alone(axis: str) -> None:
    levels = AXES[axis].levels
    easy, again, hard = (
        draw_level(axis, level, 2, seed=3) for level in (levels[0], levels[0], levels[-1])
    )
    other = draw_level(axis, levels[0], 2, seed=4)
    np.testing.assert_array_equal(easy.image, again.image)
    assert easy.text == hard.text
    assert easy.text != other.text
    assert easy.image.shape != hard.image.shape or (easy.image != hard.image).any()


def test_reading_is_measured_and_what_is_misread_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, grid, kept = tmp_path / "table.json", tmp_path / "grid.png", tmp_path / "misread"
    axes = ["--axis", "fat", "dotted"]
    outputs = ["--json", str(table), "--figure", str(grid), "--save", str(kept)]
    assert main([*axes, "--scenes", "2", *outputs]) == 0

    rows = json.loads(table.read_text())
    assert [(row["axis"], row["level"]) for row in rows] == [
        (axis, level) for axis in ("fat", "dotted") for level in AXES[axis].levels
    ]
    easiest, hardest = rows[0], rows[-1]
    assert easiest["scenes"] == 2
    assert easiest["f1"] > 0.9
    assert hardest["f1"] < easiest["f1"] or hardest["exact"] < easiest["exact"]
    assert 0 < easiest["milliseconds"] < 1000
    for row in rows:
        found = row["right"] + row["mistaken"] + row["rejected"]
        assert found + row["missed"] == row["digits"] > 0

    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed[1:3]] == ["fat", "dotted"]
    assert "exact" in printed[-1]

    misread = sum(round(row["scenes"] * (1 - row["exact"])) for row in rows)
    assert len(list(kept.glob("*-read.png"))) == misread > 0
    heat_map = cv2.imread(str(grid))
    assert heat_map is not None
    assert heat_map.std() > 20


def test_a_good_scene_is_read_exactly() -> None:
    scene = draw_scene(["314", "1592"], paper="screen", pen="digital", seed=1)
    assert judge(scene, Reader().read(scene.image)) == (Outcome(7, 7), True)


@pytest.mark.parametrize(
    "arguments", [["--scenes", "0"], ["--seed", "-1"], ["--axis", "beauty"]], ids=" ".join
)
def test_wrong_usage_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert arguments[0] in capsys.readouterr().err
