"""From a Keras run to ONNX models of the contract: `python -m export RUN`."""

import os

# Since 1.29 onnxruntime reports usage unless this stands before its import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
