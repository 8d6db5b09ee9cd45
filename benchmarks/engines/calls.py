"""How each engine is called: from the file that it takes to a function of cells.

This is what runs in the processes that are measured: an engine's modules are imported where it is
loaded, and nothing but NumPy before. Each is called as its documentation shows, on as many threads
as asked for, from cells uint8 [n, 28, 28] to probabilities float32 [n, 10]; conversions that it
needs count. Engines that can be made for a fixed number of cells are, which is their best.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.engines.net import EngineError, Floats, load_layers, probabilities

BATCH = 1024
"""Cells in a large call."""

Answer: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Cells, uint8 [n, 28, 28], to probabilities, float32 [n, 10]."""

Loaded: TypeAlias = Callable[[int], Answer]
"""A number of cells to what answers as many."""


class Engine(NamedTuple):
    """One way to run a model."""

    how: str
    """The call, for people."""
    extra: str
    """Of this project, that installs it."""
    modules: tuple[str, ...]
    """What it imports, beyond NumPy."""
    packages: tuple[str, ...]
    """The distributions that bring these."""
    form: str
    """Suffix of the file that it takes; .onnx is the released file as it is."""
    load: Callable[[Path, int], Loaded]
    """Loads such a file, for a number of threads."""
    int8: bool = False
    """Whether it runs the released int8 models."""


def _siffra(path: Path, threads: int) -> Loaded:
    reader = import_module("siffra").Reader(path, threads=threads)
    return lambda count: reader.probabilities


def _onnxruntime(path: Path, threads: int) -> Loaded:
    onnxruntime = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def answer(cells: NDArray[np.uint8]) -> NDArray[np.float32]:
        result: NDArray[np.float32] = session.run(None, {"cells": cells})[0]
        return result

    return lambda count: answer


def _opencv(path: Path, threads: int, engine: str | None) -> Loaded:
    cv2 = import_module("cv2")
    cv2.setNumThreads(threads)

    if engine and not hasattr(cv2.dnn, engine):
        raise EngineError(f"OpenCV {cv2.__version__} has one engine alone")

    def load(count: int) -> Answer:
        kind = (getattr(cv2.dnn, engine),) if engine else ()
        net = cv2.dnn.readNetFromONNX(str(path), *kind)

        def answer(cells: NDArray[np.uint8]) -> NDArray[np.float32]:
            net.setInput(cells[:, None])  # OpenCV 4 would take [n, 28, 28] for one picture
            result: NDArray[np.float32] = net.forward().reshape(len(cells), -1)
            return result

        return answer

    return cache(load)  # a new number of cells would plan the same net anew


def _openvino(path: Path, threads: int) -> Loaded:
    core = import_module("openvino").Core()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",  # by default bfloat16 where the processor has it
    }

    def load(count: int) -> Answer:
        model = core.read_model(path)
        model.reshape([count, 28, 28])
        compiled = core.compile_model(model, "CPU", settings)

        def answer(cells: NDArray[np.uint8]) -> NDArray[np.float32]:
            result: NDArray[np.float32] = compiled([cells], share_inputs=True, share_outputs=True)[
                0
            ]
            return result

        return answer

    return cache(load)


def _litert(path: Path, threads: int) -> Loaded:
    interpreters = import_module("ai_edge_litert.interpreter")

    def load(count: int) -> Answer:
        interpreter = interpreters.Interpreter(str(path), num_threads=threads)
        entry = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(entry, [count, 28, 28])
        interpreter.allocate_tensors()
        end = interpreter.get_output_details()[0]["index"]

        def answer(cells: NDArray[np.uint8]) -> NDArray[np.float32]:
            interpreter.set_tensor(entry, cells)
            interpreter.invoke()
            result: NDArray[np.float32] = interpreter.get_tensor(end)
            return result

        return answer

    return cache(load)


def _keras(path: Path, threads: int, how: str) -> Loaded:
    tensorflow, keras = import_module("tensorflow"), import_module("keras")
    tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(threads)
    model = keras.saving.load_model(path, compile=False)
    if how == "predict":
        return lambda count: partial(model.predict, batch_size=count, verbose=0)
    call: Any = partial(model, training=False)
    if how == "function":
        cells = tensorflow.TensorSpec([None, 28, 28], tensorflow.uint8)
        call = tensorflow.function(call, input_signature=[cells])

    def answer(cells: NDArray[np.uint8]) -> NDArray[np.float32]:
        result: NDArray[np.float32] = call(cells).numpy()
        return result

    return lambda count: answer


def _numpy(path: Path, threads: int) -> Loaded:
    answer: Callable[[NDArray[np.uint8]], Floats] = partial(probabilities, load_layers(path))
    return lambda count: answer


ENGINES: Mapping[str, Engine] = {
    "siffra": Engine(
        "Reader.probabilities",
        "headless",
        ("siffra", "onnxruntime"),
        ("siffra", "onnxruntime"),
        ".onnx",
        _siffra,
        True,
    ),
    "onnxruntime": Engine(
        "InferenceSession.run",
        "headless",
        ("onnxruntime",),
        ("onnxruntime",),
        ".onnx",
        _onnxruntime,
        True,
    ),
    "opencv": Engine(
        "dnn.Net.forward",
        "headless",
        ("cv2",),
        ("opencv-python-headless", "opencv-python"),
        ".onnx",
        partial(_opencv, engine=None),
        True,
    ),
    "opencv-classic": Engine(
        "dnn.Net.forward, ENGINE_CLASSIC",
        "headless",
        ("cv2",),
        ("opencv-python-headless", "opencv-python"),
        ".onnx",
        partial(_opencv, engine="ENGINE_CLASSIC"),
    ),
    "openvino": Engine(
        "CompiledModel()", "engines", ("openvino",), ("openvino",), ".onnx", _openvino, True
    ),
    "litert": Engine(
        "Interpreter.invoke",
        "engines",
        ("ai_edge_litert.interpreter",),
        ("ai-edge-litert",),
        ".tflite",
        _litert,
    ),
    "keras-function": Engine(
        "tf.function of the model",
        "train",
        ("tensorflow", "keras"),
        ("tensorflow", "keras"),
        ".keras",
        partial(_keras, how="function"),
    ),
    "keras-call": Engine(
        "model(cells)",
        "train",
        ("tensorflow", "keras"),
        ("tensorflow", "keras"),
        ".keras",
        partial(_keras, how="call"),
    ),
    "keras-predict": Engine(
        "model.predict",
        "train",
        ("tensorflow", "keras"),
        ("tensorflow", "keras"),
        ".keras",
        partial(_keras, how="predict"),
    ),
    "numpy": Engine("matrix products", "train", (), (), ".npz", _numpy),
}
"""By name, as tables have them."""
