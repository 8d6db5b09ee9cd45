"""The pictures of a run: its data, its curves, what it reads wrong, and how far it is sure."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from siffra.files import replacing

from .data import Dataset
from .evaluate import calibration_bins, expected_calibration_error
from .run import Epoch

NamedSets = Mapping[str, tuple[NDArray[np.float32], NDArray[np.uint8]]]
"""Probabilities [n, 10] and labels [n] of each set, by its name."""

SAMPLES = 12  # of each class
COLUMNS, ROWS = 10, 5  # sheets of predictions and mistakes
GRID = 235  # grey between the cells of a row, since many reach their edge
RIGHT, WRONG = "#1a7f37", "#cf222e"
TRAINING, VALIDATION = "#1f6feb", "#e36209"
SETS = (TRAINING, VALIDATION, RIGHT, "#8250df")  # colours of named sets, in turn


@contextmanager
def _figure(folder: Path, name: str, width: float, height: float) -> Iterator[Figure]:
    """Give a figure of that size in inches to draw on, then write it into the folder."""
    with mpl.rc_context(
        {
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.constrained_layout.h_pad": 0.08,
            "figure.constrained_layout.w_pad": 0.08,
            "figure.dpi": 110,
            "font.size": 10,
        }
    ):
        # Figure is used without pyplot: no window, no state that outlives the call.
        # "constrained" would cut names beside a sheet off, as it does not know its shape.
        figure = Figure(figsize=(width, height), layout="compressed")
        yield figure
        with replacing(folder / f"{name}.png") as path:
            figure.savefig(path)


def draw_all(
    folder: Path, dataset: Dataset, history: list[Epoch], probabilities: NDArray[np.float32]
) -> None:
    """Draw what every run has into `folder`; `probabilities` [n, 10] are the test set's."""
    _data(folder, dataset)
    _curves(folder, history)
    _confusion(folder, dataset.test_labels, probabilities)
    _predictions(folder, dataset, probabilities)
    _mistakes(folder, dataset, probabilities)


