"""The networks: a config in, a Keras model out, as it is trained and as it is released."""

from collections.abc import Iterator

import keras
import numpy as np

from siffra import contract

from .config import TrainConfig

KERNEL = 3
STEM = 5  # the first kernel, which halves the sides
_STRIDES = (2, 1, 2, 1)  # 28 pixels to 14, and to 7


def build(config: TrainConfig) -> keras.Model:
    """The network to be trained: `cells` uint8 [n, 28, 28] in, logits float32 [n, 10] out.

    The first weights follow from `config.seed` alone.
    """
    layers = _layers(config, batch_norm=config.batch_norm)
    return keras.Sequential(
        [_input(), keras.layers.Rescaling(1 / 255), *layers, _output(config, None)],
        name=config.family,
    )


def fold(trained: keras.Model, config: TrainConfig, temperature: float) -> keras.Model:
    """The network to be released: `cells` in, calibrated `probabilities` float32 [n, 10] out.

    Batch normalisation is an affine map once it is trained, and goes into the weights before it;
    the temperature (Guo et al. 2017) divides those of the last layer, 255 those of the first. What
    is left is the bare network.
    """
    cells = _input()
    flow = keras.ops.cast(cells, "float32")
    for layer in (*_layers(config, batch_norm=False), _output(config, "softmax")):
        flow = layer(flow)
    released = keras.Model(cells, flow, name=config.family)
    weights: list[np.ndarray] = []
    for layer in trained.layers:
        values = [np.asarray(value, np.float64) for value in layer.get_weights()]
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = values
            scale = gamma / np.sqrt(variance + layer.epsilon)
            kernel = weights.pop()
            weights += [kernel * scale, beta - mean * scale]
        else:
            weights += values
    weights[0] = weights[0] / 255
    weights[-2:] = [value / temperature for value in weights[-2:]]
    released.set_weights([value.astype(np.float32) for value in weights])
    return released


def _input() -> keras.KerasTensor:
    return keras.Input((contract.SIDE, contract.SIDE), dtype="uint8", name=contract.INPUT)


def _layers(config: TrainConfig, *, batch_norm: bool) -> Iterator[keras.layers.Layer]:
    """The layers between input and output."""
    side = contract.SIDE
    if config.family == "ann":
        yield keras.layers.Flatten()
    else:
        yield keras.layers.Reshape((side, side, 1))
    for index, (width, seed) in enumerate(zip(config.hidden, _seeds(config), strict=False)):
        initializer = keras.initializers.GlorotUniform(seed)
        if config.family == "ann":
            yield keras.layers.Dense(width, kernel_initializer=initializer, use_bias=not batch_norm)
        else:
            yield keras.layers.Conv2D(
                width,
                STEM if index == 0 else KERNEL,
                _STRIDES[index],
                padding="same",
                kernel_initializer=initializer,
                use_bias=not batch_norm,
            )
        if batch_norm:
            yield keras.layers.BatchNormalization(momentum=0.95)
        yield keras.layers.ReLU()
    if config.family == "cnn":
        yield keras.layers.GlobalAveragePooling2D()


def _output(config: TrainConfig, activation: str | None) -> keras.layers.Layer:
    return keras.layers.Dense(
        len(contract.LABELS),
        activation=activation,
        kernel_initializer=keras.initializers.GlorotUniform(_seeds(config)[-1]),
        name=contract.OUTPUT,
    )


def _seeds(config: TrainConfig) -> list[int]:
    """One for each layer with weights."""
    seeds: list[int] = (
        np.random.SeedSequence(config.seed).generate_state(len(config.hidden) + 1).tolist()
    )
    return seeds
