"""Augmented versions of a dataset's training part, made once and kept on disk."""

import hashlib
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from siffra import cells as siffra_cells
from siffra import contract, ink, lighting, locate, pieces
from siffra.files import leftovers, replacing

from . import augment, forms, negatives
from .config import Augmentation, TrainConfig
from .data import Dataset, Part
from .interrupt import deferring_interrupts
from .locks import locked

NO_DIGIT = 10
"""Stands among labels for what is no digit."""

PLAIN = -2
"""The training part as it is, in place of a version."""

SOURCES = (
    Path(__file__),
    *(
        Path(str(module.__file__))
        for module in (
            augment,
            forms,
            negatives,
            contract,
            ink,
            lighting,
            locate,
            pieces,
            siffra_cells,
        )
    ),
)
"""What decides what a version is, here and in the runtime: where one changes, all are made anew."""

_CHUNK = 2500  # cells that a worker augments at a time
_VALIDATION = -1  # the version made of the validation part


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
        about = {
            "augmentation": how,
            "code": [hashlib.sha256(path.read_bytes()).hexdigest() for path in SOURCES],
            "validation_split": config.validation_split,
            "data": dataset.hashes,
        }
        key = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:12]
        return cls(runs / f"augmented-{key}", config.augmentation, training, validation)

    def make(self) -> None:
        """Make what is missing, with a worker for each core; killed, it goes on where it was."""
        wanted = [_VALIDATION, *range(self.augmentation.versions)]
        with missing_of(self.folder, {each: self._file(each) for each in wanted}) as missing:
            if missing:
                self._make(missing)

    def _make(self, missing: Sequence[int]) -> None:
        # Forked workers would inherit TensorFlow's threads, which do not survive it.
        with ProcessPoolExecutor(
            _usable_cores(), multiprocessing.get_context("spawn"), initializer=_be_a_worker
        ) as workers:
            try:
                for version in tqdm(missing, "augmenting", unit="version"):
                    part = self.validation if version == _VALIDATION else self.training
                    chunks = list(_chunks(part))
                    seeds = [(self.augmentation.seed, version + 1, i) for i in range(len(chunks))]
                    how = [self.augmentation] * len(chunks)
                    with deferring_interrupts():  # the workers begin here, and never see one
                        results = workers.map(_augmented, chunks, how, seeds)
                    made = list(results)
                    with replacing(self._file(version)) as path, path.open("wb") as file:
                        cells, labels = _in_order(made, [len(chunk.labels) for chunk in chunks])
                        np.savez(file, cells=cells, labels=labels)
            except BrokenProcessPool as error:
                raise OSError(
                    "a worker that augmented cells was killed, for lack of memory most likely"
                ) from error
            except BaseException:
                workers.shutdown(cancel_futures=True)
                raise

    def labelled(self, version: int) -> Part:
        """A version of the training part: its cells in their order, then what was added.

        `NO_DIGIT` is among the labels.
        """
        if version == PLAIN:
            return self.training
        with np.load(self._file(version)) as arrays:
            return Part(arrays["cells"], arrays["labels"])

    def labelled_validation(self) -> Part:
        """The validation part, augmented as the training part is."""
        return self.labelled(_VALIDATION)

    def _file(self, version: int) -> Path:
        name = "validation" if version == _VALIDATION else f"{version:03}"
        return self.folder / f"{name}.npz"


@contextmanager
def missing_of(folder: Path, files: Mapping[int, Path]) -> Iterator[list[int]]:
    """Yield which of the files are not there; whoever lacks some of them meanwhile waits."""
    if all(path.is_file() for path in files.values()):
        yield []
        return
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
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)


def _end_with_parent() -> None:
    """End the process when its parent was killed; it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


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
