"""The outlines of a digit of 28x28 pixels, smooth enough to be drawn large."""

import cv2
import numpy as np
from numpy.typing import NDArray

_ENLARGED = 12  # times; pixels of the cell no longer show
_SOFTENED = 0.45  # standard deviation, pixels of the cell: rounds off its steps


def cell_outlines(
    cell: NDArray[np.uint8], broken: float, rng: np.random.Generator
) -> list[NDArray[np.float64]]:
    """Trace the ink of a cell.

    Args:
        cell: uint8 [28, 28], ink bright on black.
        broken: How probably its stroke is cut through, 0 to 1.
        rng: Chooses where.

    Returns:
        Closed outlines, those of holes too, each float64 [n, 2]: points x, y. Filled by the
        even-odd rule they are the digit; together they touch the left and upper edge of the unit
        box and fill its height or its width.
    """
    padded = cv2.copyMakeBorder(cell.astype(np.float32), 2, 2, 2, 2, cv2.BORDER_CONSTANT)
    large = cv2.resize(padded, None, fx=_ENLARGED, fy=_ENLARGED, interpolation=cv2.INTER_CUBIC)
    soft = cv2.GaussianBlur(large, (0, 0), _SOFTENED * _ENLARGED)
    mask = (soft > 0.5 * soft.max()).astype(np.uint8)
    if rng.random() < broken:
        _cut(mask, rng)
    found, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outlines = [_rounded(contour[:, 0].astype(np.float64)) for contour in found if len(contour) > 8]
    everything = np.concatenate(outlines)
    corner, extent = everything.min(axis=0), np.ptp(everything, axis=0).max()
    return [(outline - corner) / extent for outline in outlines]


def _cut(mask: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Take a round piece out of a stroke, uint8 [height, width], in place; not at its ends."""
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    rows = np.flatnonzero(mask.any(axis=1))
    top, bottom = rows[0] + 0.2 * len(rows), rows[-1] - 0.2 * len(rows)
    # Along the middle of the stroke, where its edges are about as far as anywhere nearby.
    ridge = depth >= 0.95 * cv2.dilate(depth, np.ones((9, 9), np.uint8))
    y, x = np.nonzero(ridge & (mask > 0))
    inside = np.flatnonzero((y > top) & (y < bottom))
    place = rng.choice(inside if len(inside) else len(y))
    middle = int(x[place]), int(y[place])
    radius = float(depth[middle[1], middle[0]]) + rng.uniform(2, 12)
    cv2.circle(mask, middle, round(radius), 0, cv2.FILLED)


def _rounded(outline: NDArray[np.float64]) -> NDArray[np.float64]:
    """A closed outline without the stairs of the pixels it was traced on."""
    wrapped = np.pad(outline, ((3, 3), (0, 0)), mode="wrap")
    kernel = np.array([1, 3, 6, 7, 6, 3, 1]) / 27
    return np.column_stack([np.convolve(wrapped[:, axis], kernel, "valid") for axis in (0, 1)])
