"""Pictures of handwritten digits with known truth: paper, pen, light and camera, drawn from a seed.

`python -m benchmarks.scenes [DIR]` draws the examples of this repository.
"""

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.strokes import digit_strokes, draw_strokes

Paper = Literal[
    "white", "cream", "ruled", "squared", "whiteboard", "blackboard", "screen", "screen-dark"
]
Pen = Literal["pen", "blue pen", "pencil", "marker", "chalk", "digital"]
BoxTuple = tuple[int, int, int, int]
Colour = tuple[int, int, int]


class _Surface(NamedTuple):
    colour: Colour  # BGR
    fibre: float  # standard deviation of the texture, grey levels
    smears: float  # the same for broad unevenness: stains, wiped ink, chalk dust
    rulings: Colour | None = None  # BGR
    squares: int = 0  # to a line of writing; 0 for rulings across only


class _Ink(NamedTuple):
    colour: Colour  # BGR
    thickness: float  # of the digit's height
    grain: float  # share of the ink that rough paper may leave out


_SURFACES: dict[str, _Surface] = {
    "white": _Surface((244, 246, 247), 1.5, 1.5),
    "cream": _Surface((208, 232, 242), 2.5, 2.5),
    "ruled": _Surface((242, 246, 246), 1.5, 1.5, rulings=(226, 208, 190)),
    "squared": _Surface((240, 244, 244), 1.5, 1.5, rulings=(228, 214, 200), squares=2),
    "whiteboard": _Surface((240, 238, 236), 0.5, 3.0),
    "blackboard": _Surface((52, 60, 50), 2.5, 6.0),
    "screen": _Surface((255, 255, 255), 0, 0),
    "screen-dark": _Surface((38, 30, 28), 0, 0),
}
_INKS: dict[str, _Ink] = {
    "pen": _Ink((44, 38, 36), 0.085, 0.06),
    "blue pen": _Ink((150, 62, 28), 0.085, 0.1),
    "pencil": _Ink((84, 80, 80), 0.08, 0.45),
    "marker": _Ink((120, 44, 20), 0.12, 0.05),
    "chalk": _Ink((236, 242, 242), 0.11, 0.55),
    "digital": _Ink((40, 36, 32), 0.09, 0),
}
_LIGHT_DIGITAL: Colour = (240, 226, 200)

_LINE_PITCH = 1.45  # distance of baselines in heights of a digit: room for the largest
_MARGIN = 0.06  # of the picture's shorter side, kept free of ink


@dataclass(frozen=True)
class Scene:
    """A picture and what is written in it."""

    image: NDArray[np.uint8]
    """[height, width, 3], BGR."""
    text: str
    """Digits in reading order, lines separated by a line feed."""
    boxes: tuple[BoxTuple, ...]
    """x, y, width and height, in pixels, of the ink of each digit of `text`, in its order."""


def draw_scene(
    lines: Sequence[str],
    *,
    size: tuple[int, int] = (480, 640),
    style: str = "round",
    paper: Paper = "white",
    pen: Pen = "pen",
    digit_height: float | None = None,
    light: float = 0,
    noise: float = 0,
    blur: float = 0,
    tilt: float = 0,
    perspective: float = 0,
    seed: int,
) -> Scene:
    """Write lines of digits and take a picture of them.

    Digits touch neither each other nor the border. The writing depends on the seed, the lines and
    the style alone, so that a scene can be had again in another light or with another pen.

    Args:
        lines: Strings of digits, from top to bottom.
        size: Height and width of the picture, pixels.
        style: A name in `benchmarks.strokes.STYLES`.
        paper: What is written on.
        pen: What is written with; it must stand out from the paper.
        digit_height: Pixels, before the camera; None for what fills the page well.
        light: 0 even light to 1 strong gradient, vignette and a shadow.
        noise: 0 none to 1 a bad sensor in the dark.
        blur: 0 sharp to 1 clearly out of focus.
        tilt: Rotation of the camera, degrees.
        perspective: 0 from straight above to 1 from far aside.
        seed: Decides everything that the other arguments leave open.

    Raises:
        ValueError: Lines that are not digits, a style, paper or pen that does not exist, writing
            that does not fit the page, or ink that cannot be told from the paper.
    """
    if not lines or not all(line and set(line) <= set("0123456789") for line in lines):
        raise ValueError(f"cannot write {list(lines)}; give lines of the digits 0 to 9")
    for name, known in ((paper, _SURFACES), (pen, _INKS)):
        if name not in known:
            raise ValueError(f"there is no {name!r}; choose one of {', '.join(known)}")
    height, width = size
    # Separate streams: the hand must not change when the camera does.
    hand, world = np.random.default_rng((seed, 0)), np.random.default_rng((seed, 1))
    page = _write(lines, size, style, digit_height, hand)
    view = _view(size, page, tilt, perspective, world)
    ink = _INKS[pen]
    surface = _SURFACES[paper]
    colour = _LIGHT_DIGITAL if (pen, paper) == ("digital", "screen-dark") else ink.colour
    if abs(sum(colour) - sum(surface.colour)) / 3 < 60:
        raise ValueError(f"{pen} does not show on {paper}; choose another pen or paper")

    coverage = np.zeros(size, np.uint8)
    boxes: list[BoxTuple] = []
    for digit in page.digits:
        strokes = [_through(view, stroke) for stroke in digit.strokes]
        mask = draw_strokes(
            strokes,
            size,
            thickness=digit.height * ink.thickness * _scale(view, digit.strokes[0][0]),
            rng=hand,
        )
        np.maximum(coverage, mask, out=coverage)
        # Half covered counts as ink, as a threshold half-way between ink and paper would have it.
        x, y, w, h = cv2.boundingRect((mask >= 128).astype(np.uint8))
        boxes.append((x, y, w, h))

    paper_seen = _draw_paper(surface, size, page.grid, view, world)
    alpha = coverage[..., None] / 255 * _grain(ink.grain, size, world)[..., None]
    picture = paper_seen * (1 - alpha) + np.array(colour, np.float64) * alpha
    picture *= _illumination(light, size, world)
    if blur > 0:
        picture[...] = cv2.GaussianBlur(picture, (0, 0), blur * 0.006 * min(size))
    if noise > 0:
        # Mostly in brightness: colour noise is what cameras smooth away.
        picture += noise * world.normal(0, 24, (height, width, 1))
        picture += noise * world.normal(0, 8, (height, width, 3))
    image = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return Scene(image, "\n".join(lines), tuple(boxes))


