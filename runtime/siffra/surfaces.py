"""Pages of several surfaces: hard shadows, a table around the sheet, dark panels on a screen."""

import numpy as np

from .ink import Ink, ink_of
from .lighting import Light
from .opencv import cv2
from .results import Pixels
from .scale import enlarge, reduce

_SIDE = 160  # px of the copy in which surfaces are told apart
_WINDOW = 33  # px of that copy: what ink must not fill half of
_STROKE = 17  # px of that copy: what strokes are thinner than
_UNEVEN = 20.0  # grey levels that paper under smooth light may differ from the fit by
_DIMMED = 3.0  # times that light is made up for; in the dark there is noise alone
_BROAD = 2.1  # px of the light's copy: half of what strokes are thinner than
_SHADE = 0.35  # of the light around it, that a shadow leaves
_PANEL = 0.66  # of its rectangle that a panel with writing on it covers; strokes cover less
_NEXT = np.ones((3, 3), dtype=np.uint8)
_INNER = np.ones((13, 13), dtype=np.uint8)


def has_surfaces(light: Light) -> bool:
    """Whether something broader than strokes is not lit as the rest: a table, a shadow, a panel."""
    small, paper = light
    _, away = cv2.threshold(cv2.absdiff(small, paper), _UNEVEN, 1, cv2.THRESH_BINARY)
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
        if reach > 2.2 or (reach > 1.0 and _is_shade(small[area], paper[area])):
            return True
        points = np.argwhere(area).astype(np.int32)
        _, (height, width), _ = cv2.minAreaRect(points)
        if not rim[area].any() and len(points) > _PANEL * (height + 1) * (width + 1):
            return True
    return False


def _is_shade(pixels: Pixels, paper: Pixels) -> bool:
    return float(pixels.mean()) > _SHADE * float(paper.mean())


def find_ink_on_surfaces(grey: Pixels) -> Ink:
    """Separate ink from paper where it has hard shadows, lies on a table, or has dark panels.

    Paper is what remains when strokes are closed (dark ink) or opened (light ink), which leaves
    edges where they are (Serra 1982: the top-hat transforms). Each of two brightnesses of paper has
    its own polarity.

    Args:
        grey: uint8 [H, W].
    """
    copy = reduce(grey, _SIDE)
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
    paper = enlarge(np.asarray(closed, np.uint8), grey.shape)
    # Shadows take the same share from paper and ink.
    brightest = float(np.percentile(closed, 90))
    lit = np.maximum(paper, np.uint8(max(1.0, brightest / _DIMMED)))
    dark = cv2.subtract(paper, grey)
    strength = np.asarray(cv2.divide(dark, lit, scale=brightest), dtype=np.uint8)
    if not is_dark.all():
        other = cv2.subtract(grey, enlarge(np.asarray(opened, np.uint8), grey.shape))
        cv2.copyTo(other, cv2.bitwise_not(enlarge(is_dark, grey.shape)), strength)
    return ink_of(strength, grey)
