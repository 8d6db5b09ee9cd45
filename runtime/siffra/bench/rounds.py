"""Measuring: turn by turn, all models and cases in each, in an order that changes."""

import hashlib
import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ..files import replacing
from ..progress import Progress
from .cases import Case, Plan, Scene
from .figures import level_of_turns, summary
from .load import Load
from .process import Worker, imports_alone, worker
from .worker import WARM_UP_SECONDS

SEED = 0
"""Of the order in which models and cases take their turns."""

_FIRST = Scene(640, 480, 8)  # what a new process reads first
_IMPORTS = Case("cold", "imports alone")


@dataclass
class Row:
    """What was measured of one case and one model, or none."""

    case: Case
    model: str | None
    digest: str | None
    """SHA-256 of the picture's file or pixels."""
    turns: list[dict[str, Any]] = field(default_factory=list)

    @property
    def key(self) -> str:
        """Name of the row, the same in every result."""
        case = self.case
        threads = f"threads={case.threads}"
        if case.opencv_threads is not None:
            threads += f",opencv={case.opencv_threads}"
        return "/".join([case.workload, case.name, self.model or "-", threads])

    def to_dict(self) -> dict[str, Any]:
        """Return figures and raw samples as JSON types; see `schema.json`."""
        case, turns = self.case, self.turns
        stages = turns[0].get("stages_ns", {})
        cpu, wall = (sum(turn[key] for turn in turns) for key in ("cpu_ns", "wall_ns"))
        calls = sum(len(turn["ns"]) for turn in turns)
        return {
            "key": self.key,
            "workload": case.workload,
            "case": case.name,
            "model": self.model,
            "threads": case.threads,
            "opencv_threads": case.opencv_threads,
            "parallel": case.parallel,
            "cells": case.items or None,
            "fps": case.fps,
            "input_sha256": self.digest,
            "digits_expected": None if case.expected is None else len(case.expected),
            "digits_right": self._right(),
            "level_ns": round(float(np.exp(level_of_turns(turns).log)), 1),
            "ns": summary([value for turn in turns for value in turn["ns"]]),
            "stages_ns": {
                stage: summary([value for turn in turns for value in turn["stages_ns"][stage]])
                for stage in stages
            },
            "cpu_ns_per_call": round(cpu / calls, 1),
            "cpu_share": round(cpu / wall, 4),
            "late": sum(turn["late"] for turn in turns) if case.fps else None,
            "resident_bytes": _most(turn["resident_bytes"] for turn in turns),
            "peak_bytes": _most(turn["peak_bytes"] for turn in turns),
            "turns": turns,
        }

    def _right(self) -> int | None:
        """Return how many digits were read rightly in the worst of the turns."""
        expected = self.case.expected
        if expected is None:
            return None
        return min(
            sum(
                block.size
                for block in SequenceMatcher(
                    None, expected, turn["digits"], autojunk=False
                ).get_matching_blocks()
            )
            for turn in self.turns
        )


@dataclass
class Measured:
    """What one run measured, whole or as far as it came."""

    rows: list[Row]
    load: list[dict[str, Any]]
    """Of the machine: before, after each turn."""
    turns: int
    """How many were finished."""
    seconds: float
    complete: bool


def measure(
    plan: Plan, models: dict[str, str], folder: Path, tell: Callable[[str], None]
) -> Measured:
    """Measure; Ctrl-C ends it early, and what was measured is kept.

    Args:
        plan: What to measure.
        models: Names, as rows have them, to what `Reader` takes.
        folder: For pictures that are drawn.
        tell: Called with what the user should know, in a line.

    Raises:
        SiffraError: A process that measures ended, or a picture cannot be read.
    """
    began = perf_counter()
    load = Load()
    looks = [load.now()]
    rounds = _Rounds(plan, models, folder)
    turns = 0
    complete = False
    try:
        rounds.prepare()
        tell(
            f"models: {len(models)}, cases: {len(plan.cases) + plan.cold}, turns: {plan.turns}; "
            "first a pass that warms up and tells how long it takes"
        )
        rounds.turn(warm_up=True)
        tell(f"about {rounds.estimate():.0f} s to go")
        looks.append(load.now())
        with Progress(plan.turns * rounds.steps) as progress:
            while turns < plan.turns:
                rounds.turn(progress.step)
                turns += 1
                looks.append(load.now())
        complete = True
    except KeyboardInterrupt:
        pass
    rows = [row for row in rounds.rows.values() if row.turns]
    return Measured(rows, looks, turns, perf_counter() - began, complete)


