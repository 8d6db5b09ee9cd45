"""Fresh processes that take turns, so that what disturbs the machine disturbs them all."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from time import perf_counter
from typing import IO, Any, NamedTuple, TypeVar

from benchmarks.engines.net import EngineError

ROOT = Path(__file__).parents[2]
"""Of the repository, from which its modules are run."""

SETTINGS = {
    "ORT_DISABLE_TELEMETRY": "1",  # as siffra has it; it must stand before the import
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
}
"""Of the environment: the processor alone, and quiet."""
_POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

Key = TypeVar("Key")


class Task(NamedTuple):
    """What a process is to load."""

    what: Mapping[str, Any]
    """As `worker` takes it."""
    python: str = sys.executable
    """The interpreter."""


class Effort(NamedTuple):
    """How much is measured."""

    rounds: int
    """Of fresh processes."""
    turns: int
    """Of each process in a round."""
    seconds: float
    """Of each turn."""
    seed: int
    """Of the order."""


class Worker:
    """A process in which one engine is loaded; `started` makes it and ends it."""

    def __init__(self, process: "subprocess.Popen[str]", said: IO[bytes]) -> None:
        self._process = process
        self._said = said
        self.facts: Mapping[str, Any] = self._answer()
        """What loading took."""

    def ask(self, what: object) -> Any:
        """Have something done once; return what comes of it."""
        return self._ask({"what": what})

    def time(self, what: object, seconds: float) -> list[float]:
        """Have it done for a while, once at least; return the seconds of each time."""
        times: list[float] = self._ask({"what": what, "seconds": seconds})
        return times

    def _ask(self, request: Mapping[str, object]) -> Any:
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise EngineError(self._last_words()) from error
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise EngineError(self._last_words())
        answer = json.loads(line)
        if isinstance(answer, dict) and "error" in answer:
            raise EngineError(answer["error"])
        return answer

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return f"its process ended: {lines[-1] if lines else 'it said nothing'}"


@contextmanager
def started(task: Task) -> Iterator[Worker]:
    """Start a process, and end it.

    Raises:
        EngineError: It does not load, or ends before its time; the message is the engine's own.
    """
    pools = dict.fromkeys(_POOLS, str(task.what.get("threads", 1)))
    with tempfile.TemporaryFile() as said:
        # All processes of a machine read one clock, so that what comes before Python counts too.
        dated = json.dumps({**task.what, "started": perf_counter()})
        with subprocess.Popen(
            [task.python, "-m", "benchmarks.engines.worker", dated],
            cwd=ROOT,
            env={**os.environ, **SETTINGS, **pools},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        ) as process:
            yield Worker(process, said)


class Turns(NamedTuple):
    """What a round gave; its processes are still there."""

    workers: Mapping[Any, Worker]
    times: Mapping[tuple[Any, Any], Sequence[float]]
    """Seconds of each call, by key of the task and what was done."""


def rounds(
    tasks: Mapping[Key, Task],
    whats: Sequence[object],
    effort: Effort,
    step: Callable[[], None],
) -> Iterator[Turns]:
    """Yield rounds: all start in a random order, then take turns in a random order.

    Args:
        tasks: By any key.
        whats: What each is asked for in each turn.
        effort: How much.
        step: Called for each process that started.

    Raises:
        EngineError: A process does not load, or ended before its time.
    """
    order = Random(effort.seed)
    for _ in range(effort.rounds):
        with ExitStack() as processes:
            workers = {}
            for key in _shuffled(tasks, order):
                workers[key] = processes.enter_context(started(tasks[key]))
                step()
            jobs = [(key, what) for key in tasks for what in whats]
            times: dict[tuple[Key, object], list[float]] = {job: [] for job in jobs}
            for _ in range(effort.turns):
                for key, what in _shuffled(jobs, order):
                    times[key, what] += workers[key].time(what, effort.seconds)
            yield Turns(workers, times)


def _shuffled(items: Iterable[Key], order: Random) -> list[Key]:
    listed = list(items)
    return order.sample(listed, len(listed))
