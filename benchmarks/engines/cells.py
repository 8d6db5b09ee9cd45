"""The cells on which engines must agree."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.datasets import has_mnist_test, mnist_test
from siffra.check import FILE_NAME
from siffra.network import MODELS

_SINGLE = 32


class Cells(NamedTuple):
    """What engines are asked."""

    cells: NDArray[np.uint8]
    """[n, 28, 28]; the golden ones are the first, with which calls are timed."""
    single: tuple[int, int]
    """From where to where they are answered one by one, too."""


def cells_to_agree_on(data: Path | None) -> Cells:
    """Put together the golden cells, doubtful ones, and MNIST's test set where `data` has it.

    On digits the networks are so sure that most wrong weights would not show in a probability.
    Halfway between two digits they are not, and noise reaches the pixels that digits leave black.

    Raises:
        DataError: A file of MNIST is damaged.
    """
    with np.load(MODELS / FILE_NAME) as golden:
        digits = golden["cells"]
    between = digits // 2 + np.roll(digits, 1, axis=0) // 2
    noise = np.random.default_rng(0).integers(0, 256, digits.shape, dtype=np.uint8)
    noisy = between // 4 * 3 + noise // 4
    parts = [digits, noisy, between]
    if data and has_mnist_test(data):
        parts.append(mnist_test(data).cells)
    return Cells(np.concatenate(parts), (len(digits), len(digits) + _SINGLE))
