"""What is measured of engines: their answers, then in rounds what these cost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.engines.calls import BATCH
from benchmarks.engines.turns import Effort, Task, rounds, started


class Run(NamedTuple):
    """An engine with a model on a number of threads."""

    engine: str
    model: str
    threads: int = 1

    @property
    def title(self) -> str:
        """The engine as tables have it."""
        return self.engine if self.threads == 1 else f"{self.engine}, {self.threads} threads"


@dataclass(frozen=True)
class Round:
    """What one process showed; memory in MiB, None where the system does not tell."""

    one_us: float
    """Median of a call with one cell."""
    one_p99_us: float
    calls: int
    """With one cell, that these two are of."""
    batch_us: float
    """Median of a call with 1,024 cells."""
    batch_least_us: float
    """The fastest of them: of calls this long, others on the machine interrupt most."""
    import_ms: float
    """Its modules, with NumPy imported before."""
    load_ms: float
    first_ms: float
    """From the start of the process to its first answer."""
    bare_mb: float | None
    """With NumPy alone."""
    first_mb: float | None
    """After the first answer."""
    resident_mb: float | None
    """After the last turn."""
    peak_mb: float | None


def answers(task: Task) -> NDArray[np.float32]:
    """Have a process answer cells: some one by one, then all in batches.

    Returns:
        float32 [n, 10].

    Raises:
        EngineError: It cannot.
    """
    with started(task) as worker:
        worker.ask("answers")
    found: NDArray[np.float32] = np.load(Path(task.what["answers"]))
    return found


def measure(
    tasks: Mapping[Run, Task], effort: Effort, step: Callable[[], None]
) -> dict[Run, list[Round]]:
    """Measure runs; `step` is called once for each in each round.

    Raises:
        EngineError: A process does not load, or ended before its time.
    """
    found: dict[Run, list[Round]] = {run: [] for run in tasks}
    for workers, times in rounds(tasks, (1, BATCH), effort, step):
        for run in tasks:
            one, p99 = np.quantile(times[run, 1], [0.5, 0.99]).tolist()
            resident, peak = workers[run].ask("memory")
            found[run].append(
                Round(
                    one_us=1e6 * one,
                    one_p99_us=1e6 * p99,
                    calls=len(times[run, 1]),
                    batch_us=1e6 * float(np.median(times[run, BATCH])),
                    batch_least_us=1e6 * min(times[run, BATCH]),
                    resident_mb=resident,
                    peak_mb=peak,
                    **workers[run].facts,
                )
            )
    return found
