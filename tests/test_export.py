"""Export: from a run to models that answer as Keras does, and a release that proves it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from benchmarks.scenes import draw_digit
from benchmarks.strokes import STYLES
from export.parity import compare
from siffra import Reader
from siffra.network import MODELS
from siffra.shipped import FILE_NAME, digests

ROOT = Path(__file__).parents[1]
Stage = Callable[..., subprocess.CompletedProcess[str]]


def stage(*arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `python -m STAGE …` as a user does, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def drawn_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run trained on digits that the repository draws, so that no data is needed."""
    folder = tmp_path_factory.mktemp("drawn")
    for digit in range(10):
        (folder / "digits" / str(digit)).mkdir(parents=True)
        for number in range(36):
            drawn = draw_digit(
                digit, size=56, style=list(STYLES)[number % len(STYLES)], thickness=0.1, seed=number
            )
            cv2.imwrite(str(folder / "digits" / str(digit) / f"{number}.png"), drawn)
    stage("train", "--data", folder / "digits", "--runs", folder, "--name", "own", "--epochs", 25)
    return folder / "own"


@pytest.fixture
def run(drawn_run: Path, tmp_path: Path) -> Path:
    """A copy of the run that a test may spoil."""
    return Path(shutil.copytree(drawn_run, tmp_path / "run"))


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package without models."""
    site = tmp_path / "site" / "siffra"
    shutil.copytree(MODELS.parent, site, ignore=shutil.ignore_patterns("models", "__pycache__"))
    (site / "models").mkdir()
    return site


def siffra(package: Path, *arguments: object) -> str:
    """Run the command line of a package, not of the one that is installed."""
    done = subprocess.run(
        [sys.executable, "-m", "siffra", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(package.parent)},
        cwd=package.parent, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_run_is_exported_and_its_parity_proven(run: Path) -> None:
    shown = stage("export", run).stdout
    report = json.loads((run / "parity.json").read_text())
    fp32, int8 = report["variants"]
    assert report["passed"]
    assert report["cells"] == json.loads((run / "data.json").read_text())["test"]
    assert (fp32["name"], int8["name"]) == ("ann", "ann-int8")
    assert fp32["max_difference"] <= 1e-5
    assert fp32["flips"] == []
    assert int8["points_lost"] <= 0.05
    assert int8["bytes"] < fp32["bytes"] / 3
    for variant in report["variants"]:
        assert variant["name"] in shown
        assert f"{variant['max_difference']:.1e}" in shown


def test_the_metadata_says_where_a_model_comes_from(run: Path) -> None:
    stage("export", run)
    digest = sha256((run / "parity.json").read_bytes()).hexdigest()
    report = json.loads((run / "parity.json").read_text())
    for variant in report["variants"]:
        path = run / f"{variant['name']}.onnx"
        metadata = Reader(path).metadata
        assert metadata["parity"] == digest
        assert metadata["name"] == variant["name"]
        assert json.loads(metadata["recipe"]) == json.loads((run / "config.json").read_text())
        assert float(metadata["accuracy"]) == pytest.approx(variant["accuracy"], abs=1e-4)
        assert "own pictures" in metadata["licence"]

        bare = onnx.load(path)  # the report speaks of the graph that is in the file
        bare.ClearField("metadata_props")
        bare.ClearField("producer_name")
        bare.ClearField("producer_version")
        graph = bare.SerializeToString(deterministic=True)
        assert variant["bytes"] == path.stat().st_size > len(graph)


def test_exporting_twice_gives_the_same_bytes(run: Path) -> None:
    stage("export", run)
    first = {path.name: path.read_bytes() for path in [*run.glob("*.onnx"), run / "parity.json"]}
    stage("export", run)
    assert {name: (run / name).read_bytes() for name in first} == first


def test_a_release_makes_a_package_that_reads(
    run: Path, package: Path, examples: dict[Path, str]
) -> None:
    shown = stage("export", run, "--release", "--package", package / "models").stdout
    assert sorted(path.name for path in (package / "models").iterdir()) == [
        "SHA256SUMS", "ann-int8.onnx", "ann-parity.json", "ann.md", "ann.onnx", "golden.npz",
    ]  # fmt: skip
    assert shown.count("released: ") == 6
    assert siffra(package, "check").count("ok") == 2
    single = next(path for path, text in examples.items() if len(text) == 1)
    assert siffra(package, "classify", "--model", "ann", single).startswith(examples[single])
    card = (package / "models" / "ann.md").read_text()
    assert json.loads((run / "data.json").read_text())["hashes"]["cells"] in card
    assert "784-128-32-10" in card


def test_a_release_lists_what_was_released_before_it_and_blesses_nothing_else(
    run: Path, package: Path
) -> None:
    models = package / "models"
    before = [f"{digest}  {name}" for name, digest in digests(MODELS).items() if "cnn" in name]
    for name in ("cnn.onnx", "cnn-int8.onnx"):
        shutil.copy(MODELS / name, models)
    (models / FILE_NAME).write_text("\n".join(before) + "\n", "ascii")
    shutil.copy(MODELS / "ann.onnx", models / "stray.onnx")
    stage("export", run, "--release", "--package", models)
    listed = (models / FILE_NAME).read_text("ascii").splitlines()
    assert len(listed) == 5
    assert set(before) < set(listed)
    (models / "stray.onnx").unlink()
    assert siffra(package, "check").count("ok") == 4

    (models / "cnn.onnx").write_bytes(b"half of another release")
    done = stage("export", run, "--release", "--package", models, status=1)
    assert "cnn.onnx is not what SHA256SUMS says; release its run first" in done.stderr
    assert (models / FILE_NAME).read_text("ascii").splitlines() == listed


def test_a_variant_that_falls_short_is_not_released(run: Path, package: Path) -> None:
    """Calibrated on nothing, int8 has no range left for real activations."""
    with np.load(run / "test.npz") as arrays:
        spoiled = {**arrays, "calibration_cells": np.zeros((8, 28, 28), np.uint8)}
    np.savez(run / "test.npz", **spoiled)
    done = stage("export", run, "--release", "--package", package / "models", status=1)
    assert "points of accuracy" in done.stdout
    assert "not released: ann-int8" in done.stderr
    assert list((package / "models").iterdir()) == []
    report = json.loads((run / "parity.json").read_text())
    assert not report["passed"]
    assert report["variants"][1]["flips"]
    stage("export", run, status=1)


def test_a_model_that_misreads_is_not_released(run: Path, package: Path) -> None:
    """Parity proves that export lost nothing, not that there was something to lose."""
    import keras

    model = keras.saving.load_model(run / "model.keras")
    model.set_weights([np.zeros_like(weights) for weights in model.get_weights()])
    model.save(run / "model.keras")
    done = stage("export", run, "--release", "--package", package / "models", status=1)
    assert "not released: ann reads" in done.stderr
    assert list((package / "models").iterdir()) == []


def test_what_is_no_whole_run_is_refused(run: Path, tmp_path: Path) -> None:
    assert "python -m train" in stage("export", tmp_path, status=2).stderr
    test_set = (run / "test.npz").read_bytes()
    (run / "test.npz").write_bytes(test_set[:1000])
    assert "damaged" in stage("export", run, status=2).stderr
    (run / "test.npz").write_bytes(test_set)
    keras_model = (run / "model.keras").read_bytes()
    (run / "model.keras").write_bytes(keras_model[:1000])
    assert "model.keras" in stage("export", run, status=2).stderr
    (run / "metrics.json").unlink()
    assert "--resume" in stage("export", run, status=2).stderr


def test_help_does_not_wait_for_tensorflow() -> None:
    code = "import sys, export.__main__; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout.strip() == b"False"
    assert "--release" in stage("export", "--help").stdout


def test_an_export_reports_nothing_to_anybody() -> None:
    """All of onnxruntime comes after this."""
    code = (
        "import os, sys, export; print('onnxruntime' in sys.modules, os.environ.get(sys.argv[1]))"
    )
    environment = {
        key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"
    }
    done = subprocess.run(
        [sys.executable, "-c", code, "ORT_DISABLE_TELEMETRY"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "False 1\n"


TRUTH = np.arange(10_000) % 10
SURE = np.eye(10, dtype=np.float32)[TRUTH]


def with_wrong(count: int) -> NDArray[np.float32]:
    answers: NDArray[np.float32] = SURE.copy()
    answers[:count] = np.roll(answers[:count], 1, axis=1)
    return answers


def test_limits_are_exact() -> None:
    """fp32: 1e-5 and no flip; int8: five cells in ten thousand, and no sixth."""
    labels = TRUTH.astype(np.uint8)

    def shortfalls(precision: str, answers: NDArray[np.float32]) -> int:
        return len(compare("x", precision, b"graph", 5, SURE, answers, labels).shortfalls)

    assert shortfalls("fp32", SURE) == 0
    assert shortfalls("fp32", SURE * np.float32(1 - 9e-6)) == 0
    assert shortfalls("fp32", SURE * np.float32(1 - 2e-5)) == 1
    assert shortfalls("fp32", with_wrong(1)) == 3  # difference, flip, accuracy
    assert shortfalls("int8", with_wrong(5)) == 0
    assert shortfalls("int8", with_wrong(6)) == 1
    assert shortfalls("int8", SURE * np.float32("nan")) >= 1


def test_the_whole_chain_on_mnist(
    mnist: Path, package: Path, tmp_path: Path, examples: dict[Path, str]
) -> None:
    """Train, export, release, check, read, without a hand in between."""
    stage("train", "--data", mnist, "--runs", tmp_path, "--name", "short", "--epochs", 3)
    stage("export", tmp_path / "short", "--release", "--package", package / "models")
    report = json.loads((tmp_path / "short" / "parity.json").read_text())
    assert report["cells"] == 10_000
    assert report["keras_accuracy"] > 0.94
    assert siffra(package, "check").count("ok") == 2
    lines = siffra(package, "read", "--model", "ann", "--jsonl", *examples).splitlines()
    read = {Path(json.loads(line)["source"]): json.loads(line)["text"] for line in lines}
    wrong = [path.name for path, text in examples.items() if read[path] != text]
    assert len(wrong) <= 3, wrong  # three epochs, not twenty
