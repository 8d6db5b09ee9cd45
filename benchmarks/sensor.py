"""The webcam over time: its focus, its exposure, the lamp's flicker, noise and compression."""

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]

_READ_OUT = 1 / 35  # s from the first row to the last: the shutter rolls
_HUNT = 0.6  # s that the focus takes there and back
_FAR_OUT = 3.5  # pixels of blur in its middle
_SPOT = 4  # pixels: colour noise that the camera's own smoothing leaves


@dataclass(frozen=True)
class Sensor:
    """What a webcam does to each frame, besides looking from somewhere."""

    noise: float
    """Standard deviation of brightness, grey levels."""
    blotches: float
    """The same of colour noise, which comes in spots."""
    quality: int
    """Of its JPEG, 1 to 100."""
    blur: float
    """Of the lens in focus, standard deviation in pixels."""
    breathing: float
    """How far the focus wanders, pixels of blur."""
    hunts: tuple[float, ...]
    """When the autofocus loses its object and seeks it again, s from the first frame."""
    drift: float
    """How far exposure and white balance wander, as a share of the light."""
    flicker: float
    """Of a lamp on 50 Hz, as a share of the light: bands that run through the picture."""
    phase: float
    """Where all that wanders begins, radians."""

    def expose(
        self, view: Pixels, moved: NDArray[np.float64], at: float, rng: np.random.Generator
    ) -> Pixels:
        """Take the frame of one moment.

        Args:
            view: What is before the lens, uint8 [H, W, 3] (BGR); left as it is.
            moved: How far the picture moves while the shutter is open: x, y in pixels.
            at: s from the first frame.
            rng: Makes the noise.
        """
        height, width = view.shape[:2]
        picture = _smeared(view, moved)
        blur = self._blur(at)
        if blur > 0.2:  # less than a pixel sees
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.uint8)
        light = self._light(at, height)
        noise = rng.standard_normal((height, width, 1), np.float32) * np.float32(self.noise)
        coarse = rng.standard_normal((height // _SPOT, width // _SPOT, 3), np.float32)
        spots = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        exposed = picture * light + noise + np.float32(self.blotches) * np.asarray(spots)
        image = np.clip(np.rint(exposed), 0, 255).astype(np.uint8)
        _, content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
        return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)

    def _blur(self, at: float) -> float:
        breath = self.breathing * (1 + np.sin(2 * np.pi * 0.4 * at + self.phase)) / 2
        since = [(at - hunt) / _HUNT for hunt in self.hunts]
        lost = sum(_FAR_OUT * np.sin(np.pi * share) ** 2 for share in since if 0 < share < 1)
        return float(np.hypot(self.blur + breath, lost))

    def _light(self, at: float, height: int) -> NDArray[np.float32]:
        """The share of the light that is seen, float32 [height, 1, 3]."""
        slow = np.sin(2 * np.pi * np.array([0.11, 0.17, 0.23]) * at + self.phase * np.arange(1, 4))
        gain = 1 + self.drift * (slow.mean() + 0.2 * slow)
        rows = at + _READ_OUT * np.arange(height) / height
        lamp = 1 + self.flicker * np.sin(2 * np.pi * 100 * rows + self.phase)  # twice a period
        return np.asarray(lamp[:, None, None] * gain, np.float32)


def _smeared(view: Pixels, moved: NDArray[np.float64]) -> Pixels:
    """What moves while the shutter is open."""
    length = float(np.hypot(*moved))
    if length < 0.5:
        return view
    side = 2 * int(np.ceil(length / 2)) + 1
    kernel = np.zeros((side, side), np.float32)
    for share in np.linspace(-0.5, 0.5, 8 * side):
        x, y = np.rint(side // 2 + share * moved).astype(int)
        kernel[y, x] += 1
    return np.asarray(cv2.filter2D(view, -1, kernel / kernel.sum()), np.uint8)
