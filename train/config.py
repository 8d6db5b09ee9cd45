"""The recipes: everything that decides what a training run will give."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class TrainConfig:
    """One training run, whole: the same config on the same data gives the same weights."""

    recipe: str
    """The recipe's name, a key of `RECIPES`."""
    family: Literal["ann"] = "ann"
    """The kind of network: `ann` is the dense net."""
    hidden: tuple[int, ...] = (128, 32)
    """Width of each hidden layer, from input to output."""
    epochs: int = 20
    batch_size: int = 32
    validation_split: float = 0.2
    """Share of the training set, taken from its end, that is never trained on."""
    learning_rate: float = 1e-3
    """Adam's."""
    seed: int = 0
    """Decides the first weights and the order of the batches."""
    threshold: float = 0.5
    """Confidence from which the runtime accepts a digit; export writes it into the model."""
    loop: Literal["compiled", "keras"] = "compiled"
    """`compiled` runs an epoch as one program, `keras` is plain `Model.fit`: see `train.loops`."""


RECIPES = {"seed": TrainConfig(recipe="seed")}