def draw_digit(
    digit: int, *, size: int = 128, style: str = "round", thickness: float = 0.09, seed: int
) -> NDArray[np.uint8]:
    """Write one digit that fills the picture, black on white.

    Args:
        digit: 0 to 9.
        size: Side of the picture, pixels.
        style: A name in `benchmarks.strokes.STYLES`.
        thickness: Width of the pen as a fraction of the digit's height.
        seed: Decides how the hand moved.

    Returns:
        Grey values, uint8 [size, size].
    """
    rng = np.random.default_rng(seed)
    height = 0.7 * size
    strokes = [height * stroke for stroke in digit_strokes(digit, style, rng)]
    middle = np.concatenate(strokes).max(axis=0) / 2
    ink = draw_strokes(
        [stroke - middle + size / 2 for stroke in strokes],
        (size, size),
        thickness=thickness * height,
        rng=rng,
    )
    return 255 - ink


class _Grid(NamedTuple):
    origin: tuple[float, float]  # x, y in pixels of the page, where rulings cross
    pitch: float  # pixels from baseline to baseline


class _WrittenDigit(NamedTuple):
    strokes: list[NDArray[np.float64]]  # x, y in pixels of the page
    height: float  # pixels


class _Page(NamedTuple):
    digits: list[_WrittenDigit]
    grid: _Grid


def _write(
    lines: Sequence[str],
    size: tuple[int, int],
    style: str,
    digit_height: float | None,
    rng: np.random.Generator,
) -> _Page:
    """Set the digits on the page, left to right on baselines that wander a little."""
    height, width = size
    room = np.array([width, height]) - 2 * 1.5 * _MARGIN * min(size)
    # Laid out with digits of height 1 first; the page then decides how large that is.
    digits: list[_WrittenDigit] = []
    climb = rng.normal(0, 0.012)  # the same for all lines, or long ones would meet
    for number, line in enumerate(lines):
        cursor = rng.uniform(0, 0.5)
        for label in line:
            tall = float(np.clip(rng.normal(1, 0.05), 0.88, 1.12))
            strokes = [tall * stroke for stroke in digit_strokes(int(label), style, rng)]
            wide = max(stroke[:, 0].max() for stroke in strokes)
            deep = max(stroke[:, 1].max() for stroke in strokes)
            wander = float(np.clip(rng.normal(0, 0.03), -0.06, 0.06))
            baseline = number * _LINE_PITCH - climb * cursor + wander
            origin = np.array([cursor, baseline - deep])
            digits.append(_WrittenDigit([stroke + origin for stroke in strokes], tall))
            cursor += wide + rng.uniform(0.26, 0.5)
    everything = np.concatenate([stroke for digit in digits for stroke in digit.strokes])
    pen_room = max(ink.thickness for ink in _INKS.values())
    low, high = everything.min(axis=0) - pen_room, everything.max(axis=0) + pen_room
    largest = float((room / (high - low)).min())
    unit = min(largest, 0.5 * min(size)) if digit_height is None else digit_height
    if unit > largest:
        raise ValueError(
            f"digits of {unit:.0f} pixels do not fit the page; {largest:.0f} is the most here"
        )
    spare = room - unit * (high - low)
    origin = (np.array([width, height]) - room) / 2 + spare * rng.uniform(0.2, 0.8, 2) - unit * low
    placed = [
        _WrittenDigit([unit * stroke + origin for stroke in digit.strokes], unit * digit.height)
        for digit in digits
    ]
    # Rulings a little below the baselines, so that the writing stands between them.
    crossing = float(origin[0]), float(origin[1] + 0.2 * unit)
    return _Page(placed, _Grid(crossing, _LINE_PITCH * unit))


