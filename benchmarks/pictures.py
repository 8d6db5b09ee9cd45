"""How well and how fast real pictures are read: `python -m benchmarks.pictures --data DIR`.

DIR holds a folder for each set, with `images/` and `labels.csv` (columns `file`, `label`). A label
is a digit, digits in reading order with `/` between lines, or `none`; among the latter a column
`kind` tells kinds apart, and `lookalike` 1 stands for what a person might read as a digit.

Beside the models in the same run: Tesseract, RapidOCR and the pipeline of tutorials, as far as they
are installed. RapidOCR brings a build of OpenCV that overwrites the one of `siffra[headless]`, so
all of this has an environment of its own: `pip install -e ".[peers]"` in a new one.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.datasets import DataError, digit_labels, nondigit_kinds, picture_sets
from benchmarks.measures import plain, wilson
from benchmarks.options import add_data, add_json, add_models, write_json
from benchmarks.peers import PEERS, PeerError, load_peer
from benchmarks.readers import PictureReader, Siffra
from benchmarks.reading import (
    LOOKALIKE,
    Mistake,
    NonDigits,
    Pages,
    Singles,
    is_page_set,
    lookalikes,
    read_nondigits,
    read_pages,
    read_singles,
)
from benchmarks.sheets import LARGE, SMALL, save_sheets, sheets
from benchmarks.tables import percent, table
from siffra import ImageError, ModelError
from siffra.network import released

Result: TypeAlias = Singles | Pages | NonDigits
AnyResult = TypeVar("AnyResult", Singles, Pages, NonDigits)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every set with every reader and print a table for each kind of sets."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("no pictures to measure: give --data or set $SIFFRA_DATA")
    cv2.setNumThreads(1)  # as the network has it
    try:
        sets = _sets(options.data, options.set, options.limit)
        readers = _readers(options.model or list(released()), options.peers, options.tutorial_model)
        if options.mistakes:
            options.mistakes.mkdir(parents=True, exist_ok=True)
    except (DataError, ModelError, PeerError, OSError) as error:
        parser.error(str(error))

    results: list[Result] = []
    misread = []
    for folder, labels, kinds in sets:
        for reader in readers:
            for found, mistakes in _measure(folder, labels, kinds, reader):
                results += found
                misread.append(_as_json(found[0], mistakes))
                if options.mistakes:
                    _save_mistakes(options.mistakes, found[0], mistakes, reader)

    print("\n".join(f"{reader.name}: {reader.version}" for reader in readers))
    if options.limit:
        print(f"At most {options.limit} pictures of each set, evenly spaced.")
    print()
    for lines in _tables(results):
        print(lines)
    if options.json:
        document = {
            "readers": {reader.name: reader.version for reader in readers},
            "limit": options.limit,
            "results": [_figures(result) for result in results],
            "mistakes": misread,
        }
        write_json(options.json, plain(document))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pictures",
        description="Measure reading on folders of labelled pictures, beside other programs.",
    )
    add_data(parser, "a folder with images/ and labels.csv for each set (or pictures/ with these)")
    parser.add_argument(
        "--set", action="append", metavar="NAME", help="may be repeated; default: every set"
    )
    parser.add_argument(
        "--limit",
        type=_count,
        metavar="N",
        help="of each set at most N pictures, evenly spaced, the same for all",
    )
    add_models(parser)
    parser.add_argument(
        "--peers",
        type=_peers,
        metavar="NAMES",
        help=f"some of {','.join(PEERS)}, separated by commas, or none; "
        "default: all that are installed",
    )
    parser.add_argument(
        "--tutorial-model",
        type=Path,
        default=Path("runs/seed-0/ann.onnx"),
        metavar="FILE",
        help="the plain network of the peer tutorial; default: %(default)s, "
        "which `python -m train && python -m export runs/seed-0` make",
    )
    parser.add_argument(
        "--mistakes",
        type=Path,
        metavar="DIR",
        help="write sheets of the misread pictures there: SET-READER-1.png and so on",
    )
    add_json(parser)
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def _peers(text: str) -> tuple[str, ...]:
    names = () if text == "none" else tuple(text.split(","))
    if not set(names) <= set(PEERS):
        raise argparse.ArgumentTypeError(f"{text!r} names others than {', '.join(PEERS)}, or none")
    return names


def _sets(
    data: Path, chosen: Sequence[str] | None, limit: int | None
) -> list[tuple[Path, dict[str, str], dict[str, str]]]:
    """Return the folders of sets with the labels of digits and the kinds of non-digits in them."""
    folders = {folder.name: folder for folder in picture_sets(data)}
    if not folders:
        raise DataError(f"{data}: no folder in it has images/ and labels.csv")
    if unknown := set(chosen or ()) - set(folders):
        raise DataError(f"no set {', '.join(unknown)} in {data}: there are {', '.join(folders)}")
    sets = []
    for folder in (folders[name] for name in dict.fromkeys(chosen or folders)):
        labels, kinds = digit_labels(folder), nondigit_kinds(folder)
        kinds |= dict.fromkeys(lookalikes(folder), LOOKALIKE)
        sets.append((folder, _spaced(labels, limit), _spaced(kinds, limit)))
    return sets


def _spaced(entries: dict[str, str], limit: int | None) -> dict[str, str]:
    count = min(limit or len(entries), len(entries))
    names = list(entries)
    return {
        name: entries[name] for name in (names[at * len(names) // count] for at in range(count))
    }


def _readers(
    models: Sequence[str], peers: Sequence[str] | None, tutorial_model: Path
) -> list[PictureReader]:
    """Load all readers; of peers that nobody asked for, those that are missing are only named."""
    readers: list[PictureReader] = [Siffra(model) for model in dict.fromkeys(models)]
    for name in PEERS if peers is None else dict.fromkeys(peers):
        try:
            readers.append(load_peer(name, tutorial_model))
        except PeerError as error:
            if peers is not None:
                raise PeerError(f"{name} is missing: {error}") from error
            print(f"{name} is missing and left out: {error}", file=sys.stderr)
    return readers


def _measure(
    folder: Path, labels: Mapping[str, str], kinds: Mapping[str, str], reader: PictureReader
) -> Iterator[tuple[Sequence[Result], list[Mistake]]]:
    """Yield the results for the digits of a set, then for its non-digits, with the mistakes."""
    if labels and is_page_set(labels):
        page, mistakes = read_pages(folder, labels, reader)
        yield [page], mistakes
    elif labels:
        single, mistakes = read_singles(folder, labels, reader)
        yield [single], mistakes
    if kinds:
        nondigits, mistakes = read_nondigits(folder, kinds, reader)
        yield nondigits, mistakes


def _save_mistakes(
    folder: Path, result: Result, mistakes: Sequence[Mistake], reader: PictureReader
) -> None:
    def tiles() -> Iterator[tuple[NDArray[np.uint8], Sequence[str]]]:
        for path, truth, answer in mistakes:
            try:
                picture = reader.draw(path, several=not isinstance(result, Singles))
            except ImageError:
                picture = np.zeros((1, 1), np.uint8)
            yield picture, (f"is {truth}", f"read {answer or 'as nothing'}", path.name)

    name, what = f"{result.name}-{reader.name}", "misread"
    if isinstance(result, NonDigits):
        name, what = f"{result.name}-false-{reader.name}", "in which digits were read"
    title = f"{result.name}, {reader.name}: {len(mistakes)} {what}"
    layout = LARGE if isinstance(result, Pages) else SMALL
    save_sheets(folder, name, sheets(tiles(), title, layout))


def _as_json(result: Result, mistakes: Sequence[Mistake]) -> dict[str, Any]:
    return {
        "what": type(result).__name__.lower(),
        "name": result.name,
        "reader": result.reader,
        "misread": [
            {"file": path.name, "label": truth, "read": answer} for path, truth, answer in mistakes
        ],
    }


def _figures(result: Result) -> dict[str, Any]:
    shares: dict[str, Any]
    if isinstance(result, Singles):
        shares = {"accuracy": asdict(wilson(result.right, result.pictures))}
    elif isinstance(result, Pages):
        shares = {
            "accuracy": asdict(wilson(result.exact, result.pictures)),
            "precision": result.precision,
            "recall": result.recall,
            "f1": result.f1,
            "distance": result.distance,
        }
    else:
        shares = {"false": asdict(wilson(result.read, result.pictures))}
    return {"what": type(result).__name__.lower(), **asdict(result), **shares}


def _tables(results: Sequence[Result]) -> list[str]:
    return [
        *_table(
            "Pictures of one digit",
            ("set", "reader", "pictures", "right", "best", "accepted", "median", "mean ms"),
            [each for each in results if isinstance(each, Singles)],
            _single,
            "Right: accepted and right; best: the best answer right, accepted or not.",
        ),
        *_table(
            "Pictures of several digits",
            (
                "set",
                "reader",
                "pictures",
                "exact",
                "prec.",
                "recall",
                "F1",
                "edits",
                "median",
                "mean ms",
            ),
            [each for each in results if isinstance(each, Pages)],
            _page,
            "Of digits: precision, recall, F1; edits: of 100 characters of the labels.",
        ),
        *_table(
            "Pictures without digits: with at least one digit read, and classified as a digit",
            ("kind", "reader", "pictures", "read", "classified", "median", "mean ms"),
            [each for each in results if isinstance(each, NonDigits)],
            _nondigit,
            "Together: all but lookalikes, which a person might read as a digit.",
        ),
    ]


def _table(
    title: str,
    header: Sequence[str],
    results: Sequence[AnyResult],
    row: Callable[[AnyResult], Sequence[str]],
    note: str,
) -> list[str]:
    """Lay results out in a block for each set, or kind of non-digits."""
    if not results:
        return []
    rows = [row(result) for result in results]
    names = dict.fromkeys(first for first, *_ in rows)
    blocks = [[cells for cells in rows if cells[0] == name] for name in names]
    return [table(title, header, blocks, f"{note} Shares in per cent.", names=2)]


def _single(result: Singles) -> Sequence[str]:
    return (
        result.name,
        result.reader,
        str(result.pictures),
        percent(wilson(result.right, result.pictures)),
        _percent(result.best / result.pictures),
        _percent(result.accepted / result.pictures),
        *_times(result),
    )


def _page(result: Pages) -> Sequence[str]:
    shares = (result.precision, result.recall, result.f1, result.distance)
    return (
        result.name,
        result.reader,
        str(result.pictures),
        percent(wilson(result.exact, result.pictures)),
        *map(_percent, shares),
        *_times(result),
    )


def _nondigit(result: NonDigits) -> Sequence[str]:
    return (
        f"{result.name} {result.kind}",
        result.reader,
        str(result.pictures),
        percent(wilson(result.read, result.pictures)),
        _percent(result.classified / result.pictures),
        *_times(result),
    )


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{100 * share:.1f}"


def _times(result: Result) -> tuple[str, str]:
    return f"{result.median_ms:.1f}", f"{result.mean_ms:.1f}"


if __name__ == "__main__":
    sys.exit(main())
