"""From a Keras run to ONNX models of the contract: `python -m export RUN`."""
