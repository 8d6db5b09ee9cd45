"""The run directory: what lies in it, when it is whole, and whether a run may go on in it."""

import csv
import json
import platform
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from siffra.files import leftovers, replace_all, replacing

from .config import TrainConfig
from .data import Dataset
from .locks import locked

CALIBRATION_CELLS = 1000


class RunError(ValueError):
    """The run directory cannot be used as asked; the message says what to do."""


class Epoch(NamedTuple):
    """One line of the history."""

    epoch: int
    """From 1."""
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float


@dataclass(frozen=True)
class Run:
    """The files of one run. Every file appears whole or not at all; `metrics.json` is the last."""

    directory: Path

    @property
    def config(self) -> Path:
        """The config, written first: a directory without it is no run."""
        return self.directory / "config.json"

    @property
    def data(self) -> Path:
        """What the run was trained on, with hashes."""
        return self.directory / "data.json"

    @property
    def checkpoint(self) -> Path:
        """Weights and optimiser after the last finished epoch; there while the run goes on."""
        return self.directory / "checkpoint.keras"

    @property
    def model(self) -> Path:
        """The trained network."""
        return self.directory / "model.keras"

    @property
    def metrics(self) -> Path:
        """Accuracy and the like; its presence makes the run whole."""
        return self.directory / "metrics.json"

    @property
    def history(self) -> Path:
        """One line for each finished epoch."""
        return self.directory / "history.csv"

    @property
    def figures(self) -> Path:
        """Folder of the pictures that the report shows."""
        return self.directory / "figures"

    def beside(self, name: str) -> "Run":
        """Another run in the same folder of runs."""
        return Run(self.directory.parent / name)

    @property
    def is_whole(self) -> bool:
        """Whether the run has come to its end."""
        return self.metrics.is_file()

    @contextmanager
    def held(self, *, wait: bool = False) -> Iterator[None]:
        """Keep other processes from training in this directory; the system frees it at the end.

        Raises:
            RunError: One does so now, and it is not to be waited for.
        """
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        # Beside the directory, which --force replaces.
        folder = self.directory.resolve()  # by a link it is the same run
        path = folder.with_name(f".{folder.name}.lock")
        waiting = f"waiting for the training that is at work in {self.directory}" if wait else None
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(path, waiting=waiting))
            except TimeoutError as error:
                raise RunError(
                    f"another training, or an export, is at work in {self.directory}: wait for "
                    "its end, or choose another --name"
                ) from error
            yield

    def begun_with(self) -> tuple[TrainConfig, Path | None] | None:
        """The config that the run was begun with and the folder of its data; None if it was not."""
        stored = self._stored_config()
        if stored is None:
            return None
        if stored.keys() != {field.name for field in fields(TrainConfig)}:
            raise RunError(
                f"{self.directory} was begun by another version of siffra: start again with --force"
            )
        try:
            config = TrainConfig.from_json(stored)
        except TypeError as error:
            raise RunError(
                f"{self.directory} was begun by another version of siffra: start again with --force"
            ) from error
        if not self.data.is_file():  # killed in between: on what it was begun is not known
            raise RunError(f"{self.directory} was stopped as it began: start it again with --force")
        folder = read_json(self.data).get("folder")
        return config, None if folder is None else Path(folder)

    def check(self, config: TrainConfig, *, resume: bool, force: bool) -> None:
        """See whether a run of `config` may begin or go on here; changes nothing.

        Raises:
            RunError: It may not.
        """
        if not self._has_files():
            return
        if self._stored_config() is None:
            raise RunError(f"{self.directory} {self.mismatch(config)}: choose another --name")
        if force:
            return
        if not resume:
            raise RunError(
                f"{self.directory} exists: --resume goes on with it, --force starts it again, "
                "--name NAME makes another"
            )
        if mismatch := self.mismatch(config):
            raise RunError(
                f"{self.directory} {mismatch}: resume with the same options, or choose another "
                "--name"
            )

    def mismatch(self, config: TrainConfig) -> str | None:
        """Say why what lies here is no run of `config`; None where it is, or nothing lies here."""
        if not self._has_files():
            return None
        begun = self._stored_config()
        if begun is None:
            return "is in use, but not by a run"
        asked = json.loads(json.dumps(asdict(config)))
        differing = ", ".join(
            f"{name} {begun.get(name)} (now {asked.get(name)})"
            for name in asked | begun
            if begun.get(name) != asked.get(name)
        )
        return f"was begun with {differing}" if differing else None

    def check_data(self, dataset: Dataset) -> None:
        """See whether the run, if there is one, was begun with this data.

        Raises:
            RunError: It was not.
        """
        if self.has_other_data(dataset):
            raise RunError(
                f"{self.directory} was begun with other data: resume with the same --data, or "
                "choose another --name"
            )

    def has_other_data(self, dataset: Dataset) -> bool:
        """Whether the run, if there is one, was begun with other data."""
        return self.data.is_file() and read_json(self.data)["hashes"] != dataset.hashes

    def begin(self, config: TrainConfig, dataset: Dataset, *, force: bool) -> None:
        """Write what is known before training: config, data and versions.

        With `force`, what was there goes first. Otherwise the run that was begun goes on.

        Raises:
            RunError: The run was begun with other data.
        """
        # One rename, since a removal that is killed half way would leave half of a run; what is
        # left of such a one goes too.
        trash = self.directory.with_name(f".{self.directory.name}.trash")
        _remove(trash)
        if force and self.directory.exists():
            self.directory.rename(trash)
            _remove(trash)
        self.check_data(dataset)
        self.directory.mkdir(parents=True, exist_ok=True)
        for folder in filter(Path.is_dir, (self.directory, self.figures)):
            for path in leftovers(folder):
                path.unlink()  # they may be what fills the disk
        # The config first: it is what makes the directory a run.
        first = {self.config: asdict(config), self.data: _describe(dataset)}
        replace_all({path: _json(content).encode() for path, content in first.items()})
        self.figures.mkdir(exist_ok=True)
        self._write_test_cells(config, dataset)
        write_json(self.directory / "versions.json", _versions())

    def write_history(self, history: list[Epoch]) -> None:
        """Write the whole history: a header, and a line for each epoch."""
        with (
            replacing(self.history) as path,
            path.open("w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(Epoch._fields)
            writer.writerows(history)

    def read_history(self, epochs: int) -> list[Epoch]:
        """The first `epochs` epochs of the history.

        Raises:
            RunError: It has fewer.
        """
        with self.history.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))[1:]
        if len(rows) < epochs:
            raise RunError(f"{self.history} lacks epochs of the checkpoint: start with --force")
        return [Epoch(int(row[0]), *map(float, row[1:])) for row in rows[:epochs]]

    def end(self, metrics: dict[str, Any]) -> None:
        """Write the metrics, which makes the run whole, and remove the checkpoint."""
        write_json(self.metrics, metrics)
        self.checkpoint.unlink(missing_ok=True)

    def _stored_config(self) -> dict[str, Any] | None:
        """What `config.json` holds; None where it is missing or not of a run."""
        if not self.config.is_file():
            return None
        try:
            stored = read_json(self.config)
        except ValueError:
            return None
        return stored if stored.keys() >= {"recipe", "family", "seed"} else None

    def _has_files(self) -> bool:
        """Whether anything lies here; a file that a killed run never finished does not count."""
        if not self.directory.exists():
            return False
        return any(not path.name.startswith(".") for path in self.directory.iterdir())

    def _write_test_cells(self, config: TrainConfig, dataset: Dataset) -> None:
        """Write `test.npz`: all that export needs of the data, so that it reads only the run."""
        training, _ = dataset.split(config.validation_split)
        rng = np.random.default_rng(config.seed)
        shuffled = rng.permutation(len(training.labels))
        # Ranked within its class, a cell is taken before any cell of a higher rank: as many of
        # each digit as there are.
        rank = np.empty(len(shuffled), np.int64)
        for digit in range(10):
            members = np.flatnonzero(training.labels[shuffled] == digit)
            rank[members] = np.arange(len(members))
        drawn = shuffled[np.argsort(rank, kind="stable")[:CALIBRATION_CELLS]]
        with replacing(self.directory / "test.npz") as path:
            np.savez(
                path,
                test_cells=dataset.test_cells,
                test_labels=dataset.test_labels,
                calibration_cells=training.cells[drawn],
            )


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def read_json(path: Path) -> dict[str, Any]:
    """The object that a JSON file holds."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write an object as JSON, for people to read too."""
    with replacing(path) as temporary:
        temporary.write_text(_json(content), encoding="utf-8")


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"


def _describe(dataset: Dataset) -> dict[str, Any]:
    return {
        "source": dataset.source,
        "folder": None if dataset.folder is None else str(dataset.folder),
        "train": len(dataset.train_labels),
        "test": len(dataset.test_labels),
        "shape": list(dataset.train_cells.shape[1:]),
        "train_counts": np.bincount(dataset.train_labels, minlength=10).tolist(),
        "test_counts": np.bincount(dataset.test_labels, minlength=10).tolist(),
        "left_out": len(dataset.left_out),
        "hashes": dataset.hashes,
    }


def _versions() -> dict[str, str]:
    # From what is installed: to ask TensorFlow itself would take the seconds of its import.
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "tensorflow": version("tensorflow"),
        "keras": version("keras"),
        "platform": platform.platform(),
    }
