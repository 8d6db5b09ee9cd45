"""The light on a page: how bright its paper would be without ink."""

from functools import lru_cache
from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .opencv import cv2
from .results import Pixels
from .scale import reduce

_SIDE = 40  # px of the copy that the light is fitted on: it is smooth by assumption
_ROUNDS = 3  # of reweighting; the measured sets read the same with more
_STEPS = (3, 4, 5, 7)  # which of them is taken where one in three or fewer is enough
_RIDGE = 1e-3 * np.eye(6, dtype=np.float32)  # a picture one pixel wide leaves terms undetermined


class Light(NamedTuple):
    """Smooth light, in a small copy of the page."""

    page: Pixels
    """uint8 [h, w]: the page as it is."""

    paper: Pixels
    """uint8 [h, w]: the page as it would be without ink."""


def light_of(grey: Pixels, *, sparse: bool = False) -> Light:
    """Fit the light on a page, uint8 [H, W].

    A quadratic surface, which lamps, vignettes and soft shadows come close to, fitted by
    iteratively reweighted least squares with Cauchy's weights (Holland and Welsch 1977), so that
    ink does not pull it. Unlike a median or a morphological closing it needs no window wider than
    the strokes: a digit that fills the picture keeps its inside.

    Args:
        grey: The page.
        sparse: Whether to fit it to a third of the pixels, in less than half of the time.
    """
    page = reduce(grey, _SIDE)
    every, step, some = _terms(*page.shape)
    terms = some if sparse else every
    step = step if sparse else 1
    values = page.ravel()[::step].astype(np.float32)
    middle = values.size // 2
    # From the median on: a first fit without weights would bend towards a large digit.
    surface = np.full_like(values, np.partition(values, middle)[middle])
    for _ in range(_ROUNDS):
        residual = np.abs(values - surface)
        spread = 1.4826 * float(np.partition(residual, middle)[middle]) + 2.0
        residual *= np.float32(1.0 / (1.5 * spread))
        residual *= residual
        residual += 1.0
        weighted = terms / residual
        square, right = weighted @ terms.T + _RIDGE, weighted @ values[:, None]
        _, solution = cv2.solve(square, right, flags=cv2.DECOMP_CHOLESKY)
        fit = np.asarray(solution, np.float32)[:, 0]
        surface = fit @ terms
    surface = fit @ every
    paper = np.clip(np.rint(surface), 0, 255).astype(np.uint8)
    return Light(page, np.asarray(paper.reshape(page.shape), dtype=np.uint8))


class _Terms(NamedTuple):
    """The terms of a quadratic surface, on a grid of -1 to 1."""

    every: NDArray[np.float32]
    """float32 [6, height * width]: 1, x, y and their products."""

    step: int
    """Of so many pixels one may be enough to fit it."""

    some: NDArray[np.float32]
    """float32 [6, n]: the terms of these."""


@lru_cache(maxsize=64)
def _terms(height: int, width: int) -> _Terms:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y]).reshape(6, -1)
    every = terms.astype(np.float32)
    # Not below each other, where lines on the page would hit all or none.
    step = next((step for step in _STEPS if gcd(step, width) == 1), 1)
    return _Terms(every, step, np.ascontiguousarray(every[:, ::step]))
