"""Any input to pixels: files, bytes, arrays, Pillow images become uint8, upright, without alpha."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from .decode import check_size, decode, upright
from .errors import ImageError
from .exif import ORIENTATION_TAG
from .opencv import cv2
from .results import Pixels
from .sizes import MAX_PIXELS


class Readable(Protocol):
    """A file object open for reading bytes."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most so many; none at the end."""


class PillowImage(Protocol):
    """What siffra needs of `PIL.Image.Image`, which it never imports."""

    @property
    def mode(self) -> str:
        """Name of the pixels' layout, such as `RGB`."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""

    def convert(self, mode: str) -> Any:
        """Return the image in another mode."""

    def getexif(self) -> Any:
        """Return the EXIF tags as a mapping."""


Source: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | Readable | PillowImage | NDArray[Any]
)

_CHUNK = 1 << 20  # bytes that are asked of a file object at once
_BLOCK = 1 << 20  # values that are converted at once: as floats they take four times the memory


def load(source: Source, max_pixels: int | None = MAX_PIXELS) -> Pixels:
    """Turn any supported input into pixels.

    Args:
        source: A path; the bytes of a picture file, or a file object that gives them; a Pillow
            image; or an array [H, W], [H, W, 1], [H, W, 3] (BGR, as OpenCV has it) or [H, W, 4]
            (BGRA) of bool, uint8, uint16 (full range), other integers 0..255, or floats 0..1.
        max_pixels: The most pixels that a picture may have, by its header, before it is decoded;
            None for any number.

    Returns:
        uint8 [H, W] or [H, W, 3] (BGR), C-contiguous, upright by its EXIF orientation, alpha
        composited. A uint8 array without alpha is passed on without a copy where it can be.

    Raises:
        ImageError: The input cannot be read; the message names the cause and the cure.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels)
    if isinstance(source, (str, os.PathLike)):
        path = os.fsdecode(source)
        if not path:
            raise ImageError("an empty path names no picture")
        name = _shown(path)
        return _from_file(_read_file(path, name, max_pixels), name, max_pixels)
    if isinstance(source, (bytes, bytearray, memoryview)):
        try:
            data = bytes(source)
        except ValueError as error:
            raise ImageError(f"a {type(source).__name__} cannot be read ({error})") from error
        return _from_file(data, f"{len(data)} bytes", max_pixels)
    if _is_pillow(source):
        return _from_pillow(source, max_pixels)
    if _is_readable(source):
        name = ""
        with suppress(Exception):  # a file object's own property may fail
            name = _shown(str(getattr(source, "name", "")))
        name = name or "file object"
        return _from_file(_read_all(source, name, max_pixels), name, max_pixels)
    raise ImageError(
        f"cannot read a picture from {type(source).__name__}; "
        "pass a path, bytes, a binary file object, a NumPy array or a Pillow image"
    )


def to_grey(pixels: Pixels) -> Pixels:
    """Return uint8 [H, W] luminance of `load`'s pixels; grey pixels come back as they are."""
    if pixels.ndim == 2:
        return pixels
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


# `isinstance` would not see what a wrapper hands on by `__getattr__`, since Python 3.12: as those
# around temporary files and uploads do.
def _is_readable(source: object) -> TypeGuard[Readable]:
    return callable(getattr(source, "read", None))


def _is_pillow(source: object) -> TypeGuard[PillowImage]:
    return all(hasattr(source, name) for name in ("mode", "size", "convert", "getexif"))


def _read_file(path: str, name: str, max_pixels: int | None) -> bytes:
    # Bytes first, decoding second: cv2.imread fails on non-ASCII paths on Windows (opencv #18305).
    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISDIR(mode):
            raise ImageError(f"{name}: is a folder, not a picture; pass the files in it")
        if not stat.S_ISREG(mode):  # a pipe may never end, and a device neither
            raise ImageError(f"{name}: is a pipe or a device; open it and pass the file object")
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if max_pixels is not None and size > _most_bytes(max_pixels):
                raise ImageError(f"{name}: {_too_many_bytes(size, max_pixels)}")
            return _read_all(file, name, max_pixels)
    except FileNotFoundError as error:
        if "://" in path:
            raise ImageError(f"{name}: is an address; download the picture and pass it") from error
        raise ImageError(f"{name}: no such file") from error
    except OSError as error:
        raise ImageError(f"{name}: cannot be read ({error.strerror or error})") from error
    except ImageError:
        raise
    except ValueError as error:  # a name with a NUL
        raise ImageError(f"{name}: cannot be read ({error})") from error


