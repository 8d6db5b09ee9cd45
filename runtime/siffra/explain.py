"""Why a picture was read as it was, in one picture: its ink, what became of it, each cell."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from .draw import Colour, colour_of, extent, tag, write
from .opencv import cv2
from .page import Page
from .results import Box, Digit, Pixels, Reading, Reason

_LONG, _SHORT = 1000, 750  # px that the picture may have, either way round
_TINY = 500  # px that the longer side of smaller pictures comes close to
_MARGIN = 12
_PAPER: Colour = (250, 250, 250)
_TEXT: Colour = (30, 30, 30)
_FAINT: Colour = (110, 110, 110)
_LEFT_OUT: Colour = (210, 120, 30)
_INK_READ: Colour = (255, 255, 255)
_INK_PALE: Colour = (130, 190, 225)
_INK_UNREAD: Colour = (120, 120, 120)
_THIN = 40  # of 255: what is left, when the mask is reduced, of a line that must not vanish
_LARGE, _SMALL = 0.9, 0.5  # size of letters
_CELL = 112  # px of a cell, four times its side
_ROW = 18  # px from one row of a tile's text to the next
_TILE_WIDTH, _TILE_HEIGHT = 124, _CELL + 5 * _ROW + 6
_ROWS = 24  # of tiles; where a row for each line would take more, lines share rows
_TILES = 200
_FEW = 12  # digits on a page where there is room for what is written beside each


def explanation(reading: Reading, page: Page, model: str, threshold: float) -> Pixels:
    """Show at a glance why a picture was read as it was.

    Args:
        reading: What was read.
        page: What it was made from.
        model: Name of the model that read.
        threshold: Confidence from which it accepted a digit.

    Returns:
        uint8 [H, W, 3] (BGR): a headline, the picture, the ink on the copy that was read, then for
        each digit the cell that the network saw and its three best answers. At most 1,600 pixels
        wide and 8,000 high.
    """
    picture = _picture(reading)
    mask = _mask(page, reading.digits, max(picture.shape))
    narrow = picture.shape[1] + mask.shape[1] <= 2 * _SHORT
    both = _beside([picture, mask]) if narrow else _below([picture, mask])
    width = max(_LONG, both.shape[1])
    parts = [_headline(reading, page, model, threshold, width), both, _legend(page, width)]
    parts += _strip(reading.lines, width)
    return _framed(_below(parts))


def _headline(reading: Reading, page: Page, model: str, threshold: float, width: int) -> Pixels:
    digits = reading.digits
    accepted = sum(digit.accepted for digit in digits)
    counts = [f"{len(digits)} found", f"{accepted} accepted"]
    reasons = Counter(digit.reason for digit in digits if digit.reason)
    counts += [f"{count} {_words(reason)}" for reason, count in reasons.items()]
    if page.left_out:
        counts.append(f"{len(page.left_out)} left out as texture, an edge or a crease")
    if page.straight:
        counts.append("lines made level")
    stages = ", ".join(f"{name} {value:.1f}" for name, value in reading.timings._asdict().items())
    title = " / ".join(reading.text.split("\n")) or f"no digits: {_why_nothing(reading, page)}"
    return _below(
        [
            _text(title, _LARGE, _TEXT, width),
            _text(", ".join(counts), _SMALL, _TEXT, width),
            _text(
                f"model {model}, threshold {threshold:g}; picture {_size(reading.picture)}, "
                f"working copy {_size(page.grey)}; ms: {stages}, total {reading.timings.total:.1f}",
                _SMALL,
                _FAINT,
                width,
            ),
        ]
    )


def _why_nothing(reading: Reading, page: Page) -> str:
    if reading.digits:
        return "nothing that was found resembles one"
    if page.left_out:
        return "all that has the shape of one was left out"
    if page.ink.mask.any():
        return "no ink has the shape and size of one"
    return "nothing stands out from the paper"


def _legend(page: Page, width: int) -> Pixels:
    if not page.ink.mask.any():
        return _text("The mask is empty.", _SMALL, _FAINT, width)
    words = ["white is ink where digits were found"]
    words += ["yellow is what is paler there", "grey is other ink"]
    if page.left_out:
        words.append("blue is what was left out as texture, an edge or a crease")
    threshold = f"Ink differs from the paper by more than {page.ink.threshold:.0f} of 255."
    return _text(f"In the mask: {', '.join(words)}. {threshold}", _SMALL, _FAINT, width)


def _picture(reading: Reading) -> Pixels:
    """Return the picture as it fits, with boxes and labels."""
    canvas = _fitted(reading.picture)
    if canvas.ndim == 2:
        canvas = np.asarray(cv2.cvtColor(canvas, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
    marks = [
        _Mark(
            _scaled(digit.box, reading.picture, canvas),
            f"{digit} {digit.confidence:.0%}",
            colour_of(digit),
            not digit.accepted or len(reading.digits) <= _FEW,
        )
        for digit in reading.digits
    ]
    return _marked(canvas, marks)


def _mask(page: Page, digits: Sequence[Digit], side: int) -> Pixels:
    """Return the ink and what became of it, about as large as the picture, whose side that is."""
    mask = page.ink.mask
    side = max(side, _TINY)
    found = [each.box for line in page.lines for each in line]
    # Cells are cut from the strength of ink, so that what is not in the mask may count as well.
    pale = np.minimum(1.0, _fitted(_within(found, page.ink.strength), side) / page.ink.threshold)
    canvas = (pale[:, :, None] * _INK_PALE).astype(np.uint8)
    for layer, colour in ((mask, _INK_UNREAD), (_within(found, mask), _INK_READ)):
        canvas[_fitted(layer, side) > _THIN] = colour
    marks = [
        _Mark(
            _scaled(box, mask, canvas),
            str(number),
            colour_of(digit),
            not digit.accepted or len(digits) <= _FEW,
        )
        for number, (box, digit) in enumerate(zip(found, digits, strict=True), 1)
    ]
    marks += [
        _Mark(_scaled(region.box, mask, canvas), "left out", _LEFT_OUT, False)
        for region in page.left_out
    ]
    return _marked(canvas, marks)


def _within(boxes: Sequence[Box], pixels: Pixels) -> Pixels:
    part = np.zeros_like(pixels)
    for x, y, width, height in boxes:
        inside = slice(y, y + height), slice(x, x + width)
        part[inside] = pixels[inside]
    return part


class _Mark(NamedTuple):
    box: Box
    text: str
    colour: Colour
    needed: bool
    """Whether its text is worth more than what it may hide."""


def _marked(canvas: Pixels, marks: Sequence[_Mark]) -> Pixels:
    """Draw boxes, and beside them their texts where these hide nothing that is marked."""
    bottom, right = canvas.shape[0] - 1, canvas.shape[1] - 1
    taken = np.zeros((bottom + 1, right + 1), dtype=np.bool_)
    for (x, y, width, height), _, colour, _ in marks:
        taken[y : y + height, x : x + width] = True
        start = max(0, x - 2), max(0, y - 2)
        end = min(right, x + width + 1), min(bottom, y + height + 1)
        cv2.rectangle(canvas, start, end, colour, 1)
    for (x, y, width, height), text, colour, needed in sorted(marks, key=lambda m: not m.needed):
        across, above, depth = extent(text, _SMALL)
        left = max(0, min(x - 2, right - across))
        level = y + (height + above) // 2
        places = (
            (left, y - 3 - depth),
            (left, y + height + 4 + above),
            (x + width + 3, level),
            (x - 3 - across, level),
        )
        for at in places:
            columns = slice(at[0], at[0] + across + 1)
            rows = slice(at[1] - above - 1, at[1] + depth + 1)
            outside = columns.start < 0 or rows.start < 0
            outside = outside or columns.stop > right + 1 or rows.stop > bottom + 1
            if not outside and not taken[rows, columns].any():
                taken[rows, columns] = True
                tag(canvas, text, at, colour, _SMALL)
                break
        else:
            if needed:
                tag(canvas, text, (left, max(y - 3 - depth, above + 1)), colour, _SMALL)
    return canvas


def _strip(lines: Sequence[Sequence[Digit]], width: int) -> list[Pixels]:
    """Return rows of tiles, a tile for each digit, and a note where some have no room."""
    digits = list(chain.from_iterable(lines))
    # The best known are the ones that need no explaining.
    shown = set(sorted(range(len(digits)), key=lambda i: digits[i].confidence)[:_TILES])
    numbers = iter(range(len(digits)))
    several = len(lines) > 1
    tiles = [
        [
            _tile(digit, f"{index + 1}, line {number}" if not place and several else str(index + 1))
            for place, (digit, index) in enumerate(zip(line, numbers, strict=False))
            if index in shown
        ]
        for number, line in enumerate(lines, 1)
    ]
    across = width // _TILE_WIDTH
    rows = list(chain.from_iterable(_in_rows(line, across) for line in tiles))
    if len(rows) > _ROWS:
        rows = list(_in_rows(list(chain.from_iterable(tiles)), across))
    strip = [np.hstack(row) for row in rows]
    if len(digits) > _TILES:
        note = f"{len(digits) - _TILES} more digits, the surest, are not shown here."
        strip.append(_text(note, _SMALL, _FAINT, width))
    return strip


def _in_rows(tiles: Sequence[Pixels], across: int) -> Iterator[Sequence[Pixels]]:
    for start in range(0, len(tiles), across):
        yield tiles[start : start + across]


def _tile(digit: Digit, caption: str) -> Pixels:
    """Return a digit's cell and what the network and the reader said of it."""
    tile = _blank(_TILE_HEIGHT, _TILE_WIDTH)
    colour = colour_of(digit)
    write(tile, caption, (0, _ROW - 6), _FAINT, _SMALL)
    if digit.cell is not None:
        cell = cv2.resize(digit.cell, (_CELL, _CELL), interpolation=cv2.INTER_NEAREST)
        tile[_ROW : _ROW + _CELL, :_CELL] = cell[:, :, None]
    cv2.rectangle(tile, (0, _ROW), (_CELL - 1, _ROW + _CELL - 1), colour, 2)
    rows = [(_words(digit.reason) if digit.reason else "accepted", colour)]
    rows += [(f"{label}  {share:.1%}", _TEXT) for label, share in digit.top()]
    for number, (text, ink) in enumerate(rows, 1):
        write(tile, text, (0, _ROW + _CELL + number * _ROW - 2), ink, _SMALL)
    return tile


