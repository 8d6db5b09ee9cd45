"""What accuracy is measured on, brought to cells once for all models."""

import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks import nondigits
from benchmarks.corruptions import CORRUPTIONS, corrupt
from benchmarks.datasets import (
    DataError,
    LabelledCells,
    digit_labels,
    has_mnist_test,
    mnist_test,
    nondigit_kinds,
    picture_sets,
)
from siffra import ImageError
from siffra.images import Source
from siffra.single import one_cell

CLEAN = "clean"
"""The family of cells that nothing happened to: what the corrupted ones are compared with."""


@dataclass(frozen=True)
class Cells:
    """What the runtime makes of pictures that show one thing each."""

    pixels: NDArray[np.uint8]
    """[n, 28, 28]; black where no cell was found."""
    found: NDArray[np.bool_]
    """[n]: whether the runtime found what may be a digit, and would ask the network."""


@dataclass(frozen=True)
class Digits:
    """Pictures of one digit each, with the truth."""

    name: str
    cells: Cells
    labels: NDArray[np.uint8]
    """[n], 0 to 9."""
    files: tuple[Path, ...] = ()
    """[n]; none for MNIST, which has no pictures."""


@dataclass(frozen=True)
class Family:
    """MNIST's first test cells, corrupted in one way."""

    name: str
    as_pictures: Cells
    """Taken as pictures, in which the runtime looks for the digit."""
    as_cells: Cells
    """Given to the network as they are."""
    labels: NDArray[np.uint8]
    """[n], 0 to 9."""


@dataclass(frozen=True)
class NonDigits:
    """Pictures of one kind that show no digit."""

    kind: str
    drawn: bool
    """Whether this repository draws them; otherwise they are a set's."""
    cells: Cells


@dataclass(frozen=True)
class Material:
    """All that models are measured on; what was not asked for or is not there is empty."""

    mnist: Digits | None
    digit_sets: tuple[Digits, ...]
    page_sets: tuple[Path, ...]
    """Folders of pictures with several digits."""
    families: tuple[Family, ...]
    nondigits: tuple[NonDigits, ...]


def gather(
    data: Path, sections: Collection[str], corruption_cells: int, drawn_nondigits: int
) -> Material:
    """Read, draw and corrupt what the sections need; what is missing is said on stderr.

    Args:
        data: A folder with MNIST's test set, folders of pictures, or both.
        sections: Of `mnist`, `pictures`, `corruptions` and `nondigits`.
        corruption_cells: How many of MNIST's test cells are corrupted.
        drawn_nondigits: How many pictures of each drawn kind.

    Raises:
        DataError: There is no data at all, or it is damaged.
    """
    mnist = mnist_test(data) if has_mnist_test(data) else None
    folders = picture_sets(data)
    if mnist is None and not folders:
        raise DataError(
            f"{data} holds neither MNIST's test set (t10k-*.gz, also in a folder mnist) "
            "nor folders with images/ and labels.csv (also in a folder pictures)"
        )
    if not mnist and {"mnist", "corruptions", "nondigits"} & set(sections):
        _say(f"{data} has no MNIST test set: what needs it is left out")
    if not {"pictures", "nondigits"} & set(sections):
        folders = []
    elif not folders:
        _say(f"{data} has no folders with labels.csv: what needs pictures is left out")

    labels = {folder: digit_labels(folder) for folder in folders}
    pages = [folder for folder in folders if any(len(text) > 1 for text in labels[folder].values())]
    singles = [folder for folder in folders if labels[folder] and folder not in pages]
    return Material(
        mnist=Digits("MNIST", _as_they_are(mnist.cells), mnist.labels) if mnist else None,
        digit_sets=tuple(_digit_set(folder, labels[folder]) for folder in singles),
        page_sets=tuple(pages),
        families=_families(mnist, corruption_cells) if mnist and "corruptions" in sections else (),
        nondigits=_nondigits(folders, drawn_nondigits) if "nondigits" in sections else (),
    )


def _digit_set(folder: Path, labels: dict[str, str]) -> Digits:
    files = [folder / "images" / name for name in labels]
    truth = np.array([int(label) for label in labels.values()], np.uint8)
    return Digits(folder.name, _found_in(files, folder.name), truth, tuple(files))


def _families(mnist: LabelledCells, count: int) -> tuple[Family, ...]:
    cells, labels = mnist.cells[:count], mnist.labels[:count]
    pictures = {CLEAN: cells, **{name: corrupt(name, cells) for name in CORRUPTIONS}}
    return tuple(
        Family(name, _found_in(corrupted, name), _as_they_are(corrupted), labels)
        for name, corrupted in pictures.items()
    )


def _nondigits(folders: Iterable[Path], count: int) -> tuple[NonDigits, ...]:
    found = []
    for folder in folders:
        kinds = nondigit_kinds(folder)
        for kind in sorted(set(kinds.values())):
            files = [folder / "images" / name for name, its in kinds.items() if its == kind]
            name = f"{folder.name} {kind}"
            found.append(NonDigits(name, drawn=False, cells=_found_in(files, name)))
    for kind in nondigits.KINDS:
        pictures = nondigits.draw(kind, count, seed=0)
        found.append(NonDigits(kind, drawn=True, cells=_found_in(pictures, kind)))
    return tuple(found)


def _found_in(sources: Sequence[Source] | NDArray[np.uint8], name: str) -> Cells:
    pixels = np.zeros((len(sources), 28, 28), np.uint8)
    found = np.zeros(len(sources), np.bool_)
    # Silent where nobody watches: a log would fill with bars.
    for index, source in enumerate(tqdm(sources, name, leave=False, disable=None)):
        try:
            cell = one_cell(source)
        except ImageError as error:
            _say(f"{error}")
            continue
        if cell is not None:
            pixels[index], found[index] = cell, True
    return Cells(pixels, found)


def _as_they_are(cells: NDArray[np.uint8]) -> Cells:
    return Cells(cells, np.ones(len(cells), np.bool_))


def _say(message: str) -> None:
    print(f"accuracy: {message}", file=sys.stderr)
