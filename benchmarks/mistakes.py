"""Sheets of misread pictures, for a person to look at."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.material import Digits
from benchmarks.measures import Answers
from siffra import ImageError, images

_COLUMNS = 6
_SIDE = 112  # of the picture and of the cell beside it: 28 fits four times
_TEXT = 40  # height of the two lines below them
_GAP = 12
_PAPER = 226  # grey, so that white pictures and black cells have edges


def draw_mistakes(digits: Digits, answers: Answers, title: str) -> NDArray[np.uint8] | None:
    """Draw each misread picture beside its cell, with truth, answer, confidence and file name.

    Returns:
        uint8 [H, W, 3], BGR; None where nothing was misread.
    """
    wrong = np.flatnonzero(answers.labels != digits.labels).tolist()
    if not wrong:
        return None
    tiles = [_tile(digits, answers, index) for index in wrong]
    blank = np.full_like(tiles[0], _PAPER)
    tiles += [blank] * (-len(tiles) % _COLUMNS)
    rows = [np.hstack(tiles[at : at + _COLUMNS]) for at in range(0, len(tiles), _COLUMNS)]
    head = np.full((40, rows[0].shape[1], 3), _PAPER, np.uint8)
    _write(head, f"{title}: {len(wrong)} of {len(digits.labels)} misread", (_GAP, 26), 0.6)
    return np.vstack([head, *rows])


def _tile(digits: Digits, answers: Answers, index: int) -> NDArray[np.uint8]:
    tile = np.full((_SIDE + _TEXT + 2 * _GAP, 2 * _SIDE + 3 * _GAP, 3), _PAPER, np.uint8)
    path = digits.files[index]
    tile[_GAP : _GAP + _SIDE, _GAP : _GAP + _SIDE] = _thumbnail(path)
    if answers.asked[index]:
        cell = cv2.resize(
            digits.cells.pixels[index], (_SIDE, _SIDE), interpolation=cv2.INTER_NEAREST
        )
        tile[_GAP : _GAP + _SIDE, 2 * _GAP + _SIDE : 2 * (_GAP + _SIDE)] = cell[..., None]
        answer = f"read {answers.labels[index]} at {answers.confidences[index]:.3f}"
    else:
        answer = "no cell found"
    _write(tile, f"{digits.labels[index]}, {answer}", (_GAP, 2 * _GAP + _SIDE + 6), 0.5)
    _write(tile, path.name, (_GAP, 2 * _GAP + _SIDE + 26), 0.45)
    return tile


def _thumbnail(path: Path) -> NDArray[np.uint8]:
    """The picture in the middle of a square, uint8 [side, side, 3]; nothing if it is unreadable."""
    square = np.full((_SIDE, _SIDE, 3), _PAPER, np.uint8)
    try:
        picture = images.load(path)
    except ImageError:
        return square
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    height, width = (
        max(1, round(side * _SIDE / max(picture.shape[:2]))) for side in picture.shape[:2]
    )
    shrinks = max(picture.shape[:2]) > _SIDE
    way = cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST
    top, left = (_SIDE - height) // 2, (_SIDE - width) // 2
    square[top : top + height, left : left + width] = cv2.resize(
        picture, (width, height), interpolation=way
    )
    return square


def _write(canvas: NDArray[np.uint8], text: str, at: tuple[int, int], size: float) -> None:
    cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, (0, 0, 0), 1, cv2.LINE_AA)
