import numpy as np
import pytest

from siffra.results import Pixels
from siffra.scale import enlarge, halved, reduce

GREY = np.random.default_rng(0).integers(0, 256, (40, 60)).astype(np.uint8)


def test_reduce_keeps_small_pictures_and_the_shape_of_large_ones() -> None:
    assert np.array_equal(reduce(GREY), GREY)
    assert reduce(GREY, side=30).shape == (20, 30)
    assert reduce(GREY[:1], side=30).shape == (1, 30)


@pytest.mark.parametrize("shape", [(1000, 1333), (479, 2000), (3, 4097)])
def test_reduce_averages_by_whatever_factor(shape: tuple[int, int]) -> None:
    """What it is done in: pixels in between would show as steps, and edges as shifts."""
    row = np.rint(np.linspace(0, 255, shape[1])).astype(np.uint8)
    small = reduce(np.repeat(row[None], shape[0], axis=0), side=100)
    assert small.shape[1] == 100
    assert np.abs(small - 2.55 * (np.arange(100) + 0.5)).max() <= 2


@pytest.mark.parametrize(("side", "shape"), [(60, (40, 60)), (59, (20, 30)), (15, (10, 15))])
def test_halved_goes_on_until_it_is_small_enough(side: int, shape: tuple[int, int]) -> None:
    assert halved(GREY, side).shape == shape


def test_halving_averages_four_pixels_and_a_row_of_one_stays() -> None:
    block: Pixels = np.array([[0, 100], [200, 100]], np.uint8)
    assert halved(block, 1).tolist() == [[100]]
    assert halved(GREY[:1], 30).shape == (1, 30)


def test_enlarge_is_smooth() -> None:
    small: Pixels = np.array([[0, 200]], np.uint8)
    row = enlarge(small, (1, 101))[0].astype(int)
    assert row[0] == 0
    assert row[-1] == 200
    assert np.diff(row).min() >= 0
    assert np.diff(row).max() < 8
