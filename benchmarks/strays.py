"""What the pen leaves on a page beside digits: signs, letters, scribbles, specks."""

from dataclasses import dataclass

import numpy as np

from benchmarks.hand import Hand, Strokes, Written
from benchmarks.nondigit_strokes import LETTERS, SYMBOLS, scribble, word
from benchmarks.strokes import STYLES, digit_strokes, points_of, write

_CURRENCIES = ("euro", "yen", "hash", "per cent")


@dataclass(frozen=True)
class Strays:
    """What the pen leaves that is no digit; all off by default: 0 none to 1, wherever it fits."""

    points: float = 0
    """Commas and decimal points between digits, minus signs before a line."""
    letters: float = 0
    """Words, letters and signs of currency before and after the digits of a line."""
    scribbles: float = 0
    """Digits that are struck out beyond reading, at the end of a line."""
    specks: float = 0
    """Specks of ink all over the page."""


def before(line: str, hand: Hand, strays: Strays, rng: np.random.Generator) -> list[Written]:
    """What stands before the digits of a line, on a baseline of 0."""
    found = []
    if rng.random() < strays.letters:
        found.append(_letters(hand, rng))
    if line and rng.random() < strays.points:
        y = rng.uniform(-0.55, -0.4)
        found.append(Written([np.array([[0, y], [rng.uniform(0.25, 0.45), y - 0.02]])], 1))
    return found


def between(strays: Strays, rng: np.random.Generator) -> list[Written]:
    """What stands between two digits, on a baseline of 0."""
    if rng.random() >= 0.5 * strays.points:
        return []
    down = rng.uniform(0.1, 0.2) if rng.random() < 0.6 else 0.02
    return [Written([np.array([[0.05, -0.03], [0.05 - down / 2, -0.03 + down]])], 1)]


def after(hand: Hand, strays: Strays, rng: np.random.Generator) -> list[Written]:
    """What stands after the digits of a line, on a baseline of 0."""
    found = []
    if rng.random() < strays.scribbles:
        digit = digit_strokes(int(rng.integers(10)), str(rng.choice(list(STYLES))), rng)
        middle = np.concatenate(digit).max(axis=0) / 2
        passes = [stroke + middle for stroke in scribble(1, 1.5 * hand.thickness, rng)]
        found.append(_standing(write([*digit, *passes], slant=0, width=1, wobble=0.01, rng=rng)))
    if rng.random() < 0.5 * strays.letters:
        found.append(_letters(hand, rng))
    return found


def _letters(hand: Hand, rng: np.random.Generator) -> Written:
    """A word, a letter or a sign."""
    kind = rng.random()
    if kind < 0.6:
        form, tall = word(rng), rng.uniform(0.8, 1.1)
    elif kind < 0.8:
        form, tall = points_of(LETTERS[str(rng.choice(list(LETTERS)))]), 0.9
    else:
        form, tall = points_of(SYMBOLS[str(rng.choice(_CURRENCIES))]), 0.9
    # `write` brings the longer side to 1, which is the width of a word.
    extent = float(np.ptp(np.concatenate(form), axis=0).max())
    strokes = write(form, slant=STYLES[hand.style].slant, width=0.9, wobble=0.01, rng=rng)
    return _standing([tall * extent * stroke for stroke in strokes])


def _standing(strokes: Strokes) -> Written:
    """Strokes moved onto a baseline of 0."""
    low = np.concatenate(strokes)[:, 1].max()
    return Written([stroke - np.array([0, low]) for stroke in strokes], 1)


def specks(
    strays: Strays, unit: float, size: tuple[int, int], rng: np.random.Generator
) -> list[Written]:
    """Specks all over a page of some size where digits are `unit` pixels high."""
    count = rng.poisson(30 * strays.specks) if strays.specks > 0 else 0
    places = rng.uniform(0.03, 0.97, (count, 2)) * size[::-1]
    # The pen's width at that place is a share of the height: that of a speck varies.
    sizes = np.exp(rng.uniform(np.log(0.15), np.log(1.2), count))
    return [
        Written([np.array([place, place + rng.normal(0, 0.02 * unit, 2)])], unit * share)
        for place, share in zip(places, sizes, strict=True)
    ]
