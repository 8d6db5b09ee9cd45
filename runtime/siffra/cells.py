"""The contract between pictures and networks: ink in, 28x28 cells out.

A cell is uint8 [28, 28], ink bright on black: the ink's box scaled to fit 20x20 with its shape
kept, placed so that its centre of mass is in the middle. That is how MNIST was made (LeCun, Cortes,
Burges: "The MNIST database of handwritten digits"), and all but 3 of MNIST's 10,000 test images
come back unchanged. Training on pictures and the runtime bring digits through `normalise`.
"""

from collections.abc import Sequence

import numpy as np

from .contract import INK_SIDE, SIDE
from .ink import Ink
from .locate import Region
from .opencv import cv2
from .results import Pixels

_MIDDLE = 14  # MNIST has the centre of mass on this pixel, rounded
_FULL = 254  # MNIST's images peak at 254 or 255
_PEN = 2.0  # least width of a stroke in cell pixels: a fine pen on a large page would fade away


def to_cells(ink: Ink, regions: Sequence[Region]) -> Pixels:
    """Cut regions out of the ink and normalise them.

    Returns:
        uint8 [n, 28, 28], one cell for each region; read-only, since results keep them.
    """
    cells = np.zeros((len(regions), SIDE, SIDE), dtype=np.uint8)
    for cell, region in zip(cells, regions, strict=True):
        cell[:] = normalise(_cut(ink, region))
    cells.setflags(write=False)
    return cells


def normalise(ink: Pixels) -> Pixels:
    """Bring the ink of one digit into a cell.

    Args:
        ink: uint8 [H, W], bright on black; 0 is where there is no ink.

    Returns:
        uint8 [28, 28]; all zero where there is no ink.
    """
    cell = np.zeros((SIDE, SIDE), dtype=np.uint8)
    rows, columns = np.flatnonzero(ink.max(axis=1)), np.flatnonzero(ink.max(axis=0))
    if not rows.size:
        return cell
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = INK_SIDE / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    if scale != 1.0:
        shrink = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
        ink = np.asarray(cv2.resize(ink, (width, height), interpolation=shrink), dtype=np.uint8)
    peak = int(ink.max())
    if 0 < peak < _FULL:  # averaging pales thin strokes
        ink = np.rint(ink * (255.0 / peak)).astype(np.uint8)
    moments = cv2.moments(ink)
    if not moments["m00"]:
        return cell
    left = round(_MIDDLE - moments["m10"] / moments["m00"])
    top = round(_MIDDLE - moments["m01"] / moments["m00"])
    left, top = min(max(left, 0), SIDE - width), min(max(top, 0), SIDE - height)
    cell[top : top + height, left : left + width] = ink
    return cell


def _cut(ink: Ink, region: Region) -> Pixels:
    """Cut one region out, without its neighbours: uint8 [h, w], black but for the region's strokes.

    Strokes that scaling would thin below a pen's width are widened first.
    """
    scale = INK_SIDE / region.side
    widen = max(0, round(_PEN / scale - region.stroke_width))
    margin = 2 + widen
    x, y, width, height = region.box
    mask = np.zeros((height + 2 * margin, width + 2 * margin), dtype=np.uint8)
    cv2.drawContours(mask, region.contours, -1, 255, cv2.FILLED, offset=(margin - x, margin - y))
    crop = np.zeros_like(mask)
    page_height, page_width = ink.strength.shape
    top, left = max(0, y - margin), max(0, x - margin)
    bottom, right = min(page_height, y + height + margin), min(page_width, x + width + margin)
    window = (
        slice(top - y + margin, bottom - y + margin),
        slice(left - x + margin, right - x + margin),
    )
    crop[window] = ink.strength[top:bottom, left:right]

    # Full ink is what the middle of the strokes has; the soft edge around them is kept.
    inked = crop[mask > 0]
    middle = int(0.6 * (inked.size - 1))
    full = float(np.partition(inked, middle)[middle])
    paper = min(0.3 * ink.threshold, full - 1.0)
    soft = np.clip((crop - np.float32(paper)) * np.float32(255.0 / (full - paper)), 0, 255)
    around = cv2.dilate(mask, np.ones((3, 3), dtype=np.uint8))
    strokes = np.asarray(cv2.bitwise_and(soft.astype(np.uint8), around), dtype=np.uint8)
    if widen:
        # By distance: a dilation by so large a pen would take a hundred times as long.
        _, paper_mask = cv2.threshold(strokes, 127, 255, cv2.THRESH_BINARY_INV)
        distance = cv2.distanceTransform(paper_mask, cv2.DIST_L2, 5)
        edge = 255 * np.clip(0.5 * widen + 1.0 - distance, 0, 1)
        strokes = np.maximum(strokes, edge.astype(np.uint8))
    return strokes
