"""Into the package: the models, their card, and golden vectors to check them by on any device."""

import csv
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from siffra import Reader
from siffra.check import FILE_NAME
from siffra.files import replacing

from .build import Built
from .parity import VariantParity
from .runs import Run

PACKAGE_MODELS = Path(__file__).parents[1] / "runtime" / "siffra" / "models"
EXAMPLES = Path(__file__).parents[1] / "examples"
_GOLDEN_PICTURE = "digital-dark-screen.png"  # the smallest with more than one line


class ReleaseError(Exception):
    """A release that was refused; the message says why."""


def release(built: Built, destination: Path = PACKAGE_MODELS) -> list[Path]:
    """Copy a run's models into a package, with a model card, and record golden vectors anew.

    Args:
        built: What export made of the run.
        destination: The folder of the package's models.

    Returns:
        The files that were written.

    Raises:
        ReleaseError: A variant falls short of its parity or misreads the golden picture, or the
            destination is no folder. Nothing was written then.
    """
    if not built.report.passed:
        short = ", ".join(v.name for v in built.report.variants if v.shortfalls)
        raise ReleaseError(f"not released: {short} fell short of parity with Keras, see above")
    if not destination.is_dir():
        raise ReleaseError(f"not released: {destination} is not a folder")
    released = {path.stem: path for path in destination.glob("*.onnx")}
    golden = _golden(released | {path.stem: path for path in built.models})
    for model in built.models:
        read = Reader(model).read(golden["picture"].tobytes()).text
        if read != str(golden["picture_text"]):
            raise ReleaseError(
                f"not released: {model.stem} reads {read!r} from {_GOLDEN_PICTURE}, which shows "
                f"{str(golden['picture_text'])!r}; train it for longer, or on more digits"
            )

    written = []
    for model in built.models:
        written.append(destination / model.name)
        with replacing(written[-1]) as path:
            path.write_bytes(model.read_bytes())
    written.append(destination / f"{built.run.family}.md")
    with replacing(written[-1]) as path:
        path.write_text(_card(built), "utf-8")
    written.append(destination / f"{built.run.family}-parity.json")
    with replacing(written[-1]) as path:
        path.write_bytes((built.run.path / "parity.json").read_bytes())
    written.append(destination / FILE_NAME)
    with replacing(written[-1]) as path:
        np.savez_compressed(path, **golden)
    return written


def _golden(models: Mapping[str, Path]) -> dict[str, Any]:
    """Record what each model of a package says of the repository's own drawn digits.

    The cells come from `examples/`, since MNIST may not be passed on in a package.
    """
    with (EXAMPLES / "labels.csv").open(encoding="utf-8", newline="") as file:
        truth = {row["file"]: row["label"].replace("/", "\n") for row in csv.DictReader(file)}
    # Where the digits are does not depend on the model.
    reader = Reader(next(iter(models.values())))
    digits = [digit for name in truth for digit in reader.read(EXAMPLES / name).digits]
    labels = "".join(truth.values()).replace("\n", "")
    if len(digits) != len(labels):
        raise ReleaseError(
            f"not released: {EXAMPLES} shows {len(labels)} digits, {len(digits)} were found"
        )
    cells = np.stack([digit.cell for digit in digits if digit.cell is not None])
    return {
        "cells": cells,
        "picture": np.frombuffer((EXAMPLES / _GOLDEN_PICTURE).read_bytes(), dtype=np.uint8),
        "picture_text": np.array(truth[_GOLDEN_PICTURE]),
        **{name: Reader(path).probabilities(cells) for name, path in models.items()},
    }


