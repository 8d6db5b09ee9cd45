"""What a model makes of the material, section by section."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.corruptions import SEEN
from benchmarks.datasets import digit_labels
from benchmarks.material import CLEAN, Cells, Family, Material, NonDigits
from benchmarks.measures import (
    Answers,
    Estimate,
    Scores,
    auroc,
    joined,
    mean_accuracy,
    mean_estimate,
    score,
    wilson,
)
from benchmarks.readers import Siffra
from benchmarks.reading import Pages, read_pages
from siffra import Reader
from siffra.network import released


@dataclass(frozen=True)
class Model:
    """A model under measurement."""

    given: str
    """Name or path, as it was asked for."""
    name: str
    """Its own word for itself; several seeds of one recipe have the same."""
    version: str
    precision: str
    threshold: float
    kib: float


@dataclass(frozen=True)
class Pictures:
    """How pictures that are not MNIST's are read."""

    sets: dict[str, Scores]
    """Sets of one digit a picture."""
    together: Scores
    """All of these pictures as one set."""
    pages: dict[str, Pages]
    """Sets of several digits a picture."""


@dataclass(frozen=True)
class Corrupted:
    """How corrupted cells are read, by the best answer."""

    as_pictures: Estimate
    as_cells: Estimate
    not_found: int
    """Pictures in which no cell was found."""


@dataclass(frozen=True)
class Corruptions:
    """How every family of corruptions is read."""

    clean: Corrupted
    seen: dict[str, Corrupted]
    """The families that training draws too."""
    seen_mean: Corrupted
    unseen: dict[str, Corrupted]
    """The others."""
    unseen_mean: Corrupted


@dataclass(frozen=True)
class Rejection:
    """How well what is no digit is told from digits, by the confidence."""

    against_mnist: Estimate
    """AUROC against MNIST's test cells."""
    against_pictures: Estimate
    """AUROC against the real digits of all sets of one digit a picture."""
    accepted: Estimate
    """Share that is taken for a digit at the model's threshold."""
    not_found: int
    """Pictures in which no cell was found, which count as confidence 0."""


@dataclass(frozen=True)
class Rejections:
    """How every kind of what is no digit is told from digits."""

    pictures: dict[str, Rejection]
    """By kind, of the sets of pictures."""
    pictures_together: Rejection
    """All of these pictures as one kind."""
    drawn: dict[str, Rejection]
    drawn_mean: Rejection
    """Mean over the drawn kinds."""
    mnist_digits: int
    """How many of MNIST's test cells the AUROC rests on."""
    picture_digits: int
    """How many real digits of the pictures."""


@dataclass(frozen=True)
class Evaluation:
    """All that was measured of a model; None for what was not."""

    model: Model
    mnist: Scores | None
    pictures: Pictures | None
    corruptions: Corruptions | None
    nondigits: Rejections | None


def load_model(given: str) -> tuple[Model, Reader]:
    """Load a model by its name or path.

    Raises:
        ModelError: There is no such model, or it is not one of siffra's.
    """
    reader = Reader(given)
    path = released().get(given, Path(given))
    model = Model(
        given=given,
        name=reader.metadata["name"],
        version=reader.metadata["version"],
        precision=reader.metadata["precision"],
        threshold=reader.threshold,
        kib=path.stat().st_size / 1024,
    )
    return model, reader


def evaluate(
    model: Model, reader: Reader, material: Material, sections: Collection[str]
) -> Evaluation:
    """Measure a model on what the sections name and the material has."""
    mnist = answer(reader, material.mnist.cells) if material.mnist else None
    sets = [answer(reader, digits.cells) for digits in material.digit_sets]
    has_pictures = bool(sets or material.page_sets)
    return Evaluation(
        model=model,
        mnist=score(mnist, material.mnist.labels, model.threshold)
        if mnist and material.mnist and "mnist" in sections
        else None,
        pictures=_pictures(model, material, sets)
        if has_pictures and "pictures" in sections
        else None,
        corruptions=_corruptions(reader, material.families) if material.families else None,
        nondigits=_rejections(
            [(each, answer(reader, each.cells)) for each in material.nondigits],
            mnist or joined([]),
            joined(sets),
            model.threshold,
        )
        if material.nondigits
        else None,
    )


