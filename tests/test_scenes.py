"""Drawn scenes: the same from the same seed, and with a truth that is true."""

import csv
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.datasets import LabelledCells
from benchmarks.scenes import (
    Around,
    Camera,
    Form,
    Layout,
    Paper,
    Pen,
    Scene,
    Strays,
    draw_digit,
    draw_examples,
    draw_scene,
)
from benchmarks.strokes import STYLES
from benchmarks.surroundings import Desk

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"


def digital(
    lines: list[str],
    *,
    size: tuple[int, int] = (480, 640),
    style: str = "round",
    tilt: float = 0,
    perspective: float = 0,
    seed: int,
    **knobs: Any,
) -> Scene:
    """A scene whose ink a plain threshold finds."""
    return draw_scene(
        lines,
        size=size,
        style=style,
        paper="screen",
        pen="digital",
        tilt=tilt,
        perspective=perspective,
        seed=seed,
        **knobs,
    )


def pieces_of_ink(scene: Scene) -> NDArray[np.int32]:
    """Left, top, right and bottom, int32 [n, 4], of each connected piece of dark pixels."""
    ink = (scene.image.mean(axis=2) < 146).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink)
    x, y, width, height = stats[1:, :4].T
    return np.stack([x, y, x + width, y + height], axis=1).astype(np.int32)


def read_picture(path: Path) -> NDArray[np.float64]:
    picture = cv2.imread(str(path))
    assert picture is not None, path
    return picture.astype(np.float64)


def test_same_seed_gives_the_same_picture() -> None:
    knobs: dict[str, Any] = {"light": 0.5, "noise": 0.5, "blur": 0.5, "tilt": 4, "perspective": 0.5}
    first = draw_scene(["42", "7"], seed=3, **knobs)
    again = draw_scene(["42", "7"], seed=3, **knobs)
    other = draw_scene(["42", "7"], seed=4, **knobs)
    np.testing.assert_array_equal(first.image, again.image)
    assert first.boxes == again.boxes
    assert first.boxes != other.boxes


def test_light_noise_blur_and_paper_leave_the_writing_alone() -> None:
    plain = draw_scene(["2024", "311"], seed=5)
    photo = draw_scene(
        ["2024", "311"], seed=5, paper="squared", pen="pen", light=1, noise=1, blur=1
    )
    assert plain.boxes == photo.boxes
    assert plain.text == photo.text == "2024\n311"
    assert photo.image.mean() < plain.image.mean() - 20


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("tilt", "perspective"), [(0, 0), (-12, 0), (0, 1), (25, 0.7)], ids=str)
def test_boxes_hold_one_digit_each_tightly(style: str, tilt: float, perspective: float) -> None:
    lines = ["0123456789", "9876", "55540317"]
    scene = digital(lines, style=style, tilt=tilt, perspective=perspective, seed=6)
    assert scene.text == "\n".join(lines)
    assert len(scene.boxes) == 22
    pieces = pieces_of_ink(scene)
    owned = np.zeros(len(pieces), bool)
    for x, y, width, height in scene.boxes:
        box = np.array([x, y, x + width, y + height])
        inside = (pieces[:, :2] >= box[:2] - 1).all(1) & (pieces[:, 2:] <= box[2:] + 1).all(1)
        owned |= inside
        around = [*pieces[inside, :2].min(axis=0), *pieces[inside, 2:].max(axis=0)]
        np.testing.assert_allclose(around, box, atol=1)
    # A piece in no box would be a digit that touches its neighbour, or ink that is no digit.
    assert owned.all()


@pytest.mark.parametrize("seed", range(20))
def test_ink_keeps_off_the_border(seed: int) -> None:
    scene = digital(["88888888", "1234567"], size=(200, 300), tilt=60, perspective=1, seed=seed)
    height, width = scene.image.shape[:2]
    for x, y, w, h in scene.boxes:
        assert x > 0
        assert y > 0
        assert x + w < width
        assert y + h < height


def test_boxes_come_in_reading_order() -> None:
    boxes = digital(["123", "45"], seed=7).boxes
    assert [box[0] for box in boxes[:3]] == sorted(box[0] for box in boxes[:3])
    assert boxes[3][0] < boxes[4][0]
    assert max(y + h for _, y, _, h in boxes[:3]) < min(y for _, y, _, _ in boxes[3:])


