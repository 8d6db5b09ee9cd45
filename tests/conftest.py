"""What several test files share."""

import csv
import os
import signal
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

import pytest

from siffra import Reader

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
TRAINING = {"filelock", "keras", "onnx", "scipy", "sklearn", "tensorflow", "tf2onnx", "tqdm"}


class WithoutTraining:
    """Skips whatever imports a part of the training stack that is missing, a test or a whole file.

    So the same tests run where only the package is installed, with what it needs.
    """

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name.partition(".")[0] in TRAINING:
            pytest.skip(f"needs {name}, of siffra[train]", allow_module_level=True)
        return None


# In the background of a shell a process ignores Ctrl-C, and so would whatever the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

if not find_spec("tensorflow"):
    sys.meta_path.append(WithoutTraining())  # asked last, for what nothing else finds


@pytest.fixture(scope="session")
def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="session")
def examples() -> dict[Path, str]:
    """The repository's drawn pictures, with what they show; lines are separated by newlines."""
    with (EXAMPLES / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {EXAMPLES / row["file"]: row["label"].replace("/", "\n") for row in rows}


@pytest.fixture(scope="session")
def mnist() -> Path:
    """The folder of MNIST's files."""
    if not os.environ.get("SIFFRA_DATA"):
        pytest.skip("$SIFFRA_DATA is not set: no MNIST to train on")
    base = Path(os.environ["SIFFRA_DATA"])
    for folder in (base, base / "mnist"):
        if any(folder.glob("train-images*")) or (folder / "mnist.npz").is_file():
            return folder
    pytest.skip("$SIFFRA_DATA holds no MNIST")
