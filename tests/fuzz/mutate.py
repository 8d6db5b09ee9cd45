"""Breaks picture files where it tells: sizes, lengths, tables, with checksums that still hold.

A decoder refuses most of what random bytes do to a file at its first checksum or magic number. So
files are parted into their pieces, pieces are changed, dropped, doubled and swapped, and what
belongs to them (lengths, checksums) is mostly made right again.
"""

import random
import struct
import zlib
from collections.abc import Callable

from siffra.sizes import form_of

from .forms import PNG_MAGIC, chunk, exif

_NUMBERS = (
    *(0, 1, 2, 3, 7, 8, 16, 255, 256, 511, 512, 513, 32767, 32768, 65500, 65535, 65536, 100_000),
    *(1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 1),
)
_MOST_UNPACKED = 1 << 20
# Where the headers of the simpler formats hold numbers, and how.
_FIELDS = {
    "BMP": (
        *((2, "<I"), (10, "<I"), (14, "<I"), (18, "<I"), (22, "<I"), (26, "<H"), (28, "<H")),
        *((30, "<I"), (34, "<I"), (46, "<I"), (50, "<I")),
    ),
    "GIF": ((6, "<H"), (8, "<H"), (10, "B"), (11, "B"), (13, "B")),
    "WebP": ((4, "<I"), (12, "<I"), (16, "<I"), (20, "<I"), (24, "<I"), (26, "<H"), (28, "<H")),
    "PNG": ((16, ">I"), (20, ">I"), (24, "B"), (25, "B"), (28, "B")),
}
_PNG_NAMES = (
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"eXIf", b"iCCP", b"zTXt", b"iTXt"),
    *(b"acTL", b"fcTL", b"fdAT", b"gAMA", b"cHRM", b"sBIT", b"bKGD", b"hIST", b"sPLT"),
)
_RIFF_NAMES = (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"EXIF", b"XMP ", b"ICCP")
_TIFF_TAGS = (
    *(256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325),
    *(338, 339, 347, 530, 532),
)
_TIFF_VALUES = (*range(9), 16, 32, 64, 32773, 34676, 34887, 50000, 50001)  # compressions, most

Pieces = list[tuple[bytes, bytes]]
"""Names and contents of a file's chunks or segments."""


def mutated(data: bytes, seed: int, most: int) -> bytes:
    """Change a file in one to four places.

    Args:
        data: A file, or anything.
        seed: Decides on all.
        most: Bytes of what comes out.
    """
    rng = random.Random(seed)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
        form = form_of(data)
        ways = [_bytes] if form is None else [_bytes, _WAYS[form], _WAYS[form], _WAYS[form]]
        try:
            data = rng.choice(ways)(data, rng)
        except (struct.error, IndexError, ValueError):  # too broken for this way of breaking it
            data = _bytes(data, rng)
    return data[:most]


def _bytes(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data or b"\0")
    at = rng.randrange(len(changed))
    if rng.random() < 0.3:  # the head decides most
        at = min(at, rng.randrange(64))
    length = min(len(changed) - at, 1 << rng.randrange(8))
    match rng.randrange(7):
        case 0:
            changed[at] ^= 1 << rng.randrange(8)
        case 1:
            changed[at] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
        case 2:
            del changed[at : at + length]
        case 3:
            changed[at:at] = rng.randbytes(length)
        case 4:
            changed[at:at] = changed[at : at + length]
        case 5:
            form = rng.choice((">H", "<H", ">I", "<I"))
            packed = struct.pack(form, _number(rng) & (0xFFFF if form[1] == "H" else 0xFFFFFFFF))
            changed[at : at + len(packed)] = packed
        case 6:
            del changed[at:]
    return bytes(changed)


def _number(rng: random.Random) -> int:
    return rng.choice(_NUMBERS) if rng.random() < 0.7 else rng.randrange(1 << rng.randrange(1, 33))


def _field(form: str, data: bytes, rng: random.Random) -> bytes:
    at, packing = rng.choice(_FIELDS[form])
    value = _number(rng) & ((1 << 8 * struct.calcsize(packing)) - 1)
    changed = bytearray(data)
    struct.pack_into(packing, changed, at, value)
    return bytes(changed)


def _shuffled(pieces: Pieces, names: tuple[bytes, ...], rng: random.Random) -> Pieces:
    """Change, drop, double, swap or add one of the pieces."""
    at = rng.randrange(len(pieces))
    name, content = pieces[at]
    match rng.randrange(8):
        case 0:
            del pieces[at]
        case 1:
            pieces.insert(rng.randrange(len(pieces) + 1), pieces[at])
        case 2:
            other = rng.randrange(len(pieces))
            pieces[at], pieces[other] = pieces[other], pieces[at]
        case 3:
            added = exif(_number(rng) & 0xFFFF) if rng.random() < 0.5 else rng.randbytes(26)
            pieces.insert(rng.randrange(len(pieces) + 1), (rng.choice(names), added))
        case 4:
            pieces[at] = rng.choice(names), content
        case _:
            pieces[at] = name, _bytes(content, rng)
    return pieces


