"""Keras to ONNX: the only module that knows tf2onnx."""

from collections.abc import Mapping
from typing import Any

import onnx
import tensorflow as tf
import tf2onnx

from siffra import contract

OPSET = 13  # the first with per-channel dequantisation; onnxruntime has read it since 1.6
IR_VERSION = 7  # the one that came with opset 13


def convert(model: Any) -> onnx.ModelProto:
    """Convert a Keras model from cells to probabilities into an ONNX model of the contract.

    Args:
        model: `keras.Model` with input uint8 [n, 28, 28] and output float32 [n, 10].

    Returns:
        The model with the contract's names, a named batch axis, no metadata yet.
    """
    side = contract.SIDE

    # `from_keras` fails on Keras 3 (tensorflow-onnx #2319); a traced function converts, and the
    # key of what it returns names the output.
    def predict(cells: Any) -> dict[str, Any]:
        return {contract.OUTPUT: model(cells, training=False)}

    signature = [tf.TensorSpec([None, side, side], tf.uint8, name=contract.INPUT)]
    proto: onnx.ModelProto
    proto, _ = tf2onnx.convert.from_function(
        # AutoGraph has nothing to do here, and wants room in the folder for temporary files.
        tf.function(predict, input_signature=signature, autograph=False),
        input_signature=signature,
        opset=OPSET,
    )
    proto.ir_version = IR_VERSION
    # Constant folding leaves opset domains behind that no node uses; old runtimes may refuse them.
    used = {node.domain for node in proto.graph.node}
    kept = [opset for opset in proto.opset_import if opset.domain in used]
    del proto.opset_import[:]
    proto.opset_import.extend(kept)
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.checker.check_model(proto, full_check=True)
    return proto


def with_metadata(proto: onnx.ModelProto, metadata: Mapping[str, str]) -> bytes:
    """Return the serialised model with exactly these metadata properties."""
    stamped = onnx.ModelProto()
    stamped.CopyFrom(proto)
    del stamped.metadata_props[:]
    onnx.helper.set_model_props(stamped, dict(metadata))
    stamped.producer_name = "siffra"
    stamped.producer_version = metadata["version"]
    return bytes(stamped.SerializeToString(deterministic=True))