@pytest.mark.parametrize(
    ("paper", "pen", "darker"),
    [
        ("white", "pen", True),
        ("cream", "blue pen", True),
        ("ruled", "pencil", True),
        ("squared", "pen", True),
        ("whiteboard", "marker", True),
        ("blackboard", "chalk", False),
        ("screen", "digital", True),
        ("screen-dark", "digital", False),
    ],
)
def test_ink_stands_out_from_every_paper(paper: Paper, pen: Pen, darker: bool) -> None:
    scene = draw_scene(["8"], paper=paper, pen=pen, seed=8)
    grey = scene.image.mean(axis=2)
    ((x, y, width, height),) = scene.boxes
    ink = np.percentile(grey[y : y + height, x : x + width], 5 if darker else 95)
    grey[y - 5 : y + height + 5, x - 5 : x + width + 5] = np.nan
    difference = np.nanmedian(grey) - ink
    assert (difference if darker else -difference) > 80
    # Rulings are paler than ink.
    assert np.nanmax(np.abs(grey - np.nanmedian(grey))) < abs(difference) / 2


def test_ink_grows_paler_until_it_is_gone() -> None:
    darkest = [draw_scene(["8"], pale=pale, seed=8).image.min() for pale in (0, 0.5, 0.9, 1)]
    assert darkest == sorted(darkest)
    assert darkest[0] < 60
    assert darkest[-1] > 200


@pytest.mark.parametrize("thickness", [0.01, 0.05, 0.3])
def test_pens_have_any_thickness(thickness: float) -> None:
    scene = digital(["7"], digit_height=100, thickness=thickness, seed=9)
    ink = 255 - scene.image.mean(axis=2)
    ((x, y, width, height),) = scene.boxes
    # Area by length of the pen's way, which is a little more than the digit's height and width.
    mean_width = ink[y : y + height, x : x + width].sum() / 220 / (100 + 0.7 * 100)
    assert mean_width == pytest.approx(100 * thickness, rel=0.35)


def cells_of_our_own() -> LabelledCells:
    """One cell for each digit, as MNIST has many."""
    drawn = [
        cv2.resize(255 - draw_digit(label, size=112, seed=label), (28, 28)) for label in range(10)
    ]
    return LabelledCells(np.array(drawn, np.uint8), np.arange(10, dtype=np.uint8))


def test_cells_are_written_with_as_if_they_were_strokes() -> None:
    scene = digital(["2024", "311"], cells=cells_of_our_own(), digit_height=100, seed=5)
    assert scene.text == "2024\n311"
    assert alone(scene) == 7
    assert [height for *_, height in scene.boxes] == pytest.approx([100] * 7, rel=0.2)
    # Smooth: along its edges ink is half covered, but only there.
    grey = scene.image.mean(axis=2)
    assert (grey < 60).mean() / (grey < 230).mean() > 0.2


def alone(scene: Scene, *, apart: int = 1) -> int:
    """How many digits touch nothing: a piece of ink is what their box says."""
    pieces = pieces_of_ink(scene)
    boxes = np.array([(x, y, x + w, y + h) for x, y, w, h in scene.boxes])
    return int((np.abs(boxes[:, None] - pieces[None]).max(axis=2) <= apart).any(axis=1).sum())


def test_lines_climb_by_the_degrees_asked_for() -> None:
    (boxes,) = [np.array(digital(["00000000"], layout=Layout(slope=15), seed=6).boxes)]
    slope = np.polyfit(boxes[:, 0] + boxes[:, 2] / 2, boxes[:, 1] + boxes[:, 3] / 2, 1)[0]
    assert np.degrees(np.arctan(abs(slope))) == pytest.approx(15, abs=2)


def test_lines_sag_in_the_middle() -> None:
    boxes = np.array(digital(["000000000"], layout=Layout(curve=1), seed=6).boxes)
    level = boxes[:, 1] + boxes[:, 3] / 2
    length = boxes[-1, 0] - boxes[0, 0]
    assert abs(level[4] - (level[0] + level[-1]) / 2) / length == pytest.approx(0.2, abs=0.04)


def test_sizes_differ_within_a_line() -> None:
    even = [box[3] for box in digital(["0" * 10], seed=6).boxes]
    uneven = [box[3] for box in digital(["0" * 10], layout=Layout(uneven=1), seed=6).boxes]
    assert max(even) / min(even) < 1.4
    assert max(uneven) / min(uneven) > 1.8


def test_lines_begin_at_different_places() -> None:
    begin = [box[0] for box in digital(["8"] * 5, layout=Layout(ragged=1), seed=6).boxes]
    assert max(begin) - min(begin) > 60


