"""What can go wrong, as exceptions that callers can tell apart."""


class SiffraError(Exception):
    """Base of every error that siffra raises on purpose."""


class ImageError(SiffraError, ValueError):
    """An input that cannot be read as a picture; the message says what it was and what works."""


class ModelError(SiffraError, ValueError):
    """A model that is missing, is not one of ours, or follows a contract unknown to siffra."""


class DependencyError(SiffraError, ImportError):
    """An optional dependency that this call needs is missing; the message says what to install."""


class CameraError(SiffraError, OSError):
    """A source of frames that is missing, is busy or gives none; the message says what to do."""
