"""How large a picture is, by the first bytes of its file: to know before it is decoded."""

import struct
from collections.abc import Callable

Size = tuple[int, int]
"""Width and height in pixels, as the file states them."""

_STEPS = 4096  # markers or entries before the size: a made-up file has millions, to keep us busy
_TIFF_KINDS = {3: "H", 4: "I"}  # others stand elsewhere, or are no size


def stated_size(data: bytes) -> Size | None:
    """Return the width and height that a picture file states.

    None for what is no PNG, JPEG, WebP, GIF, BMP or TIFF, or breaks off before it says.
    """
    for magic, read in _FORMATS.items():
        if data.startswith(magic):
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
    at = 2
    for _ in range(_STEPS):
        marker, kind = data[at], data[at + 1]
        if marker == kind == 0xFF:  # a fill byte
            at += 1
            continue
        if marker != 0xFF or kind in (0xD9, 0xDA):  # the picture begins, or ends, without a size
            return None
        if kind == 0x01 or 0xD0 <= kind <= 0xD8:  # these stand alone
            at += 2
            continue
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = _pair(">HH", data, at + 5)
            return width, height
        (length,) = struct.unpack_from(">H", data, at + 2)
        at += 2 + max(2, length)
    return None


def _tiff(data: bytes) -> Size | None:
    order = "<" if data.startswith(b"II") else ">"
    (directory,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, directory)
    found: dict[int, int] = {}
    for entry in range(min(count, _STEPS)):
        at = directory + 2 + 12 * entry
        tag, kind = _pair(order + "HH", data, at)
        if tag in (256, 257) and tag not in found:  # of two, decoders take the first
            if kind not in _TIFF_KINDS:
                return None
            (found[tag],) = struct.unpack_from(order + _TIFF_KINDS[kind], data, at + 8)
    return (found[256], found[257]) if len(found) == 2 else None


def _pair(form: str, data: bytes, at: int) -> Size:
    first, second = struct.unpack_from(form, data, at)
    return int(first), int(second)


_FORMATS: dict[bytes, Callable[[bytes], Size | None]] = {
    **{b"\x89PNG": _png, b"\xff\xd8": _jpeg, b"RIFF": _webp, b"GIF8": _gif, b"BM": _bmp},
    **{b"II*\0": _tiff, b"MM\0*": _tiff},
}
