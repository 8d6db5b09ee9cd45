"""The one digit of a picture, and pictures that are cells already."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from siffra import Reader
from siffra.cells import ink_of_cell, normalise
from siffra.results import Pixels
from siffra.single import one_cell
from tests.drawing import digit_ink
from train.data import load


def cell_of(label: int, seed: int = 0) -> Pixels:
    return normalise(digit_ink(label, 60, seed=seed))


@pytest.mark.parametrize("label", range(10))
def test_a_cell_is_taken_as_it_is(reader: Reader, label: int) -> None:
    cell = cell_of(label)
    digit = reader.classify(cell)
    assert digit.label == label
    assert digit.cell is not None
    assert np.array_equal(digit.cell, cell)
    assert np.array_equal(digit.probabilities, reader.probabilities(cell[None])[0])
    x, y, width, height = digit.box
    assert cell[y : y + height, x : x + width].sum() == cell.sum()


def test_the_result_keeps_what_it_saw(reader: Reader) -> None:
    """Whatever becomes of the array that it was given."""
    given = cell_of(3)
    digit = reader.classify(given)
    given[:] = 0
    assert digit.cell is not None
    assert digit.cell.any()
    with pytest.raises(ValueError, match="read-only"):
        digit.cell[:] = 0


def test_mnist_as_arrays_is_classified_as_its_cells_are(reader: Reader, mnist: Path) -> None:
    cells = load(mnist).train_cells[:300]
    known = sum(ink_of_cell(cell) is not None for cell in cells)
    assert known >= 299
    rows = reader.probabilities(cells)
    sure = rows.max(axis=1) > 0.95
    labels = [reader.classify(cell).label for cell in cells[sure]]
    assert labels == rows[sure].argmax(axis=1).tolist()


@pytest.mark.parametrize(
    "change",
    [
        lambda cell: np.roll(cell, 1, axis=1),
        lambda cell: cell // 2,
        lambda cell: 255 - cell,
        lambda cell: np.repeat(cell[:, :, None], 3, axis=2),
        lambda cell: cv2.resize(cell, (29, 29)),
        np.zeros_like,
    ],
    ids=["off the middle", "pale", "dark on light", "in colour", "another size", "blank"],
)
def test_what_is_not_quite_a_cell_is_looked_at_as_a_picture(reader: Reader, change: object) -> None:
    assert callable(change)
    picture = change(cell_of(5))
    assert ink_of_cell(picture) is None
    digit = reader.classify(picture)
    assert digit.label == 5 or digit.reason == "blank"


def no_digit(name: str) -> Pixels:
    """What has the size and the place of a digit, and is none."""
    cell = np.zeros((28, 28), np.uint8)
    if name == "a dash":
        cell[13:16, 4:24] = 255
    elif name == "a block":
        cell[4:24, 7:21] = 255
    elif name == "two specks":
        cell[4, 14] = cell[23, 14] = 255
    elif name == "four specks":
        cell[4, 4] = cell[4, 23] = cell[23, 4] = cell[23, 23] = 255
    else:
        cv2.rectangle(cell, (4, 4), (23, 23), 255, 1 if name == "a fine box" else 2)
    return normalise(cell)


@pytest.mark.parametrize(
    "name", ["a dash", "a block", "two specks", "four specks", "a box", "a fine box"]
)
def test_what_has_the_place_of_a_digit_but_not_its_shape_is_none(reader: Reader, name: str) -> None:
    assert one_cell(no_digit(name)) is None
    assert not reader.classify(no_digit(name)).accepted
