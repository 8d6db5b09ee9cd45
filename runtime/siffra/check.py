"""The self-test: golden vectors say what the released models said on the machine that made them."""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DependencyError, ModelError
from .network import MODELS, released
from .reader import Reader

FILE_NAME = "golden.npz"
"""`cells`, an encoded `picture`, its `picture_text`, and each model's probabilities."""

_INPUTS = frozenset({"cells", "picture", "picture_text"})

TOLERANCE = {"fp32": 1e-4, "int8": 2e-2}
"""Greatest difference of a probability between machines, by precision of the model."""


@dataclass(frozen=True)
class Check:
    """How one model does on this machine."""

    model: str
    passed: bool
    """Whether it answers here as it did where it was made."""

    summary: str
    """What was found, in a line."""

    cells: int = 0
    difference: float | None = None
    """Greatest difference of a probability from the golden ones."""

    flips: int = 0
    """Cells that get another label than the golden one."""

    text: str | None = None
    """What it read from the golden picture; None without OpenCV."""

    def to_dict(self) -> dict[str, Any]:
        """Return the check as JSON types."""
        return asdict(self)


def check() -> list[Check]:
    """Replay the golden vectors through the released models; offline, in well under a second.

    Raises:
        ModelError: The golden vectors are missing or damaged.
    """
    path = MODELS / FILE_NAME
    try:
        with np.load(path, allow_pickle=False) as arrays:
            golden = dict(arrays)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(f"{path}: golden vectors cannot be read ({error})") from error
    models = golden.keys() - _INPUTS
    if not models or not golden.keys() >= _INPUTS:
        raise ModelError(f"{path}: holds no golden vectors; install siffra again")
    return [_check_model(name, golden) for name in sorted(models | released().keys())]


def _check_model(name: str, golden: Mapping[str, NDArray[Any]]) -> Check:
    try:
        reader = Reader(name)
    except ModelError as error:
        return Check(name, passed=False, summary=str(error))
    if reader.metadata["name"] != name:
        return Check(name, False, f"{name}.onnx holds the model {reader.metadata['name']!r}")

    expected = golden.get(name)
    answers = reader.probabilities(golden["cells"])
    if expected is None or expected.shape != answers.shape:
        return Check(name, False, "there are no golden vectors for it; release it again")
    difference = float(np.abs(answers - expected).max())
    flips = int((answers.argmax(axis=1) != expected.argmax(axis=1)).sum())
    tolerance = TOLERANCE.get(reader.metadata["precision"], min(TOLERANCE.values()))
    try:
        text = reader.read(golden["picture"].tobytes()).text
    except DependencyError:
        text, picture = None, "picture skipped, OpenCV is not installed"
    else:
        right = text == str(golden["picture_text"])
        picture = "picture read rightly" if right else "picture misread"
    return Check(
        model=name,
        passed=difference <= tolerance and not flips and picture != "picture misread",
        summary=f"{len(answers)} cells, {flips} labels differ, greatest difference "
        f"{difference:.1e} (allowed {tolerance:.0e}), {picture}",
        cells=len(answers),
        difference=difference,
        flips=flips,
        text=text,
    )
