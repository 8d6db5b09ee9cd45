"""Ctrl-C that does not get lost."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def noticing_interrupts() -> Iterator[Callable[[], None]]:
    """Yield a function to call now and then; it raises a KeyboardInterrupt that was swallowed.

    Python raises it wherever the program happens to be, and inside TensorFlow's C++ it sometimes
    vanishes: one in twenty, pressed just after the first epoch. Training would go on as if nothing
    had been pressed.
    """
    pressed = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        pressed.set()
        signal.default_int_handler(number, frame)

    def check() -> None:
        if pressed.is_set():
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    # A process in the background ignores Ctrl-C, and should go on doing so.
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, note)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def deferring_interrupts() -> Iterator[None]:
    """Put Ctrl-C off until the end, for the moment that it takes to start processes.

    These inherit that they do not get it: one that is pressed while they import would end each of
    them with a traceback. Windows cannot.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
