"""What siffra shipped: by its SHA-256 a file of the package is told from any other."""

import importlib
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from .errors import ModelError

FILE_NAME = "SHA256SUMS"
"""Beside the models, a line for each and for the golden vectors, as `sha256sum` reads and writes
them. A release writes it last: half of one does not match it."""


def verify(path: Path, content: bytes) -> None:
    """Make sure that what was read from a file of the package is what was released.

    Raises:
        ModelError: It is not, or nothing tells.
    """
    from . import __version__

    try:
        expected = digests(path.parent).get(path.name)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path}: cannot be verified, {FILE_NAME} beside it is missing or damaged ({error}); "
            "install siffra again"
        ) from error
    if expected is None:
        raise ModelError(
            f"{path}: is no file that siffra {__version__} shipped ({FILE_NAME} does not list it); "
            "keep a model of your own in a folder of your own"
        )
    found = sha256(content)
    if found != expected:
        raise ModelError(
            f"{path}: differs from what siffra {__version__} shipped (sha256 {found[:16]}... "
            f"instead of {expected[:16]}...); install siffra again"
        )


def digests(folder: Path) -> dict[str, str]:
    """Return what was released in a folder: the SHA-256 of each file, in hexadecimal, by its name.

    Raises:
        OSError: The list cannot be read.
        ValueError: It is none.
    """
    lines = (folder / FILE_NAME).read_text("ascii").splitlines()
    return {name.lstrip("*"): digest for digest, name in map(str.split, lines)}


def is_listed(folder: Path, name: str) -> bool:
    """Whether a file of that name was released in a folder."""
    with suppress(OSError, ValueError):
        return name in digests(folder)
    return False


def sha256(content: bytes) -> str:
    """Return the SHA-256 in hexadecimal.

    `hashlib` loads OpenSSL, which takes longer than the digest of a model. As Python's own `random`
    does, this takes Python's implementation, which has its name since 3.12 and another before.
    """
    module: Any = None
    # Where OpenSSL is loaded already it is the faster one.
    names = ["hashlib"] if "_hashlib" in sys.modules else ["_sha2", "_sha256", "hashlib"]
    for name in names:
        with suppress(ImportError):
            module = module or importlib.import_module(name)
    return str(module.sha256(content).hexdigest())
