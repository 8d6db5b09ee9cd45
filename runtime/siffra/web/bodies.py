"""The picture in a request's body, taken in within limits of type, size and time."""

import asyncio
import os
from dataclasses import dataclass
from time import monotonic

from starlette.exceptions import HTTPException
from starlette.requests import Request

from ..decode import why_undecodable
from ..sizes import MAX_PIXELS, stated_size


@dataclass(frozen=True)
class Limits:
    """What the server takes on."""

    body: int = 20_000_000
    """Bytes of a picture's file."""

    pixels: int = MAX_PIXELS
    """Pixels of a picture: a small file may unfold to more than the memory holds."""

    pause: float = 10.0
    """Seconds that a sender may say nothing."""

    whole: float = 60.0
    """Seconds from a request to the end of its body."""

    at_work: int = min(4, os.cpu_count() or 1)
    """Pictures that are read at the same time."""

    taken: int = 16
    """Pictures that are read, wait to be read or are on their way here."""

    refused: int = 100_000_000
    """Bytes that are let go by of a body that is refused, so that its sender hears why."""

    head: float = 10.0
    """Seconds from a connection, or from the first word of a request, to the end of its head."""

    streams: int = 100
    """Streams of pictures and of events at the same time; a page that shows the camera has both."""

    viewers: int = 16
    """Cameras of viewers whose readings are held steady."""


async def picture_in(request: Request, limits: Limits) -> bytes:
    """Take in the picture file that a request carries.

    Raises:
        HTTPException: It is none (400, 415), too slow (408) or too large (413).
    """
    _check_announced(request, limits)
    data = bytearray()
    more = True
    deadline = monotonic() + limits.whole
    try:
        while more:
            patience = min(limits.pause, deadline - monotonic())
            message = await asyncio.wait_for(request.receive(), patience)
            if message["type"] == "http.disconnect":
                raise HTTPException(400, "the connection ended before the picture did")
            data += message.get("body", b"")
            more = message.get("more_body", False)
            if len(data) > limits.body:
                raise _too_large(limits)
    except asyncio.TimeoutError as error:
        paused = monotonic() < deadline
        why = f"paused for {limits.pause:g} s" if paused else f"took more than {limits.whole:g} s"
        raise HTTPException(
            408,
            f"the picture {why} after {len(data)} bytes; send it again, or a smaller one",
            {"Connection": "close"},
        ) from error
    return _checked(bytes(data), limits)


def _check_announced(request: Request, limits: Limits) -> None:
    """Refuse by what a request says of its body before it comes."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and not kind.startswith("image/") and kind != "application/octet-stream":
        raise HTTPException(
            415,
            f"the body says that it is {kind}, not a picture; send the file itself as "
            "image/jpeg, image/png or application/octet-stream "
            "(curl --data-binary @note.jpg -H 'Content-Type: image/jpeg' ...)",
        )
    if int(request.headers.get("content-length", 0)) > limits.body:  # a number: h11 has checked
        raise _too_large(limits)


def _too_large(limits: Limits) -> HTTPException:
    return HTTPException(
        413,
        f"the picture is larger than {limits.body / 1e6:g} MB; send it smaller or as JPEG",
    )


def _checked(data: bytes, limits: Limits) -> bytes:
    if not data:
        raise HTTPException(400, "the body is empty; send a picture file in it")
    size = stated_size(data)
    if size is None:
        raise HTTPException(400, f"{len(data)} bytes: {why_undecodable(data)}")
    width, height = size
    if width * height > limits.pixels:
        raise HTTPException(
            413,
            f"the picture has {width}x{height} pixels, more than "
            f"{limits.pixels / 1e6:g} million; send it smaller",
        )
    return data
