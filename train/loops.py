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

from .samples import Samples


class Figures(NamedTuple):
    """Of one epoch: training figures are means over its batches, as the weights changed."""

    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float


_ALIKE = 0.11  # all ten digits alike are 0.1 each

Loop = Callable[[Samples, NDArray[np.int64]], Figures]
"""Trains for one epoch on the samples, in the order given: a permutation of them."""


def hits(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """1 for each sample that is answered as its target asks, else 0: float32 [n].

    A target whose digits are all alike stands for a non-digit, which asks for no digit to have
    half of the probability.
    """
    is_digit = tf.reduce_max(targets, axis=-1) > _ALIKE
    named = tf.argmax(targets, axis=-1) == tf.argmax(logits, axis=-1)
    doubted = tf.reduce_max(tf.nn.softmax(logits), axis=-1) < 0.5
    return tf.cast(tf.where(is_digit, named, doubted), tf.float32)


def loss_of(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Mean cross-entropy."""
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, logits))


def keras_loop(model: keras.Model, validation: Samples, batch_size: int) -> Loop:
    """The plain way: `Model.fit`, one epoch at a time."""

    def one_epoch(samples: Samples, order: NDArray[np.int64]) -> Figures:
        history = model.fit(
            samples.cells[order],
            samples.targets[order],
            batch_size=batch_size,
            validation_data=tuple(validation),
            shuffle=False,
            verbose=0,
        ).history
        names = ("loss", "hits", "val_loss", "val_hits")
        return Figures(*(float(history[name][0]) for name in names))

    return one_epoch


def compiled_loop(model: keras.Model, validation: Samples, batch_size: int) -> Loop:
    """The fast way: all steps of an epoch as one program.

    XLA makes one piece of the dense net's many small steps; convolutions are faster without it,
    in oneDNN's kernels.
    """
    variables = model.trainable_variables
    model.optimizer.build(variables)  # a compiled program cannot create variables
    jit = not any(isinstance(layer, keras.layers.Conv2D) for layer in model.layers)

    def run_batches(cells: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Cells [steps, batch, 28, 28]: a step on each; sums of the losses and of the hits."""
        losses = tf.constant(0.0)
        right = tf.constant(0.0)
        for step in tf.range(tf.shape(cells)[0]):
            with tf.GradientTape() as tape:
                logits = model(cells[step], training=True)
                loss = loss_of(targets[step], logits)
            model.optimizer.apply(tape.gradient(loss, variables), variables)
            losses += loss
            right += tf.reduce_sum(hits(targets[step], logits))
        return losses, right

    def validate() -> tuple[tf.Tensor, tf.Tensor]:
        logits = model(validation_cells, training=False)
        return loss_of(validation_targets, logits), tf.reduce_mean(hits(validation_targets, logits))

    compiled_batches = tf.function(run_batches, jit_compile=jit)
    compiled_validate = tf.function(validate, jit_compile=jit)
    validation_cells = tf.constant(validation.cells)
    validation_targets = tf.constant(validation.targets)

    def one_epoch(samples: Samples, order: NDArray[np.int64]) -> Figures:
        loss, right = 0.0, 0.0
        count = len(order)
        in_full_batches = count - count % batch_size
        # The remainder makes one smaller batch at the end, as in Model.fit.
        for part, size in (
            (order[:in_full_batches], batch_size),
            (order[in_full_batches:], count - in_full_batches),
        ):
            if len(part):
                part_loss, part_right = compiled_batches(
                    tf.constant(samples.cells[part].reshape(-1, size, 28, 28)),
                    tf.constant(samples.targets[part].reshape(-1, size, 10)),
                )
                loss += float(part_loss) * size
                right += float(part_right)
        val_loss, val_right = compiled_validate()
        return Figures(
            loss=loss / count,
            accuracy=right / count,
            val_loss=float(val_loss),
            val_accuracy=float(val_right),
        )

    return one_epoch


LOOPS = {"compiled": compiled_loop, "keras": keras_loop}
