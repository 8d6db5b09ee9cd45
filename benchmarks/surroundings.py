"""What is in a picture beside the page: the table top, a thumb, a pencil."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.camera import BoxTuple, through
from benchmarks.page import Page
from benchmarks.surfaces import LARGEST_DRAWN, Colour, clouds

Desk = Literal["wood", "dark", "light", "cloth"]

_DESKS: dict[str, Colour] = {
    "wood": (96, 132, 172),
    "dark": (44, 42, 46),
    "light": (196, 202, 206),
    "cloth": (120, 78, 60),
}
_SKINS: tuple[Colour, ...] = ((150, 178, 226), (112, 146, 206), (70, 98, 152), (44, 62, 98))
_PENCILS: tuple[Colour, ...] = ((40, 176, 232), (48, 44, 200), (120, 80, 30), (40, 40, 40))
_TRIES = 20


@dataclass(frozen=True)
class Around:
    """What is in the picture beside the page, and what falls on it; all off by default."""

    desk: Desk | None = None
    """The table top on which the page lies; None where the page fills the picture."""
    desk_share: float = 0.5
    """How near to the writing the page ends: 0 hardly in view to 1 close."""
    thumb: bool = False
    """A thumb over the border."""
    pencil: bool = False
    """A pencil that lies across the border."""
    shadow: float = 0
    """A shadow with a sharp edge: 0 none to 1, 70 % of the light."""
    vignette: float = 0
    """Dark corners: 0 none to 1, 80 % of the light."""
    creases: float = 0
    """Folds and crumples: 0 none to 1."""
    dotted: float = 0
    """Ink that a bad scan or print leaves out in dots: 0 none to 1, more than half."""
    panel: float = 0
    """Some of the lines on another ground: 0 the same, 0.5 middle grey, 1 the opposite of the page,
    with light ink on dark where the page has dark ink on light."""


def lay_on_desk(
    paper: NDArray[np.float64],
    desk: Desk,
    corners: NDArray[np.float64],
    view: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """A sheet of paper on a table top, float64 [height, width, 3], BGR.

    Args:
        paper: The paper as if it filled the picture, float64 [height, width, 3].
        desk: What the table top is like.
        corners: Of the sheet, in order around it: x, y on the page, float64 [4, 2].
        view: From the page to the picture.
        rng: Chooses the texture and where the light comes from.
    """
    height, width = paper.shape[:2]
    short = min(height, width)
    sheet = np.zeros((height, width), np.uint8)
    outline = np.rint(16 * through(view, corners) - 8).astype(np.int32)
    cv2.fillConvexPoly(sheet, outline, 255, cv2.LINE_AA, 4)
    top = _table_top(desk, (height, width), rng)
    # The sheet is not quite flat: it throws a narrow shadow.
    shift = np.array([[1, 0, rng.normal(0, 0.006 * short)], [0, 1, rng.normal(0, 0.006 * short)]])
    below = np.asarray(cv2.warpAffine(sheet, shift, (width, height)), np.uint8)
    top *= 1 - 0.4 * _softened(below, 0.006 * short)[..., None]
    covered = sheet[..., None] / 255
    return np.asarray(top + covered * (paper - top), np.float64)


def sheet_around(
    area: NDArray[np.float64], size: tuple[int, int], strength: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The corners of a sheet, float64 [4, 2]: the stronger, the more of the table shows.

    Args:
        area: x, y of two corners around what is written, float64 [2, 2].
        size: Height and width of the page, pixels.
        strength: 0 hardly anything but paper to 1, the paper ends close to the writing.
        rng: Chooses how far each edge is.
    """
    page = np.array([[0, 0], size[::-1]], np.float64)
    reach = 1.2 - strength * rng.uniform(0.3, 0.95, (2, 2))
    (left, top), (right, bottom) = area + reach * (page - area)
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


