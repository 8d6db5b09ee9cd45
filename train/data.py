"""The data: MNIST in any of its forms, or a folder of one's own digits; verified, and split."""

import gzip
import hashlib
import math
import os
import socket
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from siffra.sources import SUFFIXES

from .backend import import_tensorflow

MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
"""What `keras.datasets.mnist` downloads; `$SIFFRA_MNIST_URL` names a mirror."""

MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""SHA-256 of the uncompressed IDX files: the one table that every form is verified by."""

NPZ_ARRAYS = dict(zip(MNIST_SHA256, ("x_train", "y_train", "x_test", "y_test"), strict=True))
TEST_SHARE = 1 / 6  # of one's own digits; MNIST's own share, 10,000 of 70,000, is about that
DOWNLOAD_TIMEOUT = 10.0  # seconds without an answer


class DataError(ValueError):
    """The data is missing, damaged or too little; the message says what to do."""


class Part(NamedTuple):
    """Cells uint8 [n, 28, 28] and their labels uint8 [n]."""

    cells: NDArray[np.uint8]
    labels: NDArray[np.uint8]


@dataclass(frozen=True)
class Dataset:
    """Cells in the contract's form, with their labels."""

    train_cells: NDArray[np.uint8]
    """uint8 [n, 28, 28]."""
    train_labels: NDArray[np.uint8]
    """uint8 [n], 0 to 9."""
    test_cells: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]
    source: str
    """What it is, in a few words."""
    hashes: dict[str, str]
    """SHA-256 of the content, by name."""
    folder: Path | None = None
    """Where it was read; None for Keras' cache."""
    left_out: tuple[str, ...] = ()
    """Pictures that could not be used, each with the reason."""

    def split(self, validation_split: float) -> tuple[Part, Part]:
        """Part the training set as `Model.fit` does: validation is the last share of it."""
        at = math.floor(len(self.train_labels) * (1 - validation_split))
        return (
            Part(self.train_cells[:at], self.train_labels[:at]),
            Part(self.train_cells[at:], self.train_labels[at:]),
        )


def load(directory: Path | None) -> Dataset:
    """Read the data of `directory`, or else of `$SIFFRA_DATA`, or else Keras' download and cache.

    A folder holds the four IDX files of MNIST (gzipped or not), or `mnist.npz`, or folders `0` to
    `9` of pictures; or has a subfolder `mnist` that does.

    Raises:
        DataError: The data is not there, not what it should be, or cannot be downloaded.
    """
    if directory is None and os.environ.get("SIFFRA_DATA"):
        directory = Path(os.environ["SIFFRA_DATA"])
    if directory is None:
        return _keras_mnist()
    return replace(_read_folder(directory), folder=directory.absolute())


def _read_folder(directory: Path) -> Dataset:
    if not directory.is_dir():
        raise DataError(f"{directory} is not a folder; {_CURE}")
    for folder in (directory, directory / "mnist"):
        files = {name: _idx_file(folder, name) for name in MNIST_SHA256}
        found = {name: path for name, path in files.items() if path is not None}
        if len(found) == len(files):
            return _mnist({name: _idx_bytes(path) for name, path in found.items()}, found)
        if (folder / "mnist.npz").is_file():
            return _npz_mnist(folder / "mnist.npz")
        if found:
            missing = ", ".join(name for name in files if name not in found)
            raise DataError(f"{folder} lacks {missing}: MNIST is four files, add what is missing")
        if any((folder / str(digit)).is_dir() for digit in range(10)):
            return _own_digits(folder)
    raise DataError(f"{directory} holds no data that can be trained on; {_CURE}")


_CURE = (
    f"name a folder with --data DIR or $SIFFRA_DATA that holds {', '.join(MNIST_SHA256)} "
    "(each may be .gz), or mnist.npz, or folders 0 to 9 of your own pictures"
)


def _idx_file(folder: Path, name: str) -> Path | None:
    """The file of that name in one of the spellings in use, or None."""
    dotted = name.replace("-idx", ".idx")
    for spelling in (name, dotted, f"{name}.gz", f"{dotted}.gz"):
        if (folder / spelling).is_file():
            return folder / spelling
    return None


def _idx_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}); {_REPLACE}") from error


_REPLACE = "delete it and put a fresh copy in its place"


