"""What a process that measures does: a turn of one case after the other, as it is told."""

import json
import sys
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from time import perf_counter_ns, process_time_ns, sleep
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..reader import Reader
    from ..results import Reading, Timings

_WARM_UP_CALLS, WARM_UP_SECONDS = 2, 0.01
_LEAST_CALLS, _MOST_CALLS = 3, 2000
WARM_UP = (
    f"a first pass over everything; then in each turn, of each case, at least {_WARM_UP_CALLS} "
    f"calls and {1e3 * WARM_UP_SECONDS:g} ms that are not counted"
)
"""What precedes each measurement, in words."""

_YARDSTICK_CALLS = 5
_STATUS, _REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_SCHEDULED = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")


def serve(reader: "Reader", marks: list[int], spent: int) -> None:
    """Say how the start went; then measure what standard input asks for, line by line.

    Args:
        reader: What is measured.
        marks: When the stages of the start were over, by `perf_counter_ns`.
        spent: Processor time until then, ns.
    """
    import siffra

    start = {"marks": marks, "cpu_ns": spent, "waited_ns": waited_ns(), **memory()}
    _say({"package": siffra.__file__, **start})
    work = _Work(reader)
    for line in sys.stdin:
        _say(work.turn(json.loads(line)))


def memory() -> dict[str, int | None]:
    """Return resident and peak memory of this process in bytes; None where it cannot be told."""
    try:
        lines = _STATUS.read_text().splitlines()
        table = dict(line.split(":", 1) for line in lines if ":" in line)
        kib = {key: int(table[key].split()[0]) for key in ("VmRSS", "VmHWM")}
        return {"resident_bytes": 1024 * kib["VmRSS"], "peak_bytes": 1024 * kib["VmHWM"]}
    except (OSError, KeyError, ValueError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return {"resident_bytes": None, "peak_bytes": None}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"resident_bytes": None, "peak_bytes": peak * (1 if sys.platform == "darwin" else 1024)}


def waited_ns() -> int | None:
    """Return nanoseconds that this process's main thread was ready, and waited for a core, so far.

    Not of OpenCV's threads: idle ones wait without end. Linux tells (proc(5): schedstat), others
    do not: then None.
    """
    try:
        return int(_SCHEDULED.read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None


def yardstick(threads: int) -> int:
    """Return nanoseconds that work of no concern to siffra takes here and now, on so many threads.

    Compressing depends on none of the packages that siffra runs on, so that what changes its time
    is the machine.
    """
    data = (np.arange(65536) * 2654435761 >> 7).astype(np.uint8).tobytes()

    def call() -> None:
        workers = [
            threading.Thread(target=zlib.compress, args=(data, 1)) for _ in range(threads - 1)
        ]
        for worker in workers:
            worker.start()
        zlib.compress(data, 1)
        for worker in workers:
            worker.join()

    times = []
    for _ in range(_YARDSTICK_CALLS):
        started = perf_counter_ns()
        call()
        times.append(perf_counter_ns() - started)
    return sorted(times)[_YARDSTICK_CALLS // 2]


def _say(document: dict[str, Any]) -> None:
    print(json.dumps(document), flush=True)


class _Work:
    """Turns of one model."""

    def __init__(self, reader: "Reader") -> None:
        self._readers = {1: reader}

    def turn(self, case: dict[str, Any]) -> dict[str, Any]:
        """Measure one turn of a `Case`, given as a dictionary; a case without a workload: none."""
        found: dict[str, Any] = {"yardstick_ns": yardstick(case["parallel"])}
        if not case["workload"]:
            return found
        call = self._call(case)
        if case["opencv_threads"] is not None:
            from ..opencv import cv2

            cv2.setNumThreads(case["opencv_threads"])
        return found | _measure(call, case["seconds"], case["fps"]) | memory()

    def _call(self, case: dict[str, Any]) -> "Callable[[], Reading | None]":
        from ..reader import Reader

        threads = case["threads"]
        if threads not in self._readers:
            self._readers[threads] = Reader(self._readers[1].model, threads=threads)
        reader = self._readers[threads]
        if case["items"]:
            from .scene import golden_cells

            cells = np.resize(golden_cells()[0], (case["items"], 28, 28))

            def classify() -> None:
                reader.probabilities(cells)

            return classify
        frames = cycle(np.load(case["sources"][0]) if case["scene"] else case["sources"])
        return lambda: reader.read(next(frames))


def _measure(
    call: "Callable[[], Reading | None]", seconds: float, fps: float | None
) -> dict[str, Any]:
    """Call again and again, or so many times a second; return the samples of one turn."""
    warm = perf_counter_ns() + round(1e9 * WARM_UP_SECONDS)
    warming = 0
    while warming < _WARM_UP_CALLS or perf_counter_ns() < warm:
        call()
        warming += 1
    _forget_peak()
    period = 1e9 / fps if fps else 0.0
    most = max(_LEAST_CALLS, round(seconds * fps)) if fps else _MOST_CALLS
    times: list[int] = []
    timings: list[Timings] = []
    digits = None
    late = 0
    before = waited_ns()
    cpu, began = process_time_ns(), perf_counter_ns()
    stopped, ends = began, began + 1e9 * seconds
    while len(times) < _LEAST_CALLS or (len(times) < most and (fps or stopped < ends)):
        due = began + period * (len(times) + 1)
        if fps:
            sleep(max(0.0, due - perf_counter_ns()) / 1e9)
        started = perf_counter_ns()
        reading = call()
        stopped = perf_counter_ns()
        times.append(stopped - started)
        late += bool(fps) and stopped > due + period
        if reading is not None:
            timings.append(reading.timings)
            digits = reading.digits
    found: dict[str, Any] = {"ns": times, "wall_ns": stopped - began}
    found |= {"cpu_ns": process_time_ns() - cpu, "waited_ns": waited_ns()}
    if before is not None:
        found["waited_ns"] -= before
    if fps:
        found["late"] = late
    if digits is not None:
        found["digits"] = "".join(map(str, digits))
        found["stages_ns"] = {
            stage: [round(1e6 * value) for value in values]
            for stage, values in zip(timings[0]._fields, zip(*timings, strict=True), strict=True)
        }
    return found


def _forget_peak() -> None:
    """Make the kernel begin its count of peak memory anew (Linux, proc(5): clear_refs)."""
    with suppress(OSError):  # elsewhere the peak is that of the process so far
        _REFERENCES.write_text("5")
