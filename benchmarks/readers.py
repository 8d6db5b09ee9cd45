"""What reads pictures, siffra's models and others, seen alike: file in, text out."""

from abc import ABC, abstractmethod
from pathlib import Path

from siffra import Reader, __version__, images
from siffra.results import Pixels


class PictureReader(ABC):
    """Reads the digits of pictures; loading it is not part of reading."""

    name: str
    """As tables and files of results have it."""

    version: str
    """Of the software, with what else was chosen."""

    @abstractmethod
    def read(self, path: Path, several: bool) -> str:
        """Return the digits that a picture shows.

        Args:
            path: The picture's file.
            several: Whether there may be several digits; otherwise there is one.

        Returns:
            Digits in reading order, lines separated by newlines, `?` for what is not accepted.

        Raises:
            ImageError: The file is not a picture that this reader can read.
        """

    def best(self, path: Path) -> str:
        """Return the best answer to a picture of one digit that was read as `?`, if there is one.

        Raises:
            ImageError: As above.
        """
        return ""

    def draw(self, path: Path, several: bool) -> Pixels:
        """Return the picture, with what was found where the reader says it: uint8, grey or BGR.

        Raises:
            ImageError: As above.
        """
        return images.load(path)


class Siffra(PictureReader):
    """One of siffra's models.

    Args:
        model: Name of a released model, or path of another.

    Raises:
        ModelError: There is no such model, or it is not one of siffra's.
    """

    def __init__(self, model: str) -> None:
        self.name = model
        self._reader = Reader(model)
        own = self._reader.metadata
        self.version = f"siffra {__version__}, model {own['name']} {own['version']}"

    def read(self, path: Path, several: bool) -> str:
        """Read as `Reader.read` does, or, one digit, as `Reader.classify`."""
        return str(self._reader.read(path) if several else self._reader.classify(path))

    def best(self, path: Path) -> str:
        """Return what the network holds most likely, whatever its confidence."""
        return "".join(str(label) for label, _ in self._reader.classify(path).top(1))

    def draw(self, path: Path, several: bool) -> Pixels:
        """Draw boxes and labels."""
        found = self._reader.read(path) if several else self._reader.classify(path)
        return found.draw()
