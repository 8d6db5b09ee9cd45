"""The command `siffra bench`: what stands on its command line; `run` is what it does."""

import argparse
from pathlib import Path

from ..arguments import UsageError, number
from . import FPS, WORKLOADS

_MOST_THREADS = 64
_EPILOG = (
    "Exit status: 0; 1 where something failed, or compare finds a row slower than --fail-above; "
    "2 for wrong usage and for results that are not comparable; 130 after Ctrl-C, which keeps "
    "what was measured by then."
)


def add_bench(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `bench`."""
    command = commands.add_parser(
        "bench",
        help="measure how fast siffra reads on this machine",
        description="Measure how fast siffra reads on this machine, what limits it, and which "
        "settings are best. Takes some minutes; with --quick some seconds.",
        epilog=_EPILOG,
    )
    command.add_argument(
        "--workload",
        nargs="+",
        action="extend",
        choices=WORKLOADS,
        help="cell: one cell; batch: 1 to 1,024 at once; picture: whole pages; cold: from the "
        "start of a process to its first reading; paced: pages at --fps; threads: batch and "
        "picture with more and fewer threads; default: all",
    )
    command.add_argument(
        "--model",
        nargs="+",
        action="extend",
        metavar="NAME_OR_PATH",
        help="released models or paths of .onnx files; default: every released model",
    )
    command.add_argument("--quick", action="store_true", help="fewer cases, shorter turns")
    command.add_argument(
        "--turns", type=_count, metavar="N", help="turns of each case; default: 10, --quick 5"
    )
    command.add_argument(
        "--source",
        nargs="+",
        action="extend",
        default=[],
        metavar="PATH",
        help="pictures or folders of your own, from file to reading, in place of the drawn pages "
        "of picture and paced",
    )
    command.add_argument(
        "--fps", type=number(0.1, 1000.0), metavar="N", help=f"of paced; default: {FPS:g}"
    )
    command.add_argument(
        "--threads",
        type=_threads,
        metavar="N,N",
        help="numbers of threads to sweep, 64 at most; default: 1, 2, 4 up to what this process "
        "may use",
    )
    command.add_argument(
        "--json", type=Path, metavar="FILE", help="write every figure and sample there"
    )
    command.add_argument("--plot", type=Path, metavar="FILE", help="draw it, as PNG")
    command.set_defaults(run=_bench)
    ways = command.add_subparsers(title="results", metavar="compare")
    compare = ways.add_parser(
        "compare",
        help="set two results side by side",
        description="Compare two results of siffra bench --json, row by row: how many times as "
        "long B takes as A.",
        epilog=_EPILOG,
    )
    compare.add_argument("before", type=Path, metavar="A.json")
    compare.add_argument("after", type=Path, metavar="B.json")
    compare.add_argument(
        "--fail-above",
        type=number(1.0, 1000.0),
        metavar="RATIO",
        help="exit with 1 where a row of B takes more than so many times as long, beyond doubt: "
        "the low end of its interval, with what the machine itself changed taken off, is above",
    )
    compare.add_argument(
        "--force", action="store_true", help="compare even what other machines measured"
    )
    compare.add_argument(
        "--json",
        type=Path,
        default=argparse.SUPPRESS,  # else it would undo one that stands before `compare`
        metavar="FILE",
        help="write the comparison there",
    )
    compare.set_defaults(run=_compare)


def _bench(options: argparse.Namespace) -> int:
    from .run import bench  # all of it is for this command alone

    return bench(options)


def _compare(options: argparse.Namespace) -> int:
    from .run import compare

    measuring = ("workload", "model", "quick", "turns", "source", "fps", "threads", "plot")
    given = [f"--{name}" for name in measuring if getattr(options, name)]
    if given:
        raise UsageError(f"compare measures nothing and takes no {', '.join(given)}")
    return compare(options)


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 10000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _threads(text: str) -> list[int]:
    counts = [_count(part.strip()) for part in text.split(",")]
    if max(counts) > _MOST_THREADS:
        raise argparse.ArgumentTypeError(f"{max(counts)} threads are more than {_MOST_THREADS}")
    return counts
