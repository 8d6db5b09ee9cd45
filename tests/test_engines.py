"""Engines run the same weights and agree; they take turns in fresh processes, and are judged."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.engines.__main__ import main
from benchmarks.engines.calls import ENGINES
from benchmarks.engines.cells import cells_to_agree_on
from benchmarks.engines.families import installed
from benchmarks.engines.forms import NEEDS, write_forms
from benchmarks.engines.net import EngineError, load_layers, read_layers, save_layers
from benchmarks.engines.results import BASE, TOLERANCE, compared
from benchmarks.engines.rounds import answers
from benchmarks.engines.sizes import installed_megabytes
from benchmarks.engines.turns import Task
from siffra import Reader, __version__
from siffra.network import released

ROOT = Path(__file__).parents[1]
CELLS, SINGLE = cells_to_agree_on(None)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.engines", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


def there(engine: str) -> bool:
    needed = (*ENGINES[engine].modules, *NEEDS[ENGINES[engine].form])
    return all(find_spec(each.partition(".")[0]) for each in needed)


def answered(engine: str, file: Path, folder: Path) -> NDArray[np.float32]:
    """What a process of its own answers, to some cells one by one and to all in batches."""
    np.save(folder / "cells.npy", np.resize(CELLS, (1024, 28, 28)))
    task = {
        "engine": engine,
        "file": str(file),
        "threads": 1,
        "cells": str(folder / "cells.npy"),
        "answers": str(folder / "answers.npy"),
        "single": SINGLE,
    }
    return answers(Task(task))[: len(CELLS) + len(range(*SINGLE))]


def expected(model: str) -> NDArray[np.float32]:
    reader = Reader(model)
    return np.concatenate(
        [reader.probabilities(CELLS[slice(*SINGLE)]), reader.probabilities(CELLS)]
    )


@pytest.mark.parametrize("model", released())
@pytest.mark.parametrize("engine", [name for name in ENGINES if not name.startswith("keras")])
def test_an_engine_agrees_one_by_one_and_in_batches(
    engine: str, model: str, tmp_path: Path
) -> None:
    precision = "int8" if model.endswith("int8") else "fp32"
    if precision == "int8" and not ENGINES[engine].int8:
        pytest.skip("it does not take the file")
    if not there(engine):
        pytest.skip("it is not installed")
    if precision == "int8" and engine == "opencv" and int(cv2.__version__.partition(".")[0]) < 5:
        pytest.skip("OpenCV 4 misreads the file, so the engine is left out")
    form = ENGINES[engine].form
    file = write_forms(released()[model], [form], tmp_path)[form]
    try:
        found = answered(engine, file, tmp_path)
    except EngineError as error:
        if engine == "opencv-classic" and "one engine" in str(error):
            pytest.skip(str(error))
        raise
    assert compared(found, expected(model)).difference <= TOLERANCE[precision]


@pytest.mark.parametrize(("model", "engine"), [("ann", "keras-predict"), ("cnn", "keras-function")])
def test_keras_agrees(model: str, engine: str, tmp_path: Path) -> None:
    if not there(engine):
        pytest.skip("Keras is not installed")
    file = write_forms(released()[model], [".keras"], tmp_path)[".keras"]
    found = answered(engine, file, tmp_path)
    assert compared(found, expected(model)).difference <= TOLERANCE["fp32"]


def test_one_wrong_weight_is_disagreement(tmp_path: Path) -> None:
    *others, last = read_layers(released()["ann"])
    kernel = last.kernel.copy()
    kernel[0, 0] += 0.1
    save_layers(tmp_path / "wrong.npz", [*others, last._replace(kernel=kernel)])
    found = answered("numpy", tmp_path / "wrong.npz", tmp_path)
    assert compared(found, expected("ann")).difference > TOLERANCE["fp32"]


def test_flips_are_answers_with_another_digit() -> None:
    said = expected("ann")
    other = said.copy()
    other[3] = np.roll(other[3], 1)
    assert compared(other, said).flips == 1


def test_layers_survive_their_file(tmp_path: Path) -> None:
    layers = read_layers(released()["cnn"])
    save_layers(tmp_path / "net.npz", layers)
    for found, layer in zip(load_layers(tmp_path / "net.npz"), layers, strict=True):
        assert found.stride == layer.stride
        assert np.array_equal(found.kernel, layer.kernel)
        assert np.array_equal(found.bias, layer.bias)


def test_an_int8_graph_is_no_plain_net() -> None:
    with pytest.raises(EngineError, match="DequantizeLinear"):
        read_layers(released()["ann-int8"])


def test_what_an_engine_says_is_passed_on(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"no model")
    with pytest.raises(EngineError, match=r"damaged\.onnx"):
        answered(BASE, damaged, tmp_path)


def test_engines_are_measured_beside_the_base_and_judged(tmp_path: Path) -> None:
    done = run(
        "--quick", "--engine", "siffra", "--engine", "numpy",
        "--model", "ann", "--model", "ann-int8", "--json", tmp_path / "engines.json",
    )  # fmt: skip
    document = json.loads((tmp_path / "engines.json").read_text())
    results = document["engines"]
    one_thread = [(each["model"], each["engine"]) for each in results if each["threads"] == 1]
    assert one_thread == [
        ("ann", BASE), ("ann", "siffra"), ("ann", "numpy"), ("ann-int8", BASE),
        ("ann-int8", "siffra"),
    ]  # fmt: skip
    assert "numpy left out with ann-int8: they do not take its file" in done.stderr
    for each in results:
        assert each["agreement"]["difference"] < 1e-4
        assert len(each["rounds"]) == document["effort"]["rounds"] > 1
        for found in each["rounds"]:
            assert 1 < found["one_us"] <= found["one_p99_us"]
            assert found["calls"] > 1
            assert found["import_ms"] + found["load_ms"] < found["first_ms"]
        if each["peak_mb"] is not None:
            assert each["peak_mb"] > 10
        assert f"{each['one_us']['median']:,.1f}" in done.stdout
        beside = next(
            other["rounds"] for other in results
            if (other["engine"], other["model"], other["threads"]) == (BASE, each["model"], 1)
        )  # fmt: skip
        pairs = list(zip(each["rounds"], beside, strict=True))
        slower = [own["one_us"] / base["one_us"] for own, base in pairs]
        faster = [base["batch_least_us"] / own["batch_least_us"] for own, base in pairs]
        assert each["one_ratio"]["median"] == pytest.approx(np.median(slower))
        assert each["speed_ratio"]["high"] == pytest.approx(max(faster))
    assert document["machine"]["versions"]["siffra"] == __version__
    aims = {each["what"]: each for each in document["goals"]}
    assert f"ann, one cell: time to {BASE}'s" in aims
    assert "ann, one cell: time to numpy's" in aims
    assert "ann, batches: speed of two threads to one's" in aims or os.cpu_count() == 1
    for what, aim in aims.items():
        assert what in done.stdout
        least, bound = aim["wanted"].startswith("at least"), float(aim["wanted"].split()[-1])
        median = aim["found"]["median"]
        assert aim["met"] == (median >= bound if least else median <= bound)


def test_pictures_are_read_beside_peers_and_missing_peers_are_named(tmp_path: Path) -> None:
    if find_spec("rapidocr_onnxruntime"):
        pytest.skip("RapidOCR is installed")
    done = run(
        "--quick", "--markdown", "--engine", "rapidocr", "--model", "cnn",
        "--json", tmp_path / "pictures.json",
    )  # fmt: skip
    assert "rapidocr is left out: " in done.stderr
    assert 'pip install -e ".[peers]"' in done.stderr
    document = json.loads((tmp_path / "pictures.json").read_text())
    assert [each["picture"] for each in document["pictures"]] == ["640x480", "1280x720"]
    assert all(each["right"] for each in document["pictures"])
    assert document["engines"] == []
    assert "| 640x480 | cnn | exactly |" in done.stdout


def test_what_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.engines.families.find_spec", lambda name: None)
    lines: list[str] = []
    assert installed(["openvino", "keras-call"], lines.append) == []
    assert 'openvino is left out, without openvino: pip install -e ".[engines]"' in lines
    assert any("keras-call" in line and 'pip install -e ".[train]"' in line for line in lines)


def test_sizes_on_the_disk_count_what_is_required() -> None:
    engine = installed_megabytes(["onnxruntime"])
    both = installed_megabytes(["siffra", "onnxruntime"])
    assert engine > 10
    assert released()["cnn"].stat().st_size < (both - engine) * 2**20 < 20 * 2**20
    assert installed_megabytes(["flatbuffers"]) > 0  # which onnxruntime requires
    assert installed_megabytes(["flatbuffers", "siffra", "onnxruntime"]) == pytest.approx(both)
    assert installed_megabytes(["numpy", "no-such-package"]) == 0


def test_an_unknown_engine_and_an_unknown_model_are_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--engine", "abacus"])
    assert "invalid choice: 'abacus'" in capsys.readouterr().err
    assert main(["--model", "lenet"]) == 2
    assert "lenet" in capsys.readouterr().err
