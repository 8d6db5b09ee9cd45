"""What a picture file says of itself in its first bytes: known before it is decoded."""

import re
import struct
from collections.abc import Callable

from . import jpeg

Size = tuple[int, int]
"""Width and height in pixels, as the file states them."""

MAX_PIXELS = 100_000_000
"""Of a picture, unless a reader is told otherwise; a phone's photo has 12 to 50 million."""

_STEPS = 4096  # entries of a directory: a made-up file has tens of thousands, to keep us busy
_TIFF_KINDS = {1: "B", 3: "H", 4: "I"}  # others stand elsewhere, or are no size
# Width, height, bits of a value, of a tile width, height; colours, values of a pixel.
_TIFF_TAGS = (256, 257, 258, 322, 323, 262, 277, 273, 279, 324, 325)
_TIFF_DATA = {273, 279}, {324, 325}  # where strips or tiles stand, and their lengths
_TIFF_GREY = (0, 1, 3, 4)  # and palettes, masks: one value a pixel, unless it is stated
_TIFF_BITS = (1, 2, 4, 8, 16)  # of a value; what lies between few programs write
_GAP = rb"\s(?:\s|#[^\r\n]{0,4095}[\r\n]){0,4095}"  # blanks and comments, as OpenCV takes them
_NUMBER = _GAP + rb"(\d{1,9})"
_BITS = re.compile(rb"P[14]" + _NUMBER + _NUMBER + rb"\s")
_VALUES = re.compile(rb"P[2356]" + _NUMBER + _NUMBER + _GAP + rb"0*(?:255|65535)\s")


def form_of(data: bytes) -> str | None:
    """Return the name of a picture file's format, None where it is none that siffra decodes."""
    return next((name for magic, (name, _) in _FORMATS.items() if magic.match(data)), None)


def stated_size(data: bytes) -> Size | None:
    """Return the width and height that a picture file states.

    None for what `form_of` does not know, what breaks off before it says, TIFF files of more than
    16 bits a value, which take more memory than their pixels tell, or of 10 to 14, or that lack
    what libtiff guesses then, and PNM files whose values reach neither to 255 nor to 65,535, which
    OpenCV does not scale.
    """
    for magic, (_, read) in _FORMATS.items():
        if magic.match(data):
            try:
                return read(data)
            except (struct.error, IndexError):
                return None
    return None


def _png(data: bytes) -> Size | None:
    return _pair(">II", data, 16) if data[12:16] == b"IHDR" else None


def _gif(data: bytes) -> Size:
    return _pair("<HH", data, 6)


def _bmp(data: bytes) -> Size:
    (length,) = struct.unpack_from("<I", data, 14)
    if length == 12:  # the oldest header
        return _pair("<HH", data, 18)
    width, height = _pair("<ii", data, 18)
    return abs(width), abs(height)  # negative: rows from the top


def _webp(data: bytes) -> Size | None:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = _pair("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little")
        height = int.from_bytes(data[27:30], "little")
        return width + 1, height + 1
    return None


def _jpeg(data: bytes) -> Size | None:
    for kind, at in jpeg.markers(data):
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = _pair(">HH", data, at + 3)
            return width, height
        if kind == jpeg.START_OF_SCAN:
            return None
    return None


def _tiff(data: bytes) -> Size | None:
    order = "<" if data.startswith(b"II") else ">"
    (directory,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, directory)
    found: dict[int, int] = {}
    for entry in range(min(count, _STEPS)):
        at = directory + 2 + 12 * entry
        tag, kind = _pair(order + "HH", data, at)
        if tag in _TIFF_TAGS and tag not in found:  # of two, decoders take the first
            if kind not in _TIFF_KINDS:
                return None
            (values,) = struct.unpack_from(order + "I", data, at + 4)
            if values > 2 and kind == 3:  # they stand elsewhere
                (at,) = struct.unpack_from(order + "I", data, at + 8)
                at -= 8
            (found[tag],) = struct.unpack_from(order + _TIFF_KINDS[kind], data, at + 8)
    if 256 not in found or 257 not in found or found.get(258, 1) not in _TIFF_BITS:
        return None
    # What is not stated libtiff guesses; where that is too little, pixels are left undefined.
    if not any(found.keys() >= needed for needed in _TIFF_DATA):
        return None
    if found.get(262) not in _TIFF_GREY and 277 not in found:
        return None
    # A tile may be larger than the picture that it holds, and is decoded whole.
    return max(found[256], found.get(322, 0)), max(found[257], found.get(323, 0))


def _pair(form: str, data: bytes, at: int) -> Size:
    first, second = struct.unpack_from(form, data, at)
    return int(first), int(second)


def _pnm(data: bytes) -> Size | None:
    numbers = _BITS.match(data) or _VALUES.match(data)
    return (int(numbers[1]), int(numbers[2])) if numbers else None


_FORMATS: dict[re.Pattern[bytes], tuple[str, Callable[[bytes], Size | None]]] = {
    re.compile(rb"\xff\xd8"): ("JPEG", _jpeg),
    re.compile(rb"\x89PNG"): ("PNG", _png),
    re.compile(rb"RIFF....WEBP", re.DOTALL): ("WebP", _webp),
    re.compile(rb"II\*\0|MM\0\*"): ("TIFF", _tiff),
    re.compile(rb"GIF8"): ("GIF", _gif),
    re.compile(rb"BM"): ("BMP", _bmp),
    re.compile(rb"P[1-6]\s"): ("PNM", _pnm),
}
