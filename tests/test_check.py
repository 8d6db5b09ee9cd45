"""The self-test finds a machine, or a package, that answers otherwise."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from siffra.network import MODELS, released


def check(package: Path, status: int, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `siffra check` of a package in a folder of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "siffra", "check", *options],
        env={**os.environ, "PYTHONPATH": str(package.parent)},
        cwd=package.parent, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def package(tmp_path: Path) -> Path:
    copy = tmp_path / "siffra"
    shutil.copytree(MODELS.parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def change_golden(package: Path, **changes: Any) -> None:
    path = package / "models" / "golden.npz"
    with np.load(path) as arrays:
        golden = dict(arrays)
    np.savez(path, **{**golden, **changes})


def test_an_intact_package_passes(package: Path) -> None:
    output = check(package, 0).stdout
    assert output.count("ok") == 4
    assert output.count("picture read rightly") == 4
    documents = json.loads(check(package, 0, "--json").stdout)
    assert [document["model"] for document in documents] == list(released())
    assert all(document["passed"] and document["cells"] > 50 for document in documents)


@pytest.mark.parametrize(
    ("model", "difference", "shown"),
    [("ann", 0.001, "1.0e-03 (allowed 1e-04)"), ("ann-int8", 0.05, "5.0e-02 (allowed 2e-02)")],
)
def test_other_probabilities_fail(package: Path, model: str, difference: float, shown: str) -> None:
    with np.load(package / "models" / "golden.npz") as arrays:
        expected = arrays[model]
    change_golden(package, **{model: np.abs(expected - difference)})
    output = check(package, 1).stdout
    assert output.count("FAILED") == 1
    assert shown in output


def test_other_labels_fail(package: Path) -> None:
    """Two digits so close that a difference within the tolerance turns the one into the other."""
    with np.load(package / "models" / "golden.npz") as arrays:
        cells, answers = arrays["cells"], arrays["ann-int8"]
    close = int(np.argmin(answers.max(axis=1)))
    turned = answers[close : close + 1].copy()
    best, second = np.argsort(turned[0])[:-3:-1]
    turned[0, [best, second]] = turned[0, [second, best]]
    change_golden(package, cells=cells[close : close + 1], **dict.fromkeys(released(), turned))
    assert "1 labels differ" in check(package, 1).stdout


def test_a_misread_picture_fails(package: Path) -> None:
    change_golden(package, picture_text=np.array("42"))
    assert "picture misread" in check(package, 1).stdout


def test_another_model_fails(package: Path) -> None:
    shutil.copy(package / "models" / "ann-int8.onnx", package / "models" / "ann.onnx")
    output = check(package, 1).stdout
    assert "holds the model 'ann-int8'" in output
    assert output.count("ok") == 3


@pytest.mark.parametrize("damage", ["missing", "broken", "incomplete"])
def test_damaged_golden_vectors_are_named(package: Path, damage: str) -> None:
    path = package / "models" / "golden.npz"
    if damage == "missing":
        path.unlink()
    elif damage == "broken":
        path.write_bytes(path.read_bytes()[:500])
    else:
        np.savez(path, cells=np.zeros((1, 28, 28), np.uint8))
    assert "golden" in check(package, 1).stderr


def test_a_model_without_golden_vectors_fails(package: Path) -> None:
    path = package / "models" / "golden.npz"
    with np.load(path) as arrays:
        golden = {name: array for name, array in arrays.items() if name != "ann-int8"}
    np.savez(path, **golden)
    output = check(package, 1).stdout
    assert "no golden vectors for it" in output
    assert output.count("ok") == 3


@pytest.mark.parametrize("damage", ["missing", "broken"])
def test_a_damaged_model_fails_and_the_others_are_checked(package: Path, damage: str) -> None:
    path = package / "models" / "ann.onnx"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:1000])
    output = check(package, 1).stdout
    assert "FAILED" in output
    assert output.count("ok") == 3
    documents = json.loads(check(package, 1, "--json").stdout)
    assert [document["passed"] for document in documents] == [False, True, True, True]
