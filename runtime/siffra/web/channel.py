"""One value that is replaced again and again, for any number of readers, each at its own pace."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class Channel(Generic[_Value]):
    """The newest value: a reader that is slow misses values, and delays nobody.

    Args:
        on_reader: Is called when somebody begins to read.
    """

    def __init__(self, on_reader: Callable[[], None]) -> None:
        self._on_reader = on_reader
        self._value: _Value | None = None
        self._number = 0
        self._changed = asyncio.Event()
        self._closed = False
        self.readers = 0
        """How many read just now; other threads may look."""

    def put(self, value: _Value) -> None:
        """Replace the value; in the thread of the event loop."""
        self._value = value
        self._number += 1
        self._wake()

    def close(self) -> None:
        """End all readers."""
        self._closed = True
        self._wake()

    async def values(self, heartbeat: float, fresh: bool = False) -> AsyncIterator[_Value | None]:
        """Yield the value, and again when it was replaced; None after `heartbeat` s without.

        Args:
            heartbeat: In seconds.
            fresh: Whether to begin with the next value, not with the one that is there.
        """
        seen = self._number if fresh else 0
        self.readers += 1
        self._on_reader()
        try:
            while not self._closed:
                if self._value is not None and self._number > seen:
                    seen = self._number
                    yield self._value
                    continue
                try:
                    await asyncio.wait_for(self._changed.wait(), heartbeat)
                except asyncio.TimeoutError:
                    yield None
        finally:
            self.readers -= 1

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
