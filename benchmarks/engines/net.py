"""A released model's weights, read from its ONNX file, and what plain NumPy makes of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_SHAPING = {"Cast", "Reshape", "Flatten", "Squeeze", "GlobalAveragePool", "Softmax"}
_CHUNK = 64  # cells that are convolved at once: their patches stay in the cache


class EngineError(Exception):
    """An engine cannot be measured; the message says why, and what to do."""


class Layer(NamedTuple):
    """A dense or convolutional layer; the ReLU after it is that of all but the last."""

    kernel: Floats
    """Dense: [inputs, outputs]; convolution: [height, width, inputs, outputs], as Keras has it."""
    bias: Floats
    """[outputs]."""
    stride: int
    """Of a convolution; 0 for a dense layer."""


def read_layers(path: Path) -> list[Layer]:
    """Read a float32 model of the project: convolutions, the mean of each channel, dense layers.

    Raises:
        EngineError: The graph is of another kind; int8 models are.
    """
    import onnx

    graph = onnx.load(str(path)).graph
    weights = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    layers: list[Layer] = []
    rectified = 0
    for node in graph.node:
        values = [weights[name] for name in node.input if name in weights]
        if node.op_type == "MatMul" and len(values) == 1:
            layers.append(Layer(values[0], np.zeros(values[0].shape[1], np.float32), 0))
        elif node.op_type == "Add" and len(values) == 1:
            layers[-1] = layers[-1]._replace(bias=values[0])
        elif node.op_type == "Conv" and len(values) == 2:
            attributes = {
                each.name: onnx.helper.get_attribute_value(each) for each in node.attribute
            }
            layers.append(_convolution(path, values, attributes))
        elif node.op_type == "Relu":
            rectified += 1
        elif node.op_type not in _SHAPING:
            raise EngineError(f"{path}: has a {node.op_type}, so it is no plain float32 net")
    if rectified != len(layers) - 1:
        raise EngineError(f"{path}: {len(layers)} layers, {rectified} of them with a ReLU")
    return layers


def _convolution(
    path: Path, values: Sequence[NDArray[Any]], attributes: Mapping[str, Any]
) -> Layer:
    kernel, bias = values
    size, stride = kernel.shape[2], attributes["strides"][0]
    before = (size - stride) // 2  # an even side, as 28 and 14 are, padded to its half or to itself
    after = size - stride - before
    if list(attributes.get("pads", ())) != [before, before, after, after]:
        raise EngineError(f"{path}: pads a convolution by {attributes.get('pads')}")
    return Layer(np.ascontiguousarray(kernel.transpose(2, 3, 1, 0)), bias, stride)


def save_layers(path: Path, layers: Sequence[Layer]) -> None:
    """Write layers as an .npz file, which NumPy alone can read."""
    strides = np.array([layer.stride for layer in layers])
    np.savez(path, strides, *(weights for layer in layers for weights in layer[:2]))


def load_layers(path: Path) -> list[Layer]:
    """Read what `save_layers` wrote."""
    with np.load(path) as file:
        strides, *weights = (file[f"arr_{index}"] for index in range(len(file.files)))
    pairs = zip(weights[::2], weights[1::2], strides.tolist(), strict=True)
    return [Layer(kernel, bias, stride) for kernel, bias, stride in pairs]


def probabilities(layers: Sequence[Layer], cells: NDArray[np.uint8]) -> Floats:
    """Compute what the net says of cells, uint8 [n, 28, 28]: float32 [n, 10]."""
    if layers[0].stride and len(cells) > _CHUNK:
        chunks = (cells[start : start + _CHUNK] for start in range(0, len(cells), _CHUNK))
        return np.concatenate([probabilities(layers, chunk) for chunk in chunks])
    flow = cells.astype(np.float32)
    flow = flow[..., None] if layers[0].stride else flow.reshape(len(cells), -1)
    for layer in layers[:-1]:
        flow = np.maximum(_convolve(flow, layer) if layer.stride else _multiply(flow, layer), 0)
    if flow.ndim == 4:
        flow = flow.mean(axis=(1, 2))
    logits = _multiply(flow, layers[-1])
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def _multiply(flow: Floats, layer: Layer) -> Floats:
    return np.asarray(flow @ layer.kernel + layer.bias, np.float32)


def _convolve(flow: Floats, layer: Layer) -> Floats:
    """Convolve [n, H, W, inputs] by one product of patches and kernel."""
    size, stride = layer.kernel.shape[0], layer.stride
    before = (size - stride) // 2
    pad = (before, size - stride - before)
    padded = np.pad(flow, ((0, 0), pad, pad, (0, 0)))
    patches = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
    patches = patches[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)
    flat = patches.reshape(*patches.shape[:3], -1)
    return _multiply(flat, layer._replace(kernel=layer.kernel.reshape(flat.shape[-1], -1)))