def change_ground(
    picture: NDArray[np.float64],
    strength: float,
    page: Page,
    view: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    """Give a part of the page another ground, float64 [height, width, 3], in place."""
    mask = np.zeros(picture.shape[:2], np.uint8)
    outline = through(view, _panel(page, picture.shape[:2], rng))
    cv2.fillConvexPoly(mask, np.rint(16 * outline - 8).astype(np.int32), 255, cv2.LINE_AA, 4)
    ground = np.median(picture, axis=(0, 1))
    # Past middle grey ink shows better if it is lighter than its ground.
    ink = (picture - ground) * (-1 if strength >= 0.5 else 1)
    changed = np.clip(ground + strength * (255 - 2 * ground) + ink, 0, 255)
    picture += mask[..., None] / 255 * (changed - picture)


def put_thumb(
    picture: NDArray[np.float64], avoided: Sequence[BoxTuple], rng: np.random.Generator
) -> None:
    """Lay a thumb over the border, float64 [height, width, 3], in place; it covers no digit."""
    short = min(picture.shape[:2])
    for _ in range(_TRIES):
        wide = short * rng.uniform(0.12, 0.2)
        foot, inwards = _on_border(picture.shape[:2], rng)
        tip = foot + short * rng.uniform(0.03, 0.18) * inwards
        body = _capsule(picture.shape[:2], foot - 2 * wide * inwards, tip, wide)
        if not _meets(body, avoided):
            break
    else:
        return
    _shadow_of(body, picture, rng)
    nail = _capsule(
        picture.shape[:2], tip - 0.32 * wide * inwards, tip + 0.02 * wide * inwards, 0.62 * wide
    )
    part = _part(body)
    skin = np.array(_SKINS[int(rng.integers(len(_SKINS)))], np.float64)
    # Round, so it darkens towards its edges.
    depth = cv2.distanceTransform((body[part] > 127).astype(np.uint8), cv2.DIST_L2, 5)
    flesh = (0.62 + 0.38 * np.sqrt(np.clip(depth / (0.5 * wide), 0, 1)))[..., None] * skin
    flesh += (nail[part][..., None] / 255) * 0.35 * (np.array((228, 226, 250)) - flesh)
    flesh += 5 * clouds(flesh.shape[:2], short / 60, rng)[..., None]
    picture[part] += body[part][..., None] / 255 * (flesh - picture[part])


def put_pencil(
    picture: NDArray[np.float64], avoided: Sequence[BoxTuple], rng: np.random.Generator
) -> None:
    """Lay a pencil near the border, float64 [height, width, 3], in place; it covers no digit."""
    size = picture.shape[:2]
    short = min(size)
    wide = short * rng.uniform(0.02, 0.04)
    for _ in range(_TRIES):
        foot, inwards = _on_border(size, rng)
        angle = rng.uniform(-1.3, 1.3)
        along = np.array(
            [
                inwards[0] * np.cos(angle) - inwards[1] * np.sin(angle),
                inwards[0] * np.sin(angle) + inwards[1] * np.cos(angle),
            ]
        )
        tip = foot + short * rng.uniform(0.15, 0.7) * along
        across = wide / 2 * np.array([-along[1], along[0]])
        tail, neck = foot - short * along, tip - 2.5 * wide * along
        body = _polygon(size, [tail + across, neck + across, tip, neck - across, tail - across])
        if not _meets(body, avoided):
            break
    else:
        return
    _shadow_of(body, picture, rng)
    colour = np.array(_PENCILS[int(rng.integers(len(_PENCILS)))], np.float64)
    lead = tip - 0.7 * wide * along
    parts = [
        ([tail + across, neck + across, neck - across, tail - across], colour),
        ([tail + 0.4 * across, neck + 0.4 * across, neck, tail], 0.5 * colour + 120),
        ([neck + across, tip, neck - across], np.array((150, 190, 218))),
        ([lead + 0.28 * across, tip, lead - 0.28 * across], np.array((50, 48, 48))),
    ]
    part = _part(body)
    for corners, tone in parts:
        covered = _polygon(size, corners)[part][..., None] / 255
        picture[part] += covered * (tone - picture[part])


def _panel(page: Page, size: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Corners x, y on the page, float64 [4, 2], of a part that ends between two lines."""
    height, width = size
    (left, top), (right, bottom) = page.area + 0.3 * page.unit * np.array([[-1, -1], [1, 1]])
    first, pitch = page.grid.origin[1], page.grid.pitch
    gaps = np.arange(first, page.area[1, 1] - 0.5 * pitch, pitch)
    # To the edges of the page, if there is a line beyond it; else a card that lies on it.
    if len(gaps) and rng.random() < 0.5:
        left, top, right, bottom = -width, -height, 2 * width, 2 * height
    if len(gaps):
        edge = gaps[rng.integers(len(gaps))]
        top, bottom = (edge, bottom) if rng.random() < 0.5 else (top, edge)
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def _table_top(desk: Desk, size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    height, width = size
    if height * width > LARGEST_DRAWN:
        small = _table_top(desk, (height // 2, width // 2), rng)
        return np.asarray(cv2.resize(small, (width, height)), np.float64)
    short = min(size)
    top = np.full((height, width, 3), _DESKS[desk], np.float64) * rng.uniform(0.85, 1.12)
    if desk == "wood":
        y, x = np.mgrid[:height, :width] / short
        angle = rng.uniform(0, np.pi)
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        # Long, wavering rings; and fibres, which are noise drawn out along them.
        rings = np.sin(2 * np.pi * (rng.uniform(4, 9) * across + 0.5 * np.sin(1.5 * along)))
        rings += 0.8 * clouds(size, short / 3, rng)
        table = rng.normal(0, 1, (400, 60))
        rows = (np.mod(across + 2, 4) * 100).astype(np.float32)
        columns = (np.mod(along + 2, 4) * 14).astype(np.float32)
        fibres = cv2.remap(table, columns, rows, cv2.INTER_LINEAR)
        top *= 1 + 0.07 * rings[..., None] + 0.05 * fibres[..., None]
    elif desk == "cloth":
        y, x = np.mgrid[:height, :width]
        pitch = short / rng.uniform(60, 120)
        weave = np.sin(2 * np.pi / pitch * x) + np.sin(2 * np.pi / pitch * y)
        top *= 1 + 0.06 * weave[..., None]
    top += 4 * clouds(size, short / 6, rng)[..., None]
    top += rng.normal(0, 1.5, (height, width, 1))
    return top


def _on_border(
    size: tuple[int, ...], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A place x, y on the picture's border, and the direction inwards."""
    height, width = size
    share = rng.uniform(0.1, 0.9)
    places = (
        ((0, share * height), (1, 0)),
        ((width, share * height), (-1, 0)),
        ((share * width, 0), (0, 1)),
        ((share * width, height), (0, -1)),
    )
    place, inwards = places[int(rng.integers(4))]
    lean = rng.uniform(-0.5, 0.5)
    x, y = inwards
    turned = x * np.cos(lean) - y * np.sin(lean), x * np.sin(lean) + y * np.cos(lean)
    return np.array(place, np.float64), np.array(turned, np.float64)


def _capsule(
    size: tuple[int, ...], start: NDArray[np.float64], end: NDArray[np.float64], wide: float
) -> NDArray[np.uint8]:
    """A stroke with round ends: its mask, uint8 [height, width]."""
    mask = np.zeros(size, np.uint8)
    ends = [np.rint(point).astype(int).tolist() for point in (start, end)]
    cv2.line(mask, ends[0], ends[1], 255, max(1, round(wide)), cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 1), np.uint8)


def _polygon(size: tuple[int, ...], corners: Sequence[NDArray[np.float64]]) -> NDArray[np.uint8]:
    mask = np.zeros(size, np.uint8)
    cv2.fillConvexPoly(mask, np.rint(16 * np.array(corners)).astype(np.int32), 255, cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.7), np.uint8)


