"""What `siffra bench` does: call, write, print."""

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..arguments import UsageError
from ..contract import DEFAULT_MODEL
from ..errors import ImageError, ModelError, SiffraError
from ..network import released
from ..reader import Reader
from ..sources import STANDARD_INPUT, expand
from . import FPS, WORKLOADS
from .cases import NEEDS_OPENCV, plan
from .compare import comparison_of, lines_of_comparison
from .machine import machine, model_facts, usable_cores
from .result import load, result_of, write
from .rounds import measure
from .table import lines_of

_MOST_SOURCES = 24
_Files = list[tuple[Path, Callable[[Path, dict[str, Any]], None]]]


def bench(options: argparse.Namespace) -> int:
    """Measure, write and print; return the exit status."""
    _check_file(options.json)
    _check_file(options.plot, ".png")
    if options.plot:
        from . import plot  # says what to install before anything is measured

    names, facts = _models(options.model)
    main = DEFAULT_MODEL if DEFAULT_MODEL in names else next(iter(names))
    workloads = options.workload or list(WORKLOADS)
    sources = _sources(options.source, workloads)
    skipped = []
    opencv_threads = None
    try:
        from ..opencv import cv2

        opencv_threads = cv2.getNumThreads()
    except ImportError as error:
        left_out = [name for name in workloads if name in NEEDS_OPENCV]
        if sources or (left_out and set(workloads) <= NEEDS_OPENCV):
            raise
        if left_out:
            skipped = [f"{', '.join(left_out)}: {error}"]
    readable = _readable(sources)
    cores = usable_cores(machine())
    todo = plan(
        workloads,
        list(names),
        main,
        quick=options.quick,
        turns=options.turns,
        fps=options.fps or FPS,
        threads=options.threads or [n for n in (1, 2, 4, 8, 16, 32) if n <= cores],
        opencv_threads=opencv_threads,
        sources=readable,
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
    files: _Files = [(options.json, write)] if options.json else []
    files += [(options.plot, plot.draw)] if options.plot else []
    failed = _shown(lines_of(result), files, result)
    if not measured.complete:
        kept = f", and in {options.json}" if options.json and not failed else ""
        _say(f"ended after {measured.turns} of {todo.turns} turns; what they gave is above{kept}")
        return 130
    return 1 if failed or len(readable) < len(sources) else 0


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
    files: _Files = [(options.json, write)] if options.json else []
    failed = _shown(lines_of_comparison(comparison), files, comparison)
    return 1 if failed or comparison["failed"] else 0


def _shown(lines: Iterable[str], files: _Files, document: dict[str, Any]) -> bool:
    """Print lines, then write files; return whether one of them could not be written."""
    failed = False
    try:
        for line in lines:
            print(line)
        sys.stdout.flush()
    finally:  # whoever read the lines may have left; the files are still wanted
        for path, save in files:
            try:
                save(path, document)
            except OSError as error:
                why = error.strerror or error
                _say(f"{path}: cannot be written ({why}); name another")
                failed = True
    return failed


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


def _sources(asked: list[str], workloads: list[str]) -> list[Path]:
    if asked and not NEEDS_OPENCV & set(workloads):
        _say("--source is not used: only picture and paced read pictures")
        return []
    found = list(expand(asked))
    for source in found:
        if source.problem or source.name == STANDARD_INPUT:
            raise UsageError(f"--source: {source.problem or 'must be read again: name a file'}")
        if not Path(source.name).is_file():
            raise UsageError(f"--source: {source.name}: no such file")
    if len(found) > _MOST_SOURCES:
        raise UsageError(
            f"--source: {len(found)} pictures would take too long; name {_MOST_SOURCES} at most"
        )
    return [Path(source.name) for source in found]


def _readable(sources: list[Path]) -> list[Path]:
    """Return those that can be read; name the others."""
    if not sources:
        return []
    from ..images import load as load_picture

    found = []
    for path in sources:
        try:
            load_picture(path)
            found.append(path)
        except ImageError as error:
            _say(f"{error}; left out")
    if not found:
        raise SiffraError("there is nothing to measure: no picture of --source can be read")
    return found


def _check_file(path: Path | None, suffix: str = "") -> None:
    """Refuse what cannot be written before anything is measured."""
    if path is None:
        return
    folder = path.absolute().parent
    if suffix and path.suffix.lower() != suffix:
        raise UsageError(f"{path}: only {suffix} is written; name it so")
    if not folder.is_dir():
        raise UsageError(f"{path}: there is no folder {folder}; make it first")
    try:
        with tempfile.TemporaryFile(dir=folder):
            replaceable = path.is_file() or not path.exists()
    except OSError as error:  # also where the name is too long
        why = error.strerror or error
        raise UsageError(f"{path}: cannot be written ({why}); name another") from error
    if not replaceable:
        raise UsageError(f"{path}: is a folder or device, no file; name another")


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
