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
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from siffra import Reader, bench
from siffra.bench import WORKLOADS
from siffra.bench.advice import advice
from siffra.bench.cases import plan
from siffra.bench.scene import draw_scene
from siffra.bench.table import lines_of
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


def test_levels_are_those_of_the_turns(measured: tuple[dict[str, Any], str, Path]) -> None:
    for row in measured[0]["rows"]:
        medians = [np.median(turn["ns"]) for turn in row["turns"]]
        assert row["level_ns"] == pytest.approx(np.exp(np.log(medians).mean()), abs=0.1)


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="needs Linux's /proc")
def test_the_thread_that_calls_does_not_wait_all_the_time(
    measured: tuple[dict[str, Any], str, Path],
) -> None:
    """OpenCV's idle threads do; they are not what a reading waits for."""
    for row in measured[0]["rows"]:
        for turn in row["turns"]:
            assert 0 <= turn["waited_ns"] < 1.5 * turn["wall_ns"]  # two clocks, a busy machine


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="needs Linux's /proc")
def test_only_the_main_thread_counts_as_waiting() -> None:
    """Two others quarrel about one core while it sleeps."""
    code = (
        "import os, threading, time, zlib; from pathlib import Path\n"
        "from siffra.bench.worker import waited_ns\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "done = threading.Event()\n"
        "def quarrel():\n"
        "    while not done.is_set(): zlib.compress(bytes(1 << 22))\n"
        "others = [threading.Thread(target=quarrel) for _ in range(2)]\n"
        "before = waited_ns()\n"
        "for other in others: other.start()\n"
        "time.sleep(0.5)\n"
        "waited = waited_ns() - before\n"
        "tasks = Path('/proc/self/task').glob('*/schedstat')\n"
        "all = [int(task.read_text().split()[1]) for task in tasks]\n"
        "done.set()\n"
        "print(waited / max(all))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 0.5


def test_the_advice_is_about_the_model_that_it_recommends(
    measured: tuple[dict[str, Any], str, Path],
) -> None:
    """Of two, the accurate one; which of them was faster is this machine's affair."""
    advice = {each["setting"]: each for each in measured[0]["advice"]}
    assert advice["model"]["value"] == "cnn-int8"
    why = advice["model"]["why"]
    assert re.search(r"ann \S+ ms \(99\.15%\), cnn-int8 \S+ ms \(99\.63%\)", why)
    assert "cnn-int8, a cell" in advice["cells a call"]["why"]
    rows = {row["key"]: row for row in measured[0]["rows"]}
    level = rows["cell/1 cell/cnn-int8/threads=1"]["level_ns"] / 1e3
    assert f"{level:.1f} us with 1," in advice["cells a call"]["why"]


def _row(model: str, case: str, medians: list[float], **more: Any) -> dict[str, Any]:
    turns = [{"ns": [value]} for value in medians]
    level = float(np.exp(np.log(medians).mean()))
    row = {"workload": "cell", "case": case, "model": model, "threads": 1, "cells": 1}
    return {**row, "turns": turns, "level_ns": level, "cpu_share": 1.0, **more}


def _advice(rows: list[dict[str, Any]], **accuracy: float) -> dict[str, dict[str, Any]]:
    models = {name: {"accuracy": value} for name, value in accuracy.items()}
    return {each["setting"]: each for each in advice(rows, models, next(iter(models)))}


def test_the_fastest_of_the_accurate_models_is_recommended() -> None:
    steady = np.array([1.0, 1.01, 0.99, 1.0])
    rows = [
        _row(name, "1 cell", (1e5 * factor * steady).tolist())
        for name, factor in (("cnn", 3), ("small", 2), ("tiny", 1), ("odd", 2.5))
    ]
    found = _advice(rows, cnn=0.9963, small=0.9960, tiny=0.9910, odd=0.9970)["model"]
    assert found["value"] == "odd"  # small is 0.1 points below the best
    assert "tiny gives up 0.60 points" in found["why"]
    found = _advice(rows, cnn=0.9963, small=0.9960, tiny=0.9910, odd=0.9920)["model"]
    assert found["value"] == "small"
    noisy = [_row(name, "1 cell", [1e5, 3e5, 2e5]) for name in ("cnn", "small")]
    noisy[1] = _row("small", "1 cell", [1.2e5, 0.9e5, 2.8e5])
    found = _advice(noisy, cnn=0.9963, small=0.9963)["model"]
    assert (found["value"], "not told apart: the default" in found["why"]) == ("cnn", True)


@pytest.mark.parametrize(
    ("late", "p99", "value", "said"),
    [(0, 4e6, 150, "p99 4.00 ms"), (0, None, 150, "p95 3.00 ms"), (30, None, "below 30", "late")],
)
def test_the_pace_is_told_by_what_was_measured(
    late: int, p99: float | None, value: object, said: str
) -> None:
    figures = {"p99": p99, "p95": 3e6, "max": 9e6, "count": 45}
    paced = _row("cnn", "30 fps", [2e6] * 3, workload="paced", fps=30.0, late=late, ns=figures)
    paced.update(cells=None, cpu_share=0.1)
    found = _advice([paced], cnn=0.9963)["frames a second"]
    assert found["value"] == value
    assert said in found["why"]
    assert ("p99" in found["why"]) == (p99 is not None)


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


def row_of(shown: str) -> dict[str, str]:
    """Return what stands in the row of one cell of `ann`, in microseconds, by its column."""
    lines = shown.splitlines()
    names = next(line.split() for line in lines if "p99.9" in line)
    line = next(line for line in lines if re.match(r" +1 cell +ann +us ", line))
    return dict(zip(names, line.split()[4:], strict=False))


def test_the_table_says_what_the_file_says(measured: tuple[dict[str, Any], str, Path]) -> None:
    result, shown, _ = measured
    assert all(name in shown for name in ("p50", "p90", "p95", "p99", "p99.9", "max", "std"))
    (row,) = [r for r in result["rows"] if (r["workload"], r["model"]) == ("cell", "ann")]
    number, unit = re.findall(r"^([\d.]+)(ms|s|)$", row_of(shown)["max"])[0]
    size = {"": 1e3, "ms": 1e6, "s": 1e9}[unit]
    assert float(number) * size == pytest.approx(row["ns"]["max"], rel=0.01)
    assert "warm-up" in shown
    assert "where the time of ann goes" in shown
    assert "best settings here" in shown
    assert f"{row['ns']['count']} calls" in shown  # of the histogram: nothing is cut off
    histogram = shown.split(f"{row['ns']['count']} calls\n")[1].split("\n\n")[0]
    assert sum(int(each.split()[-1]) for each in histogram.splitlines()) == row["ns"]["count"]


def test_columns_stay_apart_where_figures_are_large(
    measured: tuple[dict[str, Any], str, Path],
) -> None:
    result = json.loads(json.dumps(measured[0]))
    (row,) = [r for r in result["rows"] if (r["workload"], r["model"]) == ("cell", "ann")]
    row["ns"].update(p99_9=1.589264e9, max=96.715e9, mean=12.3456e6, std=9.9994e6)
    shown = row_of("\n".join(lines_of(result)))
    assert [shown[name] for name in ("p99.9", "max", "mean", "std")] == [
        *("1.59s", "96.7s", "12.3ms", "9999"),
    ]


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
    done = siffra_bench(
        *SHORT, "--workload", "picture", "paced", "--source", path, "--json", tmp_path / "own.json"
    )  # fmt: skip
    (row, paced) = json.loads((tmp_path / "own.json").read_text())["rows"]
    assert row["case"] == path.name
    assert paced["case"] == "30 fps, 1 picture"
    for each in (row, paced):
        assert each["digits_expected"] is None
        assert each["stages_ns"]["decode"]["min"] > 1e5  # a file is decoded
    assert "decoding included" in done.stdout.replace("\n    ", " ")


def test_pictures_of_ones_own_that_cannot_be_read_are_named_and_left_out(
    examples: dict[Path, str], tmp_path: Path
) -> None:
    shutil.copy(next(iter(examples)), tmp_path / "good.jpg")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    done = siffra_bench(
        *SHORT, "--workload", "picture", "--source", tmp_path, "--json", tmp_path / "own.json",
        status=1,
    )  # fmt: skip
    assert "bad.png" in done.stderr
    (row,) = json.loads((tmp_path / "own.json").read_text())["rows"]
    assert row["case"] == "good.jpg"


def test_pictures_that_nothing_reads_are_said_not_to_be_used() -> None:
    done = siffra_bench(*SHORT, "--workload", "cell", "--source", "missing.png")
    assert "--source is not used" in done.stderr


def test_without_opencv_cells_are_measured_and_the_rest_is_said(tmp_path: Path) -> None:
    environment = without("cv2", tmp_path)
    result = tmp_path / "result.json"
    done = siffra_bench(*SHORT, "--json", result, environment=environment)
    assert "skipped picture, paced" in done.stderr
    assert "siffra[headless]" in done.stderr
    document = json.loads(result.read_text())
    assert {row["workload"] for row in document["rows"]} == {"cell", "batch", "cold"}
    cold = {row["case"] for row in document["rows"] if row["workload"] == "cold"}
    assert cold == {"imports alone", "first cell"}  # with OpenCV: first picture
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
        (["--json", "tests"], "is a folder or device"),
        (["--json", "x" * 300], "cannot be written (File name too long)"),
        (["--plot", "result.jpg"], "only .png is written"),
        (["--source", "missing.png"], "missing.png: no such file"),
        (["--threads", "1,65"], "65 threads are more than 64"),
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


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of POSIX")
def test_a_file_that_cannot_be_written_costs_no_figures(tmp_path: Path) -> None:
    """The disk is full when all is measured."""
    code = (
        "import resource, sys; from siffra.bench import run; from siffra.cli import main\n"
        "measured = run.result_of\n"
        "def then_the_disk_is_full(*arguments):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "    return measured(*arguments)\n"
        "run.result_of = then_the_disk_is_full\n"
        "sys.exit(main())"
    )
    path = tmp_path / "result.json"
    done = subprocess.run(
        [sys.executable, "-c", code, "bench", *SHORT, "--workload", "cell", "--json", str(path)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "1 cell" in done.stdout
    assert f"siffra: {path}: cannot be written (File too large); name another" in done.stderr
    assert list(tmp_path.iterdir()) == []


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
            with suppress(ProcessLookupError):  # it has ended by itself
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
