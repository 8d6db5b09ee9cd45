"""Pictures that were taken sideways or upside down: turned as asked for, or as is found out."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from benchmarks.axes import draw_level
from benchmarks.camera import Camera, turned
from benchmarks.outcomes import judge
from benchmarks.scenes import Scene, draw_scene
from siffra import Reader
from siffra.reader import Rotate
from tests.drawing import Pixels, blank, write

ROTATIONS: tuple[Rotate, ...] = (0, 90, 180, 270)


def scene() -> Scene:
    return draw_scene(["40723", "5518"], paper="cream", pen="blue pen", light=0.4, seed=5)


def anticlockwise(pixels: Pixels, degrees: Rotate) -> Pixels:
    """What a camera takes that must be turned clockwise by some degrees."""
    assert degrees != "auto"
    return np.ascontiguousarray(np.rot90(pixels, degrees // 90))


def siffra(*arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "siffra", *map(str, arguments)],
        capture_output=True, check=False, timeout=60, text=True,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    return done


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_a_picture_is_turned_clockwise_as_asked_for(reader: Reader, rotation: Rotate) -> None:
    upright = scene()
    reading = reader.read(anticlockwise(upright.image, rotation), rotate=rotation)
    assert reading.text == upright.text
    assert reading.rotation == rotation
    assert np.array_equal(reading.picture, upright.image)
    assert judge(upright, reading)[0].right == 9


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_auto_finds_out_how_a_page_must_be_turned(
    reader: Reader, rotation: Rotate, tmp_path: Path
) -> None:
    """Ordinary notes on twelve kinds of paper."""
    for number in range(12):
        upright = draw_level("turned", 0, number, seed=1)
        path = tmp_path / f"{number}.jpg"
        quality = [cv2.IMWRITE_JPEG_QUALITY, 90]
        content = cv2.imencode(".jpg", anticlockwise(upright.image, rotation), quality)[1]
        path.write_bytes(content.tobytes())
        reading = reader.read(path, rotate="auto")
        assert reading.rotation == rotation, upright.text
        assert reading.picture.shape == upright.image.shape
        digits = len(upright.boxes)
        assert judge(upright, reading)[0].right >= 0.8 * digits


def test_auto_turns_what_was_photographed_with_a_turned_camera(reader: Reader) -> None:
    lines, turns = ["2704", "365"], 3
    scene = draw_scene(lines, camera=Camera(turns=turns), seed=2)
    reading = reader.read(scene.image, rotate="auto")
    assert (reading.rotation, reading.text) == (270, "2704\n365")
    height, width = scene.image.shape[:2]
    upright = [turned(box, (height, width), 4 - turns) for box in scene.boxes]
    for digit, box in zip(reading.digits, upright, strict=True):
        assert np.abs(np.subtract(digit.box, box)).max() <= 4


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_a_page_on_a_table_or_in_a_hard_shadow_is_turned(reader: Reader, rotation: Rotate) -> None:
    for axis, number in (("desk", 7), ("shadow", 1)):
        upright = draw_level(axis, 1, number, seed=1)
        reading = reader.read(anticlockwise(upright.image, rotation), rotate="auto")
        assert reading.rotation == rotation


@pytest.mark.parametrize("rotate", [180, "auto"])
def test_turning_comes_on_top_of_exif(reader: Reader, tmp_path: Path, rotate: Rotate) -> None:
    upright = scene()
    # Orientation 6: shown after a quarter turn clockwise. What is shown then is upside down.
    stored = Image.fromarray(np.rot90(upright.image, 3)[:, :, ::-1].copy())
    exif = stored.getexif()
    exif[0x0112] = 6
    path = tmp_path / "photo.jpg"
    stored.save(path, exif=exif, quality=95)
    reading = reader.read(path, rotate=rotate)
    assert reading.text == upright.text
    assert reading.rotation == 180
    assert reading.picture.shape == upright.image.shape
    assert judge(upright, reading)[0].right == 9


def ambiguous() -> dict[str, Pixels]:
    ring, rings, strokes = blank(), blank(), blank()
    cv2.circle(ring, (200, 120), 30, 0, 5)
    for x in (120, 200, 280):
        cv2.circle(rings, (x, 120), 28, 0, 5)
        cv2.line(strokes, (x, 80), (x, 160), 0, 6)
    return {"nothing": blank(), "0": ring, "000": rings, "111": strokes}


@pytest.mark.parametrize("name", ambiguous())
def test_pages_that_read_alike_either_way_up_stay_as_they_are(reader: Reader, name: str) -> None:
    page = ambiguous()[name]
    reading = reader.read(page, rotate="auto")
    assert reading.rotation == 0
    assert reading.picture is page
    assert reading == reader.read(page)


def test_nothing_is_turned_unless_asked_for(reader: Reader) -> None:
    page = anticlockwise(scene().image, 180)
    reading = reader.read(page)
    assert reading.rotation == 0
    assert reading.picture is page
    assert reading.text != scene().text
    assert reading == reader.read(page, rotate=0)


@pytest.mark.parametrize("wrong", [45, -90, 360, 1, 90.0, "90", "Auto", "", None])
def test_other_values_are_refused(reader: Reader, wrong: Rotate) -> None:
    for read in (reader.read, reader.explain):
        with pytest.raises(ValueError, match=r"must be 0, 90, 180 or 270, degrees.* or 'auto'"):
            read(blank(), rotate=wrong)


def test_the_explanation_shows_the_page_as_it_was_turned(reader: Reader) -> None:
    page = blank()
    write(page, "2375", height=80)
    explained = reader.explain(page)
    turned_back = reader.explain(anticlockwise(page, 270), rotate="auto")
    assert explained.shape == turned_back.shape
    below_the_times = 100
    same = (explained == turned_back)[below_the_times:]
    assert same.mean() > 0.99


def test_the_command_line_turns_too(tmp_path: Path) -> None:
    upright = scene()
    path = tmp_path / "photo.png"
    path.write_bytes(cv2.imencode(".png", anticlockwise(upright.image, 90))[1].tobytes())
    assert siffra("read", "--rotate", "90", path).stdout == upright.text + "\n"
    done = siffra("read", "--rotate", "auto", "--json", "--save", tmp_path / "s", path)
    (document,) = json.loads(done.stdout)
    assert document["text"] == upright.text
    assert document["rotation"] == 90
    saved = cv2.imread(str(next((tmp_path / "s").iterdir())))
    assert saved is not None
    assert saved.shape == upright.image.shape
    (document,) = json.loads(siffra("read", "--json", path).stdout)
    assert document["rotation"] == 0
    assert "invalid choice: '45'" in siffra("read", "--rotate", "45", path, status=2).stderr
