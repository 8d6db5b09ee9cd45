"""What a hand, a pen and a camera do to a digit, done to cells of the training set.

Three ways. `mild` moves the pen: rotation, slant, aspect and an elastic warp (Simard, Steinkraus
and Platt 2003, "Best practices for convolutional neural networks"). `wild` goes on to what happens
on the way from paper to cell: thick and thin pens, blur, contrast, ragged binarisation, broken
strokes, rulings, specks and neighbours within the box, boxes of a wrong size or place. `on_paper`
draws a picture of the digit and reads it as the runtime does, from light to box. All that comes out
went through the contract, as a cell does at run time.
"""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from siffra import contract
from siffra.cells import normalise, to_cells
from siffra.ink import find_ink
from siffra.locate import locate_one

Cells: TypeAlias = NDArray[np.uint8]

_ZOOM = 2  # strokes are drawn on at twice a cell's size: one pixel of a cell is a coarse pen
_CANVAS = 72  # pixels; holds a cell enlarged, turned and slanted
_ELASTIC_POINTS = 5  # of the grid that is shaken, to a side


def mild(cells: Cells, rng: np.random.Generator) -> Cells:
    """Each cell as another stroke of the same hand would give it: uint8 [n, 28, 28], a new one."""
    moved = np.empty_like(cells)
    for out, cell in zip(moved, cells, strict=True):
        out[:] = normalise(warp(cell, rng, strength=1.0))
    return moved


def wild(cells: Cells, rng: np.random.Generator) -> Cells:
    """Each cell as another pen, paper and camera might give it: uint8 [n, 28, 28], a new one."""
    moved = np.empty_like(cells)
    neighbours = rng.integers(len(cells), size=len(cells))
    for out, cell, neighbour in zip(moved, cells, neighbours, strict=True):
        ink = warp(cell, rng, strength=rng.choice([1.0, 1.6]))
        ink = photograph(_pen(ink, rng), rng)
        ink = _surroundings(ink, cells[neighbour], rng)
        out[:] = misplace(normalise(ink), rng)
    return moved


def on_paper(cells: Cells, rng: np.random.Generator) -> Cells:
    """Each cell written with a pen and pictured; uint8 [n, 28, 28], a new one."""
    moved = np.empty_like(cells)
    for out, cell in zip(moved, cells, strict=True):
        ink = _pen(warp(cell, rng, strength=rng.choice([1.0, 1.6])), rng)
        seen = pictured(scaled(ink, rng), rng)
        out[:] = normalise(ink) if seen is None else seen
    return moved


def spoilt(cells: Cells, rng: np.random.Generator) -> Cells:
    """Each cell with something over it or missing; uint8 [n, 28, 28], a new one.

    A hole, a scratch, specks, or strokes of which the outline alone is left.
    """
    moved = np.empty_like(cells)
    for out, cell, way in zip(moved, cells, rng.integers(4, size=len(cells)), strict=True):
        ink = cell.copy()
        if way == 0:
            side = int(rng.integers(4, 10))
            row, column = rng.integers(3, contract.SIDE - 3 - side, 2)
            ink[row : row + side, column : column + side] = 0
        elif way == 1:
            corners = rng.integers(0, contract.SIDE, (rng.integers(2, 6), 2)).astype(np.int32)
            cv2.polylines(ink, [corners], False, int(rng.integers(120, 256)), 1, cv2.LINE_AA)
            if rng.random() < 0.4:  # dots of a line
                ink = np.where(rng.random(ink.shape) < 0.5, ink, cell)
        elif way == 2:
            dice = rng.random(ink.shape)
            share = rng.uniform(0.01, 0.08)
            ink = np.where(dice < share, 255, np.where(dice > 1 - share, 0, ink)).astype(np.uint8)
        else:
            ink = _pixels(cv2.morphologyEx(ink, cv2.MORPH_GRADIENT, _NIBS[rng.integers(2)]))
        out[:] = normalise(ink)
    return moved


def scaled(ink: Cells, rng: np.random.Generator) -> Cells:
    """The ink at a size that digits have in pictures: a canvas of 24 to 110 pixels."""
    side = round(np.exp(rng.uniform(np.log(24), np.log(110))))
    shape = round(side * ink.shape[1] / ink.shape[0]), side
    shrink = cv2.INTER_AREA if side < ink.shape[0] else cv2.INTER_LINEAR
    return _pixels(cv2.resize(ink, shape, interpolation=shrink))


