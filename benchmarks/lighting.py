"""Light on a page: lamps, shadows, creases."""

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.surfaces import LARGEST_DRAWN


def illumination(
    strength: float, size: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Light on each pixel, float64 [height, width, 3]: a lamp's fall-off, a vignette, a shadow."""
    height, width = size
    shrink = max(1.0, np.sqrt(height * width / LARGEST_DRAWN))
    y, x = np.mgrid[-1 : 1 : round(height / shrink) * 1j, -1 : 1 : round(width / shrink) * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    away = (x * np.cos(angle) + y * np.sin(angle)) / np.sqrt(2)
    fall_off = 1 - 0.25 * strength * (1 + away)
    vignette = 1 - 0.15 * strength * (x**2 + y**2)
    # A shadow with a soft, straight edge, such as an arm or the phone throws.
    angle = rng.uniform(0, 2 * np.pi)
    reach = x * np.cos(angle) + y * np.sin(angle) - rng.uniform(0.1, 0.6)
    shadow = 1 - 0.35 * strength / (1 + np.exp(-reach / rng.uniform(0.03, 0.1)))
    warmth = 1 + strength * np.array([-0.06, -0.01, 0.02])
    light = np.asarray((fall_off * vignette * shadow)[..., None] * warmth, np.float64)
    if shrink > 1:
        light = np.asarray(cv2.resize(light, (width, height)), np.float64)
    return light


def cast(
    picture: NDArray[np.float64],
    shadow: float,
    vignette: float,
    relief: float,
    rng: np.random.Generator,
) -> None:
    """Take light from a picture, float64 [height, width, 3], in place.

    Args:
        picture: What is lit evenly.
        shadow: A shadow with a sharp edge, 0 none to 1.
        vignette: Dark corners, 0 none to 1.
        relief: Folds and crumples, 0 none to 1.
        rng: Chooses where.
    """
    size = picture.shape[:2]
    if shadow > 0:
        picture *= _hard_shadow(shadow, size, rng)[..., None]
    if vignette > 0:
        picture *= _dark_corners(vignette, size)[..., None]
    if relief > 0:
        picture *= _creases(relief, size, rng)[..., None]


def _dark_corners(strength: float, size: tuple[int, ...]) -> NDArray[np.float64]:
    """A lens that darkens the corners by up to 80 %: float64 [height, width]."""
    height, width = size
    y = np.linspace(-1, 1, height)[:, None] ** 2
    x = np.linspace(-1, 1, width)[None] ** 2
    return np.asarray(1 - 0.8 * strength * ((x + y) / 2) ** 1.5, np.float64)


def _hard_shadow(
    strength: float, size: tuple[int, ...], rng: np.random.Generator
) -> NDArray[np.float64]:
    """The shadow of an arm, a phone or two fingers, with a sharp edge: float64 [height, width].

    It takes up to 70 % of the light; its edge is about as wide as a pen's stroke.
    """
    height, width = size
    short = min(size)
    mask = np.zeros(size, np.uint8)
    middle = np.array([width, height]) * rng.uniform(0.25, 0.75, 2)
    angle = rng.uniform(0, 2 * np.pi)
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    kind = rng.integers(3)
    if kind == 0:
        # An arm: a band that comes in from one side, narrower at its hand.
        wide = short * rng.uniform(0.12, 0.3)
        far = middle + 2 * max(size) * along
        corners = [middle + 0.6 * wide * across, far + 1.3 * wide * across]
        corners += [far - 1.3 * wide * across, middle - 0.6 * wide * across]
        cv2.fillConvexPoly(mask, np.rint(corners).astype(np.int32), 255, cv2.LINE_AA)
        cv2.circle(mask, np.rint(middle).astype(int).tolist(), round(0.75 * wide), 255, cv2.FILLED)
    elif kind == 1:
        # The phone itself, and the hand that holds it.
        half = short * np.array([rng.uniform(0.3, 0.45), rng.uniform(0.16, 0.24)])
        turned = (middle.tolist(), (2 * half).tolist(), float(np.degrees(angle)))
        cv2.fillConvexPoly(mask, np.rint(cv2.boxPoints(turned)).astype(np.int32), 255, cv2.LINE_AA)
        far = middle + 2 * max(size) * along
        ends = [np.rint(end).astype(int).tolist() for end in (middle, far)]
        cv2.line(mask, ends[0], ends[1], 255, round(0.7 * half[1]), cv2.LINE_AA)
    else:
        # A head or a book: all to one side of an edge.
        corners = [
            middle + 4 * max(size) * (sideways * across + ahead * along)
            for sideways, ahead in ((1, 0), (1, 1), (-1, 1), (-1, 0))
        ]
        cv2.fillConvexPoly(mask, np.rint(corners).astype(np.int32), 255, cv2.LINE_AA)
    soft = cv2.GaussianBlur(mask.astype(np.float64), (0, 0), short * rng.uniform(0.002, 0.008))
    return np.asarray(1 - 0.7 * strength * soft / 255, np.float64)


def _creases(
    strength: float, size: tuple[int, ...], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Paper that was folded or crumpled: float64 [height, width], up to 25 % darker or lighter."""
    height, width = size
    if height * width > LARGEST_DRAWN:
        small = _creases(strength, (height // 2, width // 2), rng)
        return np.asarray(cv2.resize(small, (width, height)), np.float64)
    short = min(size)
    y, x = np.mgrid[:height, :width].astype(np.float32) / short
    relief = np.zeros(size, np.float64)
    for _ in range(int(rng.integers(1, 3))):
        # A fold: the two halves lie at different angles to the light, and the edge is worn.
        angle = rng.choice((0.0, np.pi / 2)) + rng.normal(0, 0.08)
        place = rng.uniform(0.25, 0.75) * np.array([width, height]) / short
        away = (x - place[0]) * np.cos(angle) + (y - place[1]) * np.sin(angle)
        relief += rng.choice((-1, 1)) * 0.1 * np.sign(away) * np.exp(-np.abs(away) / 0.3)
        relief += rng.choice((-1, 1)) * 0.18 * np.exp(-((away / 0.004) ** 2))
    if rng.random() < strength:
        # Crumpled: ridges where a smooth height would change its sign, lit from one side.
        height_at = sum(
            np.abs(_rolling(size, short / number, rng)) / number for number in (3, 6, 11)
        )
        slope_y, slope_x = np.gradient(height_at)
        light = rng.uniform(0, 2 * np.pi)
        slopes = short * (slope_x * np.cos(light) + slope_y * np.sin(light))
        relief += 0.03 * cv2.GaussianBlur(slopes, (0, 0), 0.003 * short)
    return np.asarray(1 + strength * np.clip(relief, -0.3, 0.25), np.float64)


def _rolling(size: tuple[int, ...], length: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Smooth noise of standard deviation 1 that shows no grid, float64 [height, width].

    Unlike that of paper, whose slopes nobody sees: a slope shows how the noise was interpolated.
    """
    height, width = size
    rows, columns = (round(4 * side / length) + 8 for side in size)
    coarse = cv2.GaussianBlur(rng.normal(0, 1, (rows, columns)), (0, 0), 1.4)
    smooth = cv2.resize(coarse[4:-4, 4:-4], (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(smooth / coarse.std(), np.float64)