def answer(reader: Reader, cells: Cells) -> Answers:
    """Ask a model for its best answer to each cell that was found."""
    labels = np.full(len(cells.found), -1, np.int64)
    confidences = np.zeros(len(cells.found), np.float64)
    found = np.flatnonzero(cells.found)
    probabilities = reader.probabilities(cells.pixels[found])
    labels[found], confidences[found] = probabilities.argmax(axis=1), probabilities.max(axis=1)
    return Answers(labels, confidences)


def _pictures(model: Model, material: Material, answers: Sequence[Answers]) -> Pictures:
    labels = [digits.labels for digits in material.digit_sets]
    return Pictures(
        sets={
            digits.name: score(of_set, digits.labels, model.threshold)
            for digits, of_set in zip(material.digit_sets, answers, strict=True)
        },
        together=score(joined(answers), np.concatenate([_NO_LABELS, *labels]), model.threshold),
        pages={
            folder.name: read_pages(folder, digit_labels(folder), Siffra(model.given))[0]
            for folder in material.page_sets
        },
    )


_NO_LABELS = np.zeros(0, np.uint8)


class _Outcome(NamedTuple):
    """Which cells of a family were read rightly, and in how many none was found."""

    as_pictures: NDArray[np.bool_]
    as_cells: NDArray[np.bool_]
    not_found: int


def _corruptions(reader: Reader, families: Sequence[Family]) -> Corruptions:
    outcomes = {family.name: _outcome(reader, family) for family in families}
    clean = _corrupted([outcomes.pop(CLEAN)])
    seen = {name: outcome for name, outcome in outcomes.items() if name in SEEN}
    unseen = {name: outcome for name, outcome in outcomes.items() if name not in SEEN}
    return Corruptions(
        clean=clean,
        seen={name: _corrupted([outcome]) for name, outcome in seen.items()},
        seen_mean=_corrupted(list(seen.values())),
        unseen={name: _corrupted([outcome]) for name, outcome in unseen.items()},
        unseen_mean=_corrupted(list(unseen.values())),
    )


def _outcome(reader: Reader, family: Family) -> _Outcome:
    pictures, cells = (answer(reader, way) for way in (family.as_pictures, family.as_cells))
    return _Outcome(
        pictures.labels == family.labels,
        cells.labels == family.labels,
        int((~pictures.asked).sum()),
    )


def _corrupted(outcomes: Sequence[_Outcome]) -> Corrupted:
    return Corrupted(
        mean_accuracy(np.array([outcome.as_pictures for outcome in outcomes])),
        mean_accuracy(np.array([outcome.as_cells for outcome in outcomes])),
        sum(outcome.not_found for outcome in outcomes),
    )


def _rejections(
    nondigits: Sequence[tuple[NonDigits, Answers]],
    mnist: Answers,
    pictures: Answers,
    threshold: float,
) -> Rejections:
    def rejection(answers: Answers) -> Rejection:
        accepted = answers.asked & (answers.confidences >= threshold)
        return Rejection(
            against_mnist=auroc(mnist.confidences, answers.confidences),
            against_pictures=auroc(pictures.confidences, answers.confidences),
            accepted=wilson(int(accepted.sum()), len(accepted)),
            not_found=int((~answers.asked).sum()),
        )

    drawn = {each.kind: rejection(answers) for each, answers in nondigits if each.drawn}
    found = [(each.kind, answers) for each, answers in nondigits if not each.drawn]
    return Rejections(
        pictures={kind: rejection(answers) for kind, answers in found},
        pictures_together=rejection(joined([answers for _, answers in found])),
        drawn=drawn,
        drawn_mean=Rejection(
            against_mnist=mean_estimate([each.against_mnist for each in drawn.values()]),
            against_pictures=mean_estimate([each.against_pictures for each in drawn.values()]),
            accepted=mean_estimate([each.accepted for each in drawn.values()]),
            not_found=sum(each.not_found for each in drawn.values()),
        ),
        mnist_digits=len(mnist.labels),
        picture_digits=len(pictures.labels),
    )