def pictured(ink: Cells, rng: np.random.Generator) -> Cells | None:
    """Lay ink on paper, take a picture, and read it as the runtime would.

    Args:
        ink: uint8 [H, W], coverage with ink, the size that it shall have in the picture.
        rng: Chooses paper, light, focus, noise and the place in the picture.

    Returns:
        uint8 [28, 28], or None where the runtime finds no digit.
    """
    ink = np.pad(ink, _border(ink.shape, rng))
    height, width = ink.shape
    paper = rng.uniform(120, 255)
    contrast = rng.uniform(0.12, 1.0) * paper
    across, down = rng.normal(0, rng.choice([2.0, 12.0]), 2)
    light = paper + np.add.outer(
        np.linspace(-down, down, height), np.linspace(-across, across, width)
    )
    picture = light - contrast / 255 * ink
    if rng.random() < 0.6:
        sigma = rng.uniform(0.3, max(0.5, 0.02 * height))
        picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    if rng.random() < 0.5:
        # Where the picture is faint, so must the noise be, or nothing could be read.
        noise = rng.uniform(0.5, max(1.0, min(10.0, 0.07 * contrast)))
        picture = picture + rng.normal(0, noise, picture.shape)
    grey = np.clip(picture, 0, 255).astype(np.uint8)
    page = find_ink(255 - grey if rng.random() < 0.15 else grey)
    region = locate_one(page)
    return None if region is None else to_cells(page, [region])[0]


def warp(cell: Cells, rng: np.random.Generator, strength: float) -> Cells:
    """Turn, slant, stretch and shake a cell: uint8 [72, 72], the ink about twice as large."""
    turn = np.radians(rng.uniform(-12, 12) * strength)
    slant = rng.uniform(-0.25, 0.25) * strength
    stretch = np.exp(rng.normal(0, 0.09 * strength, 2))
    # From the canvas back to the cell.
    back = (
        np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        @ np.array([[1, slant], [0, 1]])
        @ np.diag(stretch / _ZOOM)
    )
    points = _GRID @ back.T.astype(np.float32) + np.float32((contract.SIDE - 1) / 2)
    shake = rng.normal(0, 0.75 * strength, (_ELASTIC_POINTS, _ELASTIC_POINTS, 2))
    points += cv2.resize(
        shake.astype(np.float32), (_CANVAS, _CANVAS), interpolation=cv2.INTER_CUBIC
    )
    return _pixels(cv2.remap(cell, points[..., 0], points[..., 1], cv2.INTER_LINEAR))


def photograph(ink: Cells, rng: np.random.Generator) -> Cells:
    """Blur, noise and a camera's curve, from faded to ragged black and white; same shape."""
    sigma = rng.uniform(0, 2.0) if rng.random() < 0.7 else 0.0
    if sigma > 0.3:
        ink = _pixels(cv2.GaussianBlur(ink, (0, 0), sigma))
    level, gain = 0.0, 1.0
    if rng.random() < 0.7:
        level, gain = rng.uniform(0, 110), np.exp(rng.uniform(0.0, 2.3))
    grain = rng.uniform(0, 45) if rng.random() < 0.4 else 0.0
    if grain:
        noise = _noise(ink.shape, rng)
        ink = np.clip(ink + grain * noise * (ink > 24), 0, 255).astype(np.uint8)
    if gain > 1.0 or level > 0.0:
        level = min(level, 0.5 * float(ink.max()))
        ramp = np.arange(256, dtype=np.float32)
        curve = np.clip((ramp - level) * gain + 0.25 * level * (ramp > level), 0, 255)
        ink = _pixels(cv2.LUT(ink, curve.astype(np.uint8)))
    return ink


def misplace(cell: Cells, rng: np.random.Generator) -> Cells:
    """A cell whose box was found too large, too small or beside the ink, some noise on it."""
    if rng.random() < 0.3:
        scale = rng.uniform(0.8, 1.12)
        x, y = rng.uniform(-2, 2, 2)
        middle = (contract.SIDE - 1) / 2
        shift = middle * (1 - scale)
        matrix = np.array([[scale, 0, shift + x], [0, scale, shift + y]])
        cell = _pixels(cv2.warpAffine(cell, matrix, (contract.SIDE, contract.SIDE)))
    if rng.random() < 0.12:
        noise = rng.normal(0, rng.uniform(4, 30), cell.shape)
        cell = np.clip(cell * rng.uniform(0.6, 1.0) + noise, 0, 255).astype(np.uint8)
    return cell


