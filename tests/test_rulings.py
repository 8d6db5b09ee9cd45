"""Lines that were there before the writing: found, taken out, and what crosses them left whole."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from benchmarks.scenes import Form, draw_scene
from siffra import Reader
from siffra.ink import find_ink
from siffra.pieces import find_pieces
from siffra.rulings import remove_lines, without_paler
from tests.drawing import Pixels, blank, inked, overlap, shared, write

HEIGHT = 60


def written_page() -> Pixels:
    page = blank(240, 420)
    write(page, "40718", at=(50, 40), height=HEIGHT)
    write(page, "32596", at=(70, 140), height=HEIGHT)
    return page


def cleared(page: Pixels) -> Pixels | None:
    """The mask of a page with black ink after lines were taken out of it."""
    mask = np.where(inked(page), 255, 0).astype(np.uint8)
    return remove_lines(mask, find_pieces(mask), HEIGHT)


def ruled(page: Pixels, *, slope: float = 0, bow: int = 0) -> None:
    """Black lines through the writing, from border to border, in place."""
    width = page.shape[1]
    x = np.arange(width)
    for y in (86, 186):
        course = y + slope * (x - width / 2) + bow * (1 - (2 * x / width - 1) ** 2)
        points = np.stack([x, np.rint(course)], axis=1).astype(np.int32)
        cv2.polylines(page, [points], isClosed=False, color=0, thickness=2)


def squared(page: Pixels) -> None:
    for place in range(20, 420, 50):
        cv2.line(page, (place, 0), (place, 239), 0, 2)
        cv2.line(page, (0, place), (419, place), 0, 2)


def boxes(page: Pixels) -> None:
    for y in (34, 134):
        cv2.rectangle(page, (40, y), (400, y + 72), 0, 2)
        for x in range(112, 400, 72):
            cv2.line(page, (x, y), (x, y + 72), 0, 2)


def underlines(page: Pixels) -> None:
    for y in (98, 198):
        cv2.line(page, (40, y), (380, y + 4), 0, 3)


@pytest.mark.parametrize(
    "draw",
    [
        ruled,
        lambda page: ruled(page, slope=0.06),
        lambda page: ruled(page, bow=8),
        squared,
        boxes,
        underlines,
    ],
    ids=["level", "slanted", "curved", "squares", "boxes", "underlines"],
)
def test_lines_go_and_the_writing_across_them_stays(draw: Callable[[Pixels], None]) -> None:
    page = written_page()
    writing = inked(page)
    draw(page)
    left = cleared(page)
    assert left is not None
    added = inked(page) & ~writing
    assert (left[added] > 0).mean() < 0.15
    assert (left[writing] > 0).mean() > 0.85


def test_a_page_without_lines_is_left_as_it_is() -> None:
    """The bars of 2, 4, 5 and 7 are straight too."""
    for style in ("round", "school", "continental"):
        page = blank(240, 420)
        write(page, "45727", at=(30, 40), style=style)
        write(page, "11744", at=(30, 140), style=style)
        assert cleared(page) is None


def test_paler_lines_are_told_from_ink_by_their_strength() -> None:
    """No matter what they cross: what is as dark as the writing is writing."""
    page = written_page()
    writing = inked(page)
    paler = blank(240, 420)
    squared(paler)
    grey = np.minimum(page, np.where(paler == 0, 150, 255)).astype(np.uint8)
    ink = find_ink(grey)
    mask = ink.mask
    left = remove_lines(mask, find_pieces(mask), HEIGHT)
    assert left is not None
    by_strength = without_paler(ink, mask, left)
    assert shared(by_strength, writing) > shared(left, writing)
    assert shared(by_strength, writing) > 0.9


def test_lines_as_dark_as_the_writing_are_not_told_by_strength() -> None:
    page = written_page()
    ruled(page)
    ink = find_ink(page)
    mask = ink.mask
    left = remove_lines(mask, find_pieces(mask), HEIGHT)
    assert left is not None
    assert without_paler(ink, mask, left) is left


@pytest.mark.parametrize(
    "form",
    [
        Form(rulings=0.8),
        Form(rulings=0.8, crossing=1),
        Form(rulings=0.6, squared=True, crossing=1),
        Form(boxes=0.9),
        Form(underline=0.9),
        Form(table=0.9),
    ],
    ids=["rulings", "rulings crossed", "squares", "boxes", "underlines", "table"],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_numbers_on_forms_are_read(reader: Reader, form: Form, seed: int) -> None:
    scene = draw_scene(
        ["4071", "325"], size=(300, 400), form=form, tilt=1, noise=0.1, blur=0.1, seed=seed
    )
    reading = reader.read(scene.image)
    assert reading.text == scene.text
    assert min(map(overlap, (digit.box for digit in reading.digits), scene.boxes)) > 0.6


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_box_that_digits_touch_comes_off_them(reader: Reader, count: int) -> None:
    """Feet on the line below, in boxes of a form: all are one piece of ink."""
    page = blank(160, 420)
    digits = "3685"[:count]
    written = write(page, digits, at=(40, 50), gap=30)
    right = written[-1].x + written[-1].width + 20
    cv2.rectangle(page, (20, 30), (right, 108), 0, 2)
    for box in written[1:]:
        cv2.line(page, (box.x - 15, 30), (box.x - 15, 108), 0, 2)
    assert len(find_pieces(np.where(inked(page), 255, 0).astype(np.uint8))) == 1
    assert reader.read(page).text == digits