def _view(
    size: tuple[int, int],
    page: _Page,
    tilt: float,
    perspective: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """The homography, float64 [3, 3], from the page to the picture; all the ink stays in view."""
    height, width = size
    middle = np.array([width, height]) / 2
    corners = 2 * middle * [[0, 0], [1, 0], [1, 1], [0, 1]]
    inwards = (middle - corners) * perspective * rng.uniform(0.05, 0.4, (4, 1))
    lean = cv2.getPerspectiveTransform(
        corners.astype(np.float32), (corners + inwards).astype(np.float32)
    )
    turn = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), tilt, 1), [0, 0, 1]])
    view = np.asarray(turn @ lean, np.float64)
    ink = np.concatenate([stroke for digit in page.digits for stroke in digit.strokes])
    seen = _through(view, ink)
    # The pen's half width and a rest; the photographer steps back, then moves aside.
    margin = _MARGIN * min(size)
    room = np.array([width, height]) - 2 * margin
    scale = min(1.0, float((room / np.ptp(seen, axis=0)).min()))
    low = middle + (seen.min(axis=0) - middle) * scale
    high = middle + (seen.max(axis=0) - middle) * scale
    aside = np.clip(0, margin - low, margin + room - high)
    step = np.array([[scale, 0, 0], [0, scale, 0], [0, 0, 1]])
    step[:2, 2] = middle * (1 - scale) + aside
    return np.asarray(step @ view, np.float64)


