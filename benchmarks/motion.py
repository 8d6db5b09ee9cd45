"""How a camera moves over a page: on a stand, in a hand, slowly across it, away from it."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np


class Pose(NamedTuple):
    """Where the camera is, compared with where it looks straight at the writing."""

    x: float = 0
    """Pixels of a frame by which the page is moved."""
    y: float = 0
    angle: float = 0
    """Degrees by which it is turned."""
    zoom: float = 1
    """How much nearer the camera is."""


Motion: TypeAlias = Callable[[float], Pose]
"""The pose s after the first frame."""

# Of what a hand does: cycles a second from, to; pixels, degrees and share of the distance.
_DRIFT = (0.1, 0.45, 11.0, 0.7, 0.02)
_TREMOR = (3.0, 8.0, 0.7, 0.05, 0.0005)


def stand(rng: np.random.Generator) -> Motion:
    """A camera on a stand, which somebody placed."""
    x, y = rng.uniform(-40, 40, 2)
    pose = Pose(float(x), float(y), float(rng.normal(0, 1.5)), float(rng.uniform(0.9, 1.05)))
    return lambda _: pose


def in_hand(rng: np.random.Generator) -> Motion:
    """A camera that is held: it drifts and trembles, some 1 to 4 pixels from frame to frame."""
    start = np.array(stand(rng)(0))
    waves = []
    for low, high, pixels, degrees, share in (_DRIFT, _TREMOR):
        reach = np.array([pixels, pixels, degrees, share]) * rng.uniform(0.6, 1.4)
        for _ in range(3):
            waves.append((rng.uniform(low, high, 4), rng.uniform(0, 2 * np.pi, 4), reach))

    def pose(at: float) -> Pose:
        swing = sum(reach * np.sin(2 * np.pi * hertz * at + phase) for hertz, phase, reach in waves)
        return Pose(*(start + swing).tolist())

    return pose


def across(seconds: float, rng: np.random.Generator) -> Motion:
    """A camera that is led across the page and towards it, or back, once in `seconds`."""
    held = in_hand(rng)
    side, up = rng.choice((-1, 1), 2) * rng.uniform(60, 130, 2)
    near = rng.choice((-1, 1)) * rng.uniform(0.05, 0.15)
    turn = rng.normal(0, 3)

    def pose(at: float) -> Pose:
        x, y, angle, zoom = held(at)
        way = -np.cos(np.pi * min(1, at / seconds))  # from -1 to 1, gently at both ends
        return Pose(x + side * way, y + up * way, angle + turn * way, zoom * (1 + near * way))

    return pose


def away(motion: Motion, begins: float, seconds: float, rng: np.random.Generator) -> Motion:
    """The same until the camera is turned away, to any side, within some seconds."""
    angle = rng.uniform(0, 2 * np.pi)
    far = 760 * np.array([np.cos(angle), 0.8 * np.sin(angle)])

    def pose(at: float) -> Pose:
        share = min(1.0, max(0.0, (at - begins) / seconds))
        x, y = far * (1 - np.cos(np.pi * share)) / 2
        before = motion(at)
        return before._replace(x=before.x + x, y=before.y + y)

    return pose
