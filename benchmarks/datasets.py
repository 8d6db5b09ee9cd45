"""Labelled data on disk: MNIST's test set, and folders of pictures with `labels.csv`."""

import csv
import gzip
import re
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class DataError(ValueError):
    """Data that is missing or damaged; the message says which and what to do."""


class LabelledCells(NamedTuple):
    """Cells uint8 [n, 28, 28] and their labels uint8 [n]."""

    cells: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def has_mnist_test(data: Path) -> bool:
    """Say whether `data` or its subfolder `mnist` has a file of MNIST's test set."""
    return any(_idx_file(data, name) for name in _IDX)


def mnist_test(data: Path) -> LabelledCells:
    """Read MNIST's test set from `data` or its subfolder `mnist`.

    Raises:
        DataError: An IDX file is missing or damaged.
    """
    cells, labels = (_read_idx(data, name) for name in _IDX)
    if cells.shape[1:] != (28, 28) or labels.shape != cells.shape[:1]:
        raise DataError(
            f"{data}: cells {list(cells.shape)} and labels {list(labels.shape)} do not match; "
            "put fresh copies of MNIST's test files in their place"
        )
    return LabelledCells(cells, labels)


def picture_sets(data: Path) -> list[Path]:
    """Return the folders with `labels.csv` in `data`, or else in its subfolder `pictures`."""
    for folder in (data, data / "pictures"):
        found = sorted(path.parent for path in folder.glob("*/labels.csv"))
        if found:
            return found
    return []


def digit_labels(folder: Path) -> dict[str, str]:
    """Return the labels of a set by file name; what is no digit (`none`) is left out.

    Raises:
        DataError: `labels.csv` lacks a column, or a label is not made of digits.
    """
    labels = {row["file"]: row["label"] for row in _rows(folder) if row["label"] != "none"}
    for name, label in labels.items():
        if not re.fullmatch("[0-9]+(/[0-9]+)*", label):
            raise DataError(
                f"{folder / 'labels.csv'}: {name} has the label {label!r}; "
                "write digits, lines separated by /, or none"
            )
    return labels


def nondigit_kinds(folder: Path) -> dict[str, str]:
    """Return the kinds of a set's non-digits by file name.

    Those that a person might read as a digit (`lookalike`) are left out.

    Raises:
        DataError: `labels.csv` lacks a column.
    """
    return {
        row["file"]: row.get("kind") or "other"
        for row in _rows(folder)
        if row["label"] == "none" and row.get("lookalike") != "1"
    }


_IDX = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def _idx_file(data: Path, name: str) -> Path | None:
    for folder in (data, data / "mnist"):
        for path in (folder / f"{name}.gz", folder / name):
            if path.is_file():
                return path
    return None


def _read_idx(data: Path, name: str) -> NDArray[np.uint8]:
    path = _idx_file(data, name)
    if path is None:
        raise DataError(f"{data} holds no {name}.gz, nor does its folder mnist; put it there")
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        dimensions = content[3]
        shape = np.frombuffer(content, ">u4", dimensions, offset=4)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
    except (OSError, EOFError, IndexError, ValueError, zlib.error) as error:
        raise DataError(f"{path}: is no IDX file ({error}); put a fresh copy in place") from error


def _rows(folder: Path) -> list[dict[str, str]]:
    path = folder / "labels.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    if not {"file", "label"} <= set(reader.fieldnames or ()):
        raise DataError(f"{path}: needs the columns file and label in its first line")
    return rows
