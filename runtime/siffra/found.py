"""What may be a digit: where it is, what the network saw and what it said."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .pieces import Region
from .results import Box, Pixels


class Found(NamedTuple):
    """A region with what the network makes of it."""

    region: Region
    cell: Pixels
    """uint8 [28, 28]."""
    probabilities: NDArray[np.float32]
    """float32 [10]."""
    sure: float
    """The highest of them."""

    @property
    def box(self) -> Box:
        """Where its ink is."""
        return self.region.box


def found_of(
    regions: Iterable[Region], cells: Iterable[Pixels], probabilities: NDArray[np.float32]
) -> list[Found]:
    """Return regions with their cells and probabilities, float32 [n, 10]."""
    sure = probabilities.max(axis=1).tolist()
    return list(map(Found, regions, cells, probabilities, sure))
