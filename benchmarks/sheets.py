"""Contact sheets: pictures side by side with a few words beneath, for a person to look at."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from siffra.draw import thumbnail, to_png

_PAPER = 226  # grey, so that white pictures and black ones have edges
_GAP = 12
_TITLE = 0.6  # size of letters, as OpenCV has it


@dataclass(frozen=True)
class Layout:
    """How many pictures a sheet holds, and how large they and the words beneath are."""

    side: int
    """Of the square that pictures are reduced to."""
    columns: int
    rows: int
    letters: float
    """Size, of which 1 is about 22 pixels high."""

    @property
    def line(self) -> int:
        """Height of a line of text."""
        return round(40 * self.letters)

    @property
    def room(self) -> int:
        """How many letters fit beneath a picture."""
        return int(self.side / (20 * self.letters))


SMALL = Layout(side=240, columns=10, rows=6, letters=0.45)
LARGE = Layout(side=600, columns=3, rows=4, letters=0.65)


def sheets(
    tiles: Iterator[tuple[NDArray[np.uint8], Sequence[str]]], title: str, layout: Layout
) -> Iterator[NDArray[np.uint8]]:
    """Lay pictures out on as many sheets as they need.

    Args:
        tiles: Each a picture, uint8 [H, W] or [H, W, 3] (BGR), and the lines of text beneath it,
            of which three have room.
        title: What stands above.
        layout: How they lie.

    Yields:
        uint8 [H, W, 3], BGR.
    """
    page: list[_Tile] = []
    for picture, lines in tiles:
        page.append(_Tile(_fitted(picture, layout.side), lines))
        if len(page) == layout.columns * layout.rows:
            yield _sheet(page, title, layout)
            page = []
    if page:
        yield _sheet(page, title, layout)


def save_sheets(folder: Path, name: str, pages: Iterator[NDArray[np.uint8]]) -> int:
    """Write sheets as `NAME-1.png` and so on, instead of an earlier run's; return their number."""
    stem = re.sub(r"[^\w.-]+", "-", name).strip("-")
    for old in folder.iterdir():
        if re.fullmatch(rf"{re.escape(stem)}-\d+\.png", old.name):
            old.unlink()
    count = 0
    for count, page in enumerate(pages, 1):
        (folder / f"{stem}-{count}.png").write_bytes(to_png(page))
    return count


class _Tile(NamedTuple):
    picture: NDArray[np.uint8]
    """[H, W, 3], at most of a layout's side."""
    lines: Sequence[str]


def _sheet(tiles: Sequence[_Tile], title: str, layout: Layout) -> NDArray[np.uint8]:
    rows = [tiles[at : at + layout.columns] for at in range(0, len(tiles), layout.columns)]
    strips = [_strip(row, layout) for row in rows]
    width = max(*(strip.shape[1] for strip in strips), _GAP + 14 * len(title))
    head = np.full((3 * _GAP, width, 3), _PAPER, np.uint8)
    _write(head, title, (_GAP, 2 * _GAP), _TITLE)
    return np.vstack([head, *(_widened(strip, width) for strip in strips)])


def _strip(tiles: Sequence[_Tile], layout: Layout) -> NDArray[np.uint8]:
    """Lay one row out, as high as its highest picture needs."""
    bottom = _GAP + max(tile.picture.shape[0] for tile in tiles)
    step = layout.side + 2 * _GAP
    strip = np.full((bottom + 3 * layout.line + _GAP, step * len(tiles), 3), _PAPER, np.uint8)
    for column, (picture, lines) in enumerate(tiles):
        left = column * step + _GAP
        strip[bottom - picture.shape[0] : bottom, left : left + picture.shape[1]] = picture
        for number, text in enumerate(lines, 1):
            fits = len(text) <= layout.room
            shown = text if fits else f"{text[: layout.room - 3]}..."
            _write(strip, shown, (left, bottom + number * layout.line), layout.letters)
    return strip


def _widened(strip: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    return np.pad(strip, ((0, 0), (0, width - strip.shape[1]), (0, 0)), constant_values=_PAPER)


def _fitted(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    zoom = max(1, side // max(picture.shape[:2]))  # by whole pixels, which stay visible
    enlarged = picture.repeat(zoom, axis=0).repeat(zoom, axis=1)
    return thumbnail(enlarged, side)


def _write(canvas: NDArray[np.uint8], text: str, at: tuple[int, int], size: float) -> None:
    cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, (0, 0, 0), 1, cv2.LINE_AA)
