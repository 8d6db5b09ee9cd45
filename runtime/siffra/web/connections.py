"""Connections, which must soon say what they want."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


def connections(patience: float) -> type[H11Protocol]:
    """Return a protocol for uvicorn that drops who sends no whole request head in so many seconds.

    uvicorn itself only drops who is silent after an answer.
    """

    class Connection(_Connection):
        _patience = patience

    return Connection


class _Connection(H11Protocol):
    _patience: float
    _impatience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:  # uvicorn and asyncio disagree on its type
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._calm()

    def _wait(self) -> None:
        """Begin to wait for a head, once; or stop, now that it is there."""
        if self.conn.their_state is not h11.IDLE:
            self._calm()
        elif self._impatience is None:
            self._impatience = self.loop.call_later(self._patience, self.transport.abort)

    def _calm(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None