def _card(built: Built) -> str:
    run, report = built.run, built.report
    config, metrics, source = run.config, run.metrics, run.data["source"]
    metadata = Reader(built.models[0]).metadata
    hashes = "\n".join(f"| {name} | `{value}` |" for name, value in run.data["hashes"].items())
    what = _paragraph(
        "Reads one handwritten digit from a 28x28 cell of contract version "
        f"{metadata['contract']}: {_network(run)}, {metrics['parameters']:,} parameters. Input "
        "`cells` uint8 [batch, 28, 28], output `probabilities` float32 [batch, 10], calibrated."
    )
    measured = _paragraph(
        f"Measured on all {report.cells:,} test cells of {source}, none of them trained on; Keras "
        f"itself: {report.keras_accuracy:.2%}. The report is in `{run.family}-parity.json`, its "
        "digest in each model's metadata (`parity`)."
    )
    made = _paragraph(
        f"Recipe `{config['recipe']}`, seed {config['seed']}: {config['epochs']} epochs, batch "
        f"{config['batch_size']}, AdamW, {config['schedule']} rate {config['learning_rate']}, "
        f"decay {config['weight_decay']}, the last {config['validation_split']:.1%} of the "
        f"training set for validation. {_trained_on(config)} To make it again, with data of these "
        "hashes:"
    )
    limits = _paragraph(
        "Single digits, cut out and normalised as `siffra.cells` does. The runtime accepts its "
        f"best answer from a probability of {metrics['threshold']} on. The temperature of its "
        f"logits, which is {metrics['temperature']:.3f} by the validation part, is within the "
        f"weights. {_limits(config)}"
    )
    return f"""# {run.family}

{what}

| variant | accuracy | points lost against Keras | labels flipped | greatest difference | bytes |
| --- | ---: | ---: | ---: | ---: | ---: |
{_rows(report.variants)}

{measured}

## How it was made
{made}

    python -m train --recipe {config["recipe"]} --seed {config["seed"]} \\
        --epochs {config["epochs"]} --name {run.path.name} --data DIR
    python -m export runs/{run.path.name} --release

| data | SHA-256 |
| --- | --- |
{hashes}

## What it is for, and what it is not
{limits}

Licence: {metadata["licence"]}.
"""


def _paragraph(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def _network(run: Run) -> str:
    widths = "-".join(map(str, run.config["hidden"]))
    if run.family == "ann":
        return f"a dense net 784-{widths}-10"
    return f"a convolutional net, filters {widths}, their mean, 10 outputs"


def _trained_on(config: Mapping[str, Any]) -> str:
    how = config["augmentation"]
    if how is None:
        return "It was trained on the cells as they are."
    text = (
        f"It was trained on {how['versions']} versions of the cells, augmented "
        f"({how['mild']:.0%} mildly, {how['wild']:.0%} wildly, {how['pictured']:.0%} through a "
        f"drawn picture), with digits ({how['drawn']:.0%}) and non-digits "
        f"({how['negatives']:.0%}) drawn by code."
    )
    if config["settling"]:
        last = min(config["settling"], config["epochs"])
        text += f" In the last {last} epochs {config['settled']:.0%} of the cells were as they are."
    if config["spoilt"]:
        text += f" {config['spoilt']:.0%} of the digits were spoilt: struck out, pierced, speckled."
    if config["teachers"]:
        text += (
            f" The answers of {' and '.join(config['teachers'])} made {1 - config['hard']:.0%} of "
            "the digits' targets; these runs are trained first where they are missing."
        )
    return text


def _limits(config: Mapping[str, Any]) -> str:
    if config["augmentation"] is None:
        return "It was never shown anything that is no digit: letters and scribbles often pass."
    return (
        "What is no digit mostly stays below the threshold; letters that look like digits do not. "
        "`python -m benchmarks.accuracy` measures how much passes."
    )


def _rows(variants: tuple[VariantParity, ...]) -> str:
    return "\n".join(
        f"| `{v.name}` | {v.accuracy:.2%} | {v.points_lost:.2f} | {len(v.flips)} "
        f"| {v.max_difference:.1e} | {v.bytes:,} |"
        for v in variants
    )
