"""A run to the variants that may be released: convert, quantise, prove, stamp."""

import json
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import onnx
import onnxruntime

import siffra
from siffra import contract
from siffra.files import replace_all
from siffra.network import Network

from .convert import convert, with_metadata
from .parity import ParityReport, compare
from .quantize import quantize
from .runs import Run, RunError

LICENCE = "MIT; trained on MNIST (Yann LeCun, Corinna Cortes), CC BY-SA 3.0"
OWN_LICENCE = "MIT; trained on the releaser's own pictures"


@dataclass(frozen=True)
class Built:
    """What export made of a run."""

    run: Run
    report: ParityReport
    models: tuple[Path, ...]
    """The ONNX files in the run directory, fp32 first."""


def build(run: Run) -> Built:
    """Make every variant of a run, prove its parity with Keras, and write models and report.

    The report is kept in `parity.json` whether the variants pass or not; its digest goes into the
    metadata of the models.

    Raises:
        RunError: The Keras model does not load or does not follow the contract.
    """
    model = _load_keras(run.model_path)
    fp32 = convert(model)
    graphs = {"fp32": fp32, "int8": quantize(fp32, run.calibration_cells)}
    truth = model.predict(run.test_cells, batch_size=1000, verbose=0)

    variants = []
    with TemporaryDirectory() as folder:
        for precision, graph in graphs.items():
            # Through the runtime's own code: what is compared is what users will get.
            path = Path(folder) / f"{_name(run, precision)}.onnx"
            content = with_metadata(graph, _metadata(run, precision))
            path.write_bytes(content)
            answers = Network(path).probabilities(run.test_cells)
            variants.append(
                compare(
                    path.stem,
                    precision,
                    _serialised(graph),
                    len(content),
                    truth,
                    answers,
                    run.test_labels,
                )
            )
    keras_accuracy = float((truth.argmax(axis=1) == run.test_labels).mean())
    report = ParityReport(
        run=run.path.name,
        cells=len(run.test_cells),
        keras_accuracy=keras_accuracy,
        onnxruntime=onnxruntime.__version__,
        variants=tuple(variants),
    )

    text = report.to_json().encode()
    models = {}
    for variant in report.variants:
        metadata = _metadata(
            run, variant.precision, f"{variant.accuracy:.4f}", sha256(text).hexdigest()
        )
        content = with_metadata(graphs[variant.precision], metadata)
        models[run.path / f"{variant.name}.onnx"] = content
    replace_all(models | {run.path / "parity.json": text})
    return Built(run, report, tuple(models))


def _load_keras(path: Path) -> keras.Model:
    try:
        model = keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise RunError(f"{path}: Keras cannot load it ({error}); train the run again") from error
    side, classes = contract.SIDE, len(contract.LABELS)
    if model.input_shape != (None, side, side) or model.output_shape != (None, classes):
        raise RunError(
            f"{path}: goes from {model.input_shape} to {model.output_shape}; the contract goes "
            f"from {(None, side, side)} to {(None, classes)}"
        )
    return model


def _name(run: Run, precision: str) -> str:
    return run.family if precision == "fp32" else f"{run.family}-{precision}"


def _serialised(graph: onnx.ModelProto) -> bytes:
    return bytes(graph.SerializeToString(deterministic=True))


def _metadata(
    run: Run, precision: str, accuracy: str = "0.0000", report: str = "0" * 64
) -> dict[str, str]:
    """What a model file says of itself; accuracy and the report's digest are known last."""
    hashes = run.data["hashes"]
    return {
        "name": _name(run, precision),
        "family": run.family,
        "precision": precision,
        "version": siffra.__version__,
        "contract": str(contract.VERSION),
        "labels": json.dumps(list(contract.LABELS)),
        "recipe": json.dumps(dict(run.config)),
        "data": json.dumps(hashes),
        "accuracy": accuracy,
        "test_cells": str(len(run.test_cells)),
        "calibration": json.dumps(
            {"method": "temperature, within the weights", "temperature": run.metrics["temperature"]}
        ),
        "score": contract.SCORE,
        "threshold": str(run.metrics["threshold"]),
        "parity": report,
        "licence": LICENCE if "train-images-idx3-ubyte" in hashes else OWN_LICENCE,
    }
