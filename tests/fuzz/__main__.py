"""Fuzz loading and reading.

    pip install atheris pillow -e .[headless]       (in an environment of its own)
    python -m tests.fuzz load --runs 1000000
    python -m tests.fuzz read --runs 200000

A run goes on from what earlier ones found, in the folder that it names. What goes wrong ends it:
the input is kept there as find-*, and seen again, without atheris, by

    python -m tests.fuzz replay load FILE...

Finds and whatever else is worth it go into tests/fuzz/corpus as found-*, which tests/test_fuzz.py
replays. `python -m tests.fuzz seeds` makes the other files there anew, after a change of forms.py.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from .corpus import CORPUS, TARGETS, write_seeds
from .mutate import mutated

_SECONDS = 10  # that one execution may take: a thousand times what it does take
_MEGABYTES = 2000
_BYTES = 6000  # of an input
# Executions in one process: atheris 3.0 never frees what a comparison has returned, be it an array.
_ROUND = {"load": 250_000, "read": 8_000}


def main() -> int:
    """Run a command; return the exit status."""
    options = _parse()
    # OpenCV's notes on each broken file would hide what is found.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    if options.command == "seeds":
        print(f"{write_seeds()} files in {CORPUS}")
    elif options.command == "replay":
        once = target_of(options.target)
        for path in options.files:
            print(path)
            once(path.read_bytes())
    elif options.runs <= _ROUND[options.command]:
        _fuzz(options.command, options.runs, options.out / options.command)
    else:
        return _rounds(options.command, options.runs, options.out)
    return 0


def target_of(name: str) -> Callable[[bytes], None]:
    """Return what takes one input; it raises where something is wrong."""
    from siffra import Reader

    from . import harness

    if name == "load":
        return harness.fuzz_load
    reader = Reader(max_pixels=harness.MAX_PIXELS)
    return lambda data: harness.fuzz_read(data, reader)


def _rounds(name: str, runs: int, out: Path) -> int:
    """Fuzz in one process after the other, up to the first find; return the exit status."""
    done = 0
    while done < runs:
        size = min(_ROUND[name], runs - done)
        command = [sys.executable, "-m", "tests.fuzz", name, "--runs", str(size), "--out", str(out)]
        status = subprocess.run(command, check=False).returncode
        if status:
            return status
        done += size
        print(f"{done:,} of {runs:,} executions", flush=True)
    return 0


def _fuzz(name: str, runs: int, out: Path) -> None:
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["siffra"]):
        for module in ("draw", "images", "page", "reader", "scale", "single", "turn"):
            import_module(f"siffra.{module}")
        once = target_of(name)
    head = 0 if name == "load" else 1  # byte that says what to do with the file behind it
    seeds = [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]

    def change(data: bytes, most: int, seed: int) -> bytes:
        # libFuzzer forgets inputs that run through no other lines of Python than those it has; the
        # decoders, which it cannot see into, tell many more apart.
        if seed % 3 == 0:
            data = seeds[seed // 3 % len(seeds)]
        if seed % 5 == 0 or (head and data[:1] and data[0] & 1):
            return bytes(atheris.Mutate(data, most))
        return data[:head] + mutated(data[head:], seed, most - head)

    found = out / "corpus"
    found.mkdir(parents=True, exist_ok=True)
    print(f"what is found goes to {out}", flush=True)
    limits = [f"-runs={runs}", f"-timeout={_SECONDS}", f"-rss_limit_mb={_MEGABYTES}"]
    limits += ["-entropic_scale_per_exec_time=1"]  # else what is slow to read is bred from most
    # The decoders complain of every broken file on standard error, whoever calls them.
    limits += [f"-max_len={_BYTES}", f"-artifact_prefix={out}/find-", "-close_fd_mask=2"]
    arguments = [sys.argv[0], *limits, str(found), str(CORPUS / name)]
    atheris.Setup(arguments, once, custom_mutator=change)
    atheris.Fuzz()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="command", required=True)
    for name in TARGETS:
        command = commands.add_parser(name, help=f"fuzz {name}")
        command.add_argument("--runs", type=int, default=1_000_000, help="executions, %(default)s")
        command.add_argument(
            "--out",
            type=Path,
            default=Path("build/fuzz"),
            help="folder for what is found, %(default)s",
        )
    command = commands.add_parser("replay", help="run files once more")
    command.add_argument("target", choices=TARGETS)
    command.add_argument("files", nargs="+", type=Path)
    commands.add_parser("seeds", help="make the files of tests/fuzz/corpus anew")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
