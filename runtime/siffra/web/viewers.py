"""The cameras of those who look at the page: each is followed, so that its reading is steady."""

import threading
from collections import OrderedDict
from time import monotonic

from .. import images
from ..follow import Follower
from ..reader import Reader
from ..results import Reading

_FORGOTTEN = 10.0  # seconds without a frame, after which a viewer begins anew


class _Viewer:
    """One of them: a follower, used by one thread at a time."""

    def __init__(self, reader: Reader) -> None:
        self.follower = Follower(reader)
        self.lock = threading.Lock()
        self.seen = monotonic()


class Viewers:
    """Some viewers, each known by a name that its page made up.

    Args:
        reader: Reads the frames.
        most: How many are kept; one more takes the place of the one not seen the longest.
    """

    def __init__(self, reader: Reader, most: int) -> None:
        self._reader = reader
        self._most = most
        self._lock = threading.Lock()
        self._viewers: OrderedDict[str, _Viewer] = OrderedDict()

    def follow(self, name: str, data: bytes) -> Reading:
        """Read the next frame of a viewer, a picture file, in the light of those before.

        Raises:
            ImageError: It is no picture.
        """
        pixels = images.load(data)
        viewer = self._viewer(name)
        with viewer.lock:
            return viewer.follower.follow(pixels)

    def _viewer(self, name: str) -> _Viewer:
        now = monotonic()
        with self._lock:
            while self._viewers:
                oldest, viewer = next(iter(self._viewers.items()))
                if now - viewer.seen < _FORGOTTEN and len(self._viewers) <= self._most:
                    break
                del self._viewers[oldest]
            found = self._viewers.setdefault(name, _Viewer(self._reader))
            found.seen = now
            self._viewers.move_to_end(name)
            return found
