"""What happens from frame to frame, told from small copies: nothing, a motion, something new."""

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .opencv import cv2
from .results import Pixels

Change: TypeAlias = Literal["none", "motion", "news"]
"""`news`: more than the picture has been moving of late; after a pause any change is."""

_ACROSS = 20  # blocks of which the mean counts: noise is gone there, the stroke of a pen is not
_MOST = 80  # blocks down, of a picture that is far higher than wide
_SAMPLES = 16, 4  # pixels of a block that are looked at: rows that are left out need no memory
_CHANGE = 3.0  # grey levels of that mean, from which a block has changed
_LEAP = 2.5  # times the change that is usual while the picture moves, that is news
_USUAL = 0.2  # weight of the newest frame in what is usual


class Changes:
    """Watches for changes."""

    def __init__(self) -> None:
        self._known: NDArray[np.float32] | None = None
        self._before: NDArray[np.float32] | None = None
        self._usual = 0.0
        self._moving = False

    def look(self, pixels: Pixels) -> Change:
        """Compare a frame with the last one that was noted, and with the one before it.

        Args:
            pixels: uint8 [H, W] or [H, W, 3] (BGR), of the size of the others.
        """
        now = _means(pixels)
        before, self._before = self._before, now
        if self._known is None or before is None or before.shape != now.shape:
            return "news"
        if np.abs(_change(self._known, now)).max() <= _CHANGE:
            self._moving = False
            self._usual = 0.0
            return "none"
        step = float(np.abs(_change(before, now)).max())
        leaps = step > _LEAP * self._usual
        self._usual += _USUAL * (step - self._usual) if self._moving else step
        moving, self._moving = self._moving, True
        return "motion" if moving and not leaps else "news"

    def note(self) -> None:
        """Take the frame last looked at for what is known from now on."""
        self._known = self._before


def _means(pixels: Pixels) -> NDArray[np.float32]:
    """Return the mean brightness of blocks, float32 [h, w], from one pixel in many."""
    height, width = pixels.shape[:2]
    across, down = (max(1, width // (_ACROSS * samples)) for samples in _SAMPLES)
    # Green is most of what is bright, and one channel is there without a conversion.
    seen = pixels[::down, ::across] if pixels.ndim == 2 else pixels[::down, ::across, 1]
    size = _ACROSS, min(_MOST, max(1, round(_ACROSS * height / width)))
    means = cv2.resize(seen.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(means, dtype=np.float32)


def _change(before: NDArray[np.float32], now: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how blocks have changed, beside the light on each row of them.

    Lamps flicker, and a sensor that is read row by row shows that as bands.
    """
    ratios = np.sort((now + 1.0) / (before + 1.0), axis=1)
    return np.asarray(now - ratios[:, [ratios.shape[1] // 2]] * before, dtype=np.float32)
