"""Broken, odd and hostile files: each is read right, or an ImageError says why and what to do.

Never a crash, a hang, megabytes or a traceback of OpenCV's. `tests/fuzz` makes the files.
"""

import io
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from siffra import ImageError, Reader
from siffra.images import load, to_grey
from siffra.network import released
from tests.fuzz import bombs
from tests.fuzz.corpus import CORPUS
from tests.fuzz.forms import (
    by_pillow,
    chunk,
    digit_picture,
    exif,
    in_colour,
    jpeg_with_exif,
    png_of,
)

ROOT = Path(__file__).parents[1]
SEVEN = digit_picture()
FILES = {path.name: path.read_bytes() for path in sorted((CORPUS / "load").iterdir())}
REFUSED = {
    "avif.avif": "AVIF",
    "hdr.hdr": "Radiance HDR",
    "jpeg2000.jp2": "JPEG 2000",
    "pam.pam": "PAM",
    "pfm.pfm": "PFM",
    "sun.ras": "Sun raster",
    "tiff-big.tif": "BigTIFF",
    "tiff-float.tif": "16 bits",
    "ico.ico": "JPEG, PNG",
    "tga.tga": "JPEG, PNG",
}
NEW = tuple(map(int, cv2.__version__.split(".")[:2])) >= (4, 11)  # decodes GIF, and animations
MAYBE = ("tiff-tiles.tif", "tiff-tiles-big-endian.tif")  # not by each version of OpenCV
READ = [
    name
    for name in FILES
    if name not in (*REFUSED, *MAYBE) and not name.startswith("found-")
    if NEW or not name.startswith(("gif", "webp-animated"))
]
EVERY = 37  # bytes between the places where files are cut; a prime, to fall on every field in time


def refusal(source: Any, **options: Any) -> str:
    with pytest.raises(ImageError) as caught:
        load(source, **options)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 1000
    return message


@pytest.mark.parametrize("name", READ)
def test_every_form_of_a_seven_is_a_seven(name: str, reader: Reader) -> None:
    pixels = load(FILES[name])
    assert pixels.dtype == np.uint8
    if "exif" in name or name in ("png-chunks.png", "ppm-text.ppm"):  # turned; not a seven
        return
    assert to_grey(pixels).shape == SEVEN.shape
    assert np.abs(to_grey(pixels).astype(int) - SEVEN).mean() < 6
    assert reader.classify(FILES[name]).label == 7


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_decoded_is_named(name: str) -> None:
    message = refusal(FILES[name])
    assert REFUSED[name] in message
    assert "PNG" in message


@pytest.mark.parametrize("name", MAYBE)
def test_what_some_versions_decode_is_right_or_refused(name: str) -> None:
    try:
        pixels = load(FILES[name])
    except ImageError:
        assert "save it as PNG" in refusal(FILES[name])
    else:
        assert np.array_equal(pixels, SEVEN)


@pytest.mark.parametrize("name", READ)
def test_a_file_cut_anywhere_is_refused_or_is_what_the_whole_was(name: str) -> None:
    data = FILES[name]
    whole = load(data)
    for end in {*range(0, len(data), EVERY), *range(min(64, len(data))), len(data) - 1}:
        try:
            pixels = load(data[:end])
        except ImageError:
            continue
        assert np.array_equal(pixels, whole), f"half a picture of {end} bytes"


