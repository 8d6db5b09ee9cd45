"""Grey pixels to ink: lighting taken off, polarity told, ink bright on black."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .opencv import cv2
from .results import Pixels

_FIT_SIDE = 48  # px of the copy that the lighting is fitted on: it is smooth by assumption
_FIT_ROUNDS = 4  # reweighting rounds; the measured sets read the same with 3 and with 8
_SURFACE_SIDE = 160  # px of the copy in which shadows and surfaces with edges are told apart
_WINDOW = 33  # px of that copy: what ink must not fill half of
_STROKE = 17  # px of that copy: what strokes are thinner than
_UNEVEN = 20.0  # grey levels that paper under smooth light may differ from the fit by
_DIMMED = 3.0  # times that light is made up for; in the dark there is noise alone
_BROAD = 2.5  # px of the smaller copy: half of what strokes are thinner than
_SHADE = 0.35  # of the light around it, that a shadow leaves
_PANEL = 0.66  # of its rectangle that a panel with writing on it covers; strokes cover less
_NOISE_FLOOR = 8.0  # grey levels that a compressed scan of blank paper varies by
_NOISES = 3.0  # standard deviations of the noise that ink rises above
_SAMPLES = 40_000  # pixels that a histogram is taken of: more tell no more
_TINY = 64  # px; digits of larger pictures have strokes of more than a pixel
_WEAK = 0.4  # of the threshold; with 0.3 to 0.6 the measured sets read the same within 0.3 points
_REACH = 3  # px
_NEXT = np.ones((3, 3), dtype=np.uint8)
_INNER = np.ones((13, 13), dtype=np.uint8)


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
    """Separate ink from evenly lit paper, dark on light and light on dark alike.

    Args:
        grey: uint8 [H, W].
    """
    paper = _enlarge(_fit_lighting(_shrink(grey, _FIT_SIDE)), grey.shape)
    dark, bright = cv2.subtract(paper, grey), cv2.subtract(grey, paper)
    # Ink is few pixels far from the paper, so that squares tell the two sides apart.
    dark_wins = cv2.norm(dark, cv2.NORM_L2SQR) >= cv2.norm(bright, cv2.NORM_L2SQR)
    return _ink(np.asarray(dark if dark_wins else bright, dtype=np.uint8), grey)


def has_surfaces(grey: Pixels) -> bool:
    """Whether something broader than strokes is not lit as the rest: a table, a shadow, a panel."""
    small = _shrink(grey, _FIT_SIDE)
    light = _fit_lighting(small)
    away = (cv2.absdiff(small, light) > _UNEVEN).astype(np.uint8)
    depths = cv2.distanceTransform(away, cv2.DIST_L2, 3)
    if depths.max() <= _BROAD:
        return False
    rim = np.zeros_like(away)
    rim[0] = rim[-1] = rim[:, 0] = rim[:, -1] = 1
    count, labels = cv2.connectedComponents(away)
    for label in range(1, count):
        area = labels == label
        depth = float(depths[area].max())
        if depth <= _BROAD:
            continue
        # A fat stroke that leaves the picture does so by its width, which is twice its depth, and
        # is darker than a shadow.
        reach = np.count_nonzero(rim[area]) / depth
        if reach > 2.2 or (reach > 1.0 and _is_shade(small[area], light[area])):
            return True
        points = np.argwhere(area).astype(np.int32)
        _, (height, width), _ = cv2.minAreaRect(points)
        if not rim[area].any() and len(points) > _PANEL * (height + 1) * (width + 1):
            return True
    return False


def _is_shade(pixels: Pixels, light: Pixels) -> bool:
    return float(pixels.mean()) > _SHADE * float(light.mean())


def find_ink_on_surfaces(grey: Pixels) -> Ink:
    """Separate ink from paper where it has hard shadows, lies on a table, or has dark panels.

    Paper is what remains when strokes are closed (dark ink) or opened (light ink), which leaves
    edges where they are (Serra 1982: the top-hat transforms). Each of two brightnesses of paper has
    its own polarity.

    Args:
        grey: uint8 [H, W].
    """
    copy = _shrink(grey, _SURFACE_SIDE)
    paper = cv2.medianBlur(copy, min(_WINDOW, min(copy.shape) | 1))
    low, high = cv2.erode(paper, _NEXT), cv2.dilate(paper, _NEXT)
    below, above = cv2.subtract(low, copy), cv2.subtract(copy, high)
    _, light = cv2.threshold(paper, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    is_dark = np.zeros(copy.shape, dtype=np.uint8)
    for surface in (np.asarray(light, np.uint8), np.asarray(cv2.bitwise_not(light), np.uint8)):
        # Ink is what is far from the median, away from where surfaces meet.
        inner = cv2.erode(surface, _INNER)
        if cv2.norm(below, cv2.NORM_L2SQR, inner) >= cv2.norm(above, cv2.NORM_L2SQR, inner):
            is_dark |= surface
    stroke = np.ones((_STROKE, _STROKE), dtype=np.uint8)
    closed = cv2.erode(cv2.morphologyEx(copy, cv2.MORPH_CLOSE, stroke), _NEXT)
    opened = cv2.dilate(cv2.morphologyEx(copy, cv2.MORPH_OPEN, stroke), _NEXT)
    paper = _enlarge(np.asarray(closed, np.uint8), grey.shape)
    # Shadows take the same share from paper and ink.
    brightest = float(np.percentile(closed, 90))
    lit = np.maximum(paper, np.uint8(max(1.0, brightest / _DIMMED)))
    dark = cv2.subtract(paper, grey)
    strength = np.asarray(cv2.divide(dark, lit, scale=brightest), dtype=np.uint8)
    if not is_dark.all():
        other = cv2.subtract(grey, _enlarge(np.asarray(opened, np.uint8), grey.shape))
        cv2.copyTo(other, cv2.bitwise_not(_enlarge(is_dark, grey.shape)), strength)
    return _ink(strength, grey)


def _ink(strength: Pixels, grey: Pixels) -> Ink:
    noise = _noise(grey)
    threshold = _threshold(strength, noise)
    return Ink(strength, threshold, weak=max(_WEAK * threshold, _NOISES * noise))


def _shrink(grey: Pixels, side: int) -> Pixels:
    """Return a copy whose longer side is at most `side`, by averaging."""
    height, width = grey.shape
    # By halves first, which is a quarter of the work of one step.
    while max(height, width) > 2 * side and min(height, width) > 1:
        height, width = max(1, height // 2), max(1, width // 2)
        grey = np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    scale = min(1.0, side / max(height, width))
    if scale == 1.0:
        return grey
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _enlarge(small: Pixels, shape: tuple[int, ...]) -> Pixels:
    size = (shape[1], shape[0])
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


@lru_cache(maxsize=64)
def _terms(height: int, width: int) -> NDArray[np.float32]:
    """Return 1, x, y and their products on a grid of -1 to 1, float32 [6, height * width]."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y]).reshape(6, -1)
    return terms.astype(np.float32)


