"""The main figures of evaluations, and their spread over the seeds of one recipe."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from benchmarks.evaluation import Evaluation, Model

Figures = dict[str, float]
"""By the name of the column; shares in per cent, NaN where nothing was measured."""


@dataclass(frozen=True)
class Summary:
    """The main figures of one model."""

    model: Model
    reading: Figures
    """How much is read rightly, and the size of the model."""
    confidence: Figures
    """What its confidence in digits is worth."""
    rejection: Figures
    """How well its confidence tells digits from the rest."""


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation of figures over models of the same name."""

    name: str
    models: int
    reading: tuple[Figures, Figures]
    confidence: tuple[Figures, Figures]
    rejection: tuple[Figures, Figures]


def summarise(evaluation: Evaluation) -> Summary:
    """Pick the main figures of an evaluation."""
    return Summary(
        evaluation.model, _reading(evaluation), _confidence(evaluation), _rejection(evaluation)
    )


def spreads(summaries: Sequence[Summary]) -> list[Spread]:
    """Return the spread of each name that several of the models have."""
    names = dict.fromkeys(summary.model.name for summary in summaries)
    groups = {
        name: [summary for summary in summaries if summary.model.name == name] for name in names
    }
    return [
        Spread(
            name,
            len(group),
            _mean_and_deviation([each.reading for each in group]),
            _mean_and_deviation([each.confidence for each in group]),
            _mean_and_deviation([each.rejection for each in group]),
        )
        for name, group in groups.items()
        if len(group) > 1
    ]


def _reading(evaluation: Evaluation) -> Figures:
    shares: Figures = {}
    if evaluation.mnist:
        shares["MNIST"] = evaluation.mnist.accuracy.value
    if evaluation.pictures:
        for name, scores in evaluation.pictures.sets.items():
            shares[name] = scores.accuracy.value
        for name, result in evaluation.pictures.pages.items():
            shares[f"{name} exact"] = result.exact / result.pictures
    if evaluation.corruptions:
        unseen = evaluation.corruptions.unseen_mean
        shares |= {"unseen pict.": unseen.as_pictures.value, "unseen cells": unseen.as_cells.value}
    return {**_per_cent(shares), "KiB": evaluation.model.kib} if shares else {}


def _confidence(evaluation: Evaluation) -> Figures:
    shares: Figures = {}
    if evaluation.mnist:
        shares["ECE MNIST"] = evaluation.mnist.ece
    if evaluation.pictures:
        real = evaluation.pictures.together
        shares |= {
            "ECE real": real.ece,
            "real accepted": real.coverage.value,
            "of these right": real.accepted.value,
        }
    return _per_cent(shares)


def _rejection(evaluation: Evaluation) -> Figures:
    if not evaluation.nondigits:
        return {}
    drawn, found = evaluation.nondigits.drawn_mean, evaluation.nondigits.pictures_together
    return _per_cent(
        {
            "drawn/MNIST": drawn.against_mnist.value,
            "drawn/real": drawn.against_pictures.value,
            "drawn accepted": drawn.accepted.value,
            "found/MNIST": found.against_mnist.value,
            "found/real": found.against_pictures.value,
            "found accepted": found.accepted.value,
        }
    )


def _per_cent(shares: Figures) -> Figures:
    return {name: 100 * share for name, share in shares.items()}


def _mean_and_deviation(figures: Sequence[Figures]) -> tuple[Figures, Figures]:
    columns = {name: [each[name] for each in figures] for name in figures[0]}
    # The module statistics would fail on NaN.
    return (
        {name: fmean(values) for name, values in columns.items()},
        {
            name: math.nan if any(map(math.isnan, values)) else stdev(values)
            for name, values in columns.items()
        },
    )
