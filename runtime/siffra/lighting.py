"""The light on a page: how bright its paper would be without ink."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .opencv import cv2
from .results import Pixels
from .scale import reduce

_SIDE = 40  # px of the copy that the light is fitted on: it is smooth by assumption
_ROUNDS = 3  # of reweighting; the measured sets read the same with more


class Light(NamedTuple):
    """Smooth light, in a small copy of the page."""

    page: Pixels
    """uint8 [h, w]: the page as it is."""

    paper: Pixels
    """uint8 [h, w]: the page as it would be without ink."""


def light_of(grey: Pixels) -> Light:
    """Fit the light on a page, uint8 [H, W].

    A quadratic surface, which lamps, vignettes and soft shadows come close to, fitted by
    iteratively reweighted least squares with Cauchy's weights (Holland and Welsch 1977), so that
    ink does not pull it. Unlike a median or a morphological closing it needs no window wider than
    the strokes: a digit that fills the picture keeps its inside.
    """
    page = reduce(grey, _SIDE)
    terms = _terms(*page.shape)
    values = page.ravel().astype(np.float32)
    middle = values.size // 2
    # From the median on: a first fit without weights would bend towards a large digit.
    surface = np.full_like(values, np.partition(values, middle)[middle])
    ridge = 1e-3 * np.eye(6, dtype=np.float32)  # a picture one pixel wide leaves terms undetermined
    for _ in range(_ROUNDS):
        residual = np.abs(values - surface)
        spread = 1.4826 * float(np.partition(residual, middle)[middle]) + 2.0
        residual *= np.float32(1.0 / (1.5 * spread))
        residual *= residual
        residual += 1.0
        weighted = terms / residual
        square, right = weighted @ terms.T + ridge, weighted @ values[:, None]
        _, fit = cv2.solve(square, right, flags=cv2.DECOMP_CHOLESKY)
        surface = np.asarray(fit, np.float32)[:, 0] @ terms
    paper = np.clip(np.rint(surface), 0, 255).astype(np.uint8)
    return Light(page, np.asarray(paper.reshape(page.shape), dtype=np.uint8))


@lru_cache(maxsize=64)
def _terms(height: int, width: int) -> NDArray[np.float32]:
    """Return 1, x, y and their products on a grid of -1 to 1, float32 [6, height * width]."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y]).reshape(6, -1)
    return terms.astype(np.float32)
