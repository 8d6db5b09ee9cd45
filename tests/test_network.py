"""Model files: what follows the contract loads, what does not says why; and what they answer."""

import json
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from threading import Barrier, Thread

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from siffra import ModelError, Reader
from siffra.network import MODELS, Network, released


def changed(path: Path, change: Callable[[onnx.ModelProto], None]) -> Path:
    """Write a released model with a change to it."""
    model = onnx.load(released()["ann"])
    change(model)
    onnx.save(model, path)
    return path


def state(model: onnx.ModelProto, **properties: str) -> None:
    known = {entry.key: entry.value for entry in model.metadata_props}
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, known | properties)


def rename_output(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        for number, name in enumerate(node.output):
            if name == "probabilities":
                node.output[number] = "scores"
    model.graph.output[0].name = "scores"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda model: state(model, contract="2"), "version 2 of the contract"),
        (lambda model: model.ClearField("metadata_props"), "version unknown of the contract"),
        (lambda model: state(model, labels='["a", "b"]'), 'labels \\["a", "b"\\]'),
        (lambda model: state(model, threshold="high"), "no threshold of confidence"),
        (lambda model: state(model, threshold="nan"), "no threshold of confidence"),
        (lambda model: state(model, score="energy"), "score energy"),
        (lambda model: state(model, name="", recipe=""), "states no name, recipe"),
        (rename_output, "is not a siffra model"),
    ],
    ids=[
        "newer contract",
        "no metadata",
        "other labels",
        "no threshold",
        "nan threshold",
        "other score",
        "no name",
        "other output",
    ],
)
def test_a_model_that_breaks_the_contract_is_refused(
    change: Callable[[onnx.ModelProto], None], said: str, tmp_path: Path
) -> None:
    path = changed(tmp_path / "other.onnx", change)
    with pytest.raises(ModelError, match=said) as caught:
        Reader(path)
    assert "other.onnx" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no model at all", b"\x08\x07" + b"\0" * 100])
def test_what_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.onnx: .*onnxruntime \S+ cannot (load|parse) it"):
        Reader(path)


def test_a_truncated_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "half.onnx"
    content = released()["ann"].read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match=r"half\.onnx"):
        Reader(path)


def test_a_model_of_ones_own_is_read_by_its_path(tmp_path: Path) -> None:
    path = changed(tmp_path / "own.onnx", lambda model: state(model, threshold="0.9"))
    for source in (path, str(path)):
        reader = Reader(source)
        assert reader.threshold == 0.9
        assert reader.metadata["family"] == "ann"


@pytest.mark.parametrize("name", released())
def test_released_models_state_where_they_come_from(name: str) -> None:
    metadata = Network(name).metadata
    assert metadata["name"] == name
    report = (MODELS / f"{metadata['family']}-parity.json").read_bytes()
    (variant,) = (v for v in json.loads(report)["variants"] if v["name"] == name)
    assert metadata["parity"] == sha256(report).hexdigest()
    assert float(metadata["accuracy"]) == pytest.approx(variant["accuracy"], abs=1e-4)
    assert variant["accuracy"] > 0.99
    assert json.loads(metadata["recipe"])["recipe"] == metadata["family"]
    assert 0.1 < json.loads(metadata["calibration"])["temperature"] < 10
    assert variant["shortfalls"] == []
    assert metadata["test_cells"] == "10000"
    assert "train-images-idx3-ubyte" in metadata["data"]
    assert metadata["licence"].startswith("MIT")


@pytest.mark.parametrize("name", released())
def test_released_models_run_on_the_oldest_onnxruntime(name: str) -> None:
    """1.19, the oldest declared, knows opset 21 and IR version 10; these stay far below."""
    model = onnx.load(released()[name])
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 13)]
    assert model.ir_version <= 8
    (axis, *_) = model.graph.input[0].type.tensor_type.shape.dim
    assert axis.dim_param == "batch"


def random_cells(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)


