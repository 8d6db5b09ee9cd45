"""The process that is measured: it loads one engine, then does what its parent asks for.

`turns` starts it. The first argument is the task as JSON; then each line of standard input
asks for something, and a line of standard output answers, both as JSON. What engines themselves
print goes to standard error.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.engines.calls import BATCH, ENGINES, Loaded

Calls: TypeAlias = Callable[[Any], Callable[[], Any]]
"""What a parent may ask for, to what does it once."""

_WARM_UP = 0.25
"""Share of a turn that is spent before times count."""


def main() -> int:
    """Load, then answer until standard input ends."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as replies:
        os.dup2(2, 1)

        def reply(answer: object) -> None:
            replies.write(json.dumps(answer) + "\n")
            replies.flush()

        task = json.loads(sys.argv[1])
        try:
            calls, facts = (_reader if "reader" in task else _engine)(task)
        except Exception as error:  # the engine's own, whatever they are
            said = str(error).strip().splitlines() or [type(error).__name__]
            reply({"error": said[0]})
            return 1
        reply(facts)
        for line in sys.stdin:
            request = json.loads(line)
            call = calls(request["what"])
            reply(_times(call, request["seconds"]) if "seconds" in request else call())
    return 0


def _engine(task: Mapping[str, Any]) -> tuple[Calls, Mapping[str, Any]]:
    """Load a network; say what that took.

    What may be asked for: a number of cells; "answers" to all cells; "memory".
    """
    cells = np.load(task["cells"])
    bare, _ = _megabytes()
    engine = ENGINES[task["engine"]]
    started = perf_counter()
    for module in engine.modules:
        import_module(module)
    imported = perf_counter()
    answers = engine.load(Path(task["file"]), task["threads"])
    answer = answers(1)
    loaded = perf_counter()
    answer(cells[:1])
    answered = perf_counter()

    @cache
    def calls(what: str | int) -> Callable[[], Any]:
        if isinstance(what, int):
            return partial(answers(what), cells[:what])
        if what == "memory":
            return _megabytes
        return partial(_save, Path(task["answers"]), answers, cells, task["single"])

    return calls, {
        "import_ms": 1e3 * (imported - started),
        "load_ms": 1e3 * (loaded - imported),
        "first_ms": 1e3 * (answered - task["started"]),
        "bare_mb": bare,
        "first_mb": _megabytes()[0],
    }


def _save(path: Path, answers: Loaded, cells: NDArray[np.uint8], single: Sequence[int]) -> None:
    """Write what is answered to some cells one by one, then to all in batches."""
    one, many = answers(1), answers(BATCH)
    alone = [one(cells[index : index + 1]).copy() for index in range(*single)]
    batches = [many(cells[start : start + BATCH]).copy() for start in range(0, len(cells), BATCH)]
    np.save(path, np.concatenate([*alone, *batches]))


def _reader(task: Mapping[str, Any]) -> tuple[Calls, Mapping[str, Any]]:
    """Load what reads pictures; the path of one may be asked for."""
    import cv2

    from benchmarks.peers import PEERS, load_peer
    from benchmarks.readers import Siffra

    cv2.setNumThreads(1)  # as the networks have it
    name = task["reader"]
    reader = load_peer(name, Path()) if name in PEERS else Siffra(name)
    return lambda path: partial(reader.read, Path(path), True), {"version": reader.version}


def _times(call: Callable[[], object], seconds: float) -> list[float]:
    """Return the seconds of each call, warmed up before."""
    began = perf_counter()
    call()
    while perf_counter() - began < _WARM_UP * seconds:
        call()
    times: list[float] = []
    began = finished = perf_counter()
    while finished - began < seconds:
        started = perf_counter()
        call()
        finished = perf_counter()
        times.append(finished - started)
    return times


def _megabytes() -> tuple[float | None, float | None]:
    """Return the memory in use and its peak; None where the system does not tell."""
    table = Path("/proc/self/status")
    if table.exists():
        lines = dict(line.split(":", 1) for line in table.read_text().splitlines())
        resident, peak = (int(lines[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM"))
        return resident, peak
    if sys.platform != "win32":
        import resource

        return None, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS: bytes
    return None, None


if __name__ == "__main__":
    sys.exit(main())
