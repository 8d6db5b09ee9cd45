"""What can go wrong, as exceptions that callers can tell apart."""


class SiffraError(Exception):
    """Base of every error that siffra raises on purpose; its message is one printable line.

    What messages quote, the names of files, models and the words of other libraries, may hold line
    breaks and what moves a terminal's cursor: it is escaped.
    """

    def __str__(self) -> str:
        return "".join(
            each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
            for each in super().__str__()
        )


class ImageError(SiffraError, ValueError):
    """An input that cannot be read as a picture; the message says what it was and what works."""


class ModelError(SiffraError, ValueError):
    """A model that is missing, is not one of ours, or follows a contract unknown to siffra."""


class DependencyError(SiffraError, ImportError):
    """An optional dependency that this call needs is missing; the message says what to install."""


class CameraError(SiffraError, OSError):
    """A source of frames that is missing, is busy or gives none; the message says what to do."""
