"""Processes that measure: started anew for each turn, told what to do, and their start timed."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import perf_counter_ns
from typing import IO, Any

import siffra

from ..errors import SiffraError
from .cases import Case

# As an application does it, with a look at the clock in between. Of all clocks of Python this one
# is the same for all processes and fine everywhere.
_START = """
import sys, time
marks = [time.perf_counter_ns()]
from siffra import Reader
marks.append(time.perf_counter_ns())
reader = Reader(sys.argv[1])
marks.append(time.perf_counter_ns())
if sys.argv[2]:
    reader.read(sys.argv[2])
else:
    import numpy
    reader.probabilities(numpy.zeros((1, 28, 28), numpy.uint8))
marks.append(time.perf_counter_ns())
spent = time.process_time_ns()
from siffra.bench.worker import serve
serve(reader, marks, spent)
"""
_IMPORTS = """
import sys, time
marks = [time.perf_counter_ns()]
for name in sys.argv[1:]:
    __import__(name)
    marks.append(time.perf_counter_ns())
cpu = time.process_time_ns()
from siffra.bench.worker import memory, waited_ns
import json
print(json.dumps({"marks": marks, "cpu_ns": cpu, "waited_ns": waited_ns(), **memory()}))
"""
STARTING = ("interpreter", "import", "session", "first_reading")
"""The stages of a start to the first reading."""


@contextmanager
def worker(model: str, picture: str) -> Iterator["Worker"]:
    """Start a process with one model; it is ended at once when it is not needed any more.

    Args:
        model: A name or a path.
        picture: What it reads first; empty without OpenCV.

    Raises:
        SiffraError: It ended by itself, or runs another copy of siffra.
    """
    with tempfile.TemporaryFile() as errors:
        began = perf_counter_ns()
        process = _start(_START, [model, picture], errors)
        try:
            yield Worker(model, began, process, errors)
        finally:
            process.kill()  # it holds nothing that could be lost
            process.communicate()


class Worker:
    """A process with one model; `worker` starts it."""

    def __init__(
        self, model: str, began: int, process: "subprocess.Popen[str]", errors: IO[bytes]
    ) -> None:
        self._model = model
        self._process = process
        self._errors = errors
        hello = self._hear()
        if not Path(hello["package"]).samefile(siffra.__file__):
            raise SiffraError(
                f"a new process imports siffra from {hello['package']}, not {siffra.__file__}; "
                "run the one that is installed"
            )
        self.start = _started(began, hello, STARTING)
        """The start as a turn: nanoseconds, by stages too, and memory."""

    def turn(self, case: Case) -> dict[str, Any]:
        """Measure one turn of a case.

        Raises:
            SiffraError: The process ended.
        """
        return self._ask({**asdict(case), "parallel": case.parallel})

    def yardstick(self) -> int:
        """Return what the machine is worth now, in nanoseconds of one thread."""
        return int(self._ask({"workload": "", "parallel": 1})["yardstick_ns"])

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except OSError:  # it has ended; hearing nothing says why
            pass
        return self._hear()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            why = _why(self._process, self._errors)
            raise SiffraError(f"the process that measures {self._model} ended: {why}")
        document: dict[str, Any] = json.loads(line)
        return document


def imports_alone(modules: list[str]) -> dict[str, Any]:
    """Start a process that only imports some modules; return the start as a turn.

    Raises:
        SiffraError: One of them cannot be imported.
    """
    with tempfile.TemporaryFile() as errors:
        began = perf_counter_ns()
        process = _start(_IMPORTS, modules, errors)
        try:
            output, _ = process.communicate()
        except BaseException:
            process.kill()
            raise
        if process.returncode:
            raise SiffraError(f"importing {', '.join(modules)} failed: {_why(process, errors)}")
    return _started(began, json.loads(output), ("interpreter", *modules))


def _start(code: str, arguments: list[str], errors: IO[bytes]) -> "subprocess.Popen[str]":
    group: dict[str, Any] = {"start_new_session": True}  # Ctrl-C is for the one that asks
    if sys.platform == "win32":
        group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env={"ORT_DISABLE_TELEMETRY": "1", **os.environ},
        encoding="utf-8",
        **group,
    )


def _started(began: int, hello: dict[str, Any], stages: tuple[str, ...]) -> dict[str, Any]:
    marks = [began, *hello["marks"]]
    steps = zip(stages, marks[:-1], marks[1:], strict=True)
    told = ("cpu_ns", "waited_ns", "resident_bytes", "peak_bytes")
    return {
        "ns": [marks[-1] - began],
        "stages_ns": {name: [after - before] for name, before, after in steps},
        "wall_ns": marks[-1] - began,
        **{name: hello[name] for name in told},
    }


def _why(process: "subprocess.Popen[str]", errors: IO[bytes]) -> str:
    process.wait()
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit status {process.returncode}"
