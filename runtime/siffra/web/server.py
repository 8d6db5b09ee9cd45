"""The server: from the first address announced to the last thread ended."""

import asyncio
import secrets
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from ..reader import Reader
from .access import LOOPBACK_NAMES, Access
from .address import ServerError, is_loopback, listen, typed
from .app import Pages
from .bodies import Limits
from .connections import connections
from .show import Show

if TYPE_CHECKING:
    from ..live import Watch
    from ..record import Recorder

_SHORTEST = 8  # characters of a token that is worth the name
_LEAVE = 1.0  # seconds that those who are being answered have when the server ends
_UNSENT = 1 << 16  # bytes that may wait in the system for a slow viewer: pictures go stale there


def serve(
    watch: "Watch | None",
    reader: Reader,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    certificate: Path | None = None,
    key: Path | None = None,
    why_no_camera: str | None = None,
    recorder: "Recorder | None" = None,
    announce: Callable[[str], None] | None = None,
    limits: Limits | None = None,
) -> None:
    """Serve the page until SIGINT or SIGTERM.

    Without a token only this machine can ask. Anywhere else a token is needed, and made if none is
    given. Nothing that is sent here is kept.

    Args:
        watch: The camera of this machine; left open. None: the page offers the rest.
        reader: Reads the pictures that are sent.
        host: Where to listen; 127.0.0.1 and localhost are reached from this machine alone.
        port: 0 takes a free one.
        token: What who asks must know.
        certificate: PEM file: speak https.
        key: PEM file of its key, where the certificate's file does not hold it.
        why_no_camera: What the page says where `watch` is None.
        recorder: Records the camera, whether anybody looks or not; left open.
        announce: Takes the lines that a person needs to get here; other threads may call it.
        limits: What is taken on.

    Raises:
        ServerError: The address, the token or the certificate cannot be used.
    """
    limits = limits or Limits()
    announce = announce or _nobody
    if token is not None and (len(token) < _SHORTEST or not token.isascii()):
        raise ServerError(f"the token is too easy; take {_SHORTEST} ASCII characters or more")
    with listen(host, port) as listener:
        alone = is_loopback(listener)
        if token is None and not alone:
            token = secrets.token_urlsafe(24)
        access = Access(
            hosts=LOOPBACK_NAMES | {host.lower()} if alone else None,
            token=token,
            cookie=f"siffra-{listener.getsockname()[1]}",
        )
        show = Show(watch, why_no_camera, recorder, announce)
        pages = Pages(show, reader, access, limits, secure=certificate is not None)
        config = uvicorn.Config(
            pages.app(),
            http=connections(limits.head),
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=round(3 * _LEAVE),
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            raise ServerError(
                f"{certificate} cannot be used as certificate ({error}); it and its key must be "
                "PEM files"
            ) from error
        _keep_fresh(listener)
        for line in _welcome(typed(listener), token, certificate is not None, alone):
            announce(line)
        try:
            _Server(config, show).run(sockets=[listener])
        finally:
            pages.close()


class _Server(uvicorn.Server):
    """Ends the streams when it ends, and returns where others would die by the signal."""

    def __init__(self, config: uvicorn.Config, show: Show) -> None:
        super().__init__(config)
        self._show = show

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and start the camera's loop."""
        await super().startup(sockets)
        self._show.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then all else; who does not leave in time is put out."""
        self._show.stop()
        asyncio.get_running_loop().call_later(_LEAVE, self._put_out)
        await super().shutdown(sockets)
        await asyncio.to_thread(self._show.join)  # it publishes to this event loop

    def _put_out(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note that the server is to end; a second signal does not wait for anybody."""
        self.force_exit = self.should_exit
        self.should_exit = True


def _keep_fresh(listener: socket.socket) -> None:
    """Keep the system from buffering old pictures for a viewer whose network is slow."""
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)


def _welcome(address: str, token: str | None, secure: bool, alone: bool) -> list[str]:
    """Return what to say to the person who started the server."""
    query = f"?token={token}" if token else ""
    lines = [f"open http{'s' if secure else ''}://{address}/{query}  (Ctrl+C ends it)"]
    if not alone:
        lines.append(
            "everyone on this network who has this address, token included, sees the camera's "
            "picture and can have pictures read"
        )
        if not secure:
            lines.append(
                "it is not encrypted; and browsers give their own camera only to https or "
                "localhost: see --certificate and --key"
            )
    return lines


def _nobody(line: str) -> None:
    """Take a line that nobody wants to read."""
