"""Bytes to arrays of any shape, type and order, with content that looks like something written."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_DTYPES = ("u1", "u1", "u1", "?", "<u2", ">u2", "<i4", "<i8", "<f4", ">f8", "f2", "O", "c8", "i1")
_SIDES = (0, 1, 2, 3, 28, 256, 300, 1000, 4096, 10_000)
_ODD = (np.nan, np.inf, -1.0, 2.0)


def array_of(data: bytes, most_pixels: int) -> NDArray[Any]:
    """Make an array; eight bytes decide on its form, the others on its content.

    Args:
        data: Anything.
        most_pixels: More of them are cut off below.
    """
    dtype, height, width, form, content, order, at, _ = data[:8].ljust(8, b"\0")
    height = _SIDES[height % len(_SIDES)] if height >= 200 else height
    width = _SIDES[width % len(_SIDES)] if width >= 200 else width
    height = min(height, most_pixels // max(1, width))
    grey = _drawn(content, height, width, np.frombuffer(data[8:] or b"\0", np.uint8))
    # An array of rank 0 becomes a scalar wherever it is computed with.
    array = np.asarray(_typed(_formed(grey, form), np.dtype(_DTYPES[dtype % len(_DTYPES)])))
    if order & 1 and array.dtype.kind == "f" and array.size:
        array.reshape(-1)[at * 251 % array.size] = _ODD[at % len(_ODD)]
    return _ordered(array, order)


def _drawn(how: int, height: int, width: int, raw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if how % 4 == 0 or 0 in (height, width):  # the bytes as they are
        return np.resize(raw, (height, width))
    if how % 4 == 1:  # large blocks
        side = 1 + how // 16
        coarse = np.resize(raw, (-(-height // side), -(-width // side)))
        return coarse.repeat(side, axis=0).repeat(side, axis=1)[:height, :width]
    page = np.full((height, width), raw[0], np.uint8)
    points = raw[1 : 1 + (len(raw) - 1) // 2 * 2].reshape(-1, 2) * (width, height) // 256
    step = 2 if how & 4 else 1  # lines of their own, or one stroke
    for start, end in zip(points[:-1:step].tolist(), points[1::step].tolist(), strict=False):
        cv2.line(page, start, end, 255 - int(raw[0]), 1 + how // 32)
    return page


def _formed(grey: NDArray[np.uint8], form: int) -> NDArray[np.uint8]:
    if form < 128:
        return grey
    colours = {1: 3, 2: 4, 3: 1}.get(form % 4, 2)
    deep = grey[:, :, None].repeat(colours, axis=2)
    if form >= 250:  # no picture
        return (deep[None], grey.reshape(-1), np.full((), 7, np.uint8), deep[..., None])[form % 4]
    if form & 64 and colours > 2:
        deep[:, :, -1] = np.roll(grey, 1)
    return deep


def _typed(array: NDArray[np.uint8], dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "f":
        return (array / 255).astype(dtype)
    if dtype.kind == "b":
        return array > 127
    if dtype.kind == "u" and dtype.itemsize == 2:
        return (array.astype(np.uint16) * 257).astype(dtype)
    return array.astype(dtype)


def _ordered(array: NDArray[Any], order: int) -> NDArray[Any]:
    if order & 2 and array.ndim > 0:
        array = array[::-1]
    if order & 4 and array.ndim > 1:
        array = array[:, ::-1]
    if order & 8:
        array = np.asfortranarray(array)
    if order & 16 and array.ndim > 1:
        array = array.repeat(2, axis=1)[:, ::2]
    if order & 32:
        array.flags.writeable = False
    return array
