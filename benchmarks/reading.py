"""How one reader does on one set of pictures: of one digit each, of several, of none."""

import csv
import math
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from time import perf_counter
from typing import NamedTuple

from tqdm import tqdm

from benchmarks.readers import PictureReader
from benchmarks.strings import as_label, digits, edits, matches
from siffra import ImageError
from siffra.results import UNSURE

LOOKALIKE = "lookalike"
"""The kind of non-digits that a person might read as a digit."""

TOGETHER = "together"
"""All other kinds of non-digits."""


class Mistake(NamedTuple):
    """A picture that was not read as its label has it."""

    path: Path
    truth: str
    answer: str


@dataclass(frozen=True)
class Singles:
    """Pictures of one digit each."""

    name: str
    reader: str
    pictures: int
    right: int
    """Accepted and right."""
    best: int
    """Right by the best answer, accepted or not; the same for a reader that has no doubts."""
    accepted: int
    """Answered by a digit, right or wrong."""
    median_ms: float
    """Milliseconds a picture, file to text."""
    mean_ms: float


@dataclass(frozen=True)
class Pages:
    """Pictures of several digits each."""

    name: str
    reader: str
    pictures: int
    exact: int
    """Pictures whose whole label was read, with its line breaks and nothing beside it."""
    digits: int
    """In the labels."""
    read: int
    """Digits that were read; what was not accepted (`?`) is not."""
    matched: int
    """Digits that were read and are in the label at their place: in the longest sequence that both
    have in common, line breaks left out."""
    characters: int
    """In the labels: digits and line breaks."""
    edits: int
    """Characters to insert, delete or replace to get from what was read to the labels."""
    median_ms: float
    """Milliseconds a picture, file to text."""
    mean_ms: float

    @property
    def precision(self) -> float:
        """Share of the digits read that the labels have; NaN where none was read."""
        return self.matched / self.read if self.read else math.nan

    @property
    def recall(self) -> float:
        """Share of the labels' digits that were read."""
        return self.matched / self.digits

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.matched / (self.digits + self.read)

    @property
    def distance(self) -> float:
        """Normalised edit distance: edits a character of the labels, over all of the set."""
        return self.edits / self.characters


@dataclass(frozen=True)
class NonDigits:
    """Pictures without digits, of one kind."""

    name: str
    kind: str
    reader: str
    pictures: int
    read: int
    """In which at least one digit was read and accepted, when there may be several."""
    classified: int
    """Accepted as the one digit that there is."""
    median_ms: float
    """Milliseconds a picture to look for several, file to text."""
    mean_ms: float


def is_page_set(labels: Mapping[str, str]) -> bool:
    """Say whether the pictures with these labels show several digits."""
    return any(len(label) > 1 for label in labels.values())


def read_singles(
    folder: Path, labels: Mapping[str, str], reader: PictureReader
) -> tuple[Singles, list[Mistake]]:
    """Read pictures of one digit, `images/` of a set by their names."""
    answers = _read(folder, labels, reader, several=False)
    mistakes = []
    right = best = 0
    for answer, label in zip(answers, labels.values(), strict=True):
        guess = reader.best(answer.path) if answer.text == UNSURE else answer.text
        right += answer.text == label
        best += guess == label
        if answer.text != label:
            unsure = f" ({guess or 'no guess'})" if answer.text == UNSURE else ""
            mistakes.append(Mistake(answer.path, label, answer.text + unsure))
    accepted = sum(bool(digits(answer.text)) for answer in answers)
    result = Singles(folder.name, reader.name, len(labels), right, best, accepted, *_times(answers))
    return result, mistakes


def read_pages(
    folder: Path, labels: Mapping[str, str], reader: PictureReader
) -> tuple[Pages, list[Mistake]]:
    """Read pictures of several digits, `images/` of a set by their names."""
    answers = _read(folder, labels, reader, several=True)
    pairs = list(zip([answer.text for answer in answers], labels.values(), strict=True))
    result = Pages(
        name=folder.name,
        reader=reader.name,
        pictures=len(labels),
        exact=sum(text == label for text, label in pairs),
        digits=sum(len(digits(label)) for _, label in pairs),
        read=sum(len(digits(text)) for text, _ in pairs),
        matched=sum(matches(digits(text), digits(label)) for text, label in pairs),
        characters=sum(len(label) for _, label in pairs),
        edits=sum(edits(text, label) for text, label in pairs),
        **_times(answers)._asdict(),
    )
    mistakes = [
        Mistake(answer.path, label, answer.text)
        for answer, label in zip(answers, labels.values(), strict=True)
        if answer.text != label
    ]
    return result, mistakes


def read_nondigits(
    folder: Path, kinds: Mapping[str, str], reader: PictureReader
) -> tuple[list[NonDigits], list[Mistake]]:
    """Read pictures without digits in both ways, `images/` of a set by their names.

    Returns:
        Each kind, and all but lookalikes together; pictures in which several digits were looked
        for and at least one was found.
    """
    found = _read(folder, kinds, reader, several=True)
    single = _read(folder, kinds, reader, several=False)

    def result(kind: str, members: Collection[str]) -> NonDigits:
        chosen = [at for at, its in enumerate(kinds.values()) if its in members]
        return NonDigits(
            folder.name,
            kind,
            reader.name,
            len(chosen),
            sum(bool(digits(found[at].text)) for at in chosen),
            sum(bool(digits(single[at].text)) for at in chosen),
            *_times([found[at] for at in chosen]),
        )

    names = sorted(set(kinds.values()) - {LOOKALIKE})
    results = [result(kind, {kind}) for kind in names]
    if len(names) > 1:
        results.append(result(TOGETHER, names))
    if LOOKALIKE in kinds.values():
        results.append(result(LOOKALIKE, {LOOKALIKE}))
    mistakes = [
        Mistake(answer.path, kind, answer.text)
        for answer, kind in zip(found, kinds.values(), strict=True)
        if digits(answer.text)
    ]
    return results, mistakes


def lookalikes(folder: Path) -> list[str]:
    """Return the file names of a set's non-digits that a person might read as a digit."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        return [
            row["file"]
            for row in csv.DictReader(file)
            if row["label"] == "none" and row.get("lookalike") == "1"
        ]


class _Answer(NamedTuple):
    path: Path
    text: str
    """As labels are written."""
    milliseconds: float


class _Times(NamedTuple):
    median_ms: float
    mean_ms: float


def _read(
    folder: Path, names: Collection[str], reader: PictureReader, several: bool
) -> list[_Answer]:
    paths = [folder / "images" / name for name in names]
    # The first call allocates what the others find.
    _answer(paths[0], reader, several)
    # Silent where nobody watches: a log would fill with bars.
    bar = tqdm(paths, f"{folder.name}, {reader.name}", leave=False, disable=None)
    return [_answer(path, reader, several, say=True) for path in bar]


def _answer(path: Path, reader: PictureReader, several: bool, say: bool = False) -> _Answer:
    started = perf_counter()
    try:
        text = reader.read(path, several)
    except ImageError as error:
        text = ""
        if say:
            print(f"{reader.name}: {error}", file=sys.stderr)
    return _Answer(path, as_label(text), 1e3 * (perf_counter() - started))


def _times(answers: Sequence[_Answer]) -> _Times:
    each = [answer.milliseconds for answer in answers]
    return _Times(median(each), fmean(each))
