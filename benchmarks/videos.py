"""Clips of a webcam over handwritten digits, with known truth for each frame, drawn from a seed.

A page is drawn once, larger than a frame; each frame is what the camera sees of it from where it is
at that moment, with its own focus, light, noise and compression.
`python -m benchmarks.videos DIR --kind hand --seed 3 --codec mp4v` writes one as a video.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.camera import BoxTuple
from benchmarks.datasets import LabelledCells
from benchmarks.inks import Pen
from benchmarks.motion import Motion, Pose, across, away, in_hand, stand
from benchmarks.page import FitError
from benchmarks.printed import Form
from benchmarks.scenes import Scene, draw_scene
from benchmarks.sensor import Pixels, Sensor
from benchmarks.strays import Strays
from benchmarks.strokes import STYLES
from benchmarks.surfaces import Paper
from benchmarks.surroundings import Around, Desk
from benchmarks.video_files import CODECS, CodecError, write_video
from benchmarks.writing import Layout
from siffra.files import replacing

SIZE = (480, 640)
"""Height and width of a frame, pixels."""
RATE = 30.0
"""Frames a second."""
REPORTING = 1000
"""Seeds from here on are for figures that are published; those below are for choosing."""
LEVELS = ("easy", "ordinary", "border")
"""How hard a clip is, as its seed has it in turn. On the border of what is read labels flicker."""

_PAGE = (1050, 1400)  # pixels
_ZOOM = 0.5  # pixels of a frame to one of the page, straight above it
_EDGE = 12  # pixels of a frame that the camera leaves free around the writing
_CLEAR = 3  # pixels from the border within which a digit does not count as whole
_SHUTTER = 0.5  # share of the time that it is open
_WRITING: tuple[tuple[Paper, Pen], ...] = (
    ("white", "pen"),
    ("white", "blue pen"),
    ("ruled", "pen"),
    ("cream", "pencil"),
    ("squared", "blue pen"),
    ("white", "marker"),
    ("yellow", "pen"),
    ("white", "pencil"),
    ("kraft", "pen"),
    ("whiteboard", "marker"),
    ("ruled", "blue pen"),
    ("blackboard", "chalk"),
)
_DESKS: tuple[Desk, ...] = ("wood", "dark", "light", "cloth")
_HEIGHTS = {"easy": (60, 105), "ordinary": (34, 70), "border": (26, 60)}  # pixels of a frame
_NEW_DIGIT = (15, 28)  # frames from one digit that is written to the next

Knobs = dict[str, Any]
"""Arguments of `draw_scene`."""


class Truth(NamedTuple):
    """What one frame shows."""

    text: str
    """The digits that are whole and in view, in reading order, lines separated by a line feed."""
    boxes: tuple[BoxTuple, ...]
    """Of the ink of each of these digits: x, y, width and height, pixels of the frame."""
    cut: bool
    """Whether the border cuts a digit: what is read of a part of it is neither right nor wrong."""


class Sheet(NamedTuple):
    """What lies before the camera for a time."""

    first: int
    """The frame from which on it lies there."""
    picture: Pixels
    """uint8 [height, width, 3]: the page, with more of its paper around it."""
    text: str
    boxes: tuple[BoxTuple, ...]
    """Of the digits of `text`, pixels of the picture."""


@dataclass(frozen=True)
class Clip:
    """A short video, and what is to be read in it."""

    kind: str
    seed: int
    level: str
    """One of `LEVELS`."""
    rate: float
    """Frames a second."""
    truths: tuple[Truth, ...]
    """Of each frame."""
    sheets: tuple[Sheet, ...] = field(repr=False)
    """What lies before the camera, one after the other."""
    views: tuple[NDArray[np.float64], ...] = field(repr=False)
    """From the picture of the sheet to each frame: float64 [2, 3]."""
    sensor: Sensor

    def __len__(self) -> int:
        return len(self.truths)

    @property
    def name(self) -> str:
        """Kind and seed, such as `hand-3`."""
        return f"{self.kind}-{self.seed}"

    @property
    def changes(self) -> tuple[int, ...]:
        """The frames from which on another text is to be read."""
        texts = pairwise(truth.text for truth in self.truths)
        return tuple(number for number, (old, new) in enumerate(texts, 1) if old != new)

    def frames(self, first: int = 0, end: int | None = None) -> Iterator[Pixels]:
        """Yield the frames from `first` to before `end`, the same ones each time.

        Each is uint8 [480, 640, 3] (BGR).
        """
        height, width = SIZE
        for number in range(len(self))[first:end]:
            before, view = self.views[max(0, number - 1)], self.views[number]
            picture = _shown(self.sheets, number).picture
            seen = cv2.warpAffine(picture, view, (width, height), borderMode=cv2.BORDER_REFLECT_101)
            middle = cv2.invertAffineTransform(view) @ [width / 2, height / 2, 1]
            moved = _SHUTTER * ((view - before) @ [*middle, 1])
            rng = np.random.default_rng((list(KINDS).index(self.kind), self.seed, number))
            yield self.sensor.expose(np.asarray(seen, np.uint8), moved, number / self.rate, rng)


def draw_clip(
    kind: str,
    seed: int,
    *,
    seconds: float = 8,
    lines: Sequence[str] | None = None,
    cells: LabelledCells | None = None,
) -> Clip:
    """Draw a clip; its frames are drawn when they are asked for.

    Args:
        kind: A name in `KINDS`.
        seed: Decides everything else: what is written and with what, how hard it is to read, how
            the camera moves and what it does to the picture.
        seconds: How long it is.
        lines: What is written; None for what the seed decides.
        cells: Digits to write with, such as MNIST's; None for strokes.

    Raises:
        ValueError: There is no such kind.
    """
    if kind not in KINDS:
        raise ValueError(f"there is no {kind!r}; choose one of {', '.join(KINDS)}")
    desk = _Desk(kind, seed, max(2, round(seconds * RATE)), lines, cells)
    sheets, motion = KINDS[kind](desk)
    views = tuple(
        _view(motion(number / RATE), sheets, kept=kind != "leave") for number in range(desk.frames)
    )
    truths = tuple(_truth(_shown(sheets, number), view) for number, view in enumerate(views))
    return Clip(kind, seed, desk.level, RATE, truths, sheets, views, desk.sensor())


class _Desk:
    """What the clips of one kind and seed are made of."""

    def __init__(
        self,
        kind: str,
        seed: int,
        frames: int,
        lines: Sequence[str] | None,
        cells: LabelledCells | None,
    ) -> None:
        self.frames = frames
        self.level = LEVELS[seed % len(LEVELS)]
        self.rng = np.random.default_rng((list(KINDS).index(kind), seed))
        self._seed = int(self.rng.integers(2**31))
        self._lines = lines
        self._cells = cells
        self._paper, self._pen = _WRITING[self.rng.integers(len(_WRITING))]
        self._knobs = self._look()

    def _look(self) -> Knobs:
        """How the page looks, whatever is written on it."""
        rng, border = self.rng, self.level == "border"
        knobs: Knobs = {
            "style": list(STYLES)[rng.integers(len(STYLES))],
            "paper": self._paper,
            "pen": self._pen,
            "light": float(rng.uniform(0.1, 0.4) + 0.4 * (border and rng.random() < 0.4)),
            "tilt": float(rng.normal(0, 2)),
            "perspective": float(rng.uniform(0, 0.3)),
        }
        if border:
            hard = rng.integers(4)
            if hard == 0:
                knobs["pale"] = float(rng.uniform(0.5, 0.8))
            elif hard == 1:
                knobs["layout"] = Layout(touching=0.3)
            elif hard == 2:
                knobs["thickness"] = float(rng.choice((0.03, 0.2)))
            else:
                knobs["strays"] = Strays(points=0.3, letters=0.3)
        return knobs

    def number(self) -> tuple[str, ...]:
        """One to ten digits in one to three lines."""
        if self._lines is not None:
            return tuple(self._lines)
        count = int(self.rng.integers(1, 11))
        most = 5 if self.level == "easy" else 10
        lines = max(-(-count // most), int(self.rng.integers(1, 1 + min(3, count))))
        digits = "".join(map(str, self.rng.integers(10, size=count)))
        ends = [round(count * line / lines) for line in range(lines + 1)]
        return tuple(digits[a:b] for a, b in pairwise(ends))

    def height(self, lines: Sequence[str]) -> float:
        """How large digits are written, pixels of the page, so that they fit a frame."""
        room = [0.7 * SIZE[0] / 1.45 / len(lines), 0.7 * SIZE[1] / 0.95 / max(map(len, lines))]
        return float(min(*room, self.rng.uniform(*_HEIGHTS[self.level])) / _ZOOM)

    def scene(self, lines: Sequence[str], height: float, **knobs: Any) -> Scene:
        """A page, smaller written where it would not fit."""
        cells = self._cells if self._seed % 2 and "thickness" not in self._knobs else None
        chosen = {"cells": cells, **self._knobs, **knobs, "seed": self._seed}
        for smaller in (1, 0.8, 0.65, 0.5):
            try:
                return draw_scene(lines, size=_PAGE, digit_height=smaller * height, **chosen)
            except FitError:
                continue
        raise FitError(f"{lines} fits no page; give it fewer digits")

    def sensor(self) -> Sensor:
        """A webcam: a good one, or where it is to be hard, a bad one in little light."""
        rng, border = self.rng, self.level == "border"
        worse = 1 + border * rng.uniform(0, 1.5)
        lost = border and rng.random() < 0.5
        return Sensor(
            noise=float(rng.uniform(1.5, 4) * worse),
            blotches=float(rng.uniform(0.5, 1.5) * worse),
            quality=int(rng.integers(70, 93)),
            blur=float(rng.uniform(0.3, 0.7) * np.sqrt(worse)),
            breathing=float(rng.uniform(0, 0.3)),
            hunts=tuple(rng.uniform(0.2, 0.8, 1) * self.frames / RATE) if lost else (),
            drift=float(rng.uniform(0.01, 0.05)),
            flicker=float(rng.choice((0, 0.008, 0.02))),
            phase=float(rng.uniform(0, 2 * np.pi)),
        )

    def held(self) -> Motion:
        """A stand or a hand."""
        return (stand, in_hand)[self.rng.integers(2)](self.rng)


def _shown(sheets: Sequence[Sheet], number: int) -> Sheet:
    return next(sheet for sheet in reversed(sheets) if sheet.first <= number)


def _view(pose: Pose, sheets: Sequence[Sheet], kept: bool) -> NDArray[np.float64]:
    """From the pictures of sheets to the frame: float64 [2, 3]; all digits in view if `kept`."""
    height, width = sheets[0].picture.shape[:2]
    boxes = [box for sheet in sheets for box in sheet.boxes] or [(0, 0, width, height)]
    corners = np.concatenate([_corners(box) for box in boxes])
    frame = np.array([SIZE[1], SIZE[0]])
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    turn = cv2.getRotationMatrix2D(middle.tolist(), pose.angle, _ZOOM * pose.zoom)
    view = np.asarray(turn, np.float64)
    view[:, 2] += frame / 2 - middle + [pose.x, pose.y]
    if kept and any(sheet.boxes for sheet in sheets):
        seen = corners @ view[:, :2].T + view[:, 2]
        low, high = seen.min(axis=0), seen.max(axis=0)
        step_back = min(1.0, float(((frame - 2 * _EDGE) / np.maximum(high - low, 1)).min()))
        view *= step_back
        view[:, 2] += (1 - step_back) * frame / 2
        low, high = (frame / 2 + step_back * (end - frame / 2) for end in (low, high))
        view[:, 2] += np.maximum(0, _EDGE - low) - np.maximum(0, high - frame + _EDGE)
    return np.asarray(view, np.float64)


def _corners(box: BoxTuple) -> NDArray[np.float64]:
    x, y, w, h = box
    return np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float64)


def _truth(sheet: Sheet, view: NDArray[np.float64]) -> Truth:
    lines: list[str] = [""]
    boxes: list[BoxTuple] = []
    cut = False
    places = iter(sheet.boxes)
    frame = np.array([SIZE[1], SIZE[0]])
    for sign in sheet.text:
        if sign == "\n":
            lines.append("")
            continue
        seen = _corners(next(places)) @ view[:, :2].T + view[:, 2]
        low, high = np.floor(seen.min(axis=0)), np.ceil(seen.max(axis=0))
        if (low >= _CLEAR).all() and (high <= frame - _CLEAR).all():
            lines[-1] += sign
            x, y, right, bottom = (int(side) for side in (*low, *high))
            boxes.append((x, y, right - x, bottom - y))
        elif (high > 0).all() and (low < frame).all():
            cut = True
    return Truth("\n".join(filter(None, lines)), tuple(boxes), cut)


def _sheet(first: int, scene: Scene, blank: Pixels, around: int) -> Sheet:
    """A page with `around` pixels of its paper on each side, as `blank` has it."""
    height, width = scene.image.shape[:2]
    sides = ((around, around), (around, around), (0, 0))
    picture = np.pad(blank, sides, mode="reflect")
    picture[around : around + height, around : around + width] = scene.image
    # The lens: what is finer than a frame's pixels must not flicker.
    soft = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.8), np.uint8)
    boxes = tuple((x + around, y + around, w, h) for x, y, w, h in scene.boxes)
    return Sheet(first, soft, scene.text, boxes)


_Take = tuple[tuple[Sheet, ...], Motion]
"""What a clip consists of: what lies before the camera, and how that moves."""

_NEAR, _FAR = 200, 1100  # pixels of paper around a page: for a moving camera, for one that leaves


def _page(desk: _Desk, around: int = _NEAR, **knobs: Any) -> Sheet:
    lines = desk.number()
    height = desk.height(lines)
    scene = desk.scene(lines, height, **knobs)
    blank = desk.scene(lines, height, **{**knobs, "pale": 1, "strays": Strays()})
    return _sheet(0, scene, blank.image, around)


def _still(desk: _Desk) -> _Take:
    return (_page(desk),), stand(desk.rng)


def _hand(desk: _Desk) -> _Take:
    return (_page(desk),), in_hand(desk.rng)


def _slow(desk: _Desk) -> _Take:
    return (_page(desk),), across(desk.frames / RATE, desk.rng)


def _appear(desk: _Desk) -> _Take:
    """Blank paper or a table; then, from one frame to the next, a page."""
    page = _page(desk)
    first = int(desk.frames * desk.rng.uniform(0.3, 0.5))
    if desk.rng.random() < 0.5:
        table = Around(desk=_DESKS[desk.rng.integers(4)], desk_share=1)
        before = desk.scene((), 80, around=table, pale=0, strays=Strays())
    else:
        before = desk.scene(("0",), 80, pale=1, strays=Strays())
    nothing = Scene(before.image, "", ())
    return (_sheet(0, nothing, nothing.image, _NEAR), page._replace(first=first)), desk.held()


def _write(desk: _Desk) -> _Take:
    """Blank paper, on which one digit after the other appears."""
    lines = desk.number()
    height = desk.height(lines)
    apart = {"layout": Layout(), "strays": Strays()}
    full = desk.scene(lines, height, **apart)
    blank = desk.scene(lines, height, **apart, pale=1).image
    owner = _owners(full, blank)
    sheets = [_sheet(0, Scene(blank, "", ()), blank, _NEAR)]
    first = int(desk.rng.integers(20, 40))
    for count in range(1, 1 + len(full.boxes)):
        if first >= desk.frames - _NEW_DIGIT[0]:
            break
        written = np.where((owner > 0)[..., None] & (owner <= count)[..., None], full.image, blank)
        text = _first_digits(full.text, count)
        scene = Scene(np.asarray(written, np.uint8), text, full.boxes[:count])
        sheets.append(_sheet(first, scene, blank, _NEAR))
        first += int(desk.rng.integers(*_NEW_DIGIT))
    return tuple(sheets), desk.held()


def _owners(full: Scene, blank: Pixels) -> NDArray[np.int64]:
    """The digit, from 1, whose ink each pixel is: int [height, width]; 0 for paper."""
    ink = (full.image != blank).any(axis=2).astype(np.uint8)
    count, parts, places, _ = cv2.connectedComponentsWithStats(ink)
    digits = np.zeros(count, np.int64)
    boxes = np.array(full.boxes)
    for part in range(1, count):
        x, y, w, h = places[part][:4]
        far = np.abs(boxes[:, :2] + boxes[:, 2:] / 2 - [x + w / 2, y + h / 2]) / boxes[:, 2:]
        digits[part] = 1 + far.max(axis=1).argmin()
    return np.asarray(digits[parts])


def _first_digits(text: str, count: int) -> str:
    end = 0
    while count:
        count -= text[end] != "\n"
        end += 1
    return text[:end]


def _laid_over(sheet: Sheet, other: Sheet) -> Sheet:
    """A sheet that is put down so that its writing lies where that of the other is."""
    low, high = (np.concatenate([_corners(box) for box in each.boxes]) for each in (sheet, other))
    x, y = np.rint((high.min(axis=0) + high.max(axis=0) - low.min(axis=0) - low.max(axis=0)) / 2)
    height, width = sheet.picture.shape[:2]
    shift = np.array([[1, 0, x], [0, 1, y]], np.float64)
    picture = cv2.warpAffine(
        sheet.picture, shift, (width, height), borderMode=cv2.BORDER_REFLECT_101
    )
    boxes = tuple((a + int(x), b + int(y), w, h) for a, b, w, h in sheet.boxes)
    return sheet._replace(picture=np.asarray(picture, np.uint8), boxes=boxes)


def _replace(desk: _Desk) -> _Take:
    """A number, and from one frame to the next another of as many digits in its place."""
    lines = desk.number()
    height = desk.height(lines)
    others = tuple(
        "".join(str((int(digit) + desk.rng.integers(1, 10)) % 10) for digit in line)
        for line in lines
    )
    blank = desk.scene(lines, height, pale=1, strays=Strays()).image
    first = int(desk.frames * desk.rng.uniform(0.4, 0.6))
    old = _sheet(0, desk.scene(lines, height), blank, _NEAR)
    new = _sheet(first, desk.scene(others, height), blank, _NEAR)
    return (old, _laid_over(new, old)), desk.held()


def _leave(desk: _Desk) -> _Take:
    """The camera is turned away from the page."""
    begins = desk.frames / RATE * desk.rng.uniform(0.3, 0.5)
    motion = away(desk.held(), begins, desk.rng.uniform(0.8, 2), desk.rng)
    return (_page(desk, _FAR, light=0.1),), motion  # the light beside the page is a mirrored one


def _empty(desk: _Desk) -> _Take:
    """No digits: paper, a table, rulings, words, scribbles."""
    rng = desk.rng
    what = rng.integers(4)
    strays = Strays(letters=1, scribbles=0.5, specks=0.2) if what >= 2 else Strays()
    form = Form(table=0.8) if what == 3 else Form()
    around = Around(desk=_DESKS[rng.integers(4)], desk_share=0.8) if what % 2 else Around()
    height = 80 if what >= 2 else 40
    scene = desk.scene((), height, strays=strays, form=form, around=around)
    return (_sheet(0, scene, scene.image, _NEAR),), desk.held()


KINDS: Mapping[str, Callable[[_Desk], _Take]] = MappingProxyType(
    {
        "still": _still,
        "hand": _hand,
        "slow": _slow,
        "appear": _appear,
        "write": _write,
        "replace": _replace,
        "leave": _leave,
        "empty": _empty,
    }
)
"""What happens in a clip."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write one clip, and its truth beside it as JSON; 2 where it cannot be written."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.videos", description="Draw a webcam's video of digits."
    )
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--kind", choices=list(KINDS), default="hand")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--codec", choices=list(CODECS), default="mp4v")
    options = parser.parse_args(arguments)
    if options.seed < 0 or not 0 < options.seconds <= 3600:
        parser.error("--seed must be 0 or more, and --seconds from 0 to 3600")
    clip = draw_clip(options.kind, options.seed, seconds=options.seconds)
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        path = write_video(options.folder / clip.name, clip.frames(), clip.rate, options.codec)
        truth = [truth._asdict() for truth in clip.truths]
        figures = {"kind": clip.kind, "seed": clip.seed, "level": clip.level, "frames": truth}
        content = json.dumps(figures, indent=1) + "\n"
        with replacing(options.folder / f"{clip.name}.json") as temporary:
            temporary.write_text(content, encoding="utf-8")
    except (OSError, CodecError) as error:
        print(f"videos: {error}", file=sys.stderr)
        return 2
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
