"""The axes of hardness: what is varied, from easy to hard, around an ordinary photo of a note."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, get_args

import numpy as np

from benchmarks.camera import Camera
from benchmarks.datasets import LabelledCells
from benchmarks.inks import Pen
from benchmarks.page import FitError
from benchmarks.printed import Form
from benchmarks.scenes import Scene, draw_scene
from benchmarks.strays import Strays
from benchmarks.strokes import STYLES
from benchmarks.surfaces import Paper
from benchmarks.surroundings import Around, Desk
from benchmarks.writing import Layout

Knobs = dict[str, Any]
"""Arguments of `draw_scene`."""


@dataclass(frozen=True)
class Setting:
    """What the scenes of one number have in common, on every axis and level."""

    number: int
    knobs: Knobs

    @property
    def paper(self) -> Knobs:
        """Its paper and pen; white paper and a pen where it has a board or a screen."""
        if "board" in self.knobs["paper"] or "screen" in self.knobs["paper"]:
            return {"paper": "white", "pen": "pen"}
        return {name: self.knobs[name] for name in ("paper", "pen")}

    @property
    def desk(self) -> Desk:
        """A table top."""
        desks: tuple[Desk, ...] = get_args(Desk)
        return desks[self.number % len(desks)]


class Axis(NamedTuple):
    """One thing that makes reading harder."""

    levels: tuple[float, ...]
    """From easy to hard."""
    knobs: Callable[[Setting, float], Knobs]
    """What differs from the setting on a level."""
    turned: bool = False
    """Whether levels are degrees, anticlockwise, by which pictures are turned before they are read:
    the reader has to find out."""


_FIFTHS = (0.2, 0.4, 0.6, 0.8, 1)
_QUARTERS = (0.1, 0.25, 0.5, 0.75, 1)
# A photographer to whom the writing is too much for the picture takes a larger one.
_STEPS_BACK = (1, 1.2, 1.5, 1.9, 2.4)
_WRITING: tuple[tuple[Paper, Pen], ...] = (
    ("white", "pen"),
    ("white", "blue pen"),
    ("cream", "pen"),
    ("yellow", "pen"),
    ("ruled", "pen"),
    ("squared", "blue pen"),
    ("white", "pencil"),
    ("whiteboard", "marker"),
    ("blackboard", "chalk"),
    ("screen-dark", "digital"),
    ("kraft", "pen"),
    ("screen", "digital"),
)


def _large(_: Setting, height: float) -> Knobs:
    size = round(1.65 * height), round(2.7 * height)
    return {"lines": ("38",), "size": size, "digit_height": height}


def _megapixels(setting: Setting, megapixels: float) -> Knobs:
    """The same note, photographed with more pixels."""
    height, width = setting.knobs["size"]
    zoom = float(np.sqrt(1e6 * megapixels / (height * width)))
    size = round(zoom * height), round(zoom * width)
    return {"size": size, "digit_height": zoom * setting.knobs["digit_height"]}


def _gaps(setting: Setting, share: float) -> Knobs:
    rng = np.random.default_rng(setting.number)
    lines = tuple(
        "".join(label + " " * bool(rng.random() < share) for label in line).strip()
        for line in setting.knobs["lines"]
    )
    return {"lines": lines}


def _desk(setting: Setting, share: float) -> Knobs:
    around = Around(desk=setting.desk, desk_share=share)
    return {**setting.paper, "perspective": 0.4, "around": around}


def _objects(setting: Setting, share: float) -> Knobs:
    around = Around(desk=setting.desk, desk_share=share, thumb=share > 0.3, pencil=share > 0.5)
    return {**setting.paper, "perspective": 0.4, "tilt": 5 * share, "around": around}


def _no_digit(setting: Setting, clutter: float) -> Knobs:
    """A page without digits: empty, then with more and more on it."""
    desk = setting.desk if setting.number % 2 else None
    objects = clutter >= 0.5 and setting.number % 3 == 0
    return {
        **setting.paper,
        "lines": (),
        "digit_height": 40,
        "form": Form(rulings=0.5 * clutter, boxes=clutter * (setting.number % 4 == 0)),
        "strays": Strays(letters=clutter, scribbles=0.5 * clutter, specks=0.4 * clutter),
        "around": Around(desk=desk, desk_share=0.6, thumb=objects, pencil=objects),
    }


def _together(setting: Setting, strength: float) -> Knobs:
    """A little of everything at once, as a careless photographer has it."""
    rng = np.random.default_rng(setting.number)
    some = strength * rng.uniform(0, 1, 12) * (rng.random(12) < 0.6)
    return {
        **setting.paper,
        "light": some[0],
        "noise": 0.1 + 0.5 * some[1],
        "blur": 0.1 + 0.4 * some[2],
        "tilt": 10 * some[3],
        "perspective": some[4],
        "pale": 0.6 * some[5],
        "layout": Layout(slope=8 * some[6], uneven=0.5 * some[7], touching=0.15 * some[8]),
        "form": Form(rulings=0.4 * some[9]),
        "strays": Strays(points=0.3 * some[10], specks=0.3 * some[10]),
        "around": Around(desk=setting.desk if some[11] else None, shadow=0.5 * some[11]),
        "camera": Camera(jpeg=0.7 * some[1]),
    }


AXES: Mapping[str, Axis] = MappingProxyType(
    {
        # The digits.
        "small": Axis((32, 24, 17, 12, 9), lambda _, v: {"digit_height": v}),
        "large": Axis((120, 240, 400, 600, 1000), _large),
        "thin": Axis((0.085, 0.05, 0.035, 0.025, 0.017), lambda _, v: {"thickness": v}),
        "fat": Axis((0.1, 0.14, 0.18, 0.22, 0.26), lambda _, v: {"thickness": v}),
        "pale": Axis((0.2, 0.5, 0.7, 0.8, 0.9), lambda _, v: {"pale": v}),
        "broken": Axis(_FIFTHS, lambda _, v: {"layout": Layout(broken=v)}),
        "dotted": Axis((0.2, 0.4, 0.5, 0.6, 0.8), lambda _, v: {"around": Around(dotted=v)}),
        "touching": Axis(_QUARTERS, lambda _, v: {"layout": Layout(touching=v)}),
        # Their lines.
        "uneven": Axis(_FIFTHS, lambda _, v: {"layout": Layout(uneven=v, ragged=v)}),
        "gaps": Axis((0.1, 0.2, 0.4, 0.6, 0.8), _gaps),
        "slope": Axis((4, 8, 12, 16, 20), lambda _, v: {"layout": Layout(slope=v)}),
        "curve": Axis(_FIFTHS, lambda _, v: {"layout": Layout(curve=v)}),
        # The page.
        "ruled": Axis(_QUARTERS, lambda s, v: {**s.paper, "form": Form(rulings=v)}),
        "ruled over": Axis(
            _QUARTERS, lambda s, v: {**s.paper, "form": Form(rulings=v, crossing=1)}
        ),
        "squared": Axis(_QUARTERS, lambda s, v: {**s.paper, "form": Form(rulings=v, squared=True)}),
        "boxes": Axis(
            (0, 0.1, 0.25, 0.5, 1),
            lambda s, v: {**s.paper, "form": Form(boxes=0.7, crossing=v)},
        ),
        "underline": Axis(
            (0, 0.25, 0.5, 0.75, 1),
            lambda s, v: {**s.paper, "form": Form(underline=0.9, crossing=v)},
        ),
        "table": Axis(
            (0, 0.25, 0.5, 0.75, 1), lambda s, v: {**s.paper, "form": Form(table=0.8, crossing=v)}
        ),
        "polarity": Axis((0.1, 0.3, 0.6, 0.8, 1), lambda _, v: {"around": Around(panel=v)}),
        # What is no digit.
        "points": Axis(_QUARTERS, lambda _, v: {"strays": Strays(points=v)}),
        "letters": Axis(_QUARTERS, lambda _, v: {"strays": Strays(letters=v)}),
        "scribbles": Axis(_QUARTERS, lambda _, v: {"strays": Strays(scribbles=v)}),
        "specks": Axis(_QUARTERS, lambda _, v: {"strays": Strays(specks=v)}),
        "no digit": Axis((0, 0.25, 0.5, 0.75, 1), _no_digit),
        # The light, and what is around the page.
        "light": Axis((0, 0.5, 0.75, 1, 1.3), lambda _, v: {"light": v}),
        "shadow": Axis(_FIFTHS, lambda _, v: {"around": Around(shadow=v)}),
        "vignette": Axis(_FIFTHS, lambda _, v: {"around": Around(vignette=v)}),
        "creases": Axis(_FIFTHS, lambda s, v: {**s.paper, "around": Around(creases=v)}),
        "desk": Axis(_FIFTHS, _desk),
        "objects": Axis(_FIFTHS, _objects),
        # The camera.
        "tilt": Axis((5, 10, 20, 25, 30), lambda _, v: {"tilt": v}),
        "turned": Axis((0, 90, 180, 270), lambda _s, _v: {}, turned=True),
        "perspective": Axis((0.3, 0.5, 0.7, 0.85, 1), lambda _, v: {"perspective": v}),
        "noise": Axis((0.2, 0.5, 1, 1.5, 2), lambda _, v: {"noise": v}),
        "blur": Axis((0.3, 0.6, 1, 1.5, 2), lambda _, v: {"blur": v}),
        "motion": Axis((0.1, 0.25, 0.5, 0.75, 1), lambda _, v: {"camera": Camera(motion=v)}),
        "jpeg": Axis((0.3, 0.6, 0.8, 0.9, 1), lambda _, v: {"camera": Camera(jpeg=v)}),
        "megapixels": Axis((0.6, 0.3, 0.15, 0.08, 3), _megapixels),
        # All of it.
        "together": Axis(_FIFTHS, _together),
    }
)


def draw_level(
    axis: str, level: float, number: int, *, seed: int, cells: LabelledCells | None = None
) -> Scene:
    """Draw a scene of an axis: those of one number differ from level to level by that alone.

    Args:
        axis: A name in `AXES`.
        level: How hard; one of its levels, or any between them.
        number: Which scene, from 0.
        seed: Decides everything else.
        cells: If given, every second scene is written with these.
    """
    setting = _ordinary(number, seed)
    knobs = {**setting.knobs, **AXES[axis].knobs(setting, level)}
    if cells is not None and number % 2 and "thickness" not in knobs:
        knobs["cells"] = cells
    height, width = knobs["size"]
    for growth in _STEPS_BACK:
        knobs["size"] = round(growth * height), round(growth * width)
        try:
            return draw_scene(seed=100_000 * seed + number, **knobs)
        except FitError:
            continue
    raise FitError(f"{axis} {level:g}: the writing fits no picture; give it smaller digits")


def _ordinary(number: int, seed: int) -> Setting:
    """A note as people photograph it on a good day."""
    rng = np.random.default_rng((seed, number))
    paper, pen = _WRITING[number % len(_WRITING)]
    lines = tuple(
        "".join(map(str, rng.integers(10, size=rng.integers(3, 7))))
        for _ in range(rng.integers(1, 4))
    )
    writing: Knobs = {
        "lines": lines,
        "size": ((480, 640), (640, 480), (540, 720))[rng.integers(3)],
        "style": list(STYLES)[rng.integers(len(STYLES))],
        "paper": paper,
        "pen": pen,
        "digit_height": float(rng.uniform(36, 84)),
    }
    if paper.startswith("screen"):
        return Setting(number, writing)
    photo: Knobs = {
        "light": float(rng.uniform(0.1, 0.4)),
        "noise": float(rng.uniform(0.05, 0.15)),
        "blur": float(rng.uniform(0.05, 0.2)),
        "tilt": float(rng.uniform(-2, 2)),
        "perspective": float(rng.uniform(0, 0.15)),
        "camera": Camera(jpeg=0.15),
    }
    return Setting(number, {**writing, **photo})
