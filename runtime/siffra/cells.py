"""The contract between pictures and networks: ink in, 28x28 cells out.

A cell is uint8 [28, 28], ink bright on black: the ink's box scaled to fit 20x20 with its shape
kept, placed so that its centre of mass is in the middle. That is how MNIST was made (LeCun, Cortes,
Burges: "The MNIST database of handwritten digits"), and all but 3 of MNIST's 10,000 test images
come back unchanged. Training on pictures and the runtime bring digits through `normalise`.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from .contract import INK_SIDE, SIDE
from .ink import Ink
from .opencv import cv2
from .pieces import Region, fill
from .results import Box, Pixels

_MIDDLE = 14  # MNIST has the centre of mass on this pixel, rounded
_FULL = 254  # MNIST's images peak at 254 or 255
_CUT_SIDE = 2.5 * INK_SIDE  # px that a larger digit is reduced to, about, before it is cut
_NEXT = np.ones((3, 3), dtype=np.uint8)
_LEVELS = np.arange(256, dtype=np.float32)
_ROWS, _COLUMNS = np.indices((SIDE, SIDE), dtype=np.float32).reshape(2, -1)
_MOMENTS = np.stack([np.ones_like(_ROWS), _COLUMNS, _ROWS])  # of a cell: 00, 10, 01
_PALEST = 0.7  # of full ink, that pale strokes are brought to
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
    x, y, across, down = cv2.boundingRect(ink)
    if not across:
        return cell
    ink = ink[y : y + down, x : x + across]
    scale = INK_SIDE / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    if scale != 1.0:
        shrink = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
        ink = np.asarray(cv2.resize(ink, (width, height), interpolation=shrink), dtype=np.uint8)
    _, peak, _, _ = cv2.minMaxLoc(ink)
    if not peak:
        return cell
    if peak < _FULL:  # averaging pales thin strokes
        ink = np.rint(ink * (255.0 / peak)).astype(np.uint8)
    left, top = _place_of(ink)
    cell[top : top + height, left : left + width] = ink
    return cell


def _place_of(ink: Pixels) -> tuple[int, int]:
    """Return where in a cell the upper left corner of a digit's ink goes: column, row."""
    height, width = ink.shape
    moments = cv2.moments(ink)
    left = round(_MIDDLE - moments["m10"] / moments["m00"])
    top = round(_MIDDLE - moments["m01"] / moments["m00"])
    return min(max(left, 0), SIDE - width), min(max(top, 0), SIDE - height)


def ink_of_cell(picture: Pixels) -> Box | None:
    """Return the box of the ink in a picture that is a cell, as MNIST has them; else None.

    Args:
        picture: uint8, of any shape.
    """
    if picture.shape != (SIDE, SIDE):
        return None
    x, y, width, height = cv2.boundingRect(picture)
    if max(width, height) != INK_SIDE:
        return None
    mass, across, down = (_MOMENTS @ picture.reshape(-1).astype(np.float32)).tolist()
    is_placed = round(_MIDDLE - across / mass + x) == x and round(_MIDDLE - down / mass + y) == y
    return Box(x, y, width, height) if is_placed and picture.max() >= _FULL else None


def _cut(ink: Ink, region: Region) -> Pixels:
    """Cut one region out, without its neighbours: uint8 [h, w], black but for the region's strokes.

    A large one comes out reduced. Strokes that scaling would thin below a pen's width are widened.
    """
    step = max(1, round(region.side / _CUT_SIDE))
    widen = max(0, round((_PEN * region.side / INK_SIDE - region.stroke_width) / step))
    crop, mask = crop_of(ink, region, step, margin=2 + widen)
    strokes = strokes_of(ink, crop, mask, widen)
    if region.pale:
        strokes = np.maximum(strokes, cv2.convertScaleAbs(mask, alpha=_PALEST))
    return strokes


def strokes_of(ink: Ink, crop: Pixels, mask: Pixels, widen: int = 0) -> Pixels:
    """Return what `crop_of` cropped as `normalise` takes it: full ink 255, paper 0.

    Args:
        ink: The page.
        crop: uint8 [h, w]: strength of the ink.
        mask: uint8 [h, w]: 255 where the strokes are; what is further away becomes black.
        widen: Pixels that strokes grow by.
    """
    # Full ink is what the middle of the strokes has; the soft edge around them is kept.
    inked = crop[mask > 0]
    middle = (6 * inked.size) // 10
    full = float(np.partition(inked, middle)[middle])
    paper = min(0.3 * ink.threshold, full - 1.0)
    curve = (_LEVELS - paper) * (255.0 / (full - paper))
    np.maximum(curve, 0, out=curve)
    curve = np.minimum(curve, 255, out=curve).astype(np.uint8)
    around = cv2.dilate(mask, _NEXT)
    strokes = np.asarray(cv2.bitwise_and(cv2.LUT(crop, curve), around), dtype=np.uint8)
    if widen:
        strokes = np.asarray(cv2.dilate(strokes, _nib(widen + 1)), dtype=np.uint8)
    return strokes


@lru_cache(maxsize=64)
def _nib(side: int) -> Pixels:
    """Return the tip of a pen as a mask, uint8 [side, side]."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), dtype=np.uint8)


def crop_of(ink: Ink, region: Region, step: int, margin: int) -> tuple[Pixels, Pixels]:
    """Return the strength around a region and the mask of its strokes, both uint8 [h, w].

    Args:
        ink: The page.
        region: What to crop.
        step: Pixels of the page, across and down, that become one.
        margin: Pixels to leave around it, after that.
    """
    x, y, width, height = region.box
    left, top = x - margin * step, y - margin * step
    columns, rows = -(-width // step) + 2 * margin, -(-height // step) + 2 * margin
    right, bottom = left + columns * step, top + rows * step
    page_height, page_width = ink.strength.shape
    crop = ink.strength[max(0, top) : bottom, max(0, left) : right]
    beyond = max(0, -top), max(0, bottom - page_height), max(0, -left), max(0, right - page_width)
    if any(beyond):  # room for widened strokes where the picture ends
        crop = np.asarray(cv2.copyMakeBorder(crop, *beyond, cv2.BORDER_CONSTANT), dtype=np.uint8)
    contours, shift = region.contours, (-left, -top)
    if step > 1:
        # By whole steps, which averages several times as fast.
        crop = np.asarray(cv2.resize(crop, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
        contours = tuple((contour + shift) // step for contour in contours)
        shift = 0, 0
    mask = np.zeros(crop.shape, dtype=np.uint8)
    fill(mask, contours, shift)
    return crop, mask
