"""What an epoch is trained on: cells, and what is to be said of them."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from siffra.files import replacing

from . import augment, forms, negatives
from .data import Part
from .interrupt import noticing_interrupts
from .versions import NO_DIGIT, PLAIN, Versions, missing_of


class Samples(NamedTuple):
    """Cells uint8 [n, 28, 28] and what is to be said of them, float32 [n, 10]."""

    cells: NDArray[np.uint8]
    targets: NDArray[np.float32]


def as_they_are(part: Part) -> Samples:
    """The cells, and all of the target on the label."""
    return Samples(part.cells, one_hot(part.labels))


def one_hot(labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Targets float32 [n, 10] of labels; equal shares for what is no digit."""
    table = np.concatenate([np.eye(10), np.full((1, 10), 0.1)]).astype(np.float32)
    return np.asarray(table[labels], np.float32)


@dataclass(frozen=True)
class Taught:
    """What teachers say of each version, kept beside the versions."""

    versions: Versions
    teachers: Sequence[Path]
    """Their `model.keras`."""

    def make(
        self, load: Callable[[Path], Callable[[NDArray[np.uint8]], NDArray[np.float32]]]
    ) -> None:
        """Ask them about the versions that they were not asked about yet."""
        wanted = [PLAIN, *range(self.versions.augmentation.versions)]
        files = {version: self._file(version) for version in wanted}
        with (
            missing_of(self.versions.folder, files) as missing,
            noticing_interrupts() as raise_interrupt,
        ):
            teachers = [load(path) for path in self.teachers] if missing else []
            for version in tqdm(missing, "teaching", unit="version", disable=not missing):
                cells = self.versions.labelled(version).cells
                answers = np.mean([teacher(cells) for teacher in teachers], axis=0)
                with replacing(files[version]) as path, path.open("wb") as file:
                    np.save(file, answers.astype(np.float16))
                raise_interrupt()

    def answers(self, version: int) -> NDArray[np.float32]:
        """Their mean probabilities, float32 [n, 10]."""
        return np.asarray(np.load(self._file(version)), np.float32)

    @cached_property
    def _digest(self) -> str:
        """Names what was taught, so that other teachers are asked anew."""
        return hashlib.sha256(b"".join(path.read_bytes() for path in self.teachers)).hexdigest()

    def _file(self, version: int) -> Path:
        name = "plain" if version == PLAIN else f"{version:03}"
        return self.versions.folder / f"{name}-taught-{self._digest[:8]}.npy"


def of_version(
    versions: Versions, version: int, taught: Taught | None = None, hard: float = 1.0
) -> Samples:
    """A version with its targets: the true labels, softened by what teachers say."""
    cells, labels = versions.labelled(version)
    targets = one_hot(labels)
    if taught is not None:
        digits = labels != NO_DIGIT
        answers = taught.answers(version)
        targets[digits] = hard * targets[digits] + (1 - hard) * answers[digits]
    return Samples(cells, targets)


def plain(versions: Versions, taught: Taught | None = None, hard: float = 1.0) -> Samples:
    """The training part as it is, with such targets."""
    return of_version(versions, PLAIN, taught, hard)


def mixed(version: Samples, before: Samples, share: float, rng: np.random.Generator) -> Samples:
    """A version with a share of its cells put back as they were before."""
    back = np.flatnonzero(rng.random(len(before.cells)) < share)
    cells, targets = version.cells.copy(), version.targets.copy()
    cells[back], targets[back] = before.cells[back], before.targets[back]
    return Samples(cells, targets)


def digits_of(part: Part) -> Part:
    """What is a digit of a part."""
    chosen = part.labels != NO_DIGIT
    return Part(part.cells[chosen], part.labels[chosen])


def negatives_of(part: Part, count: int = 200) -> dict[str, NDArray[np.uint8]]:
    """Non-digits uint8 [count, 28, 28] of each kind, the same each time."""
    rng = np.random.default_rng(0)
    return {
        kind: np.stack([negatives.cell(kind, part, rng) for _ in range(count)])
        for kind in negatives.KINDS
    }


def examples_of(part: Part) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The first cell of each digit, uint8 [10, 28, 28], and augmented ones [10, k, 28, 28]."""
    rng = np.random.default_rng(0)
    first = np.array([np.flatnonzero(part.labels == digit)[0] for digit in range(10)])
    columns = []
    for treat in (*[augment.mild] * 3, *[augment.wild] * 5, *[augment.on_paper] * 4):
        # Others are passed too, since neighbours are taken from among them.
        columns.append(treat(np.concatenate([part.cells[first], part.cells[:50]]), rng)[:10])
    drawn = [np.stack([forms.cell(digit, rng) for digit in range(10)]) for _ in range(4)]
    return part.cells[first], np.stack([*columns, *drawn], axis=1)


def spoilt(samples: Samples, share: float, rng: np.random.Generator) -> Samples:
    """The samples with a share of the digits spoilt; what is to be said of them stays."""
    chosen = np.flatnonzero(rng.random(len(samples.cells)) < share)
    chosen = chosen[np.ptp(samples.targets[chosen], axis=1) > 0]  # no worth in spoilt non-digits
    cells = samples.cells.copy()
    cells[chosen] = augment.spoilt(cells[chosen], rng)
    return Samples(cells, samples.targets)
