"""Grey pixels to ink: lighting taken off, polarity told, ink bright on black."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .lighting import Light, light_of
from .opencv import cv2
from .results import Pixels
from .scale import enlarge

_NOISE_FLOOR = 8.0  # grey levels that a compressed scan of blank paper varies by
_NOISES = 3.0  # standard deviations of the noise that ink rises above
_STRONG = 0.55  # of the strongest ink, that ink has at least where lines are fainter
_SAMPLES = 20_000  # pixels that a histogram is taken of: more tell no more
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

    def stronger(self) -> "Ink":
        """Return the ink without what is faint beside the rest of it."""
        inked = self.strength[self.strength > self.threshold]
        level = _STRONG * float(np.percentile(inked, 90)) if inked.size else self.threshold
        return self._replace(threshold=max(self.threshold, level))


def find_ink(grey: Pixels, light: Light | None = None) -> Ink:
    """Separate ink from evenly lit paper, dark on light and light on dark alike.

    Args:
        grey: uint8 [H, W].
        light: The light on it, where that is known already.
    """
    paper = enlarge((light or light_of(grey)).paper, grey.shape)
    dark, bright = cv2.subtract(paper, grey), cv2.subtract(grey, paper)
    # Ink is few pixels far from the paper, so that squares tell the two sides apart: of all pixels,
    # since a line of small digits falls between the rows of a sample.
    dark_wins = cv2.norm(dark, cv2.NORM_L2SQR) >= cv2.norm(bright, cv2.NORM_L2SQR)
    return ink_of(np.asarray(dark if dark_wins else bright, dtype=np.uint8), grey)


def ink_of(strength: Pixels, grey: Pixels) -> Ink:
    """Return ink of a strength, uint8 [H, W], that was found in a page, uint8 [H, W]."""
    noise = _noise(grey)
    threshold = _threshold(strength, noise)
    return Ink(strength, threshold, weak=max(_WEAK * threshold, _NOISES * noise))


def _noise(grey: Pixels) -> float:
    """Return the standard deviation of the noise, from the median step between neighbours."""
    if grey.shape[1] < 2:
        return 0.0
    rows = grey[:: max(1, grey.size // _SAMPLES)]  # enough to tell, at a fraction of the time
    steps = cv2.absdiff(rows[:, 1:], rows[:, :-1])
    median = int(np.searchsorted(np.cumsum(_histogram(np.asarray(steps))), steps.size / 2))
    return median / 0.954  # the median of |a - b| for two normal values of unit deviation


def _threshold(strength: Pixels, noise: float) -> float:
    """Return the strength that parts ink from paper, 255 where nothing rises above the noise.

    Otsu's threshold, taken over what rises above the noise alone: paper is 99 % of a page and
    would have both of its classes. Half of it keeps the faint edges of strokes.
    """
    floor = max(_NOISE_FLOOR, _NOISES * noise)
    step = max(1, round((strength.size / _SAMPLES) ** 0.5))
    histogram = _histogram(np.ascontiguousarray(strength[::step, ::step]))
    histogram[: int(floor) + 1] = 0
    below, mass = np.cumsum(histogram), np.cumsum(histogram * _LEVELS)
    total = below[-1]
    if total < 5 / step**2:
        return 255.0
    # The variance between the classes, times the square of all counts; 0 where one class is empty.
    apart = mass[-1] / total * below - mass
    between = apart * apart / np.maximum(below * (total - below), 0.5)
    return max(floor, 0.5 * float(between.argmax()))


_LEVELS = np.arange(256, dtype=np.float64)


def _histogram(pixels: Pixels) -> NDArray[np.float64]:
    counts = cv2.calcHist([pixels], [0], None, [256], [0, 256])
    return np.asarray(counts, dtype=np.float64).ravel()
