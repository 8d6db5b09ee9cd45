"""Drawn pictures that show no digit, to measure what a reader makes of them.

`python -m benchmarks.nondigits DIR` writes a sheet of each kind, for a person to look at.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.nondigit_strokes import (
    HATCHINGS,
    LETTERS,
    SHAPES,
    SYMBOLS,
    Strokes,
    scribble,
    word,
)
from benchmarks.nondigit_surfaces import STAINS, TEXTURES, on_paper, random_size
from benchmarks.strokes import STYLES, digit_strokes, draw_strokes, points_of, write

_T = TypeVar("_T")


def draw(kind: str, count: int, seed: int) -> list[NDArray[np.uint8]]:
    """Draw pictures of one kind.

    Args:
        kind: A name in `KINDS`.
        count: How many; a larger count begins with the same pictures.
        seed: Decides everything else.

    Returns:
        Grey values, each uint8 [height, width], sides 64 to 160 pixels, dark on light.

    Raises:
        ValueError: No such kind.
    """
    if kind not in KINDS:
        raise ValueError(f"there is no kind {kind!r}; choose one of {', '.join(KINDS)}")
    return [KINDS[kind](np.random.default_rng((seed, number))) for number in range(count)]


def _letter(rng: np.random.Generator) -> NDArray[np.uint8]:
    form = points_of(_one_of(list(LETTERS.values()), rng))
    return _drawn(_by_hand(form, rng), rng, thickness=(0.06, 0.14))


def _symbol(rng: np.random.Generator) -> NDArray[np.uint8]:
    form = points_of(_one_of(list(SYMBOLS.values()), rng))
    return _drawn(_by_hand(form, rng), rng, thickness=(0.05, 0.11))


def _shape(rng: np.random.Generator) -> NDArray[np.uint8]:
    form = _one_of(SHAPES, rng)(rng)
    return _drawn(_by_hand(form, rng), rng, thickness=(0.03, 0.075))


def _hatching(rng: np.random.Generator) -> NDArray[np.uint8]:
    form = _one_of(HATCHINGS, rng)(rng)
    # Not slanted: that could bring oblique lines upright, to a row of ones.
    strokes = write(form, slant=0, width=1, wobble=rng.uniform(0.004, 0.012), rng=rng)
    return _drawn(strokes, rng, thickness=(0.02, 0.05), fill=(0.6, 1.1))


def _texture(rng: np.random.Generator) -> NDArray[np.uint8]:
    return _one_of(TEXTURES, rng)(rng)


def _word(rng: np.random.Generator) -> NDArray[np.uint8]:
    strokes = write(
        word(rng),
        slant=rng.uniform(-5, 25),
        width=rng.uniform(0.6, 0.9),
        wobble=rng.uniform(0.004, 0.014),
        rng=rng,
    )
    return _drawn(strokes, rng, thickness=(0.035, 0.07), fill=(0.75, 0.95))


def _crossed_out(rng: np.random.Generator) -> NDArray[np.uint8]:
    digit = digit_strokes(int(rng.integers(10)), _one_of(list(STYLES), rng), rng)
    middle = np.concatenate(digit).max(axis=0) / 2 + rng.normal(0, 0.03, 2)
    thickness = rng.uniform(0.045, 0.085)
    # Passes so near to each other that the digit does not show between them.
    passes = [middle + stroke for stroke in scribble(1, 1.3 * thickness, rng)]
    strokes = write([*digit, *passes], slant=0, width=1, wobble=0.01, rng=rng)
    return _drawn(strokes, rng, thickness=(thickness, 1.2 * thickness))


def _stain(rng: np.random.Generator) -> NDArray[np.uint8]:
    return _one_of(STAINS, rng)(rng)


KINDS: Mapping[str, Callable[[np.random.Generator], NDArray[np.uint8]]] = MappingProxyType(
    {
        "letters": _letter,
        "symbols": _symbol,
        "shapes": _shape,
        "hatching": _hatching,
        "texture": _texture,
        "words": _word,
        "crossed out": _crossed_out,
        "stains": _stain,
    }
)
"""Each draws one picture: grey values, uint8 [height, width], dark on light."""


def _one_of(choices: Sequence[_T], rng: np.random.Generator) -> _T:
    return choices[int(rng.integers(len(choices)))]


def _by_hand(form: Strokes, rng: np.random.Generator) -> Strokes:
    """A form as one of many people writes it."""
    return write(
        form,
        slant=float(np.clip(rng.normal(5, 9), -15, 25)),
        width=rng.uniform(0.8, 1.25),
        wobble=rng.uniform(0.005, 0.022),
        rng=rng,
    )


def _drawn(
    strokes: Strokes,
    rng: np.random.Generator,
    *,
    thickness: tuple[float, float],
    fill: tuple[float, float] = (0.5, 0.85),
) -> NDArray[np.uint8]:
    """Draw strokes on paper, somewhere near the middle.

    Args:
        strokes: Each float64 [n, 2]: points x, y in any unit.
        rng: Chooses what is left open.
        thickness: Of the pen, least and most, as a fraction of the longer side of the strokes.
        fill: Least and most of the picture's height or width that the strokes take.
    """
    height, width = random_size(rng)
    size = np.array([width, height])
    everything = np.concatenate(strokes)
    corner, extent = everything.min(axis=0), np.ptp(everything, axis=0)
    scale = rng.uniform(*fill) * float((size / extent).min())
    origin = (size - scale * extent) * rng.uniform(0.35, 0.65, 2)
    ink = draw_strokes(
        [scale * (stroke - corner) + origin for stroke in strokes],
        (height, width),
        thickness=max(1.2, rng.uniform(*thickness) * scale * float(extent.max())),
        rng=rng,
    )
    return on_paper(ink / 255, rng)


def sheet(pictures: Sequence[NDArray[np.uint8]], columns: int = 10) -> NDArray[np.uint8]:
    """Pictures side by side, each in a square of 128 pixels: uint8 [height, width]."""
    tile, border = 128, 4
    rows = -(-len(pictures) // columns)
    page = np.full((rows * tile, columns * tile), 96, np.uint8)
    for number, picture in enumerate(pictures):
        scale = (tile - 2 * border) / max(picture.shape)
        height, width = (round(side * scale) for side in picture.shape)
        top = number // columns * tile + (tile - height) // 2
        left = number % columns * tile + (tile - width) // 2
        page[top : top + height, left : left + width] = cv2.resize(
            picture, (width, height), interpolation=cv2.INTER_AREA
        )
    return page


def main() -> None:
    """Write a sheet of each kind."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.nondigits",
        description="Draw pictures that show no digit: DIR/KIND.png, a sheet of each kind.",
    )
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--count", type=int, default=100, help="pictures a sheet (default: 100)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.count < 1:
        parser.error(f"a sheet of {options.count} pictures shows nothing; give --count 1 or more")
    if options.seed < 0:
        parser.error(f"no seed is {options.seed}; give --seed 0 or more")
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        # Encoded here, not by imwrite, which cannot open every path on Windows.
        _, content = cv2.imencode(".png", sheet(draw(kind, options.count, options.seed)))
        (folder / f"{kind.replace(' ', '-')}.png").write_bytes(content.tobytes())


if __name__ == "__main__":
    main()
