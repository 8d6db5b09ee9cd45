"""Pages photographed askew are read as if they were straight."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.axes import draw_level
from benchmarks.outcomes import judge
from benchmarks.scenes import Layout, Scene, draw_scene
from siffra import Reader, Reading
from tests.drawing import blank, write


def overlaps(scene: Scene, reading: Reading) -> list[float]:
    """Intersection over union of each digit's box with the true one."""
    shares = []
    for digit, truth in zip(reading.digits, scene.boxes, strict=True):
        a, b = np.array(digit.box), np.array(truth)
        low, high = np.maximum(a[:2], b[:2]), np.minimum(a[:2] + a[2:], b[:2] + b[2:])
        common = float(np.clip(high - low, 0, None).prod())
        shares.append(common / float(a[2:].prod() + b[2:].prod() - common))
    return shares


@pytest.mark.parametrize("tilt", [-30, -20, -10, 10, 20, 30])
def test_pages_askew_are_read_and_boxes_are_where_the_ink_is(reader: Reader, tilt: float) -> None:
    right = straightened = 0
    for number in range(8):
        scene = draw_level("tilt", tilt, number, seed=2)
        reading = reader.read(scene.image)
        assert reading.picture is scene.image
        straightened += reading.straight_boxes is not None
        if judge(scene, reading)[1]:
            right += 1
            assert min(overlaps(scene, reading)) > 0.7
    assert right >= 7
    assert straightened >= (5 if abs(tilt) > 10 else 3)  # slanted digits are upright on some


def test_words_are_parted_as_on_a_straight_page(reader: Reader) -> None:
    straight, askew = (
        reader.read(draw_scene(["371 52", "28 4906"], digit_height=50, tilt=tilt, seed=4).image)
        for tilt in (0, 28)
    )
    assert straight.text == askew.text == "371 52\n28 4906"


def test_boxes_are_in_pixels_of_a_large_picture(reader: Reader) -> None:
    scene = draw_scene(["27184", "593"], size=(1500, 2000), digit_height=150, tilt=18, seed=6)
    reading = reader.read(scene.image)
    assert reading.text == scene.text
    assert min(overlaps(scene, reading)) > 0.8


def test_small_digits_of_a_large_picture_are_straightened_as_well(reader: Reader) -> None:
    scene = draw_scene(
        ["27184", "593"], size=(1800, 2400), digit_height=16, thickness=0.1, tilt=-25, seed=7
    )
    reading = reader.read(scene.image)
    assert reading.text == scene.text
    assert reading.straight_boxes is not None
    assert min(overlaps(scene, reading)) > 0.7


def test_digits_that_touch_have_boxes_of_their_own(reader: Reader) -> None:
    right = 0
    for seed in (2, 9, 12, 21, 24, 27):
        touching = Layout(touching=0.35)
        scene = draw_scene(["147205", "38061"], layout=touching, tilt=20, seed=seed)
        reading = reader.read(scene.image)
        assert reading.straight_boxes is not None
        if reading.text == scene.text:
            right += 1
            assert min(overlaps(scene, reading)) > 0.6
    assert right >= 3


def test_level_pages_are_read_as_they_are(reader: Reader, examples: dict[Path, str]) -> None:
    for path in examples:
        assert reader.read(path).straight_boxes is None


@pytest.mark.parametrize("text", ["7142", "4973"])
def test_upright_digits_on_a_falling_line_are_taken_as_they_are(reader: Reader, text: str) -> None:
    page = blank(400, 500)
    for place, digit in enumerate(text):
        write(page, digit, at=(40 + 95 * place, 20 + 35 * place))  # falls by 20 degrees
    reading = reader.read(page)
    assert reading.text == text
    assert reading.straight_boxes is None


def test_writing_that_climbs_with_upright_digits_is_read_too(reader: Reader) -> None:
    right = 0
    for number in range(8):
        scene = draw_level("slope", 14, number, seed=2)
        reading = reader.read(scene.image)
        if judge(scene, reading)[1]:
            right += 1
            assert min(overlaps(scene, reading)) > 0.7
    assert right >= 7


def test_an_explanation_shows_the_digits_as_the_network_saw_them(reader: Reader) -> None:
    """Lines are level in the mask: what is white keeps to as many rows as the digits are high."""
    scene = draw_scene(["20573"], digit_height=60, tilt=25, seed=8)
    explained = reader.explain(scene.image)
    white = (explained == 255).all(axis=2)
    rows = np.flatnonzero(white.sum(axis=1) > 10)
    assert 45 < len(rows) < 95
