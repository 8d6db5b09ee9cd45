"""fp32 to int8."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

from siffra import contract


class _Cells:
    """Hands calibration cells to onnxruntime in one batch, as its `CalibrationDataReader` does."""

    def __init__(self, cells: NDArray[np.uint8]) -> None:
        self._batches: Iterator[dict[str, Any]] = iter([{contract.INPUT: cells}])

    def get_next(self) -> dict[str, Any] | None:
        return next(self._batches, None)


def quantize(proto: onnx.ModelProto, cells: NDArray[np.uint8]) -> onnx.ModelProto:
    """Quantise a model's products to int8, static, per output channel.

    On a CPU without VNNI, products of an unsigned and a signed byte overflow their 16-bit sums, and
    results would differ between machines (onnxruntime #14642; "Quantize ONNX Models", section on
    reduce_range). So weights are unsigned, which answers more truly; but where there are
    convolutions, they are signed and have 7 bits: those of unsigned bytes are slower than fp32.

    A dense net's product and bias become one `Gemm`: before 1.23 onnxruntime does not fuse them
    once they are quantised, and computes weights anew from their bytes in every call. Of a
    convolutional net the first layer, which has one channel and so gains nothing from bytes, and
    the last, which is 1 % of the work, stay as they are. An activation is rounded after its ReLU
    alone, which rounding then replaces.

    Args:
        proto: A converted fp32 model.
        cells: uint8 [n, 28, 28], training cells from which the range of activations is taken.

    Returns:
        The model in QDQ form with the same input and output.
    """
    source = _with_gemms(proto)
    convolutions = [node.name for node in proto.graph.node if node.op_type == "Conv"]
    convolves = bool(convolutions)
    with tempfile.TemporaryDirectory() as folder, _quietly():
        target = Path(folder) / "int8.onnx"
        quantize_static(
            source,
            target,
            _Cells(cells),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Relu", "GlobalAveragePool"] if convolves else ["Gemm"],
            nodes_to_exclude=convolutions[:1],
            per_channel=True,
            reduce_range=convolves,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8 if convolves else QuantType.QUInt8,
            extra_options={"OpTypesToExcludeOutputQuantization": ["Gemm"]},
        )
        quantized = onnx.load(target)
    _take_cells_as_they_are(quantized)
    quantized.ir_version = proto.ir_version
    onnx.checker.check_model(quantized, full_check=True)
    return quantized


def _with_gemms(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy in which each matrix product and the bias added to it are one `Gemm`."""
    model = onnx.ModelProto()
    model.CopyFrom(proto)
    graph = model.graph
    after = {name: node for node in graph.node for name in node.input}
    for product in [node for node in graph.node if node.op_type == "MatMul"]:
        add = after.get(product.output[0])
        if add is None or add.op_type != "Add":
            continue
        bias = next(name for name in add.input if name != product.output[0])
        gemm = onnx.helper.make_node("Gemm", [*product.input, bias], add.output, product.name)
        product.CopyFrom(gemm)
        graph.node.remove(add)
    return model


def _take_cells_as_they_are(model: onnx.ModelProto) -> None:
    """Leave out the way of whole numbers to float and back, where a model begins with it."""
    graph = model.graph
    values = {value.name: onnx.numpy_helper.to_array(value) for value in graph.initializer}
    after = {name: node for node in graph.node for name in node.input[:1]}
    cast = after[contract.INPUT]
    shaping = after.get(cast.output[0])
    rounding = after.get(shaping.output[0]) if shaping else None
    if shaping is None or rounding is None:
        return
    if [node.op_type for node in (cast, shaping, rounding)] != [
        "Cast",
        "Reshape",
        "QuantizeLinear",
    ]:
        return
    if [float(values[name]) for name in rounding.input[1:]] != [1.0, 0.0]:
        return
    shaping.input[0] = contract.INPUT
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name == rounding.output[0]:
                node.input[index] = shaping.output[0]
    graph.node.remove(cast)
    graph.node.remove(rounding)
    del graph.value_info[:]  # they speak of float


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep onnxruntime's advice to preprocess, which so small a net has no use for, off."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
