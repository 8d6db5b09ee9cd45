"""Files that appear whole or not at all."""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TEMPORARY = re.compile(r"\..*-[0-9a-f]{8}(\.\w+)?")


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes the place of `path` in one step.

    The temporary file keeps the suffix, since many writers choose their format by it. When the
    body raises, `path` stays as it was and the temporary file is removed. A process killed half
    way leaves `path` as it was too. The folder of `path` must exist.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.stem[:32]}-{secrets.token_hex(4)}{target.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as file:  # a rename alone may outrun its data to the disk
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise


def is_utf8(name: str) -> bool:
    """Whether a name can be encoded; what a file system holds need not be, and ends OpenCV."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def leftovers(folder: Path) -> list[Path]:
    """Return the temporary files in a folder that `replacing` left when its process was killed."""
    return [path for path in folder.iterdir() if _TEMPORARY.fullmatch(path.name) and path.is_file()]
