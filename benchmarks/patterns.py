"""Pictures that are hard work: each has as much as it can of something that takes time.

Noise has pieces of ink, chequers have holes, combs have long outlines, boxes in boxes have levels,
squared paper has lines, dense digits have answers to ask for. All are drawn on a grid of squares
of some pixels, so that a reduced copy of a large picture is as hard as a small one.
"""

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]
_Draw: TypeAlias = Callable[[int, int, np.random.Generator], Pixels]

PATTERNS: dict[str, _Draw] = {}
"""By name: height, width and a generator to uint8 [H, W]."""

_TILE = 504  # px after which what is slow to draw repeats itself


def draw(name: str, height: int, width: int, scale: int = 1, seed: int = 1) -> Pixels:
    """Draw a pattern of this name: uint8 [height, width].

    Args:
        name: One of `PATTERNS`.
        height: Pixels down.
        width: Pixels across.
        scale: Pixels of the sides of its squares.
        seed: Of what is random.
    """
    rows, columns = -(-height // scale), -(-width // scale)
    pattern = PATTERNS[name](rows, columns, np.random.default_rng(seed))
    if scale > 1:
        pattern = pattern[np.arange(height) // scale][:, np.arange(width) // scale]
    return np.ascontiguousarray(pattern)


def _named(name: str) -> Callable[[_Draw], _Draw]:
    def keep(pattern: _Draw) -> _Draw:
        PATTERNS[name] = pattern
        return pattern

    return keep


def _blank(height: int, width: int) -> Pixels:
    return np.full((height, width), 255, np.uint8)


def _inked(ink: NDArray[np.bool_]) -> Pixels:
    return np.asarray(np.where(ink, 0, 255), np.uint8)


def _some(height: int, width: int, rng: np.random.Generator, share: float) -> NDArray[np.bool_]:
    """Return a mask in which that share is set, at random."""
    return rng.integers(0, 256, (height, width), dtype=np.uint8) < 256 * share


def _tiled(tile: Pixels, height: int, width: int) -> Pixels:
    down, across = -(-height // tile.shape[0]), -(-width // tile.shape[1])
    return np.tile(tile, (down, across))[:height, :width]


def _noise(share: float) -> _Draw:
    return lambda height, width, rng: _inked(_some(height, width, rng, share))


for _percent in (1, 5, 20, 41, 50):  # at 41 % it begins to hang together
    PATTERNS[f"noise, {_percent} %"] = _noise(_percent / 100)


@_named("grey noise")
def _grey(height: int, width: int, rng: np.random.Generator) -> Pixels:
    return rng.integers(0, 256, (height, width), dtype=np.uint8)


@_named("clouds")
def _clouds(height: int, width: int, rng: np.random.Generator) -> Pixels:
    soft = cv2.GaussianBlur(_grey(height, width, rng), (0, 0), 1.2)
    return np.interp(soft, (int(soft.min()), int(soft.max())), (0, 255)).astype(np.uint8)


@_named("patches")
def _patches(height: int, width: int, rng: np.random.Generator) -> Pixels:
    return _inked(np.asarray(cv2.GaussianBlur(_grey(height, width, rng), (0, 0), 3) < 128))


@_named("noise in a shadow")
def _shadow(height: int, width: int, rng: np.random.Generator) -> Pixels:
    page = np.full((height, width), 230, np.uint8)
    page[:, width // 2 :] = 60
    noise = _some(height, width, rng, 0.2)
    page[noise] = 255 - page[noise]
    return page


@_named("dither")
def _dither(height: int, width: int, rng: np.random.Generator) -> Pixels:
    return _inked(_grey(height, width, rng) >= np.linspace(0, 255, width))


@_named("chequers")
def _chequers(height: int, width: int, rng: np.random.Generator) -> Pixels:
    return _inked((np.arange(height)[:, None] + np.arange(width)) % 2 == 0)


@_named("dots")
def _dots(height: int, width: int, rng: np.random.Generator) -> Pixels:
    page = _blank(height, width)
    page[::2, ::2] = 0
    return page


@_named("holes")
def _holes(height: int, width: int, rng: np.random.Generator) -> Pixels:
    return np.asarray(255 - _dots(height, width, rng))


@_named("stripes")
def _stripes(height: int, width: int, rng: np.random.Generator) -> Pixels:
    page = _blank(height, width)
    page[::2] = 0
    return page


@_named("upright stripes")
def _upright(height: int, width: int, rng: np.random.Generator) -> Pixels:
    return np.ascontiguousarray(_stripes(width, height, rng).T)


@_named("slanted stripes")
def _slanted(height: int, width: int, rng: np.random.Generator) -> Pixels:
    return _inked((8 * np.arange(height)[:, None] + np.arange(width)) // 16 % 3 == 0)


@_named("comb")
def _comb(height: int, width: int, rng: np.random.Generator) -> Pixels:
    page = _upright(height, width, rng)
    page[height // 2] = 0
    return page


@_named("winding line")
def _winding(height: int, width: int, rng: np.random.Generator) -> Pixels:
    page = _stripes(height, width, rng)
    page[1::4, -1] = page[3::4, 0] = 0
    return page


@_named("maze")
def _maze(height: int, width: int, rng: np.random.Generator) -> Pixels:
    ink = np.zeros((height, width), np.bool_)
    ink[::2, ::2] = True
    down = _some(height, width, rng, 0.5)
    ink[1::2, ::2] = down[1::2, ::2]
    ink[::2, 1::2] = ~down[::2, 1::2]
    return _inked(ink)


@_named("boxes in boxes")
def _boxes(height: int, width: int, rng: np.random.Generator) -> Pixels:
    down, across = np.arange(height), np.arange(width)
    rows, columns = np.minimum(down, down[::-1]), np.minimum(across, across[::-1])
    return _inked(np.minimum(rows[:, None], columns) % 2 == 0)


@_named("brackets in brackets")
def _brackets(height: int, width: int, rng: np.random.Generator) -> Pixels:
    page = _boxes(height, width, rng)
    page[height // 2 :, width // 4 : -width // 4] = 255
    return page


@_named("rings")
def _rings(height: int, width: int, rng: np.random.Generator) -> Pixels:
    down, across = np.arange(height) - height / 2, np.arange(width) - width / 2
    far = np.hypot(down[:, None].astype(np.float32), across.astype(np.float32))
    return _inked(far.astype(np.int32) // 2 % 2 == 0)


@_named("triangles")
def _triangles(height: int, width: int, rng: np.random.Generator) -> Pixels:
    return _inked(np.arange(height)[:, None] & np.arange(width) == 0)  # Sierpinski's


def _squares(pitch: int) -> _Draw:
    def squares(height: int, width: int, rng: np.random.Generator) -> Pixels:
        page = _blank(height, width)
        page[::pitch] = page[:, ::pitch] = 0
        return page

    return squares


for _pitch in (3, 5, 9, 20):
    PATTERNS[f"squares, {_pitch} px"] = _squares(_pitch)


@_named("broken squares")
def _broken(height: int, width: int, rng: np.random.Generator) -> Pixels:
    page = _squares(12)(height, width, rng)
    page[_some(height, width, rng, 0.1)] = 255
    return page


@_named("upright strokes")
def _strokes(height: int, width: int, rng: np.random.Generator) -> Pixels:
    page = _blank(height, width)
    page[:, ::4] = 0
    page[::12] = page[1::12] = 255
    return page


@_named("dashes")
def _dashes(height: int, width: int, rng: np.random.Generator) -> Pixels:
    return np.ascontiguousarray(_strokes(width, height, rng).T)


@_named("slanted dashes")
def _slanted_dashes(height: int, width: int, rng: np.random.Generator) -> Pixels:
    tile = _blank(16, 16)
    cv2.line(tile, (2, 10), (12, 5), 0)
    return _tiled(tile, height, width)


@_named("loops")
def _loops(height: int, width: int, rng: np.random.Generator) -> Pixels:
    tile = _blank(12, 12)
    cv2.ellipse(tile, (5, 5), (3, 4), 0, 0, 360, 0)
    return _tiled(tile, height, width)


@_named("hooks")
def _hooks(height: int, width: int, rng: np.random.Generator) -> Pixels:
    tile = _blank(9, 9)
    tile[1, 1:7] = tile[1:8, 6] = 0
    return _tiled(tile, height, width)


@_named("form boxes")
def _form(height: int, width: int, rng: np.random.Generator) -> Pixels:
    tile = _blank(22, 22)
    cv2.rectangle(tile, (1, 1), (19, 19), 0)
    cv2.polylines(tile, [np.array([(12, 6), (7, 6), (7, 15), (12, 15)], np.int32)], False, 0)
    return _tiled(tile, height, width)


@_named("random strokes")
def _random_strokes(height: int, width: int, rng: np.random.Generator) -> Pixels:
    tile = _blank(_TILE, _TILE)
    starts = rng.integers(0, _TILE, (_TILE * _TILE // 60, 2))
    for start, way in zip(starts, rng.integers(-8, 9, starts.shape), strict=True):
        cv2.line(tile, start.tolist(), (start + way).tolist(), 0)
    return _tiled(tile, height, width)


@_named("scribble")
def _scribble(height: int, width: int, rng: np.random.Generator) -> Pixels:
    page = _blank(height, width)
    points = rng.integers(0, (width, height), (400, 2)).astype(np.int32)
    cv2.polylines(page, [points], False, 0)
    return page


@_named("specks")
def _specks(height: int, width: int, rng: np.random.Generator) -> Pixels:
    tops = _some(height, width, rng, 1 / 64).astype(np.uint8)
    return _inked(np.asarray(cv2.dilate(tops, np.ones((3, 1), np.uint8))) > 0)


@_named("pale marks")
def _pale(height: int, width: int, rng: np.random.Generator) -> Pixels:
    tile = np.full((42, 90), 235, np.uint8)
    for top in (2, 16, 30):
        for left in (2, 32, 62):
            tile[top : top + 8, left + 8] = tile[top + 4, left + 5 : left + 12] = 190
    tile[2:10, 2] = tile[2, 2:7] = 20
    return _tiled(tile, height, width)


def _written(lines: Callable[[int], str], size: float, pitch: int, pen: int, step: int) -> _Draw:
    """Return what draws lines of text, `step` pixels from a letter to the next, 0 for a font's."""

    def written(height: int, width: int, rng: np.random.Generator) -> Pixels:
        tile = _blank(_TILE, _TILE)
        for number, level in enumerate(range(pitch - 4, _TILE, pitch)):
            text = lines(number)
            places = range(1, _TILE - step, step) if step else (1,)
            for index, left in enumerate(places):
                part = text[index % len(text)] if step else text
                cv2.putText(tile, part, (left, level), cv2.FONT_HERSHEY_SIMPLEX, size, 0, pen)
        return _tiled(tile, height, width)

    return written


def _digits(line: int) -> str:
    return str(10**9 + 7919 * 104729 * (line + 1) % 10**9)[1:]


def _letters(line: int) -> str:
    return "".join("the quick brown fox jumps over a lazy dog, "[line:] * 3)


PATTERNS["fine digits"] = _written(_digits, 0.38, 13, 1, 9)
PATTERNS["digits"] = _written(_digits, 0.8, 28, 2, 18)
PATTERNS["touching digits"] = _written(_digits, 0.8, 28, 3, 14)
PATTERNS["letters"] = _written(_letters, 0.38, 13, 1, 0)


@_named("falling digits")
def _falling(height: int, width: int, rng: np.random.Generator) -> Pixels:
    tile = PATTERNS["digits"](_TILE, _TILE, rng)
    turn = cv2.getRotationMatrix2D((_TILE / 2, _TILE / 2), -20, 1.0)
    turned = cv2.warpAffine(tile, turn, (_TILE, _TILE), borderValue=255)
    return _tiled(np.asarray(turned, np.uint8), height, width)


@_named("crumbs")
def _crumbs(height: int, width: int, rng: np.random.Generator) -> Pixels:
    tile = _blank(18, 18)
    cv2.putText(tile, "3", (1, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 0)
    tile[3:9, 13] = tile[12:17, 15:17] = 0
    return _tiled(tile, height, width)


@_named("gradient")
def _gradient(height: int, width: int, rng: np.random.Generator) -> Pixels:
    return np.broadcast_to(np.linspace(0, 255, width), (height, width)).astype(np.uint8)


@_named("half and half")
def _half(height: int, width: int, rng: np.random.Generator) -> Pixels:
    page = _blank(height, width)
    page[:, width // 2 :] = 20
    return page


@_named("coarse JPEG")
def _jpeg(height: int, width: int, rng: np.random.Generator) -> Pixels:
    _, data = cv2.imencode(".jpg", _grey(_TILE, _TILE, rng), [cv2.IMWRITE_JPEG_QUALITY, 2])
    return _tiled(np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8), height, width)
