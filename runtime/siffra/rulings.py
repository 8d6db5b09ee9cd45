"""Ink without the lines that were there before: rulings, squares, tables, boxes, underlines."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .ink import Ink
from .opencv import cv2
from .pieces import Region, fill
from .results import Pixels

_STRAIGHT = 0.6  # of a side, that points of an outline on one straight line make up
_SPAN = 0.7  # of a piece's side that a line of a frame spans
_ACROSS = 0.8  # of the picture's side that a ruling spans
_LONG = 2.5  # times a digit's height: no stroke is so long
_WIDE = 1.15  # width over height, from which a piece is several digits or has an underline
_SLOPE = 0.25  # pixels down for a pixel across that a line may have
_SUSPECTS = 300  # pieces that are looked at, the largest: no page of the measured sets has 70
_LINES = 300  # that are taken out, and that one piece may have each way; squared paper has 100


class _Line(NamedTuple):
    """A line from left to right through a part of the ink."""

    left: int
    """Its first column."""

    course: NDArray[np.float64]
    """float64 [n]: the row of its middle in each column from the first on."""

    thickness: float


def remove_lines(mask: Pixels, pieces: Sequence[Region], typical: float) -> Pixels | None:
    """Take lines out of the ink, so that what is written on them comes free.

    Args:
        mask: uint8 [H, W]: 255 where there is ink.
        pieces: The connected pieces of it.
        typical: Height of a digit in pixels, 0 where nothing tells it.

    Returns:
        The mask without the lines; None where it has none.
    """
    alone = len(pieces) <= 2
    kinds = [(piece, _suspect(piece, mask.shape, typical, alone)) for piece in pieces]
    suspects = [(piece, kind) for piece, kind in kinds if kind is not None]
    if not suspects:
        return None
    suspects.sort(key=lambda suspect: -suspect[0].side)
    cleared: Pixels = mask.copy()
    lines = 0
    for piece, kind in suspects[:_SUSPECTS]:
        if lines > _LINES:
            break
        x, y, w, h = piece.box
        part = cleared[y : y + h, x : x + w]
        own = np.zeros_like(part)
        fill(own, piece.contours, (-x, -y))
        own &= part
        left = own.copy()
        found = _clear(left, kind, mask.shape, typical)
        if found:
            part[(own > 0) & (left == 0)] = 0
            lines += found
    return cleared


def without_paler(ink: Ink, mask: Pixels, cleared: Pixels) -> Pixels:
    """Return the ink without lines, cut by strength where that parts writing from lines.

    Unlike taking lines out by their shape, that leaves what is written across them whole.
    """
    lines = ink.strength[(mask > 0) & (cleared == 0)]
    rest = ink.strength[cleared > 0]
    if lines.size < 0.2 * rest.size or not rest.size:
        return cleared
    line, most = np.percentile(lines, (50, 95)).tolist()
    writing = float(np.percentile(rest, 75))
    if line > 0.65 * writing:
        return cleared
    level = max(line + 0.4 * (writing - line), min(most, 0.75 * writing))
    _, darker = cv2.threshold(ink.strength, level, 255, cv2.THRESH_BINARY)
    return np.asarray(darker, dtype=np.uint8)


def _suspect(piece: Region, shape: tuple[int, ...], typical: float, alone: bool) -> str | None:
    """Return what a piece may be beside digits: `frame`, `wide` or `long`; None for a digit."""
    height, width = shape
    _, _, w, h = piece.box
    if piece.area > 0.5 * w * h or max(w, h) < max(16, 1.2 * typical):
        return None
    if w > 0.3 * h and h > 0.15 * w and _is_frame(piece):
        return "frame"
    if alone and w < _WIDE * h:
        return None
    if w > _WIDE * h:
        return "wide"
    if w > _ACROSS * width or h > _ACROSS * height:
        return "long"
    return "long" if typical and max(w, h) > _LONG * typical else None


def _is_frame(piece: Region) -> bool:
    """Whether an outline has two straight lines in each direction, as no round digit has."""
    if len(piece.contours) == 1:  # a frame is closed, but for what a scan lost
        return False
    x, y, w, h = piece.box
    points = piece.contours[0].reshape(-1, 2)
    for along, across, side, least in (
        (points[:, 0] - x, points[:, 1] - y, w, h),
        (points[:, 1] - y, points[:, 0] - x, h, w),
    ):
        seen = np.zeros((16, least), dtype=np.bool_)
        seen[along * 16 // side, across] = True
        # A line that is a little slanted falls into two bins.
        lines = np.flatnonzero((seen[1:] | seen[:-1]).sum(axis=1) >= _STRAIGHT * least)
        if not lines.size or lines[-1] < lines[0] + 3:
            return False
    return True


def _clear(part: Pixels, kind: str, shape: tuple[int, ...], typical: float) -> int:
    """Erase the lines of one piece, in place; return how many there were."""
    height, width = shape
    h, w = part.shape
    level_least = _SPAN * w if kind != "long" else _ACROSS * width
    upright_least = _SPAN * h if kind == "frame" else _ACROSS * height
    if typical:
        level_least = min(level_least, _LONG * typical)
        upright_least = min(upright_least, _LONG * typical)
    level = _lines(part, level_least)
    if kind == "frame" or len(level) > 1:
        # The sides of boxes and tables reach from one level line to the next.
        rows = sorted(float(line.course.mean()) for line in level)
        gaps = [b - a for a, b in pairwise(rows) if b - a > 10]
        upright_least = min([upright_least, *(_SPAN * gap for gap in gaps)])
    upright = _lines(part.T, upright_least) if h >= upright_least else []
    if kind == "frame" and not (level and upright):
        return _clear(part, "wide", shape, typical)  # two rulings that writing joins
    for line in level:
        _erase(part, line)
    for line in upright:
        _erase(part.T, line)
    return len(level) + len(upright)


def _lines(part: Pixels, least: float) -> list[_Line]:
    """Find lines that run from left to right.

    Args:
        part: uint8 [h, w]: the ink.
        least: Pixels that a line is long.

    Returns:
        None of them where they are too many for lines that somebody writes on.
    """
    if part.shape[1] < least:
        return []
    # A line of slope s has runs of its thickness / s; thickened, it may fall steeper.
    padded = cv2.copyMakeBorder(np.ascontiguousarray(part), 1, 1, 0, 0, cv2.BORDER_CONSTANT)
    thick = cv2.dilate(padded, np.ones((3, 1), np.uint8))
    run = int(max(8, min(24, least / 5)))
    runs = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, run), np.uint8))
    contours, _ = cv2.findContours(runs, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    long = [
        (contour, box) for contour in contours if (box := cv2.boundingRect(contour))[2] >= least
    ]
    if len(long) > _LINES:
        return []
    found = []
    for contour, (x, y, w, h) in long:
        band = np.zeros((h, w), np.uint8)
        cv2.drawContours(band, [contour], -1, 1, cv2.FILLED, offset=(-x, -y))
        band &= np.asarray(runs, np.uint8)[y : y + h, x : x + w]
        line = _line(band, x, y - 1, least)
        if line is not None:
            found.append(line)
    return found


def _line(band: Pixels, x: int, y: int, least: float) -> _Line | None:
    """Fit a line to runs of ink, uint8 [h, w] of 0 and 1; None where they are no line."""
    height, width = band.shape
    counts = band.sum(axis=0, dtype=np.float32)
    columns = np.flatnonzero(counts)
    counts = counts[columns]
    rows = np.arange(height, dtype=np.float32)
    middle = (rows @ band)[columns] / counts
    usual = float(np.median(counts))
    thin = counts <= usual + 1
    course = _course(columns[thin], middle[thin], width)
    thickness = max(1.0, usual - 2.0)  # less what thickening added
    # What strays from its own course is a bar of a digit or a scribble.
    strays = np.abs(course[columns] - middle)
    if float(np.mean(strays < thickness / 2 + 2)) < 0.6 or thickness > 0.06 * least + 2:
        return None
    if abs(course[-1] - course[0]) > _SLOPE * width:
        return None
    return _Line(x, course + y, thickness)


def _erase(part: Pixels, line: _Line) -> None:
    """Erase a line, in place, where nothing crosses it."""
    height = part.shape[0]
    thickness = line.thickness
    reach = int(2 * thickness) + 4
    offsets = np.arange(-reach, reach + 1)
    y = np.rint(line.course).astype(np.int64)[None, :] + offsets[:, None]
    inside = (y >= 0) & (y < height)
    y = np.clip(y, 0, height - 1)
    x = np.broadcast_to(line.left + np.arange(len(line.course)), y.shape)
    ink = (part[y, x] > 0) & inside
    near = np.abs(offsets) <= thickness / 2 + 1
    filled = ink | near[:, None]
    up = np.cumprod(filled[reach::-1], axis=0).sum(axis=0)
    down = np.cumprod(filled[reach:], axis=0).sum(axis=0)
    plain = up + down - 1 <= 1.6 * thickness + 4
    span = (offsets[:, None] > -up) & (offsets[:, None] < down) & plain & inside
    part[y[span], x[span]] = 0


def _course(x: NDArray[np.int64], y: NDArray[np.float32], width: int) -> NDArray[np.float64]:
    """Return the row of a line in each of `width` columns: a parabola, fitted robustly."""
    scaled = x / max(1, width - 1)
    terms = np.stack([np.ones_like(scaled), scaled, scaled * scaled][: 3 if width > 64 else 2])
    keep = np.ones(len(x), dtype=np.bool_)
    fit = np.zeros(len(terms))
    for _ in range(3):
        kept = terms[:, keep]
        square = kept @ kept.T + 1e-6 * np.eye(len(terms))
        fit = np.linalg.solve(square, kept @ y[keep])
        away = np.abs(fit @ terms - y)
        keep = away <= max(1.0, 2.0 * float(np.median(away)))
    every = np.arange(width) / max(1, width - 1)
    return np.asarray(fit @ np.stack([np.ones(width), every, every * every][: len(terms)]))
