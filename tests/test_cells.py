"""The contract: MNIST's own normalisation, to the pixel."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.scenes import draw_digit
from siffra.cells import normalise, to_cells
from siffra.ink import find_ink
from siffra.locate import locate_one
from train.data import load


def cell_of(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    ink = find_ink(grey)
    region = locate_one(ink)
    assert region is not None
    cell: NDArray[np.uint8] = to_cells(ink, [region])[0]
    return cell


def test_mnist_comes_back_unchanged(mnist: Path) -> None:
    """What training shows the network, and what pictures become, obey one definition."""
    images = load(mnist).test_cells
    same = sum(np.array_equal(normalise(image), image) for image in images)
    assert same >= 9_990  # 3 images in 10,000 were not scaled to 20 pixels by MNIST's makers


@pytest.mark.parametrize(("height", "width"), [(20, 20), (7, 3), (400, 90), (50, 300), (1, 1)])
def test_ink_is_scaled_to_20_pixels_and_keeps_its_shape(height: int, width: int) -> None:
    ink = np.zeros((500, 500), dtype=np.uint8)
    ink[33 : 33 + height, 71 : 71 + width] = 255
    cell = normalise(ink)
    assert cell.shape == (28, 28)
    assert cell.dtype == np.uint8
    rows, columns = np.flatnonzero(cell.any(axis=1)), np.flatnonzero(cell.any(axis=0))
    scale = 20 / max(height, width)
    assert len(rows) == max(1, round(height * scale))
    assert len(columns) == max(1, round(width * scale))


def test_the_centre_of_mass_is_in_the_middle() -> None:
    """Heavy at the bottom: the box is not centred, the mass is."""
    ink = np.zeros((100, 100), dtype=np.uint8)
    ink[10:90, 48:52] = 255
    ink[82:90, 35:65] = 255
    moments = cv2.moments(normalise(ink))
    assert moments["m10"] / moments["m00"] == pytest.approx(14, abs=0.51)
    assert moments["m01"] / moments["m00"] == pytest.approx(14, abs=0.51)


def test_ink_never_leaves_the_cell() -> None:
    ink = np.zeros((100, 100), dtype=np.uint8)
    ink[:5] = 30  # a long pale arm pulls the box away from the mass
    ink[:, :5] = 30
    ink[80:, 80:] = 255
    cell = normalise(ink)
    assert np.count_nonzero(cell.any(axis=0)) == 20
    assert np.count_nonzero(cell.any(axis=1)) == 20


def test_pale_ink_becomes_full_ink() -> None:
    ink = np.zeros((40, 40), dtype=np.uint8)
    ink[10:30, 15:25] = 40
    assert normalise(ink).max() == 255


def test_no_ink_is_an_empty_cell() -> None:
    assert not normalise(np.zeros((30, 30), dtype=np.uint8)).any()


@pytest.mark.parametrize("digit", range(10))
def test_size_place_polarity_and_brightness_do_not_matter(digit: int) -> None:
    drawn = draw_digit(digit, size=200, style="round", thickness=0.1, seed=digit)
    reference = cell_of(drawn).astype(int)
    moved = np.full((500, 600), 255, dtype=np.uint8)
    moved[250:450, 350:550] = drawn
    variants = {
        "inverted": 255 - drawn,
        "moved": moved,
        "smaller": cv2.resize(drawn, (90, 90), interpolation=cv2.INTER_AREA),
        "paler": np.asarray(180 + drawn * 0.2, dtype=np.uint8),
        "lit from a side": np.asarray(drawn * np.linspace(0.7, 1, 200), dtype=np.uint8),
    }
    for name, variant in variants.items():
        cell = cell_of(np.asarray(variant, np.uint8)).astype(int)
        # The centre of mass may round to the next pixel.
        shifted = [np.roll(cell, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        difference = min(float(np.abs(one - reference).mean()) for one in shifted)
        assert difference < 15, name  # of 255; another digit differs by 30 and more


def test_a_hair_line_keeps_a_pens_width() -> None:
    """A pixel wide and 400 high: scaled as it is, it would fade to a twentieth of a pixel."""
    grey = np.full((600, 600), 255, dtype=np.uint8)
    cv2.line(grey, (300, 100), (280, 500), 0, 1)
    cell = cell_of(grey)
    assert (cell > 127).any(axis=1).sum() == pytest.approx(20, abs=1)
    assert 1 <= (cell > 127).sum(axis=1).max() <= 4
