"""The model: cells in, probabilities out."""

import os
import re
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from . import __version__, contract
from .errors import ImageError, ModelError
from .session import Session, import_onnxruntime
from .shipped import digests, is_listed, sha256, verify

Classify: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Cells, uint8 [n, 28, 28], to probabilities, float32 [n, 10]."""

MODELS = Path(__file__).parent / "models"
"""Where the released models are."""

_BATCHES = {"ann": 1024}
_BATCH = 64
"""Cells at once, by family, and of any other: a convolutional net keeps 50 kB for each."""

_UINT8, _SHAPE = np.dtype(np.uint8), (contract.SIDE, contract.SIDE)

_MOST_BYTES = 100_000_000
"""Of a model's file; a dense net of twelve million weights, the best published, has half of it."""

# The key under which ONNX names another file, and before it its length, in all the ways in which
# protobuf takes it; the field's number before that has too many. onnxruntime up to 1.22 opens any
# file, and takes some names for addresses in memory.
_ELSEWHERE = re.compile(rb"(?:\x08|\x88\x80*\0)location")

_TOO_NEW = re.compile(r"Unsupported model IR version|Opset \d+ is under development")
_PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")

_MOST_ODDS = 16.0  # log; beyond, rounding in the network speaks

_STATED = ("name", "precision", "version", "recipe", "accuracy", "test_cells", "licence")


def released() -> dict[str, Path]:
    """Return the models that came with the package, by name."""
    # A release that was killed leaves a hidden file.
    return {path.stem: path for path in sorted(MODELS.glob("[!.]*.onnx"), key=lambda p: p.stem)}


def shipped() -> list[str]:
    """Return the names of the models that came with the package, those too that were lost since."""
    listed: set[str] = set()
    with suppress(OSError, ValueError):  # where the list is missing, every model says so
        listed = {Path(name).stem for name in digests(MODELS) if name.endswith(".onnx")}
    return sorted(listed | released().keys())


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
        path = _resolve(model)
        session = _open(path, _read(path), threads)
        _check_contract(path, session)
        self._take(path, session)

    def _take(self, path: Path, session: Session) -> None:
        self.path, self._session = path, session
        self.metadata: Mapping[str, str] = MappingProxyType(session.metadata)
        """What the model file says of itself: name, version, recipe, data, accuracy, parity."""
        self.threshold = _threshold(path, self.metadata)
        """The confidence from which the model's word is accepted, 0 to 1."""
        self._batch = _BATCHES.get(self.metadata.get("family", ""), _BATCH)

    def __deepcopy__(self, memo: object) -> "Network":
        return self  # nothing of it changes

    def __reduce__(self) -> tuple[Callable[..., "Network"], tuple[object, ...]]:
        """Pickle a released model by its name, one of the user's own with all of its file."""
        ours, content = self.path.parent == MODELS, self._session.content
        model = (self.path.stem, sha256(content)) if ours else (str(self.path), content)
        return _unpickled, (__version__, *model, self._session.threads)

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


def _unpickled(version: str, *state: Any) -> Network:
    if version != __version__:
        raise ModelError(
            f"this Reader was pickled by siffra {version}, and here is {__version__}; "
            "have the same on both sides, or make a Reader here"
        )
    model, content, threads = state
    if isinstance(content, bytes):
        network = Network.__new__(Network)
        network._take(Path(model), _open(Path(model), content, threads))
    else:
        network = Network(model, threads)
        if sha256(network._session.content) != content:
            raise ModelError(
                f"{network.path}: is another {model} than the one of the Reader that was pickled; "
                "have the same siffra on both sides, or make a Reader here"
            )
    return network


def _resolve(model: str | os.PathLike[str]) -> Path:
    known = released()
    if isinstance(model, str) and model in known:
        return known[model]
    path = Path(model)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last: a name with a NUL
        reason = "there is no such file"
    except OSError as error:  # a name too long, or a folder that may not be looked into
        reason = f"it cannot be looked at ({error.strerror or error})"
    else:
        if stat.S_ISREG(mode):
            return path
        reason = "that is a folder" if stat.S_ISDIR(mode) else "that is no regular file"
    if is_listed(MODELS, f"{model}.onnx"):
        raise ModelError(f"the model {model!r} is missing from the package; install siffra again")
    raise ModelError(
        f"no model {os.fspath(model)!r}: {reason}, "
        f"and the released models are {', '.join(known) or 'none'}"
    )


def _is_released(path: Path) -> bool:
    with suppress(OSError):  # a host may have left the released models out
        return path.parent.samefile(MODELS)
    return False


