"""The camera in a browser: a page, its live picture, and the reader over HTTP.

Needs Starlette and uvicorn; nothing outside of this package imports it before it is asked for.
"""

from ..errors import DependencyError

try:
    import starlette  # noqa: F401
    import uvicorn  # noqa: F401
except ImportError as error:
    raise DependencyError(
        "serving a page needs Starlette and uvicorn, which are not installed: "
        'pip install "siffra[web,headless]"'
    ) from error

from .bodies import Limits
from .server import serve

__all__ = ["Limits", "serve"]
