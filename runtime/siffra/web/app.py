"""What the server answers: the page, its streams, and the reader over HTTP."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any, get_args

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from .. import __version__
from ..errors import ImageError
from ..reader import Reader, Rotate
from ..results import Rotation
from ..sources import STANDARD_INPUT
from .access import PUBLIC, Access, Guard
from .bodies import Limits, picture_in
from .documents import document_of
from .leftovers import Leftovers
from .show import Show, event
from .viewers import Viewers

_STATIC = Path(__file__).parent / "static"
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_HTML = "text/html"
_ROTATIONS: dict[str, Rotate] = {"auto": "auto", **{str(each): each for each in get_args(Rotation)}}
_VIEWER = re.compile(r"[0-9a-z]{8,64}")
_BOUNDARY = b"--frame\r\n"
_HEARTBEAT = 5.0  # seconds after which a page is told that the server is still there

Answer = Callable[[bytes], dict[str, Any]]
"""Makes a document of a picture's file."""


class Pages:
    """The routes.

    Args:
        show: The server's camera.
        reader: Reads the pictures that come.
        access: Who may ask.
        limits: What is taken on.
        secure: Whether the server speaks https.
    """

    def __init__(
        self, show: Show, reader: Reader, access: Access, limits: Limits, secure: bool
    ) -> None:
        self._show = show
        self._reader = reader
        self._access = access
        self._limits = limits
        self._secure = secure
        self._viewers = Viewers(reader, limits.viewers)
        self._taken = 0
        self._workers = ThreadPoolExecutor(limits.at_work, thread_name_prefix="siffra reading")
        self._files = {path.name: path.read_bytes() for path in _STATIC.iterdir()}

    def app(self) -> Starlette:
        """Return the application."""
        return Starlette(
            routes=[
                Route("/", self._page),
                Route(PUBLIC + "{name}", self._file),
                Route("/health", self._health),
                Route("/stream", self._stream),
                Route("/events", self._events),
                Route("/look", self._look, methods=["POST"]),
                Route("/read", self._read, methods=["POST"]),
                Route("/classify", self._classify, methods=["POST"]),
            ],
            middleware=[
                Middleware(Leftovers, limits=self._limits),
                Middleware(Guard, access=self._access),
            ],
            exception_handlers={HTTPException: _refused, Exception: _failed},
        )

    def close(self) -> None:
        """Wait until nothing is being read any more."""
        self._workers.shutdown()

    async def _page(self, request: Request) -> Response:
        if self._access.is_token(request.query_params.get("token", "")):
            # The page itself and no redirection to it: after a link on another site the browser
            # would keep the cookie back. The page's script takes the token out of the address.
            response = self._html("index.html")
            response.set_cookie(
                self._access.cookie,
                self._access.cookie_value,
                httponly=True,
                samesite="strict",
                secure=self._secure,
            )
            return response
        if self._access.knows(request):
            return self._html("index.html")
        return self._html("token.html", 401)

    def _html(self, name: str, status: int = 200) -> Response:
        return Response(self._files[name], status, media_type=_HTML)

    async def _file(self, request: Request) -> Response:
        name = request.path_params["name"]
        kind = _KINDS.get(Path(name).suffix)
        if kind is None or name not in self._files:
            raise HTTPException(404)
        tag = f'"{sha256(self._files[name]).hexdigest()[:16]}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(self._files[name], headers=headers, media_type=kind)

    async def _health(self, request: Request) -> Response:
        return JSONResponse(
            {
                "status": "ok",
                "version": __version__,
                "model": self._reader.metadata["name"],
                "camera": self._show.camera(),
                "why_no_camera": self._show.why_no_camera,
                "viewers": self._show.pictures.readers,
            }
        )

    async def _stream(self, request: Request) -> Response:
        self._may_watch()
        kind = "multipart/x-mixed-replace; boundary=frame"
        if request.method == "HEAD":
            return Response(headers={"Content-Type": kind})
        return StreamingResponse(self._parts(), media_type=kind)

    async def _parts(self) -> AsyncIterator[bytes]:
        yield _BOUNDARY
        async for picture in self._show.pictures.values(_HEARTBEAT, fresh=True):
            if picture is not None:
                head = f"Content-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                # The next boundary at once: browsers show a picture when it has ended.
                yield head.encode() + picture + b"\r\n" + _BOUNDARY

    async def _events(self, request: Request) -> Response:
        self._may_watch()
        kind = "text/event-stream"
        if request.method == "HEAD":
            return Response(media_type=kind)
        return StreamingResponse(self._states(), media_type=kind)

    async def _states(self) -> AsyncIterator[str]:
        yield "retry: 1000\n\n"
        async for state in self._show.states.values(_HEARTBEAT):
            yield event(state)

    def _may_watch(self) -> None:
        if self._show.why_no_camera is not None:
            raise HTTPException(404, self._show.why_no_camera)
        streams = self._show.pictures.readers + self._show.states.readers
        if streams >= self._limits.streams:
            message = f"{streams} streams are watched already; try again when somebody has left"
            raise HTTPException(503, message, {"Retry-After": "10"})

    async def _look(self, request: Request) -> Response:
        rotate = _rotation(request)
        viewer = request.query_params.get("viewer")
        if viewer is not None and not _VIEWER.fullmatch(viewer):
            raise HTTPException(400, "viewer must be 8 to 64 letters a-z and digits")

        def look(data: bytes) -> dict[str, Any]:
            started = perf_counter()
            if viewer is None:
                reading = self._reader.read(data, rotate=rotate)
            else:
                reading = self._viewers.follow(viewer, data, rotate)
            spent = 1e3 * (perf_counter() - started)
            return {**document_of(reading), "ms": round(spent, 1)}

        return await self._answer(request, look)

    async def _read(self, request: Request) -> Response:
        rotate = _rotation(request)

        def read(data: bytes) -> dict[str, Any]:
            return {"source": STANDARD_INPUT, **self._reader.read(data, rotate=rotate).to_dict()}

        return await self._answer(request, read)

    async def _classify(self, request: Request) -> Response:
        def classify(data: bytes) -> dict[str, Any]:
            return {"source": STANDARD_INPUT, **self._reader.classify(data).to_dict()}

        return await self._answer(request, classify)

    async def _answer(self, request: Request, answer: Answer) -> Response:
        """Take in a picture and answer with what is made of it in a thread."""
        if self._taken >= self._limits.taken:
            message = f"{self._taken} pictures are being read already; try again in a second"
            raise HTTPException(503, message, {"Retry-After": "1"})
        self._taken += 1
        try:
            data = await picture_in(request, self._limits)
            loop = asyncio.get_running_loop()
            return JSONResponse(await loop.run_in_executor(self._workers, answer, data))
        except ImageError as error:
            raise HTTPException(400, str(error)) from error
        finally:
            self._taken -= 1


def _rotation(request: Request) -> Rotate:
    said = request.query_params.get("rotate", "0")
    if said not in _ROTATIONS:
        raise HTTPException(400, f"rotate must be 0, 90, 180, 270 or auto, not {said!r}")
    return _ROTATIONS[said]


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message, path = error.detail, request.scope["path"]
    if error.status_code == 404 and message == "Not Found":
        message = f"there is nothing at {path}; POST a picture to /read or /classify"
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "another method")
        message = f"{path} does not take {request.method}; use {allowed}"
    return JSONResponse({"error": message}, error.status_code, error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    message = "the server failed, which is a mistake in siffra; it printed the details"
    return JSONResponse({"error": message}, 500)
