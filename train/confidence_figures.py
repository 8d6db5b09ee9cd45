"""How far a run is sure, in pictures: of its answers, and of what it was not asked about."""

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .evaluate import calibration_bins, expected_calibration_error
from .plotting import RIGHT, TRAINING, VALIDATION, WRONG, figure

NamedSets = Mapping[str, tuple[NDArray[np.float32], NDArray[np.uint8]]]
"""Probabilities [n, 10] and labels [n] of each set, by its name."""

SETS = (TRAINING, VALIDATION, RIGHT, "#8250df")  # colours of named sets, in turn


def reliability(folder: Path, sets: NamedSets) -> None:
    """Draw `reliability.png`: accuracy against confidence, and how many cells there are of each."""
    with figure(folder, "reliability", max(5.5, 4.8 * len(sets)), 6.2) as page:
        grid = page.subplots(
            2, len(sets), squeeze=False, sharex=True, sharey="row", height_ratios=[2, 1]
        )
        for (name, (probabilities, labels)), colour, diagram, histogram in zip(
            sets.items(), cycle(SETS), *grid, strict=False
        ):
            count, confidence, accuracy = calibration_bins(probabilities, labels)
            filled = count > 0
            count, confidence, accuracy = count[filled], confidence[filled], accuracy[filled]
            centres = (np.flatnonzero(filled) + 0.5) / len(filled)
            diagram.plot([0, 1], [0, 1], "--", color="0.6", linewidth=1)
            # In a bin of few cells the accuracy says little, which the interval shows.
            low, high = _wilson(accuracy, count)
            diagram.vlines(confidence, low, high, color=colour, alpha=0.45)
            diagram.plot(confidence, accuracy, "o-", color=colour, markersize=4.5, clip_on=False)
            error = 100 * expected_calibration_error(probabilities, labels)
            diagram.set_title(f"{name}\n{len(labels):,} cells, ECE {error:.2f} %")
            diagram.set_xlim(0, 1.02)
            diagram.set_ylim(0, 1.02)
            diagram.grid(alpha=0.25)

            histogram.bar(centres, count, 0.9 / len(filled), color=colour, log=True)
            for centre, number in zip(centres, count, strict=True):
                histogram.annotate(
                    f"{number:,}",
                    (centre, number),
                    (0, 2),
                    textcoords="offset points",
                    rotation="vertical",
                    ha="center",
                    va="bottom",
                    fontsize=8,
                )
            histogram.set_xlabel("confidence")
        most = max(len(labels) for _, labels in sets.values())
        grid[1, 0].set_ylim(0.5, 30 * most)  # room for the numbers above the bars
        grid[1, 0].yaxis.set_major_formatter("{x:,.0f}")
        grid[0, 0].set_ylabel("accuracy (bar: 95 % interval)")
        grid[1, 0].set_ylabel("number of cells")


def risk_coverage(folder: Path, sets: NamedSets, threshold: float) -> None:
    """Draw `risk_coverage.png`: errors among the accepted as the threshold of confidence falls."""
    with figure(folder, "risk_coverage", 7.5, 5) as page:
        axes = page.subplots()
        start, worst = 90.0, 0.2
        for (name, (probabilities, labels)), colour in zip(sets.items(), cycle(SETS), strict=False):
            confidence = probabilities.max(axis=1)
            wrong = probabilities.argmax(axis=1) != labels
            order = np.argsort(-confidence, kind="stable")
            # Cells of one confidence are accepted together, or not at all.
            last = np.flatnonzero(np.diff(confidence[order], append=-1))
            coverage = 100 * (last + 1) / len(labels)
            risk = 100 * np.cumsum(wrong[order])[last] / (last + 1)
            axes.plot(coverage, risk, color=colour)

            accepted = confidence >= threshold
            share, error, result = np.nan, np.nan, "none accepted"
            if accepted.any():
                share, error = 100 * accepted.mean(), 100 * wrong[accepted].mean()
                result = f"{share:.2f} % accepted, {error:.2f} % of them wrong"
            label = f"{name}: {result}"
            # Where there are no errors it lies on the axis: over it, and not cut by it.
            axes.plot(share, error, "o", color=colour, label=label, clip_on=False, zorder=3)
            # To the left of the first misread cell all curves lie at 0.
            start = np.nanmin([start, share, coverage[risk > 0].min(initial=start)])
            worst = max(worst, risk.max())
        axes.set_title("Errors among the accepted, as the threshold of confidence falls")
        axes.set_xlabel("accepted, % of all cells")
        axes.set_ylabel("misread, % of the accepted (log above 0.1)")
        axes.set_yscale("symlog", linthresh=0.1)  # has a place for no errors at all
        axes.set_yticks(ticks := [0, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100], map(str, ticks))
        axes.minorticks_off()
        axes.set_xlim(start, 100)
        axes.set_ylim(0, 1.2 * worst)
        axes.grid(alpha=0.25)
        page.legend(
            title=f"At the threshold, {threshold:g}", loc="outside lower center", frameon=False
        )


def scores(
    folder: Path,
    digits: NDArray[np.float32],
    by_kind: Mapping[str, NDArray[np.float32]],
    threshold: float,
) -> None:
    """Draw `scores.png`: the confidence [n] in digits, and in each kind of what is no digit."""
    with figure(folder, "scores", 8, 1.2 + 0.85 * (1 + len(by_kind))) as page:
        rows = {"digits": digits, **by_kind}
        grid = page.subplots(len(rows), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        grid[0].set_xlim(0, 1)
        grid[0].set_yscale("log")
        grid[0].set_ylim(0.01, 150)
        grid[0].set_yticks([0.01, 1, 100], ["0.01", "1", "100"])
        for axes, (name, values) in zip(grid, rows.items(), strict=True):
            number, edges = np.histogram(values, bins=40, range=(0, 1))
            axes.bar(
                edges[:-1],
                100 * number / len(values),
                np.diff(edges),
                align="edge",
                color=RIGHT if axes is grid[0] else WRONG,
            )
            axes.axvline(threshold, color="0.3", linestyle="--", linewidth=1)
            accepted = (values >= threshold).mean()
            axes.set_ylabel(name, rotation="horizontal", ha="right", va="center")
            axes.text(
                1.02,
                0.5,
                f"{100 * accepted:.2f} % of {len(values):,}\naccepted",
                transform=axes.transAxes,
                va="center",
            )
        grid[-1].set_xlabel("confidence")
        page.suptitle(
            f"Share of cells by confidence, % (log); dashed: the threshold, {threshold:g}"
        )


def _wilson(
    share: NDArray[np.float64], count: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 95 % interval of each share of `count` (Wilson 1927), low and high."""
    z = 1.96
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    margin = z * np.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2) / (1 + z**2 / count)
    return middle - margin, middle + margin
