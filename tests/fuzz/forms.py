"""Small picture files of every form, as cameras, scanners, browsers and old programs write them."""

import io
import struct
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.drawing import digit_ink

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_CHANNELS = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGBA: 4}
# Column and row of a pass's first pixel, and the steps to its next (PNG, section 8.2, Adam7).
_ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


def digit_picture(digit: int = 7, height: int = 20) -> NDArray[np.uint8]:
    """One dark digit on light paper, with a margin, uint8 [H, W]."""
    return np.pad(255 - digit_ink(digit, height), 6, constant_values=255)


def in_colour(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same in blue ink, uint8 [H, W, 3] (RGB)."""
    return np.dstack([grey, grey, np.maximum(grey, 200)])


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG: length, name, data, checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_header(
    width: int, height: int, depth: int = 8, colour: int = 0, interlace: int = 0
) -> bytes:
    """The magic and the first chunk of a PNG."""
    return PNG_MAGIC + chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    )


def png(
    samples: NDArray[Any],
    depth: int,
    colour: int,
    *,
    interlaced: bool = False,
    extra: bytes = b"",
    pieces: int = 1,
) -> bytes:
    """A PNG of any depth and colour type, which few encoders write.

    Args:
        samples: Values below 2**depth, [H, W, channels].
        depth: Bits of a sample.
        colour: Colour type.
        interlaced: By Adam7.
        extra: Further chunks, before the pixels.
        pieces: IDAT chunks that the pixels are parted into.
    """
    height, width = samples.shape[:2]
    parts = [samples]
    if interlaced:
        parts = [samples[y::down, x::right] for x, y, right, down in _ADAM7]
    rows = b"".join(b"\0" + _packed(row, depth) for part in parts if part.size for row in part)
    palette = b""
    if colour == _PALETTE:
        shades = np.linspace(0, 255, 2**depth).astype(np.uint8)
        palette = chunk(b"PLTE", shades.repeat(3).tobytes())
    packed = zlib.compress(rows, 9)
    step = -(-len(packed) // pieces)
    data = [chunk(b"IDAT", packed[at : at + step]) for at in range(0, len(packed), step)]
    header = png_header(width, height, depth, colour, int(interlaced))
    return header + palette + extra + b"".join(data) + chunk(b"IEND", b"")


def _packed(row: NDArray[Any], depth: int) -> bytes:
    if depth == 16:
        return row.astype(">u2").tobytes()
    bits = np.unpackbits(row.astype(np.uint8).reshape(-1, 1), axis=1)[:, 8 - depth :]
    return np.packbits(bits.reshape(-1)).tobytes()


def png_of(grey: NDArray[np.uint8], depth: int, colour: int, **options: Any) -> bytes:
    """A PNG of a grey picture in some depth and colour type; opaque where that has alpha."""
    top = 2**depth - 1
    samples = np.rint(grey.astype(float) / 255 * top).astype(np.uint16)[:, :, None]
    samples = samples.repeat(_CHANNELS[colour], axis=2)
    if colour in (_GREY_ALPHA, _RGBA):
        samples[:, :, -1] = top
    return png(samples, depth, colour, **options)


Entry = tuple[int, int, Iterable[int]]
"""Tag, type (3: 16 bits, 4: 32 bits) and values of one entry of a TIFF's directory."""


def tiff(
    entries: Iterable[Entry], data: bytes = b"", order: str = "<", following: int = 0
) -> bytes:
    """A TIFF of one directory; its data stand at byte 8, behind the header.

    Args:
        entries: The directory's, as they shall stand.
        data: Strips or tiles.
        order: `<` or `>`.
        following: Offset of the next directory.
    """
    listed = list(entries)
    directory = 8 + len(data)
    behind = directory + 2 + 12 * len(listed) + 4
    table, more = b"", b""
    for tag, kind, values in listed:
        packed = b"".join(struct.pack(order + {3: "H", 4: "I"}[kind], value) for value in values)
        count = len(packed) // {3: 2, 4: 4}[kind]
        if len(packed) > 4:
            packed, more = struct.pack(order + "I", behind + len(more)), more + packed
        table += struct.pack(order + "HHI", tag, kind, count) + packed.ljust(4, b"\0")
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return (
        magic
        + struct.pack(order + "I", directory)
        + data
        + struct.pack(order + "H", len(listed))
        + table
        + struct.pack(order + "I", following)
        + more
    )


def tiff_tiles(width: int, height: int, side: int = 16) -> list[Entry]:
    """The entries of a grey TIFF of uncompressed tiles, one after the other from byte 8."""
    tiles = -(-width // side) * -(-height // side)
    return [
        (256, 4, [width]),
        (257, 4, [height]),
        (258, 3, [8]),
        (259, 3, [1]),
        (262, 3, [1]),
        (277, 3, [1]),
        (322, 4, [side]),
        (323, 4, [side]),
        (324, 4, [8 + side * side * tile for tile in range(tiles)]),
        (325, 4, [side * side] * tiles),
    ]


def tiled_tiff(grey: NDArray[np.uint8], side: int = 16, order: str = "<") -> bytes:
    """A grey TIFF of tiles."""
    height, width = grey.shape
    padded = np.pad(grey, ((0, -height % side), (0, -width % side)))
    tiles = [
        padded[y : y + side, x : x + side].tobytes()
        for y in range(0, height, side)
        for x in range(0, width, side)
    ]
    return tiff(tiff_tiles(width, height, side), b"".join(tiles), order)


def exif(orientation: int, order: str = "<") -> bytes:
    """An EXIF block that states an orientation."""
    return tiff([(0x0112, 3, [orientation])], order=order)


def by_pillow(image: Image.Image, form: str, **options: Any) -> bytes:
    """The bytes of the file that Pillow writes."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def by_opencv(suffix: str, pixels: NDArray[Any], *flags: int) -> bytes:
    """The bytes of the file that OpenCV writes."""
    done, data = cv2.imencode(suffix, pixels, flags)
    assert done, suffix
    return data.tobytes()


def jpeg_with_exif(jpeg: bytes, block: bytes) -> bytes:
    """A JPEG with an EXIF block as its first segment."""
    body = b"Exif\0\0" + block
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def bmp_rle(grey: NDArray[np.uint8]) -> bytes:
    """A BMP of 8 bits a pixel in runs (BI_RLE8)."""
    runs = b"".join(
        b"".join(bytes([1, value]) for value in row) + b"\0\0" for row in grey[::-1].tolist()
    )
    runs = runs[:-2] + b"\0\1"
    return bmp_header(grey.shape[1], grey.shape[0], 8, 1, len(runs)) + runs


def bmp_header(
    width: int, height: int, bits: int = 8, compression: int = 0, size: int = 0
) -> bytes:
    """The headers of a BMP, with a palette of greys where its bits call for one."""
    palette = b"".join(bytes([v, v, v, 0]) for v in range(256)) if bits == 8 else b""
    offset = 54 + len(palette)
    return (
        struct.pack("<2sIHHI", b"BM", offset + size, 0, 0, offset)
        + struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, size, 0, 0, 0, 0)
        + palette
    )


def _animated(form: str, grey: NDArray[np.uint8], **options: Any) -> bytes:
    frames = [Image.fromarray(np.roll(grey, step, axis=1)) for step in (0, 5, 9)]
    return by_pillow(
        frames[0], form, save_all=True, append_images=frames[1:], duration=50, **options
    )


def forms() -> dict[str, bytes]:
    """Name and bytes of one file of each form; all show the same 7, dark on light."""
    grey = digit_picture()
    colour = in_colour(grey)
    bgr = np.ascontiguousarray(colour[:, :, ::-1])
    bgra = np.dstack([bgr, 255 - grey])
    deep = grey.astype(np.uint16) * 257
    one, two = Image.fromarray(grey), Image.fromarray(255 - grey)
    rgb = Image.fromarray(colour)
    rgba = Image.fromarray(bgra[:, :, [2, 1, 0, 3]])
    bits = one.convert("1")
    ascii_rows = " ".join(map(str, grey.reshape(-1).tolist())).encode() + b"\n"
    size = f"{grey.shape[1]} {grey.shape[0]}".encode()
    makers: dict[str, Callable[[], bytes]] = {
        "jpeg-grey.jpg": lambda: by_pillow(one, "JPEG"),
        "jpeg-colour.jpg": lambda: by_pillow(rgb, "JPEG"),
        "jpeg-progressive.jpg": lambda: by_pillow(rgb, "JPEG", progressive=True),
        "jpeg-restart.jpg": lambda: by_opencv(".jpg", bgr, cv2.IMWRITE_JPEG_RST_INTERVAL, 1),
        "jpeg-cmyk.jpg": lambda: by_pillow(rgb.convert("CMYK"), "JPEG"),
        "jpeg-exif.jpg": lambda: jpeg_with_exif(by_pillow(one, "JPEG"), exif(6)),
        "jpeg-icc.jpg": lambda: by_pillow(one, "JPEG", icc_profile=bytes(200), comment=b"no"),
        "png-1.png": lambda: png_of(grey, 1, _GREY),
        "png-2.png": lambda: png_of(grey, 2, _GREY),
        "png-4-interlaced.png": lambda: png_of(grey, 4, _GREY, interlaced=True),
        "png-8.png": lambda: png_of(grey, 8, _GREY),
        "png-8-pieces.png": lambda: png_of(grey, 8, _GREY, pieces=5),
        "png-16.png": lambda: png_of(grey, 16, _GREY),
        "png-rgb.png": lambda: by_pillow(rgb, "PNG"),
        "png-rgb-interlaced.png": lambda: png_of(grey, 8, _RGB, interlaced=True),
        "png-rgb-16.png": lambda: png_of(grey, 16, _RGB),
        "png-palette-4.png": lambda: png_of(grey, 4, _PALETTE),
        "png-palette-transparent.png": lambda: png_of(
            grey, 8, _PALETTE, extra=chunk(b"tRNS", bytes(range(256)))
        ),
        "png-grey-key.png": lambda: png_of(grey, 8, _GREY, extra=chunk(b"tRNS", b"\0\xff")),
        "png-grey-alpha.png": lambda: png_of(grey, 8, _GREY_ALPHA),
        "png-grey-alpha-16.png": lambda: png_of(grey, 16, _GREY_ALPHA),
        "png-rgba.png": lambda: by_pillow(rgba, "PNG"),
        "png-rgba-16-interlaced.png": lambda: png_of(grey, 16, _RGBA, interlaced=True),
        "png-chunks.png": lambda: png_of(
            grey,
            8,
            _GREY,
            extra=chunk(b"gAMA", struct.pack(">I", 45455))
            + chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1))
            + chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"hello"))
            + chunk(b"iCCP", b"none\0\0" + zlib.compress(bytes(132)))
            + chunk(b"eXIf", exif(8, ">")),
        ),
        "png-animated.png": lambda: _animated("PNG", grey),
        "webp-lossy.webp": lambda: by_pillow(rgb, "WEBP"),
        "webp-lossless.webp": lambda: by_pillow(rgb, "WEBP", lossless=True),
        "webp-alpha.webp": lambda: by_pillow(rgba, "WEBP"),
        "webp-lossless-alpha.webp": lambda: by_pillow(rgba, "WEBP", lossless=True),
        "webp-exif.webp": lambda: by_pillow(rgb, "WEBP", exif=b"Exif\0\0" + exif(3)),
        "webp-animated.webp": lambda: _animated("WEBP", grey),
        "tiff-strips.tif": lambda: by_pillow(one, "TIFF", tiffinfo={278: 8}),
        "tiff-lzw.tif": lambda: by_pillow(rgb, "TIFF", compression="tiff_lzw"),
        "tiff-deflate.tif": lambda: by_pillow(one, "TIFF", compression="tiff_adobe_deflate"),
        "tiff-packbits.tif": lambda: by_pillow(one, "TIFF", compression="packbits"),
        "tiff-jpeg.tif": lambda: by_pillow(rgb, "TIFF", compression="jpeg"),
        "tiff-fax3.tif": lambda: by_pillow(bits, "TIFF", compression="group3"),
        "tiff-fax4.tif": lambda: by_pillow(bits, "TIFF", compression="group4"),
        "tiff-palette.tif": lambda: by_pillow(one.convert("P"), "TIFF"),
        "tiff-rgba.tif": lambda: by_pillow(rgba, "TIFF"),
        "tiff-cmyk.tif": lambda: by_pillow(rgb.convert("CMYK"), "TIFF"),
        "tiff-16.tif": lambda: by_opencv(".tiff", deep),
        "tiff-float.tif": lambda: by_opencv(".tiff", grey.astype(np.float32) / 255),
        "tiff-tiles.tif": lambda: tiled_tiff(grey),
        "tiff-tiles-big-endian.tif": lambda: tiled_tiff(grey, order=">"),
        "tiff-pages.tif": lambda: by_pillow(one, "TIFF", save_all=True, append_images=[two]),
        "tiff-exif.tif": lambda: by_pillow(one, "TIFF", tiffinfo={0x0112: 6}),
        "tiff-big.tif": lambda: by_pillow(one, "TIFF", big_tiff=True),
        "bmp-1.bmp": lambda: by_pillow(bits, "BMP"),
        "bmp-8.bmp": lambda: by_pillow(one, "BMP"),
        "bmp-24.bmp": lambda: by_pillow(rgb, "BMP"),
        "bmp-32.bmp": lambda: by_opencv(".bmp", bgra),
        "bmp-runs.bmp": lambda: bmp_rle(grey),
        "bmp-top-down.bmp": lambda: (
            bmp_header(len(grey[0]), -len(grey))
            + np.pad(grey, ((0, 0), (0, -grey.shape[1] % 4))).tobytes()
        ),
        "gif.gif": lambda: by_pillow(one, "GIF"),
        "gif-interlaced.gif": lambda: by_pillow(one, "GIF", interlace=1),
        "gif-transparent.gif": lambda: by_pillow(one, "GIF", transparency=255),
        "gif-animated.gif": lambda: _animated("GIF", grey, loop=0),
        "pbm-text.pbm": lambda: (
            b"P1\n" + size + b"\n" + (b" ".join(b"%d" % (v < 128) for v in grey.reshape(-1)))
        ),
        "pgm-text.pgm": lambda: b"P2\n# grey\n" + size + b"\n255\n" + ascii_rows,
        "ppm-text.ppm": lambda: b"P3\n4 4\n255\n" + b"0 128 255 " * 16,
        "pbm.pbm": lambda: by_pillow(bits, "PPM"),
        "pgm.pgm": lambda: by_pillow(one, "PPM"),
        "ppm.ppm": lambda: by_pillow(rgb, "PPM"),
        "pgm-16.pgm": lambda: by_opencv(".pgm", deep),
        "pam.pam": lambda: by_opencv(".pam", grey),
        "pfm.pfm": lambda: by_opencv(".pfm", grey.astype(np.float32) / 255),
        "hdr.hdr": lambda: by_opencv(".hdr", bgr.astype(np.float32) / 255),
        "sun.ras": lambda: by_opencv(".ras", grey),
        "jpeg2000.jp2": lambda: by_pillow(one, "JPEG2000"),
        "avif.avif": lambda: by_pillow(rgb, "AVIF"),
        "ico.ico": lambda: by_pillow(one, "ICO"),
        "tga.tga": lambda: by_pillow(one, "TGA"),
    }
    return {name: make() for name, make in makers.items()}