def _through(view: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points x, y, float64 [n, 2], seen through a homography."""
    lifted = np.column_stack([points, np.ones(len(points))]) @ view.T
    return np.asarray(lifted[:, :2] / lifted[:, 2:], np.float64)


def _scale(view: NDArray[np.float64], point: NDArray[np.float64]) -> float:
    """How many pixels of the picture one pixel of the page becomes around a point."""
    origin, right, down = _through(view, point + np.array([[0, 0], [1, 0], [0, 1]]))
    area = np.linalg.det(np.array([right - origin, down - origin]))
    return float(np.sqrt(abs(area)))


def _draw_paper(
    surface: _Surface,
    size: tuple[int, int],
    grid: _Grid,
    view: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """The empty page as the camera sees it, float64 [height, width, 3], BGR."""
    height, width = size
    # Half a page more on every side, for a tilted camera sees beyond the edges.
    rows, columns = 2 * height, 2 * width
    left, top = width // 2, height // 2
    page = np.full((rows, columns, 3), surface.colour, np.float64)
    if surface.rulings is not None:
        x, y = grid.origin
        distance = grid.pitch / surface.squares if surface.squares else grid.pitch
        _rule(page, y + top, distance, surface.rulings)
        if surface.squares:
            _rule(page.transpose(1, 0, 2), x + left, distance, surface.rulings)
    page += surface.smears * _clouds((rows, columns), min(size) / 8, rng)[..., None]
    page += rng.normal(0, surface.fibre, (rows, columns, 1))
    into_picture = view @ np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]])
    return np.asarray(
        cv2.warpPerspective(page, into_picture, (width, height), borderMode=cv2.BORDER_REFLECT_101),
        np.float64,
    )


def _rule(page: NDArray[np.float64], start: float, distance: float, colour: Colour) -> None:
    """Rule a page, float64 [rows, columns, 3], across, at `start` and every `distance` rows."""
    first = start % distance
    for y in np.arange(first, len(page) - 2, distance):
        row, part = int(y), y % 1
        # Two rows share a line between them, so that lines do not jump to whole pixels.
        for offset, share in ((0, 1 - part), (1, part)):
            page[row + offset] += (np.array(colour) - page[row + offset]) * share


def _clouds(size: tuple[int, int], grain: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Smooth noise of standard deviation 1 whose spots measure about `grain` pixels."""
    height, width = size
    coarse = rng.normal(0, 1, (int(height / grain) + 2, int(width / grain) + 2))
    return np.asarray(
        cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float64
    )


def _grain(strength: float, size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """The share of the ink that the paper takes on, float64 [height, width], 1 - strength to 1."""
    rough = cv2.GaussianBlur(rng.normal(0, 1, size), (0, 0), 0.8)
    return np.asarray(1 - strength * np.clip(0.4 + 0.5 * rough / rough.std(), 0, 1), np.float64)


def _illumination(
    strength: float, size: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Light on each pixel, float64 [height, width, 3]: a lamp's fall-off, a vignette, a shadow."""
    height, width = size
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    away = (x * np.cos(angle) + y * np.sin(angle)) / np.sqrt(2)
    fall_off = 1 - 0.25 * strength * (1 + away)
    vignette = 1 - 0.15 * strength * (x**2 + y**2)
    # A shadow with a soft, straight edge, such as an arm or the phone throws.
    angle = rng.uniform(0, 2 * np.pi)
    reach = x * np.cos(angle) + y * np.sin(angle) - rng.uniform(0.1, 0.6)
    shadow = 1 - 0.35 * strength / (1 + np.exp(-reach / rng.uniform(0.03, 0.1)))
    warmth = 1 + strength * np.array([-0.06, -0.01, 0.02])
    return np.asarray((fall_off * vignette * shadow)[..., None] * warmth, np.float64)


def draw_examples() -> Iterator[tuple[str, Scene]]:
    """The pictures in `examples/`: name of the file and scene."""
    yield (
        "pen-two-lines.jpg",
        draw_scene(
            ["31415", "92653"], style="round", light=0.15, noise=0.1, blur=0.15, tilt=0.5, seed=1
        ),
    )
    yield (
        "blue-pen-cream-shadow.jpg",
        draw_scene(
            ["20480", "7319"],
            style="slanted",
            paper="cream",
            pen="blue pen",
            digit_height=84,
            light=0.6,
            noise=0.1,
            blur=0.15,
            seed=2,
        ),
    )
    yield (
        "pencil-ruled.jpg",
        draw_scene(
            ["186", "4507", "239"],
            style="school",
            paper="ruled",
            pen="pencil",
            digit_height=76,
            light=0.2,
            noise=0.1,
            blur=0.15,
            seed=3,
        ),
    )
    yield (
        "pen-squared.jpg",
        draw_scene(
            ["5072", "1943", "868"],
            style="continental",
            paper="squared",
            pen="blue pen",
            digit_height=78,
            light=0.2,
            noise=0.1,
            blur=0.15,
            seed=4,
        ),
    )
    yield (
        "marker-whiteboard.jpg",
        draw_scene(
            ["0461", "8823"],
            style="quick",
            paper="whiteboard",
            pen="marker",
            light=0.3,
            noise=0.1,
            blur=0.2,
            seed=5,
        ),
    )
    yield (
        "chalk-blackboard.jpg",
        draw_scene(
            ["27", "1828"],
            style="looped",
            paper="blackboard",
            pen="chalk",
            light=0.3,
            noise=0.1,
            blur=0.2,
            seed=6,
        ),
    )
    yield (
        "digital-dark-screen.png",
        draw_scene(["6174", "495"], style="round", paper="screen-dark", pen="digital", seed=7),
    )
    yield (
        "phone-tilted.jpg",
        draw_scene(
            ["4053", "1967", "280"],
            style="slanted",
            digit_height=66,
            light=0.8,
            noise=0.25,
            blur=0.25,
            tilt=-3,
            perspective=0.3,
            seed=8,
        ),
    )
    yield (
        "page-four-lines.jpg",
        draw_scene(
            ["739150", "268401", "5573", "920486"],
            style="school",
            light=0.25,
            noise=0.1,
            blur=0.15,
            seed=9,
        ),
    )
    yield "single-3-pen.png", draw_scene(["3"], size=(128, 128), paper="screen", seed=10)
    yield (
        "single-5-chalk.jpg",
        draw_scene(
            ["5"],
            size=(200, 160),
            style="looped",
            paper="blackboard",
            pen="chalk",
            light=0.2,
            noise=0.1,
            seed=11,
        ),
    )
    yield (
        "single-8-pencil.jpg",
        draw_scene(
            ["8"],
            size=(200, 240),
            style="quick",
            paper="cream",
            pen="pencil",
            light=0.4,
            noise=0.1,
            seed=12,
        ),
    )


def main() -> None:
    """Write the examples and their `labels.csv`."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scenes", description="Draw the example pictures."
    )
    parser.add_argument("folder", metavar="DIR", nargs="?", type=Path, default=Path("examples"))
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    labels = [("file", "label")]
    for name, scene in draw_examples():
        # Encoded here, not by imwrite, which cannot open every path on Windows.
        options = [cv2.IMWRITE_JPEG_QUALITY, 80] if name.endswith(".jpg") else []
        _, content = cv2.imencode(Path(name).suffix, scene.image, options)
        (folder / name).write_bytes(content.tobytes())
        labels.append((name, scene.text.replace("\n", "/")))
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(labels)


if __name__ == "__main__":
    main()
