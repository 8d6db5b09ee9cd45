"""What the confidence is worth: the temperature that makes it true, and the threshold on it."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

FEW = 200
"""Digits below which the tail of their confidence tells nothing: a few dozen may all be right."""

UNTOLD = 0.5
"""The threshold where there are only few."""

HIGHEST = 0.95
"""The threshold is never above: beyond, a photo a little worse than the data loses its digits."""


def temperature(logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """The number that logits are to be divided by for the least cross-entropy.

    After Guo et al. 2017, "On Calibration of Modern Neural Networks". It leaves every answer as it
    is and sets only how sure it is. Fewer than `FEW` digits leave that as it is too: 1.

    Args:
        logits: float32 [n, 10] of digits that were not trained on.
        labels: uint8 [n].
    """
    if len(labels) < FEW:
        return 1.0

    def cross_entropy(log_temperature: float) -> float:
        scaled = log_softmax(logits.astype(np.float64) / np.exp(log_temperature), axis=1)
        return -float(scaled[np.arange(len(labels)), labels].mean())

    found = minimize_scalar(cross_entropy, bounds=(-2.0, 3.0), method="bounded")
    return float(np.exp(found.x))


def threshold(probabilities: NDArray[np.float32], kept: float) -> float:
    """The confidence that a share `kept` of digits reach, rounded down to hundredths.

    At most `HIGHEST`; `UNTOLD` for fewer than `FEW` digits. Probabilities float32 [n, 10], of
    digits that were not trained on.
    """
    if len(probabilities) < FEW:
        return UNTOLD
    confidence = np.sort(probabilities.max(axis=1).astype(np.float64))
    reached = confidence[round((1 - kept) * (len(confidence) - 1))]
    return min(HIGHEST, float(np.floor(100 * reached) / 100))


def calibrated(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Probabilities float32 [n, 10] of logits."""
    return np.asarray(softmax(logits / np.float32(temperature), axis=1), np.float32)