@pytest.mark.parametrize("with_cells", [False, True])
def test_neighbours_touch_as_often_as_asked_for(with_cells: bool) -> None:
    cells = cells_of_our_own() if with_cells else None

    def pieces(touching: float) -> int:
        layout = Layout(touching=touching)
        # Of these digits each is one piece of ink.
        return len(pieces_of_ink(digital(["80263", "9708"], layout=layout, cells=cells, seed=7)))

    assert pieces(0) == 9
    assert 2 < pieces(0.5) < 9
    assert pieces(1) == 2


def test_touching_digits_overlap_only_a_little() -> None:
    boxes = digital(["80263"], layout=Layout(touching=1), digit_height=90, seed=7).boxes
    overlaps = [x + w - right for (x, _, w, _), (right, *_) in pairwise(boxes)]
    assert max(overlaps) < 25


def test_strokes_break() -> None:
    whole = digital(["11111", "33333"], seed=7)
    broken = digital(["11111", "33333"], layout=Layout(broken=1), seed=7)
    assert len(pieces_of_ink(whole)) == 10
    assert len(pieces_of_ink(broken)) == 20


def test_cells_break() -> None:
    layout = Layout(broken=1)
    broken = digital(["111", "333"], layout=layout, cells=cells_of_our_own(), seed=7)
    assert len(pieces_of_ink(broken)) == 12


def test_spaces_are_wide_gaps_and_not_in_the_text() -> None:
    scene = digital(["12 345", "67"], seed=7)
    assert scene.text == "12345\n67"
    assert scene.words == (("12", "345"), ("67",))
    gaps = [right - (x + w) for (x, _, w, _), (right, *_) in pairwise(scene.boxes[:5])]
    assert gaps[1] > 1.8 * max(gaps[0], *gaps[2:])


@pytest.mark.parametrize(
    "knobs",
    [
        {"around": Around(shadow=1, vignette=1, creases=1, thumb=True, pencil=True, dotted=0.3)},
        {"around": Around(panel=1)},
        {"form": Form(rulings=1, squared=True)},
        {"camera": Camera(jpeg=1, motion=1)},
        {"strays": Strays(specks=1)},
        {"thickness": 0.03, "pale": 0.5},
    ],
    ids="-".join,
)
def test_what_is_around_the_digits_leaves_them_where_they_are(knobs: dict[str, Any]) -> None:
    plain, other = digital(["2024", "311"], seed=5), digital(["2024", "311"], seed=5, **knobs)
    assert (plain.image != other.image).any()
    assert plain.text == other.text
    # The pen's width alone may show.
    np.testing.assert_allclose(plain.boxes, other.boxes, atol=9 if "thickness" in knobs else 0)


@pytest.mark.parametrize(
    "form",
    [
        {"rulings": 1},
        {"boxes": 1},
        {"underline": 1},
        {"table": 1},
    ],
    ids=str,
)
def test_what_is_printed_is_crossed_as_often_as_asked_for(form: dict[str, Any]) -> None:
    lines = ["00000", "33333", "22222"]
    apart = digital(lines, form=Form(**form), seed=8)
    crossed = digital(lines, form=Form(**form, crossing=1), seed=8)
    assert alone(apart) == 15
    assert alone(crossed) < 9
    assert len(pieces_of_ink(apart)) > 15 or "rulings" in form


@pytest.mark.parametrize("form", ["rulings", "boxes", "underline", "table"])
def test_print_is_as_dark_as_asked_for(form: str) -> None:
    def darkest(tone: float) -> int:
        tones: dict[str, Any] = {form: tone}
        scene = draw_scene(["0"], paper="screen", pen="digital", form=Form(**tones), seed=8)
        x, y, width, height = scene.boxes[0]
        scene.image[y - 4 : y + height + 4, x - 4 : x + width + 4] = 255
        return int(scene.image.min())

    assert 215 < darkest(0.1) < 245
    assert 130 < darkest(0.5) < 170
    assert darkest(1) < 70


def test_strays_are_no_digits_and_stand_beside_them() -> None:
    strays = Strays(points=0.7, letters=1, scribbles=1)
    scene = digital(["314", "1592"], strays=strays, seed=9)
    assert scene.text == "314\n1592"
    assert len(scene.boxes) == 7
    assert len(scene.strays) >= 6
    dark = scene.image.mean(axis=2) < 146
    for x, y, width, height in scene.strays:
        assert dark[y : y + height, x : x + width].any()
        centre = np.array([x + width / 2, y + height / 2])
        for left, top, w, h in scene.boxes:
            inside = (centre > (left, top)) & (centre < (left + w, top + h))
            assert not inside.all()
    # Nothing else is ink.
    for x, y, width, height in (*scene.boxes, *scene.strays):
        dark[y - 1 : y + height + 1, x - 1 : x + width + 1] = False
    assert not dark.any()


