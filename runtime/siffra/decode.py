"""The bytes of a picture file to pixels, by OpenCV, once their header says that they may be."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import jpeg, png
from .errors import ImageError
from .exif import orientation_of
from .opencv import cv2, is_of_memory
from .sizes import form_of, stated_size

_MOST_SCANS = 40  # of a JPEG file; each costs a pass over all pixels, be it of a few bytes

# What OpenCV would decode but no header tells the size of, or whose decoders few people use.
_OTHERS = {
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"#?RADIANCE": "Radiance HDR",
    b"#?RGBE": "Radiance HDR",
    b"\x76\x2f\x31\x01": "OpenEXR",
    b"II+\0": "BigTIFF",
    b"MM\0+": "BigTIFF",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"Y\xa6j\x95": "Sun raster",
    b"P7": "PAM",
    b"PF": "PFM",
    b"Pf": "PFM",
    b"<svg": "SVG",
}
_AVIF = (b"avif", b"avis")
_HEIC = (b"heic", b"heix", b"mif1", b"msf1", b"hevc")


def decode(data: bytes, max_pixels: int | None) -> NDArray[Any]:
    """Decode a JPEG, PNG, WebP, TIFF, BMP, GIF or PNM file; of several pictures the first.

    Args:
        data: The file.
        max_pixels: The most pixels that it may state; None for any number.

    Returns:
        [H, W], [H, W, 3] (BGR) or [H, W, 4] (BGRA), upright by the EXIF orientation, of the dtype
        that the file has: uint8, uint16, or what TIFF may hold besides.

    Raises:
        ImageError: It is no such file, is damaged, or states more pixels.
    """
    if not data:
        raise ImageError("is empty")
    form = form_of(data)
    size = stated_size(data)
    if form is None or size is None or 0 in size:
        raise ImageError(why_undecodable(data))
    check_size(*size, max_pixels)
    if form == "JPEG":
        if 512 * len(data) < size[0] * size[1]:  # Huffman's code takes a bit a block
            raise ImageError(why_undecodable(data))
        scans = jpeg.scans_of(data)
        if not scans:  # OpenCV before 4.12 makes a picture of half a file
            raise ImageError(why_undecodable(data))
        if scans > _MOST_SCANS:
            raise ImageError(f"is a JPEG file of {scans} scans; save it as PNG")
    drawn = png.drawn(data) if form == "PNG" else data
    # IMREAD_UNCHANGED keeps alpha and 16 bits but skips the EXIF orientation, so it is left to
    # the formats that can have alpha.
    flags = cv2.IMREAD_ANYCOLOR if form == "JPEG" else cv2.IMREAD_UNCHANGED
    try:
        pixels = None if drawn is None else cv2.imdecode(np.frombuffer(drawn, np.uint8), flags)
    except cv2.error as error:
        if is_of_memory(error):
            raise
        why = " ".join(str(error).split())
        raise ImageError(f"OpenCV cannot decode this {form} file ({why})") from error
    # The size of a TIFF file's tiles is known, and may be more than that of its picture.
    if pixels is None or (form != "TIFF" and {*pixels.shape[:2]} != {*size}):
        raise ImageError(why_undecodable(data))
    if form == "BMP" and pixels.shape[2:] == (4,) and not pixels[:, :, 3].any():
        pixels = pixels[:, :, :3]  # of a screen, where nobody fills in the fourth byte
    return pixels if form == "JPEG" else upright(pixels, orientation_of(data))


def check_size(width: int, height: int, max_pixels: int | None) -> None:
    """Refuse a picture of too many pixels.

    Raises:
        ImageError: It has more than `max_pixels`.
    """
    if max_pixels is not None and width * height > max_pixels:
        raise ImageError(
            f"has {width}x{height} pixels, more than {max_pixels:,}; make it smaller, "
            "or raise max_pixels if it comes from someone whom you trust"
        )


def why_undecodable(data: bytes) -> str:
    """Say what the bytes of a file are that `decode` does not take, and what to do."""
    brand = data[8:12] if data[4:8] == b"ftyp" else b""
    if brand in _HEIC:
        return (
            "is a HEIC photo, which OpenCV does not decode; save it as JPEG, "
            "or open it with Pillow and pillow-heif and pass the image"
        )
    if data.startswith(b"%PDF"):
        return "is a PDF; render its pages to PNG first (pdftoppm -r 200 -png)"
    form = form_of(data)
    if form in ("GIF", "WebP"):  # OpenCV decodes GIF files and animated WebP files from 4.11 on
        return (
            f"is a {form} file that is damaged, or that this OpenCV cannot decode; save it as PNG"
        )
    if form == "PNM":
        return (
            "is a PNM file that is damaged, or whose values reach neither to 255 nor to 65,535; "
            "save it as PNG"
        )
    if form == "TIFF":
        return (
            "is a TIFF file that is damaged, has neither 1, 2, 4, 8 nor 16 bits a value, or is "
            "otherwise not what OpenCV decodes; save it as PNG"
        )
    if form is not None:
        return f"is a {form} file that is damaged or incomplete; get it again"
    others = (name for magic, name in _OTHERS.items() if data.startswith(magic))
    other = "AVIF" if brand in _AVIF else next(others, None)
    if other is not None:
        return f"holds {other}, which siffra does not decode; save it as PNG or JPEG"
    return (
        f"is not a picture that OpenCV can decode (it starts with {data[:8]!r}); "
        "JPEG, PNG, WebP, TIFF, BMP, GIF and PNM work"
    )


def upright(pixels: NDArray[Any], orientation: object) -> NDArray[Any]:
    """Apply an EXIF orientation; values that the standard lacks leave the pixels as they are."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
