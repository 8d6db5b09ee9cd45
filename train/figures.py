"""The pictures of a run: the data, the curves, the confusion, samples and mistakes."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from siffra.files import replacing

from .data import Dataset
from .run import Epoch

SAMPLES = 12  # of each class
COLUMNS, ROWS = 10, 5  # sheets of predictions and mistakes
RIGHT, WRONG = "#1a7f37", "#cf222e"
TRAINING, VALIDATION = "#1f6feb", "#e36209"


def draw_all(
    folder: Path, dataset: Dataset, history: list[Epoch], probabilities: NDArray[np.float32]
) -> None:
    """Draw every figure into `folder`; `probabilities` [n, 10] are the test set's."""
    # Figure is used without pyplot: no window, no state that outlives the call.
    with mpl.rc_context(
        {
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.constrained_layout.use": True,
            "figure.dpi": 110,
            "font.size": 10,
        }
    ):
        for name, figure in (
            ("data", _data(dataset)),
            ("curves", _curves(history)),
            ("confusion", _confusion(dataset.test_labels, probabilities)),
            ("predictions", _predictions(dataset, probabilities)),
            ("mistakes", _mistakes(dataset, probabilities)),
        ):
            with replacing(folder / f"{name}.png") as path:
                figure.savefig(path)


def _data(dataset: Dataset) -> Figure:
    """Samples of each class with their labels, and how many there are of each."""
    figure = Figure(figsize=(11, 4.9))
    samples, counts = figure.subplots(1, 2, width_ratios=[1.5, 1])
    sheet = np.full((10 * 30, SAMPLES * 30), 255, np.uint8)
    for digit in range(10):
        members = dataset.train_cells[dataset.train_labels == digit][:SAMPLES]
        for column, cell in enumerate(members):
            top, left = digit * 30 + 1, column * 30 + 1
            sheet[top : top + 28, left : left + 28] = 255 - cell
    samples.imshow(sheet, cmap="gray", vmin=0, vmax=255)
    samples.set_yticks(np.arange(10) * 30 + 15, [str(digit) for digit in range(10)])
    samples.set_xticks([])
    samples.tick_params(length=0)
    samples.spines[:].set_visible(False)
    samples.set_ylabel("label")
    samples.set_title("The first of each digit in the training set")

    digits = np.arange(10)
    for labels, offset, colour, name in (
        (dataset.train_labels, -0.2, TRAINING, "training"),
        (dataset.test_labels, 0.2, VALIDATION, "test"),
    ):
        number = np.bincount(labels, minlength=10)
        counts.barh(digits + offset, number, 0.4, color=colour, label=f"{name}: {len(labels):,}")
    counts.set_yticks(digits)
    counts.invert_yaxis()
    counts.set_xlabel("number of cells")
    counts.set_title("How many there are")
    figure.legend(loc="outside lower right", ncols=2, frameon=False)
    return figure


def _curves(history: list[Epoch]) -> Figure:
    """Loss and accuracy over the epochs, in training and in validation."""
    figure = Figure(figsize=(10, 4))
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
        axes.plot(epochs, training, "o-", color=TRAINING, markersize=3.5, label="training")
        axes.plot(epochs, validation, "o-", color=VALIDATION, markersize=3.5, label="validation")
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.25)
        axes.legend(frameon=False)
    return figure


def _confusion(labels: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> Figure:
    """The confusion matrix; only mistakes are coloured, as the right ones would drown them."""
    matrix = np.zeros((10, 10), np.int64)
    np.add.at(matrix, (labels, probabilities.argmax(axis=1)), 1)
    mistakes = matrix.copy()
    np.fill_diagonal(mistakes, 0)
    figure = Figure(figsize=(6.0, 6.0))
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
    return figure


def _predictions(dataset: Dataset, probabilities: NDArray[np.float32]) -> Figure:
    """Test cells spread evenly over the test set, with what was predicted for each."""
    number = min(COLUMNS * ROWS, len(dataset.test_labels))
    chosen = np.linspace(0, len(dataset.test_labels) - 1, number).astype(np.int64)
    captions = []
    for index in chosen:
        true, predicted = int(dataset.test_labels[index]), int(probabilities[index].argmax())
        right = true == predicted
        captions.append((str(predicted) if right else f"{predicted}, is {true}", right))
    return _sheet(
        "Test cells and their predicted labels (wrong ones in red)",
        dataset.test_cells[chosen],
        captions,
    )


def _mistakes(dataset: Dataset, probabilities: NDArray[np.float32]) -> Figure:
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
    return _sheet(title, dataset.test_cells[chosen], captions)


def _sheet(title: str, cells: NDArray[np.uint8], captions: list[tuple[str, bool]]) -> Figure:
    """Cells in rows, dark on light, each under its caption; (text, whether it is right)."""
    rows = max(1, -(-len(cells) // COLUMNS))
    figure = Figure(figsize=(10, 0.6 + 1.3 * rows))
    figure.suptitle(title)
    grid = list(figure.subplots(rows, COLUMNS, squeeze=False).flat)
    for axes in grid:
        axes.set_axis_off()
    for axes, cell, (text, right) in zip(grid, cells, captions, strict=False):
        axes.imshow(255 - cell, cmap="gray", vmin=0, vmax=255)
        axes.set_title(text, fontsize=9, color=RIGHT if right else WRONG)
    return figure
