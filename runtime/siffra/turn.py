"""Pages photographed sideways or upside down: which way up they are."""

import numpy as np

from .cells import to_cells
from .ink import Ink, find_ink
from .lighting import light_of
from .locate import locate
from .network import Classify, log_odds
from .opencv import cv2
from .results import Pixels, Rotation
from .scale import reduce
from .surfaces import find_ink_on_surfaces, has_surfaces

_ROTATIONS: tuple[Rotation, ...] = (0, 90, 180, 270)
_CODES = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_TELLING = 3.0  # log of the odds that turned digits and strays seldom reach
# What another rotation must win by, and by what share: 0, 1, 8, and 6 and 9 together, are as good
# upside down, and which way up they are surer is chance.
_LEAD, _LEAD_SHARE = 2.0, 0.1
_ENOUGH = 400  # regions that tell


def rotated(pixels: Pixels, rotation: Rotation) -> Pixels:
    """Return pixels turned clockwise by some degrees; by none, they come back as they are."""
    if rotation == 0:
        return pixels
    return np.asarray(cv2.rotate(pixels, _CODES[rotation]), dtype=np.uint8)


def find_rotation(grey: Pixels, classify: Classify) -> Rotation:
    """Return by how many degrees clockwise a page must be turned to be upright.

    To the network most digits that are turned are none, and of those that still resemble one (2, 5,
    and 6 and 9, which become each other) it is less sure: upright, digits are surest together.
    Pages that read alike in several rotations stay as they are.

    Args:
        grey: uint8 [H, W].
        classify: The network.
    """
    copy = reduce(grey)
    light = light_of(copy)
    ways = [find_ink(copy, light)]
    if has_surfaces(light):
        ways.append(find_ink_on_surfaces(copy))
    evidence = {
        rotation: max(_evidence(ink, rotation, classify) for ink in ways) for rotation in _ROTATIONS
    }
    best = max(_ROTATIONS, key=lambda rotation: evidence[rotation])
    return best if evidence[best] > (1.0 + _LEAD_SHARE) * evidence[0] + _LEAD else 0


def _evidence(ink: Ink, rotation: Rotation, classify: Classify) -> float:
    """Return how sure the network is of all that is on a page in some rotation."""
    turned = ink._replace(strength=rotated(ink.strength, rotation))
    regions = locate(turned)
    some = regions[:: 1 + len(regions) // _ENOUGH]
    odds = log_odds(classify(to_cells(turned, some)))
    return float(np.maximum(0.0, odds - _TELLING).sum())
