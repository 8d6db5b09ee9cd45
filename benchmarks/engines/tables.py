"""Engines as tables, for a terminal or for Markdown."""

from collections.abc import Sequence

from benchmarks.engines.goals import Goal
from benchmarks.engines.pictures import PictureTime
from benchmarks.engines.results import BASE, Result, Spread
from benchmarks.tables import Row, table

_NAMES = 2  # columns that say what a row is of


def engine_tables(results: Sequence[Result], *, markdown: bool) -> list[str]:
    """Lay out what engines do, and what they cost."""
    if not results:
        return []
    models = dict.fromkeys(each.model for each in results)
    blocks = [[each for each in results if each.model == model] for model in models]
    return [
        _laid_out(
            "Engines: the same weights and cells; medians over rounds, least and most beside",
            (
                "model",
                "engine",
                "differ",
                "flips",
                "one cell, us",
                "p99",
                "x bare",
                "cells/s",
                "x bare",
            ),
            [[_work(each) for each in block] for block in blocks],
            f"Differ, flips: from {BASE}'s {results[0].agreement.answers:,} answers; x bare: times "
            "its figure in the same round.",
            markdown,
        ),
        _laid_out(
            "What they cost: ms to import, load and answer, MiB in memory and on the disk",
            ("model", "engine", "import", "load", "answer", "then", "at the end", "peak", "disk"),
            [[_cost(each) for each in block] for block in blocks],
            "Answer: from the start of the process to the first; import, disk: beyond NumPy.",
            markdown,
        ),
    ]


def picture_table(pictures: Sequence[PictureTime], *, markdown: bool) -> list[str]:
    """Lay out how long readers take for pictures."""
    if not pictures:
        return []
    names = dict.fromkeys(each.picture for each in pictures)
    models = list(pictures[0].ratios)
    return [
        _laid_out(
            "Pictures of eight digits, from file to text; medians over rounds, least and most",
            ("picture", "reader", "read", "ms", *(f"x {model}" for model in models)),
            [[_picture(each) for each in pictures if each.picture == name] for name in names],
            "",
            markdown,
        )
    ]


def goal_table(goals: Sequence[Goal], *, markdown: bool) -> list[str]:
    """Lay out what is aimed at."""
    if not goals:
        return []
    rows = [
        (each.what, each.wanted, _ratio(each.found, 3), "met" if each.met else "missed")
        for each in goals
    ]
    return [_laid_out("Goals", ("goal", "wanted", "found", ""), [rows], "", markdown, names=1)]


def _work(each: Result) -> Row:
    return (
        each.model,
        each.run.title,
        f"{each.agreement.difference:.0e}",
        str(each.agreement.flips),
        f"{each.one_us.median:,.1f}",
        f"{each.one_p99_us:,.1f}",
        _ratio(each.one_ratio),
        f"{each.speed.median:,.0f}",
        _ratio(each.speed_ratio),
    )


def _cost(each: Result) -> Row:
    memory = (each.first_mb, each.resident_mb, each.peak_mb)
    return (
        each.model,
        each.run.title,
        *(f"{value:,.0f}" for value in (each.import_ms, each.load_ms, each.first_ms)),
        *("-" if value is None else f"{value:,.0f}" for value in memory),
        f"{each.installed_mb:,.0f}",
    )


def _picture(each: PictureTime) -> Row:
    return (
        each.picture,
        each.reader,
        "exactly" if each.right else each.text or "nothing",
        f"{each.ms.median:,.2f}",
        *(_ratio(ratio) for ratio in each.ratios.values()),
    )


def _ratio(found: Spread, most: int = 2) -> str:
    digits = most if found.high < 10 else 1 if found.high < 100 else 0
    median, low, high = (f"{value:,.{digits}f}" for value in (found.median, found.low, found.high))
    return f"{median} ({low}-{high})"


def _laid_out(
    title: str,
    header: Row,
    blocks: Sequence[Sequence[Row]],
    note: str,
    markdown: bool,
    names: int = _NAMES,
) -> str:
    if not markdown:
        return table(title, header, blocks, note, names)
    marks = ["---"] * names + ["---:"] * (len(header) - names)
    rows = [header, marks, *(row for block in blocks for row in block)]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"{title}. {note}".strip(), "", *lines, ""])