def test_the_name_of_a_file_says_nothing_of_its_format(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(FILES["png-8.png"])
    assert np.array_equal(load(path), SEVEN)


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_is_what_rgb_was(form: str) -> None:
    image = Image.fromarray(in_colour(SEVEN))
    expected = np.asarray(image)[:, :, ::-1].astype(int)
    pixels = load(by_pillow(image.convert("CMYK"), form))
    assert np.abs(pixels.astype(int) - expected).mean() < 8


@pytest.mark.parametrize("form", bombs.FORMATS)
@pytest.mark.parametrize("size", [(0, 0), (0, 10), (10, 0)], ids=str)
def test_no_pixels_at_all(form: str, size: tuple[int, int]) -> None:
    refusal(bombs.stating(form, *size))


def test_a_long_thin_file_is_read_or_refused(reader: Reader) -> None:
    strip = np.full((1, 100_000), 255, np.uint8)
    for pixels in (strip, strip.T):
        assert reader.read(by_pillow(Image.fromarray(pixels), "PNG")).text == ""
    for form in bombs.FORMATS:
        refusal(bombs.stating(form, 30_000, 200_000))


BOMBS: dict[str, Callable[[], bytes]] = {
    **{f"{form} of 60000": partial(bombs.stating, form, 60_000, 60_000) for form in bombs.FORMATS},
    **{f"{form} of 16000": partial(bombs.stating, form, 16_000, 16_000) for form in bombs.FORMATS},
    "JPEG that hides its size": lambda: bombs.hidden_jpeg(20_000),
    "JPEG of nothing": lambda: bombs.stating("JPEG", 9_000, 9_000),
    "JPEG of 1000 scans": lambda: bombs.blank_jpeg(500, 1_000),
    "JPEG of 60 scans": lambda: bombs.blank_jpeg(500, 60),
    "PNM of comments": lambda: bombs.pnm_of_comments(900_000),
    "PNG of nothing": lambda: bombs.blank_png(20_000),
    "BMP of nothing": lambda: bombs.blank_bmp(20_000),
    "TIFF of nothing": lambda: bombs.blank_fax(20_000),
    "TIFF of a huge tile": lambda: bombs.huge_tile(12_000),
    "TIFF of 64 bits": lambda: bombs.deep_tiff(1_000),
    "PNG of many chunks": lambda: bombs.png_of_chunks(300_000),
}
HARMLESS: dict[str, Callable[[], bytes]] = {
    "zTXt": lambda: bombs.png_unfolding(b"zTXt", 200),
    "iTXt": lambda: bombs.png_unfolding(b"iTXt", 8, 50),
    "iCCP": lambda: bombs.png_unfolding(b"iCCP", 200),
    "animated PNG": lambda: bombs.animation("PNG", 500, 50),
    **({"animated WebP": lambda: bombs.animation("WEBP", 500, 50)} if NEW else {}),
    "TIFF in a loop": bombs.looped_tiff,
    "TIFF of a huge strip": bombs.huge_strip,
}
# One process for all, since what a process has once taken shows for good.
LOADING = """
import json, sys, time
from pathlib import Path
from siffra import ImageError
from siffra.images import load

def most():  # megabytes
    if sys.platform != "linux":
        return 0
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

load(sys.argv[1])
before = most()
for path in sys.argv[2:]:
    started = time.perf_counter()
    try:
        answer = list(load(path).shape)
    except ImageError as error:
        answer = str(error)
    print(json.dumps([path, answer, time.perf_counter() - started, most() - before]), flush=True)
"""


def loaded(
    files: dict[str, Callable[[], bytes]], folder: Path
) -> dict[str, tuple[Any, float, float]]:
    """Load files in another process; return for each its shape or error, seconds and megabytes."""
    first = folder / "first.png"
    first.write_bytes(FILES["png-8.png"])
    paths = {str(folder / str(number)): name for number, name in enumerate(files)}
    for path, name in paths.items():
        Path(path).write_bytes(files[name]())
    done = subprocess.run(
        [sys.executable, "-c", LOADING, str(first), *paths],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    rows = map(json.loads, done.stdout.splitlines())
    return {paths[path]: (answer, seconds, most) for path, answer, seconds, most in rows}


def test_bombs_are_refused_by_their_header(tmp_path: Path) -> None:
    answers = loaded(BOMBS, tmp_path)
    decoded = {name: answer for name, (answer, *_) in answers.items() if isinstance(answer, list)}
    assert not decoded
    assert not dear(answers)


def test_bombs_in_what_no_picture_needs_are_left_alone(tmp_path: Path) -> None:
    answers = loaded(HARMLESS, tmp_path)
    refused = {name: answer for name, (answer, *_) in answers.items() if isinstance(answer, str)}
    assert set(refused) <= {"TIFF in a loop", "TIFF of a huge strip"}
    assert not dear(answers)


def dear(answers: dict[str, tuple[Any, float, float]]) -> dict[str, str]:
    """What took more time or memory than any small file should."""
    return {
        name: f"{seconds:.1f} s, {megabytes:.0f} MB"
        for name, (_, seconds, megabytes) in answers.items()
        if seconds > 5 or megabytes > 60
    }


EXIF: dict[str, bytes] = {
    "of nothing": b"",
    "cut off": b"II",
    "that points at itself": struct.pack("<2sHI", b"II", 42, 0),
    "that points beyond": struct.pack("<2sHI", b"II", 42, 0xFFFFFFF0),
    "of 65535 entries": struct.pack("<2sHIH", b"II", 42, 8, 65535) + bytes(100),
    "in a loop": struct.pack("<2sHIH", b"II", 42, 8, 0) + struct.pack("<I", 8),
    "of no known order": b"XX" + exif(6)[2:],
    "whose value stands nowhere": struct.pack(
        "<2sHIHHHII", b"II", 42, 8, 1, 0x0112, 3, 1 << 31, 1 << 31
    ),
    "of orientation 0": exif(0),
    "of orientation 9": exif(9),
    "of orientation 65535": exif(65535),
}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WebP"])
@pytest.mark.parametrize("kind", EXIF)
def test_a_broken_exif_block(kind: str, form: str) -> None:
    block = EXIF[kind]
    if form == "JPEG":
        data = jpeg_with_exif(FILES["jpeg-grey.jpg"], block)
    elif form == "PNG":
        data = png_of(SEVEN, 8, 0, extra=chunk(b"eXIf", block))
    else:
        data = by_pillow(Image.fromarray(SEVEN), "WEBP", exif=b"Exif\0\0" + block)
    seven = to_grey(load(data))
    assert seven.shape == SEVEN.shape
    assert np.abs(seven.astype(int) - SEVEN).mean() < 6  # neither turned nor another


needs_unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")


@needs_unix
def test_what_is_no_regular_file_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    monkeypatch.chdir(tmp_path)  # a socket's address may have 100 characters
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.png")
    sparse = tmp_path / "sparse.png"
    with sparse.open("wb") as file:
        file.truncate(1 << 40)
    loop = tmp_path / "loop.png"
    loop.symlink_to(loop)
    odd = [pipe, tmp_path / "socket.png", sparse, loop, *map(Path, ("/dev/zero", "/dev/full"))]
    reading = f"import sys; sys.path[:0] = {sys.path!r}\n" + LOADING
    done = subprocess.run(
        [sys.executable, "-c", reading, str(CORPUS / "load/png-8.png"), *map(str, odd)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line)[1] for line in done.stdout.splitlines()]
    assert len(answers) == len(odd)
    for path, answer in zip(odd, answers, strict=True):
        assert str(path) in answer
        assert "MB" in answer if path == sparse else "Traceback" not in answer


@needs_unix
@pytest.mark.parametrize(
    "name", ["ett\ntvå.png", "\x1b[31m.png", "\udcff.png", "a" * 250], ids=ascii
)
def test_a_file_of_any_name_is_read_or_named_in_one_line(name: str, tmp_path: Path) -> None:
    try:
        (tmp_path / name).write_bytes(FILES["png-8.png"])
    except OSError:
        pytest.skip("this file system does not hold such a name")
    assert np.array_equal(load(tmp_path / name), SEVEN)
    (tmp_path / name).write_bytes(b"nothing")
    assert "is not a picture" in refusal(tmp_path / name)
    (tmp_path / name).unlink()
    assert "no such file" in refusal(tmp_path / name)


def test_a_path_that_cannot_be(tmp_path: Path) -> None:
    file = tmp_path / "file.png"
    file.write_bytes(FILES["png-8.png"])
    refusal(file / "below")
    refusal("a\0b.png")
    refusal("a" * 300)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    file = tmp_path / "file.png"
    file.write_bytes(FILES["png-8.png"])
    file.chmod(0)
    assert "ermission" in refusal(file)


class Giving:
    """A file object that gives, or raises, something, again and again or once."""

    name = "odd\nname"

    def __init__(self, given: object, times: int = 1) -> None:
        self.given = given
        self.times = times

    def read(self, size: int = -1) -> Any:
        self.times -= 1
        if isinstance(self.given, Exception):
            raise self.given
        return self.given if self.times >= 0 else b""


def test_a_file_object_without_end_is_refused() -> None:
    assert "MB" in refusal(Giving(bytes(1_000_000), times=10_000), max_pixels=1)


def test_file_objects_that_do_not_give_bytes(tmp_path: Path) -> None:
    file = tmp_path / "file.png"
    file.write_bytes(FILES["png-8.png"])
    with file.open("rb") as closed:
        pass
    refusal(closed)
    with (tmp_path / "other.png").open("wb") as writing:
        refusal(writing)
    with file.open(encoding="latin-1") as text:
        assert "binary" in refusal(text)
    for given in ("text", None, 42, b"", b"nothing", OSError("gone"), EOFError("ended")):
        refusal(Giving(given))
    spent = io.BytesIO(FILES["png-8.png"])
    assert np.array_equal(load(spent), SEVEN)
    assert "empty" in refusal(spent)


_SHORT_OF_MEMORY = """
import resource
from pathlib import Path
import cv2
import numpy as np
from siffra import Reader

def taken():
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmSize:")).split()[1])

cv2.setNumThreads(1)
reader = Reader("ann")
reader.explain(np.full((200, 200), 230, np.uint8))  # OpenBLAS ends the process where it has none
file = cv2.imencode(".png", np.full((9000, 9000), 250, np.uint8))[1].tobytes()
array = np.full((6000, 6000, 3), 230, np.uint8)
for megabytes in (5, 20, 60, 110):
    for source in (file, array):
        for ask in (reader.read, reader.classify, reader.explain):
            resource.setrlimit(resource.RLIMIT_AS, (taken() + megabytes * 10**6, -1))
            try:
                ask(source)
                print("read")
            except MemoryError as error:
                print("MemoryError:", error)
            resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
"""


_SHORT_OF_MEMORY_FOR_MODELS = """
import os, resource, sys
from pathlib import Path
import numpy as np
from siffra import Reader
cells = np.zeros((64, 28, 28), np.uint8)
readers = [Reader(sys.argv[1])]
readers[0].probabilities(cells)
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 9_000_000,) * 2)
for turn in range(60):
    try:
        readers.append(Reader(sys.argv[1]))
        print("read")
    except Exception as error:
        print(type(error).__name__)
    try:
        readers[turn % len(readers)].probabilities(cells)
    except Exception as error:
        print(type(error).__name__)
sys.stdout.flush()
os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems limit no address space")
def test_where_memory_does_not_suffice_for_models_it_is_said(tmp_path: Path) -> None:
    """onnxruntime has no error of its own for that."""
    path = tmp_path / "own.onnx"
    path.write_bytes(released()["cnn"].read_bytes())
    run = subprocess.run(
        [sys.executable, "-c", _SHORT_OF_MEMORY_FOR_MODELS, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert set(run.stdout.splitlines()) == {"read", "MemoryError"}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems limit no address space")
def test_where_memory_does_not_suffice_it_is_said() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _SHORT_OF_MEMORY],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    said = set(run.stdout.splitlines())
    assert len(said - {"read"}) == 1
    assert "lower max_pixels" in (said - {"read"}).pop()
