"""Whatever comes in becomes uint8 pixels, upright and opaque, or an ImageError that helps."""

import io
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from siffra import ImageError
from siffra.images import load, to_grey

# No two of its eight orientations look alike.
MARKED = np.zeros((40, 60, 3), dtype=np.uint8)
MARKED[:10, :30] = (0, 0, 255)
MARKED[:10, 50:] = (255, 255, 255)
GREY = MARKED.max(axis=2)


def encoded(suffix: str, pixels: NDArray[Any] = MARKED) -> bytes:
    done, data = cv2.imencode(suffix, pixels)
    assert done
    return data.tobytes()


def close(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Alike up to what JPEG does to edges."""
    return a.shape == b.shape and float(np.abs(a.astype(int) - b.astype(int)).mean()) < 6


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".tiff"])
def test_a_path_bytes_and_a_file_object_give_the_same(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"ett två 三{suffix}"
    path.write_bytes(encoded(suffix))
    from_path = load(path)
    assert close(from_path, MARKED)
    assert from_path.dtype == np.uint8
    assert np.array_equal(load(str(path)), from_path)
    assert np.array_equal(load(path.read_bytes()), from_path)
    assert np.array_equal(load(memoryview(path.read_bytes())), from_path)
    with path.open("rb") as file:
        assert np.array_equal(load(file), from_path)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (MARKED, MARKED),
        (GREY, GREY),
        (GREY[:, :, None], GREY),
        (GREY > 100, np.where(GREY > 100, 255, 0)),
        (GREY / 255.0, GREY),
        ((GREY / 255.0).astype(np.float32), GREY),
        (GREY.astype(np.uint16) * 257, GREY),
        (GREY.astype(np.int64), GREY),
        ((GREY.astype(np.uint16) * 257).astype(">u2"), GREY),
        (np.dstack([MARKED, np.full_like(GREY, 255)]), MARKED),
        (MARKED[:, ::-1], MARKED[:, ::-1]),
        (np.asfortranarray(MARKED), MARKED),
    ],
    ids=[
        "BGR",
        "grey",
        "1",
        "bool",
        "f64",
        "f32",
        "u16",
        "i64",
        "big-endian",
        "BGRA",
        "flipped",
        "fortran",
    ],
)
def test_arrays_of_every_kind_become_uint8(array: NDArray[Any], expected: NDArray[Any]) -> None:
    pixels = load(array)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert np.array_equal(pixels, expected)


def test_an_array_is_not_changed_and_may_be_read_only() -> None:
    array = MARKED.copy()
    array.flags.writeable = False
    load(array)
    assert np.array_equal(array, MARKED)


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "RGBA", "LA", "P", "CMYK", "I;16"])
def test_pillow_images_of_every_mode(mode: str) -> None:
    sixteen = Image.fromarray(GREY.astype(np.uint16) * 257)
    image = sixteen if mode == "I;16" else Image.fromarray(GREY).convert(mode)
    assert close(to_grey(load(image)), np.where(GREY > 127, 255, 0) if mode == "1" else GREY)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_pillow_colours_arrive_as_bgr(mode: str) -> None:
    image = Image.fromarray(MARKED[:, :, ::-1]).convert(mode)
    assert np.array_equal(load(image), MARKED)


def test_a_pillow_image_that_cannot_be_read_is_an_image_error() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)
    image = Image.open(io.BytesIO(encoded(".jpg", noise)[:-5000]))
    with pytest.raises(ImageError, match="Pillow cannot read"):
        load(image)


class Upload:
    """Hands on what a file has, as Werkzeug's `FileStorage` does, and has a name of its own."""

    def __init__(self, file: io.BytesIO) -> None:
        self._file = file

    @property
    def name(self) -> str:
        raise RuntimeError("the form has no such field")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def test_what_wraps_a_file_or_an_image_is_read_as_it_is(tmp_path: Path) -> None:
    data = encoded(".png", GREY)
    with tempfile.NamedTemporaryFile(dir=tmp_path) as file:
        file.write(data)
        file.seek(0)
        assert np.array_equal(load(file), GREY)
    assert np.array_equal(load(Upload(io.BytesIO(data))), GREY)
    with pytest.raises(ImageError, match="file object: is empty"):
        load(Upload(io.BytesIO()))


def test_a_view_that_was_released_is_an_image_error() -> None:
    view = memoryview(b"1234")
    view.release()
    with pytest.raises(ImageError, match="a memoryview cannot be read"):
        load(view)


def test_a_pillow_image_over_the_limit_is_not_decoded() -> None:
    image = Image.open(io.BytesIO(encoded(".png", np.zeros((200, 300), np.uint8))))
    with pytest.raises(ImageError, match="a Pillow image has 300x200 pixels, more than 59,999"):
        load(image, 59_999)
    assert image.tile  # what is still to be decoded
    assert load(image, 60_000).shape == (200, 300)
    assert not image.tile


ORIENTED: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    # How a camera stores an upright scene under each value of EXIF's orientation tag (EXIF 2.32,
    # 4.6.4): the inverse of what a reader has to do.
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", ORIENTED)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "alpha PNG"])
def test_exif_orientation_is_respected(form: str, orientation: int) -> None:
    stored = np.ascontiguousarray(ORIENTED[orientation](MARKED)[:, :, ::-1])
    image = Image.fromarray(stored)
    exif = image.getexif()
    exif[0x0112] = orientation
    if form == "alpha PNG":
        image.putalpha(255)
        form = "PNG"
    assert np.array_equal(load(image), MARKED)
    file = io.BytesIO()
    image.save(file, form, exif=exif)
    assert close(load(file.getvalue()), MARKED)
    for touch in (Image.Image.getexif, Image.Image.load):  # Pillow turns TIFF as it decodes it
        opened = Image.open(file)
        assert close(load(opened), MARKED)
        opened = Image.open(file)
        touch(opened)
        assert close(load(opened), MARKED)
        assert close(load(ImageOps.exif_transpose(opened)), MARKED)


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_a_broken_exif_block_states_nothing(form: str) -> None:
    image = Image.fromarray(MARKED[:, :, ::-1])
    exif = image.getexif()
    exif[0x0112] = 6
    file = io.BytesIO()
    image.save(file, form, exif=exif, lossless=True)
    data = file.getvalue()
    turned = load(data)
    assert turned.shape[:2] == MARKED.shape[1::-1]
    at = data.index(b"MM\0*") if b"MM\0*" in data else data.index(b"II*\0")
    # Its directory lies beyond the end of the file; PNG's checksum of it no longer holds.
    assert load(data[: at + 4] + b"\x7f\xff\xff\x7f" + data[at + 8 :]).shape == MARKED.shape
    # What follows the end of a file is no part of it.
    without = io.BytesIO()
    Image.fromarray(MARKED[:, :, ::-1]).save(without, form, lossless=True)
    block = struct.pack(">I4s", 26, b"eXIf") if form == "PNG" else struct.pack("<4sI", b"EXIF", 26)
    assert load(without.getvalue() + block + data[at : at + 30]).shape == MARKED.shape
    # Pixels that read like a block are none.
    plain = np.frombuffer(data[at - 4 : at + 26].ljust(30, b"\0"), np.uint8).reshape(1, 10, 3)
    assert load(encoded(".bmp", plain)).shape == (1, 10, 3)


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0)], ids=["dark", "light"])
def test_strokes_on_nothing_stay_visible(ink: int, paper: int) -> None:
    """A drawing app saves white strokes on transparency; on white paper they would vanish."""
    bgra = np.zeros((20, 20, 4), dtype=np.uint8)
    bgra[5:15, 8:12] = (ink, ink, ink, 255)
    pixels = load(encoded(".png", bgra))
    assert pixels[10, 10].tolist() == [ink] * 3
    assert pixels[0, 0].tolist() == [paper] * 3


