"""What is on paper without a pen: its grain and creases, other surfaces, stains."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Surface = Callable[[np.random.Generator], NDArray[np.uint8]]


def random_size(rng: np.random.Generator) -> tuple[int, int]:
    """Height and width of a picture, 64 to 160 pixels."""
    height, width = rng.integers(64, 161, 2)
    return int(height), int(width)


def on_paper(ink: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The picture of ink, 0 none to 1 full, on light paper: a little soft, a little noisy."""
    paper, dark = rng.uniform(215, 255), rng.uniform(10, 90)
    soft = cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.3, 1.0))
    picture = paper + (dark - paper) * soft + rng.normal(0, rng.uniform(0, 4), ink.shape)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _paper_grain(rng: np.random.Generator) -> NDArray[np.uint8]:
    size = random_size(rng)
    fibres = _noise(size, (rng.uniform(0.6, 2.5), rng.uniform(0.6, 2.5)), rng)
    specks = _noise(size, (0.5, 0.5), rng)
    return _toned(fibres * rng.uniform(2, 14) + specks * rng.uniform(0, 6), rng)


def _crumpled_paper(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Facets, each lit by its own slope, that meet in creases."""
    y, x = np.mgrid[: (size := random_size(rng))[0], : size[1]]
    count = int(rng.integers(6, 30))
    centres = rng.uniform(0, 1, (count, 2)) * size
    nearest = np.argmin([(y - cy) ** 2 + (x - cx) ** 2 for cy, cx in centres], axis=0)
    slope_y, slope_x, light = rng.normal(0, 1, (3, count))
    facets = light[nearest] + (
        (y - centres[nearest, 0]) * slope_y[nearest] + (x - centres[nearest, 1]) * slope_x[nearest]
    ) / (0.3 * min(size))
    soft = cv2.GaussianBlur(facets, (0, 0), rng.uniform(0.5, 1.5))
    return _toned(soft * rng.uniform(4, 16), rng)


def _wood(rng: np.random.Generator) -> NDArray[np.uint8]:
    size = random_size(rng)
    y, x = np.mgrid[: size[0], : size[1]] / min(size)
    angle = rng.uniform(-0.6, 0.6)
    across = y * np.cos(angle) + x * np.sin(angle)
    rings = np.sin(2 * np.pi * rng.uniform(5, 12) * across + 3 * _noise(size, (8, 30), rng))
    fibres = _noise(size, (0.7, 12), rng)
    return _toned(rings * rng.uniform(4, 14) + fibres * rng.uniform(3, 8), rng)


def _weave(rng: np.random.Generator) -> NDArray[np.uint8]:
    size = random_size(rng)
    y, x = np.mgrid[: size[0], : size[1]]
    pitch = rng.uniform(4, 9)
    angle = rng.uniform(0, np.pi)
    warp = np.sin(2 * np.pi / pitch * (x * np.cos(angle) + y * np.sin(angle)))
    weft = np.sin(2 * np.pi / pitch * (y * np.cos(angle) - x * np.sin(angle)))
    rough = _noise(size, (1, 1), rng) * rng.uniform(2, 6)
    return _toned((warp + weft) * rng.uniform(4, 14) + rough, rng)


def _clouds(rng: np.random.Generator) -> NDArray[np.uint8]:
    size = random_size(rng)
    layers = [_noise(size, (grain, grain), rng) * grain for grain in (2.0, 6.0, 18.0)]
    return _toned(sum(layers, np.zeros(size)) * rng.uniform(0.5, 2), rng)


def _empty(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Nothing but paper in uneven light, perhaps with its edge on a darker table."""
    size = random_size(rng)
    y, x = np.mgrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j]
    angle, place = rng.uniform(0, 2 * np.pi), rng.uniform(-0.8, 0.8)
    away = x * np.cos(angle) + y * np.sin(angle)
    table = rng.uniform(30, 120) * (rng.random() < 0.6) / (1 + np.exp((place - away) / 0.02))
    light = rng.uniform(0, 40) * away + rng.uniform(0, 30) * (x**2 + y**2)
    return _toned(-table - light + rng.normal(0, rng.uniform(0.5, 4), size), rng)


TEXTURES: tuple[Surface, ...] = (_paper_grain, _crumpled_paper, _wood, _weave, _clouds, _empty)


