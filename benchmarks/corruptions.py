"""What can happen to a small picture of a digit, for measuring how much of it a model bears.

The families are those of MNIST-C (Mu and Gilmer: "MNIST-C: A Robustness Benchmark for Computer
Vision", arXiv 1906.02337) and some more, as strong as there, so that a person still reads the
digit. `python -m benchmarks.corruptions --data DIR SHEET.png` draws a sheet of them.
"""

import argparse
import os
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.datasets import DataError, mnist_test

Picture = NDArray[np.float64]
"""[28, 28], 0 background to 1 ink; what a corruption puts outside of that range is cut off."""

Corruption = Callable[[Picture, np.random.Generator], Picture]

SEEN = frozenset(
    {
        "brightness",
        "canny_edges",
        "contrast",
        "dotted_line",
        "elastic",
        "gaussian_blur",
        "gaussian_noise",
        "gradient_light",
        "impulse_noise",
        "inverse",
        "occlusion",
        "rotate",
        "scale",
        "shear",
        "translate",
        "zigzag",
    }
)
"""The families that training draws too; the others measure what nobody prepared a model for."""


def corrupt(family: str, cells: NDArray[np.uint8], seed: int = 0) -> NDArray[np.uint8]:
    """Corrupt cells, each on its own: the first cells come out the same however many follow.

    Args:
        family: A name in `CORRUPTIONS`.
        cells: uint8 [n, 28, 28], ink bright on black.
        seed: Decides all that is random.

    Returns:
        uint8 [n, 28, 28]: small pictures, which need not follow the contract any more.
    """
    corruption = CORRUPTIONS[family]
    corrupted = np.empty_like(cells)
    for index, cell in enumerate(cells):
        rng = np.random.default_rng((seed, zlib.crc32(family.encode()), index))
        picture = corruption(cell / 255, rng)
        corrupted[index] = np.rint(np.clip(picture, 0, 1) * 255)
    return corrupted


def _shot_noise(picture: Picture, rng: np.random.Generator) -> Picture:
    photons = 3  # that full ink sends on average
    return rng.poisson(picture * photons) / photons


def _impulse_noise(picture: Picture, rng: np.random.Generator) -> Picture:
    dice = rng.random(picture.shape)
    return np.where(dice < 0.085, 0, np.where(dice > 1 - 0.085, 1, picture))


def _gaussian_noise(picture: Picture, rng: np.random.Generator) -> Picture:
    return picture + rng.normal(0, 0.25, picture.shape)


def _glass_blur(picture: Picture, rng: np.random.Generator) -> Picture:
    """Half of the light goes astray by a pixel, twice, between two slight blurs."""
    picture = _blurred(picture, 0.7)
    rows, columns = np.indices(picture.shape)
    for _ in range(2):
        down, across = rng.integers(-1, 2, (2, *picture.shape)) * rng.integers(0, 2, picture.shape)
        picture = picture[np.clip(rows + down, 0, 27), np.clip(columns + across, 0, 27)]
    return _blurred(picture, 0.7)


def _gaussian_blur(picture: Picture, rng: np.random.Generator) -> Picture:
    return _blurred(picture, 1.5)


def _motion_blur(picture: Picture, rng: np.random.Generator) -> Picture:
    """The camera moved on and slowed down: a trail to one side that fades."""
    angle = rng.uniform(-np.pi / 4, np.pi / 4)
    kernel = np.zeros((21, 21), np.float64)
    for way in np.arange(0, 10, 0.25):
        x, y = 10 + way * np.cos(angle), 10 + way * np.sin(angle)
        kernel[round(y), round(x)] += np.exp(-((way / 3) ** 2) / 2)
    return _filtered(picture, kernel)


def _defocus(picture: Picture, rng: np.random.Generator) -> Picture:
    radius, oversampling = 2.5, 5
    steps = (np.arange(7 * oversampling) + 0.5) / oversampling - 3.5
    disk = (np.hypot(steps, steps[:, None]) <= radius).astype(np.float64)
    kernel = disk.reshape(7, oversampling, 7, oversampling).mean(axis=(1, 3))
    return _filtered(picture, np.asarray(kernel, np.float64))


def _pixelate(picture: Picture, rng: np.random.Generator) -> Picture:
    coarse = cv2.resize(picture, (11, 11), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(coarse, (28, 28), interpolation=cv2.INTER_NEAREST), np.float64)