def test_half_transparent_ink_is_mixed_with_the_paper() -> None:
    bgra = np.zeros((20, 20, 4), dtype=np.uint8)
    bgra[5:15, 8:12] = (0, 0, 0, 128)
    assert load(bgra)[10, 10].tolist() == [127] * 3


def test_sixteen_bit_and_grey_files_keep_their_brightness() -> None:
    assert close(to_grey(load(encoded(".png", GREY.astype(np.uint16) * 257))), GREY)
    assert close(load(encoded(".jpg", GREY)), GREY)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_half_a_file_is_no_picture(suffix: str, kept: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (100, 100), dtype=np.uint8)
    content = encoded(suffix, noise)
    with pytest.raises(ImageError, match="damaged or incomplete"):
        load(content[: int(kept * len(content))])


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_what_tools_append_to_a_file_does_no_harm(suffix: str) -> None:
    assert close(load(encoded(suffix) + b"appended by a tool " * 20), MARKED)


@pytest.mark.parametrize(
    ("source", "cause", "cure"),
    [
        ("missing.png", "missing.png", "no such file"),
        (".", "folder", "pass the files in it"),
        (b"", "0 bytes", "is empty"),
        (b"hello there, no picture", "b'hello th'", "JPEG, PNG"),
        (b"%PDF-1.7 and so on", "PDF", "pdftoppm"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC", "JPEG"),
        (b"\xff\xd8\xff\xe0 broken", "JPEG file that is damaged", "again"),
        (42, "int", "NumPy array"),
        (io.StringIO("text"), "no bytes", "'rb'"),
        (np.zeros((4, 4, 2), np.uint8), "(4, 4, 2)", "[H, W]"),
        (np.zeros((2, 4, 4, 3), np.uint8), "(2, 4, 4, 3)", "[H, W]"),
        (np.zeros((0, 4), np.uint8), "(0, 4)", "no pixels"),
        (np.full((4, 4), 200.0), "200", "scale it"),
        (np.full((4, 4), np.nan), "nan", "0 to 1"),
        (np.full((4, 4), 256), "256", "0 to 255"),
        (np.full((4, 4), -1), "-1", "0 to 255"),
        (np.zeros((4, 4), complex), "complex128", "uint8"),
        (Image.new("F", (4, 4)), "'F'", "uint8"),
    ],
    ids=str,
)
def test_what_cannot_be_read_says_why_and_what_would_work(
    source: Any, cause: str, cure: str
) -> None:
    with pytest.raises(ImageError) as caught:
        load(source)
    message = str(caught.value)
    assert cause in message
    assert cure in message
    assert "\n" not in message
    assert isinstance(caught.value, ValueError)


def test_a_page_that_nobody_gave_an_alpha_is_not_transparent() -> None:
    """Pictures of a screen have 32 bits a pixel, of which 8 are nothing."""
    pixels = np.dstack([MARKED, np.zeros_like(GREY)])
    masks = struct.pack("<3I", 0xFF0000, 0xFF00, 0xFF)
    header = struct.pack("<IiiHHIIiiII", 40, 60, -40, 1, 32, 3, pixels.size, 0, 0, 0, 0)
    size = 14 + len(header) + len(masks)
    file = struct.pack("<2sIHHI", b"BM", size + pixels.size, 0, 0, size) + header + masks
    assert np.array_equal(load(file + pixels.tobytes()), MARKED)


@pytest.mark.parametrize("most", [255, 65535])
def test_values_of_pnm_files_reach_to_the_top_or_are_refused(most: int) -> None:
    values = GREY.astype(">u2" if most > 255 else np.uint8) * (most // 255)
    assert np.array_equal(load(b"P5 60 40 %d\n" % most + values.tobytes()), GREY)
    with pytest.raises(ImageError, match="neither to 255 nor"):
        load(b"P5 60 40 %d\n" % (most - 1) + values.tobytes())


def test_fill_bytes_in_a_jpeg_file_are_passed_over() -> None:
    data = encoded(".jpg")
    assert np.array_equal(load(data[:2] + 5000 * b"\xff" + data[2:]), load(data))


def test_a_second_table_of_transparency_is_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    file = io.BytesIO()
    Image.fromarray(GREY).convert("P").save(file, "PNG", transparency=3)
    data = file.getvalue()
    at = data.index(b"tRNS") - 4
    (length,) = struct.unpack_from(">I", data, at)
    chunk = data[at : at + 12 + length]
    assert np.array_equal(load(data[:at] + 1000 * chunk + data[at + len(chunk) :]), load(data))
    assert capfd.readouterr().err == ""
