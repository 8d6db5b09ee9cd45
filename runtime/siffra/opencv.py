"""OpenCV, or an error that says which of its builds to install.

The two builds on PyPI overwrite each other's files, so siffra requires neither by itself: a host
that already has `cv2` keeps it, and a machine without it gets the choice.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from .errors import DependencyError

try:
    import cv2
except ImportError as error:
    if error.name == "cv2":
        raise DependencyError(
            "reading pictures needs OpenCV, which is not installed: "
            'pip install "siffra[headless]" (servers, boards, containers) '
            'or "siffra[gui]" (desktops, OpenCV with its windows)'
        ) from error
    if "numpy" in str(error):
        cure = "it was built for NumPy 1: install OpenCV 4.12 or later, or numpy<2"
    else:
        cure = 'on a machine without a display install "siffra[headless]" in place of opencv-python'
    raise DependencyError(f"OpenCV is installed but does not load ({error}); {cure}") from error

__all__ = ["cv2", "is_of_memory", "memory_told"]


def is_of_memory(error: cv2.error) -> bool:
    """Whether OpenCV says that the memory does not suffice; its name for that is `StsNoMem`."""
    return "(-4:" in str(error) or "bad_alloc" in str(error)


@contextmanager
def memory_told() -> Iterator[None]:
    """Say in one way where the memory does not suffice, be it OpenCV's, NumPy's or Python's word.

    Raises:
        MemoryError: It does not.
    """
    try:
        yield
    except (MemoryError, cv2.error) as error:
        if isinstance(error, cv2.error) and not is_of_memory(error):
            raise
        raise MemoryError(
            "the memory does not suffice for this picture; make it smaller, lower max_pixels, "
            "or give the process more"
        ) from error
