"""How good a network is on the test set."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    precision_recall_fscore_support,
    roc_auc_score,
)


def evaluate(probabilities: NDArray[np.float32], labels: NDArray[np.uint8]) -> dict[str, Any]:
    """Accuracy, precision and recall of each class, and the confusion matrix (row: true label).

    Probabilities [n, 10]; labels [n]. Plain values, ready for JSON.
    """
    predicted = probabilities.argmax(axis=1)
    digits = np.arange(10)
    precision, recall, _, count = precision_recall_fscore_support(
        labels, predicted, labels=digits, zero_division=0.0
    )
    return {
        "test_accuracy": accuracy(probabilities, labels),
        "classes": {
            str(digit): {
                "precision": float(precision[digit]),
                "recall": float(recall[digit]),
                "count": int(count[digit]),
            }
            for digit in digits
        },
        "confusion_matrix": confusion_matrix(labels, predicted, labels=digits).tolist(),
    }


def accuracy(probabilities: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """The share of cells read right. Probabilities [n, 10]; labels [n]."""
    return float(accuracy_score(labels, probabilities.argmax(axis=1)))


def auroc(digits: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    """The chance that a digit [n] has a higher confidence than what is none [m]."""
    truth = np.repeat([1, 0], [len(digits), len(others)])
    return float(roc_auc_score(truth, np.concatenate([digits, others])))


class CalibrationBins(NamedTuple):
    """Cells in bins of equal width by their confidence, the highest probability of each."""

    number: NDArray[np.int64]
    """[bins] How many cells are in the bin."""
    confidence: NDArray[np.float64]
    """[bins] Their mean confidence; NaN where there is none."""
    accuracy: NDArray[np.float64]
    """[bins] The share of them that is read right; NaN where there is none."""


def calibration_bins(
    probabilities: NDArray[np.float32], labels: NDArray[np.uint8], bins: int = 15
) -> CalibrationBins:
    """Confidence and accuracy in bins of equal width; a bin holds its upper edge.

    Probabilities [n, 10]; labels [n].

    Raises:
        ValueError: There are no cells.
    """
    if not len(labels):
        raise ValueError("no cells to measure the calibration on: give one or more")
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    where = np.digitize(confidence, np.linspace(0, 1, bins + 1)[1:-1], right=True)
    count = np.bincount(where, minlength=bins)
    with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN of an empty bin
        return CalibrationBins(
            count,
            np.bincount(where, confidence, bins) / count,
            np.bincount(where, right, bins) / count,
        )


def expected_calibration_error(
    probabilities: NDArray[np.float32], labels: NDArray[np.uint8], bins: int = 15
) -> float:
    """How far confidence and accuracy are apart, from 0 to 1: the mean over the bins, by count.

    After Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3.
    Probabilities [n, 10]; labels [n].

    Raises:
        ValueError: There are no cells.
    """
    count, confidence, accuracy = calibration_bins(probabilities, labels, bins)
    filled = count > 0
    return float(np.average(np.abs(accuracy - confidence)[filled], weights=count[filled]))
