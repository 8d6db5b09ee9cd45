"""The cameras of those who look at the page: each is followed, so that its reading is steady."""

import threading
from collections import OrderedDict
from time import monotonic

from .. import images
from ..follow import Follower
from ..reader import Reader, Rotate
from ..results import Reading

_FORGOTTEN = 10.0  # seconds without a frame, after which a viewer begins anew


class _Viewer:
    """One of them: a follower, used by one thread at a time."""

    def __init__(self, reader: Reader, rotate: Rotate) -> None:
        self.follower = Follower(reader, rotate=rotate)
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
        self._viewers: OrderedDict[tuple[str, Rotate], _Viewer] = OrderedDict()

    def follow(self, name: str, data: bytes, rotate: Rotate = 0) -> Reading:
        """Read the next frame of a viewer, a picture file, in the light of those before.

        Frames that are turned otherwise are another viewer's.

        Raises:
            ImageError: It is no picture.
        """
        pixels = images.load(data, self._reader.max_pixels)
        viewer = self._viewer(name, rotate)
        with viewer.lock:
            return viewer.follower.follow(pixels)

    def _viewer(self, name: str, rotate: Rotate) -> _Viewer:
        now = monotonic()
        with self._lock:
            while self._viewers:
                oldest, viewer = next(iter(self._viewers.items()))
                if now - viewer.seen < _FORGOTTEN:
                    break
                del self._viewers[oldest]
            found = self._viewers.setdefault((name, rotate), _Viewer(self._reader, rotate))
            found.seen = now
            self._viewers.move_to_end((name, rotate))
            if len(self._viewers) > self._most:
                self._viewers.popitem(last=False)
            return found
