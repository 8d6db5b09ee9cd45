"""Readings of frame after frame: what changes them, and what must not."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest

import siffra
from siffra import Reader, Reading
from tests.drawing import Pixels, blank, cross, write

SIZE = (240, 400)


def page(text: str, x: int = 40, y: int = 80, level: int = 0) -> Pixels:
    picture = blank(*SIZE, level=230)
    write(picture, text, at=(x, y), level=level)
    return picture


def noisy(picture: Pixels, seed: int) -> Pixels:
    noise = np.random.default_rng(seed).normal(0, 4, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def readings(frames: Iterable[Pixels], reader: Reader, *, steady: bool = True) -> list[Reading]:
    shaken = (noisy(frame, seed) for seed, frame in enumerate(frames))
    with siffra.watch(shaken, reader=reader, steady=steady) as watch:
        return [reading for _, reading in watch]


def texts(frames: Iterable[Pixels], reader: Reader) -> list[str]:
    return [reading.text for reading in readings(frames, reader)]


def changes(said: list[str]) -> list[str]:
    """What was said, without saying it again."""
    return said[:1] + [after for before, after in pairwise(said) if before != after]


def test_digits_that_appear_are_read_within_five_frames_and_stay(reader: Reader) -> None:
    said = texts([blank(*SIZE, level=230)] * 12 + [page("4071")] * 20, reader)
    assert changes(said) == ["", "4071"]
    assert said[12 + 4] == "4071"


def test_a_digit_that_joins_others_is_read_within_five_frames(reader: Reader) -> None:
    said = texts([page("407")] * 12 + [page("4071")] * 20, reader)
    assert changes(said) == ["", "407", "4071"]
    assert said[12 + 4] == "4071"


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_frames_in_which_nothing_is_to_be_seen_change_nothing(frames: int, reader: Reader) -> None:
    calm = [page("4071")] * 15
    for torn in (blank(*SIZE, level=230), blank(*SIZE, level=12)):
        said = texts([*calm, *[torn] * frames, *calm], reader)
        assert changes(said) == ["", "4071"]


@pytest.mark.parametrize("frames", [1, 2])
def test_smeared_frames_change_nothing(frames: int, reader: Reader) -> None:
    calm = [page("4071")] * 15
    smeared = np.roll(page("4071"), 9, axis=1) // 2 + page("4071") // 2
    assert changes(texts([*calm, *[smeared] * frames, *calm], reader)) == ["", "4071"]


def test_digits_that_are_gone_are_forgotten_soon(reader: Reader) -> None:
    said = texts([page("4071")] * 15 + [blank(*SIZE, level=230)] * 15, reader)
    assert changes(said) == ["", "4071", ""]
    assert said[15 + 8] == ""


def test_another_sheet_in_the_same_place_is_never_mixed_with_the_one_before(reader: Reader) -> None:
    for other in (page("8325"), page("93825", x=20, y=60), page("83", x=70, y=95)):
        said = texts([page("4071")] * 15 + [other] * 15, reader)
        assert len(changes(said)) == 3, changes(said)
        assert said[15 + 4] == said[-1] == reader.read(other).text


def test_another_digit_alone_on_its_sheet_takes_no_longer(reader: Reader) -> None:
    said = texts([page("9", x=100)] * 15 + [page("7", x=100)] * 15, reader)
    assert changes(said) == ["", "9", "7"]
    assert said[15 + 3] == "7"


def test_one_digit_that_is_corrected_changes_alone(reader: Reader) -> None:
    said = texts([page("4071")] * 15 + [page("4871")] * 15, reader)
    assert changes(said) == ["", "4071", "4871"]
    assert said[15 + 4] == "4871"


@pytest.mark.parametrize("step", [1, 3, 6])
def test_digits_are_followed_while_the_camera_moves(step: int, reader: Reader) -> None:
    moves = [page("407", x=15 + step * number) for number in range(170 // step)]
    still = [moves[0]] * 8
    found = readings([*still, *moves], reader)
    assert changes([reading.text for reading in found]) == ["", "407"]
    alone = readings([*still, *moves], reader, steady=False)
    for one, other in zip(found[20:], alone[20:], strict=True):
        for digit, there in zip(one.digits, other.digits, strict=True):
            assert digit.box == pytest.approx(there.box, abs=step + 3)


def test_a_jump_of_the_camera_does_not_mix_up_neighbours(reader: Reader) -> None:
    width = 78  # from one digit to the next
    frames = [page("4071")] * 15 + [page("4071", x=40 - width // 2)] * 10
    frames += [page("4071", x=40)] * 10
    assert changes(texts(frames, reader)) == ["", "4071"]


def test_a_digit_that_flickers_between_two_labels_keeps_one(reader: Reader) -> None:
    one, seven = page("4 1 2"), page("4 7 2")
    flickering = [one] * 10 + [seven, one] * 15
    assert changes(texts(flickering, reader)) == ["", "412"]


def test_what_is_there_every_other_frame_is_not_shown(reader: Reader) -> None:
    flashing = [page("4071"), page("407")] * 20
    assert changes(texts(flashing, reader)) == ["", "407"]


def test_what_is_there_in_one_frame_of_three_is_not_shown_for_long(reader: Reader) -> None:
    fading = [page("4071")] * 10 + [page("4071"), page("407"), page("407")] * 12
    said = texts(fading, reader)
    assert said[10] == "4071"
    assert set(said[-20:]) == {"407"}


def test_digits_that_leave_the_picture_are_let_go_of(reader: Reader) -> None:
    table = blank(SIZE[0], 2 * SIZE[1], level=230)
    write(table, "407", at=(SIZE[1] + 40, 80))
    moves = [table[:, SIZE[1] - shift :][:, : SIZE[1]] for shift in range(0, 360, 12)]
    moves = [moves[0]] * 8 + moves
    for reading in readings(moves, reader):
        for digit in reading.digits:
            x, _, width, _ = digit.box
            assert x + width / 2 < SIZE[1] - 2
            assert width > 4


def test_the_edge_of_a_sheet_with_nothing_on_it_is_no_digit(reader: Reader) -> None:
    edge = blank(*SIZE, level=230)
    edge[50:190, 180:186] = 40
    assert texts([edge] * 12, reader)[-1] == ""
    write(edge, "4", at=(90, 80))
    beside = np.minimum(edge, page("3"))
    assert "3" in texts([beside] * 12, reader)[-1]


def test_confidence_comes_from_all_frames_and_the_picture_from_the_last(reader: Reader) -> None:
    frames = [noisy(page("4071"), number) for number in range(10)]
    with siffra.watch(iter(frames), reader=reader) as watch:
        pairs = list(watch)
    frame, reading = pairs[-1]
    assert frame.pixels is reading.picture
    assert all(digit.picture is frame.pixels for digit in reading.digits)
    assert all(0.9 < digit.confidence <= 1.0 for digit in reading.digits)
    assert all(sum(digit.probabilities) == pytest.approx(1.0, abs=1e-3) for digit in reading.digits)


def test_lines_and_words_are_as_on_a_single_page(reader: Reader) -> None:
    picture = blank(*SIZE, level=230)
    write(picture, "40 71", at=(20, 30))
    write(picture, "832", at=(20, 140))
    said = texts([picture] * 8, reader)
    assert changes(said) == ["", "40 71\n832"]


def test_a_sheet_that_lies_askew_is_put_in_order_as_a_page_is(reader: Reader) -> None:
    import cv2

    picture = blank(480, 640, level=230)
    for line, text in enumerate(("4071", "8325")):
        write(picture, text, at=(140, 130 + 110 * line))
    turn = cv2.getRotationMatrix2D((320, 240), 20, 1.0)
    askew = np.asarray(cv2.warpAffine(picture, turn, (640, 480), borderValue=230), np.uint8)
    found = readings([askew] * 8, reader)
    assert found[-1].text == "4071\n8325"
    assert found[-1].straight_boxes is not None


def test_frames_of_another_size_begin_anew(reader: Reader) -> None:
    larger = np.repeat(np.repeat(page("83"), 2, axis=0), 2, axis=1)
    assert changes(texts([page("4071")] * 8 + [larger] * 8, reader)) == ["", "4071", "", "83"]


def test_what_comes_back_after_a_while_comes_back_whole_and_at_once(reader: Reader) -> None:
    picture = blank(*SIZE, level=230)
    for line, text in enumerate(("1511", "1191")):
        write(picture, text, at=(60, 40 + 90 * line), gap=12)
    frames = [picture] * 10 + [blank(*SIZE, level=230)] * 12 + [picture] * 20
    assert changes(texts(frames, reader)) == ["", "1511\n1191", "", "1511\n1191"]


def test_neighbours_in_a_hand_that_trembles_are_not_taken_for_each_other(reader: Reader) -> None:
    rng = np.random.default_rng(3)
    frames = []
    for x, y in rng.integers(-7, 8, (60, 2)):
        picture = blank(*SIZE, level=230)
        for line, text in enumerate(("1511", "1191")):
            write(picture, text, at=(60 + x, 40 + 90 * line + y), gap=12)
        frames.append(picture)
    assert changes(texts(frames, reader)) == ["", "1511\n1191"]


def test_what_was_no_digit_does_not_stand_in_the_way_of_one(reader: Reader) -> None:
    scribble = blank(*SIZE, level=230)
    cross(scribble, 50, 30, 160)
    found = readings([scribble] * 15 + [page("471")] * 12, reader)
    assert [digit.label for digit in found[14].digits] == [None]
    assert found[15 + 2].text == "471"
