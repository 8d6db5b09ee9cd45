"""What of one frame continues as what in the next: by places, sizes and labels."""

import numpy as np
from numpy.typing import NDArray

_NEAR = 0.6  # of their sizes, that a track and what continues it may be apart
_ALIKE = 2.0  # times that one may be as high as the other

Boxes = NDArray[np.float64]
"""float64 [n, 4]: left, top, width and height in pixels."""


def motion_to(
    known: Boxes, seen: Boxes, expected: NDArray[np.intp], labels: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the one motion that brings most tracks to something alike."""
    alike = np.abs(np.log(known[:, None, 3] / seen[None, :, 3])) < np.log(_ALIKE)
    alike &= expected[:, None] == labels[None, :]
    steps = middle(seen)[None] - middle(known)[:, None]  # [known, seen, 2]
    steps[~alike] = np.inf
    near = _NEAR / 2 * known[:, None, 3]
    best, votes = np.zeros(2), 0
    for step in steps[alike]:
        found = int((np.abs(steps - step).max(axis=2) < near).any(axis=1).sum())
        if found > votes:
            best, votes = step, found
    return best


def nearest_pairs(known: Boxes, motion: NDArray[np.float64], seen: Boxes) -> list[tuple[int, int]]:
    """Return tracks, moved, and what they continue as: the nearest first, each once."""
    apart = np.abs(middle(seen)[None] - middle(known)[:, None] - motion).max(axis=2)
    tall = np.maximum(known[:, None, 2:].max(axis=2), seen[None, :, 2:].max(axis=2))
    ratio = known[:, None, 3] / seen[None, :, 3]
    far = apart / tall + np.abs(np.log(ratio)) / 4
    far[(apart > _NEAR * tall) | (ratio > _ALIKE) | (ratio < 1 / _ALIKE)] = np.inf
    nearest = np.argsort(far, axis=None)[: np.isfinite(far).sum()]
    pairs: dict[int, int] = {}
    taken = set()
    for index, at in zip(*np.unravel_index(nearest, far.shape), strict=True):
        if int(index) not in pairs and int(at) not in taken:
            pairs[int(index)] = int(at)
            taken.add(int(at))
    return list(pairs.items())


def middle(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the middles of boxes, float64 [..., 2]."""
    middles: NDArray[np.float64] = boxes[..., :2] + boxes[..., 2:] / 2
    return middles


def shared(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the area that two boxes have in common."""
    low = np.maximum(one[:2], other[:2])
    high = np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    return float(np.clip(high - low, 0, None).prod())


def area(box: NDArray[np.float64]) -> float:
    """Return the area of a box."""
    return float(box[2] * box[3])
