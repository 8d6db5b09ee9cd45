"""Killed at any moment, or on a full disk, no stage leaves anything torn that is taken for good.

`SIFFRA_KILLS=300 python -m pytest tests/test_torn.py` kills each stage 300 times in place of 12.
"""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.scenes import draw_digit
from benchmarks.strokes import STYLES
from export.runs import RunError, held, open_run
from siffra import Reader
from siffra.bench.result import load as load_result
from siffra.files import leftovers
from siffra.network import MODELS
from tests.conftest import EXAMPLES
from tests.drawing import blank, digit_ink, put
from train.run import Run
from train.run import RunError as TrainingError

if sys.platform != "linux":
    pytest.skip("forks after TensorFlow is imported, which Linux allows", allow_module_level=True)

from tests.killing import Ended, Stages, deaths, stages

KILLS = int(os.environ.get("SIFFRA_KILLS", "12"))
SEED = int(os.environ.get("SIFFRA_SEED", "1"))


@pytest.fixture(scope="module")
def run_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    with stages(tmp_path_factory.getbasetemp()) as started:
        yield started


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Digits that the repository draws, to train on."""
    folder = tmp_path_factory.mktemp("digits")
    for digit in range(10):
        (folder / str(digit)).mkdir()
        for number in range(36):
            style = list(STYLES)[number % len(STYLES)]
            drawn = draw_digit(digit, size=56, style=style, thickness=0.1, seed=number)
            cv2.imwrite(str(folder / str(digit) / f"{number}.png"), drawn)
    return folder


def visible(folder: Path) -> dict[str, bytes]:
    """Every file below a folder that is not hidden; what is hidden is known for a leftover."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]
    hidden = [path for path in files if path.name.startswith(".")]
    assert set(hidden) <= {left for path in hidden for left in leftovers(path.parent)}
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in files if path not in hidden
    }


