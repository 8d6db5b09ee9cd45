"""Any input to pixels: files, bytes, arrays, Pillow images become uint8, upright, without alpha."""

import os
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .errors import ImageError
from .exif import ORIENTATION_TAG, orientation_of
from .opencv import cv2
from .results import Pixels


@runtime_checkable
class Readable(Protocol):
    """A file object open for reading bytes."""

    def read(self) -> bytes:
        """Return all bytes that are left."""


@runtime_checkable
class PillowImage(Protocol):
    """What siffra needs of `PIL.Image.Image`, which it never imports."""

    @property
    def mode(self) -> str:
        """Name of the pixels' layout, such as `RGB`."""

    def convert(self, mode: str) -> Any:
        """Return the image in another mode."""

    def getexif(self) -> Any:
        """Return the EXIF tags as a mapping."""


Source: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | Readable | PillowImage | NDArray[Any]
)

_PNG = b"\x89PNG"
_JPEG = b"\xff\xd8"
_MAGIC = {
    **{_PNG: "PNG", _JPEG: "JPEG", b"II*\0": "TIFF", b"MM\0*": "TIFF"},
    **{b"RIFF": "WebP", b"BM": "BMP"},
}


def load(source: Source) -> Pixels:
    """Turn any supported input into pixels.

    Args:
        source: A path; the bytes of a picture file, or a file object that gives them; a Pillow
            image; or an array [H, W], [H, W, 1], [H, W, 3] (BGR, as OpenCV has it) or [H, W, 4]
            (BGRA) of bool, uint8, uint16 (full range), other integers 0..255, or floats 0..1.

    Returns:
        uint8 [H, W] or [H, W, 3] (BGR), C-contiguous, upright by its EXIF orientation, alpha
        composited. A uint8 array without alpha is passed on without a copy where it can be.

    Raises:
        ImageError: The input cannot be read; the message names the cause and the cure.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, (str, os.PathLike)):
        path = os.fsdecode(source)
        if not path:
            raise ImageError("an empty path names no picture")
        return _decode(_read_file(path), name=path)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _decode(bytes(source), name=f"{len(source)} bytes")
    if isinstance(source, PillowImage):
        return _from_pillow(source)
    if isinstance(source, Readable):
        name = str(getattr(source, "name", "file object"))
        try:
            data = source.read()
        except UnicodeDecodeError as error:
            raise ImageError(f"{name}: is open as text; open it in binary mode ('rb')") from error
        except (OSError, ValueError) as error:
            raise ImageError(f"{name}: cannot be read ({error})") from error
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise ImageError(f"{name}: is open as text; open it in binary mode ('rb')")
        return _decode(bytes(data), name)
    raise ImageError(
        f"cannot read a picture from {type(source).__name__}; "
        "pass a path, bytes, a binary file object, a NumPy array or a Pillow image"
    )


def to_grey(pixels: Pixels) -> Pixels:
    """Return uint8 [H, W] luminance of `load`'s pixels; grey pixels come back as they are."""
    if pixels.ndim == 2:
        return pixels
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def _read_file(path: str) -> bytes:
    # Bytes first, decoding second: cv2.imread fails on non-ASCII paths on Windows (opencv #18305).
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        if "://" in path:
            raise ImageError(f"{path}: is an address; download the picture and pass it") from error
        raise ImageError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise ImageError(f"{path}: is a folder, not a picture; pass the files in it") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ImageError(f"{path}: cannot be read ({reason})") from error


def _decode(data: bytes, name: str) -> Pixels:
    if not data:
        raise ImageError(f"{name}: is empty")
    jpeg = data.startswith(_JPEG)
    # OpenCV before 4.12 makes a picture of half a JPEG, and libpng complains on stderr.
    # What ends a file is looked for from its end, where it is found at once.
    end = data.rfind(b"\xff\xd9" if jpeg else b"IEND") if jpeg or data.startswith(_PNG) else 0
    if end < 0 or (jpeg and data.find(b"\xff\xda", end) >= 0):  # a scan begins after it
        raise ImageError(f"{name}: {why_undecodable(data)}")
    # IMREAD_UNCHANGED keeps alpha and 16 bits but skips the EXIF orientation, so it is left to
    # the formats that can have alpha.
    flags = cv2.IMREAD_ANYCOLOR if jpeg else cv2.IMREAD_UNCHANGED
    try:
        pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    except cv2.error as error:
        raise ImageError(f"{name}: OpenCV cannot decode it ({error.err})") from error
    if pixels is None:
        raise ImageError(f"{name}: {why_undecodable(data)}")
    try:
        pixels = _from_array(pixels)
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from error
    return pixels if jpeg else _upright(pixels, orientation_of(data))


