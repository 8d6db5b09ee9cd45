"""All engines with all models: a family of models at a time, whose runs share their rounds."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.engines.calls import BATCH, ENGINES
from benchmarks.engines.cells import Cells
from benchmarks.engines.forms import NEEDS, write_forms
from benchmarks.engines.net import EngineError
from benchmarks.engines.results import BASE, TOLERANCE, Agreement, Result, compared, summarise
from benchmarks.engines.rounds import Run, answers, measure
from benchmarks.engines.sizes import installed_megabytes
from benchmarks.engines.turns import Effort, Task
from siffra import Reader
from siffra.progress import Progress

_THREADED = ("siffra", BASE)
"""Measured on two threads too."""

Tell = Callable[[str], None]
"""Takes a line on what is left out."""


def installed(engines: Sequence[str], tell: Tell) -> list[str]:
    """Return the engines that are there; tell how to get the others."""
    there = []
    for name in engines:
        engine = ENGINES[name]
        needed = dict.fromkeys(each.partition(".")[0] for each in engine.modules)
        missing = [each for each in (*needed, *NEEDS[engine.form]) if find_spec(each) is None]
        if missing:
            tell(
                f"{name} is left out, without {', '.join(missing)}: "
                f'pip install -e ".[{engine.extra}]"'
            )
        else:
            there.append(name)
    return there


def compare(
    models: Mapping[str, Reader],
    engines: Sequence[str],
    asked: Cells,
    effort: Effort,
    folder: Path,
    tell: Tell,
) -> list[Result]:
    """Measure engines, the base among them, with models.

    Args:
        models: By name; those of one family, as fp32 and int8, share their rounds.
        engines: Those that are installed.
        asked: What to agree on.
        effort: How much.
        folder: For what is written on the way.
        tell: Is told what is left out.

    Raises:
        EngineError: The base does not run a model, or an engine breaks off.
    """
    families: dict[str, list[str]] = {}
    for model in models:
        families.setdefault(model.removesuffix("-int8"), []).append(model)
    results = []
    for family in families.values():
        agreeing: dict[Run, tuple[Task, Agreement]] = {}
        for model in family:
            own = folder / str(len(list(folder.iterdir())))
            own.mkdir()
            agreeing |= _agreeing(model, models[model], engines, asked, own, tell)
        with Progress(len(agreeing) * effort.rounds) as progress:
            tasks = {run: task for run, (task, _) in agreeing.items()}
            rounds = measure(tasks, effort, progress.step)
        for run, (_, agreement) in agreeing.items():
            engine = ENGINES[run.engine]
            size = installed_megabytes(engine.packages)
            results.append(summarise(run, rounds, engine.how, agreement, size))
    return results


def _agreeing(
    model: str,
    reader: Reader,
    engines: Sequence[str],
    asked: Cells,
    folder: Path,
    tell: Tell,
) -> dict[Run, tuple[Task, Agreement]]:
    """Return what runs a model and agrees with the base, which is the first."""
    count = len(asked.cells) + len(range(*asked.single))
    size = -(-len(asked.cells) // BATCH) * BATCH
    np.save(folder / "cells.npy", np.resize(asked.cells, (size, *asked.cells.shape[1:])))
    tolerance = TOLERANCE[reader.metadata["precision"]]
    base: NDArray[np.float32] | None = None
    agreeing = {}
    for run, file in _runs(model, reader, engines, folder, tell):
        task = Task(
            {
                "engine": run.engine,
                "file": str(file.absolute()),
                "threads": run.threads,
                "cells": str(folder / "cells.npy"),
                "answers": str(folder / "answers.npy"),
                "single": asked.single,
            }
        )
        try:
            said = answers(task)[:count]
        except EngineError as error:
            if run.engine == BASE:
                raise
            tell(f"{run.title} is left out with {model}: {error}")
            continue
        base = said if base is None else base
        found = compared(said, base)
        if found.difference <= tolerance:
            agreeing[run] = task, found
        else:
            tell(
                f"{run.title} is left out with {model}: its probabilities differ by up to "
                f"{found.difference:.2g}, {found.flips} of {found.answers} answers are others"
            )
    return agreeing


def _runs(
    model: str, reader: Reader, engines: Sequence[str], folder: Path, tell: Tell
) -> Iterator[tuple[Run, Path]]:
    """Yield what can be run of a model, the base first, with the file that it takes."""
    taking = [
        name
        for name in sorted(engines, key=lambda name: name != BASE)
        if ENGINES[name].int8 or reader.metadata["precision"] != "int8"
    ]
    if others := [name for name in engines if name not in taking]:
        tell(f"{', '.join(others)} left out with {model}: they do not take its file")
    try:
        files = write_forms(reader.model, {ENGINES[name].form for name in taking}, folder)
    except EngineError as error:
        tell(str(error))
        files = {".onnx": reader.model}
    for name in taking:
        if file := files.get(ENGINES[name].form):
            yield Run(name, model), file
            if name in _THREADED and (os.cpu_count() or 1) > 1:
                yield Run(name, model, 2), file
