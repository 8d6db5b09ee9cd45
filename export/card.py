"""The model card: what a model is, how it was made, what it is for and what it is not."""

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from siffra import Reader
from siffra.shipped import FILE_NAME, sha256

from .build import LICENCE, Built
from .parity import VariantParity
from .runs import Run


def card(built: Built) -> str:
    """Return the card of a run's models, as Markdown."""
    run, report = built.run, built.report
    config, metrics, source = run.config, run.metrics, run.data["source"]
    metadata = Reader(built.models[0]).metadata
    files = "\n".join(f"| {p.name} | `{sha256(p.read_bytes())}` |" for p in built.models)
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
    maker = _paragraph(
        f"Made by this package's authors, with siffra {metadata['version']}, "
        f"{_versions(run.path)}; "
        f"exported and measured with onnxruntime {report.onnxruntime}. Its weights began at random "
        "and saw the data below and what the code draws; none come from elsewhere. The run gives "
        "these files again, byte for byte, on processors of the same kind; training anew elsewhere "
        "gives weights that differ a little."
    )
    least = min(metrics["classes"], key=lambda label: metrics["classes"][label]["recall"])
    limits = _paragraph(
        "Single digits, cut out and normalised as `siffra.cells` does, in forms, notes, exercises, "
        "readings of meters: where a person, a check digit or a range catches what is misread. The "
        f"runtime accepts its best answer from a probability of {metrics['threshold']} on. The "
        f"temperature of its logits, which is {metrics['temperature']:.3f} by the validation part, "
        f"is within the weights. {_limits(config)}"
    )
    misuse = _paragraph(
        "Not for letters, words, signs or decimal points; not for telling who wrote; not to decide "
        "alone on money, medicine, marks or rights. What it reads worst in the test set is "
        f"{least}: {metrics['classes'][least]['recall']:.1%} are found. {_writers(built)} Writing "
        "of other schools and other pens is read worse: measure on pictures of your own, by "
        "`python -m benchmarks.accuracy --data DIR`. Pictures made to deceive it will. Between "
        "processors its probabilities differ in the last digits; `siffra check` tells how much."
    )
    return f"""# {run.family}

{what}

| variant | accuracy | points lost against Keras | labels flipped | greatest difference | bytes |
| --- | ---: | ---: | ---: | ---: | ---: |
{_rows(report.variants)}

{measured}

## Where it comes from
{maker}

| file | SHA-256 (also in `{FILE_NAME}`, by which the runtime knows it) |
| --- | --- |
{files}

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

{misuse}

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


def _versions(run: Path) -> str:
    """Return what a run was trained with."""
    versions = json.loads((run / "versions.json").read_text("utf-8"))
    names = {"python": "Python", "numpy": "NumPy", "tensorflow": "TensorFlow", "keras": "Keras"}
    return ", ".join(f"{names[key]} {value}" for key, value in versions.items() if key in names)


def _writers(built: Built) -> str:
    if Reader(built.models[0]).metadata["licence"] != LICENCE:
        return "It was trained on its releaser's own pictures, and knows no other hands."
    return (
        "MNIST was written by some 500 clerks and pupils in the United States about 1990, and "
        "scanned in black and white."
    )


def _rows(variants: tuple[VariantParity, ...]) -> str:
    return "\n".join(
        f"| `{v.name}` | {v.accuracy:.2%} | {v.points_lost:.2f} | {len(v.flips)} "
        f"| {v.max_difference:.1e} | {v.bytes:,} |"
        for v in variants
    )
