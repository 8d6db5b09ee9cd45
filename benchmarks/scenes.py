"""Pictures of handwritten digits with known truth: paper, pen, light and camera, drawn from a seed.

`python -m benchmarks.scenes [DIR]` draws the examples of this repository.
"""

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.camera import BoxTuple, Camera, photograph, turned, view_of
from benchmarks.datasets import LabelledCells
from benchmarks.hand import Hand
from benchmarks.inks import INKS, LIGHT_DIGITAL, Pen, dots, draw_ink, grain
from benchmarks.lighting import cast, illumination
from benchmarks.page import Page, lay_out
from benchmarks.printed import Form
from benchmarks.strays import Strays
from benchmarks.strokes import STYLES, digit_strokes, draw_strokes
from benchmarks.surfaces import SURFACES, Colour, Paper, draw_paper, print_segments
from benchmarks.surroundings import (
    Around,
    change_ground,
    lay_on_desk,
    put_pencil,
    put_thumb,
    sheet_around,
)
from benchmarks.writing import Layout
from siffra.files import replacing

__all__ = [
    "Around",
    "Camera",
    "Form",
    "Layout",
    "Paper",
    "Pen",
    "Scene",
    "Strays",
    "draw_digit",
    "draw_examples",
    "draw_scene",
]

_PRINT: Colour = (60, 56, 52)  # of what is printed on light paper


@dataclass(frozen=True)
class Scene:
    """A picture and what is written in it."""

    image: NDArray[np.uint8]
    """[height, width, 3], BGR."""
    text: str
    """Digits in reading order, lines separated by a line feed."""
    boxes: tuple[BoxTuple, ...]
    """x, y, width and height, in pixels, of the ink of each digit of `text`, in its order."""
    words: tuple[tuple[str, ...], ...] = ()
    """The digits of each line, parted where the writer left a wide gap."""
    strays: tuple[BoxTuple, ...] = ()
    """Boxes of the ink that is no digit: letters, points, specks, what is struck out."""


_PLAIN_LAYOUT, _PLAIN_FORM, _PLAIN_STRAYS = Layout(), Form(), Strays()
_PLAIN_AROUND, _PLAIN_CAMERA = Around(), Camera()