@pytest.mark.parametrize("name", released())
def test_one_cell_is_answered_as_onnxruntime_answers_it(name: str) -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    reader, bare = Reader(name), onnxruntime.InferenceSession(released()[name], options)
    for cell in random_cells(20):
        (expected,) = bare.run(None, {"cells": cell[None]})
        np.testing.assert_array_equal(reader.probabilities(cell[None]), expected)


@pytest.mark.parametrize("name", released())
def test_many_cells_are_answered_as_their_parts(name: str) -> None:
    cells, reader = random_cells(2500), Reader(name)
    whole = reader.probabilities(cells)
    assert whole.shape == (2500, 10)
    assert whole.dtype == np.float32
    for size in (1, 7, 300, 1025):
        count = min(2500, 60 * size)
        parts = [reader.probabilities(cells[i : i + size]) for i in range(0, count, size)]
        answers = np.concatenate(parts)
        np.testing.assert_allclose(answers, whole[: len(answers)], atol=1e-6)


@pytest.mark.parametrize("count", [1, 5, 2500])
def test_an_answer_stays_what_it_was(count: int) -> None:
    reader, cells = Reader("ann"), random_cells(count)
    first = reader.probabilities(cells)
    kept = first.copy()
    reader.probabilities(255 - cells)
    np.testing.assert_array_equal(first, kept)
    first[:] = 0  # it is the caller's own
    np.testing.assert_array_equal(reader.probabilities(cells), kept)


def test_cells_may_lie_in_memory_as_they_like() -> None:
    reader, cells = Reader("ann"), random_cells(4)
    for view in (cells[1:2, ::-1, ::-1], cells[::2, ::-1], cells.transpose(0, 2, 1)):
        expected = reader.probabilities(np.ascontiguousarray(view))
        np.testing.assert_array_equal(reader.probabilities(view), expected)
    cells.flags.writeable = False
    assert reader.probabilities(cells[:1]).shape == (1, 10)
    assert reader.probabilities(cells[:0]).shape == (0, 10)


@pytest.mark.parametrize("name", ["ann", "cnn-int8"])
def test_threads_share_a_reader_and_each_gets_what_it_would_get_alone(name: str) -> None:
    reader, cells = Reader(name), random_cells(1100)
    sizes = (1, 1, 1, 1, 2, 9, 70, 1, 1, 1, 1)
    jobs = [
        cells[start : start + size]
        for turn in range(12)
        for start, size in zip(range(turn * 80, turn * 80 + 88, 8), sizes, strict=True)
    ]
    alone = [reader.probabilities(job) for job in jobs]
    together = Barrier(16)

    def work(first: int) -> list[tuple[int, NDArray[np.float32]]]:
        together.wait()
        order = [(first * 7 + step) % len(jobs) for step in range(len(jobs))]
        return [(job, reader.probabilities(jobs[job])) for job in order]

    with ThreadPoolExecutor(16) as pool:
        for answers in pool.map(work, range(16)):
            for job, answer in answers:
                np.testing.assert_array_equal(answer, alone[job])


def test_threads_that_come_and_go_leave_nothing_behind() -> None:
    reader, cell = Reader("ann"), random_cells(1)

    def visit(times: int) -> None:
        for _ in range(times):
            thread = Thread(target=reader.probabilities, args=(cell,))
            thread.start()
            thread.join()

    tracemalloc.start()
    try:
        visit(50)
        before, _ = tracemalloc.get_traced_memory()
        visit(200)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 200 * cell.nbytes / 4


def test_one_thread_computes_and_gives_the_same_as_two() -> None:
    cells = random_cells(300)
    one, two = (Reader("ann", threads=threads).probabilities(cells) for threads in (1, 2))
    np.testing.assert_allclose(one, two, atol=1e-6)
    bare = onnxruntime.InferenceSession(released()["ann"]).run(None, {"cells": cells})[0]
    np.testing.assert_allclose(one, bare, atol=1e-6)
