"""A progress bar for the command line, on standard error, where a person sees it."""

import sys
from types import TracebackType

_WIDTH = 30
_MANY = 10  # fewer are done before a bar could be read


class Progress:
    """Counts steps; shows nothing unless there are many and standard error is a terminal."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._shown = total >= _MANY and sys.stderr.isatty()

    def __enter__(self) -> "Progress":
        self.draw()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.clear()

    def step(self) -> None:
        """Count one more."""
        self._done += 1
        self.draw()

    def draw(self) -> None:
        """Draw the bar, over the one that may be there."""
        if self._shown:
            filled = _WIDTH * self._done // self._total
            bar = "#" * filled + "." * (_WIDTH - filled)
            print(f"\r[{bar}] {self._done}/{self._total}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the bar off the line, so that a result can be printed there."""
        if self._shown:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
