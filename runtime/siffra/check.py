"""The self-test: golden vectors say what the released models said on the machine that made them."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import contract
from .errors import DependencyError, ModelError
from .network import MODELS, released
from .reader import Reader
from .shipped import verify

FILE_NAME = "golden.npz"
"""`cells` of digits, an encoded `picture`, its `picture_text`, and by the name of each model its
probabilities of `cells_to_check`."""

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
    """Cells that it was asked; a third of them are doubtful or no digits."""

    difference: float | None = None
    """Greatest difference of a probability from the golden ones."""

    mean_difference: float | None = None

    flips: int = 0
    """Cells that get another label, where the golden one is ahead by more than is allowed."""

    doubtful_flips: int = 0
    """Cells that get another label where the two best are closer than that: no failure."""

    decisions: int = 0
    """Cells that were accepted and are not, or the other way round."""

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
        content = path.read_bytes()
        verify(path, content)
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            golden = dict(arrays)
    except ModelError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(f"{path}: golden vectors cannot be read ({error})") from error
    models = golden.keys() - _INPUTS
    if not models or not golden.keys() >= _INPUTS:
        raise ModelError(f"{path}: holds no golden vectors; install siffra again")
    return [_check_model(name, golden) for name in sorted(models | released().keys())]


def cells_to_check(digits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return what models are asked: digits, what is between two of them, and what is none.

    Of digits the networks are so sure that most wrong sums would not show in a probability. Halfway
    between two they are not, and noise reaches the pixels that digits leave black. Only whole
    numbers are used, so that every machine asks the same.

    Args:
        digits: uint8 [n, 28, 28].

    Returns:
        uint8 [m, 28, 28], the digits first.
    """
    between = digits[::2] // 2 + np.roll(digits, 1, axis=0)[::2] // 2
    steps = np.arange(between.size, dtype=np.uint64) * np.uint64(2654435761) >> np.uint64(13)
    noise = (steps % np.uint64(256)).astype(np.uint8).reshape(between.shape)
    between[::2] = between[::2] // 4 * 3 + noise[::2] // 4
    side = contract.SIDE
    none = np.zeros((5, side, side), np.uint8)
    none[1] = 255
    none[2] = noise[1]
    none[3] = np.indices((side, side)).sum(axis=0) % 2 * 255
    none[4] = np.arange(side * side).reshape(side, side) % 256
    return np.concatenate([digits, between, none])


def _check_model(name: str, golden: Mapping[str, NDArray[Any]]) -> Check:
    try:
        reader = Reader(name)
    except ModelError as error:
        return Check(name, passed=False, summary=str(error))
    if reader.metadata["name"] != name:
        return Check(name, False, f"{name}.onnx holds the model {reader.metadata['name']!r}")

    expected = golden.get(name)
    answers = reader.probabilities(cells_to_check(golden["cells"]))
    if expected is None or expected.shape != answers.shape:
        return Check(name, False, "there are no golden vectors for it; release it again")
    differences = np.abs(answers.astype(np.float64) - expected)
    difference, mean = float(differences.max()), float(differences.mean())
    precision = reader.metadata["precision"]
    tolerance = TOLERANCE.get(precision, min(TOLERANCE.values()))
    ranked = np.sort(expected, axis=1)
    flipped = answers.argmax(axis=1) != expected.argmax(axis=1)
    close = ranked[:, -1] - ranked[:, -2] <= tolerance
    flips, doubtful_flips = int((flipped & ~close).sum()), int((flipped & close).sum())
    accepted, before = (p.max(axis=1) >= reader.threshold for p in (answers, expected))
    decisions = int((accepted != before).sum())
    try:
        text = reader.read(golden["picture"].tobytes()).text
    except DependencyError:
        text, picture = None, "picture skipped, OpenCV is not installed"
    else:
        right = text == str(golden["picture_text"])
        picture = "picture read rightly" if right else "picture misread"
    passed = difference <= tolerance and not flips and picture != "picture misread"
    found = [f"{len(answers)} cells, {flips} labels differ"]
    if doubtful_flips:
        found.append(f"and {doubtful_flips} doubtful ones")
    if decisions:
        found.append(f"{decisions} accepted otherwise")
    found.append(f"greatest difference {difference:.1e} (allowed {tolerance:.0e}), mean {mean:.1e}")
    if precision == "int8" and difference > TOLERANCE["fp32"]:
        found.append("int8 is rounded otherwise on this processor")
    found.append(picture)
    return Check(
        model=name,
        passed=passed,
        summary=", ".join(found),
        cells=len(answers),
        difference=difference,
        mean_difference=mean,
        flips=flips,
        doubtful_flips=doubtful_flips,
        decisions=decisions,
        text=text,
    )
