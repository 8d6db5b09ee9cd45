"""A web service that reads what it is sent, as small as they come; gunicorn serves it."""

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from siffra import Reader

reader = Reader(threads=2)
reader.read(np.full((1500, 2000), 200, np.uint8))  # OpenCV's threads and onnxruntime's run already
reader.probabilities(np.zeros((500, 28, 28), np.uint8))


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Answer with the text and with who read it."""
    picture = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    answer = {"text": reader.read(picture).text, "process": os.getpid()}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]
