"""Pages to regions: every digit once, in reading order, and nothing else."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.scenes import draw_digit, draw_scene
from siffra import locate as locating
from siffra.cells import to_cells
from siffra.images import to_grey
from siffra.ink import Ink, find_ink
from siffra.locate import locate_one
from siffra.order import in_lines
from siffra.pieces import Region
from siffra.results import Box
from tests.drawing import blank, digit_ink, put, write

Pixels = NDArray[np.uint8]


def locate(ink: Ink) -> list[list[Region]]:
    """What may be digits, in lines."""
    return in_lines(locating.locate(ink))


def page(height: int = 300, width: int = 500) -> Pixels:
    return np.full((height, width), 255, dtype=np.uint8)


def zero(on: Pixels, x: int, y: int, height: int = 60) -> Box:
    """Draw a 0 and return its box."""
    cv2.ellipse(
        on, (x + height // 3, y + height // 2), (height // 3 - 3, height // 2 - 3), 0, 0, 360, 0, 5
    )
    return Box(x, y, 2 * height // 3, height)


def overlap(a: Sequence[int], b: Sequence[int]) -> float:
    """Intersection over union of two boxes."""
    across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(0, across) * max(0, down)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("light", [0.0, 0.8])
def test_each_drawn_digit_is_found_once_in_reading_order(seed: int, light: float) -> None:
    scene = draw_scene(
        ["4071", "83", "25960"], size=(480, 640), style="round", paper="white", pen="pen",
        light=light, noise=0.2, blur=0.2, tilt=2, perspective=0.1, seed=seed,
    )  # fmt: skip
    lines = locate(find_ink(to_grey(scene.image)))
    assert [len(line) for line in lines] == [4, 2, 5]
    found = [region.box for line in lines for region in line]
    assert min(map(overlap, found, scene.boxes)) > 0.7


def test_neighbours_of_any_size_keep_their_order() -> None:
    grey = page()
    boxes = [zero(grey, 30, 100, 100), zero(grey, 150, 130, 45), zero(grey, 230, 90, 120)]
    (line,) = locate(find_ink(grey))
    assert [region.box.x for region in line] == pytest.approx([box.x for box in boxes], abs=4)


def test_a_slanted_line_stays_one_line() -> None:
    grey = page()
    for number in range(7):
        zero(grey, 20 + 65 * number, 20 + 25 * number, 50)
    assert [len(line) for line in locate(find_ink(grey))] == [7]


@pytest.mark.parametrize("tilt", [-12, -6, 6, 12])
def test_lines_of_a_tilted_page_keep_together(tilt: int) -> None:
    grey = page(700, 1000)
    for row, count in enumerate((9, 1, 6)):
        for number in range(count):
            zero(grey, 150 + 75 * number, 200 + 110 * row)
    turn = cv2.getRotationMatrix2D((500, 350), tilt, 1)
    turned = np.asarray(cv2.warpAffine(grey, turn, (1000, 700), borderValue=255), dtype=np.uint8)
    assert [len(line) for line in locate(find_ink(turned))] == [9, 1, 6]


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("digit_height", [20, 60, 100])
def test_frames_around_digits_are_left_out(count: int, digit_height: int) -> None:
    one_frame, boxes = page(300, 520), page(300, 520)
    cv2.rectangle(one_frame, (10, 20), (510, 280), 60, 3)
    for number in range(count):
        x = 30 + 120 * number
        zero(one_frame, x, 100, digit_height)
        cv2.rectangle(boxes, (x, 80), (x + 100, 220), 60, 2)
        zero(boxes, x + 20, 100, digit_height)
    for grey in (one_frame, boxes):
        lines = locate(find_ink(grey))
        assert [len(line) for line in lines] == [count]
        assert max(region.side for region in lines[0]) <= digit_height + 2


@pytest.mark.parametrize("desk", [60, 120, 170])
def test_the_desk_around_a_sheet_is_left_out(desk: int) -> None:
    grey = np.full((800, 1000), desk, dtype=np.uint8)
    cv2.fillConvexPoly(grey, np.array([[120, 90], [890, 110], [880, 690], [110, 700]]), 235)
    for number in range(5):
        zero(grey, 200 + 110 * number, 300, 40 + 10 * number)
    assert [len(line) for line in locate(find_ink(grey))] == [5]


def test_a_page_with_a_border_keeps_its_small_digits() -> None:
    grey = page(905, 1280)
    cv2.rectangle(grey, (40, 40), (1240, 865), 60, 3)
    for row in range(6):
        for number in range(7):
            zero(grey, 100 + 150 * number, 100 + 110 * row, 22)
    assert [len(line) for line in locate(find_ink(grey))] == [7] * 6


def test_neighbours_leave_no_ink_in_a_cell() -> None:
    """A 7 leans over a 1: their boxes overlap, their cells don't."""
    grey = page()
    cv2.line(grey, (100, 100), (180, 100), 0, 5)
    cv2.line(grey, (180, 100), (120, 200), 0, 5)
    alone = to_cells(find_ink(grey), locate(find_ink(grey))[0])
    cv2.line(grey, (204, 140), (180, 205), 0, 5)
    ink = find_ink(grey)
    both = to_cells(ink, locate(ink)[0])
    assert len(both) == 2
    assert np.abs(both[0].astype(int) - alone[0]).mean() < 3


