"""The recipes: everything that decides what a training run will give."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal


@dataclass(frozen=True)
class Augmentation:
    """What an epoch is trained on beside, or in place of, the cells as they are.

    A version is one augmented copy of the training part; epochs take the versions in turn. They
    are kept on disk, and all runs with the same augmentation of the same data share them.
    """

    versions: int = 20
    mild: float = 0.42
    """Share of the cells that another stroke of the same hand is made of: `augment.mild`."""
    wild: float = 0.26
    """Share that another pen, paper and camera are made of: `augment.wild`."""
    pictured: float = 0.2
    """Share that is laid on paper and read by the runtime: `augment.pictured`."""
    drawn: float = 0.2
    """Digits drawn by code that are added, as a share of the cells: `forms`."""
    negatives: float = 0.15
    """Non-digits that are added, as a share of the cells: `negatives`."""
    seed: int = 0
    """Decides every random choice; the seed of the run does not."""


@dataclass(frozen=True)
class TrainConfig:
    """One training run, whole: the same config on the same data gives the same weights."""

    recipe: str
    """The recipe's name, a key of `RECIPES`."""
    family: Literal["ann", "cnn"] = "ann"
    """The kind of network: `ann` is the dense net, `cnn` the convolutional one."""
    hidden: tuple[int, ...] = (128, 32)
    """Units or filters of each hidden layer, from input to output."""
    batch_norm: bool = False
    """Normalise over the batch after each hidden layer; folded into the weights afterwards."""
    epochs: int = 20
    batch_size: int = 32
    validation_split: float = 0.2
    """Share of the training set, taken from its end, that is never trained on."""
    learning_rate: float = 1e-3
    """AdamW's; the highest one where it has a schedule."""
    schedule: Literal["constant", "cosine"] = "constant"
    """`cosine` rises for an epoch, then falls to zero (Loshchilov and Hutter 2017)."""
    weight_decay: float = 0.0
    """AdamW's, on weights alone; without it AdamW is Adam."""
    augmentation: Augmentation | None = None
    """None: the cells as they are."""
    settling: int = 0
    """Epochs at the end in which more of the cells are as they are, as most that are read will
    be; the rest stays augmented."""
    settled: float = 0.5
    """Share of the cells that are put back as they are in these epochs."""
    spoilt: float = 0.0
    """Share of the digits of each epoch that something is over or missing of: `augment.spoilt`."""
    teachers: tuple[str, ...] = ()
    """Runs, as RECIPE-SEED, whose mean answer to the augmented cells is the target."""
    hard: float = 1.0
    """Weight of the true label in the target; the rest is the teachers'."""
    kept: float = 0.99
    """Share of the validation digits, augmented where training is, that the threshold lets pass."""
    seed: int = 0
    """Decides the first weights and the order of the batches."""
    loop: Literal["compiled", "keras"] = "compiled"
    """`compiled` runs an epoch as one program, `keras` is plain `Model.fit`: see `train.loops`."""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "TrainConfig":
        """The config whose `asdict` went through JSON.

        Raises:
            TypeError: It has other fields than this version's.
        """
        augmentation = stored["augmentation"]
        lists = {key: tuple(value) for key, value in stored.items() if isinstance(value, list)}
        made = None if augmentation is None else Augmentation(**augmentation)
        return cls(**{**stored, **lists, "augmentation": made})


_AUGMENTED = TrainConfig(
    recipe="",
    batch_norm=True,
    batch_size=128,
    validation_split=1 / 12,
    learning_rate=2e-3,
    schedule="cosine",
    weight_decay=1e-2,
    augmentation=Augmentation(),
)
_TEACHERS = ("teacher-0", "teacher-1")

RECIPES = {
    config.recipe: config
    for config in (
        TrainConfig(recipe="seed"),
        replace(
            _AUGMENTED,
            recipe="teacher",
            family="cnn",
            hidden=(36, 48, 72, 72),
            epochs=36,
            learning_rate=3e-3,
            settling=12,
        ),
        replace(
            _AUGMENTED,
            recipe="cnn",
            family="cnn",
            hidden=(24, 32, 48, 56),
            epochs=56,
            learning_rate=3e-3,
            settling=18,
            spoilt=0.1,
            teachers=_TEACHERS,
            hard=0.3,
            kept=0.97,
        ),
        replace(
            _AUGMENTED,
            recipe="ann",
            epochs=240,
            learning_rate=4e-3,
            settling=40,
            spoilt=0.05,
            teachers=_TEACHERS,
            hard=0.3,
            kept=0.97,
        ),
    )
}
