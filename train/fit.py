"""Training: from a config and the data to a run directory that is whole."""

import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from siffra.files import replacing

from . import figures
from .config import TrainConfig
from .data import Dataset
from .evaluate import evaluate
from .interrupt import noticing_interrupts
from .loops import LOOPS
from .networks import build
from .report import write_report
from .run import Epoch, Run


def prepare(config: TrainConfig, run: Run, dataset: Dataset) -> tuple[keras.Model, list[Epoch]]:
    """The model with its optimiser, and the epochs that it has behind it.

    Fresh, or from the run's checkpoint where there is one.
    """
    keras.utils.set_random_seed(config.seed)
    tf.config.experimental.enable_op_determinism()
    if run.checkpoint.is_file():
        model = keras.saving.load_model(run.checkpoint)
        training, _ = dataset.split(config.validation_split)
        steps = -(-len(training.labels) // config.batch_size)
        return model, run.read_history(int(model.optimizer.iterations) // steps)
    model = build(config)
    model.compile(
        optimizer=keras.optimizers.Adam(config.learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model, []


def train(
    config: TrainConfig, run: Run, dataset: Dataset, model: keras.Model, history: list[Epoch]
) -> list[Epoch]:
    """Train the epochs that are left, with a checkpoint after each; the whole history."""
    training, validation = dataset.split(config.validation_split)
    one_epoch = LOOPS[config.loop](model, training, validation, config.batch_size)
    history = list(history)
    epochs = range(len(history), config.epochs)
    with (
        noticing_interrupts() as raise_interrupt,
        tqdm(epochs, "training", config.epochs, initial=len(history), unit="epoch") as progress,
    ):
        for epoch in progress:
            began = time.perf_counter()
            # From seed and epoch alone, so that a resumed run goes on as if never stopped.
            order = np.random.default_rng((config.seed, epoch)).permutation(len(training.labels))
            result = one_epoch(order)
            history.append(Epoch(epoch + 1, *result, time.perf_counter() - began))
            # The checkpoint counts the epochs; the history may be ahead of it, never behind.
            run.write_history(history)
            _save(model, run.checkpoint)
            # Few words: in 80 columns the bar itself needs room.
            progress.set_postfix_str(f"validation {result.val_accuracy:.2%}")
            raise_interrupt()
    return history


def finish(
    config: TrainConfig, run: Run, dataset: Dataset, model: keras.Model, history: list[Epoch]
) -> float:
    """Evaluate, write what is left of the run, and make it whole; the test accuracy."""
    probabilities = np.asarray(model.predict(dataset.test_cells, batch_size=1000, verbose=0))
    metrics = {
        **evaluate(probabilities, dataset.test_labels),
        "validation_accuracy": history[-1].val_accuracy,
        "training_seconds": sum(epoch.seconds for epoch in history),
        "parameters": int(model.count_params()),
    }
    bare = build(config)  # a model without the optimiser's state is a third of the size
    bare.set_weights(model.get_weights())
    _save(bare, run.model)
    figures.draw_all(run.figures, dataset, history, probabilities)
    write_report(run, config, dataset, metrics)
    run.end(metrics)
    accuracy: float = metrics["test_accuracy"]
    return accuracy


def _save(model: keras.Model, target: Path) -> None:
    with replacing(target) as path:
        model.save(path)
