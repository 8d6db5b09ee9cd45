"""Two ways through one epoch that do the same arithmetic: `Model.fit`, and a compiled loop.

Both take the model as `fit.prepare` compiled it, visit the same batches in the same order and
report what `Model.fit` reports. Plain `Model.fit` spends nearly all of its time between the steps
of so small a network; the compiled loop has no Python between them.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from .data import Part


class Figures(NamedTuple):
    """Of one epoch: training figures are means over its batches, as the weights changed."""

    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float


Loop = Callable[[NDArray[np.int64]], Figures]
"""Trains for one epoch, in the order given: a permutation of the training part."""


def keras_loop(model: keras.Model, training: Part, validation: Part, batch_size: int) -> Loop:
    """The plain way: `Model.fit`, one epoch at a time."""

    def one_epoch(order: NDArray[np.int64]) -> Figures:
        history = model.fit(
            training.cells[order],
            training.labels[order],
            batch_size=batch_size,
            validation_data=validation,
            shuffle=False,
            verbose=0,
        ).history
        return Figures(*(float(history[name][0]) for name in Figures._fields))

    return one_epoch


def compiled_loop(model: keras.Model, training: Part, validation: Part, batch_size: int) -> Loop:
    """The fast way: all steps of an epoch as one program, compiled by XLA."""
    loss_of = keras.losses.SparseCategoricalCrossentropy()
    variables = model.trainable_variables
    model.optimizer.build(variables)  # a compiled program cannot create variables

    def run_batches(cells: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Cells [steps, batch, 28, 28]: a step on each; sums of the losses and of the hits."""
        losses = tf.constant(0.0)
        hits = tf.constant(0)
        for step in tf.range(tf.shape(cells)[0]):
            with tf.GradientTape() as tape:
                probabilities = model(cells[step], training=True)
                loss = loss_of(labels[step], probabilities)
            model.optimizer.apply(tape.gradient(loss, variables), variables)
            losses += loss
            hits += _hits(labels[step], probabilities)
        return losses, hits

    def validate() -> tuple[tf.Tensor, tf.Tensor]:
        probabilities = model(validation_cells, training=False)
        return loss_of(validation_labels, probabilities), _hits(validation_labels, probabilities)

    compiled_batches = tf.function(run_batches, jit_compile=True)
    compiled_validate = tf.function(validate, jit_compile=True)
    validation_cells = tf.constant(validation.cells)
    validation_labels = tf.constant(validation.labels)
    samples = len(training.labels)
    in_full_batches = samples - samples % batch_size

    def one_epoch(order: NDArray[np.int64]) -> Figures:
        loss, hits = 0.0, 0
        # The remainder makes one smaller batch at the end, as in Model.fit.
        for part, size in (
            (order[:in_full_batches], batch_size),
            (order[in_full_batches:], samples - in_full_batches),
        ):
            if len(part):
                part_loss, part_hits = compiled_batches(
                    tf.constant(training.cells[part].reshape(-1, size, 28, 28)),
                    tf.constant(training.labels[part].reshape(-1, size)),
                )
                loss += float(part_loss) * size
                hits += int(part_hits)
        val_loss, val_hits = compiled_validate()
        return Figures(
            loss=loss / samples,
            accuracy=hits / samples,
            val_loss=float(val_loss),
            val_accuracy=int(val_hits) / len(validation.labels),
        )

    return one_epoch


def _hits(labels: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    predicted = tf.argmax(probabilities, axis=-1, output_type=tf.int32)
    return tf.reduce_sum(tf.cast(predicted == tf.cast(labels, tf.int32), tf.int32))


LOOPS = {"compiled": compiled_loop, "keras": keras_loop}