def test_broken_strokes_are_one_digit() -> None:
    grey = page()
    zero(grey, 30, 100)
    cv2.line(grey, (150, 100), (190, 100), 0, 5)  # the hat of a 5, off its body
    cv2.line(grey, (152, 108), (150, 128), 0, 5)
    cv2.ellipse(grey, (165, 142), (22, 18), 0, -120, 130, 0, 5)
    zero(grey, 230, 100)
    assert [len(line) for line in locate(find_ink(grey))] == [3]


def test_a_stroke_thinner_than_a_pixel_does_not_break() -> None:
    """A 0 of a small scan: its right side is as pale as what thicker strokes have for an edge."""
    grey = np.full((28, 28), 255, np.uint8)
    cv2.ellipse(grey, (14, 14), (5, 8), 0, 0, 360, 195, 1)
    cv2.ellipse(grey, (14, 14), (5, 8), 0, -90, 90, 225, 1)
    cv2.ellipse(grey, (14, 14), (5, 8), 0, -18, 18, 246, 1)
    region = locate_one(find_ink(grey))
    assert region is not None
    assert region.box == (9, 6, 11, 17)
    assert len(region.contours) == 2, "a ring has an outside and an inside"


def test_specks_rulings_and_edges_are_left_out() -> None:
    grey = page()
    zero(grey, 100, 100)
    zero(grey, 200, 100)
    clean = locate(find_ink(grey.copy()))
    cv2.circle(grey, (300, 150), 3, 0, -1)
    cv2.line(grey, (0, 200), (499, 203), 90, 2)  # a ruling
    cv2.line(grey, (3, 0), (0, 299), 60, 9)  # the table beside the sheet
    cv2.rectangle(grey, (0, 290), (499, 299), 70, -1)
    assert [[r.box for r in line] for line in locate(find_ink(grey))] == [
        [r.box for r in line] for line in clean
    ]


@pytest.mark.parametrize("margin", [0, 3, 40])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_ones_are_not_taken_for_rulings(count: int, margin: int) -> None:
    """Tall thin strokes, in crops as tight as they come; the 0 shows which strokes are digits."""
    with_zero = page(60 + 2 * margin, 120 * count + 60)
    zero(with_zero, 10, margin)
    ones = page(60 + 2 * margin, 120 * count - 60)
    for number in range(count):
        for grey, left in ((with_zero, 100), (ones, margin // 2 + 5)):
            x = left + 100 * number
            cv2.line(grey, (x, margin), (x, margin + 59), 0, 4)
    assert [len(line) for line in locate(find_ink(with_zero))] == [count + 1]
    assert [len(line) for line in locate(find_ink(ones))] == [count]


@pytest.mark.parametrize("margin", [0, 2, 30])
@pytest.mark.parametrize("digits", ["8", "45", "60", "17", "411", "2071"])
def test_crops_may_be_tight(digits: str, margin: int) -> None:
    drawn = [
        draw_digit(int(digit), size=100, style="round", thickness=0.1, seed=4) for digit in digits
    ]
    ink = np.hstack([one[:, (one < 200).any(axis=0)] for one in drawn])
    gaps = np.insert(ink, np.cumsum([(one < 200).any(axis=0).sum() for one in drawn])[:-1], 255, 1)
    gaps = np.repeat(gaps, 1 + 14 * (gaps.min(axis=0) > 200), axis=1)
    tight = gaps[(gaps < 200).any(axis=1)]
    grey = np.pad(tight, margin, constant_values=255)
    assert [len(line) for line in locate(find_ink(grey))] == [len(digits)]


def test_blank_and_noisy_paper_hold_nothing() -> None:
    rng = np.random.default_rng(0)
    for paper in (page(), page() // 2, rng.normal(200, 6, (300, 500)).clip(0, 255)):
        assert locate(find_ink(np.asarray(paper, dtype=np.uint8))) == []


@pytest.mark.parametrize("inset", [0, 20, 60])
def test_one_digit_wins_over_what_surrounds_it(inset: int) -> None:
    grey = page(300, 300)
    cv2.rectangle(grey, (inset, inset), (299 - inset, 299 - inset), 40, 8)  # a form's box
    box = zero(grey, 110, 90, 120)
    region = locate_one(find_ink(grey))
    assert region is not None
    assert overlap(region.box, box) > 0.8


def test_a_digit_that_fills_the_picture_keeps_its_inside() -> None:
    """A local threshold would turn the bar into two outlines."""
    grey = page(200, 200)
    cv2.line(grey, (100, 20), (100, 180), 0, 50)
    region = locate_one(find_ink(grey))
    assert region is not None
    assert len(region.contours) == 1
    assert region.stroke_width == pytest.approx(50, rel=0.25)


def test_no_ink_is_no_region() -> None:
    assert locate_one(find_ink(page())) is None


def test_slim_digits_one_above_the_other_are_no_broken_line() -> None:
    paper = blank(400, 300)
    for line, (left, right) in enumerate(((6, 1), (7, 6), (3, 8))):
        put(paper, digit_ink(left), 80, 60 + 70 * line)
        slim = cv2.resize(digit_ink(right, 60), (22, 60), interpolation=cv2.INTER_AREA)
        put(paper, np.asarray(slim, np.uint8), 160, 60 + 70 * line)
    assert [len(line) for line in locate(find_ink(paper))] == [2, 2, 2]


def test_ones_at_the_beginning_of_close_lines_are_no_broken_line() -> None:
    paper = blank(400, 300)
    for line, text in enumerate(("15", "12", "19", "14")):
        write(paper, text, at=(80, 40 + 75 * line))
    assert [len(line) for line in locate(find_ink(paper))] == [2, 2, 2, 2]
