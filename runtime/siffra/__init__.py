"""Read handwritten digits from pictures.

    from siffra import Reader
    print(Reader().read("note.jpg").text)

Importing siffra loads neither NumPy, onnxruntime nor OpenCV; the first use of a name does.
"""

from importlib import import_module

__version__ = "0.1.0"

TYPE_CHECKING = False  # type checkers take it for true; importing `typing` takes 8 ms

if TYPE_CHECKING:
    from .errors import CameraError, DependencyError, ImageError, ModelError, SiffraError
    from .live import watch
    from .reader import Reader
    from .results import Box, Digit, Reading

_HOMES = {
    "Box": "results",
    "CameraError": "errors",
    "DependencyError": "errors",
    "Digit": "results",
    "ImageError": "errors",
    "ModelError": "errors",
    "Reader": "reader",
    "Reading": "results",
    "SiffraError": "errors",
    "watch": "live",
}

__all__ = [
    "Box",
    "CameraError",
    "DependencyError",
    "Digit",
    "ImageError",
    "ModelError",
    "Reader",
    "Reading",
    "SiffraError",
    "__version__",
    "watch",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
