"""How good a network is on the test set."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support


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
        "test_accuracy": float(accuracy_score(labels, predicted)),
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
