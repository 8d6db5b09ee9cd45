"""A page read as a whole: the other ways of reading it, and which of them is kept."""

import cv2
import numpy as np
import pytest

from siffra import Reader
from siffra.page import Page, read_page
from siffra.scale import reduce
from tests.drawing import Pixels, blank, cross, overlap, write

THRESHOLD = 0.7


def read(reader: Reader, grey: Pixels) -> Page:
    return read_page(grey, reader.probabilities, THRESHOLD)


def labels(page: Page) -> list[str]:
    return ["".join(str(found.probabilities.argmax()) for found in line) for line in page.lines]


def test_a_page_has_its_lines_its_ink_and_its_score(reader: Reader) -> None:
    grey = blank()
    written = write(grey, "4071", at=(40, 40)) + write(grey, "325", at=(60, 140))
    page = read(reader, grey)
    assert labels(page) == ["4071", "325"]
    assert page.score == 7
    assert page.left_out == ()
    assert page.grey is grey
    assert page.ink.strength.shape == grey.shape
    found = [each for line in page.lines for each in line]
    assert min(map(overlap, (each.box for each in found), written)) > 0.9
    assert all(each.sure == each.probabilities.max() > THRESHOLD for each in found)
    assert len(page.seconds) == 3
    assert min(page.seconds) > 0


def test_what_is_not_accepted_takes_from_the_score(reader: Reader) -> None:
    grey = blank()
    write(grey, "4071", at=(40, 40))
    cross(grey, 60, 150)
    page = read(reader, grey)
    assert len(page.lines) == 2
    assert page.score == 3.5


def test_a_page_without_ink_has_no_lines(reader: Reader) -> None:
    page = read(reader, blank())
    assert page.lines == ()
    assert page.score == 0


def test_small_digits_are_looked_for_in_a_finer_copy(reader: Reader) -> None:
    fine, coarse = [], []
    for height in (14, 16, 18):
        grey = blank(1800, 2400)
        write(grey, "407285", at=(900, 800), height=height, gap=height // 3, pen=0.12)
        grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), 0.8), np.uint8)
        fine.append(read(reader, grey))
        coarse.append(read(reader, reduce(grey)))
    assert [labels(page) for page in fine] == [["407285"]] * 3
    assert sum(page.score for page in coarse) < sum(page.score for page in fine) == 18
    assert max(page.grey.shape for page in fine) > max(page.grey.shape for page in coarse)


def test_large_digits_are_not(reader: Reader) -> None:
    grey = blank(1800, 2400)
    write(grey, "407185", at=(600, 800), height=150, gap=40)
    cross(grey, 1600, 800, side=150)  # which takes a closer look
    assert read(reader, grey).grey.shape == reduce(grey).shape


def test_a_page_without_doubt_is_read_from_a_small_copy(reader: Reader) -> None:
    grey = blank(960, 1280)
    write(grey, "407285", at=(100, 300), height=120, gap=40)
    plain = read(reader, grey)
    cross(grey, 1100, 300, side=120)
    doubtful = read(reader, grey)
    assert labels(plain) == ["407285"]
    assert max(plain.grey.shape) == 320 < max(doubtful.grey.shape)
    assert labels(doubtful)[0].startswith("407285")


def test_small_print_beside_large_digits_is_read_too(reader: Reader) -> None:
    """In the small copy it is but specks."""
    grey = blank(960, 1280)
    write(grey, "4072", at=(100, 100), height=160, gap=60)
    rows = ["407285407285", "293860293860"] * 4
    for row, text in enumerate(rows):
        write(grey, text, at=(120, 400 + 60 * row), height=20, gap=10, pen=0.12)
    assert labels(read(reader, grey)) == ["4072", *rows]


@pytest.mark.parametrize("width", [2, 3, 4])
def test_a_crease_beside_digits_of_a_broad_pen_is_no_digit(reader: Reader, width: int) -> None:
    """In the small copy it is as thin as what the pen of a 1 may be."""
    grey = blank(960, 1280)
    write(grey, "40285", at=(100, 300), height=160, gap=60, pen=0.14)
    cv2.line(grey, (1000, 300), (1004, 450), 0, width)
    assert labels(read(reader, grey)) == ["40285"]


@pytest.mark.parametrize("number", ["4078", "325"])
def test_the_way_that_reads_more_is_kept(reader: Reader, number: str) -> None:
    """Of a page of which half lies in shadow."""
    shaded = blank()
    write(shaded, number, at=(60, 90))
    write(shaded, "96", at=(60, 20), height=50)
    shaded[:, 200:] = np.asarray(0.35 * shaded[:, 200:], np.uint8)
    page = read(reader, shaded)
    assert labels(page) == ["96", number]
    assert page.score == 2 + len(number)


def test_what_is_texture_is_left_out_and_shown(reader: Reader) -> None:
    grey = blank(300, 460)
    write(grey, "40718", at=(40, 60), height=45, gap=14)
    cv2.line(grey, (300, 62), (301, 104), 165, 5)  # a crease
    page = read(reader, grey)
    assert labels(page) == ["40718"]
    (crease,) = page.left_out
    assert overlap(crease.box, (297, 59, 8, 49)) > 0.8
