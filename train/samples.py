"""What an epoch is trained on: the cells as they are, or a version of them from the cache."""

import hashlib
import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from siffra.files import leftovers, replacing

from . import augment, forms, negatives
from .config import Augmentation, TrainConfig
from .data import Dataset, Part
from .interrupt import ignoring_interrupts, noticing_interrupts
from .locks import locked

NO_DIGIT = 10
"""Stands among labels for what is no digit."""

_CHUNK = 2500  # cells that a worker augments at a time
_TRIED = 300  # cells that tell one state of the code from another
_VALIDATION = -1  # the version made of the validation part
_PLAIN = -2  # the training part as it is, in place of a version


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
class Versions:
    """The augmented versions of a dataset's training part, made when they are first asked for."""

    folder: Path
    augmentation: Augmentation
    training: Part
    validation: Part

    @classmethod
    def of(cls, config: TrainConfig, dataset: Dataset, runs: Path) -> "Versions":
        """The versions that a config asks for; they are kept in `runs`."""
        if config.augmentation is None:
            raise ValueError(f"the recipe {config.recipe} augments nothing")
        training, validation = dataset.split(config.validation_split)
        how = asdict(config.augmentation)
        del how["versions"]  # more of them begin with the same
        few = Part(training.cells[:_TRIED], training.labels[:_TRIED])
        tried = _augmented(few, config.augmentation, (config.augmentation.seed,))
        about = {
            "augmentation": how,
            # Whatever changes in the code, here or in the runtime, shows in what it makes.
            "tried": [hashlib.sha256(array.tobytes()).hexdigest() for array in tried],
            "validation_split": config.validation_split,
            "data": dataset.hashes,
        }
        key = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:12]
        return cls(runs / f"augmented-{key}", config.augmentation, training, validation)

    def make(self) -> None:
        """Make what is missing, with a worker for each core; killed, it goes on where it was."""
        wanted = [_VALIDATION, *range(self.augmentation.versions)]
        with _missing(self.folder, {version: self._file(version) for version in wanted}) as missing:
            if missing:
                self._make(missing)

    def _make(self, missing: Sequence[int]) -> None:
        # Forked workers would inherit TensorFlow's threads, which do not survive it.
        with ProcessPoolExecutor(
            _usable_cores(), get_context("spawn"), initializer=_be_a_worker
        ) as workers:
            try:
                for version in tqdm(missing, "augmenting", unit="version"):
                    part = self.validation if version == _VALIDATION else self.training
                    chunks = list(_chunks(part))
                    seeds = [(self.augmentation.seed, version + 1, i) for i in range(len(chunks))]
                    how = [self.augmentation] * len(chunks)
                    with ignoring_interrupts():  # the workers begin here
                        results = workers.map(_augmented, chunks, how, seeds)
                    made = list(results)
                    with replacing(self._file(version)) as path, path.open("wb") as file:
                        cells, labels = _in_order(made, [len(chunk.labels) for chunk in chunks])
                        np.savez(file, cells=cells, labels=labels)
            except BrokenProcessPool as error:
                raise OSError(
                    "a worker that augmented cells was killed, for lack of memory most likely: "
                    "free some and go on with --resume"
                ) from error
            except BaseException:
                workers.shutdown(cancel_futures=True)
                raise

    def labelled(self, version: int) -> Part:
        """A version of the training part: its cells in their order, then what was added.

        `NO_DIGIT` is among the labels.
        """
        if version == _PLAIN:
            return self.training
        with np.load(self._file(version)) as arrays:
            return Part(arrays["cells"], arrays["labels"])

    def labelled_validation(self) -> Part:
        """The validation part, augmented as the training part is."""
        return self.labelled(_VALIDATION)

    def _file(self, version: int) -> Path:
        name = "validation" if version == _VALIDATION else f"{version:03}"
        return self.folder / f"{name}.npz"


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
        wanted = [_PLAIN, *range(self.versions.augmentation.versions)]
        files = {version: self._file(version) for version in wanted}
        with (
            _missing(self.versions.folder, files) as missing,
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
        name = "plain" if version == _PLAIN else f"{version:03}"
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
    return of_version(versions, _PLAIN, taught, hard)


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


@contextmanager
def _missing(folder: Path, files: Mapping[int, Path]) -> Iterator[list[int]]:
    """Yield which of the files are not there; whoever asks for the same meanwhile waits."""
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".lock", waiting=f"waiting for another training, which fills {folder}"):
        for path in leftovers(folder):
            path.unlink()
        yield [version for version, path in files.items() if not path.is_file()]


def _usable_cores() -> int:
    """How many cores this process may use: containers and `taskset` take some away."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _chunks(part: Part) -> Iterator[Part]:
    for start in range(0, len(part.labels), _CHUNK):
        yield Part(*(array[start : start + _CHUNK] for array in part))


def _in_order(
    made: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]], counts: Sequence[int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Cells and labels of all chunks: first what was there, in its order, then what was added."""
    there = [tuple(array[:n] for array in chunk) for chunk, n in zip(made, counts, strict=True)]
    added = [tuple(array[n:] for array in chunk) for chunk, n in zip(made, counts, strict=True)]
    cells, labels = (np.concatenate(arrays) for arrays in zip(*there, *added, strict=True))
    return cells, labels


def _be_a_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops the workers
    cv2.setNumThreads(1)


def _augmented(
    part: Part, augmentation: Augmentation, seed: tuple[int, ...]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A chunk of one version: its cells, each treated in one way, and what is added to them."""
    rng = np.random.default_rng(seed)
    count = len(part.labels)
    cells = part.cells.copy()
    choice = rng.random(count)
    start = 0.0
    for share, treat in (
        (augmentation.mild, augment.mild),
        (augmentation.wild, augment.wild),
        (augmentation.pictured, augment.on_paper),
    ):
        chosen = (start <= choice) & (choice < start + share)
        if chosen.any():
            cells[chosen] = treat(cells[chosen], rng)
        start += share
    drawn = rng.integers(10, size=round(augmentation.drawn * count)).astype(np.uint8)
    kinds = rng.choice(list(negatives.KINDS), round(augmentation.negatives * count))
    added = [forms.cell(int(digit), rng) for digit in drawn]
    added += [negatives.cell(str(kind), part, rng) for kind in kinds]
    labels = [part.labels, drawn, np.full(len(kinds), NO_DIGIT, np.uint8)]
    if added:
        cells = np.concatenate([cells, np.stack(added)])
    return cells, np.concatenate(labels)
