"""The model: cells in, probabilities out."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from . import contract
from .errors import ImageError, ModelError
from .session import Session, import_onnxruntime

Classify: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Cells, uint8 [n, 28, 28], to probabilities, float32 [n, 10]."""

MODELS = Path(__file__).parent / "models"
"""Where the released models are."""

_BATCHES = {"ann": 1024}
_BATCH = 64
"""Cells at once, by family, and of any other: a convolutional net keeps 50 kB for each."""

_UINT8, _SHAPE = np.dtype(np.uint8), (contract.SIDE, contract.SIDE)

_MOST_ODDS = 16.0  # log; beyond, rounding in the network speaks

_STATED = ("name", "precision", "version", "recipe", "accuracy", "test_cells", "licence")


def released() -> dict[str, Path]:
    """Return the models that came with the package, by name."""
    return {path.stem: path for path in sorted(MODELS.glob("*.onnx"), key=lambda path: path.stem)}


def log_odds(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how sure the network is of its best answers: the logarithms of their odds.

    Unlike probabilities, which are all close to 1, they part what is sure from what is very sure.

    Args:
        probabilities: float32 [n, 10].

    Returns:
        float64 [n], at most 16.
    """
    ranked = np.sort(probabilities.astype(np.float64), axis=1)
    best, rest = ranked[:, -1], ranked[:, :-1].sum(axis=1)
    return np.asarray(np.log(best / np.maximum(rest, best * np.exp(-_MOST_ODDS))), np.float64)


class Network:
    """A model that follows the contract, ready to run; safe to share between threads."""

    def __init__(self, model: str | os.PathLike[str], threads: int = 1) -> None:
        """Load a released model by its name, or any model of the contract by its path.

        Raises:
            ModelError: There is no such model, it does not load, or it breaks the contract.
        """
        self.path = _resolve(model)
        self._session = _open(self.path, threads)
        _check_contract(self.path, self._session)
        self.metadata: Mapping[str, str] = MappingProxyType(self._session.metadata)
        """What the model file says of itself: name, version, recipe, data, accuracy, parity."""
        self.threshold = _threshold(self.path, self.metadata)
        """The confidence from which the model's word is accepted, 0 to 1."""
        self._batch = _BATCHES.get(self.metadata.get("family", ""), _BATCH)

    def probabilities(self, cells: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Classify cells.

        Args:
            cells: uint8 [n, 28, 28], ink bright on black, normalised by the contract.

        Returns:
            float32 [n, 10]: for each cell the probabilities of 0 to 9.

        Raises:
            ImageError: The array is not of that shape and type.
        """
        cells = np.asarray(cells)
        if cells.dtype != _UINT8 or cells.shape[1:] != _SHAPE:
            side = contract.SIDE
            raise ImageError(
                f"cells must be uint8 [n, {side}, {side}], not {cells.dtype} {list(cells.shape)}; "
                "classify() and read() take pictures of any size"
            )
        return self._session.run(cells, self._batch)


def _resolve(model: str | os.PathLike[str]) -> Path:
    known = released()
    if isinstance(model, str) and model in known:
        return known[model]
    path = Path(model)
    with suppress(OSError):  # a name too long, or a folder that may not be looked into
        if path.is_file():
            return path
    raise ModelError(
        f"no model {os.fspath(model)!r}: there is no such file, "
        f"and the released models are {', '.join(known) or 'none'}"
    )


def _open(path: Path, threads: int) -> Session:
    onnxruntime = import_onnxruntime()
    try:
        return Session(path.read_bytes(), threads)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error})") from error
    except Exception as error:  # onnxruntime's own exceptions share no narrower public base
        detail = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            f"{path}: onnxruntime {onnxruntime.__version__} cannot load it: {detail}"
        ) from error


def _check_contract(path: Path, session: Session) -> None:
    side, classes = contract.SIDE, len(contract.LABELS)
    if session.inputs != [(contract.INPUT, "tensor(uint8)", [side, side])] or session.outputs != [
        (contract.OUTPUT, "tensor(float)", [classes])
    ]:
        raise ModelError(
            f"{path}: is not a siffra model: it takes {session.inputs} and gives "
            f"{session.outputs}, where {contract.INPUT} uint8 [batch, {side}, {side}] and "
            f"{contract.OUTPUT} float32 [batch, {classes}] are needed"
        )
    metadata = session.metadata
    stated = metadata.get("contract")
    if stated != str(contract.VERSION):
        raise ModelError(
            f"{path}: follows version {stated or 'unknown'} of the contract between pictures and "
            f"networks, this siffra knows version {contract.VERSION}; export the model again"
        )
    missing = [key for key in _STATED if not metadata.get(key)]
    if missing:
        raise ModelError(f"{path}: states no {', '.join(missing)}; export the model again")
    if metadata.get("labels") != str(list(contract.LABELS)):
        raise ModelError(f"{path}: has labels {metadata.get('labels')}, not 0 to 9")
    if metadata.get("score") != contract.SCORE:
        raise ModelError(
            f"{path}: its threshold is for the score {metadata.get('score') or 'unknown'}, this "
            f"siffra knows {contract.SCORE}; export the model again"
        )


def _threshold(path: Path, metadata: Mapping[str, str]) -> float:
    stated = metadata.get("threshold", "")
    try:
        threshold = float(stated)
    except ValueError:
        threshold = -1.0
    if not 0.0 <= threshold <= 1.0:
        raise ModelError(f"{path}: states no threshold of confidence from 0 to 1 ({stated!r})")
    return threshold