def draw_scene(
    lines: Sequence[str],
    *,
    size: tuple[int, int] = (480, 640),
    style: str = "round",
    paper: Paper = "white",
    pen: Pen = "pen",
    digit_height: float | None = None,
    thickness: float | None = None,
    pale: float = 0,
    light: float = 0,
    noise: float = 0,
    blur: float = 0,
    tilt: float = 0,
    perspective: float = 0,
    layout: Layout = _PLAIN_LAYOUT,
    form: Form = _PLAIN_FORM,
    strays: Strays = _PLAIN_STRAYS,
    around: Around = _PLAIN_AROUND,
    camera: Camera = _PLAIN_CAMERA,
    cells: LabelledCells | None = None,
    seed: int,
) -> Scene:
    """Write lines of digits and take a picture of them.

    Digits touch neither each other nor the border, unless `layout` has them touch. The writing
    depends on the seed, the lines and the style alone (and on what `layout`, `form` and `strays`
    change in it), so that a scene can be had again in another light or with another pen.

    Args:
        lines: Strings of digits, from top to bottom; a space leaves a wide gap. No lines at all are
            a page without digits.
        size: Height and width of the picture, pixels, before whole turns of the camera.
        style: A name in `benchmarks.strokes.STYLES`.
        paper: What is written on.
        pen: What is written with; it must stand out from the paper.
        digit_height: Pixels, before the camera; None for what fills the page well.
        thickness: Of the strokes, as a fraction of the digit's height; None for the pen's own.
        pale: 0 ink as dark as the pen's to 1 ink that cannot be seen.
        light: 0 even light to 1 strong gradient, vignette and a shadow.
        noise: 0 none to 1 a bad sensor in the dark.
        blur: 0 sharp to 1 clearly out of focus.
        tilt: Rotation of the camera, degrees.
        perspective: 0 from straight above to 1 from far aside.
        layout: How the digits are set.
        form: What is printed on the page.
        strays: What is written beside digits.
        around: What is around the page and falls on it.
        camera: What else the camera does.
        cells: Digits to write with, such as MNIST's; None for the strokes of the style.
        seed: Decides everything that the other arguments leave open.

    Raises:
        ValueError: Lines that are not digits, a style, paper or pen that does not exist, writing
            that does not fit the page, or ink that cannot be told from the paper.
    """
    if not all(line.strip() and set(line) <= set("0123456789 ") for line in lines):
        raise ValueError(f"cannot write {list(lines)}; give lines of the digits 0 to 9")
    for name, known in ((paper, SURFACES), (pen, INKS), (style, STYLES)):
        if name not in known:
            raise ValueError(f"there is no {name!r}; choose one of {', '.join(known)}")
    surface, ink = SURFACES[paper], INKS[pen]
    if (pen, paper) == ("digital", "screen-dark"):
        ink = ink._replace(colour=LIGHT_DIGITAL)
    if abs(sum(ink.colour) - sum(surface.colour)) / 3 < 60:
        raise ValueError(f"{pen} does not show on {paper}; choose another pen or paper")
    if thickness is not None:
        ink = ink._replace(thickness=thickness)
    # Separate streams: the hand must not change when the camera does, nor with what is beside it.
    hand, world, extras, beside = (np.random.default_rng((seed, stream)) for stream in range(4))
    page = lay_out(
        lines,
        size,
        Hand(style, ink.thickness, cells),
        digit_height,
        layout=layout,
        form=form,
        strays=strays,
        room_share=1 - 0.3 * around.desk_share if around.desk else 1,
        pen_room=max(ink.thickness, *(known.thickness for known in INKS.values())),
        rng=hand,
        extras=extras,
    )
    view = view_of(size, _written_points(page), tilt, perspective, world)
    coverage = np.zeros(size, np.uint8)
    boxes = [draw_ink(coverage, item, ink.thickness, view, hand) for item in page.digits]
    others = [draw_ink(coverage, item, ink.thickness, view, extras) for item in page.strays]

    picture = draw_paper(surface, size, page.grid, view, world)
    printed = _PRINT if sum(ink.colour) < sum(surface.colour) else ink.colour
    print_segments(picture, page.printed, printed, view)
    if around.desk:
        sheet = sheet_around(page.area, size, around.desk_share, beside)
        picture = lay_on_desk(picture, around.desk, sheet, view, beside)
    alpha = (1 - pale) * (coverage / 255) * grain(ink.grain, size, world)
    if around.dotted > 0:
        alpha *= dots(around.dotted, size, page.unit, beside)
    alpha = alpha[..., None]
    picture = picture * (1 - alpha) + np.array(ink.colour, np.float64) * alpha
    if around.panel > 0:
        change_ground(picture, around.panel, page, view, beside)
    if around.thumb:
        put_thumb(picture, boxes, beside)
    if around.pencil:
        put_pencil(picture, boxes, beside)
    picture *= illumination(light, size, world)
    cast(picture, around.shadow, around.vignette, around.creases, beside)
    image = photograph(picture, blur, noise, camera, world, beside)
    words = tuple(tuple(line.split()) for line in lines)
    return Scene(
        image,
        "\n".join("".join(line) for line in words),
        tuple(turned(box, size, camera.turns) for box in boxes),
        words,
        tuple(turned(box, size, camera.turns) for box in others),
    )


def _written_points(page: Page) -> NDArray[np.float64]:
    """What must be in view: the ink, or of an empty page its middle."""
    points = [stroke for item in page.digits for stroke in item.strokes]
    return np.concatenate(points or [page.area])


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
        with replacing(folder / name) as path:
            path.write_bytes(content.tobytes())
        labels.append((name, scene.text.replace("\n", "/")))
    with (
        replacing(folder / "labels.csv") as path,
        path.open("w", newline="", encoding="utf-8") as file,
    ):
        csv.writer(file, lineterminator="\n").writerows(labels)


if __name__ == "__main__":
    main()
