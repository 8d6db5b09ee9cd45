"""What training makes of cells: still digits, in the contract, and the same for the same seed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from siffra import Reader
from train import augment, forms, negatives
from train.data import Part, load

Treatment = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]
TREATMENTS: list[Treatment] = [
    augment.mild,
    augment.wild,
    augment.on_paper,
    augment.spoilt,
]


def drawn(count: int, seed: int = 0) -> Part:
    """Digits written by code, in the order 0 to 9 and again."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.uint8) % 10
    return Part(np.stack([forms.cell(int(digit), rng) for digit in labels]), labels)


def share_read(cells: NDArray[np.uint8], labels: NDArray[np.uint8]) -> float:
    answers = Reader().probabilities(cells).argmax(axis=1)
    return float((answers == labels).mean())


@pytest.fixture(scope="module")
def digits() -> Part:
    return drawn(100)


@pytest.mark.parametrize("treat", TREATMENTS)
def test_a_treatment_changes_cells_and_follows_its_seed(treat: Treatment, digits: Part) -> None:
    before = digits.cells.copy()
    one, again, other = (treat(digits.cells, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(digits.cells, before), "what it was given stays as it was"
    assert np.array_equal(one, again)
    assert one.shape == digits.cells.shape
    assert one.dtype == np.uint8
    # A hole may happen to miss the ink.
    assert (one != digits.cells).any(axis=(1, 2)).mean() > 0.85
    assert (one != other).any(axis=(1, 2)).mean() > 0.95


@pytest.mark.parametrize("treat", [augment.mild, augment.on_paper])
def test_what_is_not_misplaced_follows_the_contract(treat: Treatment, digits: Part) -> None:
    cells = treat(digits.cells, np.random.default_rng(0))
    inked = cells > 0
    heights, widths = inked.any(axis=2).sum(axis=1), inked.any(axis=1).sum(axis=1)
    assert set(np.maximum(heights, widths).tolist()) <= {19, 20}
    columns = np.arange(28)
    centre = (cells.sum(axis=1) * columns).sum(axis=1) / cells.sum(axis=(1, 2))
    assert np.abs(centre - 14).max() < 1.01


@pytest.mark.parametrize(
    ("treat", "least"), list(zip(TREATMENTS, (0.95, 0.8, 0.9, 0.7), strict=True))
)
def test_a_treated_digit_is_still_that_digit(treat: Treatment, least: float, mnist: Path) -> None:
    data = load(mnist)
    cells, labels = data.train_cells[-300:], data.train_labels[-300:]
    assert share_read(treat(cells, np.random.default_rng(1)), labels) > least


def test_drawn_digits_are_read_as_what_they_are(digits: Part) -> None:
    assert share_read(*digits) > 0.9


def test_every_form_of_a_digit_gets_drawn() -> None:
    """Between two extremes of each form; an uneven pair would raise."""
    rng = np.random.default_rng(0)
    for digit in range(10):
        for _ in range(60):
            ink = forms.draw(digit, 30.0, 2.5, rng)
            assert ink.dtype == np.uint8
            assert ink.max() > 200
            border = [ink[0], ink[-1], ink[:, 0], ink[:, -1]]
            assert not any(edge.any() for edge in border), "nothing is cut off"


def test_a_digit_that_the_runtime_cannot_find_is_no_cell() -> None:
    blank = np.zeros((40, 40), np.uint8)
    assert augment.pictured(blank, np.random.default_rng(0)) is None


def test_negatives_can_be_drawn_from_a_part_that_lacks_digits(digits: Part) -> None:
    sevens = digits.labels == 7
    part = Part(digits.cells[sevens], digits.labels[sevens])
    for kind in negatives.KINDS:
        assert negatives.cell(kind, part, np.random.default_rng(0)).any()


@pytest.mark.parametrize("kind", negatives.KINDS)
def test_a_kind_of_negatives_varies_and_is_mostly_no_digit(kind: str, digits: Part) -> None:
    cells = np.stack(
        [negatives.cell(kind, digits, np.random.default_rng(seed)) for seed in range(60)]
    )
    assert cells.shape == (60, 28, 28)
    assert len({cell.tobytes() for cell in cells}) == 60
    assert (cells.max(axis=(1, 2)) > 0).all()
    reader = Reader()
    accepted = reader.probabilities(cells).max(axis=1) >= reader.threshold
    assert accepted.mean() < 0.5
