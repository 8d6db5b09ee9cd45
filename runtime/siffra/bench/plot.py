"""A result as one picture: how long calls take, where the time goes, what batches give."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DependencyError
from ..files import replacing
from .table import about_machine, label_of, main_rows, samples_of

try:
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
except ImportError as error:
    raise DependencyError(
        f"drawing results needs matplotlib, which does not load ({error}): "
        'pip install "siffra[plot]"'
    ) from error

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0")
_OF_STAGES = {
    **{"interpreter": "#9498a0", "import": "#97bbf5", "session": "#9c6b4e"},
    **{"first_reading": "#a463f2", "decode": "#d0d0d0", "locate": "#4269d0"},
    **{"cells": "#6cc5b0", "inference": "#ff725c"},
}
_BINS = 60
_LEAST_BARS = 5  # that there is room for: a few stay bars
_FEW_DECADES = 300  # from the least to the greatest: there is room between the powers of ten


def draw(path: Path, result: Mapping[str, Any]) -> None:
    """Draw a result as PNG, in a file that is there whole or not at all."""
    kinds = [row for row in main_rows(result) if row["workload"] in ("cell", "picture", "paced")]
    main = result["plan"]["main_model"]
    staged = [row for row in result["rows"] if row["stages_ns"] and row["model"] == main]
    swept = [row for row in result["rows"] if row["workload"] in ("cell", "batch")]
    if all(row["cells"] == 1 for row in swept):  # a single point of each model is no curve
        swept = []
    height = max(3.4 + 0.26 * len(staged), 7.5)
    figure = Figure(figsize=(13, height), layout="constrained")
    figure.suptitle(
        f"siffra {result['software']['siffra']}, {result['created'][:10]}: {about_machine(result)}",
        fontsize=8,
    )
    panels = figure.subplots(1, 2, width_ratios=(1, 1.2))
    left = panels[0].get_subplotspec().subgridspec(max(1, len(kinds)) + 1, 1)
    panels[0].remove()
    for number, row in enumerate(kinds):
        _histogram(figure.add_subplot(left[number]), result, row)
    _throughput(figure.add_subplot(left[len(kinds)]), swept)
    _stages(panels[1], staged, result)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")


def _histogram(axes: "Axes", result: Mapping[str, Any], shown: Mapping[str, Any]) -> None:
    """Draw how long calls take, of all models that the case was measured of."""
    alike = [
        row
        for row in result["rows"]
        if all(row[key] == shown[key] for key in ("workload", "case", "threads", "opencv_threads"))
    ]
    samples = [samples_of(row) / 1e6 for row in alike]
    low, high = min(s.min() for s in samples), max(s.max() for s in samples)
    edges = np.geomspace(low, 1.001 * high, _BINS)
    for number, (row, values) in enumerate(zip(alike, samples, strict=True)):
        axes.hist(
            values,
            edges.tolist(),
            weights=np.full(len(values), 1 / len(values)).tolist(),
            histtype="step",
            color=_COLOURS[number % len(_COLOURS)],
            label=f"{row['model']}, level {row['level_ns'] / 1e6:.3g} ms",
        )
    _logarithmic(axes)
    axes.set(xlabel="milliseconds a call", ylabel="share of calls")
    axes.set_title(f"{shown['workload']}: {shown['case']}", fontsize=9)
    axes.legend(fontsize=7)


def _throughput(axes: "Axes", rows: list[Mapping[str, Any]]) -> None:
    """Draw what a cell costs in batches."""
    lines: dict[tuple[str, int], list[tuple[int, float]]] = {}
    for row in rows:
        cost = row["level_ns"] / row["cells"] / 1e3
        lines.setdefault((row["model"], row["threads"]), []).append((row["cells"], cost))
    models = list(dict.fromkeys(model for model, _ in lines))
    unnamed = set(models)
    for (model, threads), points in sorted(lines.items(), key=lambda line: line[0][1]):
        axes.plot(
            *zip(*sorted(points), strict=True),
            "o-" if threads == 1 else "^--",
            markersize=4,
            color=_COLOURS[models.index(model) % len(_COLOURS)],
            label=model if model in unnamed else None,
        )
        unnamed.discard(model)
    dashed = "; dashed: more threads" if any(threads > 1 for _, threads in lines) else ""
    axes.set_title(f"batches{dashed}" if lines else "batches were not measured", fontsize=9)
    axes.set(xlabel="cells a call", ylabel="microseconds a cell")
    if not lines:
        axes.set_axis_off()
        return
    _logarithmic(axes)
    axes.legend(fontsize=7, loc="center")


def _logarithmic(axes: "Axes") -> None:
    """Make both axes logarithmic, with plain numbers."""
    axes.set(xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        low, high = axis.get_view_interval()
        subs = (1.0, 2.0, 5.0) if high < _FEW_DECADES * low else (1.0,)
        axis.set_major_locator(LogLocator(subs=subs, numticks=9))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def _stages(axes: "Axes", rows: list[Mapping[str, Any]], result: Mapping[str, Any]) -> None:
    """Draw where the time of each row goes, as shares."""
    labels = [f"{row['workload']}, {label_of(row, result['rows'])}" for row in rows]
    stages = list(dict.fromkeys(stage for row in rows for stage in row["stages_ns"]))
    means = np.array(
        [[row["stages_ns"].get(stage, {"mean": 0.0})["mean"] for stage in stages] for row in rows]
    ).reshape(len(rows), len(stages))
    shares = means / means.sum(axis=1, keepdims=True)
    starts = np.cumsum(shares, axis=1) - shares
    for number, stage in enumerate(stages):
        axes.barh(
            np.arange(len(rows)),
            shares[:, number],
            left=starts[:, number],
            height=0.8,
            color=_OF_STAGES.get(stage, "#bbbbbb"),
            label=stage.replace("_", " "),
        )
    for number, row in enumerate(rows):
        axes.text(1.01, number, f"{row['ns']['mean'] / 1e6:.3g} ms", va="center", fontsize=7)
    axes.set_yticks(np.arange(len(rows)), labels, fontsize=7)
    axes.set(
        xlim=(0, 1.12), xticks=[],
        title=f"where the time of {result['plan']['main_model']} goes, by the means",
    )  # fmt: skip
    axes.set_ylim(max(len(rows), _LEAST_BARS) - 0.5, -0.5)  # from above
    if rows:
        axes.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=len(stages))