def test_specks_are_all_over_the_page() -> None:
    scene = digital(["3"], strays=Strays(specks=1), digit_height=60, seed=9)
    places = np.array(scene.strays)[:, :2]
    assert len(places) > 10
    assert (np.ptp(places, axis=0) > (320, 240)).all()


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"strays": Strays(letters=1, points=1, scribbles=1, specks=1)},
        {"form": Form(boxes=0.8)},
        {"form": Form(table=0.8)},
        {"form": Form(rulings=0.8)},
        {"around": Around(desk="wood", thumb=True, panel=1)},
    ],
    ids=str,
)
def test_pages_without_digits_have_everything_else(knobs: dict[str, Any]) -> None:
    scene = digital([], seed=10, **knobs)
    assert scene.text == ""
    assert not scene.boxes
    assert not scene.words
    assert bool(len(scene.strays)) == ("strays" in knobs)
    dark = (scene.image.min(axis=2) < 200).nonzero()
    assert bool(len(dark[0])) == bool(knobs)
    if knobs:
        assert min(map(np.ptp, dark)) > 150


@pytest.mark.parametrize("desk", ["wood", "dark", "light", "cloth"])
def test_paper_ends_on_the_table_but_not_within_the_writing(desk: Desk) -> None:
    def brightness(share: float) -> NDArray[np.uint8]:
        around = Around(desk=desk, desk_share=share)
        scene = draw_scene(["20", "31"], around=around, digit_height=60, tilt=8, seed=11)
        darkest: NDArray[np.uint8] = scene.image.min(axis=2)
        for x, y, width, height in scene.boxes:
            around_it = darkest[y - 3 : y + height + 3, x - 3 : x + width + 3]
            assert np.percentile(around_it, 70) > 228
        return darkest

    far, near = brightness(0.1), brightness(1)
    border = np.concatenate([near[0], near[-1], near[:, 0], near[:, -1]])
    assert np.median(border) < 225
    assert (near < 225).sum() > 1.5 * (far < 225).sum()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("thing", ["thumb", "pencil"])
def test_things_over_the_border_cover_no_digit(thing: str, seed: int) -> None:
    things: dict[str, Any] = {thing: True}
    alone = digital(["20", "31"], digit_height=70, seed=seed)
    beside = digital(["20", "31"], digit_height=70, around=Around(**things), seed=seed)
    changed = np.abs(alone.image.astype(int) - beside.image).max(axis=2) > 60
    border = np.concatenate([changed[0], changed[-1], changed[:, 0], changed[:, -1]])
    assert border.any()
    for x, y, width, height in beside.boxes:
        assert not changed[y : y + height, x : x + width].any()


@pytest.mark.parametrize("seed", range(5))
def test_shadows_have_a_sharp_edge(seed: int) -> None:
    def steepest(**knobs: Any) -> float:
        image = draw_scene([], paper="screen", pen="digital", seed=seed, **knobs).image
        smooth = cv2.GaussianBlur(image.mean(axis=2), (0, 0), 1)
        return float(np.abs(np.diff(smooth, axis=0)).max() + np.abs(np.diff(smooth, axis=1)).max())

    assert steepest(around=Around(shadow=1)) > 12
    assert steepest(light=1) < 8


