"""What an engine takes on the disk."""

import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, files, requires
from importlib.util import find_spec
from pathlib import Path

_COMPILED = ".pyc"  # written on the first import, by some installers at once


def installed_megabytes(packages: Iterable[str]) -> float:
    """Return the MiB of distributions and all that they require, beyond NumPy.

    Those that are not installed are no part of it: of two builds of OpenCV there is one.
    """
    return sum(map(_bytes, _closure(packages))) / 2**20


def _closure(packages: Iterable[str]) -> set[str]:
    """Return normalised names of distributions with what they require, extras apart."""
    waiting = [_normal(name) for name in packages]
    found = {"numpy"}
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        try:
            required = requires(name) or []
        except PackageNotFoundError:
            continue
        for requirement in required:
            needed = re.match(r"[\w.-]+", requirement)
            if needed and "extra ==" not in requirement:
                waiting.append(_normal(needed[0]))
    return found - {"numpy"}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _bytes(package: str) -> int:
    if package == "siffra":  # whose installation for development lists a link alone
        spec = find_spec(package)
        paths = Path(spec.origin).parent.rglob("*") if spec and spec.origin else ()
        return sum(path.stat().st_size for path in paths if _counts(path))
    try:
        listed = files(package) or []
    except PackageNotFoundError:
        return 0
    paths = (Path(str(each.locate())) for each in listed)
    return sum(path.stat().st_size for path in paths if _counts(path))


def _counts(path: Path) -> bool:
    return path.suffix != _COMPILED and path.is_file()