def assert_whole(name: str, content: bytes) -> None:
    """That a file can be read to its end."""
    path = Path(name)
    if path.suffix == ".json":
        json.loads(content)
    elif path.suffix == ".csv":
        rows = list(csv.reader(content.decode().splitlines()))
        assert all(len(row) == len(rows[0]) for row in rows)
        assert content.endswith(b"\n")
    elif path.suffix == ".png":
        assert content.endswith(b"IEND\xaeB`\x82"), name
    elif path.suffix in (".keras", ".npz"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.testzip() is None, name
    elif path.suffix == ".md":
        assert content.endswith(b"reads.\n"), name
    else:
        pytest.fail(f"{name} is not expected")


def killed(
    run_stage: Stages,
    stage: str,
    given: Callable[[], list[object]],
    undisturbed: Ended,
    kills: int = KILLS,
) -> Iterator[Ended]:
    """Run a stage until it was killed so many times; yield how each of them ended.

    Args:
        run_stage: What runs it.
        stage: Its name.
        given: Says its command line, asked each time.
        undisturbed: The same, run to its end.
        kills: How many.
    """
    done = 0
    for number, death in enumerate(deaths(np.random.default_rng(SEED), undisturbed)):
        assert number < 5 * kills, "it ends before it is killed"
        ended = run_stage.run(stage, *given(), death=death)
        print(f"{number}: {death} {ended.status} after {ended.seconds:.1f} s")
        assert "Traceback" not in ended.errors, ended.errors
        done += ended.killed
        yield ended
        if done == kills:
            return


@dataclass(frozen=True)
class Trained:
    """A run that nothing has disturbed."""

    path: Path
    ended: Ended


@pytest.fixture(scope="module")
def trained(run_stage: Stages, digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    runs = tmp_path_factory.mktemp("runs")
    ended = run_stage.run("train", *options(digits, runs))
    assert ended.status == 0, ended.errors
    return Trained(runs / "own", ended)


def options(digits: Path, runs: Path) -> list[object]:
    return ["--data", digits, "--runs", runs, "--name", "own", "--epochs", 25]


def learnt(run: Path) -> dict[str, Any]:
    """What a run learnt, without dates and durations."""
    with zipfile.ZipFile(run / "model.keras") as archive:
        weights = archive.read("model.weights.h5")
    metrics = json.loads((run / "metrics.json").read_text())
    del metrics["training_seconds"]
    return {
        "weights": sha256(weights).hexdigest(),
        "metrics": metrics,
        "test": sha256((run / "test.npz").read_bytes()).hexdigest(),
    }


def test_training_killed_at_any_moment_goes_on_to_the_same_weights(
    run_stage: Stages, digits: Path, trained: Trained, tmp_path: Path
) -> None:
    run, added = Run(tmp_path / "own"), ""

    def given() -> list[object]:
        return [*options(digits, tmp_path), *added.split()]

    for ended in killed(run_stage, "train", given, trained.ended, (KILLS + 2) // 3):
        for name, content in visible(tmp_path).items():
            assert_whole(name, content)
        if run.is_whole:
            assert learnt(run.directory) == learnt(trained.path)
        else:
            with (
                pytest.raises(RunError, match=r"has not ended|python -m train"),
                held(run.directory),
            ):
                open_run(run.directory)
        added = "--force" if run.is_whole or "--force" in ended.errors else ""
        added = added or ("--resume" if run.config.is_file() else "")
    if "--force" not in added:
        added = "--resume" if run.config.is_file() else ""
    ended = run_stage.run("train", *given())
    if ended.status == 2:  # killed between its first two files
        assert "start it again with --force" in ended.errors
        added = "--force"
        ended = run_stage.run("train", *given())
    assert ended.status == 0, ended.errors
    assert learnt(run.directory) == learnt(trained.path)
    assert visible(tmp_path).keys() == {
        f"own/{path.relative_to(trained.path)}" for path in trained.path.rglob("*.*")
    }
    assert not leftovers(run.directory)


def test_what_killed_trainings_leave_is_cleared_away(
    run_stage: Stages, digits: Path, trained: Trained, tmp_path: Path
) -> None:
    run = Run(shutil.copytree(trained.path, tmp_path / "own"))
    run.checkpoint.touch()  # killed when it had just become whole
    ended = run_stage.run("train", *options(digits, tmp_path), "--resume")
    assert "is complete already" in ended.output
    assert not run.checkpoint.exists()

    (tmp_path / ".own.trash" / "figures").mkdir(parents=True)  # killed as --force removed a run
    left = run.figures / ".data-siffra-0123abcd.png", run.directory / ".test-siffra-0123abcd.npz"
    for path in left:
        path.touch()
    run.data.unlink()  # killed between its first two files
    run.metrics.unlink()
    ended = run_stage.run("train", *options(digits, tmp_path), "--resume")
    assert ended.status == 2
    assert "own was stopped as it began: start it again with --force" in ended.errors
    run_stage.run("train", *options(digits, tmp_path), "--force", death=("write", 40))
    assert run.data.is_file()
    assert not any(path.exists() for path in (tmp_path / ".own.trash", *left))


def exported(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in [*run.glob("*.onnx"), *run.glob("parity.*")]}


@pytest.fixture(scope="module")
def exports(
    run_stage: Stages, trained: Trained, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, Ended]:
    """Two runs that were exported to files of other content, and how the second one was."""
    folder = tmp_path_factory.mktemp("exports")
    for name in ("old", "new"):
        shutil.copytree(trained.path, folder / name)
        ended = run_stage.run("export", folder / name)
        assert ended.status == 0, ended.errors
    old, new = exported(folder / "old"), exported(folder / "new")
    assert old.keys() == new.keys() == {"ann.onnx", "ann-int8.onnx", "parity.json"}
    assert not any(old[name] == new[name] for name in old)
    return folder / "old", folder / "new", ended


def test_an_export_killed_at_any_moment_leaves_old_or_new_models(
    run_stage: Stages, exports: tuple[Path, Path, Ended], tmp_path: Path
) -> None:
    old, new = map(exported, exports[:2])
    run = shutil.copytree(exports[1], tmp_path / "new")  # the name that its report states

    def begun() -> list[object]:
        for name, content in old.items():
            (run / name).write_bytes(content)
        return [run]

    for _ in killed(run_stage, "export", begun, exports[2]):
        visible(run)
        for name, content in exported(run).items():
            if name.startswith("."):
                continue
            assert content in (old[name], new[name]), name
            if name.endswith(".onnx"):  # which report it goes with, it says itself
                stated = Reader(run / name).metadata["parity"]
                of = old if content == old[name] else new
                assert stated == sha256(of["parity.json"]).hexdigest()
    ended = run_stage.run("export", run)
    assert ended.status == 0, ended.errors
    assert exported(run) == new
    assert not leftovers(run)


def package_at(site: Path) -> Path:
    """A copy of the package; the models of it."""
    shutil.copytree(MODELS.parent, site / "siffra", ignore=shutil.ignore_patterns("__pycache__"))
    return site / "siffra" / "models"


def checked(models: Path) -> dict[str, bool]:
    """What `siffra check` of a package says of each model."""
    done = subprocess.run(
        [sys.executable, "-m", "siffra", "check", "--json"],
        env={**os.environ, "PYTHONPATH": str(models.parents[1])},
        cwd=models.parent, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    said = {one["model"]: one["passed"] for one in json.loads(done.stdout)}
    assert (done.returncode == 0) == all(said.values())
    return said


def test_a_release_killed_at_any_moment_is_never_taken_for_whole(
    run_stage: Stages, exports: tuple[Path, Path, Ended], tmp_path: Path
) -> None:
    models = package_at(tmp_path)
    sets = []
    for run in exports[:2]:
        whole = run_stage.run("export", run, "--release", "--package", models)
        assert whole.status == 0, whole.errors
        sets.append(visible(models))
        assert all(checked(models).values())
    old, new = sets
    changed = {name for name in new if old[name] != new[name]}
    assert changed >= {"ann.onnx", "ann-int8.onnx", "ann-parity.json"}

    def begun() -> list[object]:
        for name, content in old.items():
            (models / name).write_bytes(content)
        return [exports[1], "--release", "--package", models]

    for _ in killed(run_stage, "export", begun, whole):
        found = visible(models)
        assert found.keys() == new.keys()
        assert all(content in (old[name], new[name]) for name, content in found.items())
        said = checked(models)
        assert said.keys() == {"ann", "ann-int8", "cnn", "cnn-int8"}
        if found not in (old, new):
            assert not all(said.values())
        else:
            assert all(said.values())
    ended = run_stage.run("export", exports[1], "--release", "--package", models)
    assert ended.status == 0, ended.errors
    assert visible(models) == new
    assert not leftovers(models)


def test_pictures_that_are_saved_are_whole(run_stage: Stages, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    pictures = sorted(EXAMPLES.glob("p*"))
    given: list[object] = ["read", *pictures, "--save", folder, "--explain", folder]
    whole = run_stage.run("siffra", *given)
    names = visible(folder).keys()
    assert len(names) == 2 * len(pictures)
    shutil.rmtree(folder)
    for _ in killed(run_stage, "siffra", lambda: given, whole):
        for name, content in visible(folder).items() if folder.exists() else ():
            assert_whole(name, content)
            (folder / name).write_bytes(b"old IEND\xaeB`\x82")
    assert run_stage.run("siffra", *given).status == 0
    assert visible(folder).keys() == names
    assert all(content.startswith(b"\x89PNG") for content in visible(folder).values())


def test_a_measurement_is_whole_or_the_old_one(run_stage: Stages, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    given: list[object] = [
        *("bench", "--quick", "--turns", 1, "--workload", "cell", "--model", "ann"),
        *("--json", path, "--plot", tmp_path / "a.png"),
    ]
    whole = run_stage.run("siffra", *given)
    assert whole.status == 0, whole.errors

    def begun() -> list[object]:
        path.write_bytes(b"old")
        (tmp_path / "a.png").unlink(missing_ok=True)
        return given

    for _ in killed(run_stage, "siffra", begun, whole):
        if path.read_bytes() != b"old":
            load_result(path)
        for name, content in visible(tmp_path).items():
            if name.endswith(".png"):
                assert_whole(name, content)
    assert run_stage.run("siffra", *given).status == 0
    load_result(path)


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_a_recording_is_whole_or_the_old_one(
    run_stage: Stages, tmp_path: Path, suffix: str
) -> None:
    frames = 40
    writer = cv2.VideoWriter(
        str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (240, 240)
    )
    for number in range(frames):
        page = blank(240, 240)
        put(page, digit_ink(number % 10), 20 + 2 * number, 90)
        writer.write(cv2.cvtColor(page, cv2.COLOR_GRAY2BGR))
    writer.release()
    path = tmp_path / f"seen{suffix}"

    def begun() -> list[object]:
        path.write_bytes(b"old")
        return ["webcam", tmp_path / "clip.avi", "--headless", "--record", path]

    whole = run_stage.run("siffra", *begun())
    assert whole.status == 0, whole.errors
    for _ in killed(run_stage, "siffra", begun, whole, kills=max(1, KILLS // 2)):
        if path.read_bytes() != b"old":
            assert count_frames(path) == frames
        visible(tmp_path)
    assert run_stage.run("siffra", *begun()).status == 0
    assert count_frames(path) == frames


def count_frames(path: Path) -> int:
    capture = cv2.VideoCapture(str(path))
    count = 0
    while capture.read()[0]:
        count += 1
    return count


# A full disk


def test_training_on_a_full_disk_says_so_and_goes_on_later(
    run_stage: Stages, digits: Path, trained: Trained, tmp_path: Path
) -> None:
    for limit, name in ((0, "data.json"), (2000, "test.npz"), (1_000_000, "checkpoint.keras")):
        resume = ["--resume"] if (tmp_path / "own" / "config.json").is_file() else []
        before = visible(tmp_path)
        ended = run_stage.run("train", *options(digits, tmp_path), *resume, death=("full", limit))
        assert ended.status == 1
        said = ended.errors.splitlines()[-1]
        assert said.startswith("train: [Errno 27] File too large")
        assert f"{name}'; mend that and go on with: python -m train" in said
        assert said.endswith("--resume") == (limit > 0)
        assert "Traceback" not in ended.errors
        assert visible(tmp_path).keys() >= before.keys()
        assert not leftovers(tmp_path / "own")
    ended = run_stage.run("train", *options(digits, tmp_path), "--resume")
    assert ended.status == 0, ended.errors
    assert learnt(tmp_path / "own") == learnt(trained.path)


def test_an_export_to_a_full_disk_keeps_what_was_there(
    run_stage: Stages, exports: tuple[Path, Path, Ended], tmp_path: Path
) -> None:
    run = shutil.copytree(exports[0], tmp_path / "run")
    models = package_at(tmp_path)
    before = visible(tmp_path)
    sizes = sorted(map(len, exported(exports[1]).values()))
    for limit in (0, *sizes):
        ended = run_stage.run(
            "export", run, "--release", "--package", models, death=("full", max(0, limit - 1))
        )
        assert ended.status == 1, (limit, ended.errors)
        (said,) = ended.errors.splitlines()
        assert said == (
            f"export: [Errno 27] File too large, in {tempfile.gettempdir()} it seems; "
            "mend that and export again"
        )
        assert visible(tmp_path) == before


@pytest.mark.parametrize("limit", [0, 1000, 20_000])
def test_what_is_saved_to_a_full_disk_is_not_there(
    run_stage: Stages, tmp_path: Path, limit: int
) -> None:
    picture = EXAMPLES / "page-four-lines.jpg"
    ended = run_stage.run("siffra", "read", picture, "--save", tmp_path, death=("full", limit))
    assert ended.status == 1
    assert "page-four-lines.read.png: cannot be saved (File too large)" in ended.errors
    ended = run_stage.run(
        *("siffra", "bench", "--quick", "--turns", 1, "--workload", "cell", "--model", "ann"),
        *("--json", tmp_path / "a.json"),
        death=("full", limit),
    )
    assert ended.status == 1
    assert re.search(
        r"^siffra: (\[Errno 27\] File too large: '/.*siffra-bench-.*'"
        r"|/.*a\.json: cannot be written \(File too large\); name another)$",
        ended.errors,
        re.MULTILINE,
    ), ended.errors
    assert "Traceback" not in ended.errors
    assert not list(tmp_path.iterdir())


# Where nothing may be written


@pytest.mark.parametrize(("stage", "given", "status"), [
    ("train", ["--data", "DIGITS", "--runs", "/sys/siffra"], 1),
    ("siffra", ["read", "PICTURE", "--save", "/sys/siffra"], 2),
    ("siffra", ["read", "PICTURE", "--save", "/sys"], 1),
    ("siffra", ["bench", "--json", "/sys/a.json"], 2),
    ("siffra", ["webcam", "PICTURES", "--headless", "--record", "/sys/a.mp4"], 1),
])  # fmt: skip
def test_a_folder_that_nobody_may_write_in_is_named(
    run_stage: Stages, digits: Path, stage: str, given: list[str], status: int
) -> None:
    """The kernel's own, which takes no files from root either."""
    names = {"DIGITS": str(digits), "PICTURES": str(EXAMPLES)}
    names["PICTURE"] = str(EXAMPLES / "pen-squared.jpg")
    ended = run_stage.run(stage, *(names.get(each, each) for each in given))
    assert ended.status == status, ended.errors
    (said,) = ended.errors.splitlines()
    assert "/sys" in said
    assert re.search("Permission denied|Operation not permitted|Read-only file system", said)


def test_a_run_that_is_in_use_is_not_exported(
    run_stage: Stages, exports: tuple[Path, Path, Ended], tmp_path: Path
) -> None:
    run = shutil.copytree(exports[0], tmp_path / "run")
    with Run(run).held():
        ended = run_stage.run("export", run)
    assert ended.status == 2
    assert "a training or another export is at work in it; wait for its end" in ended.errors
    with held(run), pytest.raises(TrainingError, match="or an export, is at work"), Run(run).held():
        pytest.fail("two have it")