def reliability(folder: Path, sets: NamedSets) -> None:
    """Draw `reliability.png`: accuracy against confidence, and how many cells there are of each."""
    with _figure(folder, "reliability", max(5.5, 4.8 * len(sets)), 6.2) as figure:
        grid = figure.subplots(
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
    with _figure(folder, "risk_coverage", 7.5, 5) as figure:
        axes = figure.subplots()
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
        figure.legend(
            title=f"At the threshold, {threshold:g}", loc="outside lower center", frameon=False
        )


def augmentation(folder: Path, originals: NDArray[np.uint8], augmented: NDArray[np.uint8]) -> None:
    """Draw `augmentation.png`: one cell of each digit, and what augmentation makes of it.

    Originals [10, 28, 28], in the order of the digits; augmented [10, k, 28, 28].
    """
    versions = augmented.shape[1]
    with _figure(folder, "augmentation", 1.6 + 0.62 * versions, 7) as figure:
        left, right = figure.subplots(1, 2, width_ratios=[1, versions])
        _rows(left, dict(zip("0123456789", originals[:, np.newaxis], strict=True)))
        left.set_title("original")
        _rows(right, dict(zip("0123456789", augmented, strict=True)))
        right.set_yticks([])
        right.set_title("augmented")


def negatives(folder: Path, by_kind: Mapping[str, NDArray[np.uint8]]) -> None:
    """Draw `negatives.png`: a row of cells [k, 28, 28] for each kind of what is no digit."""
    widest = max(map(len, by_kind.values()))
    with _figure(
        folder, "negatives", max(5, 2 + 0.62 * widest), 0.7 + 0.62 * len(by_kind)
    ) as figure:
        axes = figure.subplots()
        _rows(axes, by_kind)
        axes.set_title("What is no digit, by kind")


def scores(
    folder: Path,
    digits: NDArray[np.float32],
    by_kind: Mapping[str, NDArray[np.float32]],
    threshold: float,
) -> None:
    """Draw `scores.png`: the confidence [n] in digits, and in each kind of what is no digit."""
    with _figure(folder, "scores", 8, 1.2 + 0.85 * (1 + len(by_kind))) as figure:
        rows = {"digits": digits, **by_kind}
        grid = figure.subplots(len(rows), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
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
        figure.suptitle(
            f"Share of cells by confidence, % (log); dashed: the threshold, {threshold:g}"
        )


def _data(folder: Path, dataset: Dataset) -> None:
    """Samples of each class with their labels, and how many there are of each."""
    with _figure(folder, "data", 11, 4.9) as figure:
        samples, counts = figure.subplots(1, 2, width_ratios=[1.5, 1])
        firsts = {
            str(digit): dataset.train_cells[dataset.train_labels == digit][:SAMPLES]
            for digit in range(10)
        }
        _rows(samples, firsts)
        samples.set_ylabel("label")
        samples.set_title("The first of each digit in the training set")

        digits = np.arange(10)
        for labels, offset, colour, name in (
            (dataset.train_labels, -0.2, TRAINING, "training"),
            (dataset.test_labels, 0.2, VALIDATION, "test"),
        ):
            number = np.bincount(labels, minlength=10)
            label = f"{name}: {len(labels):,}"
            counts.barh(digits + offset, number, 0.4, color=colour, label=label)
        counts.set_yticks(digits)
        counts.invert_yaxis()
        counts.set_xlabel("number of cells")
        counts.set_title("How many there are")
        figure.legend(loc="outside lower right", ncols=2, frameon=False)


def _curves(folder: Path, history: list[Epoch]) -> None:
    """Loss and accuracy over the epochs, in training and in validation."""
    with _figure(folder, "curves", 10, 4) as figure:
        loss, accuracy = figure.subplots(1, 2)
        epochs = [epoch.epoch for epoch in history]
        for axes, title, training, validation in (
            (loss, "Loss", [e.loss for e in history], [e.val_loss for e in history]),
            (
                accuracy,
                "Accuracy, %",
                [100 * e.accuracy for e in history],
                [100 * e.val_accuracy for e in history],
            ),
        ):
            for values, colour, label in (
                (training, TRAINING, "training"),
                (validation, VALIDATION, "validation"),
            ):
                axes.plot(epochs, values, "o-", color=colour, markersize=3.5, label=label)
            axes.set_title(title)
            axes.set_xlabel("epoch")
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(alpha=0.25)
            axes.legend(frameon=False)


def _confusion(folder: Path, labels: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> None:
    """The confusion matrix; only mistakes are coloured, as the right ones would drown them."""
    matrix = np.zeros((10, 10), np.int64)
    np.add.at(matrix, (labels, probabilities.argmax(axis=1)), 1)
    mistakes = matrix.copy()
    np.fill_diagonal(mistakes, 0)
    with _figure(folder, "confusion", 6, 6) as figure:
        axes = figure.subplots()
        axes.imshow(mistakes, cmap="Reds", vmin=0, vmax=max(1, 1.6 * mistakes.max()))
        for true, row in enumerate(matrix):
            for predicted, number in enumerate(row):
                if number:
                    axes.text(
                        predicted,
                        true,
                        str(number),
                        ha="center",
                        va="center",
                        color=RIGHT if true == predicted else "black",
                    )
        axes.set_xticks(range(10))
        axes.set_yticks(range(10))
        axes.tick_params(length=0)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        axes.set_title(f"Test set: {mistakes.sum():,} mistakes in {matrix.sum():,}")


def _predictions(folder: Path, dataset: Dataset, probabilities: NDArray[np.float32]) -> None:
    """Test cells spread evenly over the test set, with what was predicted for each."""
    number = min(COLUMNS * ROWS, len(dataset.test_labels))
    chosen = np.linspace(0, len(dataset.test_labels) - 1, number).astype(np.int64)
    captions = []
    for index in chosen:
        true, predicted = int(dataset.test_labels[index]), int(probabilities[index].argmax())
        right = true == predicted
        captions.append((str(predicted) if right else f"{predicted}, is {true}", right))
    title = "Test cells and their predicted labels (wrong ones in red)"
    _sheet(folder, "predictions", title, dataset.test_cells[chosen], captions)


def _mistakes(folder: Path, dataset: Dataset, probabilities: NDArray[np.float32]) -> None:
    """The mistakes that the network was surest of."""
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != dataset.test_labels)
    chosen = wrong[np.argsort(-confidence[wrong], kind="stable")][: COLUMNS * ROWS]
    captions = [
        (f"{dataset.test_labels[i]}, read {predicted[i]}\n{100 * confidence[i]:.2f} %", False)
        for i in chosen
    ]
    title = (
        f"The {len(chosen)} most confident of {len(wrong)} mistakes: label, prediction, confidence"
        if len(wrong)
        else "No mistake in the test set"
    )
    _sheet(folder, "mistakes", title, dataset.test_cells[chosen], captions)


def _sheet(
    folder: Path, name: str, title: str, cells: NDArray[np.uint8], captions: list[tuple[str, bool]]
) -> None:
    """Cells in rows, dark on light, each under its caption; (text, whether it is right)."""
    rows = max(1, -(-len(cells) // COLUMNS))
    with _figure(folder, name, 10, 0.6 + 1.3 * rows) as figure:
        figure.suptitle(title)
        grid = list(figure.subplots(rows, COLUMNS, squeeze=False).flat)
        for axes in grid[len(cells) :]:
            axes.set_axis_off()
        for axes, cell, (text, right) in zip(grid, cells, captions, strict=False):
            axes.imshow(255 - cell, cmap="gray", vmin=0, vmax=255)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set(visible=True, color=str(GRID / 255))
            axes.set_title(text, fontsize=9, color=RIGHT if right else WRONG)


def _rows(axes: Axes, rows: Mapping[str, NDArray[np.uint8]]) -> None:
    """Rows of cells [k, 28, 28], dark on light, each beside its name; grey where there is none."""
    sheet = np.full((len(rows) * 30, max(map(len, rows.values())) * 30), GRID, np.uint8)
    for number, cells in enumerate(rows.values()):
        for column, cell in enumerate(cells):
            top, left = number * 30 + 1, column * 30 + 1
            sheet[top : top + 28, left : left + 28] = 255 - cell
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=255)
    axes.set_yticks(np.arange(len(rows)) * 30 + 15, list(rows))
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _wilson(
    share: NDArray[np.float64], count: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 95 % interval of each share of `count` (Wilson 1927), low and high."""
    z = 1.96
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    margin = z * np.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2) / (1 + z**2 / count)
    return middle - margin, middle + margin
