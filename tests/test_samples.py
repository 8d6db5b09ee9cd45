"""What epochs are trained on: versions of the data from a cache, with the targets they ask for."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.test_augment import drawn
from train import versions as versions_module
from train.config import Augmentation, TrainConfig
from train.data import Dataset
from train.samples import Taught, mixed, of_version, one_hot, plain, spoilt
from train.versions import NO_DIGIT, Versions

HOW = Augmentation(versions=2, drawn=0.2, negatives=0.3)
CONFIG = TrainConfig("tried", augmentation=HOW, validation_split=0.25)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    cells, labels = drawn(80)
    return Dataset(cells, labels, cells[:10], labels[:10], "drawn", {"cells": "0"})


@pytest.fixture(scope="module")
def versions(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Versions:
    made = Versions.of(CONFIG, dataset, tmp_path_factory.mktemp("runs"))
    made.make()
    return made


def test_targets_are_labels_or_equal_shares() -> None:
    targets = one_hot(np.array([7, NO_DIGIT], np.uint8))
    assert targets.dtype == np.float32
    assert targets[0].tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    assert targets[1] == pytest.approx(np.full(10, 0.1))


def test_a_version_has_every_cell_and_what_is_added(versions: Versions, dataset: Dataset) -> None:
    training, validation = dataset.split(0.25)
    first, second = versions.labelled(0), versions.labelled(1)
    assert first.cells.shape == (60 + 12 + 18, 28, 28)
    assert first.labels[:60].tolist() == training.labels.tolist()
    assert set(first.labels[60:72].tolist()) <= set(range(10))
    assert first.labels[72:].tolist() == [NO_DIGIT] * 18
    assert (first.cells != second.cells).any(axis=(1, 2)).mean() > 0.8
    as_it_was = (first.cells[:60] == training.cells).all(axis=(1, 2)).mean()
    assert 0 < as_it_was < 0.4, "some cells stay as they are"
    checked = versions.labelled_validation()
    assert checked.labels[:20].tolist() == validation.labels.tolist()


def test_chunks_are_put_together_in_the_order_of_the_cells() -> None:
    """More cells than one worker takes at a time: what was added comes after all of them."""
    labels = (np.arange(5_100) % 10).astype(np.uint8)
    cells = np.repeat(drawn(10).cells, 510, axis=0)
    few = Augmentation(versions=1, mild=0.0, wild=0.0, pictured=0.0, drawn=0.002, negatives=0.002)
    data = Dataset(cells, labels, cells[:10], labels[:10], "drawn", {"cells": "2"})
    with tempfile.TemporaryDirectory() as folder:
        made = Versions.of(replace(CONFIG, augmentation=few), data, Path(folder))
        made.make()
        training, _ = data.split(0.25)
        version = made.labelled(0)
    assert np.array_equal(version.labels[: len(training.labels)], training.labels)
    assert np.array_equal(version.cells[: len(training.labels)], training.cells)
    assert len(version.labels) > len(training.labels)


def test_versions_are_kept_and_shared(versions: Versions, dataset: Dataset, tmp_path: Path) -> None:
    runs = versions.folder.parent
    files = {path: path.stat().st_mtime_ns for path in versions.folder.iterdir()}
    more = Versions.of(
        replace(CONFIG, seed=5, augmentation=replace(HOW, versions=3)), dataset, runs
    )
    more.make()
    assert more.folder == versions.folder
    assert {path: path.stat().st_mtime_ns for path in files} == files, "they are not made twice"
    assert len(list(versions.folder.iterdir())) == len(files) + 1

    otherwise = Versions.of(replace(CONFIG, augmentation=replace(HOW, wild=0.1)), dataset, runs)
    assert otherwise.folder != versions.folder
    other_data = replace(dataset, hashes={"cells": "1"})
    assert Versions.of(CONFIG, other_data, runs).folder != versions.folder

    again = Versions.of(CONFIG, dataset, tmp_path)
    again.make()
    for version in range(2):
        for one, other in zip(versions.labelled(version), again.labelled(version), strict=True):
            assert np.array_equal(one, other), "the same, wherever they are made"


def test_versions_are_made_anew_where_the_code_changes(
    versions: Versions, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {path.name for path in versions_module.SOURCES}
    assert names > {"augment.py", "forms.py", "negatives.py", "cells.py", "ink.py", "locate.py"}
    for index, path in enumerate(versions_module.SOURCES):
        changed = tmp_path / path.name
        changed.write_bytes(path.read_bytes() + b"#")
        sources = [*versions_module.SOURCES]
        sources[index] = changed
        monkeypatch.setattr(versions_module, "SOURCES", sources)
        made = Versions.of(CONFIG, dataset, versions.folder.parent)
        assert made.folder != versions.folder, path.name


def test_what_a_killed_training_left_among_the_versions_goes(
    versions: Versions, dataset: Dataset
) -> None:
    left = versions.folder / ".000-siffra-0123abcd.npz"
    left.touch()
    Versions.of(CONFIG, dataset, versions.folder.parent).make()
    assert left.exists(), "who lacks nothing touches nothing"
    one_more = replace(CONFIG, augmentation=replace(HOW, versions=4))
    Versions.of(one_more, dataset, versions.folder.parent).make()
    assert not left.exists()


def test_teachers_soften_the_targets_of_digits_alone(versions: Versions, tmp_path: Path) -> None:
    asked: list[int] = []

    def load(path: Path) -> "Teacher":
        return Teacher(int(path.read_text()), asked)

    teachers = [tmp_path / "a", tmp_path / "b"]
    for path, digit in zip(teachers, "38", strict=True):
        path.write_text(digit)
    taught = Taught(versions, teachers)
    taught.make(load)
    targets = of_version(versions, 0, taught, hard=0.4).targets
    labels = versions.labelled(0).labels
    assert targets.sum(axis=1) == pytest.approx(np.ones(len(labels)), abs=1e-3)
    assert targets[labels == NO_DIGIT] == pytest.approx(np.full((18, 10), 0.1))
    five = targets[labels == 5]
    assert five[:, 5] == pytest.approx(np.full(len(five), 0.4), abs=1e-3)
    assert five[:, [3, 8]] == pytest.approx(np.full((len(five), 2), 0.3), abs=1e-3)
    assert len(asked) == 2 * (HOW.versions + 1), "each of them once about each version"

    taught.make(load)
    assert len(asked) == 2 * (HOW.versions + 1), "they are asked once"
    teachers[1].write_text("9")
    Taught(versions, teachers).make(load)
    assert len(asked) == 4 * (HOW.versions + 1), "another teacher is asked anew"


def test_a_share_of_a_version_is_put_back_as_it_was(versions: Versions) -> None:
    version, as_they_are = of_version(versions, 0), plain(versions)
    before = version.cells.copy()
    half = mixed(version, as_they_are, 0.5, np.random.default_rng(0))
    back = (half.cells[:60] == as_they_are.cells).all(axis=(1, 2))
    assert 20 < back.sum() < 45
    assert (half.cells[60:] == version.cells[60:]).all(), "what was added stays"
    assert (half.targets[:60] == as_they_are.targets).all()
    assert (version.cells == before).all()


def test_a_share_of_the_digits_is_spoilt(versions: Versions) -> None:
    version = of_version(versions, 0)
    some = spoilt(version, 0.5, np.random.default_rng(0))
    changed = (some.cells != version.cells).any(axis=(1, 2))
    assert 20 < changed[:72].sum() < 50
    assert not changed[72:].any(), "non-digits are left alone"
    assert (some.targets == version.targets).all()


class Teacher:
    """Sees one digit in everything."""

    def __init__(self, digit: int, asked: list[int]) -> None:
        self.digit = digit
        self.asked = asked

    def __call__(self, cells: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.asked.append(self.digit)
        return one_hot(np.full(len(cells), self.digit, np.uint8))
