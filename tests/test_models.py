"""Model files that nobody should load: each is refused in words of its own, and without a sound."""

import ast
import os
import random
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from siffra import ModelError, Reader
from siffra.network import MODELS, Network, released
from siffra.shipped import FILE_NAME, digests, sha256

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def quiet(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Neither onnxruntime nor siffra writes to stdout or stderr, whatever the file."""
    yield
    assert capfd.readouterr() == ("", "")


def refusal(path: Path | str) -> str:
    """Return why a model is refused: one line of readable length that names the file."""
    with pytest.raises(ModelError) as caught:
        Reader(path)
    message = str(caught.value)
    assert Path(path).name in message or not str(path).isprintable()
    assert message.isprintable()
    assert len(message) < 800
    return message


WEIGHTS = numpy_helper.from_array(np.zeros((784, 10), np.float32), "weights")


def tensor(name: str, *values: int) -> TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def write_net(
    path: Path,
    *,
    weights: TensorProto = WEIGHTS,
    cells: tuple[Any, ...] = ("batch", 28, 28),
    kind: int = TensorProto.UINT8,
    name: str = "cells",
    rows: int = -1,
    softmax: str = "Softmax",
    domain: str = "",
    opset: int = 13,
    ir: int = 7,
    more: Sequence[onnx.ValueInfoProto] = (),
) -> Path:
    """Write a dense net with the metadata of a released one, by the contract as it stands."""
    nodes = [
        helper.make_node("Cast", [name], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["pixels", "shape"], ["rows"]),
        helper.make_node("MatMul", ["rows", "weights"], ["logits"]),
        helper.make_node(softmax, ["logits"], ["probabilities"], domain=domain),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info(name, kind, cells), *more],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, (cells[0], 10))],
        [tensor("shape", rows, 784), weights],
    )
    domains = [helper.make_opsetid("", opset)]
    domains += [helper.make_opsetid(domain, 1)] if domain else []
    model = helper.make_model(graph, opset_imports=domains, ir_version=ir)
    stated = onnx.load(released()["ann"]).metadata_props
    helper.set_model_props(model, {entry.key: entry.value for entry in stated})
    path.write_bytes(model.SerializeToString())
    return path


def test_the_net_that_these_tests_spoil_is_read_as_it_stands(tmp_path: Path) -> None:
    answers = Reader(write_net(tmp_path / "net.onnx")).probabilities(
        np.zeros((7, 28, 28), np.uint8)
    )
    np.testing.assert_allclose(answers, 0.1)


# What is no file, or none that could be a model


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    assert "that is a folder" in refusal(tmp_path)
    assert "there is no such file" in refusal(tmp_path / "none.onnx")
    assert "released models are ann, ann-int8, cnn, cnn-int8" in refusal("cnn-int4")


@pytest.mark.parametrize("name", ["", "a\0b.onnx", "a" * 5000, "a" * 5000 + "/b", "\udcff.onnx"])
def test_what_is_no_name_is_no_model(name: str) -> None:
    with pytest.raises(ModelError, match=r"no model .* released models are ann, ann-int8"):
        Reader(name)


def test_what_a_name_or_a_model_says_cannot_move_the_cursor(tmp_path: Path) -> None:
    name = "two\nlines \x1b[31m.onnx"
    assert r"two\nlines \x1b[31m.onnx: there is no such file" in refusal(name).replace("'", "")
    model = onnx.load(released()["ann"])
    for stated in model.metadata_props:
        if stated.key == "contract":
            stated.value = "1\n\x1b[2J"
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    assert r"follows version 1\n\x1b[2J of the contract" in refusal(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no such files")
def test_pipes_devices_and_sockets_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for path in (tmp_path / "pipe", tmp_path / "socket", Path(os.devnull), Path("/dev/zero")):
            assert "that is no regular file" in refusal(path)


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    path = write_net(tmp_path / "secret.onnx")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert "cannot be read (Permission denied)" in refusal(path)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.onnx"
    with path.open("wb") as file:
        file.truncate(2**40 if sys.platform == "linux" else 100_000_001)
    assert "models of at most 100,000,000 are loaded" in refusal(path)


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"<!DOCTYPE html><title>404</title>",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        bytes(5000),
    ],
    ids=["picture", "web page", "pointer of Git LFS", "zeros"],
)
def test_what_is_no_onnx_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(content)
    assert "is no ONNX model, or is damaged or cut short" in refusal(path)


def test_onnxruntimes_own_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.ort"
    path.write_bytes(b"\x10\0\0\0ORTM" + bytes(500))
    assert "is in onnxruntime's own format" in refusal(path)


# ONNX, but not of the contract


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "image"}, r"takes \[\('image'"),
        ({"kind": TensorProto.FLOAT}, r"takes \[\('cells', 'tensor\(float\)', \[28, 28\]\)\]"),
        ({"cells": ("batch", 784)}, r"takes \[\('cells', 'tensor\(uint8\)', \[784\]\)\]"),
        ({"cells": ("batch", 1, 28, 28)}, r"\[1, 28, 28\]"),
        (
            {"more": [helper.make_tensor_value_info("more", TensorProto.UINT8, ("batch", 2))]},
            r"\('more', 'tensor\(uint8\)', \[2\]\)",
        ),
        ({"cells": (1, 28, 28)}, "does not answer 3 cells at once, .* fixed size"),
        ({"rows": 1}, "does not answer 3 cells at once, .* fixed size"),
        ({"softmax": "Sigmoid"}, "does not answer with probabilities"),
        ({"softmax": "Identity"}, "does not answer with probabilities"),
        ({"opset": 99}, r"later ONNX than onnxruntime \S+ knows; update it"),
        ({"ir": 99}, r"later ONNX than onnxruntime \S+ knows; update it"),
        ({"softmax": "Own", "domain": "my.operators"}, "my.operators:Own.* is not a registered"),
    ],
    ids=[
        "input's name", "input's type", "flat", "with a channel", "two inputs", "fixed batch",
        "fixed batch within", "ten yes or no", "logits", "opset", "IR version", "operator",
    ],
)  # fmt: skip
def test_a_net_that_is_not_of_the_contract_is_refused(
    change: dict[str, Any], said: str, tmp_path: Path
) -> None:
    message = refusal(write_net(tmp_path / "net.onnx", **change))
    assert re.search(said, message), message


@pytest.mark.parametrize("weight", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_noticed(weight: float, tmp_path: Path) -> None:
    weights = np.zeros((784, 10), np.float32)
    weights[400, 3] = weight
    path = write_net(tmp_path / "net.onnx", weights=numpy_helper.from_array(weights, "weights"))
    assert "does not answer with probabilities" in refusal(path)


# Files that a model names


def outside(location: str, **more: int) -> TensorProto:
    """Return weights that are kept in another file."""
    weights = TensorProto(name="weights", data_type=TensorProto.FLOAT, dims=[784, 10])
    weights.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **more}.items():
        weights.external_data.add(key=key, value=str(value))
    return weights


@pytest.mark.parametrize(
    "location", ["weights.bin", "{folder}/weights.bin", "../weights.bin", "/etc/passwd"]
)
def test_data_outside_of_the_file_are_not_read(
    location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """onnxruntime up to 1.22 opens any path, later ones what is below the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("weights.bin").write_bytes(bytes(784 * 10 * 4))
    weights = outside(location.format(folder=tmp_path), offset=0, length=784 * 10 * 4)
    path = write_net(tmp_path / "net.onnx", weights=weights)
    assert "keeps data in other files, which siffra does not open" in refusal(path)
    assert Path("weights.bin") in list(Path().iterdir())


def test_data_at_an_address_in_memory_are_not_read(tmp_path: Path) -> None:
    """onnxruntime up to 1.22 reads there, and may end the process."""
    weights = outside("*/_ORT_MEM_ADDR_/*", offset=140_000_000, length=784 * 10 * 4)
    path = write_net(tmp_path / "net.onnx", weights=weights)
    assert "keeps data in other files" in refusal(path)


def test_data_outside_are_found_however_they_are_written(tmp_path: Path) -> None:
    """protobuf takes a number in one byte or in more, and onnxruntime would read either."""
    path = write_net(tmp_path / "net.onnx", weights=outside("/etc/passwd"))
    content = path.read_bytes()
    assert content.count(b"\n\x08location") == 1
    entries = [b"\n\x88\0location", b"\x8a\0\x08location", b"\x8a\x80\0\x88\x80\x80\0location"]
    # A field's number has 32 bits; protobuf drops those that are beyond.
    entries += [b"\x8a\x80\x80\x80\x10\x08location", b"\x8a\x80\x80\x80\x70\x08location"]
    for entry in entries:
        path.write_bytes(content.replace(b"\n\x08location", entry))
        assert "keeps data in other files" in refusal(path)


# Damage


@pytest.mark.parametrize("name", released())
def test_a_model_cut_short_anywhere_is_refused(name: str, tmp_path: Path) -> None:
    content, random_ = released()[name].read_bytes(), random.Random(0)
    path = tmp_path / "cut.onnx"
    for end in (
        0,
        1,
        2,
        8,
        len(content) - 1,
        *(random_.randrange(len(content)) for _ in range(25)),
    ):
        path.write_bytes(content[:end])
        assert refusal(path)


@pytest.mark.parametrize("name", released())
def test_a_model_with_a_bit_turned_is_refused_or_answers_with_probabilities(
    name: str, tmp_path: Path
) -> None:
    content, random_ = released()[name].read_bytes(), random.Random(1)
    cells = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    path, refused = tmp_path / "turned.onnx", 0
    for number in range(50):
        turned = bytearray(content)
        # Most bytes are weights; what is around them is at both ends.
        ends = random_.choice((random_.randrange(3000), -1 - random_.randrange(3000)))
        turned[ends if number % 3 else random_.randrange(len(content))] ^= 1 << number % 8
        path.write_bytes(turned)
        try:
            answers = Reader(path).probabilities(cells)
        except ModelError:
            refused += 1
        else:
            np.testing.assert_allclose(answers.sum(axis=1), 1.0, atol=1e-3)
    assert 5 < refused < 50


# What was released


def test_what_was_released_is_listed_by_its_digest() -> None:
    lines = (MODELS / FILE_NAME).read_text().splitlines()
    assert all(
        re.fullmatch(r"[0-9a-f]{64}  [\w.-]+", line) for line in lines
    )  # as sha256sum has it
    listed = digests(MODELS)
    assert listed.keys() == {path.name for path in released().values()} | {"golden.npz"}
    for name, digest in listed.items():
        assert sha256((MODELS / name).read_bytes()) == digest


@pytest.mark.parametrize("name", released())
def test_the_card_gives_digests_data_and_what_the_model_is_not_for(name: str) -> None:
    metadata = Network(name).metadata
    card = (MODELS / f"{metadata['family']}.md").read_text("utf-8")
    assert digests(MODELS)[f"{name}.onnx"] in card
    assert "train-images-idx3-ubyte" in card
    assert metadata["licence"] in card
    for said in ("seed 0", "TensorFlow", "onnxruntime", "not to decide alone", "United States"):
        assert said in " ".join(card.split())


LOAD = """
import sys
from siffra import ModelError, Reader
for model in sys.argv[1:]:
    try:
        Reader(model)
    except ModelError as error:
        print(error)
    else:
        print(model, "loads")
"""


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The models of a copy of the package, to spoil."""
    package = tmp_path / "siffra"
    shutil.copytree(MODELS.parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    return package / "models"


def load(models: Path, *names: str | Path) -> list[str]:
    """Load models by a package's own code; return what it says of each."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *map(str, names)],
        env={**os.environ, "PYTHONPATH": str(models.parents[1])},
        cwd=models.parents[1], capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert not done.stderr
    return done.stdout.splitlines()


def test_a_released_model_that_was_tampered_with_is_refused(models: Path) -> None:
    """By its name and by its path; one bit of a weight is enough."""
    for name in released():
        content = bytearray((models / f"{name}.onnx").read_bytes())
        content[len(content) // 2] ^= 1
        (models / f"{name}.onnx").write_bytes(content)
    files = [models / f"{name}.onnx" for name in released()]
    said = load(models, *released(), *files)
    for line, path in zip(said, files * 2, strict=True):
        was, found = digests(MODELS)[path.name], sha256(path.read_bytes())
        assert line.startswith(f"{path}: differs from what siffra ")
        assert f"(sha256 {found[:16]}... instead of {was[:16]}...); install siffra again" in line


def test_models_of_two_releases_are_not_mixed(models: Path) -> None:
    shutil.copy(models / "cnn-int8.onnx", models / "cnn.onnx")
    shutil.copy(models / "ann.onnx", models / "later.onnx")
    shutil.copy(models / "ann.onnx", models / ".ann-siffra-1a2b3c4d.onnx")
    mixed, unlisted, hidden, whole = load(models, "cnn", "later", ".ann-siffra-1a2b3c4d", "ann")
    assert "cnn.onnx: differs from what siffra" in mixed
    assert "later.onnx: is no file that siffra" in unlisted
    assert "there is no such file, and the released models are ann, ann-int8" in hidden
    assert whole == "ann loads"


@pytest.mark.parametrize("damage", ["missing", "empty", "binary", "no list"])
def test_without_its_digests_no_released_model_is_loaded(models: Path, damage: str) -> None:
    if damage == "missing":
        (models / FILE_NAME).unlink()
    else:
        contents = {"empty": b"", "binary": b"\xff\0\xfe\n", "no list": b"one two three\n"}
        (models / FILE_NAME).write_bytes(contents[damage])
    own = shutil.copy(models / "ann.onnx", models.parents[1] / "own.onnx")
    refused, loaded = load(models, "ann", own)
    assert "is no file that siffra" in refused or "cannot be verified" in refused
    assert FILE_NAME in refused
    assert loaded == f"{own} loads"  # a model of one's own needs none


# What is promised of the code and of the released weights


def test_nothing_is_unpickled_or_evaluated() -> None:
    forbidden = {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle"}
    for path in (ROOT / "runtime").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                assert not forbidden & {alias.name.split(".")[0] for alias in node.names}, path
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in forbidden, path
            elif isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in ("eval", "exec"), path
                if called in ("np.load", "numpy.load"):
                    stated = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                    assert stated.get("allow_pickle", "False") == "False", path


def test_int8_sums_fit_into_16_bits() -> None:
    """Processors without VNNI add two products of bytes in 16 bits, and cut off what is above."""
    model = onnx.load(released()["cnn-int8"])
    kernels = [numpy_helper.to_array(t) for t in model.graph.initializer if len(t.dims) == 4]
    signed = [kernel.astype(np.int64) for kernel in kernels if kernel.dtype == np.int8]
    assert len(signed) == 3
    for kernel in signed:
        assert 2 * 255 * np.abs(kernel).max() < 2**15
    dense = onnx.load(released()["ann-int8"])  # of unsigned bytes, which are not added so
    kinds = {tensor.data_type for tensor in dense.graph.initializer if len(tensor.dims) == 2}
    assert TensorProto.INT8 not in kinds
