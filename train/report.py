"""The run's page: what was trained, how well it reads, and the figures."""

from typing import Any

from siffra.files import replacing

from .config import TrainConfig
from .data import Dataset
from .run import Run

PAGE = """\
# {name}

| | |
| --- | --- |
| Test accuracy | **{test_accuracy:.2%}** on {test:,} cells never trained on |
| Validation accuracy | {validation_accuracy:.2%} after the last epoch |
| Network | {family}, 784-{hidden}-10, {parameters:,} parameters |
| Recipe | `{recipe}`: {epochs} epochs, batch {batch_size}, Adam {learning_rate:g}, seed {seed} |
| Data | {source}: {train:,} cells, the last {validation_split:.0%} of them for validation |
| Training | {training_seconds:.1f} s with the {loop} loop |

## The data
![Samples of each digit, and their number](figures/data.png)

## Training
![Loss and accuracy over the epochs](figures/curves.png)

## The test set
| digit | precision | recall | cells |
| ---: | ---: | ---: | ---: |
{classes}

![Confusion matrix](figures/confusion.png)

![Test cells with their predicted labels](figures/predictions.png)

![The most confident mistakes](figures/mistakes.png)

Beside this page: `config.json`, `data.json` (with hashes), `versions.json`, `history.csv`,
`metrics.json`, `model.keras`, and `test.npz`, which export reads.
"""


def write_report(run: Run, config: TrainConfig, dataset: Dataset, metrics: dict[str, Any]) -> None:
    """Write `report.md` into the run."""
    classes = "\n".join(
        f"| {digit} | {row['precision']:.2%} | {row['recall']:.2%} | {row['count']:,} |"
        for digit, row in metrics["classes"].items()
    )
    page = PAGE.format(
        name=run.directory.name,
        test_accuracy=metrics["test_accuracy"],
        test=len(dataset.test_labels),
        validation_accuracy=metrics["validation_accuracy"],
        family=config.family,
        hidden="-".join(map(str, config.hidden)),
        parameters=metrics["parameters"],
        recipe=config.recipe,
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        seed=config.seed,
        source=dataset.source,
        train=len(dataset.train_labels),
        validation_split=config.validation_split,
        training_seconds=metrics["training_seconds"],
        loop=config.loop,
        classes=classes,
    )
    with replacing(run.directory / "report.md") as path:
        path.write_text(page, encoding="utf-8")