def _text(text: str, size: float, colour: Colour, width: int, most: int = 3) -> Pixels:
    """Return text on paper, in lines that are not wider than that."""
    room = int(width * len(text) / max(1, extent(text, size).width))
    lines = textwrap.wrap(text, max(8, room), max_lines=most, placeholder=" ...")
    _, height, depth = extent(text, size)
    step = height + depth + 4
    paper = _blank(step * len(lines), width)
    for number, line in enumerate(lines):
        write(paper, line, (0, number * step + height + 2), colour, size)
    return paper


def _fitted(pixels: Pixels, side: int = _TINY) -> Pixels:
    """Return pixels as large as there is room for them, smaller ones by a whole factor larger."""
    height, width = pixels.shape[:2]
    room = (_LONG, _SHORT) if width >= height else (_SHORT, _LONG)
    zoom = min(1.0, room[0] / width, room[1] / height)
    way = cv2.INTER_AREA
    if max(height, width) <= side:
        zoom, way = float(side // max(height, width)), cv2.INTER_NEAREST
    size = max(1, round(width * zoom)), max(1, round(height * zoom))
    return np.asarray(cv2.resize(pixels, size, interpolation=way), dtype=np.uint8)


def _scaled(box: Box, whole: Pixels, part: Pixels) -> Box:
    """Return a box in the pixels of a copy of another size."""
    down, across = (b / a for a, b in zip(whole.shape[:2], part.shape[:2], strict=True))
    left, right = round(box.x * across), round((box.x + box.width) * across)
    top, bottom = round(box.y * down), round((box.y + box.height) * down)
    return Box(left, top, right - left, bottom - top)


def _words(reason: Reason) -> str:
    return reason.replace("_", " ")


def _size(pixels: Pixels) -> str:
    return f"{pixels.shape[1]} x {pixels.shape[0]}"


def _blank(height: int, width: int) -> Pixels:
    return np.full((height, width, 3), _PAPER, dtype=np.uint8)


def _below(parts: Sequence[Pixels]) -> Pixels:
    width = max(part.shape[1] for part in parts)
    return np.vstack([_padded(part, part.shape[0] + _MARGIN, width) for part in parts])


def _beside(parts: Sequence[Pixels]) -> Pixels:
    height = max(part.shape[0] for part in parts)
    return np.hstack([_padded(part, height, part.shape[1] + _MARGIN) for part in parts])


def _padded(part: Pixels, height: int, width: int) -> Pixels:
    paper = _blank(height, width)
    paper[: part.shape[0], : part.shape[1]] = part
    return paper


def _framed(part: Pixels) -> Pixels:
    height, width = part.shape[:2]
    paper = _blank(height + _MARGIN, width + 2 * _MARGIN)
    paper[_MARGIN:, _MARGIN : _MARGIN + width] = part
    return paper
