"""OpenCV, or an error that says which of its builds to install.

The two builds on PyPI overwrite each other's files, so siffra requires neither by itself: a host
that already has `cv2` keeps it, and a machine without it gets the choice.
"""

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

__all__ = ["cv2"]
