"""What people see of a live picture: all of it, what was read, and what to do."""

import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from siffra import Reader, Reading
from siffra.live import Statistics
from siffra.results import Timings
from siffra.view import KEYS, Status, view
from tests.drawing import Pixels, blank, cross, put, write

GREEN, RED, AMBER, BLUE = (60, 160, 0), (60, 60, 230), (70, 200, 255), (150, 110, 20)
"""Of accepted digits, of alarm and recording, of advice and news, of pause and end."""

STATISTICS = Statistics(300, 120, 7, 29.97, 3.2, 8.5, Timings(0.1, 1.2, 0.6, 0.5))
SIZES = [(160, 120), (120, 160), (320, 240), (640, 480), (480, 640), (1280, 720), (3840, 2160)]
"""Width and height of frames."""


def reading_of(reader: Reader, width: int = 640, height: int = 480, digits: str = "314") -> Reading:
    paper = blank(height, width, 220)
    side = min(width, height) // 4
    write(paper, digits, at=(width // 10, height // 3), height=side, gap=side // 4)
    return reader.read(paper)


def shows(pixels: Pixels, colour: tuple[int, int, int], least: int = 20) -> bool:
    """Whether it is there, nearly: OpenCV 4 writes thin letters, whose edges are all of them."""
    return bool((np.abs(pixels.astype(int) - colour).max(axis=2) < 32).sum() >= least)


def bar(shown: Pixels, height: int = 480) -> Pixels:
    """What is below the picture."""
    return shown[height:]


def letters(pixels: Pixels) -> int:
    """How many pixels are bright on the dark of a bar."""
    return int((pixels.min(axis=2) > 120).sum())


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_frames_of_any_size_show_with_their_digits_and_a_bar(
    reader: Reader, width: int, height: int
) -> None:
    reading = reading_of(reader, width, height)
    assert reading.text == "314"
    shown = view(reading, STATISTICS, Status(model="cnn", threshold=0.7))
    assert shown.dtype == np.uint8
    assert 480 <= shown.shape[1] <= 1920
    assert shown.shape[0] > shown.shape[1] * height / width * 0.99 or width < height
    assert shows(shown, GREEN)
    digits, rest = np.split(shown, [round(shown.shape[0] * 0.7)])
    assert (digits == 220).mean() > 0.3, "the paper"
    assert letters(rest) > 300, "the text"


def test_the_picture_is_all_there_and_nothing_covers_it(reader: Reader) -> None:
    reading = reading_of(reader)
    shown = view(reading, STATISTICS, Status(model="cnn", recording=True, paused=True, keys=True))
    assert np.array_equal(shown[:480], reading.draw())


def test_colour_shows_in_colour(reader: Reader) -> None:
    paper = np.dstack([blank(level=level) for level in (180, 220, 240)])
    shown = view(reader.read(paper))
    assert (shown == (180, 220, 240)).all(axis=2).mean() > 0.5


def test_the_frame_is_left_as_it_is(reader: Reader) -> None:
    paper = np.dstack([blank(480, 640, 200)] * 3)
    before = paper.copy()
    view(reader.read(paper), STATISTICS, Status(help=True, problem="gone"))
    assert np.array_equal(paper, before)


def test_small_frames_are_enlarged_with_the_boxes_in_place(reader: Reader) -> None:
    reading = reading_of(reader, 160, 120)
    shown = view(reading)
    x, y, width, height = (3 * side for side in reading.digits[0].box)
    frame = shown[y - 2 : y + height + 2, x - 2 : x + width + 2]
    edge = np.concatenate([frame[:3, 20:].reshape(-1, 3), frame[:, :3].reshape(-1, 3)])
    assert (edge == GREEN).all(axis=1).mean() > 0.25
    assert not (frame[6:-6, 6:-6] == GREEN).all(axis=2).any()


@pytest.mark.parametrize("lines", [["7"], ["271828182845"], ["27182818284590452353602874"] * 3])
def test_any_text_fits_in_the_bar(reader: Reader, lines: list[str]) -> None:
    paper = blank(480, 2400, 220)
    for number, line in enumerate(lines):
        write(paper, line, at=(20, 60 + 120 * number), height=60, gap=14)
    reading = reader.read(paper)
    assert len(reading.text) > 0.9 * sum(map(len, lines))
    wide = view(replace(reading, picture=np.ascontiguousarray(paper[:, :640])), STATISTICS)
    text = bar(wide)
    assert letters(text[:, :600]) > 100
    assert letters(text[:, -6:]) == 0, "it does not run out of the bar"


def test_many_lines_show_as_one(reader: Reader) -> None:
    paper = blank(480, 640, 220)
    write(paper, "31", at=(60, 60))
    one = view(reader.read(paper))
    write(paper, "42", at=(60, 260))
    two = view(reader.read(paper))
    assert one.shape == two.shape
    assert letters(bar(two)) > 1.5 * letters(bar(one))


ADVICE = {
    "nothing": blank(480, 640, 180),
    "too dark": blank(480, 640, 12),
    "too bright": blank(480, 640, 255),
}


@pytest.mark.parametrize("name", ADVICE)
def test_where_nothing_is_found_it_guides(reader: Reader, name: str) -> None:
    paper = ADVICE[name]
    shown = view(reader.read(paper))
    assert shows(shown[:480], AMBER), "marks in the corners"
    assert (shown[120:360, 160:480] == paper[0, 0]).all(), "nothing in the middle"
    assert shows(bar(shown), AMBER), "words"


def advice_on(reader: Reader, picture: Pixels, live: bool = True) -> bytes:
    """The line of the bar that advises."""
    return bar(view(reader.read(picture), None, Status(live=live)))[40:75].tobytes()


def test_advice_differs_with_what_is_wrong(reader: Reader) -> None:
    small, doubtful = blank(480, 640, 220), blank(480, 640, 220)
    write(small, "3141592", at=(100, 200), height=7, gap=4)
    small = np.asarray(cv2.GaussianBlur(small, (0, 0), 1.0), np.uint8)
    cross(doubtful, 300, 200, side=80)
    advice = {advice_on(reader, picture) for picture in [*ADVICE.values(), small, doubtful]}
    assert len(advice) == len(ADVICE) + 2
    in_file = advice_on(reader, ADVICE["nothing"], live=False)
    assert in_file not in advice, "a file cannot be pointed"


def test_small_digits_of_which_some_are_read_are_worth_coming_closer(reader: Reader) -> None:
    paper = blank(480, 640, 220)
    write(paper, "3141592", at=(100, 200), height=9, gap=4, pen=0.12)
    paper = np.asarray(cv2.GaussianBlur(paper, (0, 0), 1.0), np.uint8)
    reading = reader.read(paper)
    assert {digit.accepted for digit in reading.digits} == {True, False}
    shown = view(reading)
    assert shows(bar(shown), AMBER)
    assert not shows(shown[:480], AMBER), "no marks in the corners"


def test_where_something_is_read_nothing_guides(reader: Reader) -> None:
    assert not shows(view(reading_of(reader)), AMBER)


def test_a_problem_stands_on_the_greyed_picture(reader: Reader) -> None:
    paper = np.dstack([blank(480, 640, level) for level in (120, 200, 240)])
    put(paper[:, :, 1], blank(80, 80), 50, 50)
    problem = "camera 0 is gone: was it unplugged? Trying again in 2 s"
    shown = view(reader.read(paper), STATISTICS, Status(problem=problem))
    assert shows(shown[:480], RED)
    assert (np.ptp(shown[:100].astype(int), axis=2) == 0).all(), "no colour"
    assert shown[300:400].mean() < 0.6 * paper.mean()
    assert shows(bar(shown), RED)


@pytest.mark.parametrize("width", [160, 640])
def test_a_long_problem_is_wrapped(reader: Reader, width: int) -> None:
    problem = "camera 0 is gone: " + "was it unplugged, is another program using it? " * 4
    shown = view(reading_of(reader, width, width * 3 // 4), None, Status(problem=problem))
    red = np.flatnonzero((np.abs(shown.astype(int) - RED).max(axis=2) < 8).any(axis=0))
    assert red[0] > 0
    assert red[-1] < shown.shape[1] - 1


def test_before_the_first_frame_there_is_something_to_see() -> None:
    shown = view(None, None, Status(problem="waiting for camera 0", keys=True))
    assert shown.shape[1] == 640
    assert shows(shown, RED)


@pytest.mark.parametrize(
    ("status", "colour"),
    [
        (Status(recording=True), RED),
        (Status(paused=True), BLUE),
        (Status(ended=True), BLUE),
        (Status(message="saved a.png"), AMBER),
    ],
)
def test_what_is_going_on_has_a_mark(
    reader: Reader, status: Status, colour: tuple[int, int, int]
) -> None:
    reading = reading_of(reader)
    assert shows(bar(view(reading, None, status)), colour)
    assert not shows(view(reading), colour)


def test_words_of_any_script_can_be_shown(reader: Reader) -> None:
    view(reading_of(reader), None, Status(message="saved Zürich/数字.png", problem="カメラ"))


def test_help_names_every_key(reader: Reader) -> None:
    reading = reading_of(reader)
    for size in [(160, 120), (640, 480), (480, 640)]:
        shown = view(reading_of(reader, *size), None, Status(help=True))
        row = round(26 * shown.shape[1] / 640)
        keys = shown[: row * (len(KEYS) + 1), : 3 * row]
        lines = (np.abs(keys.astype(int) - AMBER).max(axis=2) < 60).any(axis=1)
        assert np.count_nonzero(np.diff(lines.astype(int)) == 1) >= len(KEYS)
    assert not shows(view(reading), AMBER)


def test_an_explanation_takes_the_place_of_the_picture(reader: Reader) -> None:
    reading = reading_of(reader)
    explanation = reader.explain(reading.picture)
    shown = view(reading, STATISTICS, Status(), explanation)
    assert np.array_equal(shown[: len(explanation)], explanation)
    assert letters(shown[len(explanation) :]) > 300


def test_figures_of_the_loop_show(reader: Reader) -> None:
    reading = reading_of(reader, 1280, 720)  # wide enough for them in OpenCV 4's letters too
    without = letters(bar(view(reading), 720))
    figures = letters(bar(view(reading, STATISTICS), 720))
    model = letters(bar(view(reading, STATISTICS, Status(model="cnn", threshold=0.7)), 720))
    assert without < figures < model


def test_it_takes_little_of_a_frame_s_time(reader: Reader) -> None:
    paper = np.asarray(cv2.cvtColor(reading_of(reader).picture, cv2.COLOR_GRAY2BGR), np.uint8)
    reading, status = reader.read(paper), Status(model="cnn", threshold=0.7)
    times = []
    for _ in range(50):
        started = time.perf_counter()
        view(reading, STATISTICS, status)
        times.append(time.perf_counter() - started)
    assert np.median(times) < 0.005  # half a millisecond where nothing else runs
