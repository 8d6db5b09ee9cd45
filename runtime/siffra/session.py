"""One onnxruntime session: how cells go in and probabilities come out, at the least cost."""

import ctypes
import os
import sys
from collections.abc import Callable
from threading import RLock
from typing import Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from . import contract
from .errors import DependencyError

_ONE = (1, contract.SIDE, contract.SIDE)
_CLASSES = len(contract.LABELS)


class Session:
    """A loaded model. Safe to share between threads, and to use after a fork.

    One thread computes unless more are asked for: on nets this small more do not help, and
    onnxruntime's waiting threads would burn half a core by spinning.

    A session of onnxruntime does not survive a fork: its threads are not in the child, and a lock
    that another thread held just then stays locked. The child makes its own when it needs one.

    Args:
        content: An ONNX model.
        threads: Threads that compute one inference, at most as many as the machine has cores.

    Raises:
        DependencyError: onnxruntime is not installed, or does not load.
        MemoryError: It does not suffice.
        Exception: The model does not load; onnxruntime's own exceptions share no narrower base.
    """

    def __init__(self, content: bytes, threads: int) -> None:
        self.content, self.threads = content, threads
        session = _start(content, threads)
        self._session = session  # None in a child until it has its own
        self._idle: list[_OneCell] = []
        self.inputs = [(i.name, i.type, i.shape[1:]) for i in session.get_inputs()]
        """Name, type and shape of a cell, for each input of the model."""
        self.outputs = [(o.name, o.type, o.shape[1:]) for o in session.get_outputs()]
        """The same of what it gives for a cell."""
        self.metadata: dict[str, str] = session.get_modelmeta().custom_metadata_map
        _sessions.add(self)

    def forget(self) -> None:
        """Let go of what a fork brought here, without destroying it: that would wait for threads.

        They are in the parent alone. The reference more outlasts even the end of the interpreter.
        """
        ctypes.pythonapi.Py_IncRef(ctypes.py_object((self._session, self._idle)))
        self._session, self._idle = None, []

    def run(self, cells: NDArray[np.uint8], batch: int) -> NDArray[np.float32]:
        """Classify cells by a model that follows the contract.

        Args:
            cells: uint8 [n, 28, 28].
            batch: The most cells to be computed at once.

        Returns:
            float32 [n, 10], which no later call changes.

        Raises:
            MemoryError: It does not suffice.
        """
        try:
            if cells.shape == _ONE:
                return self._run_one(cells)
            if 0 < len(cells) <= batch:
                return self._run_batch(cells)
            answers = np.empty((len(cells), _CLASSES), np.float32)
            for start in range(0, len(cells), batch):
                part = slice(start, start + batch)
                answers[part] = self._run_batch(cells[part])
            return answers
        except Exception as error:
            _tell_of_memory(error)
            raise

    def _run_batch(self, cells: NDArray[np.uint8]) -> NDArray[np.float32]:
        answers: NDArray[np.float32]
        (answers,) = self._started().run([contract.OUTPUT], {contract.INPUT: cells})
        return answers

    def _run_one(self, cells: NDArray[np.uint8]) -> NDArray[np.float32]:
        # As many as were ever in use at once are kept. Taking and giving back are atomic, and
        # unlike `threading.local` this costs a thread that lives for one call no binding.
        idle = self._idle
        try:
            one = idle.pop()
        except IndexError:
            one = _OneCell(self._started())
        answer = one.run(cells)
        idle.append(one)
        return answer

    def _started(self) -> Any:
        if self._session is None:
            with _loading:  # all threads of the child are to share one
                if self._session is None:
                    self._session = _start(self.content, self.threads)
        return self._session


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


_sessions: WeakSet[Session] = WeakSet()
_loading = RLock()
"""Taken while a session starts, and during a fork: onnxruntime's own locks, which a session takes
as it starts, must not be taken in the child."""


def _forget_inherited() -> None:
    for session in list(_sessions):
        session.forget()
    # It is held by the parent's thread that forked or, if Ctrl-C came while that waited for it, by
    # one that is not here: what a fork then raises Python prints, and forks. As `logging` does.
    reinit: Callable[[], None] = getattr(_loading, "_at_fork_reinit")  # noqa: B009, mypy knows it not
    reinit()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(
        before=_loading.acquire,
        after_in_parent=_loading.release,
        after_in_child=_forget_inherited,
    )


def _start(content: bytes, threads: int) -> Any:
    with _loading:
        onnxruntime = import_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = min(threads, os.cpu_count() or 1)
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # boards print warnings that mean nothing, errors are raised
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            return onnxruntime.InferenceSession(
                content,
                options,
                providers=["CPUExecutionProvider"],
                enable_fallback=0,  # to what failed just now, with a note on stdout; since 1.27
            )
        except Exception as error:
            _tell_of_memory(error)
            raise


def _tell_of_memory(error: Exception) -> None:
    """Raise a MemoryError where an error of onnxruntime, which has none, means that."""
    if "bad_alloc" in str(error) or "Failed to allocate memory" in str(error):
        raise MemoryError(
            "the memory does not suffice for the model; give the process more, or pass fewer cells "
            "at once"
        ) from error


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
        if isinstance(error.__cause__, KeyboardInterrupt):  # while its library initialised itself
            raise error.__cause__ from None
        raise DependencyError(
            f"onnxruntime does not load ({error}); install it again: "
            "pip install --force-reinstall onnxruntime"
        ) from error
    return onnxruntime