def _png(data: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.3:
        data = _field("PNG", data, rng)
    pieces: Pieces = []
    at = len(PNG_MAGIC)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        pieces.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    if rng.random() < 0.4:
        pieces = [(n, _repacked(c, rng) if n == b"IDAT" else c) for n, c in pieces]
    else:
        pieces = _shuffled(pieces, _PNG_NAMES, rng)
    return PNG_MAGIC + b"".join(chunk(name, content) for name, content in pieces)


def _repacked(packed: bytes, rng: random.Random) -> bytes:
    """Change pixels, or how many there are, behind their compression."""
    try:
        rows = zlib.decompressobj().decompress(packed, _MOST_UNPACKED)
    except zlib.error:
        return _bytes(packed, rng)
    return zlib.compress(_bytes(rows, rng), rng.choice((0, 1, 9)))


def _webp(data: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.4:
        return _field("WebP", data, rng)
    pieces: Pieces = []
    at = 12
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        pieces.append((name, data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    body = b"WEBP"
    for name, content in _shuffled(pieces, _RIFF_NAMES, rng):
        body += name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _jpeg(data: bytes, rng: random.Random) -> bytes:
    """Part at the markers; what follows a scan's header stays with it."""
    pieces: Pieces = []
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        if data[at + 1] == 0xDA:
            while end < len(data) - 1 and (
                data[end] != 0xFF or data[end + 1] in (0, *range(0xD0, 0xD8))
            ):
                end += 1
        pieces.append((data[at : at + 2], data[at + 4 : end]))
        at = end
    sizes = [place for place, (name, _) in enumerate(pieces) if 0xC0 <= name[1] <= 0xC2]
    if sizes and rng.random() < 0.3:  # precision, height, width, components and their sampling
        place = rng.choice(sizes)
        kind, frame = pieces[place][0], bytearray(pieces[place][1])
        if rng.random() < 0.5:
            struct.pack_into(">H", frame, rng.choice((1, 3)), _number(rng) & 0xFFFF)
        else:
            frame[rng.randrange(len(frame))] = rng.choice((0, 1, 2, 3, 4, 8, 12, 17, 34, 65))
        pieces[place] = kind, bytes(frame)
    else:
        kinds = tuple(bytes((0xFF, rng.randrange(256))) for _ in range(4))
        pieces = _shuffled(pieces, kinds, rng)
    out = b"\xff\xd8"
    for name, content in pieces:
        header = len(content)
        if name[1] == 0xDA and content:  # its length is of the header alone
            header = min(header, 4 + 2 * content[0])
        out += name + struct.pack(">H", (header + 2) & 0xFFFF) + content
    return out + (b"\xff\xd9" if rng.random() < 0.9 else b"")


def _tiff(data: bytes, rng: random.Random) -> bytes:
    """Change one entry of the first directory, or how many there are."""
    order = "<" if data.startswith(b"II") else ">"
    (directory,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, directory)
    changed = bytearray(data)
    entry = directory + 2 + 12 * rng.randrange(max(1, count))
    match rng.randrange(6):
        case 0:
            struct.pack_into(order + "H", changed, entry, rng.choice(_TIFF_TAGS))
        case 1:
            struct.pack_into(order + "H", changed, entry + 2, rng.randrange(19))
        case 2:
            struct.pack_into(order + "I", changed, entry + 4, _number(rng) & 0xFFFFFFFF)
        case 3:
            struct.pack_into(order + "I", changed, entry + 8, _number(rng) & 0xFFFFFFFF)
        case 4:
            struct.pack_into(order + "H", changed, entry + 8, rng.choice(_TIFF_VALUES))
        case 5:
            struct.pack_into(order + "H", changed, directory, _number(rng) & 0xFFFF)
    return bytes(changed)


def _pnm(data: bytes, rng: random.Random) -> bytes:
    tokens = data.split(b" ", 4) if rng.random() < 0.5 else data.split(b"\n", 3)
    at = rng.randrange(len(tokens))
    tokens[at] = rng.choice(
        (
            b"%d" % _number(rng),
            b"#%d\n" % _number(rng),
            b"P%d" % rng.randrange(8),
            b"",
            b"-1",
            b"\n",
        )
    )
    return rng.choice((b" ", b"\n", b"#", b"\t", b"")).join(tokens)


_WAYS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "PNG": _png,
    "JPEG": _jpeg,
    "WebP": _webp,
    "TIFF": _tiff,
    "PNM": _pnm,
    "BMP": lambda data, rng: _field("BMP", data, rng),
    "GIF": lambda data, rng: _field("GIF", data, rng),
}
