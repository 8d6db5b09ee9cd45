"""The chunks of a PNG file (PNG specification, third edition, section 5.3)."""

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_DRAWN = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_MOST = 1 << 17  # chunks; writers make them of 8 kB or more


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of each chunk's content."""
    at = len(SIGNATURE)
    for _ in range(_MOST):
        if at + 8 > len(data):
            return
        length, name = struct.unpack_from(">I4s", data, at)
        yield name, at + 8, at + 8 + length
        if name == b"IEND":
            return
        at += 12 + length  # its checksum follows


def drawn(data: bytes) -> bytes | None:
    """Return a file of nothing but what makes the picture; None where that is damaged.

    What decoders complain of on standard error, or unfold to megabytes, is mostly the rest: colour
    profiles, texts, the further pictures of an animation.
    """
    parts: list[bytes | memoryview] = [SIGNATURE]
    view = memoryview(data)
    transparent = False
    for name, start, end in chunks(data):
        # Of several chunks of transparency libpng takes the first, and complains of each other.
        if name not in _DRAWN or (name == b"tRNS" and transparent):
            continue
        transparent = transparent or name == b"tRNS"
        if view[end : end + 4] != zlib.crc32(view[start - 4 : end]).to_bytes(4, "big"):
            return None
        parts.append(view[start - 8 : end + 4])
        if name == b"IEND":
            return b"".join(parts)
    return None