def _npz_mnist(path: Path) -> Dataset:
    """MNIST from Keras' archive, brought to the bytes of the IDX files to verify it by them."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            contents = {name: _as_idx(archive[array]) for name, array in NPZ_ARRAYS.items()}
    # What a damaged archive raises depends on where the damage is.
    except (
        *(OSError, EOFError, KeyError, IndexError, ValueError, TypeError, NotImplementedError),
        *(struct.error, zipfile.BadZipFile, zlib.error),
    ) as error:
        raise DataError(f"{path} is no MNIST archive ({error}); {_REPLACE}") from error
    return _mnist(contents, dict.fromkeys(contents, path))


def _as_idx(array: NDArray[Any]) -> bytes:
    """The array as an IDX file of unsigned bytes: magic number, shape, content."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def _mnist(contents: dict[str, bytes], files: dict[str, Path]) -> Dataset:
    """MNIST from the bytes of its four IDX files, verified; `files` is where each came from."""
    for name, expected in MNIST_SHA256.items():
        found = hashlib.sha256(contents[name]).hexdigest()
        if found != expected:
            raise DataError(
                f"{files[name]}: {name} is not MNIST's: its SHA-256 should be {expected} "
                f"and is {found}; {_REPLACE}"
            )
    train_cells, train_labels, test_cells, test_labels = (
        np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]) for data in contents.values()
    )
    return Dataset(
        train_cells=train_cells.reshape(-1, 28, 28),
        train_labels=train_labels,
        test_cells=test_cells.reshape(-1, 28, 28),
        test_labels=test_labels,
        source="MNIST",
        hashes=dict(MNIST_SHA256),
    )


def _keras_mnist() -> Dataset:
    import_tensorflow()
    import keras

    cache = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    url = os.environ.get("SIFFRA_MNIST_URL") or MNIST_URL
    try:
        with _answer_within(DOWNLOAD_TIMEOUT):
            path = keras.utils.get_file("mnist.npz", url, cache_dir=str(cache))
    except Exception as error:  # get_file raises Exception itself
        raise DataError(
            f"MNIST cannot be downloaded ({error}); go online, or put mnist.npz into "
            f"{cache / 'datasets'}, or {_CURE}"
        ) from error
    return _npz_mnist(Path(path))


@contextmanager
def _answer_within(seconds: float) -> Iterator[None]:
    """Limit the wait for any answer from the network: get_file has no such option."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _own_digits(folder: Path) -> Dataset:
    """Pictures in folders `0` to `9`, brought to cells by the runtime, a sixth kept for the test.

    The split is the same for every training seed, so that runs can be compared.
    """
    from siffra.errors import ImageError
    from siffra.single import one_cell

    by_class: list[list[NDArray[np.uint8]]] = []
    left_out = []
    for digit in range(10):
        usable = []
        for path in _pictures(folder / str(digit)):
            try:
                cell = one_cell(path)
            except ImageError as error:
                left_out.append(f"{path} (unreadable: {error})")
                continue
            if cell is None:
                left_out.append(f"{path} (no digit in it)")
            else:
                usable.append(cell)
        by_class.append(usable)

    without = ", ".join(str(digit) for digit, usable in enumerate(by_class) if not usable)
    if without:
        raise DataError(f"{folder} holds no usable picture of {without}: add some, e.g. 0/a.png")
    if max(map(len, by_class)) < 2:
        raise DataError(f"{folder} holds one picture of each digit: add more, to test on the rest")

    rng = np.random.default_rng(0)
    cells = np.array([cell for usable in by_class for cell in usable], np.uint8)
    labels = np.repeat(np.arange(10, dtype=np.uint8), [len(usable) for usable in by_class])
    in_test = np.zeros(len(labels), bool)
    for digit in range(10):
        members = np.flatnonzero(labels == digit)
        count = max(1, round(len(members) * TEST_SHARE)) if len(members) > 1 else 0
        in_test[rng.permutation(members)[:count]] = True
    # The validation part is taken from the end: in the order of the classes it would be the nines.
    train = rng.permutation(np.flatnonzero(~in_test))
    return Dataset(
        train_cells=cells[train],
        train_labels=labels[train],
        test_cells=cells[in_test],
        test_labels=labels[in_test],
        source="own digits",
        hashes={"cells": hashlib.sha256(cells.tobytes() + labels.tobytes()).hexdigest()},
        left_out=tuple(left_out),
    )


def _pictures(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
