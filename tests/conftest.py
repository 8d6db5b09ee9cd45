"""What several test files share."""

import csv
import os
from pathlib import Path

import pytest

from siffra import Reader

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"


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