def _noise(
    size: tuple[int, int], grain: tuple[float, float], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Noise of standard deviation 1 whose spots are so many pixels high and wide."""
    soft = cv2.GaussianBlur(rng.normal(0, 1, size), (0, 0), sigmaX=grain[1], sigmaY=grain[0])
    return np.asarray(soft / soft.std(), np.float64)


def _toned(change: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A surface of some brightness and what it changes by."""
    return np.clip(np.rint(rng.uniform(170, 235) + change), 0, 255).astype(np.uint8)


def _coffee_rings(rng: np.random.Generator) -> NDArray[np.uint8]:
    """The edge of a cup set down three or four times, and drops that fell beside it.

    Larger than the picture and nearly concentric, so that no ring closes to a 0 and no two make an
    8 or a 9.
    """
    size = random_size(rng)
    y, x = np.mgrid[: size[0], : size[1]]
    radius = rng.uniform(0.6, 1.0) * min(size)
    middle = np.array(size[::-1]) / 2
    cup = middle + radius * rng.uniform(0.7, 1.1) * _direction(rng.uniform(0, 2 * np.pi))
    stain = np.zeros(size)
    for centre in cup + rng.normal(0, 0.12 * radius, (int(rng.integers(3, 5)), 2)):
        away = np.hypot(x - centre[0], y - centre[1]) + 1.5 * _noise(size, (6, 6), rng)
        width = rng.uniform(0.02, 0.06) * min(size)
        wet = np.clip(0.7 + 0.5 * _noise(size, (15, 15), rng), 0.1, 1)
        rim = wet * np.exp(-(((away - radius) / width) ** 2))
        inside = rng.uniform(0.05, 0.25) / (1 + np.exp((away - radius) / width))
        stain = np.maximum(stain, np.maximum(rim, inside))
    drops = _drops(size, middle, rng.uniform(0.1, 0.2) * min(size), int(rng.integers(2, 9)), rng)
    return on_paper(rng.uniform(0.5, 1) * np.maximum(stain, 0.8 * drops), rng)


def _splash(rng: np.random.Generator) -> NDArray[np.uint8]:
    """A drop that burst: fingers all around, and droplets further out."""
    size = random_size(rng)
    middle = np.array(size[::-1]) * rng.uniform(0.4, 0.6, 2)
    radius = rng.uniform(0.1, 0.2) * min(size)
    fingers = int(rng.integers(7, 16))
    angle = rng.uniform(0, 2 * np.pi) + np.linspace(0, 2 * np.pi, 12 * fingers, endpoint=False)
    # One finger for each wave of the cosine; the power makes it slim.
    waves = np.clip(np.cos(np.arange(12 * fingers) * np.pi / 6), 0, 1) ** rng.uniform(1, 5)
    reach = 1 + np.repeat(rng.uniform(0, 1.4, fingers), 12) * np.roll(waves, 6)
    outline = middle + radius * reach[:, None] * _direction(angle) * rng.uniform(0.7, 1, 2)
    burst = np.zeros(size, np.uint8)
    cv2.fillPoly(burst, [np.rint(16 * outline).astype(np.int32)], 255, cv2.LINE_AA, 4)
    drops = _drops(size, middle, radius, int(rng.integers(6, 25)), rng)
    return on_paper(rng.uniform(0.6, 1) * np.maximum(burst / 255, drops), rng)


def _drops(
    size: tuple[int, int],
    middle: NDArray[np.float64],
    radius: float,
    count: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Drops flung out from a middle x, y, each longer in that direction: 0 none to 1 full."""
    drops = np.zeros(size, np.uint8)
    for angle in rng.uniform(0, 2 * np.pi, count):
        x, y = middle + radius * rng.uniform(1.8, 3.5) * _direction(angle)
        across = rng.uniform(0.1, 0.5) * radius
        ellipse = (float(x), float(y)), (across * rng.uniform(1, 2.5), across), np.degrees(angle)
        cv2.ellipse(drops, ellipse, 255, cv2.FILLED, cv2.LINE_AA)
    return drops / 255


def _direction(angle: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _smear(rng: np.random.Generator) -> NDArray[np.uint8]:
    """What a sleeve leaves: streaks side by side that fade out, more level than upright."""
    size = random_size(rng)
    y, x = np.mgrid[: size[0], : size[1]]
    angle = rng.uniform(-0.7, 0.7) + np.pi * rng.integers(2)
    y, x = (y - size[0] / 2) / min(size), (x - size[1] / 2) / min(size)
    bend = rng.uniform(-0.5, 0.5)
    along = x * np.cos(angle) + y * np.sin(angle)
    across = y * np.cos(angle) - x * np.sin(angle) + bend * along**2
    bristles = np.convolve(rng.uniform(0, 1.6, 100), [0.25, 0.5, 0.25], "same")
    starts = np.convolve(rng.normal(-0.35, 0.12, 100), [0.25, 0.5, 0.25], "same")
    lane = (across + 1) * 50
    half = rng.uniform(0.2, 0.4)
    ink = np.interp(lane, np.arange(100), bristles) * np.clip((half - np.abs(across)) * 20, 0, 1)
    begun = np.clip((along - np.interp(lane, np.arange(100), starts)) * 15, 0, 1)
    fading = np.clip(1 - (along + 0.35) / rng.uniform(0.6, 1.1), 0, 1)
    grain = np.clip(0.9 + 0.25 * _noise(size, (0.8, 0.8), rng), 0, 1)
    return on_paper(np.clip(ink, 0, 1) * begun * fading * grain, rng)


STAINS: tuple[Surface, ...] = (_coffee_rings, _splash, _smear)
