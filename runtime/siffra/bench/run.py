"""What `siffra bench` does: call, write, print."""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..arguments import UsageError
from ..contract import DEFAULT_MODEL
from ..errors import ModelError
from ..network import released
from ..reader import Reader
from ..sources import STANDARD_INPUT, expand
from . import WORKLOADS
from .cases import NEEDS_OPENCV, plan
from .compare import comparison_of, lines_of_comparison
from .machine import machine, model_facts, usable_cores
from .result import load, result_of, write
from .rounds import measure
from .table import lines_of

_MOST_SOURCES = 24


def bench(options: argparse.Namespace) -> int:
    """Measure, write and print; return the exit status."""
    for path in (options.json, options.plot):
        _check_file(path)
    if options.plot:
        from . import plot  # says what to install before anything is measured

    names, facts = _models(options.model)
    main = DEFAULT_MODEL if DEFAULT_MODEL in names else next(iter(names))
    sources = _sources(options.source)
    workloads = options.workload or list(WORKLOADS)
    skipped = []
    opencv_threads = None
    try:
        from ..opencv import cv2

        opencv_threads = cv2.getNumThreads()
    except ImportError as error:
        left_out = [name for name in workloads if name in NEEDS_OPENCV]
        if options.source or (left_out and set(workloads) <= NEEDS_OPENCV):
            raise
        if left_out:
            skipped = [f"{', '.join(left_out)}: {error}"]
    cores = usable_cores(machine())
    todo = plan(
        workloads,
        list(names),
        main,
        quick=options.quick,
        turns=options.turns,
        fps=options.fps,
        threads=options.threads or [n for n in (1, 2, 4, 8, 16, 32) if n <= cores],
        opencv_threads=opencv_threads,
        sources=sources,
    )
    for each in skipped:
        _say(f"skipped {each}")
    with _ended_by_signals(), tempfile.TemporaryDirectory(prefix="siffra-bench-") as folder:
        measured = measure(todo, names, Path(folder), _say)
    if not measured.rows:
        if measured.complete:
            raise UsageError("there is nothing to measure; see siffra bench --help")
        _say("ended before the first turn was through: nothing was measured, nothing written")
        return 130
    result = result_of(measured, todo, facts, main, skipped, options.quick)
    if options.json:
        write(options.json, result)
    if options.plot:
        plot.draw(result, options.plot)
    for line in lines_of(result):
        print(line)
    if not measured.complete:
        kept = f", and in {options.json}" if options.json else ""
        _say(f"ended after {measured.turns} of {todo.turns} turns; what they gave is above{kept}")
        return 130
    return 0


def compare(options: argparse.Namespace) -> int:
    """Compare two results; return the exit status."""
    _check_file(options.json)
    comparison = comparison_of(
        load(options.before),
        load(options.after),
        fail_above=options.fail_above,
        force=options.force,
        names=(str(options.before), str(options.after)),
    )
    if options.json:
        write(options.json, comparison)
    for line in lines_of_comparison(comparison):
        print(line)
    return 1 if comparison["failed"] else 0


def _models(asked: list[str] | None) -> tuple[dict[str, str], dict[str, Any]]:
    """Return what to load and facts, both by the name that rows have."""
    names: dict[str, str] = {}
    facts: dict[str, Any] = {}
    for model in asked or released():
        try:
            reader = Reader(model)
        except ModelError as error:
            raise UsageError(f"--model: {error}") from error
        about = model_facts(model, reader.model, reader.metadata)
        name = about["name"] if about["name"] not in facts else model
        names[name], facts[name] = model, about
    return names, facts


def _sources(asked: list[str]) -> list[Path]:
    found = list(expand(asked))
    for source in found:
        if source.problem or source.name == STANDARD_INPUT:
            raise UsageError(f"--source: {source.problem or 'must be read again: name a file'}")
    if len(found) > _MOST_SOURCES:
        raise UsageError(
            f"--source: {len(found)} pictures would take too long; name {_MOST_SOURCES} at most"
        )
    return [Path(source.name) for source in found]


def _check_file(path: Path | None) -> None:
    """Refuse what cannot be written before anything is measured."""
    if path is None:
        return
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file in it")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.absolute().parent}; make it first")
    if not os.access(path.absolute().parent, os.W_OK):
        raise UsageError(f"{path}: nothing may be written in its folder; name another")


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Make SIGTERM end what runs as Ctrl-C does."""
    try:
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _say(message: str) -> None:
    print(f"siffra: {message}", file=sys.stderr, flush=True)
