"""Golden vectors: what the released models say of cells that the repository draws."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from siffra import Reader, images
from siffra.check import cells_to_check

EXAMPLES = Path(__file__).parents[1] / "examples"
PICTURE = "digital-dark-screen.png"  # the cleanest with more than one line
_RESOLUTION = 2.0**20  # a millionth, below which processors differ; finer it would not compress


def golden_vectors(models: Mapping[str, Path]) -> dict[str, Any]:
    """Record what each model of a package says of the repository's own drawn digits.

    The cells come from `examples/`, since MNIST may not be passed on in a package.

    Args:
        models: Files by name.

    Returns:
        The arrays that `siffra.check` names.

    Raises:
        ValueError: The examples are not read as what they show.
    """
    with (EXAMPLES / "labels.csv").open(encoding="utf-8", newline="") as file:
        truth = {row["file"]: row["label"].replace("/", "\n") for row in csv.DictReader(file)}
    # Where the digits are does not depend on the model.
    reader = Reader(next(iter(models.values())))
    digits = [digit for name in truth for digit in reader.read(EXAMPLES / name).digits]
    labels = "".join(truth.values()).replace("\n", "")
    if len(digits) != len(labels):
        raise ValueError(f"{EXAMPLES} shows {len(labels)} digits, {len(digits)} were found")
    cells = np.stack([digit.cell for digit in digits if digit.cell is not None])
    asked = cells_to_check(cells)
    answers = {name: Reader(path).probabilities(asked) for name, path in models.items()}
    return {
        "cells": cells,
        "picture": np.frombuffer(_small(EXAMPLES / PICTURE), dtype=np.uint8),
        "picture_text": np.array(truth[PICTURE]),
        **{
            name: np.round(a * _RESOLUTION) / np.float32(_RESOLUTION) for name, a in answers.items()
        },
    }


def to_npz(vectors: Mapping[str, Any]) -> bytes:
    """Return arrays as the content of an `.npz` file."""
    file = io.BytesIO()
    np.savez_compressed(file, **vectors)
    return file.getvalue()


def _small(path: Path) -> bytes:
    """Return a picture at half its size and in four greys: a tenth of the bytes."""
    grey = images.to_grey(images.load(path))
    half = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".png", half // 64 * 64, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1])
