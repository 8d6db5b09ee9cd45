"""What stands on a command line to what can be read: files, folders, patterns, standard input."""

import glob
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import ImageError

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".webp", ".bmp", ".dib", ".tif", ".tiff"}
    | {".pbm", ".pgm", ".ppm", ".pnm", ".gif", ".avif", ".jp2"}
)
"""Names that a folder's pictures end with."""

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class NamedSource:
    """One picture to read, or the reason why there is none."""

    name: str
    problem: str | None = None

    def open(self) -> str | bytes:
        """Return what `images.load` takes.

        Raises:
            ImageError: There is no picture behind the name.
        """
        if self.problem is not None:
            raise ImageError(self.problem)
        return sys.stdin.buffer.read() if self.name == STANDARD_INPUT else self.name


def expand(arguments: Iterable[str]) -> Iterator[NamedSource]:
    """Yield a source for each file, each picture below a folder and each match of a pattern."""
    for argument in arguments:
        path = Path(argument)
        if argument == STANDARD_INPUT or path.is_file():
            yield NamedSource(argument)
        elif path.is_dir():
            yield from _pictures_in(path)
        elif glob.has_magic(argument):  # shells expand patterns, but Windows' do not
            yield from _matches(argument)
        else:
            yield NamedSource(argument)  # devices are read; what is missing says so when opened


def _pictures_in(folder: Path) -> Iterator[NamedSource]:
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
    if not found:
        yield NamedSource(str(folder), f"{folder}: is a folder without pictures")
    yield from (NamedSource(str(path)) for path in found)


def _matches(pattern: str) -> Iterator[NamedSource]:
    found = sorted(filter(lambda name: Path(name).is_file(), glob.glob(pattern, recursive=True)))
    if not found:
        yield NamedSource(pattern, f"{pattern}: matches no file")
    yield from map(NamedSource, found)
