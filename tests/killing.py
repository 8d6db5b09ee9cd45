"""Stages run to be killed, or on a disk that is full, each in a process of its own.

The processes are forks of one that has imported all there is, since TensorFlow takes seconds.
"""

import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

ROOT = Path(__file__).parents[1]

STAGES = {"train": "train.__main__", "export": "export.__main__", "siffra": "siffra.cli"}

Death: TypeAlias = tuple[str, float]
"""When a stage is killed: before its n-th change to the folder (`change`), when it writes into what
it opens with its n-th change (`write`), after so many seconds (`seconds`). Or never, but no file
can grow beyond so many bytes, as on a full disk (`full`)."""

_TORN = 512  # bytes of what is torn

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir"}


@dataclass(frozen=True)
class Ended:
    """How a stage ended."""

    status: int
    """Of its exit; negative: the signal that killed it."""

    output: str
    errors: str
    changes: int | None
    """Counted, unless it was killed."""

    seconds: float

    @property
    def killed(self) -> bool:
        return self.status < 0


class Stages:
    """Runs stages."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, stage: str, *arguments: object, death: Death | None = None) -> Ended:
        """Run a stage, such as `train`, as its command line says."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"module": STAGES[stage], "given": [*map(str, arguments)], "death": death}
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        reply = json.loads(self._process.stdout.readline())
        return Ended(**reply)


@contextmanager
def stages(folder: Path) -> Iterator[Stages]:
    """Give what runs stages, until the end of the context; changes below the folder count."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.killing", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "runtime"), str(ROOT)])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Stages(process)
        finally:
            process.kill()


def deaths(rng: np.random.Generator, undisturbed: Ended) -> Iterator[Death]:
    """Ways to die, evenly over all that a stage does, without end.

    Args:
        rng: Decides when.
        undisturbed: The stage, run to its end.
    """
    assert undisturbed.changes is not None
    while True:
        yield "change", int(rng.integers(undisturbed.changes))
        yield "write", int(rng.integers(undisturbed.changes))
        yield "seconds", undisturbed.seconds * rng.random() + 1e-3


def _serve() -> None:
    os.environ.update(
        TF_CPP_MIN_LOG_LEVEL="3", KERAS_BACKEND="tensorflow", OPENCV_LOG_LEVEL="SILENT"
    )
    for module in (
        "train.fit",
        "export.build",
        "export.release",
        "siffra.explain",
        *STAGES.values(),
    ):
        importlib.import_module(module)
    for line in sys.stdin:
        asked = json.loads(line)
        pipes = [os.pipe() for _ in range(3)]  # output, errors, what was counted
        began = time.monotonic()
        pid = os.fork()
        if not pid:
            _run(asked, [end for _, end in pipes])
        for _, end in pipes:
            os.close(end)
        output, errors, changes = _read([begin for begin, _ in pipes])
        _, status = os.waitpid(pid, 0)
        reply = {
            "status": os.waitstatus_to_exitcode(status),
            "output": output,
            "errors": errors,
            "changes": int(changes) if changes else None,
            "seconds": time.monotonic() - began,
        }
        print(json.dumps(reply), flush=True)


def _read(begins: list[int]) -> list[str]:
    """What comes out of pipes until all are closed."""
    from concurrent.futures import ThreadPoolExecutor

    def read(begin: int) -> str:
        with os.fdopen(begin, encoding="utf-8", errors="replace") as file:
            return file.read()

    with ThreadPoolExecutor(len(begins)) as readers:  # ended before the next fork
        return list(readers.map(read, begins))


def _run(asked: dict[str, Any], ends: list[int]) -> None:
    status, changes = 70, _Changes(asked["death"])
    try:
        os.dup2(ends[0], 1)
        os.dup2(ends[1], 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        main = importlib.import_module(asked["module"]).main
        _arrange(asked["death"])
        sys.addaudithook(changes)
        try:
            status = main(asked["given"])
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else 1
        sys.stdout.flush()
        os.write(ends[2], str(changes.count).encode())
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(status)


def _arrange(death: Death | None) -> None:
    way, at = death or (None, 0)
    if way == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(at), int(at)))
    if way == "seconds":
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, at)


class _Changes:
    """An audit hook that counts what a process does to folders, and kills it before one."""

    def __init__(self, death: Death | None) -> None:
        self.count = 0
        self._way = death[0] if death is not None else None
        self._last = death[1] if death is not None else 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & 3
        if not (writes or event in _CHANGES):
            return
        path = str(arguments[0])
        # What removes a whole folder names its files from there on.
        if path.isdecimal() or (path.startswith("/") and not path.startswith(sys.argv[1])):
            return
        if self.count == self._last and self._way == "change":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.count == self._last and self._way == "write":
            # Of every file half a kilobyte is written, and the process killed with the next byte;
            # Python ignores that signal, whose default it is.
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_FSIZE, (_TORN, _TORN))
        self.count += 1


if __name__ == "__main__":
    _serve()