def _meets(mask: NDArray[np.uint8], boxes: Sequence[BoxTuple]) -> bool:
    """Whether a thing comes near to one of some boxes."""
    return any(
        bool(mask[max(0, y - h // 4) : y + h + h // 4, max(0, x - h // 4) : x + w + h // 4].any())
        for x, y, w, h in boxes
    )


def _shadow_of(
    body: NDArray[np.uint8], picture: NDArray[np.float64], rng: np.random.Generator
) -> None:
    height, width = body.shape
    short = min(height, width)
    shift = np.array([[1, 0, rng.normal(0, 0.012 * short)], [0, 1, rng.normal(0, 0.012 * short)]])
    moved = np.asarray(cv2.warpAffine(body, shift, (width, height)), np.uint8)
    picture *= 1 - 0.35 * _softened(moved, 0.012 * short)[..., None]


def _softened(mask: NDArray[np.uint8], spread: float) -> NDArray[np.float64]:
    """A mask blurred by a standard deviation in pixels: float64 [height, width], 0 to 1."""
    height, width = mask.shape
    # A wide blur is the same on a smaller copy, and much quicker.
    shrink = max(1, int(spread / 2))
    small = cv2.resize(mask, (width // shrink, height // shrink), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small.astype(np.float32), (0, 0), spread / shrink)
    return np.asarray(cv2.resize(soft, (width, height)) / 255, np.float64)


def _part(mask: NDArray[np.uint8]) -> tuple[slice, slice]:
    """The rows and columns that a mask has something in."""
    x, y, w, h = cv2.boundingRect(mask)
    return slice(y, y + h), slice(x, x + w)
