"""Files that appear whole or not at all."""

import errno
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_TEMPORARY = re.compile(r"\..*-siffra-[0-9a-f]{8}(\.[^.]*)?")


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary file beside `path`; on success it takes the place of `path` in one step.

    It keeps the suffix, since many writers choose their format by it. When the body raises, `path`
    stays as it was and the temporary file is removed. A process killed half way leaves `path` as it
    was too. In all else it is as if `path` were opened and written: links are followed, what is
    there keeps its permissions, and what is no file, such as /dev/stdout, is written to itself. The
    folder of `path` must exist.

    Raises:
        OSError: `path` cannot be written, and says so, whichever name the system gave.
    """
    given = Path(path)
    if given.exists() and not given.is_file():
        yield given
        return
    target = Path(os.path.realpath(given))
    name = f".{target.stem[:32]}-siffra-{secrets.token_hex(4)}{target.suffix}"
    temporary = target.with_name(name)
    try:
        with suppress(FileNotFoundError):
            target.open("rb+").close()  # what may not be changed is not replaced either
        temporary.touch()
        with suppress(FileNotFoundError):
            temporary.chmod(target.stat().st_mode & 0o777)
        yield temporary
        with temporary.open("rb+") as file:  # a rename alone may outrun its data to the disk
            os.fsync(file.fileno())
        temporary.replace(target)
        _sync(target.parent)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        # Python names no file where a write fails, and numpy no reason that the system knows.
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            why = error.strerror or str(error)
            raise OSError(error.errno or errno.EIO, why, str(given)) from error
        raise


def replace_all(contents: Mapping[Path, bytes]) -> None:
    """Write files that belong together: when all are on the disk, each takes its place, in order.

    Raises:
        OSError: One cannot be written, and all stay as they were; or cannot be renamed.
    """
    with ExitStack() as files:
        for path, content in reversed(list(contents.items())):  # what is entered last is left first
            with files.enter_context(replacing(path)).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # before any takes its place


def _sync(folder: Path) -> None:
    """Bring the names in a folder to the disk, so that files appear there in their order."""
    with suppress(OSError):  # Windows opens no folders, and some file systems cannot
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


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