def _read_all(file: Readable, name: str, max_pixels: int | None) -> bytes:
    data = bytearray()
    try:
        while part := memoryview(file.read(_CHUNK)):  # text and None have no view
            data += part
            if max_pixels is not None and len(data) > _most_bytes(max_pixels):
                raise ImageError(_too_many_bytes(len(data), max_pixels))
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from error
    except (TypeError, UnicodeDecodeError) as error:
        raise ImageError(
            f"{name}: its read(size) gives no bytes; open a file in binary mode ('rb')"
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # a gzip, a zip, a network: each has errors of its own
        raise ImageError(f"{name}: cannot be read ({error})") from error
    return bytes(data)


def _most_bytes(pixels: int) -> int:
    return 8 * pixels + 100_000_000  # four times 16 bits; metadata


def _too_many_bytes(size: int, max_pixels: int) -> str:
    return (
        f"has {size / 1e6:,.0f} MB or more, where a picture of {max_pixels:,} pixels has less; "
        "is it one? (or raise max_pixels)"
    )


def _shown(name: str) -> str:
    """Return a name as it can stand in a message: in one line, without control characters."""
    return name if name.isprintable() else repr(name)


def _from_file(data: bytes, name: str, max_pixels: int | None) -> Pixels:
    try:
        return _from_array(decode(data, max_pixels), max_pixels)
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from error


def _from_pillow(image: PillowImage, max_pixels: int | None) -> Pixels:
    try:
        check_size(*image.size, max_pixels)
    except ImageError as error:
        raise ImageError(f"a Pillow image {error}") from error
    if image.mode in ("I", "F"):
        raise ImageError(
            f"a Pillow image of mode {image.mode!r} has no fixed range; "
            "scale its values to 0..255 and pass them as a uint8 array"
        )
    # Pillow opens a file lazily: it may be truncated or closed by now; and what its many decoders
    # raise on broken files shares no narrower base.
    try:
        # TIFF files Pillow turns itself as it decodes them, and may state their orientation still.
        turned = getattr(image, "format", None) == "TIFF"
        orientation = 1 if turned else image.getexif().get(ORIENTATION_TAG, 1)
        if image.mode in ("1", "L") or image.mode.startswith("I;16"):
            array = np.asarray(image)
        elif image.mode in ("RGBA", "LA", "PA", "La", "RGBa", "P"):
            straight = image.convert("LA") if image.mode == "La" else image
            array = np.asarray(straight.convert("RGBA"))[:, :, [2, 1, 0, 3]]
        else:
            array = np.asarray(image.convert("RGB"))[:, :, ::-1]
    except MemoryError:
        raise
    except Exception as error:
        raise ImageError(f"Pillow cannot read its image ({error})") from error
    return np.ascontiguousarray(upright(_from_array(array, max_pixels), orientation))


def _from_array(array: NDArray[Any], max_pixels: int | None) -> Pixels:
    if type(array) is not np.ndarray:  # subclasses have arithmetic of their own
        if isinstance(array, np.ma.MaskedArray):
            raise ImageError("a masked array has pixels without a value; fill it (.filled) first")
        array = np.asarray(array)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ImageError(
            f"an array of shape {array.shape} is not a picture; "
            "use [H, W], [H, W, 1], [H, W, 3] (BGR) or [H, W, 4] (BGRA)"
        )
    if 0 in array.shape:
        raise ImageError(f"an array of shape {array.shape} has no pixels")
    try:
        check_size(array.shape[1], array.shape[0], max_pixels)
    except ImageError as error:
        raise ImageError(f"an array of shape {array.shape} {error}") from error
    array = _to_uint8(array)
    if array.ndim == 3 and array.shape[2] == 4:
        array = _composite(array)
    return np.ascontiguousarray(array)


def _to_uint8(array: NDArray[Any]) -> Pixels:
    kind = array.dtype.kind
    if array.dtype == np.uint8:
        return array
    if kind == "b":
        return _by_rows(lambda rows: rows * np.uint8(255), array, array.shape)
    if kind == "u" and array.dtype.itemsize == 2:  # of either byte order
        return _by_rows(lambda rows: rows >> 8, array, array.shape)
    if kind not in "iuf":
        raise ImageError(f"an array of {array.dtype} is not a picture; use uint8")
    low, high = float(array.min()), float(array.max())  # NaN passes through both
    top = 1.0 if kind == "f" else 255.0
    if not (low >= 0.0 and high <= top + 1e-3):  # arithmetic on floats may end just above
        raise ImageError(
            f"an array of {array.dtype} must hold values from 0 to {top:g}, "
            f"this one has {low:g} to {high:g}; scale it, or convert it to uint8"
        )
    if kind == "f":
        return _by_rows(lambda rows: np.rint(np.minimum(rows, 1.0) * 255.0), array, array.shape)
    return array.astype(np.uint8)


def _composite(bgra: Pixels) -> Pixels:
    """Lay BGRA pixels on white paper, or on black where what is visible is light itself.

    A drawing app that saves white strokes on nothing must not become white on white.
    """
    if bgra[:, :, 3].min() == 255:
        return bgra[:, :, :3]
    visible = light = 0.0  # sums over all pixels: of how much shows, and of how light that is
    for rows in _blocks(bgra):
        alpha = rows[:, :, 3].astype(np.float64)
        visible += float(alpha.sum())
        grey = cv2.cvtColor(np.ascontiguousarray(rows), cv2.COLOR_BGRA2GRAY)
        light += float(np.vdot(grey.astype(np.float64), alpha))
    transparent = visible < 0.99 * 255 * bgra[:, :, 3].size
    paper = 0 if transparent and light > 127 * visible else 255

    def composited(rows: NDArray[Any]) -> NDArray[Any]:
        alpha = rows[:, :, 3:].astype(np.uint16)
        mixed = rows[:, :, :3] * alpha + paper * (255 - alpha)  # 255 * 255 at most
        return np.asarray((mixed + 127) // 255)

    return _by_rows(composited, bgra, (*bgra.shape[:2], 3))


def _by_rows(
    convert: Callable[[NDArray[Any]], NDArray[Any]], array: NDArray[Any], shape: tuple[int, ...]
) -> Pixels:
    """Convert an array to uint8, some rows at a time: the whole in floats would fill the memory."""
    pixels = np.empty(shape, np.uint8)
    top = 0
    for rows in _blocks(array):
        pixels[top : top + len(rows)] = convert(rows)
        top += len(rows)
    return pixels


def _blocks(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    step = max(1, _BLOCK // array[0].size)
    return (array[top : top + step] for top in range(0, len(array), step))