def why_undecodable(data: bytes) -> str:
    """Say what the bytes of a file are that OpenCV does not decode, and what to do."""
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"hevc"):
        return (
            "is a HEIC photo, which OpenCV does not decode; save it as JPEG, "
            "or open it with Pillow and pillow-heif and pass the image"
        )
    if data.startswith(b"%PDF"):
        return "is a PDF; render its pages to PNG first (pdftoppm -r 200 -png)"
    for magic, form in _MAGIC.items():
        if data.startswith(magic):
            return f"is a {form} file that is damaged or incomplete; get it again"
    return (
        f"is not a picture that OpenCV can decode (it starts with {data[:8]!r}); "
        "JPEG, PNG, WebP, TIFF and BMP work"
    )


def _upright(pixels: Pixels, orientation: object) -> Pixels:
    """Apply an EXIF orientation; values that the standard lacks leave the pixels as they are."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _from_pillow(image: PillowImage) -> Pixels:
    if image.mode in ("I", "F"):
        raise ImageError(
            f"a Pillow image of mode {image.mode!r} has no fixed range; "
            "scale its values to 0..255 and pass them as a uint8 array"
        )
    try:  # Pillow opens a file lazily: it may be truncated or closed by now
        orientation = image.getexif().get(ORIENTATION_TAG, 1)
        if image.mode in ("1", "L") or image.mode.startswith("I;16"):
            array = np.asarray(image)
        elif image.mode in ("RGBA", "LA", "PA", "La", "RGBa", "P"):
            array = np.asarray(image.convert("RGBA"))[:, :, [2, 1, 0, 3]]
        else:
            array = np.asarray(image.convert("RGB"))[:, :, ::-1]
    except (OSError, ValueError) as error:
        raise ImageError(f"Pillow cannot read its image ({error})") from error
    return _upright(_from_array(array), orientation)


def _from_array(array: NDArray[Any]) -> Pixels:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ImageError(
            f"an array of shape {array.shape} is not a picture; "
            "use [H, W], [H, W, 1], [H, W, 3] (BGR) or [H, W, 4] (BGRA)"
        )
    if 0 in array.shape:
        raise ImageError(f"an array of shape {array.shape} has no pixels")
    pixels = _to_uint8(array)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = _composite(pixels)
    return np.ascontiguousarray(pixels)


def _to_uint8(array: NDArray[Any]) -> Pixels:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return np.asarray(array * np.uint8(255), dtype=np.uint8)
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:  # of either byte order
        return np.asarray(array >> 8, dtype=np.uint8)
    if array.dtype.kind not in "iuf":
        raise ImageError(f"an array of {array.dtype} is not a picture; use uint8")
    low, high = float(array.min()), float(array.max())  # NaN passes through both
    top = 1.0 if array.dtype.kind == "f" else 255.0
    if not (low >= 0.0 and high <= top + 1e-3):  # arithmetic on floats may end just above
        raise ImageError(
            f"an array of {array.dtype} must hold values from 0 to {top:g}, "
            f"this one has {low:g} to {high:g}; scale it, or convert it to uint8"
        )
    if array.dtype.kind == "f":
        return np.asarray(np.rint(np.minimum(array, 1.0) * 255.0), dtype=np.uint8)
    return array.astype(np.uint8)


def _composite(bgra: Pixels) -> Pixels:
    """Lay BGRA pixels on white paper, or on black where what is visible is light itself.

    A drawing app that saves white strokes on nothing must not become white on white.
    """
    if bgra[:, :, 3].min() == 255:
        return bgra[:, :, :3]
    alpha = bgra[:, :, 3:].astype(np.float32) / 255.0
    colour = bgra[:, :, :3].astype(np.float32)
    visible = float(alpha.sum())
    transparent = visible < 0.99 * alpha.size
    light = (
        transparent and float((colour.mean(axis=2, keepdims=True) * alpha).sum()) > 127 * visible
    )
    paper = 0.0 if light else 255.0
    return np.asarray(np.rint(colour * alpha + paper * (1.0 - alpha)), dtype=np.uint8)
