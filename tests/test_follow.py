"""Frames are read as often as changes ask for, and no more often."""

import numpy as np

from siffra import Reader
from siffra.follow import Follower
from tests.drawing import Pixels, blank, write


def page(text: str, x: int = 40) -> Pixels:
    picture = blank(240, 400, level=230)
    write(picture, text, at=(x, 80))
    return picture


def noisy(picture: Pixels, seed: int) -> Pixels:
    noise = np.random.default_rng(seed).normal(0, 4, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def reads(follower: Follower, frames: list[Pixels]) -> list[bool]:
    """Which frames were read."""
    read = []
    for seed, frame in enumerate(frames):
        before = follower.last
        follower.follow(noisy(frame, seed))
        read.append(follower.last is not before)
    return read


def test_a_still_picture_is_read_seldom_once_it_is_known(reader: Reader) -> None:
    follower = Follower(reader)
    first, later = reads(follower, [page("4071")] * 8), reads(follower, [page("4071")] * 50)
    assert all(first[:5])
    assert 4 <= sum(later) <= 6


def test_a_brighter_light_on_all_of_it_is_no_change(reader: Reader) -> None:
    follower = Follower(reader)
    reads(follower, [page("4071")] * 12)
    brighter = [np.asarray(page("4071") * 0.94, np.uint8)] * 20
    assert sum(reads(follower, brighter)) <= 4


def test_what_appears_is_read_at_once_and_until_it_is_known(reader: Reader) -> None:
    follower = Follower(reader)
    reads(follower, [page("407")] * 12)
    read = reads(follower, [page("4071")] * 8)
    assert read.index(True) <= 2
    assert all(read[read.index(True) :][:5])


def test_a_picture_that_moves_is_read_in_one_frame_of_six(reader: Reader) -> None:
    follower = Follower(reader)
    reads(follower, [page("407")] * 8)
    moving = reads(follower, [page("407", x=40 + 2 * number) for number in range(60)])
    assert 9 <= sum(moving) <= 16


def test_what_is_put_into_a_picture_that_moves_is_read_at_once(reader: Reader) -> None:
    follower = Follower(reader)
    reads(follower, [page("407", x=30)] * 8)
    reads(follower, [page("407", x=30 + 2 * number) for number in range(13)])
    more = reads(follower, [page("4071", x=56 + 2 * number) for number in range(5)])
    assert more[0]
    assert follower.follow(page("4071", x=66)).text == "4071"


def test_without_following_each_frame_is_read(reader: Reader) -> None:
    assert all(reads(Follower(reader, steady=False), [page("4071")] * 20))


def test_another_reader_is_asked_at_once(reader: Reader) -> None:
    follower = Follower(reader)
    reads(follower, [page("4071")] * 12)
    follower.reader = Reader("ann")
    assert reads(follower, [page("4071")]) == [True]
    assert follower.last is not None
    reads(follower, [page("4071")] * 4)
    assert follower.follow(page("4071")).text == "4071"


def test_frames_are_turned_as_asked_for(reader: Reader) -> None:
    follower = Follower(reader, rotate=90)
    lying = np.ascontiguousarray(np.rot90(page("4071")))
    for seed in range(30):
        reading = follower.follow(noisy(lying, seed))
    assert reading.text == "4071"
    assert reading.rotation == 90
    assert reading.picture.shape == (240, 400)
