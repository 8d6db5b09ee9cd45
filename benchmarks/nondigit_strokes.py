"""What the pen draws that is no digit: letters, symbols, shapes, hatchings, scribbles.

Whatever a person might take for a digit is left out: letters such as o, S or Y, the signs & and §,
plain squares, a lone upright line.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from benchmarks.strokes import points_of

Strokes = list[NDArray[np.float64]]
"""Each float64 [n, 2]: points x, y that the pen passes, y down; a point given twice is a corner."""

# Noted as the digits in `benchmarks.strokes.FORMS`.
LETTERS: Mapping[str, str] = MappingProxyType(
    {
        "A": "0,100 30,0 30,0 62,100 / 11,62 51,61",
        "Ä": "0,100 30,24 30,24 62,100 / 11,74 51,73 / 14,2 17,5 / 44,2 47,5",
        "Æ": "0,100 45,0 45,0 95,1 / 51,0 50,50 51,100 51,100 97,99 / 20,60 50,59 / 51,50 88,49",
        "E": "0,0 0,50 1,100 / 0,1 54,0 / 0,50 44,48 / 0,99 56,98",
        "E-unbroken": "55,1 0,0 0,0 0,50 2,100 2,100 58,98 / 0,49 45,48",
        "Ë": "0,24 0,62 0,100 / 0,25 52,24 / 0,62 43,60 / 0,99 54,98 / 12,3 15,6 / 38,3 41,6",
        "F": "0,0 2,50 2,100 / 0,2 30,0 58,1 / 1,46 44,44",
        "H": "0,0 1,50 2,100 / 58,0 58,50 58,100 / 1,50 58,48",
        "K": "0,0 2,50 2,100 / 56,0 2,55 / 18,42 58,100",
        "K-hooked": "0,0 1,50 0,100 / 54,2 5,52 5,52 58,99",
        "M": "0,100 4,0 4,0 38,66 38,66 72,0 72,0 78,100",
        "M-spread": "0,100 20,0 20,0 43,72 43,72 66,0 66,0 88,100",
        "N": "0,100 2,0 2,0 58,100 58,100 60,0",
        "Ñ": "0,100 2,28 2,28 58,100 58,100 60,28 / 8,8 20,0 38,9 52,1",
        "P": "0,0 2,50 2,100 / 0,4 30,0 52,14 50,38 28,52 2,52",
        "R": "0,0 1,50 2,100 / 0,4 30,0 50,14 48,38 26,50 2,52 / 22,51 58,100",
        "V": "0,0 36,100 36,100 74,0",
        "W": "0,0 22,100 22,100 46,25 46,25 68,100 68,100 92,0",
        "h": "0,0 2,50 2,100 / 2,66 20,48 42,50 48,70 50,100",
        "k": "0,0 1,50 2,100 / 46,42 4,72 4,72 50,100",
        "m": "0,46 2,70 2,100 2,100 4,66 20,46 34,58 36,100 36,100 38,66 54,46 68,58 72,100",
        "w": "0,50 4,86 16,100 30,90 34,58 34,58 38,90 52,100 64,86 66,50",
        "Δ": "0,100 42,0 42,0 86,100 86,100 0,100",
        "Ξ": "0,0 70,2 / 12,50 58,50 / 0,100 70,98",
        "Π": "0,2 38,0 76,1 / 12,2 12,50 12,100 / 62,2 62,50 62,100",
        "Ψ": "0,0 4,34 20,54 44,58 64,52 78,32 80,0 / 39,0 40,50 40,100",
        "π": "0,12 16,2 40,4 84,0 / 26,4 24,60 14,100 / 58,3 56,60 62,94 74,96",
        "ω": "14,50 0,72 8,98 26,96 34,74 34,74 42,96 60,98 68,72 54,50",
        "Д": "18,80 32,0 32,0 66,0 66,0 68,80 / 0,102 2,80 2,80 86,80 86,80 88,102",
        "Ж": "0,2 46,52 46,52 0,100 / 92,0 46,52 46,52 94,100 / 46,0 46,50 46,100",
        "И": "0,0 2,100 2,100 58,0 58,0 60,100",
        "Й": "0,28 2,100 2,100 58,28 58,28 60,100 / 14,0 30,12 46,0",
        "Ш": "0,0 1,50 2,100 2,100 84,100 84,100 84,0 / 42,0 42,50 42,100",
        "Щ": "0,0 2,88 2,88 84,88 84,88 98,90 98,112 / 42,0 42,88 / 82,0 82,88",
    }
)

SYMBOLS: Mapping[str, str] = MappingProxyType(
    {
        "plus": "50,0 50,100 / 0,50 100,50",
        "equals": "0,0 100,2 / 0,44 100,42",
        "not equal": "0,20 100,20 / 0,64 100,64 / 74,-14 26,96",
        "plus minus": "50,0 50,76 / 6,38 94,38 / 6,102 94,100",
        "divided by": "0,50 100,50 / 48,8 52,14 / 48,86 52,92",
        "per cent": (
            "20,0 6,6 2,22 10,36 24,38 36,28 36,12 20,0 / 96,0 16,100 /"
            " 92,62 78,68 74,84 82,98 96,100 108,90 108,74 92,62"
        ),
        "question": "0,22 8,6 30,0 52,8 56,26 44,42 32,54 30,70 / 27,92 35,90 36,98 28,97",
        "hash": "26,0 14,100 / 66,0 54,100 / 0,32 82,32 / -4,68 78,68",
        "at": (
            "66,34 50,28 36,40 34,60 46,70 60,62 66,36 66,36 64,62 74,72 90,60 94,36 80,12 50,2"
            " 20,14 4,42 10,76 34,96 66,98 86,88"
        ),
        "asterisk": "50,0 50,100 / 6,25 94,75 / 94,25 6,75",
        "arrow right": "0,36 100,36 / 66,0 100,36 100,36 66,72",
        "arrow left": "0,36 100,36 / 34,0 0,36 0,36 34,72",
        "arrow both ways": "0,34 110,34 / 78,4 110,34 110,34 78,64 / 32,4 0,34 0,34 32,64",
        "tick": "0,54 26,100 26,100 90,0",
        "cross": "0,0 80,100 / 80,2 0,98",
        "heart": "50,100 12,56 0,28 12,4 36,4 50,28 50,28 64,4 88,4 100,28 88,56 50,100",
        "star": "50,0 80,96 80,96 2,36 2,36 98,36 98,36 20,96 20,96 50,0",
        "euro": "80,12 54,0 28,12 16,46 26,84 52,100 80,90 / 0,36 62,36 / 0,60 58,60",
        "yen": "0,0 40,48 40,48 80,0 / 40,48 40,100 / 8,58 72,58 / 8,78 72,78",
        "root": "0,58 14,50 34,100 34,100 56,0 56,0 126,0",
        "music": (
            "28,84 12,82 2,92 12,102 28,94 28,80 28,80 28,8 28,8 92,0 92,0 92,72 92,86 76,94"
            " 66,84 76,74 92,76 / 28,24 92,16"
        ),
        "crown": (
            "0,20 10,90 10,90 90,90 90,90 100,20 100,20 74,56 74,56 50,0 50,0 26,56 26,56 0,20"
        ),
        "face": (
            "50,0 14,14 0,50 14,86 50,100 86,86 100,50 86,14 50,0 / 32,34 34,42 / 66,34 68,42 /"
            " 24,62 38,78 62,78 76,62"
        ),
        "umbrella": (
            "0,50 10,20 50,0 90,20 100,50 100,50 75,42 50,50 50,50 25,42 0,50 /"
            " 50,50 50,92 62,104 74,92"
        ),
        "envelope": "0,0 100,0 100,0 100,66 100,66 0,66 0,66 0,0 0,0 50,40 50,40 100,0",
        "boat": "0,70 16,100 16,100 84,100 84,100 100,70 100,70 0,70 / 46,70 46,0 46,0 88,56 46,56",
        "anchor": "50,16 50,100 / 24,32 76,32 / 0,62 14,90 50,100 86,90 100,62 / 44,2 56,2 50,16",
    }
)

# Small letters joined as in a word: one stroke each, from the upstroke that leads to it to the one
# that leads on, 100 being the line they stand on.
JOINED: Mapping[str, str] = MappingProxyType(
    {
        "a": "34,56 18,50 4,70 8,96 24,96 34,58 34,58 34,88 46,98",
        "d": "34,58 16,50 4,72 10,97 26,92 34,0 34,0 33,86 46,98",
        "e": "8,80 26,68 24,51 10,54 5,80 16,98 36,95",
        "h": "4,60 20,14 16,0 6,14 4,98 4,98 8,66 22,52 30,64 30,90 42,98",
        "m": "4,54 5,98 5,98 9,64 20,50 27,62 27,98 27,98 31,64 42,50 49,62 50,90 60,98",
        "n": "4,54 6,98 6,98 10,66 24,50 32,62 32,90 42,98",
        "p": "4,52 4,145 4,145 6,62 22,50 34,66 28,92 14,96 46,99",
        "r": "4,60 8,48 14,58 28,54 26,84 38,98",
        "u": "2,52 4,84 14,99 28,88 32,52 32,52 33,88 44,98",
        "w": "2,52 6,90 16,98 26,86 28,58 28,58 30,90 42,98 52,84 54,56 64,62",
    }
)


def word(rng: np.random.Generator) -> Strokes:
    """Three or four letters in one stroke; one of them at least could be no digit by itself."""
    letters = [*rng.choice(list(JOINED), rng.integers(2, 4)), rng.choice(list("hmnuw"))]
    cursor, parts = 0.0, []
    for letter in rng.permutation(letters):
        (points,) = points_of(JOINED[str(letter)])
        parts.append(points + np.array([cursor, 0]))
        cursor += points[:, 0].max() + rng.uniform(0, 0.06)
    return [np.concatenate(parts)]


def scribble(height: float, spacing: float, rng: np.random.Generator) -> Strokes:
    """What strikes out a digit of some height: passes back and forth, or loops, or both ways."""
    size = height * rng.uniform(0.95, 1.2, 2)
    angle = rng.uniform(-0.6, 0.6)
    passes = int(np.ceil(size[0] / spacing))
    if rng.random() < 0.4:
        way = np.linspace(0, 1, 12 * passes)
        turn = 2 * np.pi * passes / 1.8 * way
        loops = np.column_stack([way - 0.5 + 0.12 * np.sin(turn), 0.5 * np.cos(turn)])
        return [_turned(loops * size, angle)]
    if rng.random() < 0.5:
        return [_turned(_back_and_forth(passes, rng) * size, angle)]
    looser = max(5, round(0.6 * passes))
    return [
        _turned(_back_and_forth(looser, rng) * size, angle + across)
        for across in (0, rng.uniform(1, 1.6))
    ]


def _triangle(rng: np.random.Generator) -> Strokes:
    return [_closed(_around(3, rng) * rng.uniform(0.7, 1, (3, 1)))]


def _polygon_with_diagonals(rng: np.random.Generator) -> Strokes:
    """Without the diagonals five corners and more are a 0 in a quick hand."""
    count = int(rng.integers(4, 7))
    corners = _around(count, rng)
    diagonals = [
        corners[[i, j]] for i in range(count) for j in range(i + 2, count) if (j + 1) % count != i
    ]
    return [_closed(corners), *diagonals]


def _star(rng: np.random.Generator) -> Strokes:
    corners = _around(2 * int(rng.integers(4, 8)), rng)
    corners[::2] *= rng.uniform(0.35, 0.5)
    return [_closed(corners)]


def _spiral(rng: np.random.Generator) -> Strokes:
    """Of more turns than a 6, a 9 or an @ has."""
    turns = rng.uniform(3, 5)
    way = np.linspace(0.15, 1, int(12 * turns))
    angle = rng.choice((-1, 1)) * 2 * np.pi * turns * way + rng.uniform(0, 2 * np.pi)
    return [0.5 * way[:, None] * _direction(angle)]


def _wheel(rng: np.random.Generator) -> Strokes:
    rim = _around(16, rng)
    spokes = int(rng.integers(2, 5))
    return [_ring(rim), *(rim[[i, i + 8]] for i in 8 * np.arange(spokes) // spokes)]


def _web(rng: np.random.Generator) -> Strokes:
    """The threads hold the rings together, or a reader takes the inmost for a 0 in frames."""
    corners = _around(int(rng.integers(4, 8)), rng)
    rings = np.linspace(1, 0.3, int(rng.integers(3, 5)))
    return [*(_closed(corners * size) for size in rings), *(np.stack([c, 0 * c]) for c in corners)]


def _house(rng: np.random.Generator) -> Strokes:
    wall, ridge = rng.uniform(0.35, 0.5), rng.uniform(0.1, 0.9)
    outline = np.array([[0, wall], [ridge, 0], [1, wall], [1, 1], [0, 1]])
    door = np.array([[0.15, 1], [0.15, 0.65], [0.4, 0.65], [0.4, 1]])
    window = np.array([[0.55, 0.55], [0.85, 0.55], [0.85, 0.85], [0.55, 0.85]])
    # With its bars, for without them it is a plain square.
    bars = [np.array([[0.55, 0.7], [0.85, 0.7]]), np.array([[0.7, 0.55], [0.7, 0.85]])]
    doorway = np.repeat(door, 2, axis=0)[1:-1]
    return [_closed(outline), outline[[0, 2]], doorway, _closed(window), *bars]


def _grid(rng: np.random.Generator) -> Strokes:
    rows, columns = rng.integers(3, 6, 2)
    across = [np.array([[-0.05, y], [1.05, y]]) for y in np.linspace(0, 1, rows)]
    down = [np.array([[x, -0.05], [x, 1.05]]) for x in np.linspace(0, 1, columns)]
    return across + down


def _figure(rng: np.random.Generator) -> Strokes:
    hands, feet = rng.uniform(0.1, 0.55, 2), rng.uniform(0.2, 0.4, 2)
    return [
        _ring(0.26 * _around(6, rng) + np.array([0, 0.13])),
        np.array([[0, 0.26], [0, 0.62]]),
        *(np.array([[0, 0.38], [side * 0.36, y]]) for side, y in zip((-1, 1), hands, strict=True)),
        *(np.array([[0, 0.62], [side * x, 1]]) for side, x in zip((-1, 1), feet, strict=True)),
    ]


def _cube(rng: np.random.Generator) -> Strokes:
    square = np.array([[0, 0], [0.65, 0], [0.65, 0.65], [0, 0.65]])
    depth = rng.choice((-1, 1), 2) * rng.uniform(0.2, 0.4, 2)
    edges = [np.stack([corner, corner + depth]) for corner in square]
    return [_closed(square), _closed(square + depth), *edges]


def _sun(rng: np.random.Generator) -> Strokes:
    rays = _around(int(rng.integers(7, 12)), rng)
    inner = rng.uniform(0.4, 0.6)
    return [_ring(0.6 * inner * _around(12, rng)), *(np.stack([inner * r, r]) for r in rays)]


def _flower(rng: np.random.Generator) -> Strokes:
    petals = int(rng.integers(4, 8))
    angle = np.linspace(0, 2 * np.pi, 8 * petals + 1)
    reach = 0.3 + 0.2 * np.cos(petals * angle + rng.uniform(0, 2 * np.pi))
    return [reach[:, None] * _direction(angle), _ring(0.12 * _around(6, rng))]


def _ladder(rng: np.random.Generator) -> Strokes:
    width = rng.uniform(0.3, 0.5)
    rungs = np.linspace(0.1, 0.9, int(rng.integers(4, 7)))
    rails = [np.array([[x, 0], [x, 1]]) for x in (0, width)]
    return [*rails, *(np.array([[0, y], [width, y]]) for y in rungs)]


SHAPES: tuple[Callable[[np.random.Generator], Strokes], ...] = (
    _triangle,
    _polygon_with_diagonals,
    _star,
    _spiral,
    _wheel,
    _web,
    _house,
    _grid,
    _figure,
    _cube,
    _sun,
    _flower,
    _ladder,
)


def _parallel_lines(rng: np.random.Generator) -> Strokes:
    """Never upright: those would be a row of ones."""
    return _lines_across(rng.uniform(-1, 1) * np.radians(60), rng)


def _crossed_lines(rng: np.random.Generator) -> Strokes:
    angle = rng.uniform(0, np.pi)
    return _lines_across(angle, rng) + _lines_across(angle + rng.uniform(0.8, np.pi / 2), rng)


def _zigzag(rng: np.random.Generator) -> Strokes:
    band = _back_and_forth(int(rng.integers(8, 18)), rng) * (1, rng.uniform(0.5, 1))
    return [_turned(band, rng.uniform(0, np.pi))]


def _waves(rng: np.random.Generator) -> Strokes:
    x = np.linspace(0, 1, 60)
    rows = int(rng.integers(4, 8))
    phase = 2 * np.pi * rng.uniform(3, 6) * x
    swing = rng.uniform(0.3, 0.6) / rows
    angle = rng.uniform(-0.6, 0.6)
    return [
        _turned(np.column_stack([x - 0.5, y + swing * np.sin(phase + rng.normal(0, 0.4))]), angle)
        for y in np.linspace(-0.5, 0.5, rows)
    ]


HATCHINGS: tuple[Callable[[np.random.Generator], Strokes], ...] = (
    _parallel_lines,
    _crossed_lines,
    _zigzag,
    _waves,
)


def _lines_across(angle: float, rng: np.random.Generator) -> Strokes:
    """Lines side by side that fill a round or square patch, turned by an angle from level."""
    count = int(rng.integers(6, 13))
    heights = np.linspace(-0.47, 0.47, count)
    round_patch = rng.random() < 0.5
    reach = np.sqrt(0.25 - heights**2) if round_patch else np.full(count, 0.5)
    ends = (reach[:, None] + 0.05) * [-1, 1] + rng.normal(0, 0.03, (count, 2))
    return [
        _turned(np.column_stack([pair, [y, y]]), angle)
        for pair, y in zip(ends, heights, strict=True)
    ]


def _back_and_forth(passes: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A zigzag of so many passes from left to right, in a box of side 1 around the origin."""
    points = np.column_stack(
        [
            np.linspace(-0.5, 0.5, passes + 1) + rng.normal(0, 0.15 / passes, passes + 1),
            0.5 * (-1.0) ** np.arange(passes + 1) * rng.uniform(0.85, 1.05, passes + 1),
        ]
    )
    return np.repeat(points, 2, axis=0)[1:-1] if rng.random() < 0.6 else points


def _around(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Points evenly around a circle of diameter 1, float64 [count, 2], from any one on."""
    return 0.5 * _direction(rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(count) / count)


def _direction(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _closed(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """The stroke that draws a polygon."""
    return np.repeat(np.concatenate([corners, corners[:1]]), 2, axis=0)[1:-1]


def _ring(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([points, points[:1]])


def _turned(points: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(points @ np.array([[cos, sin], [-sin, cos]]), np.float64)
