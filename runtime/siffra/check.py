"""Golden vectors: what the released models said on the machine that made them."""

import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DependencyError, ModelError
from .network import MODELS, released
from .reader import Reader

FILE_NAME = "golden.npz"
"""`cells`, `labels`, an encoded `picture`, its `picture_text`, and each model's probabilities."""

TOLERANCE = {"fp32": 1e-4, "int8": 2e-2}
"""Greatest difference of a probability between machines, by precision of the model."""


@dataclass(frozen=True)
class Check:
    """How one model does on this machine."""

    model: str
    cells: int
    difference: float
    """Greatest difference of a probability from the golden ones."""

    tolerance: float
    flips: int
    """Cells that get another label than the golden one."""

    text: str | None
    """What it read from the golden picture; None without OpenCV."""

    expected_text: str

    @property
    def passed(self) -> bool:
        """Whether this machine answers as the one that made the model did."""
        return (
            self.difference <= self.tolerance
            and not self.flips
            and self.text in (None, self.expected_text)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the check as JSON types."""
        return {
            "model": self.model,
            "passed": self.passed,
            "cells": self.cells,
            "difference": self.difference,
            "tolerance": self.tolerance,
            "flips": self.flips,
            "text": self.text,
            "expected_text": self.expected_text,
        }


def check() -> list[Check]:
    """Replay the golden vectors through every released model; offline, in well under a second.

    Raises:
        ModelError: The package's models or golden vectors are missing or damaged.
    """
    path = MODELS / FILE_NAME
    try:
        with np.load(path, allow_pickle=False) as arrays:
            golden: dict[str, NDArray[Any]] = dict(arrays)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path}: golden vectors cannot be read ({error})") from error
    if not released():
        raise ModelError(f"{MODELS}: there are no models; install siffra again")
    return [_check_model(name, golden) for name in released()]


def _check_model(name: str, golden: dict[str, NDArray[Any]]) -> Check:
    reader = Reader(name)
    missing = {name, "cells", "picture", "picture_text"} - golden.keys()
    if missing:
        raise ModelError(
            f"golden vectors lack {', '.join(sorted(missing))}; release the model {name!r} again"
        )
    expected = golden[name]
    if reader.metadata["name"] != name:
        raise ModelError(f"{name}.onnx holds the model {reader.metadata['name']!r}")
    answers = reader.probabilities(golden["cells"])
    try:
        text = reader.read(golden["picture"].tobytes()).text
    except DependencyError:
        text = None
    return Check(
        model=name,
        cells=len(answers),
        difference=float(np.abs(answers - expected).max()),
        tolerance=TOLERANCE[reader.metadata["precision"]],
        flips=int((answers.argmax(axis=1) != expected.argmax(axis=1)).sum()),
        text=text,
        expected_text=str(golden["picture_text"]),
    )
