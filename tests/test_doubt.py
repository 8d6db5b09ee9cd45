"""Doubtful digits are looked at again; sure ones are left as they are."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from siffra import Reader
from siffra.cells import normalise
from siffra.doubt import second_look
from tests.drawing import Pixels, digit_ink

Rows = NDArray[np.float32]


def turned_digits(degrees: float) -> tuple[Pixels, NDArray[np.int64]]:
    """Digits of several hands on a sheet that lies askew: cells, and what they are."""
    cells, labels = [], []
    for style in ("round", "quick", "looped", "slanted"):
        for digit in range(10):
            for seed in range(4):
                ink = np.pad(digit_ink(digit, 60, style=style, seed=seed), 30)
                height, width = ink.shape
                turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
                turned = np.asarray(cv2.warpAffine(ink, turn, (width, height)), np.uint8)
                cells.append(normalise(turned))
                labels.append(digit)
    return np.stack(cells), np.array(labels)


@pytest.mark.parametrize("degrees", [-40, 40])
def test_of_doubtful_digits_more_are_right_after_another_look(
    reader: Reader, degrees: float
) -> None:
    cells, labels = turned_digits(degrees)
    first = reader.probabilities(cells)
    doubtful = first.max(axis=1) < 0.9
    assert 5 < doubtful.sum() <= 64
    again = second_look(cells, first, reader.probabilities)
    of_truth = [rows[doubtful, labels[doubtful]] for rows in (first, again)]
    assert np.log(of_truth[1]).mean() > np.log(of_truth[0]).mean()
    right = [(rows.argmax(axis=1) == labels)[doubtful].sum() for rows in (first, again)]
    assert right[1] >= right[0]


def test_sure_digits_are_left_as_they_are(reader: Reader) -> None:
    cells, _ = turned_digits(40)
    first = reader.probabilities(cells)
    before = first.copy()
    sure = first.max(axis=1) >= 0.9
    again = second_look(cells, first, reader.probabilities)
    np.testing.assert_array_equal(first, before)
    np.testing.assert_array_equal(again[sure], first[sure])
    assert again.dtype == np.float32
    np.testing.assert_allclose(again.sum(axis=1), 1, atol=1e-5)
    assert (again[~sure] != first[~sure]).any(axis=1).all()


def refuse(cells: Pixels) -> Rows:
    raise AssertionError("the network was asked again")


def test_the_network_is_asked_again_only_where_that_pays() -> None:
    """Not of pages without doubt, nor of those on which all is doubtful."""
    cells = np.zeros((80, 28, 28), np.uint8)
    sure = np.tile(np.eye(10, dtype=np.float32)[3], (80, 1))
    doubtful = np.full((80, 10), 0.1, np.float32)
    for rows in (sure, doubtful, sure[:0]):
        np.testing.assert_array_equal(second_look(cells[: len(rows)], rows, refuse), rows)
    with pytest.raises(AssertionError):
        second_look(cells[:2], doubtful[:2], refuse)


def test_views_are_of_the_cell_turned_and_slanted_both_ways() -> None:
    """Each keeps the contract: 20 pixels high, centred."""
    seen: list[Pixels] = []

    def look(cells: Pixels) -> Rows:
        seen.append(cells)
        return np.full((len(cells), 10), 0.1, np.float32)

    cell = normalise(digit_ink(1, 200))
    second_look(cell[None], np.full((1, 10), 0.1, np.float32), look)
    (views,) = seen
    assert views.shape[1:] == (28, 28)
    leans = []
    for view in views:
        rows = np.flatnonzero(view.any(axis=1))
        assert np.ptp(rows) + 1 == 20
        moments = cv2.moments(view)
        leans.append(-moments["mu11"] / moments["mu02"])
    upright = cv2.moments(cell)
    lean = -upright["mu11"] / upright["mu02"]
    assert min(leans) < lean - 0.1
    assert max(leans) > lean + 0.1
    assert np.mean(leans) == pytest.approx(lean, abs=0.03)
