"""What training left behind: the files of a run directory, which is all that export knows of it."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from siffra.files import leftovers


class RunError(Exception):
    """A run directory that cannot be exported; the message says why and what to do."""


@dataclass(frozen=True)
class Run:
    """A whole run: trained, evaluated and written to its end."""

    path: Path
    config: Mapping[str, Any]
    data: Mapping[str, Any]
    metrics: Mapping[str, Any]
    test_cells: NDArray[np.uint8]
    """uint8 [n, 28, 28]: the whole test set."""

    test_labels: NDArray[np.uint8]
    """uint8 [n]."""

    calibration_cells: NDArray[np.uint8]
    """uint8 [m, 28, 28]: training cells that quantisation takes its ranges from."""

    @property
    def family(self) -> str:
        """The name that its models are released under."""
        return str(self.config["family"])

    @property
    def model_path(self) -> Path:
        """The trained Keras model."""
        return self.path / "model.keras"


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keep trainings and other exports out of a run; the system ends it with the process.

    What a killed export left there is removed.

    Raises:
        RunError: There is no run, or one of them is at work in it.
    """
    if not (path / "config.json").is_file():
        raise RunError(f"{path}: is not a run directory; `python -m train` makes one")
    folder = path.resolve()  # by a link it is the same run
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))  # the one that training takes
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RunError(
            f"{path}: a training or another export is at work in it; wait for its end"
        ) from error
    try:
        for left in leftovers(path):
            left.unlink()
        yield
    finally:
        lock.release()


def open_run(path: Path) -> Run:
    """Read a run directory.

    Raises:
        RunError: It is not whole.
    """
    if not (path / "metrics.json").is_file():  # training writes it last
        raise RunError(
            f"{path}: its training has not ended; go on with it: "
            f"python -m train --resume --runs {path.parent} --name {path.name}"
        )
    try:
        config, data, metrics = (
            json.loads((path / f"{name}.json").read_text("utf-8"))
            for name in ("config", "data", "metrics")
        )
        for name, content, needed in (
            ("config", config, {"family", "recipe", "hidden", "seed"}),
            ("metrics", metrics, {"threshold", "temperature", "parameters"}),
        ):
            missing = needed - content.keys()
            if missing:
                raise KeyError(f"{name}.json lacks {', '.join(sorted(missing))}")
        with np.load(path / "test.npz", allow_pickle=False) as arrays:
            return Run(
                path,
                config,
                data,
                metrics,
                arrays["test_cells"],
                arrays["test_labels"],
                arrays["calibration_cells"],
            )
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise RunError(f"{path}: is damaged ({error}); train it again with --force") from error
