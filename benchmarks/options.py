"""The options that benchmarks have in common."""

import argparse
import os
from pathlib import Path


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


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json FILE`."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there too")
