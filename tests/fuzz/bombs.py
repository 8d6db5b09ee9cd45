"""Small files that state, hide or unfold to far more than their bytes: to fill memory or time."""

import struct
import zlib
from collections.abc import Iterable

import numpy as np
from PIL import Image

from .forms import (
    Entry,
    bmp_header,
    by_pillow,
    chunk,
    digit_picture,
    png_header,
    png_of,
    tiff,
)

FORMATS = ("JPEG", "PNG", "WebP", "TIFF", "BMP", "GIF", "PNM")
_BLANK = 255


def stating(form: str, width: int, height: int) -> bytes:
    """A file of some hundred bytes whose header states a size; it holds a small picture or none.

    Args:
        form: One of `FORMATS`.
        width: Pixels; what the format's field does not hold is cut off.
        height: Pixels, likewise.
    """
    small = Image.fromarray(digit_picture())
    if form == "JPEG":
        return _resized(by_pillow(small, "JPEG"), width, height)
    if form == "PNG":
        rows = chunk(b"IDAT", zlib.compress(bytes(5000), 9))
        return png_header(width, height) + rows + chunk(b"IEND", b"")
    if form == "WebP":  # 14 bits each, less one
        webp = bytearray(by_pillow(small, "WEBP", lossless=True))
        at = webp.index(b"VP8L") + 9
        size = ((width - 1) & 0x3FFF) | ((height - 1) & 0x3FFF) << 14
        struct.pack_into("<I", webp, at, size)
        return bytes(webp)
    if form == "TIFF":
        return tiff([*_grey(width, height), *_strip(height, 100)], bytes(100))
    if form == "BMP":
        return bmp_header(width, height) + bytes(100)
    if form == "GIF":
        gif = bytearray(by_pillow(small, "GIF"))
        struct.pack_into("<HH", gif, 6, width & 0xFFFF, height & 0xFFFF)
        return bytes(gif)
    assert form == "PNM"
    return f"P5 {width} {height} 255\n".encode() + bytes(100)


def _resized(jpeg: bytes, width: int, height: int) -> bytes:
    changed = bytearray(jpeg)
    struct.pack_into(">HH", changed, jpeg.index(b"\xff\xc0") + 5, height & 0xFFFF, width & 0xFFFF)
    return bytes(changed)


def _grey(width: int, height: int, compression: int = 1) -> list[Entry]:
    return [
        (256, 4, [width]),
        (257, 4, [height]),
        (258, 3, [8]),
        (259, 3, [compression]),
        (262, 3, [1]),
        (277, 3, [1]),
    ]


def _strip(height: int, size: int) -> list[Entry]:
    return [(273, 4, [8]), (278, 4, [height]), (279, 4, [size])]


def hidden_jpeg(side: int) -> bytes:
    """A JPEG that hides its true size from who takes FF 00 for a segment, as no decoder does.

    Behind FF 00 and a length stands the true header, and an APP5 segment that covers up a header
    of 26 × 32.
    """
    jpeg = by_pillow(Image.fromarray(digit_picture()), "JPEG")
    at = jpeg.index(b"\xff\xc0")
    (length,) = struct.unpack_from(">H", jpeg, at + 2)
    small = jpeg[at : at + 2 + length]
    large = _resized(small, side, side) + b"\xff\xe5" + struct.pack(">H", 2 + len(small))
    return jpeg[:at] + b"\xff\0" + struct.pack(">H", 2 + len(large)) + large + jpeg[at:]


def pnm_of_comments(height: int) -> bytes:
    """A PNM whose height OpenCV finds in what others take for a comment, behind a number."""
    return f"P5 1000#{height} \n 20 255\n".encode() + bytes(20_000)


def huge_tile(side: int) -> bytes:
    """A TIFF of 16 × 16 pixels, which stand in one tile of nothing, compressed."""
    data = zlib.compress(bytes(side * side), 9)
    tile = [(322, 4, [side]), (323, 4, [side]), (324, 4, [8]), (325, 4, [len(data)])]
    return tiff([*_grey(16, 16, compression=8), *tile], data)


def huge_strip() -> bytes:
    """A TIFF of 16 × 16 pixels whose one strip is said to have 4 GB."""
    return tiff([*_grey(16, 16), *_strip(0xFFFFFFFF, 0xFFFFFFF0)], bytes(256))


def deep_tiff(side: int) -> bytes:
    """A TIFF of nothing in four channels of 64 bits, compressed."""
    data = zlib.compress(bytes(side * side * 32), 9)
    entries = [
        *((256, 4, [side]), (257, 4, [side]), (258, 3, [64] * 4), (259, 3, [8]), (262, 3, [2])),
        *((273, 4, [8]), (277, 3, [4]), (278, 4, [side]), (279, 4, [len(data)])),
        *((338, 3, [0]), (339, 3, [3] * 4)),
    ]
    return tiff(entries, data)


def looped_tiff() -> bytes:
    """A TIFF whose directory says that it is the next one itself."""
    pixels = digit_picture()
    height, width = pixels.shape
    entries = [*_grey(width, height), *_strip(height, pixels.size)]
    return tiff(entries, pixels.tobytes(), following=8 + pixels.size)


def blank_png(side: int) -> bytes:
    """A whole and valid PNG of nothing, of 1 bit: 8,000 pixels a byte."""
    packer = zlib.compressobj(9)
    row = b"\0" + bytes(-(-side // 8))
    rows = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return png_header(side, side, depth=1) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def blank_fax(side: int) -> bytes:
    """A whole and valid TIFF of nothing, as fax machines code it: a bit a row."""
    return by_pillow(Image.new("1", (side, side), 1), "TIFF", compression="group4")


def blank_bmp(side: int) -> bytes:
    """A whole and valid BMP of runs that end at once: no byte for any pixel."""
    return bmp_header(side, side, 8, 1, 2) + b"\0\1"


def blank_jpeg(side: int, scans: int = 0) -> bytes:
    """A progressive JPEG of nothing that goes over its last coefficients again and again."""
    jpeg = by_pillow(Image.new("L", (side, side), _BLANK), "JPEG", progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:last] + jpeg[last:-2] * (1 + scans) + jpeg[-2:]


def png_unfolding(name: bytes, megabytes: int, count: int = 1) -> bytes:
    """A small PNG of which a compressed text or colour profile is a bomb."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1_000_000)) for _ in range(megabytes))
    head = {b"zTXt": b"c\0\0", b"iCCP": b"c\0\0", b"iTXt": b"c\0\1\0\0\0"}[name]
    return _png_with([chunk(name, head + packed + packer.flush())] * count)


def png_of_chunks(count: int) -> bytes:
    """A small PNG among a multitude of empty chunks."""
    return _png_with([chunk(b"abCd", b"")] * count)


def _png_with(chunks: Iterable[bytes]) -> bytes:
    return png_of(digit_picture(), 8, 0, extra=b"".join(chunks))


def animation(form: str, side: int, count: int) -> bytes:
    """An animation of many frames, by Pillow's name of its format; the first is white."""
    frames = [
        Image.fromarray(np.full((side, side), _BLANK - k % 2, np.uint8)) for k in range(count)
    ]
    return by_pillow(frames[0], form, save_all=True, append_images=frames[1:], duration=20)
