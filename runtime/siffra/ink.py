"""Grey pixels to ink: lighting taken off, polarity told, ink bright on black."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .opencv import cv2
from .results import Pixels

_FIT_SIDE = 64  # px of the copy that the lighting is fitted on: it is smooth by assumption
_FIT_ROUNDS = 4  # reweighting rounds; the measured sets read the same with 3 and with 8
_NOISE_FLOOR = 8.0  # grey levels that a compressed scan of blank paper varies by
_NOISES = 3.0  # standard deviations of the noise that ink rises above
_TINY = 64  # px; digits of larger pictures have strokes of more than a pixel
_WEAK = 0.4  # of the threshold; with 0.3 to 0.6 the measured sets read the same within 0.3 points
_REACH = 3  # px
_NEXT = np.ones((3, 3), dtype=np.uint8)


class Ink(NamedTuple):
    """How much darker (or lighter) than its paper each pixel is."""

    strength: Pixels
    """uint8 [H, W]: 0 is paper; the stronger the ink, the higher."""

    threshold: float
    """Strength above which a pixel counts as ink; 255 where nothing stands out from the paper."""

    weak: float
    """Strength above which a pixel counts as ink where it is next to ink and strokes are thin."""

    @property
    def mask(self) -> Pixels:
        """uint8 [H, W]: 255 where there is ink, else 0."""
        _, mask = cv2.threshold(self.strength, self.threshold, 255, cv2.THRESH_BINARY)
        if self.weak < self.threshold and max(mask.shape) <= _TINY:
            # A stroke thinner than a pixel is as dark as it happens to fall on the grid: what is
            # weak but next to ink is ink (hysteresis: Canny 1986).
            _, weak = cv2.threshold(self.strength, self.weak, 255, cv2.THRESH_BINARY)
            for _ in range(_REACH):
                mask = cv2.bitwise_and(cv2.dilate(mask, _NEXT), weak)
        return np.asarray(mask, dtype=np.uint8)


def find_ink(grey: Pixels) -> Ink:
    """Separate ink from paper, dark on light and light on dark alike.

    Args:
        grey: uint8 [H, W].
    """
    paper = _fit_lighting(grey)
    dark, light = cv2.subtract(paper, grey), cv2.subtract(grey, paper)
    # Ink is few pixels far from the paper, so that squares tell the two sides apart.
    dark_wins = cv2.norm(dark, cv2.NORM_L2SQR) >= cv2.norm(light, cv2.NORM_L2SQR)
    strength = np.asarray(dark if dark_wins else light, dtype=np.uint8)
    noise = _noise(grey)
    threshold = _threshold(strength, noise)
    return Ink(strength, threshold, weak=max(_WEAK * threshold, _NOISES * noise))


def _fit_lighting(grey: Pixels) -> Pixels:
    """Return the brightness the paper would have without ink, uint8 [H, W].

    A quadratic surface, which lamps, vignettes and soft shadows come close to, fitted by
    iteratively reweighted least squares with Cauchy's weights (Holland and Welsch 1977), so that
    ink does not pull it. Unlike a median or a morphological closing it needs no window wider than
    the strokes: a digit that fills the picture keeps its inside.
    """
    height, width = grey.shape
    scale = min(1.0, _FIT_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    x = np.broadcast_to(np.linspace(-1, 1, size[0], dtype=np.float32), small.shape)
    y = np.broadcast_to(np.linspace(-1, 1, size[1], dtype=np.float32)[:, None], small.shape)
    terms = np.stack([np.ones_like(small), x, y, x * x, x * y, y * y]).reshape(6, -1)
    values = small.ravel()
    # From the median on: a first fit without weights would bend towards a large digit.
    surface = np.full_like(values, np.median(values))
    ridge = 1e-3 * np.eye(6, dtype=np.float32)  # a picture one pixel wide leaves terms undetermined
    for _ in range(_FIT_ROUNDS):
        residual = np.abs(values - surface)
        spread = 1.4826 * float(np.median(residual)) + 2.0
        weighted = terms / (1.0 + (residual / np.float32(1.5 * spread)) ** 2)
        surface = np.linalg.solve(weighted @ terms.T + ridge, weighted @ values) @ terms
    paper = np.clip(np.rint(surface), 0, 255).astype(np.uint8).reshape(small.shape)
    return np.asarray(
        cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8
    )


def _noise(grey: Pixels) -> float:
    """Return the standard deviation of the noise, from the median step between neighbours."""
    if grey.shape[1] < 2:
        return 0.0
    rows = grey[:: max(1, grey.shape[0] // 128)]  # enough to tell, at a fraction of the time
    steps = _histogram(np.asarray(cv2.absdiff(rows[:, 1:], rows[:, :-1]), dtype=np.uint8))
    median = int(np.searchsorted(np.cumsum(steps), steps.sum() / 2))
    return median / 0.954  # the median of |a - b| for two normal values of unit deviation


def _threshold(strength: Pixels, noise: float) -> float:
    """Return the strength that parts ink from paper, 255 where nothing rises above the noise.

    Otsu's threshold, taken over what rises above the noise alone: paper is 99 % of a page and
    would have both of its classes. Half of it keeps the faint edges of strokes.
    """
    floor = max(_NOISE_FLOOR, _NOISES * noise)
    histogram = _histogram(strength)
    histogram[: int(floor) + 1] = 0
    total = histogram.sum()
    if total < 5:
        return 255.0
    share = np.cumsum(histogram) / total
    mean = np.cumsum(histogram * np.arange(256)) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mean[-1] * share - mean) ** 2 / (share * (1.0 - share))
    return max(floor, 0.5 * float(np.argmax(np.nan_to_num(between))))


def _histogram(pixels: Pixels) -> NDArray[np.float64]:
    counts = cv2.calcHist([pixels], [0], None, [256], [0, 256])
    return np.asarray(counts, dtype=np.float64).ravel()
