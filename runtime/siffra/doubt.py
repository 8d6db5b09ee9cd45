"""A second look at doubtful digits: turned and slanted a little, as other hands would write them.

The mean over such views is right more often than one view, most so where that was in doubt
(test-time augmentation: Krizhevsky, Sutskever and Hinton 2012, section 4.1).
"""

import numpy as np
from numpy.typing import NDArray

from .cells import normalise
from .contract import SIDE
from .network import Classify
from .opencv import cv2
from .results import Pixels

DOUBT = 0.9
"""Probability below which another look pays."""

_MOST = 64  # cells that are looked at again: a page with more doubtful ones is no page of digits
_ZOOM = 3  # a cell's pixels are coarse to turn
_TURNS = (-8.0, 8.0)  # degrees
_SLANTS = (-0.15, 0.15)  # pixels across for a pixel down
# The mean is flatter than what it is of; this power of it fits augmented validation digits best.
_SHARPEN = 1.2


def second_look(
    cells: Pixels, probabilities: NDArray[np.float32], classify: Classify
) -> NDArray[np.float32]:
    """Return the probabilities with those of doubtful cells replaced by what several views give.

    Args:
        cells: uint8 [n, 28, 28].
        probabilities: float32 [n, 10]: what the network says of them.
        classify: The network.

    Returns:
        float32 [n, 10].
    """
    doubtful = np.flatnonzero(probabilities.max(axis=1) < DOUBT)
    if not 0 < doubtful.size <= _MOST:
        return probabilities
    views = np.stack([view for index in doubtful for view in _views(cells[index])])
    answers = classify(views).reshape(doubtful.size, -1, probabilities.shape[1])
    mean = np.concatenate([probabilities[doubtful, None], answers], axis=1).mean(axis=1)
    sharp = mean**_SHARPEN
    settled = probabilities.copy()
    settled[doubtful] = sharp / sharp.sum(axis=1, keepdims=True)
    return np.asarray(settled, np.float32)


def _views(cell: Pixels) -> list[Pixels]:
    """Return a cell turned and slanted in each way, uint8 [28, 28] each."""
    side = _ZOOM * SIDE
    large = cv2.resize(cell, (side, side), interpolation=cv2.INTER_LINEAR)
    middle = (side - 1) / 2
    moves = [cv2.getRotationMatrix2D((middle, middle), turn, 1.0) for turn in _TURNS]
    moves += [np.array([[1.0, slant, -slant * middle], [0.0, 1.0, 0.0]]) for slant in _SLANTS]
    return [
        normalise(np.asarray(cv2.warpAffine(large, move, (side, side)), np.uint8)) for move in moves
    ]