def _open(path: Path, content: bytes, threads: int) -> Session:
    onnxruntime = import_onnxruntime()
    try:
        return Session(content, threads)
    except MemoryError:
        raise
    except Exception as error:  # onnxruntime's own exceptions share no narrower public base
        known = f"onnxruntime {onnxruntime.__version__}"
        if "INVALID_PROTOBUF" in str(error):
            problem = f"is no ONNX model, or is damaged or cut short ({known} cannot parse it)"
        elif _TOO_NEW.search(str(error)):
            problem = f"is of a later ONNX than {known} knows; update it, or export with opset 13"
        else:
            problem = f"{known} cannot load it: {_told_by(error)}"
        raise ModelError(f"{path}: {problem}") from error


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= _MOST_BYTES else b""
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error})") from error
    if size > _MOST_BYTES:
        raise ModelError(
            f"{path}: has {size:,} bytes; models of at most {_MOST_BYTES:,} are loaded, "
            "siffra's own have half a million"
        )
    if _is_released(path):
        verify(path, content)
    elif _ELSEWHERE.search(content):
        raise ModelError(
            f"{path}: keeps data in other files, which siffra does not open; "
            "save it as one file, without external data"
        )
    elif content[4:8] == b"ORTM":
        raise ModelError(f"{path}: is in onnxruntime's own format, not ONNX; export it as ONNX")
    return content


def _told_by(error: Exception) -> str:
    """Return what onnxruntime says, in one short line."""
    lines = _PREFIX.sub("", str(error)).splitlines() or [type(error).__name__]
    return f"{lines[0]:.200}"


def _check_contract(path: Path, session: Session) -> None:
    side, classes = contract.SIDE, len(contract.LABELS)
    if session.inputs != [(contract.INPUT, "tensor(uint8)", [side, side])] or session.outputs != [
        (contract.OUTPUT, "tensor(float)", [classes])
    ]:
        raise ModelError(
            f"{path}: is not a siffra model: it takes {session.inputs!s:.200} and gives "
            f"{session.outputs!s:.200}, where {contract.INPUT} uint8 [batch, {side}, {side}] and "
            f"{contract.OUTPUT} float32 [batch, {classes}] are needed"
        )
    metadata = session.metadata
    stated = metadata.get("contract") or "unknown"
    if stated != str(contract.VERSION):
        raise ModelError(
            f"{path}: follows version {stated:.20} of the contract between pictures and networks, "
            f"this siffra knows version {contract.VERSION}; export the model again"
        )
    missing = [key for key in _STATED if not metadata.get(key)]
    if missing:
        raise ModelError(f"{path}: states no {', '.join(missing)}; export the model again")
    if metadata.get("labels") != str(list(contract.LABELS)):
        raise ModelError(f"{path}: has labels {metadata.get('labels')!s:.60}, not 0 to 9")
    score = metadata.get("score") or "unknown"
    if score != contract.SCORE:
        raise ModelError(
            f"{path}: its threshold is for the score {score:.20}, this siffra knows "
            f"{contract.SCORE}; export the model again"
        )
    if not _is_released(path):  # those are known to
        _check_answers(path, session)


def _check_answers(path: Path, session: Session) -> None:
    """Ask about nothing, ink alone, and everything between; a damaged weight may answer NaN."""
    cells = np.zeros((3, *_SHAPE), np.uint8)
    cells[1], cells[2] = 255, np.arange(cells[2].size).reshape(_SHAPE) % 256
    try:
        answers = session.run(cells, len(cells))
    except MemoryError:
        raise
    except Exception as error:
        raise ModelError(
            f"{path}: does not answer {len(cells)} cells at once, by damage or a batch of fixed "
            f"size ({_told_by(error)}); export it again"
        ) from error
    shaped = answers.shape == (len(cells), len(contract.LABELS))
    if not (shaped and answers.min() >= 0.0 and np.abs(answers.sum(axis=1) - 1.0).max() <= 1e-3):
        raise ModelError(
            f"{path}: does not answer with probabilities, ten from 0 to 1 that add up to 1; "
            "it is damaged, or lacks its softmax"
        )


def _threshold(path: Path, metadata: Mapping[str, str]) -> float:
    stated = metadata.get("threshold", "")
    try:
        threshold = float(stated)
    except ValueError:
        threshold = -1.0
    if not 0.0 <= threshold <= 1.0:
        raise ModelError(f"{path}: states no threshold of confidence from 0 to 1 ({stated!r:.20})")
    return threshold
