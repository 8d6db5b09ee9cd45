"""Training: from data in any of its forms to a run directory that is whole."""

import csv
import dataclasses
import gzip
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from train.config import RECIPES, TrainConfig
from train.data import MNIST_SHA256, DataError, Dataset, Part, load
from train.interrupt import deferring_interrupts, noticing_interrupts
from train.run import Run

ROOT = Path(__file__).parents[1]
CLOSED_PORT = "http://127.0.0.1:9/mnist.npz"  # "discard": nobody answers there


def arguments(*given: object) -> list[str]:
    return [sys.executable, "-m", "train", *map(str, given)]


def environment(**changes: object) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name[:7] != "SIFFRA_"}
    return inherited | {name: str(value) for name, value in changes.items()}


def train(*given: object, **changes: object) -> subprocess.CompletedProcess[str]:
    """Run `python -m train` as a user does, in a process of its own."""
    return subprocess.run(
        arguments(*given),
        cwd=ROOT,
        env=environment(**changes),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


@contextmanager
def training(*given: object) -> Iterator[subprocess.Popen[str]]:
    """Run `python -m train` in the background, to disturb it."""
    with subprocess.Popen(
        arguments(*given),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 90
    while not path.exists():
        assert process.poll() is None, f"training ended before it wrote {path.name}"
        assert time.monotonic() < deadline, f"{path.name} did not appear"
        time.sleep(0.01)


def weights(run: Path) -> list[NDArray[np.float32]]:
    import keras

    loaded: list[NDArray[np.float32]] = keras.saving.load_model(run / "model.keras").get_weights()
    return loaded


def history(run: Path) -> list[dict[str, str]]:
    with (run / "history.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def same_training(one: Path, other: Path) -> bool:
    """Whether two runs gave the same weights and history, to the last bit."""
    pairs = zip(weights(one), weights(other), strict=True)
    without_times = [[row | {"seconds": ""} for row in history(run)] for run in (one, other)]
    return all(np.array_equal(a, b) for a, b in pairs) and without_times[0] == without_times[1]


@pytest.fixture(scope="module")
def dataset(mnist: Path) -> Dataset:
    return load(mnist)


@pytest.fixture(scope="module")
def mnist_run(mnist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on MNIST that nothing has disturbed."""
    runs = tmp_path_factory.mktemp("runs")
    done = train("--data", mnist, "--runs", runs, "--epochs", 3)
    assert done.returncode == 0, done.stderr
    return runs / "seed-0"


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Someone's own digits: seven pictures of each, dark on light, of many sizes."""
    folder = tmp_path_factory.mktemp("digits")
    for digit in range(10):
        (folder / str(digit)).mkdir()
        for number in range(7):
            size = 60 + 15 * number
            picture = np.full((size, size, 3), 235, np.uint8)
            origin, thickness = (size // 3, 3 * size // 4), 2 + number // 2
            cv2.putText(picture, str(digit), origin, 0, size / 45, (60, 40, 30), thickness)
            suffix = (".png", ".jpg", ".BMP")[number % 3]
            cv2.imwrite(str(folder / str(digit) / f"{number}{suffix}"), picture)
    return folder


@pytest.fixture(scope="module")
def digits_run(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    done = train("--data", digits, "--runs", runs, "--epochs", 2, "--name", "mine")
    assert done.returncode == 0, done.stderr
    assert f"next: python -m export {runs / 'mine'}" in done.stdout
    assert "Traceback" not in done.stderr
    assert "cuda" not in done.stderr.lower(), "TensorFlow's own notes are not for our users"
    return runs / "mine"


# The command


def test_help_and_wrong_options_do_not_wait_for_tensorflow() -> None:
    for given, status in (["--help"], 0), (["--epochs", "0"], 2), (["--name", "../x"], 2):
        command = [sys.executable, "-X", "importtime", "-m", "train", *given]
        done = subprocess.run(
            command, cwd=ROOT, env=environment(), capture_output=True, check=False
        )
        assert done.returncode == status
        assert b"tensorflow" not in done.stderr
        assert b"keras" not in done.stderr.replace(b"--loop {compiled,keras}", b"")


def test_the_seed_recipe_is_the_briefs_own() -> None:
    import keras

    from train.networks import build, fold

    config = RECIPES["seed"]
    assert (config.epochs, config.batch_size, config.validation_split) == (20, 32, 0.2)
    assert config.augmentation is None
    model = fold(build(config), config, 1.0)
    assert [type(layer).__name__ for layer in model.layers] == [
        *("InputLayer", "Flatten", "Dense", "ReLU", "Dense", "ReLU", "Dense"),
    ]
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert [layer.units for layer in dense] == [128, 32, 10]
    assert dense[-1].activation.__name__ == "softmax"
    assert model.count_params() == 104_938


def test_the_seed_decides_the_first_weights() -> None:
    from train.networks import build

    first, again, other = (
        build(TrainConfig("seed", seed=seed)).get_weights()[0] for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_both_loops_do_the_same_arithmetic(tmp_path: Path) -> None:
    from train.fit import prepare
    from train.loops import LOOPS
    from train.run import Run
    from train.samples import as_they_are

    rng = np.random.default_rng(5)
    cells = rng.integers(0, 256, (410, 28, 28), np.uint8)
    labels = rng.integers(0, 10, 410, np.uint8)
    training = as_they_are(Part(cells[:330], labels[:330]))
    validation = as_they_are(Part(cells[330:], labels[330:]))
    results = {}
    for name, loop in LOOPS.items():
        # 330 cells are ten batches of 32 and one of 10.
        model, _ = prepare(TrainConfig("seed"), Run(tmp_path), training)
        one_epoch = loop(model, validation, 32)
        orders = [np.random.default_rng(epoch).permutation(330) for epoch in range(2)]
        figures = [one_epoch(training, order) for order in orders]
        assert int(model.optimizer.iterations) == 22
        results[name] = (figures, model.get_weights())
    for compiled, plain in zip(results["compiled"][0], results["keras"][0], strict=True):
        assert tuple(compiled) == pytest.approx(tuple(plain), rel=1e-4)
    for compiled, plain in zip(results["compiled"][1], results["keras"][1], strict=True):
        np.testing.assert_allclose(compiled, plain, atol=2e-5)


# The run directory


def test_a_run_holds_everything(mnist_run: Path, dataset: Dataset) -> None:
    config = json.loads((mnist_run / "config.json").read_text(encoding="utf-8"))
    assert config == {
        **{"recipe": "seed", "family": "ann", "hidden": [128, 32], "epochs": 3, "batch_size": 32},
        **{"validation_split": 0.2, "learning_rate": 1e-3, "seed": 0, "loop": "compiled"},
        **{"batch_norm": False, "schedule": "constant", "weight_decay": 0.0},
        **{"settling": 0, "settled": 0.5, "spoilt": 0.0},
        **{"augmentation": None, "teachers": [], "hard": 1.0, "kept": 0.99},
    }
    data = json.loads((mnist_run / "data.json").read_text(encoding="utf-8"))
    assert (data["source"], data["train"], data["test"]) == ("MNIST", 60_000, 10_000)
    assert data["hashes"] == MNIST_SHA256
    assert data["train_counts"] == np.bincount(dataset.train_labels).tolist()
    versions = json.loads((mnist_run / "versions.json").read_text(encoding="utf-8"))
    assert versions.keys() == {"python", "numpy", "tensorflow", "keras", "platform"}
    assert [row["epoch"] for row in history(mnist_run)] == ["1", "2", "3"]

    page = (mnist_run / "report.md").read_text(encoding="utf-8")
    figures = {path.name for path in (mnist_run / "figures").iterdir()}
    assert figures == {
        *("data.png", "curves.png", "confusion.png", "predictions.png", "mistakes.png"),
        *("reliability.png", "risk_coverage.png"),
    }
    for name in figures:
        assert f"(figures/{name})" in page
        picture = cv2.imread(str(mnist_run / "figures" / name))
        assert picture is not None
        # A sheet whose cells did not get drawn is nearly empty.
        assert (picture < 128).mean() > 0.005, f"{name} shows next to nothing"
    assert not list(mnist_run.glob("*checkpoint*"))


def test_the_metrics_are_those_of_the_saved_model(mnist_run: Path, dataset: Dataset) -> None:
    import keras

    metrics = json.loads((mnist_run / "metrics.json").read_text(encoding="utf-8"))
    model = keras.saving.load_model(mnist_run / "model.keras")
    assert model.input_shape == (None, 28, 28)
    assert model.inputs[0].dtype == "uint8"
    probabilities = model.predict(dataset.test_cells, batch_size=1000, verbose=0)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    right = probabilities.argmax(axis=1) == dataset.test_labels
    assert metrics["test_accuracy"] == right.mean()
    assert metrics["test_accuracy"] > 0.95
    matrix = np.array(metrics["confusion_matrix"])
    assert (matrix.sum(axis=1) == np.bincount(dataset.test_labels)).all()
    assert np.trace(matrix) == right.sum()
    assert metrics["classes"]["7"]["count"] == 1028
    assert metrics["classes"]["7"]["recall"] == pytest.approx(matrix[7, 7] / 1028)
    assert metrics["classes"]["7"]["precision"] == pytest.approx(matrix[7, 7] / matrix[:, 7].sum())
    assert metrics["validation_accuracy"] == float(history(mnist_run)[-1]["val_accuracy"])


def test_validation_is_measured_on_the_last_fifth(mnist_run: Path, dataset: Dataset) -> None:
    import keras

    predicted = (
        keras.saving.load_model(mnist_run / "model.keras")
        .predict(dataset.train_cells[48_000:], batch_size=1000, verbose=0)
        .argmax(axis=1)
    )
    accuracy = (predicted == dataset.train_labels[48_000:]).mean()
    # Rounding may differ between the two programs, by a cell on the edge at most.
    assert float(history(mnist_run)[-1]["val_accuracy"]) == pytest.approx(
        accuracy, abs=1.5 / 12_000
    )


def test_export_finds_its_data_in_the_run(mnist_run: Path, dataset: Dataset) -> None:
    with np.load(mnist_run / "test.npz") as saved:
        assert np.array_equal(saved["test_cells"], dataset.test_cells)
        assert np.array_equal(saved["test_labels"], dataset.test_labels)
        calibration = saved["calibration_cells"]
    assert calibration.shape == (1000, 28, 28)
    assert calibration.dtype == np.uint8
    training = {
        cell.tobytes(): int(label)
        for cell, label in zip(
            dataset.train_cells[:48_000], dataset.train_labels[:48_000], strict=True
        )
    }
    drawn = [training[cell.tobytes()] for cell in calibration]
    assert np.bincount(drawn).tolist() == [100] * 10, "evenly over the digits"


def test_a_killed_run_resumes_to_the_same_weights(
    mnist: Path, mnist_run: Path, tmp_path: Path
) -> None:
    run = tmp_path / "seed-0"
    given = ("--data", mnist, "--runs", tmp_path, "--epochs", 3)
    with training(*given) as process:
        wait_for(run / "checkpoint.keras", process)
        process.kill()
    assert not (run / "metrics.json").exists(), "killed too late to test anything"
    finished = len(history(run))
    (run / ".checkpoint-siffra-0123abcd.keras").write_bytes(b"PK half of a checkpoint")
    (run / ".notes").mkdir()  # not ours: it stays
    seconds = [row["seconds"] for row in history(run)]

    resumed = train("--runs", tmp_path, "--resume")  # its data and epochs are its own
    assert resumed.returncode == 0, resumed.stderr
    assert same_training(run, mnist_run)
    # Epochs that were finished were not trained again; the last may have lacked its checkpoint.
    kept = [row["seconds"] for row in history(run)]
    assert kept[: finished - 1] == seconds[: finished - 1]
    assert not [path for path in run.iterdir() if "checkpoint" in path.name]
    assert (run / ".notes").is_dir()


def test_an_augmented_run_is_whole_and_resumes_to_the_same_weights(
    digits: Path, tmp_path: Path
) -> None:
    """A recipe of the released kind, short and on few digits."""
    whole, killed = tmp_path / "whole" / "teacher-0", tmp_path / "killed" / "teacher-0"
    given = ("--data", digits, "--recipe", "teacher", "--epochs", 3)
    done = train(*given, "--runs", whole.parent)
    assert done.returncode == 0, done.stderr
    figures = {path.stem for path in (whole / "figures").iterdir()}
    assert figures > {"augmentation", "negatives", "scores", "reliability"}
    page = (whole / "report.md").read_text(encoding="utf-8")
    assert all(f"figures/{name}.png" in page for name in figures)
    assert "in the last 3 epochs 50% of the cells as they are" in page, "there were no more"
    assert "fewer than 200 validation digits tell no temperature; accepted from 0.5 on" in page

    with training(*given, "--runs", killed.parent) as process:
        wait_for(killed / "checkpoint.keras", process)
        process.kill()
    assert not (killed / "metrics.json").exists(), "killed too late to test anything"
    done = train("--runs", killed.parent, "--name", "teacher-0", "--resume")
    assert done.returncode == 0, done.stderr
    assert same_training(whole, killed)


def test_resume_does_not_begin_another_run(digits_run: Path) -> None:
    done = train("--runs", digits_run.parent, "--name", "mien", "--resume")
    assert done.returncode == 2
    assert "leave out --resume" in done.stderr
    assert "--name: mine" in done.stderr
    assert not (digits_run.parent / "mien").exists()


def test_history_ahead_of_the_checkpoint_is_cut_back(digits: Path, tmp_path: Path) -> None:
    from train.fit import epochs_of, prepare
    from train.fit import train as train_epochs

    data, run = load(digits), Run(tmp_path / "run")
    config = TrainConfig("seed", epochs=2)
    run.begin(config, data, force=False)
    epochs = epochs_of(config, run, data)
    train_epochs(config, run, data, epochs, *prepare(config, run, epochs(0)))
    with run.history.open("a", encoding="utf-8") as file:
        file.write("3,0.1,0.9,0.1,0.9,1.0\r\n")
    _, behind = prepare(config, run, epochs(0))
    assert [epoch.epoch for epoch in behind] == [1, 2]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What a shell starts in the background ignores Ctrl-C, and so do its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT to one process")
def test_ctrl_c_says_how_to_go_on(digits: Path, tmp_path: Path) -> None:
    given = ("--data", digits, "--runs", tmp_path, "--epochs", 100_000, "--name", "long")
    with training(*given) as process:
        wait_for(tmp_path / "long" / "checkpoint.keras", process)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    last = stderr.splitlines()[-1]
    assert last.startswith("train: stopped; go on with: python -m train")
    assert "--name long" in last
    assert last.endswith("--resume")


@pytest.mark.usefixtures("interruptible")
def test_a_swallowed_ctrl_c_is_not_lost() -> None:
    with noticing_interrupts() as raise_interrupt:
        raise_interrupt()
        with suppress(KeyboardInterrupt):  # as code between Python and TensorFlow does
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            raise_interrupt()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(sys.platform == "win32", reason="signals cannot be put off there")
def test_ctrl_c_while_processes_start_comes_after_and_spares_them() -> None:
    blocked = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    children = []

    def start() -> None:
        with deferring_interrupts():
            signal.raise_signal(signal.SIGINT)
            children.append(subprocess.check_output([sys.executable, "-c", blocked], text=True))

    with pytest.raises(KeyboardInterrupt):
        start()
    assert children == ["True\n"]


def test_an_existing_run_is_not_overwritten(digits: Path, digits_run: Path) -> None:
    given = ("--data", digits, "--runs", digits_run.parent, "--name", "mine")
    before = {path: path.stat().st_mtime_ns for path in digits_run.rglob("*")}

    again = train(*given, "--epochs", 2)
    assert again.returncode == 2
    assert "--resume" in again.stderr
    assert "--force" in again.stderr

    resumed = train(*given, "--epochs", 2, "--resume")
    assert resumed.returncode == 0
    assert "complete" in resumed.stdout

    otherwise = train(*given, "--epochs", 3, "--resume")
    assert otherwise.returncode == 2
    assert "epochs 2 (now 3)" in otherwise.stderr

    (digits_run.parent / "letters").mkdir()
    (digits_run.parent / "letters" / "dear.txt").touch()
    foreign = train("--data", digits, "--runs", digits_run.parent, "--name", "letters", "--force")
    assert foreign.returncode == 2
    assert (digits_run.parent / "letters" / "dear.txt").exists()

    assert {path: path.stat().st_mtime_ns for path in digits_run.rglob("*")} == before


def test_two_trainings_do_not_share_a_run(digits: Path, tmp_path: Path) -> None:
    given = ("--data", digits, "--runs", tmp_path, "--epochs", 100_000, "--name", "long")
    with training(*given) as process:
        wait_for(tmp_path / "long" / "checkpoint.keras", process)
        for again in "--resume", "--force":
            other = train(*given, again)
            assert other.returncode == 2
            assert "another training, or an export, is at work in" in other.stderr
        assert process.poll() is None


def test_a_teacher_that_another_training_makes_is_waited_for(digits: Path, tmp_path: Path) -> None:
    """Two seeds begun at once: the second takes the teachers and versions that the first makes."""
    given = ("--data", digits, "--runs", tmp_path, "--recipe", "cnn", "--epochs", 2)
    with (
        Run(tmp_path / "teacher-0").held(),
        subprocess.Popen(
            arguments(*given), cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            if "waiting for the training that is at work in" in line:
                break
        else:
            pytest.fail("it did not wait")
        assert not (tmp_path / "teacher-0").exists()
        process.kill()


def test_a_run_is_not_its_own_teacher(digits: Path, tmp_path: Path) -> None:
    given = ("--data", digits, "--runs", tmp_path, "--recipe", "ann", "--name", "teacher-1")
    done = train(*given)
    assert done.returncode == 2
    assert "one of the recipe's own teachers: choose another --name" in done.stderr


def test_a_run_that_ended_meanwhile_is_not_overwritten(
    digits: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Begun and ended by another process while this one was loading its data."""
    from train import __main__ as command

    def load_slowly(folder: Path) -> Dataset:
        data = load(folder)
        other = Run(tmp_path / "seed-0")
        other.begin(RECIPES["seed"], data, force=False)
        other.checkpoint.touch()
        other.end({})
        return data

    monkeypatch.setattr(command, "load", load_slowly)
    assert command.main(["--data", str(digits), "--runs", str(tmp_path)]) == 2
    assert "exists: --resume goes on with it" in capsys.readouterr().err


def test_a_teacher_of_other_data_is_refused(digits: Path, tmp_path: Path) -> None:
    fewer = tmp_path / "fewer"
    shutil.copytree(digits, fewer)
    (fewer / "3" / "0.png").unlink()
    Run(tmp_path / "teacher-0").begin(RECIPES["teacher"], load(fewer), force=False)
    given = ("--data", digits, "--runs", tmp_path, "--recipe", "ann", "--name", "pupil", "--force")
    done = train(*given)
    assert done.returncode == 2
    teacher = tmp_path / "teacher-0"
    assert f"the teacher {teacher} was begun with other data: move it away" in done.stderr

    shutil.rmtree(teacher)
    older = dataclasses.replace(RECIPES["teacher"], epochs=7)
    Run(teacher).begin(older, load(digits), force=False)
    done = train(*given)
    assert "was begun with epochs 7 (now 36): move it away" in done.stderr

    shutil.rmtree(teacher)
    teacher.mkdir()
    (teacher / "dear.txt").touch()
    done = train(*given)
    assert "is in use, but not by a run: move it away" in done.stderr


def test_force_starts_again_and_other_data_cannot_resume(
    digits: Path, digits_run: Path, tmp_path: Path
) -> None:
    run = tmp_path / "runs" / "mine"
    shutil.copytree(digits_run, run)
    (run / "stale.txt").touch()
    given = ("--runs", run.parent, "--name", "mine", "--epochs", 2)
    done = train("--data", digits, *given, "--force")
    assert done.returncode == 0, done.stderr
    assert not (run / "stale.txt").exists()
    assert same_training(run, digits_run)
    left = {path.name for path in run.parent.iterdir()} - {".mine.lock"}
    assert left == {"mine"}

    (run / "metrics.json").unlink()
    fewer = tmp_path / "fewer"
    shutil.copytree(digits, fewer)
    (fewer / "3" / "0.png").unlink()
    other = train("--data", fewer, *given, "--resume")
    assert other.returncode == 2
    assert "begun with other data" in other.stderr


# The data


def arrays(dataset: Dataset) -> tuple[NDArray[np.uint8], ...]:
    """In the order of `MNIST_SHA256`."""
    return dataset.train_cells, dataset.train_labels, dataset.test_cells, dataset.test_labels


def as_idx(array: NDArray[np.uint8]) -> bytes:
    header = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
    return header + array.tobytes()


def as_npz(folder: Path, dataset: Dataset) -> None:
    x_train, y_train, x_test, y_test = arrays(dataset)
    np.savez(folder / "mnist.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


def same_data(one: Dataset, other: Dataset) -> bool:
    pairs = zip(arrays(one), arrays(other), strict=True)
    return one.hashes == other.hashes and all(np.array_equal(a, b) for a, b in pairs)


def test_mnist_in_all_its_forms_is_the_same(dataset: Dataset, tmp_path: Path) -> None:
    plain, dotted, npz = tmp_path / "plain", tmp_path / "dotted" / "mnist", tmp_path / "npz"
    for folder in (plain, dotted, npz):
        folder.mkdir(parents=True)
    as_npz(npz, dataset)
    for name, array in zip(MNIST_SHA256, arrays(dataset), strict=True):
        (plain / name).write_bytes(as_idx(array))
        packed = gzip.compress(as_idx(array), 1)
        (dotted / f"{name.replace('-idx', '.idx')}.gz").write_bytes(packed)
    assert same_data(load(plain), dataset)
    assert same_data(load(npz), dataset)
    assert same_data(load(dotted.parent), dataset), "in a subfolder of the folder named"


def test_mnist_is_downloaded_once(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_npz(tmp_path, dataset)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    monkeypatch.delenv("SIFFRA_DATA")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (tmp_path / "keras").mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("SIFFRA_MNIST_URL", f"http://127.0.0.1:{server.server_port}/mnist.npz")
        try:
            assert same_data(load(None), dataset)
        finally:
            server.shutdown()
            thread.join()
    assert same_data(load(None), dataset), "from the cache, the server gone"


@pytest.fixture
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SIFFRA_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("SIFFRA_MNIST_URL", CLOSED_PORT)
    (tmp_path / "datasets").mkdir()
    return tmp_path


def test_a_damaged_download_is_named(keras_home: Path) -> None:
    (keras_home / "datasets" / "mnist.npz").write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(DataError, match=r"datasets.mnist\.npz .*delete it"):
        load(None)


def test_offline_without_data_says_what_to_do(tmp_path: Path) -> None:
    done = train("--runs", tmp_path, KERAS_HOME=tmp_path, SIFFRA_MNIST_URL=CLOSED_PORT)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    for cure in ("--data", "$SIFFRA_DATA", *MNIST_SHA256, str(tmp_path / "datasets"), "mnist.npz"):
        assert cure in line
    assert not (tmp_path / "seed-0").exists()


def write_other_idx(folder: Path) -> None:
    """Four files that have MNIST's form and another content."""
    for name in MNIST_SHA256:
        shape = (5, 28, 28) if "images" in name else (5,)
        (folder / name).write_bytes(as_idx(np.zeros(shape, np.uint8)))


def test_other_content_is_refused(tmp_path: Path) -> None:
    write_other_idx(tmp_path)
    done = train("--data", tmp_path, "--runs", tmp_path / "runs")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert str(tmp_path / "train-images-idx3-ubyte") in line
    assert MNIST_SHA256["train-images-idx3-ubyte"] in line
    assert "delete it" in line
    assert not (tmp_path / "runs").exists()


def test_damaged_files_are_named(tmp_path: Path) -> None:
    write_other_idx(tmp_path)
    name = "train-images-idx3-ubyte"
    packed = gzip.compress((tmp_path / name).read_bytes())
    (tmp_path / name).unlink()
    for damaged in (packed[:-6], packed[:20], b"", packed[:15] + b"\xff\xff" + packed[17:]):
        (tmp_path / f"{name}.gz").write_bytes(damaged)
        with pytest.raises(DataError, match=rf"{name}.*(delete it|SHA-256)"):
            load(tmp_path)
    (tmp_path / f"{name}.gz").unlink()
    with pytest.raises(DataError, match=f"lacks {name}"):
        load(tmp_path)


def test_damaged_archives_are_named(tmp_path: Path) -> None:
    path = tmp_path / "mnist.npz"
    small = np.zeros((9, 9), np.uint8)
    np.savez_compressed(path, x_train=small, y_train=small, x_test=small, y_test=small)
    whole = path.read_bytes()
    flips = (whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(len(whole)))
    cuts = (whole[:at] for at in range(0, len(whole), 7))
    for damaged in (whole, *flips, *cuts):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"mnist\.npz"):
            load(tmp_path)


def test_a_folder_without_data_says_what_would_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.*mnist\.npz.*folders 0 to 9"):
        load(tmp_path)
    with pytest.raises(DataError, match="is not a folder"):
        load(tmp_path / "nowhere")


def test_the_data_variable_stands_in_for_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIFFRA_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="nowhere is not a folder"):
        load(None)


# One's own digits


def test_own_digits_are_brought_through_the_contract(digits: Path) -> None:
    data = load(digits)
    assert data.train_cells.shape == (60, 28, 28)
    assert np.bincount(data.train_labels).tolist() == [6] * 10
    assert np.bincount(data.test_labels).tolist() == [1] * 10, "a sixth of each digit"
    cells = np.concatenate([data.train_cells, data.test_cells])
    assert cells.dtype == np.uint8
    assert (cells[:, 0] == 0).all(), "ink is bright on black, with a margin"
    rows = (cells > 40).any(axis=2).sum(axis=1)
    assert ((rows >= 17) & (rows <= 21)).all(), "whatever the picture's size, 20 pixels high"
    assert data.left_out == ()
    assert same_data(load(digits), data)


def test_validation_sees_many_digits(digits: Path) -> None:
    _, validation = load(digits).split(0.2)
    assert len(validation.labels) == 12
    assert len(set(validation.labels.tolist())) > 4


def test_a_run_on_own_digits_is_whole(digits_run: Path) -> None:
    data = json.loads((digits_run / "data.json").read_text(encoding="utf-8"))
    assert (data["source"], data["train"], data["test"]) == ("own digits", 60, 10)
    assert data["hashes"].keys() == {"cells"}
    assert "own digits" in (digits_run / "report.md").read_text(encoding="utf-8")
    assert (digits_run / "metrics.json").is_file()


def test_blank_and_unreadable_pictures_are_left_out(digits: Path, tmp_path: Path) -> None:
    folder = tmp_path / "digits"
    shutil.copytree(digits, folder)
    cv2.imwrite(str(folder / "4" / "paper.png"), np.full((50, 50), 240, np.uint8))
    (folder / "5" / "broken.png").write_bytes(b"no picture")
    (folder / "5" / "notes.txt").write_text("not looked at", encoding="utf-8")
    data = load(folder)
    blank, broken = data.left_out
    assert "paper.png (no digit in it)" in blank
    assert "broken.png (unreadable" in broken
    assert same_data(data, load(digits))


def test_a_digit_without_pictures_is_named(digits: Path, tmp_path: Path) -> None:
    folder = tmp_path / "digits"
    shutil.copytree(digits, folder)
    shutil.rmtree(folder / "3")
    for picture in (folder / "8").iterdir():
        picture.write_bytes(b"")
    with pytest.raises(DataError, match="no usable picture of 3, 8"):
        load(folder)


def test_one_picture_of_each_digit_is_too_few(digits: Path, tmp_path: Path) -> None:
    for digit in range(10):
        (tmp_path / str(digit)).mkdir()
        shutil.copy(digits / str(digit) / "0.png", tmp_path / str(digit))
    with pytest.raises(DataError, match="one picture of each digit"):
        load(tmp_path)
    shutil.copy(digits / "6" / "3.png", tmp_path / "6")
    assert load(tmp_path).test_labels.tolist() == [6]
