"""The files that engines take, made of a released model: the same weights in other forms.

Conversion runs in a process of its own, `python -m benchmarks.engines.forms`: TensorFlow prints
much and stays in memory.
"""

import os
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from benchmarks.engines.net import EngineError, Layer, read_layers, save_layers
from benchmarks.engines.turns import ROOT, SETTINGS

NEEDS = {
    ".onnx": (),
    ".npz": ("onnx",),
    ".keras": ("onnx", "tensorflow", "keras"),
    ".tflite": ("onnx", "tensorflow", "keras"),
}
"""Modules that write a form."""


def write_forms(model: Path, forms: Collection[str], folder: Path) -> dict[str, Path]:
    """Write a float32 model in each form, and return the files by form.

    Args:
        model: ONNX file of the project.
        forms: Of `NEEDS`; .onnx is the model itself.
        folder: Where to.

    Raises:
        EngineError: It cannot be converted.
    """
    files = {form: model if form == ".onnx" else folder / f"{model.stem}{form}" for form in forms}
    missing = [str(file) for form, file in files.items() if form != ".onnx"]
    if missing:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.engines.forms", str(model.absolute()), *missing],
            cwd=ROOT,
            env={**os.environ, **SETTINGS},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            raise EngineError(f"{model} cannot be converted: {lines[-1] if lines else 'no reason'}")
    return files


def main(arguments: Sequence[str]) -> int:
    """Write the first file, an ONNX model, as all the others, by their suffixes."""
    model, *files = map(Path, arguments)
    layers = read_layers(model)
    for file in files:
        if file.suffix == ".npz":
            save_layers(file, layers)
        elif file.suffix == ".keras":
            _keras_model(layers).save(file)
        else:
            import tensorflow as tf

            converter = tf.lite.TFLiteConverter.from_keras_model(_keras_model(layers))
            file.write_bytes(converter.convert())
    return 0


def _keras_model(layers: Sequence[Layer]) -> Any:
    """Build the net of Keras's own layers: uint8 [n, 28, 28] in, float32 [n, 10] out."""
    import keras

    cells = keras.Input((28, 28), dtype="uint8")
    flow = keras.ops.cast(cells, "float32")
    flow = (keras.layers.Reshape((28, 28, 1)) if layers[0].stride else keras.layers.Flatten())(flow)
    own = []
    for layer in layers:
        activation = "softmax" if layer is layers[-1] else "relu"
        size, outputs = layer.kernel.shape[0], layer.kernel.shape[-1]
        if layer.stride:
            own.append(
                keras.layers.Conv2D(
                    outputs, size, layer.stride, padding="same", activation=activation
                )
            )
        else:
            own.append(keras.layers.Dense(outputs, activation=activation))
            if len(flow.shape) == 4:
                flow = keras.layers.GlobalAveragePooling2D()(flow)
        flow = own[-1](flow)
    for layer, weights in zip(own, layers, strict=True):
        layer.set_weights([weights.kernel, weights.bias])
    return keras.Model(cells, flow)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
