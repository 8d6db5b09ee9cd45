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
    """Quantise a model's matrix products to int8, static, per output channel.

    Both sides are unsigned: on a CPU without VNNI, products of an unsigned and a signed byte
    overflow their 16-bit sums, and results would differ between machines (onnxruntime #14642;
    "Quantize ONNX Models", section on U8S8). Sums stay in fp32 where they leave a product, since
    rounding them too would double the labels that flip.

    Args:
        proto: A converted fp32 model.
        cells: uint8 [n, 28, 28], training cells from which the range of activations is taken.

    Returns:
        The model in QDQ form with the same input and output.
    """
    source = onnx.ModelProto()
    source.CopyFrom(proto)  # onnxruntime moves the weights of what it is given to a file
    products = ["MatMul", "Gemm"]
    with tempfile.TemporaryDirectory() as folder, _quietly():
        target = Path(folder) / "int8.onnx"
        quantize_static(
            source,
            target,
            _Cells(cells),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=products,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QUInt8,
            extra_options={"OpTypesToExcludeOutputQuantization": products},
        )
        quantized = onnx.load(target)
    quantized.ir_version = proto.ir_version
    onnx.checker.check_model(quantized, full_check=True)
    return quantized


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep onnxruntime's advice to preprocess, which a net of three layers has no use for, off."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
