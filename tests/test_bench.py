"""`siffra bench` on this machine, as a user runs it: in processes of its own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from siffra import Reader, bench
from siffra.bench import WORKLOADS
from siffra.bench.cases import plan
from siffra.bench.scene import draw_scene
from siffra.network import MODELS, released
from tests.conftest import ROOT

COMMAND = [sys.executable, "-W", "error", "-m", "siffra", "bench"]
SHORT = ("--quick", "--turns", "3", "--model", "ann")
SCHEMA = Path(bench.__file__).parent / "schema.json"


def siffra_bench(
    *arguments: object, status: int = 0, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env={**os.environ, **(environment or {})}, cwd=ROOT,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def without(module: str, folder: Path) -> dict[str, str]:
    """An environment in which a module is not installed."""
    (folder / f"{module}.py").write_text(
        f"raise ModuleNotFoundError('No module named {module}', name={module!r})\n"
    )
    path = [str(folder), str(ROOT / "runtime"), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(path)}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str, Path]:
    """A short run of everything: its file, what it printed, and the folder it worked in."""
    folder = tmp_path_factory.mktemp("bench")
    temporary = folder / "temporary"
    temporary.mkdir()
    done = siffra_bench(
        "--quick", "--turns", 3, "--model", "ann", "cnn-int8", "--json", folder / "result.json",
        environment={"TMPDIR": str(temporary), "COLUMNS": "200"},
    )  # fmt: skip
    return json.loads((folder / "result.json").read_text()), done.stdout, folder


def test_the_file_is_as_its_schema_says(measured: tuple[dict[str, Any], str, Path]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate({**measured[0]}, {**schema, "oneOf": [{"$ref": "#/$defs/result"}]})


def test_every_field_is_documented() -> None:
    def undocumented(path: str, node: Any) -> list[str]:
        if not isinstance(node, Mapping):
            return []
        found = [path] if "type" in node and "description" not in node else []
        for name, inner in node.get("properties", {}).items():
            found += undocumented(f"{path}.{name}", inner)
        return found

    definitions = json.loads(SCHEMA.read_text())["$defs"]
    assert [where for name, node in definitions.items() for where in undocumented(name, node)] == []


def test_every_workload_is_measured_of_every_model(
    measured: tuple[dict[str, Any], str, Path],
) -> None:
    rows = measured[0]["rows"]
    assert {row["workload"] for row in rows} == set(WORKLOADS) - {"threads"}
    for workload in ("cell", "batch", "picture", "cold"):
        models = {row["model"] for row in rows if row["workload"] == workload}
        assert models >= {"ann", "cnn-int8"}
    assert all(len(row["turns"]) == 3 for row in rows)
    assert len({row["key"] for row in rows}) == len(rows)


def test_figures_are_those_of_the_samples(measured: tuple[dict[str, Any], str, Path]) -> None:
    for row in measured[0]["rows"]:
        samples = np.array([value for turn in row["turns"] for value in turn["ns"]])
        figures = row["ns"]
        assert figures["count"] == len(samples)
        assert (figures["min"], figures["max"]) == (samples.min(), samples.max())
        assert figures["p50"] == pytest.approx(np.median(samples), abs=0.1)
        assert figures["mean"] == pytest.approx(samples.mean(), abs=0.1)
        assert (figures["p99_9"] is None) == (len(samples) < 1000)
        if figures["p99"] is not None:
            assert figures["p99"] == pytest.approx(np.quantile(samples, 0.99), abs=0.1)


def test_stages_make_up_the_whole(measured: tuple[dict[str, Any], str, Path]) -> None:
    staged = [row for row in measured[0]["rows"] if row["stages_ns"]]
    assert {row["workload"] for row in staged} == {"picture", "paced", "cold"}
    for row in staged:
        together = sum(stage["mean"] for stage in row["stages_ns"].values())
        assert 0.7 * row["ns"]["mean"] < together <= 1.001 * row["ns"]["mean"]


def test_what_is_measured_reads_rightly(measured: tuple[dict[str, Any], str, Path]) -> None:
    rows = [row for row in measured[0]["rows"] if row["workload"] in ("picture", "paced")]
    assert rows
    assert all(row["digits_right"] == row["digits_expected"] == 8 for row in rows)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_memory_and_machine_are_told(measured: tuple[dict[str, Any], str, Path]) -> None:
    result = measured[0]
    for row in result["rows"]:
        assert 5e6 < row["resident_bytes"] <= row["peak_bytes"] < 5e9
    assert result["machine"]["cpu"]["cores"] >= 1
    assert result["machine"]["memory_bytes"] > 1e8
    assert len(result["load"]) == 5  # before, after the warm-up, after each turn
    assert all(look["load"] is not None for look in result["load"])
    assert result["models"]["ann"]["sha256"] != result["models"]["cnn-int8"]["sha256"]


def test_the_table_says_what_the_file_says(measured: tuple[dict[str, Any], str, Path]) -> None:
    result, shown, _ = measured
    assert all(name in shown for name in ("p50", "p90", "p95", "p99", "p99.9", "max", "std"))
    (row,) = [r for r in result["rows"] if (r["workload"], r["model"]) == ("cell", "ann")]
    line = next(line for line in shown.splitlines() if re.match(r" +1 cell +ann ", line))
    numbers = [float(word) for word in line.split() if re.fullmatch(r"[\d.]+", word)]
    assert any(number == pytest.approx(row["ns"]["max"] / 1e3, rel=0.01) for number in numbers)
    assert "warm-up" in shown
    assert "where the time of ann goes" in shown
    assert "best settings here" in shown
    assert f"{row['ns']['count']} calls" in shown  # of the histogram: nothing is cut off
    histogram = shown.split(f"{row['ns']['count']} calls\n")[1].split("\n\n")[0]
    assert sum(int(each.split()[-1]) for each in histogram.splitlines()) == row["ns"]["count"]


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    done = siffra_bench(*SHORT, "--plot", tmp_path / "result.png")
    assert "findfont" not in done.stderr  # of fonts for formulas, which plain numbers do not need
    picture = cv2.imread(str(tmp_path / "result.png"))
    assert picture is not None
    assert picture.shape[0] > 500
    assert picture.shape[1] > 1000
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20


def test_nothing_is_left_behind(measured: tuple[dict[str, Any], str, Path]) -> None:
    folder = measured[2]
    assert sorted(path.name for path in folder.iterdir()) == [
        "result.json", "temporary",
    ]  # fmt: skip
    assert list((folder / "temporary").iterdir()) == []


@pytest.mark.parametrize("model", released())
@pytest.mark.parametrize("size", [(320, 240), (640, 480), (1280, 720), (1920, 1080)])
@pytest.mark.parametrize("digits", [1, 8, 40])
def test_drawn_scenes_are_read(model: str, size: tuple[int, int], digits: int) -> None:
    (page,), text = draw_scene(*size, digits)
    assert page.shape == (size[1], size[0], 3)
    assert "".join(map(str, Reader(model).read(page).digits)) == text


def test_a_full_run_covers_sizes_digits_batches_and_threads() -> None:
    full = plan(
        WORKLOADS, list(released()), "cnn", quick=False, turns=None, fps=30, threads=[1, 2],
        opencv_threads=2,
    )  # fmt: skip
    scenes = {(c.scene.width, c.scene.digits) for c in full.cases if c.scene}
    assert scenes == {(width, n) for width in (320, 640, 1280, 1920) for n in (1, 8, 40)}
    batches = {case.items for case in full.cases if case.items}
    assert batches == {2**power for power in range(11)}
    assert {case.threads for case in full.cases if case.items == 1024} == {1, 2}
    assert {case.opencv_threads for case in full.cases if case.scene} == {1, 2}
    assert len(set(full.cases)) == len(full.cases)


def test_pictures_of_ones_own_are_read_from_their_files(
    examples: dict[Path, str], tmp_path: Path
) -> None:
    path = next(iter(examples))
    siffra_bench(
        *SHORT, "--workload", "picture", "--source", path, "--json", tmp_path / "own.json"
    )  # fmt: skip
    (row,) = json.loads((tmp_path / "own.json").read_text())["rows"]
    assert row["case"] == path.name
    assert row["digits_expected"] is None
    assert row["stages_ns"]["decode"]["min"] > 1e5  # a file is decoded


def test_without_opencv_cells_are_measured_and_the_rest_is_said(tmp_path: Path) -> None:
    environment = without("cv2", tmp_path)
    result = tmp_path / "result.json"
    done = siffra_bench(*SHORT, "--json", result, environment=environment)
    assert "skipped picture, paced" in done.stderr
    assert "siffra[headless]" in done.stderr
    document = json.loads(result.read_text())
    assert {row["workload"] for row in document["rows"]} == {"cell", "batch", "cold"}
    assert "OpenCV" in document["plan"]["skipped"][0]
    only = siffra_bench("--workload", "picture", status=1, environment=environment)
    assert "siffra[headless]" in only.stderr


def test_without_matplotlib_a_plot_is_refused_at_once(tmp_path: Path) -> None:
    began = time.monotonic()
    done = siffra_bench(
        "--plot", tmp_path / "a.png", status=1, environment=without("matplotlib", tmp_path)
    )
    assert 'pip install "siffra[plot]"' in done.stderr
    assert time.monotonic() - began < 20  # a measurement takes minutes


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "lenet"], "--model: no model 'lenet'"),
        (["--json", "missing/result.json"], "no folder"),
        (["--json", "tests"], "is a folder"),
        (["--source", "missing-*.png"], "matches no file"),
        (["--source", "-"], "name a file"),
        (["--turns", "0"], "whole number"),
        (["--fps", "none"], "not a number"),
        (["--workload", "speed"], "invalid choice"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_measured(arguments: list[str], said: str) -> None:
    done = siffra_bench(*arguments, status=2)
    assert said in done.stderr
    assert not done.stdout


def test_a_file_that_is_no_picture_is_named() -> None:
    done = siffra_bench("--workload", "picture", "--source", "pyproject.toml", status=1)
    assert "pyproject.toml" in done.stderr


def _begun(*arguments: object, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        env={**os.environ, **environment}, cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def _until(process: "subprocess.Popen[str]", said: str) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if said in line:
            return line
    raise AssertionError(f"it never said {said!r}")


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_ctrl_c_keeps_what_was_measured(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    arguments = ["--quick", "--workload", "cell", "--model", "ann", "--turns", 1000]
    process = _begun(*arguments, "--json", path, TMPDIR=str(tmp_path))
    found = re.search(r"about (\d+) s", _until(process, "to go"))
    assert found
    time.sleep(max(1.5, 5 * int(found[1]) / 1000))
    process.send_signal(signal.SIGINT)
    shown, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert re.search(r"ended after \d+ of 1000 turns", said)
    document = json.loads(path.read_text())
    assert document["complete"] is False
    assert 1 <= document["plan"]["finished_turns"] < 1000
    (row,) = document["rows"]
    assert len(row["turns"]) >= document["plan"]["finished_turns"]
    assert "1 cell" in shown
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_before_the_first_turn_it_writes_nothing(tmp_path: Path, number: int) -> None:
    process = _begun("--json", tmp_path / "result.json", TMPDIR=str(tmp_path))
    _until(process, "first a pass")
    process.send_signal(number)
    shown, said = process.communicate(timeout=30)
    assert (process.returncode, shown) == (130, "")
    assert "nothing was measured" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
def test_a_process_that_dies_is_said() -> None:
    process = _begun("--quick", "--workload", "cell", "--model", "ann", "--turns", 1000)
    _until(process, "to go")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        for child in children.read_text().split():
            os.kill(int(child), signal.SIGKILL)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "the process that measures ann ended" in said


def test_another_copy_of_siffra_is_not_measured_by_mistake(tmp_path: Path) -> None:
    copy = tmp_path / "siffra"
    shutil.copytree(MODELS.parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'runtime')!r}); import os; "
        "from siffra.cli import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "bench", "--workload", "cell"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "imports siffra from" in done.stderr


def test_other_commands_load_nothing_of_it() -> None:
    code = (
        "import sys; from siffra.cli import main; main(['info']); "
        "print(sorted(name for name in sys.modules if name.startswith('siffra.bench')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = done.stdout.splitlines()[-1]
    assert loaded == "['siffra.bench', 'siffra.bench.command']"
