"""The networks: a config in, an untrained Keras model out."""

import keras
import numpy as np

from siffra import contract

from .config import TrainConfig


def build(config: TrainConfig) -> keras.Model:
    """The dense net: `cells` uint8 [n, 28, 28] in, `probabilities` float32 [n, 10] out.

    The division by 255 is inside, which spares every caller the conversion to float. The first
    weights follow from `config.seed` alone.
    """
    widths = (*config.hidden, len(contract.LABELS))
    seeds = np.random.SeedSequence(config.seed).generate_state(len(widths)).tolist()
    initializers = [keras.initializers.GlorotUniform(seed) for seed in seeds]
    hidden = [
        keras.layers.Dense(width, activation="relu", kernel_initializer=initializer)
        for width, initializer in zip(config.hidden, initializers, strict=False)
    ]
    return keras.Sequential(
        [
            keras.Input((contract.SIDE, contract.SIDE), dtype="uint8", name=contract.INPUT),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            *hidden,
            keras.layers.Dense(
                widths[-1],
                activation="softmax",
                kernel_initializer=initializers[-1],
                name=contract.OUTPUT,
            ),
        ],
        name=config.family,
    )
