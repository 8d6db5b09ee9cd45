"""Which way up a PNG or WebP file says that it is; of others OpenCV tells."""

import struct
from collections.abc import Iterator

from . import png

ORIENTATION_TAG = 0x0112

_MOST = 4096  # chunks of a WebP file: a made-up one has millions, to keep us busy


def orientation_of(data: bytes) -> int:
    """Return the EXIF orientation (1 to 8) of a PNG or WebP file, 1 where none is stated.

    Layout of the tags: TIFF 6.0, section 2 (header, then a directory of 12-byte entries).
    """
    tiff = _exif(data).removeprefix(b"Exif\0\0")
    order = "<" if tiff.startswith(b"II") else ">"
    try:
        (directory,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, directory)
        for entry in range(count):
            tag, _, _, value = struct.unpack_from(order + "HHIH", tiff, directory + 2 + 12 * entry)
            if tag == ORIENTATION_TAG:
                return int(value)
    except struct.error:  # there is no block, or it is broken and states nothing
        pass
    return 1


def _exif(data: bytes) -> bytes:
    """Return the EXIF block of a file, empty where there is none."""
    # By their chunks: to search a file of a megabyte for a mark takes longer than to decode it.
    if data.startswith(png.SIGNATURE):
        chunks, wanted = png.chunks(data), b"eXIf"
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        chunks, wanted = _riff_chunks(data), b"EXIF"
    else:
        return b""
    return next((data[start:end] for name, start, end in chunks if name == wanted), b"")


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of each chunk (WebP container specification: RIFF)."""
    at, end = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    for _ in range(_MOST):
        if at + 8 > end:
            return
        name, length = struct.unpack_from("<4sI", data, at)
        yield name, at + 8, at + 8 + length
        at += 8 + length + length % 2
