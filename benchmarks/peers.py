"""Other ways to read digits, to be measured beside siffra.

They need an environment of their own: RapidOCR brings `opencv-python`, which overwrites the
`opencv-python-headless` of the others. `pip install -e ".[peers]"` in a new one, of Python 3.12 at
most, installs all that `python -m benchmarks.pictures` needs. Tesseract's language data comes with
its program (`apt-get install tesseract-ocr`), the tutorial's network from `python -m train` and
`python -m export runs/seed-0`.

Each gets the file as it is, on one thread, with the settings that read the most pictures of those
tried; all sets of one digit have the same, and all of several. Who does not heed EXIF gets one of
the notes sideways.
"""

import os
import re
import subprocess
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.readers import PictureReader
from benchmarks.strings import digits
from siffra import ImageError, ModelError, Reader


class PeerError(Exception):
    """A peer is not there; the message says how to get it."""


class Tesseract(PictureReader):
    """Tesseract 5, whose wheel `tesserocr` spares starting a program for each picture.

    Page segmentation 6, one block of text, read more single digits in all than 7, 8, 10 and 13,
    which are meant for less; 3 and 11 read several digits no better. Other thresholds, enlarging,
    reducing, inverting and a margin gained nothing in all.

    Raises:
        PeerError: It is not installed, or has no language data.
    """

    name = "tesseract"

    def __init__(self) -> None:
        os.environ["OMP_THREAD_LIMIT"] = "1"  # read when the library is loaded
        self._engine = _optional("tesserocr")
        self.version = self._engine.tesseract_version().split()[1]
        try:
            self._api = self._engine.PyTessBaseAPI(
                path=_language_data(), lang="eng", psm=self._engine.PSM.SINGLE_BLOCK
            )
        except RuntimeError as error:
            raise PeerError(f"{error}: apt-get install tesseract-ocr") from error
        self._api.SetVariable("tessedit_char_whitelist", "0123456789")

    def read(self, path: Path, several: bool) -> str:
        """Read lines of text; only digits are allowed."""
        try:
            self._api.SetImageFile(str(path))
        except (RuntimeError, OSError) as error:
            raise ImageError(f"{path}: Tesseract cannot read it ({error})") from error
        return str(self._api.GetUTF8Text())


class RapidOcr(PictureReader):
    """RapidOCR with the models of its wheel.

    One digit is recognised without looking for it first, which reads twice as many. Of several,
    what lies beside each other is one line: its own order is by the upper edge, which mixes up
    handwriting. Telling upside-down lines does not help, and is left out.

    Raises:
        PeerError: It is not installed.
    """

    name = "rapidocr"

    def __init__(self) -> None:
        engine = _optional("rapidocr_onnxruntime")
        self.version = version("rapidocr-onnxruntime")
        self._ocr = engine.RapidOCR(use_cls=False, intra_op_num_threads=1, inter_op_num_threads=1)

    def read(self, path: Path, several: bool) -> str:
        """Read all text and keep its digits."""
        try:
            found, _ = self._ocr(path, use_det=several)
        except Exception as error:  # its own kind, or Pillow's, or OpenCV's
            raise ImageError(f"{path}: RapidOCR cannot read it ({error})") from error
        if not several:
            return "".join(digits(text) for text, _ in found or [])
        return _in_lines([_Word(corners, digits(text)) for corners, text, _ in found or []])


class Tutorial(PictureReader):
    """What tutorials make of their MNIST network: grey, inverted, stretched to 28x28.

    Of several digits, Otsu's threshold and the outlines of what is dark, from left to right; the
    smallest, which are specks, left out.

    Args:
        model: The plain network as ONNX model.

    Raises:
        PeerError: There is no such model, or it is of another version.
    """

    name = "tutorial"

    def __init__(self, model: Path) -> None:
        try:
            self._reader = Reader(model)
        except ModelError as error:
            raise PeerError(
                f"{error}; python -m train && python -m export runs/seed-0 make the model, "
                "--tutorial-model names it"
            ) from error
        self.version = str(model)

    def read(self, path: Path, several: bool) -> str:
        """Classify the whole picture, or all outlines; there are no lines."""
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if grey is None:
            raise ImageError(f"{path}: OpenCV cannot read it")
        if not several:
            return self._classify([255 - grey])
        _, ink = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
        outlines, _ = cv2.findContours(ink, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        boxes = sorted(tuple(cv2.boundingRect(outline)) for outline in outlines)
        return self._classify(
            [ink[y : y + h, x : x + w] for x, y, w, h in boxes if w >= 5 and h >= 15]
        )

    def _classify(self, pictures: Sequence[NDArray[Any]]) -> str:
        cells = [
            cv2.resize(picture, (28, 28), interpolation=cv2.INTER_AREA) for picture in pictures
        ]
        stack = np.array(cells, np.uint8).reshape(-1, 28, 28)
        return "".join(map(str, self._reader.probabilities(stack).argmax(axis=1).tolist()))


PEERS = (Tesseract.name, RapidOcr.name, Tutorial.name)
"""Names of those that can be measured."""


def load_peer(name: str, tutorial_model: Path) -> PictureReader:
    """Load one of `PEERS`.

    Raises:
        PeerError: It is not installed; the message says how to get it.
    """
    if name == Tutorial.name:
        return Tutorial(tutorial_model)
    return Tesseract() if name == Tesseract.name else RapidOcr()


def _optional(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise PeerError(
            f'{error}: pip install -e ".[peers]" in an environment of its own'
        ) from error


def _language_data() -> str:
    """Return Tesseract's folder of language data, which only its program knows."""
    if prefix := os.environ.get("TESSDATA_PREFIX"):
        return prefix
    try:
        done = subprocess.run(
            ["tesseract", "--list-langs"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise PeerError(
            f"no language data ({error}): apt-get install tesseract-ocr, or set TESSDATA_PREFIX"
        ) from error
    folder = re.search('"(.+)"', done.stdout)
    if folder is None:
        raise PeerError("tesseract --list-langs names no folder: set TESSDATA_PREFIX")
    return folder[1]


class _Word(NamedTuple):
    corners: Sequence[tuple[float, float]]
    text: str

    @property
    def left(self) -> float:
        return min(x for x, _ in self.corners)

    @property
    def top(self) -> float:
        return min(y for _, y in self.corners)

    @property
    def bottom(self) -> float:
        return max(y for _, y in self.corners)


def _in_lines(words: Sequence[_Word]) -> str:
    """Put a word whose middle lies within the height of another one into that one's line."""
    lines: list[list[_Word]] = []
    for word in words:
        middle = (word.top + word.bottom) / 2
        for line in lines:
            if any(each.top < middle < each.bottom for each in line):
                line.append(word)
                break
        else:
            lines.append([word])
    return "\n".join(
        "".join(word.text for word in sorted(line, key=lambda word: word.left)) for line in lines
    )
