"""One onnxruntime session: how cells go in and probabilities come out, at the least cost."""

import os
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import contract
from .errors import DependencyError

_ONE = (1, contract.SIDE, contract.SIDE)
_CLASSES = len(contract.LABELS)


class Session:
    """A loaded model. Safe to share between threads.

    One thread computes unless more are asked for: on nets this small more do not help, and
    onnxruntime's waiting threads would burn half a core by spinning.

    Args:
        content: An ONNX model.
        threads: Threads that compute one inference, at most as many as the machine has cores.

    Raises:
        DependencyError: onnxruntime is not installed, or does not load.
        Exception: The model does not load; onnxruntime's own exceptions share no narrower base.
    """

    def __init__(self, content: bytes, threads: int) -> None:
        onnxruntime = import_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = min(threads, os.cpu_count() or 1)
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors alone: boards print warnings that mean nothing here
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        self._idle: list[_OneCell] = []
        self.inputs = [(i.name, i.type, i.shape[1:]) for i in self._session.get_inputs()]
        """Name, type and shape of a cell, for each input of the model."""
        self.outputs = [(o.name, o.type, o.shape[1:]) for o in self._session.get_outputs()]
        """The same of what it gives for a cell."""
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map

    def run(self, cells: NDArray[np.uint8], batch: int) -> NDArray[np.float32]:
        """Classify cells by a model that follows the contract.

        Args:
            cells: uint8 [n, 28, 28].
            batch: The most cells to be computed at once.

        Returns:
            float32 [n, 10], which no later call changes.
        """
        if cells.shape == _ONE:
            return self._run_one(cells)
        if 0 < len(cells) <= batch:
            return self._run_batch(cells)
        answers = np.empty((len(cells), _CLASSES), np.float32)
        for start in range(0, len(cells), batch):
            part = slice(start, start + batch)
            answers[part] = self._run_batch(cells[part])
        return answers

    def _run_batch(self, cells: NDArray[np.uint8]) -> NDArray[np.float32]:
        answers: NDArray[np.float32]
        (answers,) = self._session.run([contract.OUTPUT], {contract.INPUT: cells})
        return answers

    def _run_one(self, cells: NDArray[np.uint8]) -> NDArray[np.float32]:
        # As many as were ever in use at once are kept. Taking and giving back are atomic, and
        # unlike `threading.local` this costs a thread that lives for one call no binding.
        try:
            one = self._idle.pop()
        except IndexError:
            one = _OneCell(self._session)
        answer = one.run(cells)
        self._idle.append(one)
        return answer


class _OneCell:
    """Memory for one cell and its answer, bound to a session once and for all.

    A fifth of what a call of a small net takes is onnxruntime's turning of arrays into its own
    values and back; two copies of less than a kilobyte are cheaper.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._cell = np.zeros(_ONE, np.uint8)
        self._answer: NDArray[np.float32] = np.zeros((1, _CLASSES), np.float32)
        self._binding = session.io_binding()
        for bind, name, array in (
            (self._binding.bind_input, contract.INPUT, self._cell),
            (self._binding.bind_output, contract.OUTPUT, self._answer),
        ):
            bind(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)

    def run(self, cells: NDArray[np.uint8]) -> NDArray[np.float32]:
        self._cell[...] = cells
        self._session.run_with_iobinding(self._binding)
        return np.array(self._answer)


def import_onnxruntime() -> Any:
    """Return the module, imported without the reports of usage that it sends by default.

    Raises:
        DependencyError: It is not installed, or does not load.
    """
    if "onnxruntime" not in sys.modules:
        # Since 1.29 onnxruntime reports usage unless this stands before its import. A host that
        # imported it earlier, or set the variable, has made its own choice.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise DependencyError(
            f"onnxruntime does not load ({error}); install it again: "
            "pip install --force-reinstall onnxruntime"
        ) from error
    return onnxruntime
