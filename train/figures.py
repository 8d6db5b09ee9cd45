"""The pictures of a run: its data, its curves, and what it reads wrong."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from .data import Dataset
from .plotting import RIGHT, TRAINING, VALIDATION, WRONG, figure
from .run import Epoch

SAMPLES = 12  # of each class
COLUMNS, ROWS = 10, 5  # sheets of predictions and mistakes
GRID = 235  # grey between the cells of a row, since many reach their edge


def draw_all(
    folder: Path, dataset: Dataset, history: list[Epoch], probabilities: NDArray[np.float32]
) -> None:
    """Draw what every run has into `folder`; `probabilities` [n, 10] are the test set's."""
    _data(folder, dataset)
    _curves(folder, history)
    _confusion(folder, dataset.test_labels, probabilities)
    _predictions(folder, dataset, probabilities)
    _mistakes(folder, dataset, probabilities)


def augmentation(folder: Path, originals: NDArray[np.uint8], augmented: NDArray[np.uint8]) -> None:
    """Draw `augmentation.png`: one cell of each digit, and what augmentation makes of it.

    Originals [10, 28, 28], in the order of the digits; augmented [10, k, 28, 28].
    """
    versions = augmented.shape[1]
    with figure(folder, "augmentation", 1.6 + 0.62 * versions, 7) as page:
        left, right = page.subplots(1, 2, width_ratios=[1, versions])
        _rows(left, dict(zip("0123456789", originals[:, np.newaxis], strict=True)))
        left.set_title("original")
        _rows(right, dict(zip("0123456789", augmented, strict=True)))
        right.set_yticks([])
        right.set_title("augmented")


def negatives(folder: Path, by_kind: Mapping[str, NDArray[np.uint8]]) -> None:
    """Draw `negatives.png`: a row of cells [k, 28, 28] for each kind of what is no digit."""
    widest = max(map(len, by_kind.values()))
    with figure(folder, "negatives", max(5, 2 + 0.62 * widest), 0.7 + 0.62 * len(by_kind)) as page:
        axes = page.subplots()
        _rows(axes, by_kind)
        axes.set_title("What is no digit, by kind")


def _data(folder: Path, dataset: Dataset) -> None:
    """Samples of each class with their labels, and how many there are of each."""
    with figure(folder, "data", 11, 4.9) as page:
        samples, counts = page.subplots(1, 2, width_ratios=[1.5, 1])
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
        page.legend(loc="outside lower right", ncols=2, frameon=False)


def _curves(folder: Path, history: list[Epoch]) -> None:
    """Loss and accuracy over the epochs, in training and in validation."""
    with figure(folder, "curves", 10, 4) as page:
        loss, accuracy = page.subplots(1, 2)
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
    with figure(folder, "confusion", 6, 6) as page:
        axes = page.subplots()
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
    with figure(folder, name, 10, 0.6 + 1.3 * rows) as page:
        page.suptitle(title)
        grid = list(page.subplots(rows, COLUMNS, squeeze=False).flat)
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
