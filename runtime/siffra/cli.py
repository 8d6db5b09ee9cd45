"""The command line, for pictures; `webcam` has the commands of the camera: parse, call, print."""

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import __version__
from .arguments import (
    EPILOG,
    ROTATIONS,
    UsageError,
    add_reader,
    forget_output,
    reader_of,
)
from .bench.command import add_bench
from .errors import ImageError, SiffraError
from .progress import Progress
from .sources import EXPLAINED, OVERLAY, STANDARD_INPUT, NamedSource, expand
from .webcam import add_cameras, add_webcam

if TYPE_CHECKING:
    from .reader import Reader
    from .results import Digit, Pixels, Reading


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _parse(arguments)
    # Whoever started us may have closed a stream; then nobody reads what goes there.
    sys.stdout = sys.stdout or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    sys.stderr = sys.stderr or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    # A file name may hold bytes that no encoding has; they must not stop the others.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # OpenCV's own notes on a broken file, and FFmpeg's in it, would stand beside ours.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    try:
        status: int = options.run(options)
        sys.stdout.flush()
        return status
    except UsageError as error:
        print(f"siffra: {error}", file=sys.stderr)
        return 2
    except SiffraError as error:
        print(f"siffra: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        forget_output()
        return 1
    except OSError as error:
        forget_output()
        what = error if error.filename else f"standard output: cannot be written ({error.strerror})"
        print(f"siffra: {what}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="siffra",
        description="Read handwritten digits from pictures and cameras.",
        epilog=EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"siffra {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    reading = argparse.ArgumentParser(add_help=False)
    reading.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="picture, folder of pictures, pattern like 'scans/*.png', or - for standard input",
    )
    add_reader(reading)
    reading.add_argument(
        "--save",
        type=Path,
        metavar="DIR",
        help="write each picture with what was found drawn on it",
    )
    _add_formats(reading, lines=True)

    command = commands.add_parser(
        "read",
        parents=[reading],
        epilog=EPILOG,
        help="read all digits of pictures, in reading order",
        description="Read all digits of pictures, in reading order. A digit that is there but not "
        "sure shows as '?'.",
    )
    command.add_argument(
        "--explain",
        type=Path,
        metavar="DIR",
        help="write for each picture why it was read as it was: the ink, what was found or left "
        f"out, each digit's cell and best answers, as NAME{EXPLAINED}",
    )
    command.add_argument(
        "--rotate",
        choices=list(ROTATIONS),
        default="0",
        help="degrees that pictures are turned clockwise, beyond what their EXIF orientation says, "
        "before they are read; auto finds out and takes some three times as long; "
        "default: %(default)s",
    )
    command.set_defaults(run=_read)
    command = commands.add_parser(
        "classify",
        parents=[reading],
        epilog=EPILOG,
        help="classify pictures that show one digit each",
        description="Classify pictures that show one digit each.",
    )
    command.set_defaults(run=_classify)

    add_webcam(commands)
    add_cameras(commands)
    command = commands.add_parser(
        "info",
        epilog=EPILOG,
        help="show versions and the released models",
        description="Show the versions of siffra and of what it runs on, and the released models.",
    )
    _add_formats(command)
    command.set_defaults(run=_info)
    command = commands.add_parser(
        "check",
        epilog=EPILOG,
        help="test on this machine that the models answer as they should",
        description="Replay golden vectors through the released models and compare the answers. "
        "Needs no network.",
    )
    _add_formats(command)
    command.set_defaults(run=_check)
    add_bench(commands)
    return parser.parse_args(arguments)


def _add_formats(parser: argparse.ArgumentParser, lines: bool = False) -> None:
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print one JSON document at the end")
    if lines:
        formats.add_argument(
            "--jsonl", action="store_true", help="print one JSON object a line, as results come"
        )


def _read(options: argparse.Namespace) -> int:
    rotate = ROTATIONS[options.rotate]

    def read(reader: "Reader", source: Any) -> "_Answer[Reading]":
        reading, page = reader._read(source, rotate)  # once: standard input cannot be read again

        def explain() -> "Pixels":
            from .explain import explanation

            return explanation(reading, page, reader.metadata["name"], reader.threshold)

        return _Answer(reading, {"save": reading.draw, "explain": explain})

    def describe(reading: "Reading") -> str:
        return reading.text or "no digits"

    return _each(
        options, read, describe, {"save": OVERLAY.format(verb="read"), "explain": EXPLAINED}
    )


def _classify(options: argparse.Namespace) -> int:
    def classify(reader: "Reader", source: Any) -> "_Answer[Digit]":
        digit = reader.classify(source)
        return _Answer(digit, {"save": digit.draw})

    def describe(digit: "Digit") -> str:
        if digit.accepted:
            return f"{digit.label}  {digit.confidence:.1%}"
        best = ", ".join(f"{label} {share:.1%}" for label, share in digit.top(2))
        return f"{digit}  {digit.reason}" + (f": {best}" if best else "")

    return _each(options, classify, describe, {"save": OVERLAY.format(verb="classify")})


_Result = TypeVar("_Result", "Reading", "Digit")


@dataclass(frozen=True)
class _Answer(Generic[_Result]):
    """What a reader made of one source."""

    result: _Result
    pictures: "dict[str, Callable[[], Pixels]]"
    """By the option that asks for it: what draws a picture."""


def _each(
    options: argparse.Namespace,
    ask: "Callable[[Reader, Any], _Answer[_Result]]",
    describe: Callable[[_Result], str],
    endings: dict[str, str],
) -> int:
    """Ask a reader about each source and print each result as it comes.

    Args:
        options: The command line.
        ask: Calls the reader.
        describe: The result for people.
        endings: How the names of saved pictures end, by the option that asks for them.
    """
    reader = reader_of(options)
    names = {
        option: _names_to_save(_folder(option, folder), ending)
        for option, ending in endings.items()
        if (folder := getattr(options, option))
    }
    sources = list(expand(options.sources))
    failed = False
    documents: list[dict[str, Any]] = []
    with Progress(len(sources)) as progress:
        for source in sources:
            problems: list[str] = []
            shown = ""
            try:
                answer = ask(reader, source.open())
            except (ImageError, MemoryError) as error:
                named = isinstance(error, ImageError)
                problems = [str(error) if named else f"{source.name}: {error}"]
                document = {"source": source.name, "error": str(error)}
            else:
                document = {"source": source.name, **answer.result.to_dict()}
                shown = _for_people(source, describe(answer.result), alone=len(sources) == 1)
                saved = (_save(name(source), answer.pictures[key]()) for key, name in names.items())
                problems = [problem for problem in saved if problem]
            failed = failed or bool(problems)
            progress.clear()
            if options.json:
                documents.append(document)
            elif options.jsonl:
                _print_line(json.dumps(document))
            elif shown:
                _print_line(shown)
            if shown or not (options.json or options.jsonl):
                for problem in problems:
                    print(f"siffra: {problem}", file=sys.stderr)
            progress.step()
    if options.json:
        print(json.dumps(documents, indent=2))
    return 1 if failed else 0


def _print_line(text: str) -> None:
    """Print in one piece, so that Ctrl-C leaves whole lines."""
    print(f"{text}\n", end="", flush=True)


def _folder(option: str, folder: Path) -> Path:
    """Make sure that there is a folder to save in."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise UsageError(f"--{option}: {folder} is a file; name a folder") from error
    except OSError as error:
        raise UsageError(
            f"--{option}: {folder}: cannot be made ({error.strerror or error})"
        ) from error
    return folder


def _for_people(source: NamedSource, text: str, alone: bool) -> str:
    """Return the bare text for a single source, as grep does, else the source's name with it."""
    if alone:
        return text
    indented = text.replace("\n", "\n    ")
    return f"{source.name}\n    {indented}" if "\n" in text else f"{source.name}: {text}"


def _names_to_save(folder: Path, ending: str) -> Callable[[NamedSource], Path]:
    """Return what names the saved pictures: by their sources, numbered where two share a name."""
    taken: set[str] = set()

    def name(source: NamedSource) -> Path:
        stem = "stdin" if source.name == STANDARD_INPUT else Path(source.name).stem
        numbers = chain([""], (f"-{number}" for number in count(2)))
        candidates = (f"{stem}{number}{ending}" for number in numbers)
        chosen = next(candidate for candidate in candidates if candidate not in taken)
        taken.add(chosen)
        return folder / chosen

    return name


def _save(path: Path, pixels: "Pixels") -> str:
    """Write a picture; return why it could not be written, nothing if it was."""
    from .draw import to_png
    from .files import replacing

    try:
        with replacing(path) as temporary:
            temporary.write_bytes(to_png(pixels))
    except OSError as error:
        return f"{path}: cannot be saved ({error.strerror or error})"
    return ""


def _info(options: argparse.Namespace) -> int:
    from .info import info

    facts = info()
    if options.json:
        print(json.dumps(facts, indent=2))
    else:
        for name, value in facts["versions"].items():
            print(f"{name:12} {value}")
        print(f"\n{'model':12} {'accuracy':>9} {'threshold':>10} {'KiB':>6}  recipe")
        for model in facts["models"]:
            print(f"{model['name']:12} {_about(model)}")
    sound = facts["models"] and not any("error" in model for model in facts["models"])
    return 0 if sound else 1


def _about(model: dict[str, Any]) -> str:
    if "error" in model:
        return str(model["error"])
    mark = "  (default)" if model["default"] else ""
    return (
        f"{model['accuracy']:>9.2%} {model['threshold']:>10} "
        f"{model['bytes'] / 1024:>6.0f}  {model['recipe']['recipe']}{mark}"
    )


def _check(options: argparse.Namespace) -> int:
    from .check import check

    checks = check()
    if options.json:
        print(json.dumps([one.to_dict() for one in checks], indent=2))
    else:
        for one in checks:
            print(f"{one.model:10} {'ok' if one.passed else 'FAILED':6} {one.summary}")
    return 0 if all(one.passed for one in checks) else 1
