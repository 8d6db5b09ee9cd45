"""What became of each digit of a scene.

A digit that is read is right if its label is, and its box belongs to the true one: the centre of
each lies in the other, and neither is twice as high; each belongs to one at most.
What the reader did not accept is no answer: it lacks in recall, but does not count in precision.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.camera import BoxTuple
from benchmarks.scenes import Scene
from siffra import Reading


@dataclass(frozen=True)
class Outcome:
    """What became of the digits of one scene, or of several together."""

    digits: int = 0
    right: int = 0
    mistaken: int = 0
    """Found, and read as another digit."""
    rejected: int = 0
    """Found, and not accepted."""
    missed: int = 0
    """Not found, or only together with another."""
    false: int = 0
    """Accepted where there is no such digit."""
    unsure: int = 0
    """Not accepted, and no digit: a ? in the text."""
    scrambled: int = 0
    """Scenes whose digits are all right, in an order or in lines that are not."""

    def __add__(self, other: "Outcome") -> "Outcome":
        pairs = zip(asdict(self).values(), asdict(other).values(), strict=True)
        return Outcome(*(a + b for a, b in pairs))

    @property
    def precision(self) -> float:
        """Share of what was accepted that is right; 1 where nothing was."""
        accepted = self.right + self.mistaken + self.false
        return self.right / accepted if accepted else 1.0

    @property
    def recall(self) -> float:
        """Share of the digits that were read right; 1 where there are none."""
        return self.right / self.digits if self.digits else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = 2 * self.right + self.mistaken + self.false + (self.digits - self.right)
        return 2 * self.right / total if total else 1.0


def judge(scene: Scene, reading: Reading) -> tuple[Outcome, bool]:
    """Compare a reading with the truth: what became of each digit, and whether all is right."""
    pairs = _pairs(scene.boxes, [digit.box for digit in reading.digits])
    truth = scene.text.replace("\n", "")
    right = mistaken = rejected = 0
    for true, found in pairs.items():
        label = reading.digits[found].label
        right += label == int(truth[true])
        rejected += label is None
        mistaken += label not in (None, int(truth[true]))
    accepted = sum(digit.accepted for digit in reading.digits)
    false = accepted - right - mistaken
    # Of a page without digits it is right to read none, whatever else was looked at.
    exact = reading.text.replace(" ", "") == scene.text if truth else accepted == 0
    outcome = Outcome(
        digits=len(truth),
        right=right,
        mistaken=mistaken,
        rejected=rejected,
        missed=len(truth) - len(pairs),
        false=false,
        unsure=len(reading.digits) - accepted - rejected,
        scrambled=int(right == len(truth) == len(reading.digits) and not exact),
    )
    return outcome, exact


def _pairs(truth: Sequence[BoxTuple], found: Sequence[BoxTuple]) -> dict[int, int]:
    """Which found box belongs to which true one; those that agree best choose first."""
    if not truth or not found:
        return {}
    a, b = np.array(truth, np.float64)[:, None], np.array(found, np.float64)[None]
    low = np.maximum(a[..., :2], b[..., :2])
    high = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    common = np.clip(high - low, 0, None).prod(axis=-1)
    overlap = common / (a[..., 2:].prod(axis=-1) + b[..., 2:].prod(axis=-1) - common)
    alike = np.minimum(a[..., 3], b[..., 3]) > 0.5 * np.maximum(a[..., 3], b[..., 3])
    belongs = alike & _centre_in(a, b) & _centre_in(b, a)
    pairs: dict[int, int] = {}
    for place in np.argsort(-overlap, axis=None):
        i, j = (int(index) for index in np.unravel_index(place, overlap.shape))
        if belongs[i, j] and i not in pairs and j not in pairs.values():
            pairs[i] = j
    return pairs


def _centre_in(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the centre of each box a lies in each box b."""
    offset = a[..., :2] + a[..., 2:] / 2 - b[..., :2]
    return np.asarray(((offset >= 0) & (offset <= b[..., 2:])).all(axis=-1))