def _jpeg(picture: Picture, rng: np.random.Generator) -> Picture:
    grey = np.rint(picture * 255).astype(np.uint8)
    _, file = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, 7])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), np.float64) / 255


def _shear(picture: Picture, rng: np.random.Generator) -> Picture:
    return _moved(picture, [[1, 0.4 * _sign(rng)], [0, 1]])


def _scale(picture: Picture, rng: np.random.Generator) -> Picture:
    return _moved(picture, [[0.7, 0], [0, 0.7]])


def _rotate(picture: Picture, rng: np.random.Generator) -> Picture:
    angle = 0.4 * _sign(rng)
    sine, cosine = np.sin(angle), np.cos(angle)
    return _moved(picture, [[cosine, -sine], [sine, cosine]])


def _translate(picture: Picture, rng: np.random.Generator) -> Picture:
    return _moved(picture, [[1, 0], [0, 1]], (3 * _sign(rng), 3 * _sign(rng)))


def _elastic(picture: Picture, rng: np.random.Generator) -> Picture:
    """Simard, Steinkraus and Platt, ICDAR 2003, with their sigma and alpha."""
    rows, columns = np.indices(picture.shape)
    across, down = (34 * _blurred(rng.uniform(-1, 1, picture.shape), 4) for _ in range(2))
    ways = (columns + across).astype(np.float32), (rows + down).astype(np.float32)
    return np.asarray(cv2.remap(picture, *ways, cv2.INTER_LINEAR), np.float64)


def _brightness(picture: Picture, rng: np.random.Generator) -> Picture:
    return picture + 0.5


def _contrast(picture: Picture, rng: np.random.Generator) -> Picture:
    mean = picture.mean()
    return np.asarray(mean + 0.2 * (picture - mean), np.float64)


def _fog(picture: Picture, rng: np.random.Generator) -> Picture:
    """Clouds twice as bright as the ink, all scaled back into the range."""
    clouds = np.zeros_like(picture)
    for side in (3, 6, 12, 24):  # finer clouds are fainter, as in a fractal
        octave = rng.random((side, side)) / side**0.8
        clouds += cv2.resize(octave, (28, 28), interpolation=cv2.INTER_CUBIC)
    clouds = (clouds - clouds.min()) / np.ptp(clouds)
    return np.asarray((picture + 2 * clouds) / 3, np.float64)


def _gradient_light(picture: Picture, rng: np.random.Generator) -> Picture:
    """Paper, which is what 0 stands for, falls into shadow from one side to the other."""
    angle = rng.uniform(0, 2 * np.pi)
    way = (np.arange(28) - 13.5) / 13.5
    ramp = np.clip(0.5 + (way * np.cos(angle) + way[:, None] * np.sin(angle)) / 2, 0, 1)
    light = 1 - 0.65 * ramp
    return np.asarray(1 - (1 - picture) * light, np.float64)


def _stripe(picture: Picture, rng: np.random.Generator) -> Picture:
    outer = np.abs(np.arange(28) - 13.5) > 7
    return np.where(outer, 1 - picture, picture)


def _spatter(picture: Picture, rng: np.random.Generator) -> Picture:
    """Drops of a dark grey liquid that hide what is under them."""
    wet = _blurred(rng.normal(0, 1, picture.shape), 1)
    drops = _blurred((wet > 0).astype(np.float64), 1.5)
    drops[drops < 0.7] = 0
    return picture * (1 - drops) + 0.25 * drops


def _dotted_line(picture: Picture, rng: np.random.Generator) -> Picture:
    left, right = rng.uniform(0, 27, 2)
    line = _polyline([(0, left), (27, right)])
    line[:, np.arange(28) // 2 % 2 == 1] = 0
    return np.asarray(np.maximum(picture, line), np.float64)


def _zigzag(picture: Picture, rng: np.random.Generator) -> Picture:
    start = rng.uniform(0, 27)
    slope = rng.uniform(-5, 5) / 23
    across = np.arange(2, 26, 2)
    down = start + slope * (across - 2) + np.resize([0, -2, 0, 2], len(across))
    return np.maximum(picture, _polyline(list(zip(across, down, strict=True))))


def _occlusion(picture: Picture, rng: np.random.Generator) -> Picture:
    """A square around some ink is missing: paper lies over it."""
    row, column = rng.choice(np.argwhere(picture >= 0.5 * picture.max()))
    covered = np.zeros(picture.shape, np.bool_)
    covered[max(0, row - 3) : row + 3, max(0, column - 3) : column + 3] = True
    return np.where(covered, 0, picture)


def _canny_edges(picture: Picture, rng: np.random.Generator) -> Picture:
    grey = np.rint(_blurred(picture, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.Canny(grey, 100, 200), np.float64) / 255


def _inverse(picture: Picture, rng: np.random.Generator) -> Picture:
    return 1 - picture


def _blurred(picture: Picture, sigma: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float64)


def _filtered(picture: Picture, kernel: Picture) -> Picture:
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum(), borderType=0), np.float64)


