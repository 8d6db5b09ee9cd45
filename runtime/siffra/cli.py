"""The command line: parse, call, print."""

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__
from .contract import DEFAULT_MODEL
from .errors import ImageError, ModelError, SiffraError
from .progress import Progress
from .sources import OVERLAY, STANDARD_INPUT, NamedSource, expand

if TYPE_CHECKING:
    from .reader import Reader
    from .results import Digit, Reading

_EPILOG = "Exit status: 0; 1 where a source cannot be read or a check fails; 2 for wrong usage."


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
    # OpenCV's own notes on a broken file would stand beside ours.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    try:
        status: int = options.run(options)
        sys.stdout.flush()
        return status
    except _UsageError as error:
        print(f"siffra: {error}", file=sys.stderr)
        return 2
    except SiffraError as error:
        print(f"siffra: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        _forget_output()
        return 1
    except OSError as error:
        _forget_output()
        print(f"siffra: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


class _UsageError(Exception):
    """The command line asks for what cannot be; found only after it was parsed."""


def _forget_output() -> None:
    """Drop what is still buffered: whoever read it has left, or the disk is full."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="siffra", description="Read handwritten digits from pictures.", epilog=_EPILOG
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
    reading.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        help="a released model (siffra info lists them) or the path of an .onnx file; "
        "default: %(default)s",
    )
    reading.add_argument(
        "--threshold",
        type=_share,
        metavar="P",
        help="confidence, 0 to 1, from which a digit is accepted; default: the model's own",
    )
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
        epilog=_EPILOG,
        help="read all digits of pictures, in reading order",
        description="Read all digits of pictures, in reading order. A digit that is there but not "
        "sure shows as '?'.",
    )
    command.set_defaults(run=_read)
    command = commands.add_parser(
        "classify",
        parents=[reading],
        epilog=_EPILOG,
        help="classify pictures that show one digit each",
        description="Classify pictures that show one digit each.",
    )
    command.set_defaults(run=_classify)

    command = commands.add_parser(
        "info",
        epilog=_EPILOG,
        help="show versions and the released models",
        description="Show the versions of siffra and of what it runs on, and the released models.",
    )
    _add_formats(command)
    command.set_defaults(run=_info)
    command = commands.add_parser(
        "check",
        epilog=_EPILOG,
        help="test on this machine that the models answer as they should",
        description="Replay golden vectors through the released models and compare the answers. "
        "Needs no network.",
    )
    _add_formats(command)
    command.set_defaults(run=_check)
    return parser.parse_args(arguments)


def _add_formats(parser: argparse.ArgumentParser, lines: bool = False) -> None:
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print one JSON document at the end")
    if lines:
        formats.add_argument(
            "--jsonl", action="store_true", help="print one JSON object a line, as results come"
        )


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


def _read(options: argparse.Namespace) -> int:
    def describe(reading: "Reading") -> str:
        return reading.text or "no digits"

    return _each(options, "read", lambda reader: reader.read, describe)


def _classify(options: argparse.Namespace) -> int:
    def describe(digit: "Digit") -> str:
        if digit.accepted:
            return f"{digit.label}  {digit.confidence:.1%}"
        best = ", ".join(f"{label} {share:.1%}" for label, share in digit.top(2))
        return f"{digit}  {digit.reason}" + (f": {best}" if best else "")

    return _each(options, "classify", lambda reader: reader.classify, describe)


def _each(
    options: argparse.Namespace,
    verb: str,
    method: Callable[["Reader"], Callable[[Any], Any]],
    describe: Callable[[Any], str],
) -> int:
    """Call a reader's method on each source and print each result as it comes."""
    from .reader import Reader

    try:
        reader = Reader(options.model, threshold=options.threshold)
        if options.save:
            options.save.mkdir(parents=True, exist_ok=True)
    except ModelError as error:
        raise _UsageError(f"--model: {error}") from error
    except OSError as error:
        raise _UsageError(f"--save: {error}") from error
    read = method(reader)
    sources = list(expand(options.sources))
    saved = _names_to_save(options.save, verb)
    failed = False
    documents: list[dict[str, Any]] = []
    with Progress(len(sources)) as progress:
        for source in sources:
            problem = shown = ""
            try:
                result = read(source.open())
            except ImageError as error:
                problem = str(error)
                document = {"source": source.name, "error": problem}
            else:
                document = {"source": source.name, **result.to_dict()}
                shown = _for_people(source, describe(result), alone=len(sources) == 1)
                if options.save:
                    problem = _save(saved(source), result.draw())
            failed = failed or bool(problem)
            progress.clear()
            if options.json:
                documents.append(document)
            elif options.jsonl:
                print(json.dumps(document), flush=True)
            elif shown:
                print(shown, flush=True)
            if problem and (shown or not (options.json or options.jsonl)):
                print(f"siffra: {problem}", file=sys.stderr)
            progress.step()
    if options.json:
        print(json.dumps(documents, indent=2))
    return 1 if failed else 0


def _for_people(source: NamedSource, text: str, alone: bool) -> str:
    """Return the bare text for a single source, as grep does, else the source's name with it."""
    if alone:
        return text
    indented = text.replace("\n", "\n    ")
    return f"{source.name}\n    {indented}" if "\n" in text else f"{source.name}: {text}"


def _names_to_save(folder: Path | None, verb: str) -> Callable[[NamedSource], Path]:
    """Return what names the saved overlays: by their sources, numbered where two share a name."""
    taken: set[str] = set()

    def name(source: NamedSource) -> Path:
        assert folder is not None
        stem = "stdin" if source.name == STANDARD_INPUT else Path(source.name).stem
        numbers = chain([""], (f"-{number}" for number in count(2)))
        candidates = (f"{stem}{number}{OVERLAY.format(verb=verb)}" for number in numbers)
        chosen = next(candidate for candidate in candidates if candidate not in taken)
        taken.add(chosen)
        return folder / chosen

    return name


def _save(path: Path, pixels: Any) -> str:
    """Write an overlay; return why it could not be written, nothing if it was."""
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