def _pen(ink: Cells, rng: np.random.Generator) -> Cells:
    """Another pen: thicker, thinner, or one that skips."""
    choice = rng.random()
    if choice < 0.3:
        ink = _pixels(cv2.dilate(ink, _NIBS[rng.integers(len(_NIBS))]))
    elif choice < 0.55:
        thinner = _pixels(cv2.erode(ink, _NIBS[rng.integers(2)]))
        if np.count_nonzero(thinner > 100) > 0.35 * np.count_nonzero(ink > 100):
            ink = thinner
    if rng.random() < 0.15:
        for _ in range(rng.integers(1, 4)):
            x, y = _somewhere_on(ink, rng)
            angle, length = rng.uniform(0, np.pi), rng.uniform(2, 9)
            end = round(x + length * np.cos(angle)), round(y + length * np.sin(angle))
            start = round(x - length * np.cos(angle)), round(y - length * np.sin(angle))
            cv2.line(ink, start, end, 0, int(rng.integers(1, 4)))
    return ink


def _surroundings(ink: Cells, neighbour: Cells, rng: np.random.Generator) -> Cells:
    """What else may be within the box: specks, a ruling, the edge of a neighbour."""
    if rng.random() < 0.1:
        for _ in range(rng.integers(1, 5)):
            centre = tuple(int(v) for v in rng.integers(8, _CANVAS - 8, 2))
            cv2.circle(ink, centre, int(rng.integers(1, 3)), int(rng.integers(90, 256)), cv2.FILLED)
    choice = rng.random()
    if choice > 0.14:
        return ink
    rows = np.flatnonzero(ink.max(axis=1))
    columns = np.flatnonzero(ink.max(axis=0))
    if not rows.size:
        return ink
    top, bottom, left, right = rows[0], rows[-1], columns[0], columns[-1]
    if choice < 0.05:
        y = int(rng.integers(top, bottom + 3))
        tilt = int(rng.integers(-2, 3))
        pale = int(rng.integers(80, 256))
        cv2.line(ink, (left - 4, y - tilt), (right + 4, y + tilt), pale, int(rng.integers(1, 3)))
    else:
        large = cv2.resize(neighbour[4:24, 4:24], (40, 40))
        width = int(rng.integers(2, 7))
        part = _pixels(large)
        if rng.random() < 0.5:
            part = part[:, -int(rng.integers(width, 14)) :][:, :width]
            x = max(0, left - width - int(rng.integers(-1, 3)))
        else:
            part = part[:, : int(rng.integers(width, 14))][:, -width:]
            x = min(_CANVAS - width, right + int(rng.integers(-1, 3)))
        y = (_CANVAS - 40) // 2
        window = ink[y : y + 40, x : x + part.shape[1]]
        np.maximum(window, part, out=window)
    return ink


def _border(shape: tuple[int, ...], rng: np.random.Generator) -> list[tuple[int, int]]:
    """Pixels of paper above and below, left and right of the ink."""
    side = max(shape)
    return [
        (int(before), int(after))
        for before, after in np.maximum(2, rng.uniform(0.03, 0.5, (2, 2)) * side)
    ]


def _somewhere_on(ink: Cells, rng: np.random.Generator) -> tuple[int, int]:
    inked = np.flatnonzero(ink > 100)
    if not inked.size:
        return _CANVAS // 2, _CANVAS // 2
    row, column = divmod(int(inked[rng.integers(inked.size)]), ink.shape[1])
    return column, row


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """A window of a field of standard normal noise: drawing one for each cell costs too much."""
    row, column = (
        rng.integers(field - side) for field, side in zip(_FIELD.shape, shape, strict=True)
    )
    return _FIELD[row : row + shape[0], column : column + shape[1]]


def _pixels(image: object) -> Cells:
    return np.asarray(image, dtype=np.uint8)


_GRID = np.stack(np.meshgrid(np.arange(_CANVAS), np.arange(_CANVAS)), axis=-1).astype(
    np.float32
) - np.float32((_CANVAS - 1) / 2)
_NIBS = [cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)) for side in (2, 3, 4, 5)]
_FIELD = np.random.default_rng(0).standard_normal((512, 512)).astype(np.float32)