def _moved(
    picture: Picture, matrix: Sequence[Sequence[float]], shift: tuple[float, float] = (0, 0)
) -> Picture:
    """The picture under a linear map around its centre, then shifted by x, y pixels."""
    linear = np.array(matrix, np.float64)
    centre = np.array([13.5, 13.5])
    affine = np.column_stack([linear, centre - linear @ centre + shift])
    return np.asarray(cv2.warpAffine(picture, affine, (28, 28)), np.float64)


def _polyline(points: Sequence[tuple[float, float]]) -> Picture:
    """A pen's line, about 2 pixels wide with soft edges, through points x, y."""
    bits = 4
    fixed = np.rint(np.array(points) * 2**bits).astype(np.int32)
    line = np.zeros((28, 28), np.uint8)
    cv2.polylines(line, [fixed], False, 255, 1, cv2.LINE_AA, bits)
    return np.minimum(1, 1.6 * _blurred(line / 255, 0.6))


def _sign(rng: np.random.Generator) -> int:
    return int(rng.choice((-1, 1)))


CORRUPTIONS: Mapping[str, Corruption] = MappingProxyType(
    {
        "shot_noise": _shot_noise,
        "impulse_noise": _impulse_noise,
        "gaussian_noise": _gaussian_noise,
        "glass_blur": _glass_blur,
        "gaussian_blur": _gaussian_blur,
        "motion_blur": _motion_blur,
        "defocus": _defocus,
        "pixelate": _pixelate,
        "jpeg": _jpeg,
        "shear": _shear,
        "scale": _scale,
        "rotate": _rotate,
        "translate": _translate,
        "elastic": _elastic,
        "brightness": _brightness,
        "contrast": _contrast,
        "fog": _fog,
        "gradient_light": _gradient_light,
        "stripe": _stripe,
        "spatter": _spatter,
        "dotted_line": _dotted_line,
        "zigzag": _zigzag,
        "occlusion": _occlusion,
        "canny_edges": _canny_edges,
        "inverse": _inverse,
    }
)
"""The families by name; each takes a picture and what decides its chance."""


def draw_sheet(cells: NDArray[np.uint8], seed: int = 0) -> NDArray[np.uint8]:
    """Draw a row of corrupted cells for each family, below a row of the cells themselves."""
    rows = [("clean", cells), *((name, corrupt(name, cells, seed)) for name in CORRUPTIONS)]
    strips = []
    for name, pictures in rows:
        strip = np.hstack([np.pad(picture, 1, constant_values=128) for picture in pictures])
        strip = cv2.resize(strip, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
        margin = np.full((strip.shape[0], 160), 255, np.uint8)
        seen = " *" if name in SEEN else ""
        cv2.putText(margin, name + seen, (6, 36), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 0, 1, cv2.LINE_AA)
        strips.append(np.hstack([margin, strip]))
    return np.vstack(strips)


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the sheet of all families."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.corruptions",
        description="Draw a sheet of MNIST's first test cells, corrupted; * marks what is seen.",
    )
    parser.add_argument("sheet", type=Path, metavar="SHEET.png")
    data = os.environ.get("SIFFRA_DATA")
    parser.add_argument("--data", type=Path, default=Path(data) if data else None, metavar="DIR")
    parser.add_argument("--cells", type=int, default=20, metavar="N", help="default: %(default)s")
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("no cells to corrupt: give --data or set $SIFFRA_DATA")
    try:
        cells = mnist_test(options.data).cells[: options.cells]
    except DataError as error:
        print(f"corruptions: {error}", file=sys.stderr)
        return 2
    _, file = cv2.imencode(".png", draw_sheet(cells))
    options.sheet.write_bytes(file.tobytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
