"""What the commands of the command line share: options, and wrong usage."""

import argparse
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from .contract import DEFAULT_MODEL
from .errors import ModelError
from .sizes import MAX_PIXELS

if TYPE_CHECKING:
    from .reader import Reader, Rotate

EPILOG = "Exit status: 0; 1 where a source cannot be read or a check fails; 2 for wrong usage."
ROTATIONS: "dict[str, Rotate]" = {"auto": "auto", "0": 0, "90": 90, "180": 180, "270": 270}


class UsageError(Exception):
    """The command line asks for what cannot be; found only after it was parsed."""


def add_reader(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose what reads."""
    parser.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        help="a released model (siffra info lists them) or the path of an .onnx file; "
        "default: %(default)s",
    )
    parser.add_argument(
        "--threshold",
        type=number(0.0, 1.0),
        metavar="P",
        help="confidence, 0 to 1, from which a digit is accepted; default: the model's own",
    )
    parser.add_argument(
        "--max-pixels",
        type=lambda text: int(number(1, 1e12)(text)),
        default=MAX_PIXELS,
        metavar="N",
        help="pixels of a picture, beyond which it is refused before it is decoded; "
        "default: %(default)s",
    )


def reader_of(options: argparse.Namespace) -> "Reader":
    """Return what these options choose.

    Raises:
        UsageError: There is no such model.
    """
    from .reader import Reader

    try:
        return Reader(options.model, threshold=options.threshold, max_pixels=options.max_pixels)
    except ModelError as error:
        raise UsageError(f"--model: {error}") from error


def forget_output() -> None:
    """Drop what is still buffered: whoever read it has left, or the disk is full."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def number(least: float, most: float) -> Callable[[str], float]:
    """Return what reads a number in a range, for `add_argument`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = least - 1.0
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least:g} to {most:g}")
        return value

    return read
