"""Evaluations as tables for a terminal; shares, AUROC and ECE in per cent."""

import math
from collections.abc import Callable, Sequence

from benchmarks.evaluation import (
    Corrupted,
    Corruptions,
    Pictures,
    Rejection,
    Rejections,
)
from benchmarks.measures import Estimate, Scores, wilson
from benchmarks.reading import Pages
from benchmarks.summary import Figures, Summary, spreads

Row = Sequence[str]

_SCORES = ("accuracy", "ECE", "accepted", "of these right")


def table(
    title: str, header: Row, blocks: Sequence[Sequence[Row]], note: str = "", names: int = 1
) -> str:
    """Lay out blocks of rows with a line above each; the first `names` columns to the left."""
    rows = [header, *(row for block in blocks for row in block)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]

    def line(row: Row) -> str:
        return "  ".join(
            text.ljust(width) if column < names else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()

    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    lines = [title, *filter(None, [note]), "", line(header)]
    for block in filter(None, blocks):
        lines += [rule, *map(line, block)]
    return "\n".join([*lines, ""])


def percent(estimate: Estimate) -> str:
    """Write a share in per cent with its interval, such as `97.50 (97.18-97.79)`."""
    if math.isnan(estimate.value):
        return "-"
    value, low, high = (100 * share for share in (estimate.value, estimate.low, estimate.high))
    return f"{value:.2f} ({low:.2f}-{high:.2f})"


def mnist_tables(measured: Sequence[tuple[str, Scores]]) -> list[str]:
    """Lay out how each model reads MNIST's test set."""
    if not measured:
        return []
    rows = [(model, *_scores(scores)) for model, scores in measured]
    title = f"MNIST's test set: {measured[0][1].accuracy.n:,} cells"
    return [table(title, ("model", *_SCORES), [rows])]


def picture_tables(measured: Sequence[tuple[str, Pictures]]) -> list[str]:
    """Lay out how each model reads pictures of one digit, and of several."""
    tables = []
    if measured and (sets := measured[0][1].sets):
        blocks = [
            [_single(name, model, pictures.sets[name]) for model, pictures in measured]
            for name in sets
        ]
        blocks.append([_single("together", model, each.together) for model, each in measured])
        columns = ("set", "model", "pictures", "no cell", *_SCORES)
        tables.append(table("Pictures of one digit", columns, blocks, names=2))
    if measured and (pages := measured[0][1].pages):
        blocks = [
            [_page(name, model, pictures.pages[name]) for model, pictures in measured]
            for name in pages
        ]
        header = ("set", "model", "pictures", "read exactly", "characters", "edits")
        tables.append(table("Pictures of several digits", header, blocks, names=2))
    return tables


def corruption_tables(measured: Sequence[tuple[str, Corruptions]]) -> list[str]:
    """Lay out how each model reads corrupted cells in both ways, seen apart from unseen."""
    if not measured:
        return []
    models, results = zip(*measured, strict=True)
    n = results[0].clean.as_cells.n
    return [
        table(
            f"Corrupted MNIST as pictures: accuracy on {n:,} cells in each family",
            ("family", "no cell", *models),
            _families(
                results,
                lambda name, family: (
                    name,
                    str(family[0].not_found),
                    *(percent(each.as_pictures) for each in family),
                ),
            ),
            "The runtime looks for the digit in the small picture, as in any other.",
        ),
        table(
            f"Corrupted MNIST as cells: accuracy on {n:,} cells in each family",
            ("family", *models),
            _families(
                results,
                lambda name, family: (name, *(percent(each.as_cells) for each in family)),
            ),
            "The network gets the corrupted cell as it is, whether the contract holds or not.",
        ),
    ]


def _families(
    results: Sequence[Corruptions], row: Callable[[str, Sequence[Corrupted]], Row]
) -> list[list[Row]]:
    seen, unseen = results[0].seen, results[0].unseen
    return [
        [row("clean", [each.clean for each in results])],
        [row(name, [each.seen[name] for each in results]) for name in seen],
        [row("mean of seen", [each.seen_mean for each in results])],
        [row(name, [each.unseen[name] for each in results]) for name in unseen],
        [row("mean of unseen", [each.unseen_mean for each in results])],
    ]


def nondigit_tables(measured: Sequence[tuple[str, Rejections]]) -> list[str]:
    """Lay out how each model tells what is no digit from digits."""
    if not measured:
        return []
    models, results = zip(*measured, strict=True)
    header = ("kind", "pictures", "no cell", *models)
    return [
        table(
            "Non-digits: AUROC of the confidence against MNIST's test cells",
            header,
            _kinds(results, lambda each: each.against_mnist),
            "How often a digit gets more confidence than a non-digit; without a cell it is 0.",
        ),
        table(
            "Non-digits: AUROC of the confidence against the real digits of the pictures",
            header,
            _kinds(results, lambda each: each.against_pictures),
        ),
        table(
            "Non-digits: accepted as a digit at the model's threshold",
            header,
            _kinds(results, lambda each: each.accepted),
        ),
    ]


def _kinds(
    results: Sequence[Rejections], figure: Callable[[Rejection], Estimate]
) -> list[list[Row]]:
    def row(title: str, kind: Sequence[Rejection]) -> Row:
        counts = (str(kind[0].accepted.n), str(kind[0].not_found))
        return (title, *counts, *(percent(figure(each)) for each in kind))

    found, drawn = results[0].pictures, results[0].drawn
    return [
        [row(kind, [each.pictures[kind] for each in results]) for kind in found],
        [row("pictures together", [each.pictures_together for each in results])],
        [row(f"drawn {kind}", [each.drawn[kind] for each in results]) for kind in drawn],
        [row("mean of drawn", [each.drawn_mean for each in results])],
    ]


def summary_tables(summaries: Sequence[Summary]) -> list[str]:
    """Lay out the main figures, with mean and deviation over models of the same name."""
    spread = spreads(summaries)
    return [
        *_figures(
            "Summary: reading",
            [(each.model.given, each.reading) for each in summaries],
            [(each.name, each.models, *each.reading) for each in spread],
            "Accuracy of the best answer; unseen: mean of the corruptions that training lacks.",
        ),
        *_figures(
            "Summary: confidence in digits",
            [(each.model.given, each.confidence) for each in summaries],
            [(each.name, each.models, *each.confidence) for each in spread],
            "Real: the digits of all pictures of one digit.",
        ),
        *_figures(
            "Summary: rejection of non-digits",
            [(each.model.given, each.rejection) for each in summaries],
            [(each.name, each.models, *each.rejection) for each in spread],
            "AUROC of non-digits, drawn or found, against digits, MNIST's or real; and accepted.",
        ),
    ]


def _figures(
    title: str,
    models: Sequence[tuple[str, Figures]],
    spread: Sequence[tuple[str, int, Figures, Figures]],
    note: str,
) -> list[str]:
    _, columns = models[0]
    if not columns:
        return []

    def row(name: str, figures: Figures) -> Row:
        return (name, *map(_number, figures.values()))

    rows = [row(model, figures) for model, figures in models]
    seeds = [
        line
        for name, count, mean, deviation in spread
        for line in (row(f"{name}: mean of {count}", mean), row(f"{name}: deviation", deviation))
    ]
    return [table(title, ("model", *columns), [rows, seeds], note)]


def _single(name: str, model: str, scores: Scores) -> Row:
    return (name, model, str(scores.accuracy.n), str(scores.not_found), *_scores(scores))


def _page(name: str, model: str, result: Pages) -> Row:
    exact = percent(wilson(result.exact, result.pictures))
    return (name, model, str(result.pictures), exact, str(result.characters), str(result.edits))


def _scores(scores: Scores) -> Row:
    shares = (percent(scores.coverage), percent(scores.accepted))
    return (percent(scores.accuracy), _number(100 * scores.ece), *shares)


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"
