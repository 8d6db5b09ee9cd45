"""The options that benchmarks have in common."""

import argparse
import json
import os
from pathlib import Path

from siffra.files import replacing


def add_data(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--data DIR`, by default `$SIFFRA_DATA` or None; `what` says what DIR holds."""
    data = os.environ.get("SIFFRA_DATA")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(data) if data else None,
        metavar="DIR",
        help=f"{what}; default: $SIFFRA_DATA",
    )


def add_models(parser: argparse.ArgumentParser) -> None:
    """Add `--model`, which may be repeated; None stands for every released model."""
    parser.add_argument(
        "--model",
        action="append",
        metavar="NAME_OR_PATH",
        help="may be repeated; default: every released model",
    )


def add_turns(parser: argparse.ArgumentParser, default: int) -> None:
    """Add `--turns N`: what is compared takes turns, so that all see the same machine."""
    parser.add_argument(
        "--turns",
        type=_turns,
        default=default,
        metavar="N",
        help="that each has; more are surer, fewer are quicker (default: %(default)s)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json FILE`; a file that cannot be written is refused before anything is measured."""
    parser.add_argument("--json", type=_file, metavar="FILE", help="write every figure there too")


def write_json(path: Path, figures: object) -> None:
    """Write what `--json` asked for."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _turns(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _file(text: str) -> Path:
    path = Path(text)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise argparse.ArgumentTypeError(
            f"{path} cannot be written ({error.strerror or error}): name another file"
        ) from error
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{path} is a folder: name a file")
    return path
