"""What is installed: versions and released models, as `siffra info` shows them."""

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from . import __version__, contract
from .errors import SiffraError
from .network import Network, shipped


def info() -> dict[str, Any]:
    """Return versions and models as JSON types; one that is lost or broken has an `error`."""
    return {
        "versions": {
            "siffra": __version__,
            "contract": str(contract.VERSION),
            "python": platform.python_version(),
            "platform": platform.platform(),
            "numpy": version("numpy"),
            "onnxruntime": _version("onnxruntime"),
            "opencv": _opencv(),
        },
        "models": [_model(name) for name in shipped()],
    }


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _opencv() -> str:
    try:
        from .opencv import cv2
    except ImportError as error:
        return f"none: {error}"
    return str(cv2.__version__)


def _model(name: str) -> dict[str, Any]:
    try:
        network = Network(name)
        metadata = network.metadata
        return {
            "name": name,
            "default": name == contract.DEFAULT_MODEL,
            "bytes": network.path.stat().st_size,
            "version": metadata["version"],
            "accuracy": float(metadata["accuracy"]),
            "test_cells": int(metadata["test_cells"]),
            "threshold": network.threshold,
            "recipe": json.loads(metadata["recipe"]),
            "parity": metadata.get("parity"),
            "licence": metadata["licence"],
        }
    except (SiffraError, ValueError) as error:
        return {"name": name, "error": str(error)}
