"""The run's page: what was trained, how well it reads, and the figures."""

from typing import Any

from siffra.files import replacing

from .calibrate import FEW
from .config import TrainConfig
from .data import Dataset
from .run import Run

PAGE = """\
# {name}

| | |
| --- | --- |
| Test accuracy | **{test_accuracy:.2%}** on {test:,} cells never trained on |
| Validation accuracy | {validation_accuracy:.2%} after the last epoch |
| Network | {family}, {hidden}, {parameters:,} parameters |
| Recipe | `{recipe}`: {epochs} epochs, batch {batch_size}, {optimizer}, seed {seed} |
| Trained on | {trained_on} |
| Data | {source}: {train:,} cells, the last {validation_split:.1%} of them for validation |
| Training | {training_seconds:.1f} s with the {loop} loop |
| Confidence | {confidence}; accepted from {threshold:g} on |

## The data
![Samples of each digit, and their number](figures/data.png)
{augmented}
## Training
![Loss and accuracy over the epochs](figures/curves.png)

## The test set
| digit | precision | recall | cells |
| ---: | ---: | ---: | ---: |
{classes}

![Confusion matrix](figures/confusion.png)

![Test cells with their predicted labels](figures/predictions.png)

![The most confident mistakes](figures/mistakes.png)

## What its confidence is worth
| set | accuracy | expected calibration error |
| --- | ---: | ---: |
{calibration}

![Accuracy against confidence](figures/reliability.png)

![Errors against the share accepted](figures/risk_coverage.png)
{others}
Beside this page: `config.json`, `data.json` (with hashes), `versions.json`, `history.csv`,
`metrics.json`, `model.keras`, and `test.npz`, which export reads.
"""

AUGMENTED = """
![Cells, and what training made of them](figures/augmentation.png)

![What is no digit](figures/negatives.png)
"""

OTHERS = """
## What is no digit
| kind | AUROC against the digits of the augmented validation |
| --- | ---: |
{kinds}

These kinds were trained on; `python -m benchmarks.accuracy` measures others.

![Confidence in digits and in what is none](figures/scores.png)
"""


def write_report(run: Run, config: TrainConfig, dataset: Dataset, metrics: dict[str, Any]) -> None:
    """Write `report.md` into the run."""
    classes = "\n".join(
        f"| {digit} | {row['precision']:.2%} | {row['recall']:.2%} | {row['count']:,} |"
        for digit, row in metrics["classes"].items()
    )
    calibration = "\n".join(
        f"| {name} | {metrics['accuracy'][name]:.2%} | {error:.2%} |"
        for name, error in metrics["calibration_error"].items()
    )
    kinds = "\n".join(
        f"| {kind} | {value:.2%} |"
        for kind, value in metrics.get("auroc_of_trained_kinds", {}).items()
    )
    page = PAGE.format(
        name=run.directory.name,
        test_accuracy=metrics["test_accuracy"],
        test=len(dataset.test_labels),
        validation_accuracy=metrics["validation_accuracy"],
        family=config.family,
        hidden="-".join(map(str, (*([784] if config.family == "ann" else []), *config.hidden, 10))),
        parameters=metrics["parameters"],
        recipe=config.recipe,
        epochs=config.epochs,
        batch_size=config.batch_size,
        optimizer=_optimizer(config),
        seed=config.seed,
        trained_on=_trained_on(config),
        source=dataset.source,
        train=len(dataset.train_labels),
        validation_split=config.validation_split,
        training_seconds=metrics["training_seconds"],
        loop=config.loop,
        confidence=_confidence(metrics),
        threshold=metrics["threshold"],
        augmented="" if config.augmentation is None else AUGMENTED,
        classes=classes,
        calibration=calibration,
        others=OTHERS.format(kinds=kinds) if kinds else "",
    )
    with replacing(run.directory / "report.md") as path:
        path.write_text(page, encoding="utf-8")


def _optimizer(config: TrainConfig) -> str:
    name = f"AdamW (decay {config.weight_decay:g})" if config.weight_decay else "Adam"
    return f"{name}, {config.schedule} rate {config.learning_rate:g}"


def _confidence(metrics: dict[str, Any]) -> str:
    if not metrics["calibrated"]:
        return f"as the network says: fewer than {FEW} validation digits tell no temperature"
    return f"temperature {metrics['temperature']:.3f}, in the weights"


def _trained_on(config: TrainConfig) -> str:
    how = config.augmentation
    if how is None:
        return "the cells as they are"
    text = (
        f"{how.versions} versions: {how.mild:.0%} of the cells moved, {how.wild:.0%} as other pens "
        f"and cameras give them, {how.pictured:.0%} pictured and read, the rest as they are; "
        f"{how.drawn:.0%} drawn digits and {how.negatives:.0%} non-digits added"
    )
    if config.settling:
        last = min(config.settling, config.epochs)
        text += f"; in the last {last} epochs {config.settled:.0%} of the cells as they are"
    if config.spoilt:
        text += f"; {config.spoilt:.0%} of the digits spoilt"
    if config.teachers:
        text += f"; targets {1 - config.hard:.0%} from {' and '.join(config.teachers)}"
    return text
