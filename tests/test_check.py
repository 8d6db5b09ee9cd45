"""The self-test finds a machine, or a package, that answers otherwise, and tells by how much."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from siffra import Reader
from siffra.network import MODELS, released
from siffra.shipped import FILE_NAME, digests, sha256


def check(package: Path, status: int, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `siffra check` of a package in a folder of its own."""
    return run(package, status, "check", *options)


def run(package: Path, status: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "siffra", *arguments],
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


def golden() -> dict[str, Any]:
    with np.load(MODELS / "golden.npz") as arrays:
        return dict(arrays)


def write_golden(package: Path, vectors: dict[str, Any]) -> None:
    np.savez(package / "models" / "golden.npz", **vectors)
    bless(package, "golden.npz")


def change_golden(package: Path, **changes: Any) -> None:
    write_golden(package, golden() | changes)


def bless(package: Path, name: str) -> None:
    """List a file as it is, as if it had been released so."""
    path = package / "models" / name
    sums = digests(path.parent) | {name: sha256(path.read_bytes())}
    (path.parent / FILE_NAME).write_text("".join(f"{sums[key]}  {key}\n" for key in sums), "ascii")


def test_an_intact_package_passes(package: Path) -> None:
    output = check(package, 0).stdout
    assert output.count("ok") == 4
    assert output.count("picture read rightly") == 4
    documents = json.loads(check(package, 0, "--json").stdout)
    assert [document["model"] for document in documents] == list(released())
    for document in documents:
        assert document["passed"]
        assert document["cells"] > 100
        assert 0 <= document["mean_difference"] <= document["difference"]
        assert document["flips"] == document["decisions"] == 0


def test_a_model_that_was_lost_is_missed(package: Path) -> None:
    (package / "models" / "ann-int8.onnx").unlink()
    done = run(package, 1, "info")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("ann-int8")]
    assert line.endswith("is missing from the package; install siffra again")
    assert "ann-int8   FAILED" in check(package, 1).stdout


@pytest.mark.parametrize("name", released())
def test_the_golden_cells_see_more_than_digits(name: str) -> None:
    """Of digits alone the models are so sure that hardly any wrong sum would show."""
    best = golden()[name].max(axis=1)
    assert (best > 0.99).sum() > 80
    assert ((best > 0.3) & (best < 0.99)).sum() > 30
    assert (best[-5:] < 0.95).any()  # blank, ink alone, noise, a chequerboard, a ramp


@pytest.mark.parametrize(
    ("model", "difference", "shown"),
    [
        ("ann", 0.001, "1.0e-03 (allowed 1e-04), mean 9"),
        ("ann-int8", 0.05, "5.0e-02 (allowed 2e-02), mean 4"),
    ],
)
def test_other_probabilities_fail(package: Path, model: str, difference: float, shown: str) -> None:
    change_golden(package, **{model: np.abs(golden()[model] - np.float32(difference))})
    output = check(package, 1).stdout
    assert output.count("FAILED") == 1
    assert shown in output


def exchange(package: Path, model: str, cell: int) -> None:
    """Let the golden answer to a cell have its two best labels the other way round."""
    answers = golden()[model]
    best, second = np.argsort(answers[cell])[:-3:-1]
    answers[cell, [best, second]] = answers[cell, [second, best]]
    change_golden(package, **{model: answers})


def margins(model: str) -> NDArray[np.float32]:
    ranked = np.sort(golden()[model], axis=1)
    return np.asarray(ranked[:, -1] - ranked[:, -2], np.float32)


def test_another_label_of_a_sure_cell_fails(package: Path) -> None:
    exchange(package, "ann", int(np.argmax(margins("ann"))))
    assert "151 cells, 1 labels differ" in check(package, 1).stdout


def test_another_label_where_two_are_as_good_is_told_and_does_not_fail(package: Path) -> None:
    """Where the two best are closer than what is allowed, either may be ahead."""
    close = int(np.argmin(margins("cnn-int8")))
    assert margins("cnn-int8")[close] < 0.01
    exchange(package, "cnn-int8", close)
    output = check(package, 0).stdout
    assert "0 labels differ, and 1 doubtful ones" in output
    assert "int8 is rounded otherwise on this processor" in output
    documents = json.loads(check(package, 0, "--json").stdout)
    assert [document["doubtful_flips"] for document in documents] == [0, 0, 0, 1]


def test_what_is_accepted_otherwise_is_told(package: Path) -> None:
    """A probability on the other side of the threshold by less than is allowed."""
    answers, threshold = golden()["ann-int8"], Reader("ann-int8").threshold
    best = answers.max(axis=1)
    near = int(np.argmin(np.abs(best - threshold)))
    label = int(answers[near].argmax())
    above = best[near] >= threshold
    assert abs(best[near] - threshold) < 0.015
    answers[near, label] = threshold + (-1e-3 if above else 1e-3)
    change_golden(package, **{"ann-int8": answers})
    assert "1 accepted otherwise" in check(package, 0).stdout


def test_a_misread_picture_fails(package: Path) -> None:
    change_golden(package, picture_text=np.array("42"))
    assert "picture misread" in check(package, 1).stdout


def test_another_model_fails(package: Path) -> None:
    shutil.copy(package / "models" / "ann-int8.onnx", package / "models" / "ann.onnx")
    bless(package, "ann.onnx")
    output = check(package, 1).stdout
    assert "holds the model 'ann-int8'" in output
    assert output.count("ok") == 3


@pytest.mark.parametrize("damage", ["missing", "broken", "changed", "incomplete", "no archive"])
def test_damaged_golden_vectors_are_named(package: Path, damage: str) -> None:
    path = package / "models" / "golden.npz"
    if damage == "missing":
        path.unlink()
    elif damage == "broken":
        path.write_bytes(path.read_bytes()[:500])
    elif damage == "changed":
        np.savez(path, **golden())
    elif damage == "incomplete":
        write_golden(package, {"cells": np.zeros((1, 28, 28), np.uint8)})
    else:
        path.write_bytes(b"PK")
        bless(package, "golden.npz")
    assert "golden" in check(package, 1).stderr


def test_a_model_without_golden_vectors_fails(package: Path) -> None:
    vectors = golden()
    del vectors["ann-int8"]
    write_golden(package, vectors)
    output = check(package, 1).stdout
    assert "no golden vectors for it" in output
    assert output.count("ok") == 3


@pytest.mark.parametrize("damage", ["missing", "broken", "one bit"])
def test_a_damaged_model_fails_and_the_others_are_checked(package: Path, damage: str) -> None:
    path = package / "models" / "ann.onnx"
    content = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    elif damage == "broken":
        path.write_bytes(content[:1000])
    else:
        content[200_000] ^= 1
        path.write_bytes(content)
    output = check(package, 1).stdout
    assert "FAILED" in output
    assert output.count("ok") == 3
    documents = json.loads(check(package, 1, "--json").stdout)
    assert [document["passed"] for document in documents] == [False, True, True, True]