def test_corners_are_dark_in_a_vignette() -> None:
    image = draw_scene([], around=Around(vignette=1), seed=1).image.mean(axis=2)
    corners = image[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.max() < 0.35 * image[240, 320]


def test_creased_paper_is_uneven() -> None:
    smooth, creased = (
        draw_scene([], paper="screen", pen="digital", around=Around(creases=creases), seed=2).image
        for creases in (0, 1)
    )
    assert smooth.std() == 0
    assert creased.std() > 5


def test_a_panel_has_its_ink_lighter_than_its_ground() -> None:
    scene = digital(["20", "31", "46"], around=Around(panel=1), seed=3)
    grey = scene.image.mean(axis=2)
    light_on_dark = []
    for x, y, width, height in scene.boxes:
        part = grey[y - 3 : y + height + 3, x - 3 : x + width + 3]
        ground = np.median(part[[0, -1]])
        light_on_dark.append(bool(ground < 128))
        ink = part.max() if ground < 128 else part.min()
        assert abs(ink - ground) > 150
    # Whole lines, but not all of them.
    assert light_on_dark[::2] == light_on_dark[1::2]
    assert len(set(light_on_dark)) == 2


def test_a_bad_scan_leaves_out_ink_in_dots() -> None:
    pieces = [
        len(pieces_of_ink(digital(["20", "31"], around=Around(dotted=dotted), seed=3)))
        for dotted in (0, 0.5, 0.8)
    ]
    assert pieces[0] == 4
    assert pieces[0] < pieces[1] < pieces[2]


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_boxes_turn_with_the_picture(turns: int) -> None:
    upright = digital(["27", "481"], seed=4)
    turned = digital(["27", "481"], camera=Camera(turns=turns), seed=4)
    np.testing.assert_array_equal(turned.image, np.rot90(upright.image, turns))
    assert turned.text == upright.text
    for (x, y, w, h), (left, top, width, height) in zip(upright.boxes, turned.boxes, strict=True):
        np.testing.assert_array_equal(
            turned.image[top : top + height, left : left + width],
            np.rot90(upright.image[y : y + h, x : x + w], turns),
        )


@pytest.mark.parametrize("knob", ["motion", "jpeg"])
def test_cameras_lose_more_and_more(knob: str) -> None:
    def seen(value: float) -> NDArray[np.float64]:
        knobs: dict[str, Any] = {knob: value}
        return digital(["27", "481"], camera=Camera(**knobs), seed=4).image.astype(np.float64)

    lost = [np.abs(seen(value) - seen(0)).mean() for value in (0.2, 0.6, 1)]
    assert 0 < lost[0] < lost[1] < lost[2]


@pytest.mark.parametrize("size", [(240, 320), (1200, 900)])
def test_scenes_have_any_size(size: tuple[int, int]) -> None:
    around = Around(desk="wood", thumb=True, shadow=0.5, creases=1)
    scene = draw_scene(["27", "481"], size=size, light=0.5, around=around, seed=4)
    assert scene.image.shape == (*size, 3)
    grey = scene.image.mean(axis=2)
    for x, y, width, height in scene.boxes:
        part = grey[y : y + height, x : x + width]
        assert part.min() < 0.6 * np.percentile(part, 80)


def test_single_digits_are_black_on_white_and_in_the_middle() -> None:
    for digit in range(10):
        picture = draw_digit(digit, size=96, style="quick", thickness=0.1, seed=digit)
        assert picture.shape == (96, 96)
        assert picture.dtype == np.uint8
        assert (picture.min(), picture.max()) == (0, 255)
        x, y, width, height = cv2.boundingRect((picture < 128).astype(np.uint8))
        assert abs(x + width / 2 - 48) < 3
        assert abs(y + height / 2 - 48) < 3
        assert max(width, height) == pytest.approx(0.7 * 96 * 1.08, abs=4)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"lines": ["1", " "]}, "give lines of the digits"),
        ({"lines": ["12a"]}, "give lines of the digits"),
        ({"lines": ["1"], "style": "gothic"}, "choose one of round"),
        ({"lines": ["1"], "paper": "papyrus"}, "choose one of white"),
        ({"lines": ["1"], "pen": "quill"}, "choose one of pen"),
        ({"lines": ["1"], "paper": "blackboard"}, "choose another pen or paper"),
        ({"lines": ["1234"], "digit_height": 400}, "do not fit the page"),
    ],
)
def test_what_cannot_be_drawn_says_why(knobs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw_scene(**knobs, seed=0)


def test_committed_examples_are_what_the_generator_draws(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "benchmarks.scenes", tmp_path], cwd=ROOT, check=True)
    committed = {file.name for file in EXAMPLES.iterdir() if file.suffix not in (".py", "")}
    assert {file.name for file in tmp_path.iterdir()} == committed
    for name, _ in draw_examples():
        before, anew = read_picture(EXAMPLES / name), read_picture(tmp_path / name)
        assert before.shape == anew.shape, name
        # Builds of OpenCV round differently in drawing and in JPEG; a digit elsewhere gives > 10.
        assert np.abs(before - anew).mean() < 2, name


def test_labels_of_the_examples_are_what_is_written_in_them() -> None:
    with (EXAMPLES / "labels.csv").open(newline="", encoding="utf-8") as file:
        labels = {row["file"]: row["label"] for row in csv.DictReader(file)}
    assert labels == {name: scene.text.replace("\n", "/") for name, scene in draw_examples()}
    assert set("".join(labels.values())) == set("0123456789/")


def test_examples_are_small() -> None:
    sizes = [file.stat().st_size for file in EXAMPLES.iterdir()]
    assert max(sizes) <= 60_000
    assert sum(sizes) <= 500_000
