"""What stands on a command line to what can be read: files, folders, patterns, standard input."""

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from .errors import ImageError

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".webp", ".bmp", ".dib", ".tif", ".tiff"}
    | {".pbm", ".pgm", ".ppm", ".pnm", ".gif", ".avif", ".heic", ".heif", ".jp2"}
)
"""Names that a folder's pictures end with; what cannot be read of them is named."""

STANDARD_INPUT = "-"

OVERLAY = ".{verb}.png"
"""How the name of a saved overlay ends; folders and patterns leave such files out."""

EXPLAINED = "-explained.png"
"""How the name of a saved explanation ends; it is left out just so."""

_SAVED = (*(OVERLAY.format(verb=verb) for verb in ("read", "classify")), EXPLAINED)


@dataclass(frozen=True)
class NamedSource:
    """One picture to read, or the reason why there is none."""

    name: str
    problem: str | None = None

    def open(self) -> str | BinaryIO:
        """Return what `images.load` takes.

        Raises:
            ImageError: There is no picture behind the name.
        """
        if self.problem is not None:
            raise ImageError(self.problem)
        if self.name != STANDARD_INPUT:
            # A shell's <(command) is a pipe, of which `images.load` takes no path.
            if self.name.startswith(("/dev/fd/", "/proc/self/fd/")):
                with suppress(OSError), Path(self.name).open("rb") as pipe:  # it says why later
                    return BytesIO(pipe.read())
            return self.name
        if sys.stdin is None:  # closed by whoever started us
            raise ImageError("standard input is closed")
        return sys.stdin.buffer


def expand(arguments: Iterable[str]) -> Iterator[NamedSource]:
    """Yield a source for each file, each picture below a folder and each match of a pattern."""
    for argument in arguments:
        if not argument:
            yield NamedSource(argument, "a source has no name; is a shell variable empty?")
        elif argument != STANDARD_INPUT and os.path.isdir(argument):
            yield from _sources_in(Path(argument))
        elif glob.has_magic(argument) and not os.path.exists(argument):
            yield from _matches(argument)  # shells expand patterns, but Windows' do not
        else:
            yield NamedSource(argument)  # what is missing says so when opened


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures below a folder, without what siffra saved, by their names."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not path.name.startswith(".")
        and not path.name.endswith(_SAVED)
        and path.is_file()
    )


def _sources_in(folder: Path) -> Iterator[NamedSource]:
    found = pictures_in(folder)
    if not found:
        yield NamedSource(str(folder), f"{folder}: is a folder without pictures")
    yield from (NamedSource(str(path)) for path in found)


def _matches(pattern: str) -> Iterator[NamedSource]:
    found = sorted(
        name
        for name in glob.glob(pattern, recursive=True)
        if Path(name).is_file() and not name.endswith(_SAVED)
    )
    if not found:
        yield NamedSource(pattern, f"{pattern}: matches no file")
    yield from map(NamedSource, found)
