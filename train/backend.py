"""TensorFlow, brought in without its notes."""

import importlib
import os
import sys
import tempfile

SILENT = "3"


def import_tensorflow() -> None:
    """Import TensorFlow with Keras on it, silently; `TF_CPP_MIN_LOG_LEVEL=0` makes it talk.

    Raises:
        ImportError: It is not installed, or does not start; what it said is on stderr.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"  # the compiled loop is TensorFlow's
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", SILENT) != SILENT:
        importlib.import_module("keras")
        return
    # Its C++ writes some notes before it looks at that variable, and past Python's sys.stderr.
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            importlib.import_module("keras")
        except Exception:
            notes.seek(0)
            os.write(stderr, notes.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
