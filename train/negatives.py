"""What is no digit, drawn by code: a network that never saw any takes everything for one.

Trained towards equal probabilities for all digits (Dhamija, Günther and Boult 2018, "Reducing
network agnostophobia"). Parts of digits are taken where no other digit is left: the upper half of
an 8 would be a 0.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from siffra import contract
from siffra.cells import normalise

from . import forms
from .augment import misplace, photograph, pictured, scaled, warp
from .data import Part
from .forms import pen, rounded

Ink: TypeAlias = NDArray[np.uint8]

_CANVAS = 72  # pixels, as in augment
_MIDDLE = _CANVAS // 2

# Letters that nobody takes for a digit; O, I, Z, S, B, q, g and the like are left out.
_LETTERS = "ACEFHKMNPRUVWXacdefhkmnpruvwx"
_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)
# Halves in which no other digit is left, by digit.
_HALVES: Mapping[int, str] = {
    0: "top bottom",
    2: "bottom",
    3: "bottom",
    5: "top",
}
_TURNABLE = (3, 4)  # on their side these are no digit


def letters(digits: Part, rng: np.random.Generator) -> Ink:
    """A printed letter, slanted and shaken by hand."""
    ink = np.zeros((contract.SIDE, contract.SIDE), np.uint8)
    letter, font = str(rng.choice(list(_LETTERS))), _FONTS[rng.integers(len(_FONTS))]
    (width, height), _ = cv2.getTextSize(letter, font, 0.75, 1)
    origin = (contract.SIDE - width) // 2, (contract.SIDE + height) // 2
    cv2.putText(ink, letter, origin, font, 0.75, 255, int(rng.integers(1, 3)), cv2.LINE_AA)
    return warp(ink, rng, strength=1.2)


def scribbles(digits: Part, rng: np.random.Generator) -> Ink:
    """A line that wanders about."""
    return _along(rng.uniform(14, _CANVAS - 14, (rng.integers(6, 12), 2)), rng)


def halves(digits: Part, rng: np.random.Generator) -> Ink:
    """Half of a digit."""
    label = int(rng.choice(list(_HALVES)))
    ink = warp(_one_of(digits, rng, label), rng, strength=1.0)
    rows = np.flatnonzero(ink.max(axis=1))
    side = str(rng.choice(_HALVES[label].split()))
    if not rows.size:
        return ink
    share = rng.uniform(0.42, 0.54)
    row = round(rows[0] + share * (rows[-1] - rows[0]))
    if side == "top":
        ink[row:] = 0
    else:
        ink[: round(rows[-1] - share * (rows[-1] - rows[0]))] = 0
    return ink


def pairs(digits: Part, rng: np.random.Generator) -> Ink:
    """Two digits in one box, beside or over each other."""
    ink = np.zeros((_CANVAS, 2 * _CANVAS), np.uint8)
    first, second = (warp(_one_of(digits, rng), rng, strength=1.0) for _ in range(2))
    apart = round(rng.uniform(22, 44))
    ink[:, :_CANVAS] = first
    window = ink[:, apart : apart + _CANVAS]
    np.maximum(window, second, out=window)
    return ink


def shuffled(digits: Part, rng: np.random.Generator) -> Ink:
    """Quarters of different digits put together."""
    ink = np.zeros((_CANVAS, _CANVAS), np.uint8)
    for row in (slice(None, _MIDDLE), slice(_MIDDLE, None)):
        for column in (slice(None, _MIDDLE), slice(_MIDDLE, None)):
            other = warp(_one_of(digits, rng), rng, strength=1.0)
            turned = other[:: rng.choice([-1, 1]), :: rng.choice([-1, 1])]
            ink[row, column] = turned[row, column]
    return ink


def turned(digits: Part, rng: np.random.Generator) -> Ink:
    """A digit on its side."""
    ink = warp(_one_of(digits, rng, int(rng.choice(_TURNABLE))), rng, strength=1.0)
    return np.ascontiguousarray(np.rot90(ink, int(rng.choice([1, 3]))))


def blobs(digits: Part, rng: np.random.Generator) -> Ink:
    """Spots without strokes, round or ragged."""
    ink = np.zeros((_CANVAS, _CANVAS), np.uint8)
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    for _ in range(rng.integers(1, 4)):
        waves = sum(
            rng.normal(0, 0.35 / k) * np.cos(k * angles + rng.uniform(0, 2 * np.pi))
            for k in range(1, 6)
        )
        radius = rng.uniform(7, 16) * np.clip(1 + waves, 0.3, 1.9)
        stretch, centre = rng.uniform(0.6, 1.5, 2), rng.uniform(24, 48, 2)
        outline = np.stack([np.cos(angles), np.sin(angles)], axis=1) * stretch * radius[:, None]
        cv2.fillPoly(ink, [np.rint(outline + centre).astype(np.int32)], 255)
    return ink


def strokes(digits: Part, rng: np.random.Generator) -> Ink:
    """Several straight or bent strokes, crossing or not, as in signs and letters of any script."""
    ink = np.zeros((_CANVAS, _CANVAS), np.uint8)
    for _ in range(rng.integers(3, 6)):
        ends = rng.uniform(14, _CANVAS - 14, (2, 2))
        bend = rng.normal(0, 9, 2)
        line = np.array([ends[0], ends.mean(axis=0) + bend, ends[1]])
        ink = np.maximum(ink, _along(line, rng))
    return ink


KINDS: Mapping[str, Callable[[Part, np.random.Generator], Ink]] = {
    kind.__name__: kind
    for kind in (letters, scribbles, halves, pairs, shuffled, turned, blobs, strokes)
}


def cell(kind: str, digits: Part, rng: np.random.Generator) -> Ink:
    """A non-digit of a kind, uint8 [28, 28]; `digits` are what some kinds are made from."""
    ink = KINDS[kind](digits, rng)
    seen = pictured(scaled(ink, rng), rng) if rng.random() < 0.4 else None
    return misplace(normalise(photograph(ink, rng)), rng) if seen is None else seen


def _one_of(digits: Part, rng: np.random.Generator, label: int | None = None) -> Ink:
    """A digit by chance, of that label if one is asked for; written by code where there is none."""
    if label is not None and label not in digits.labels:
        return forms.cell(label, rng)
    while True:
        index = rng.integers(len(digits.labels))
        if label is None or digits.labels[index] == label:
            return np.asarray(digits.cells[index], np.uint8)


def _along(points: NDArray[np.float64], rng: np.random.Generator) -> Ink:
    """A pen drawn along a smooth line near the points."""
    return pen([rounded(points)], (_CANVAS, _CANVAS), rng.uniform(2, 8))
