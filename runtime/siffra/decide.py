"""What is made of probabilities: a digit that can be relied on, or the reason why not."""

from collections.abc import Sequence

from .results import Reason

# A digit that is hard to read is one of two; what is none spreads over all ten. Of what is not
# accepted, the two best answers have this much in seven digits of eight, in one non-digit of ten.
_ONE_OF_TWO = 0.7
# What a page's only digit needs at least, unless a threshold is asked for: nothing beside it speaks
# for it, and letters and pictures without digits have one thing that resembles a digit at most.
_ALONE = 0.9


class Demand:
    """How sure the network has to be.

    Args:
        stated: The model's own threshold.
        asked: The threshold that was asked for, if one was.
    """

    def __init__(self, stated: float, asked: float | None) -> None:
        self.threshold = stated if asked is None else asked
        self._alone = max(_ALONE, stated) if asked is None else asked

    def among(self, sure: int) -> float:
        """Return what a digit needs on a page with so many that reach the threshold."""
        return self._alone if sure == 1 else self.threshold


def reason_against(probabilities: Sequence[float], needed: float) -> Reason | None:
    """Return why a digit is not accepted with these ten probabilities; None if it is."""
    if max(probabilities) >= needed:
        return None
    second, first = sorted(probabilities)[-2:]
    return "low_confidence" if first + second >= _ONE_OF_TWO else "not_a_digit"