class _Rounds:
    def __init__(self, plan: Plan, models: dict[str, str], folder: Path) -> None:
        self._plan = plan
        self._models = models
        self._folder = folder
        self._picture = ""
        self._imports = ["numpy", "onnxruntime"]
        self._first = Case("cold", "first cell")
        self._order = random.Random(SEED)
        self._began = perf_counter()
        self._seconds = 0.0
        self._cases: list[Case] = []
        self.rows: dict[tuple[Case, str | None], Row] = {}
        self.steps = 0

    def prepare(self) -> None:
        """Draw what is to be read, and set up a row for each case and model."""
        plan = self._plan
        if _has_opencv():
            from ..draw import to_png
            from .scene import draw_scene

            self._imports.append("cv2")
            self._first = Case("cold", "first picture")
            (page,), _ = draw_scene(_FIRST.width, _FIRST.height, _FIRST.digits)
            self._picture = str(self._folder / "first.png")
            with replacing(self._picture) as temporary:  # whose errors name the file
                temporary.write_bytes(to_png(page))
        if plan.cold:
            self.rows[_IMPORTS, None] = Row(_IMPORTS, None, None)
            for model in self._models:
                self.rows[self._first, model] = Row(self._first, model, None)
        for number, case in enumerate(plan.cases):
            prepared, digest = self._prepared(case, number)
            self._cases.append(prepared)
            for model in self._of(prepared):
                self.rows[prepared, model] = Row(prepared, model, digest)
        starts = (len(self._models) + 1) * plan.starts + 1 if plan.cold else 0
        self.steps = len(self._models) + starts + sum(len(self._of(c)) for c in self._cases)

    def _prepared(self, case: Case, number: int) -> tuple[Case, str | None]:
        if case.scene is not None:
            from .scene import draw_scene

            scene = case.scene
            pages, expected = draw_scene(scene.width, scene.height, scene.digits, scene.frames)
            path = self._folder / f"{number}.npy"
            with replacing(path) as temporary:
                np.save(temporary, pages)
            digest = hashlib.sha256(pages.tobytes()).hexdigest()
            return replace(case, sources=(str(path),), expected=expected), digest
        if not case.sources:
            return case, None
        content = b"".join(Path(source).read_bytes() for source in case.sources)
        return case, hashlib.sha256(content).hexdigest()

    def _of(self, case: Case) -> list[str]:
        """Return the models that a case is measured of."""
        return [model for model in self._models if not case.models or model in case.models]

    def turn(self, step: Callable[[], None] = lambda: None, warm_up: bool = False) -> None:
        """Let every case of every model have a turn; of a warm-up nothing is kept."""
        plan = self._plan
        self._seconds = 0.0
        with ExitStack() as stack:
            workers: dict[str, Worker] = {}
            cold: dict[tuple[Case, str | None], list[dict[str, Any]]] = {}
            for model in self._shuffled(self._models):
                workers[model] = self._started(model, cold, stack)
                step()
            if plan.cold:
                for number in range(1 if warm_up else 1 + plan.starts):
                    imported = {**imports_alone(self._imports), "yardstick_ns": None}
                    cold.setdefault((_IMPORTS, None), []).append(imported)
                    step()
                    for model in self._shuffled(self._models) if number else ():
                        with ExitStack() as alone:
                            self._started(model, cold, alone)
                        step()
            if not warm_up:
                self._keep({key: _merged(turns) for key, turns in cold.items()})
            for case in self._shuffled(self._cases):
                for model in self._shuffled(self._of(case)):
                    asked = replace(case, seconds=0.0) if warm_up else case
                    found = workers[model].turn(asked)
                    if warm_up:
                        self._seconds += _estimate(case, found)
                    else:
                        self._keep({(case, model): found})
                    step()

    def _started(
        self,
        model: str,
        cold: dict[tuple[Case, str | None], list[dict[str, Any]]],
        stack: ExitStack,
    ) -> Worker:
        started = stack.enter_context(worker(self._models[model], self._picture))
        start = {**started.start, "yardstick_ns": started.yardstick()}
        self._seconds += start["wall_ns"] / 1e9 * (1 + self._plan.starts)
        if self._plan.cold:
            cold.setdefault((self._first, model), []).append(start)
        return started

    def _keep(self, turns: dict[tuple[Case, str | None], dict[str, Any]]) -> None:
        for key, turn in turns.items():
            at = round(perf_counter() - self._began, 3)
            self.rows[key].turns.append({"at_s": at, **turn})

    def estimate(self) -> float:
        """Return seconds that all turns will take, by what the warm-up took."""
        return self._plan.turns * self._seconds

    def _shuffled(self, things: Any) -> list[Any]:
        ordered = list(things)
        self._order.shuffle(ordered)
        return ordered


def _estimate(case: Case, found: dict[str, Any]) -> float:
    """Return seconds that a turn of a case will take, from one of the warm-up."""
    call = float(np.median(found["ns"])) / 1e9
    pauses = 1 / case.fps if case.fps else 0.0
    measured = max(case.seconds, 3 * max(call, pauses))
    return float(measured + max(WARM_UP_SECONDS, 2 * call) + 6 * found["yardstick_ns"] / 1e9)


def _merged(turns: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Make one turn of starts that followed each other."""
    merged = dict(turns[0])
    for turn in turns[1:]:
        merged["ns"] = merged["ns"] + turn["ns"]
        merged["stages_ns"] = {
            stage: values + turn["stages_ns"][stage]
            for stage, values in merged["stages_ns"].items()
        }
        for key in ("wall_ns", "cpu_ns", "waited_ns"):
            merged[key] = None if turn[key] is None else merged[key] + turn[key]
        for key in ("resident_bytes", "peak_bytes"):
            merged[key] = _most([merged[key], turn[key]])
    return merged


def _most(values: Any) -> int | None:
    return max((value for value in values if value is not None), default=None)


def _has_opencv() -> bool:
    try:
        from ..opencv import cv2
    except ImportError:
        return False
    return bool(cv2)