def _fit_lighting(small: Pixels) -> Pixels:
    """Return the brightness the paper would have without ink, uint8 [h, w].

    A quadratic surface, which lamps, vignettes and soft shadows come close to, fitted by
    iteratively reweighted least squares with Cauchy's weights (Holland and Welsch 1977), so that
    ink does not pull it. Unlike a median or a morphological closing it needs no window wider than
    the strokes: a digit that fills the picture keeps its inside.
    """
    terms = _terms(*small.shape)
    values = small.ravel().astype(np.float32)
    # From the median on: a first fit without weights would bend towards a large digit.
    surface = np.full_like(values, np.median(small))
    ridge = 1e-3 * np.eye(6, dtype=np.float32)  # a picture one pixel wide leaves terms undetermined
    for _ in range(_FIT_ROUNDS):
        residual = np.abs(values - surface)
        middle = residual.size // 2
        spread = 1.4826 * float(np.partition(residual, middle)[middle]) + 2.0
        residual *= np.float32(1.0 / (1.5 * spread))
        residual *= residual
        residual += 1.0
        weighted = terms / residual
        surface = np.linalg.solve(weighted @ terms.T + ridge, weighted @ values) @ terms
    paper = np.clip(np.rint(surface), 0, 255).astype(np.uint8)
    return np.asarray(paper.reshape(small.shape), dtype=np.uint8)


def _noise(grey: Pixels) -> float:
    """Return the standard deviation of the noise, from the median step between neighbours."""
    if grey.shape[1] < 2:
        return 0.0
    rows = grey[:: max(1, grey.size // _SAMPLES)]  # enough to tell, at a fraction of the time
    steps = _histogram(np.asarray(cv2.absdiff(rows[:, 1:], rows[:, :-1]), dtype=np.uint8))
    median = int(np.searchsorted(np.cumsum(steps), steps.sum() / 2))
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
    total = histogram.sum()
    if total < 5 / step**2:
        return 255.0
    share = np.cumsum(histogram) / total
    mean = np.cumsum(histogram * _LEVELS) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mean[-1] * share - mean) ** 2 / (share * (1.0 - share))
    return max(floor, 0.5 * float(np.argmax(np.nan_to_num(between))))


_LEVELS = np.arange(256, dtype=np.float64)


def _histogram(pixels: Pixels) -> NDArray[np.float64]:
    counts = cv2.calcHist([pixels], [0], None, [256], [0, 256])
    return np.asarray(counts, dtype=np.float64).ravel()
