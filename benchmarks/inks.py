"""What is written with: pens, and the ink they leave in a picture."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.camera import BoxTuple, scale_at, through
from benchmarks.hand import Written
from benchmarks.strokes import draw_strokes
from benchmarks.surfaces import Colour

Pen = Literal["pen", "blue pen", "pencil", "marker", "chalk", "digital"]


class Ink(NamedTuple):
    """What a pen leaves."""

    colour: Colour
    thickness: float  # of the digit's height
    grain: float  # share of the ink that rough paper may leave out


INKS: Mapping[str, Ink] = MappingProxyType(
    {
        "pen": Ink((44, 38, 36), 0.085, 0.06),
        "blue pen": Ink((150, 62, 28), 0.085, 0.1),
        "pencil": Ink((84, 80, 80), 0.08, 0.45),
        "marker": Ink((120, 44, 20), 0.12, 0.05),
        "chalk": Ink((236, 242, 242), 0.11, 0.55),
        "digital": Ink((40, 36, 32), 0.09, 0),
    }
)
LIGHT_DIGITAL: Colour = (240, 226, 200)


def draw_ink(
    coverage: NDArray[np.uint8],
    item: Written,
    thickness: float,
    view: NDArray[np.float64],
    rng: np.random.Generator,
) -> BoxTuple:
    """Draw what is written onto the coverage with ink, uint8 [height, width]; return its box."""
    seen = [through(view, stroke) for stroke in item.strokes]
    if item.filled:
        mask = _filled(seen, coverage.shape)
    else:
        pen = item.height * thickness * scale_at(view, item.strokes[0][0])
        mask = draw_strokes(seen, coverage.shape, thickness=pen, rng=rng)
    np.maximum(coverage, mask, out=coverage)
    # Half covered counts as ink, as a threshold half-way between ink and paper would have it; of
    # a pen under a pixel wide, half of what it covers at most.
    x, y, w, h = cv2.boundingRect((mask >= max(1, min(128, mask.max() / 2))).astype(np.uint8))
    return x, y, w, h


def _filled(outlines: Sequence[NDArray[np.float64]], size: tuple[int, ...]) -> NDArray[np.uint8]:
    """The inside of outlines by the even-odd rule, uint8 [height, width]: 0 none to 255."""
    mask = np.zeros(size, np.uint8)
    fixed = [np.rint(16 * outline - 8).astype(np.int32) for outline in outlines]
    cv2.fillPoly(mask, fixed, 255, cv2.LINE_AA, 4)
    return mask


def grain(strength: float, size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """The share of the ink that the paper takes on, float64 [height, width], 1 - strength to 1."""
    rough = cv2.GaussianBlur(rng.normal(0, 1, size), (0, 0), 0.8)
    return np.asarray(1 - strength * np.clip(0.4 + 0.5 * rough / rough.std(), 0, 1), np.float64)


def dots(
    strength: float, size: tuple[int, int], unit: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The share of ink that a bad scan keeps, in spots narrower than strokes: as `grain`."""
    spots = cv2.GaussianBlur(rng.normal(0, 1, size), (0, 0), max(0.7, 0.015 * unit))
    kept = 0.5 + 4 * (spots / spots.std() + 1.8 - 2.1 * strength)
    return np.asarray(np.clip(kept, 0, 1), np.float64)
