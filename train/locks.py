"""One process at a time, where several would write the same files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def locked(path: Path, *, waiting: str | None) -> Iterator[None]:
    """Hold the lock file `path`; the system frees it when the process ends, however it does.

    Where another process has it, wait, having said `waiting`; without such words, do not wait.
    The folder of `path` must exist.

    Raises:
        TimeoutError: Another process has it, and it is not to be waited for.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if waiting is None:
            raise
        print(waiting, flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
