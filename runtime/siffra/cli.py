"""The command line: parse, call, print."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__
from .errors import ImageError, SiffraError
from .progress import Progress
from .sources import STANDARD_INPUT, NamedSource, expand

if TYPE_CHECKING:
    from .reader import Reader
    from .results import Digit, Reading

_EPILOG = "Exit status: 0; 1 where a source cannot be read or a check fails; 2 for wrong usage."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _parse(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
        return status
    except SiffraError as error:
        print(f"siffra: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read our output has left; what is still buffered must not raise at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


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
        default="ann",
        help="a released model (siffra info lists them) or the path of an .onnx file; default: ann",
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
    value = float(text)
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1")
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

    read = method(Reader(options.model, threshold=options.threshold))
    if options.save:
        options.save.mkdir(parents=True, exist_ok=True)
    sources = list(expand(options.sources))
    saved = _names_to_save(options.save, verb)
    failed = False
    documents: list[dict[str, Any]] = []
    with Progress(len(sources)) as progress:
        for source in sources:
            progress.clear()
            try:
                result = read(source.open())
            except ImageError as error:
                failed = True
                documents.append({"source": source.name, "error": str(error)})
                if not (options.json or options.jsonl):
                    print(f"siffra: {error}", file=sys.stderr)
            else:
                documents.append({"source": source.name, **result.to_dict()})
                if options.save:
                    _save(saved(source), result.draw())
                if not (options.json or options.jsonl):
                    print(_for_people(source, describe(result), alone=len(sources) == 1))
            if options.jsonl:
                print(json.dumps(documents[-1]), flush=True)
            if not options.json:
                documents.clear()
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
        candidates: Iterator[str] = (
            f"{stem}{number}.{verb}.png" for number in ("", *(f"-{n}" for n in range(2, 10**6)))
        )
        chosen = next(candidate for candidate in candidates if candidate not in taken)
        taken.add(chosen)
        return folder / chosen

    return name


def _save(path: Path, pixels: Any) -> None:
    from .draw import to_png
    from .files import replacing

    with replacing(path) as temporary:
        temporary.write_bytes(to_png(pixels))


def _info(options: argparse.Namespace) -> int:
    from .info import info

    facts = info()
    if options.json:
        print(json.dumps(facts, indent=2))
        return 0
    for name, value in facts["versions"].items():
        print(f"{name:12} {value}")
    print(f"\n{'model':12} {'accuracy':>9} {'threshold':>10} {'KiB':>6}  recipe")
    for model in facts["models"]:
        print(
            f"{model['name']:12} {model['accuracy']:>9.2%} {model['threshold']:>10} "
            f"{model['bytes'] / 1024:>6.0f}  {model['recipe']['recipe']}"
        )
    return 0


def _check(options: argparse.Namespace) -> int:
    from .check import check

    checks = check()
    if options.json:
        print(json.dumps([one.to_dict() for one in checks], indent=2))
    else:
        for one in checks:
            picture = (
                "picture skipped, OpenCV is not installed"
                if one.text is None
                else f"picture {'read rightly' if one.text == one.expected_text else 'misread'}"
            )
            print(
                f"{one.model:10} {'ok' if one.passed else 'FAILED':6} {one.cells} cells, "
                f"{one.flips} labels differ, greatest difference {one.difference:.1e} "
                f"(allowed {one.tolerance:.0e}), {picture}"
            )
    return 0 if all(one.passed for one in checks) else 1
