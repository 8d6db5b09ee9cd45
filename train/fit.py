"""Training: from a config and the data to a run directory that is whole."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm import tqdm

from siffra.files import replacing

from . import calibrate, confidence_figures, figures, samples
from .config import TrainConfig
from .data import Dataset, Part
from .evaluate import accuracy, auroc, evaluate, expected_calibration_error
from .interrupt import noticing_interrupts
from .loops import LOOPS, hits, loss_of
from .networks import build, fold
from .report import write_report
from .run import Epoch, Run
from .versions import Versions

Epochs = Callable[[int], samples.Samples]
"""What an epoch, counted from 0, is trained on."""


def epochs_of(config: TrainConfig, run: Run, dataset: Dataset) -> Epochs:
    """The samples of each epoch; what the cache lacks of them is made first."""
    if config.augmentation is None:
        unchanging = samples.as_they_are(dataset.split(config.validation_split)[0])
        return lambda epoch: unchanging
    versions = Versions.of(config, dataset, run.directory.parent)
    versions.make()
    taught = None
    if config.teachers:
        models = [run.beside(name).model for name in config.teachers]
        taught = samples.Taught(versions, models)
        taught.make(_teacher)
    count = config.augmentation.versions
    plain = samples.plain(versions, taught, config.hard)

    def of_epoch(epoch: int) -> samples.Samples:
        rng = np.random.default_rng(epoch)
        trained_on = samples.of_version(versions, epoch % count, taught, config.hard)
        if epoch >= config.epochs - config.settling:
            trained_on = samples.mixed(trained_on, plain, config.settled, rng)
        return samples.spoilt(trained_on, config.spoilt, rng) if config.spoilt else trained_on

    return of_epoch


def prepare(
    config: TrainConfig, run: Run, first: samples.Samples
) -> tuple[keras.Model, list[Epoch]]:
    """The model with its optimiser, and the epochs that it has behind it.

    Fresh, or from the run's checkpoint where there is one. `first` is what the first epoch is
    trained on.
    """
    keras.utils.set_random_seed(config.seed)
    tf.config.experimental.enable_op_determinism()
    steps = -(-len(first.cells) // config.batch_size)
    model = build(config)
    rate: float | keras.optimizers.schedules.LearningRateSchedule = config.learning_rate
    if config.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(
            config.learning_rate / 20,
            decay_steps=max(1, (config.epochs - 1) * steps),
            warmup_target=config.learning_rate,
            warmup_steps=steps,
        )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(optimizer=optimizer, loss=loss_of, metrics=[hits])
    if not run.checkpoint.is_file():
        return model, []
    # Values alone are taken over: a saved optimiser forgets what it was not to decay.
    saved = keras.saving.load_model(
        run.checkpoint, custom_objects={"hits": hits, "loss_of": loss_of}
    )
    model.set_weights(saved.get_weights())
    optimizer.build(model.trainable_variables)
    for variable, value in zip(optimizer.variables, saved.optimizer.variables, strict=True):
        variable.assign(value)
    return model, run.read_history(int(optimizer.iterations) // steps)


def train(
    config: TrainConfig,
    run: Run,
    dataset: Dataset,
    epochs: Epochs,
    model: keras.Model,
    history: list[Epoch],
) -> list[Epoch]:
    """Train the epochs that are left, with a checkpoint after each; the whole history."""
    _, validation = dataset.split(config.validation_split)
    one_epoch = LOOPS[config.loop](model, samples.as_they_are(validation), config.batch_size)
    history = list(history)
    left = range(len(history), config.epochs)
    with (
        noticing_interrupts() as raise_interrupt,
        tqdm(left, "training", config.epochs, initial=len(history), unit="epoch") as progress,
    ):
        for epoch in progress:
            began = time.perf_counter()
            trained_on = epochs(epoch)
            # From seed and epoch alone, so that a resumed run goes on as if never stopped.
            order = np.random.default_rng((config.seed, epoch)).permutation(len(trained_on.cells))
            result = one_epoch(trained_on, order)
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
    """Calibrate, evaluate, write what is left of the run, and make it whole; the test accuracy."""
    _, validation = dataset.split(config.validation_split)
    sets = {"validation": validation}
    if config.augmentation is not None:
        versions = Versions.of(config, dataset, run.directory.parent)
        sets["augmented validation"] = samples.digits_of(versions.labelled_validation())
    # What calibration goes by is as hard as what the network will be asked.
    hardest = list(sets.values())[-1]
    logits = _predict(model, hardest.cells)
    temperature = calibrate.temperature(logits, hardest.labels)
    threshold = calibrate.threshold(calibrate.calibrated(logits, temperature), config.kept)
    released = fold(model, config, temperature)
    _save(released, run.model)

    sets["test"] = Part(dataset.test_cells, dataset.test_labels)
    answers = {name: (_predict(released, part.cells), part.labels) for name, part in sets.items()}
    metrics: dict[str, Any] = {
        **evaluate(*answers["test"]),
        "validation_accuracy": history[-1].val_accuracy,
        "accuracy": {name: accuracy(*answer) for name, answer in answers.items()},
        "calibration_error": {
            name: expected_calibration_error(*answer) for name, answer in answers.items()
        },
        "temperature": temperature,
        "calibrated": len(hardest.labels) >= calibrate.FEW,
        "threshold": threshold,
        "training_seconds": sum(epoch.seconds for epoch in history),
        "parameters": int(released.count_params()),
    }
    figures.draw_all(run.figures, dataset, history, answers["test"][0])
    confidence_figures.reliability(run.figures, answers)
    confidence_figures.risk_coverage(run.figures, answers, threshold)
    if config.augmentation is not None:
        others = samples.negatives_of(validation)
        confidence = {kind: _predict(released, cells).max(axis=1) for kind, cells in others.items()}
        digits = answers["augmented validation"][0].max(axis=1)
        metrics["auroc_of_trained_kinds"] = {
            kind: auroc(digits, values) for kind, values in confidence.items()
        }
        whole = Part(dataset.train_cells, dataset.train_labels)  # has every digit
        figures.augmentation(run.figures, *samples.examples_of(whole))
        figures.negatives(run.figures, {kind: cells[:14] for kind, cells in others.items()})
        confidence_figures.scores(run.figures, digits, confidence, threshold)
    write_report(run, config, dataset, metrics)
    run.end(metrics)
    return float(metrics["test_accuracy"])


def _teacher(path: Path) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    model = keras.saving.load_model(path, compile=False)
    return lambda cells: _predict(model, cells)


def _predict(model: keras.Model, cells: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(model.predict(cells, batch_size=500, verbose=0), np.float32)


def _save(model: keras.Model, target: Path) -> None:
    with replacing(target) as path:
        model.save(path)
