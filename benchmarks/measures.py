"""What is measured of answers: proportions, calibration and separation, with their uncertainty."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

_Z = 1.959964  # a normal variable lies within this many standard deviations in 95 % of cases
_BINS = 15


@dataclass(frozen=True)
class Estimate:
    """A measured value with its 95 % confidence interval; NaN where nothing was measured."""

    value: float
    low: float
    high: float
    n: int
    """How many pictures or cells it rests on; for an AUROC, how many non-digits."""


@dataclass(frozen=True)
class Answers:
    """What a model says of pictures: its best answer to each, and how sure it is."""

    labels: NDArray[np.int64]
    """[n], 0 to 9; -1 where no cell was found in the picture."""
    confidences: NDArray[np.float64]
    """[n], maximum probability; 0 where no cell was found."""

    @property
    def asked(self) -> NDArray[np.bool_]:
        """Where the network was asked: bool [n]."""
        return self.labels >= 0


def joined(answers: Sequence[Answers]) -> Answers:
    """Put answers one after the other."""
    return Answers(
        np.array([label for each in answers for label in each.labels], np.int64),
        np.array([confidence for each in answers for confidence in each.confidences], np.float64),
    )


@dataclass(frozen=True)
class Scores:
    """How good answers to pictures of digits are."""

    accuracy: Estimate
    """Share of all pictures whose best answer is right."""
    not_found: int
    """Pictures in which no cell was found, which are wrong answers."""
    ece: float
    """Expected calibration error of the answers that the network gave."""
    coverage: Estimate
    """Share of all pictures that are accepted at the model's threshold."""
    accepted: Estimate
    """Share of the accepted pictures whose answer is right."""


def score(answers: Answers, labels: NDArray[np.uint8], threshold: float) -> Scores:
    """Compare answers with the labels [n]; at `threshold` and above an answer is accepted."""
    right = answers.labels == labels
    accepted = answers.asked & (answers.confidences >= threshold)
    return Scores(
        accuracy=wilson(int(right.sum()), len(right)),
        not_found=int((~answers.asked).sum()),
        ece=calibration_error(answers.confidences[answers.asked], right[answers.asked]),
        coverage=wilson(int(accepted.sum()), len(right)),
        accepted=wilson(int((right & accepted).sum()), int(accepted.sum())),
    )


def wilson(count: int, n: int) -> Estimate:
    """Return the proportion `count / n` with Wilson's score interval (JASA 22, 1927)."""
    if not n:
        return Estimate(math.nan, 0.0, 1.0, 0)
    return Estimate(count / n, *_wilson(count / n, n), n)


def _wilson(share: float, n: float) -> tuple[float, float]:
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    reach = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def calibration_error(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Return the expected calibration error over 15 bins of equal width; NaN for no answers.

    The mean over all answers of the distance between confidence and accuracy in their bin (Guo,
    Pleiss, Sun and Weinberger: "On Calibration of Modern Neural Networks", ICML 2017).

    Args:
        confidences: [n], maximum probabilities.
        right: [n], whether the answer was right.
    """
    if not len(right):
        return math.nan
    # A bin holds its upper end, as in the paper.
    bins = np.clip(np.ceil(confidences * _BINS).astype(int) - 1, 0, _BINS - 1)
    gaps = np.bincount(bins, weights=confidences - right, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(right))


def auroc(digits: NDArray[np.float64], others: NDArray[np.float64]) -> Estimate:
    """Return how well scores tell digits from others: 1 always, 0.5 not at all.

    The area under the ROC curve, which is the chance that a digit has the higher score, with the
    standard error of Hanley and McNeil (Radiology 143, 1982). At an area of 1 that error is 0,
    which says more than the data does.

    Args:
        digits: [n], scores of digits.
        others: [m], scores of what is none.
    """
    if not len(digits) or not len(others):
        return Estimate(math.nan, 0.0, 1.0, len(others))
    truth = np.repeat([1, 0], [len(digits), len(others)])
    area = float(roc_auc_score(truth, np.concatenate([digits, others])))
    two_digits, two_others = area / (2 - area), 2 * area**2 / (1 + area)
    variance = (
        area * (1 - area)
        + (len(digits) - 1) * (two_digits - area**2)
        + (len(others) - 1) * (two_others - area**2)
    ) / (len(digits) * len(others))
    reach = _Z * math.sqrt(max(0.0, variance))
    return Estimate(area, max(0.0, area - reach), min(1.0, area + reach), len(others))


def mean_accuracy(right: NDArray[np.bool_]) -> Estimate:
    """Return the share that is right, over families of the same cells.

    The answers to one cell in several families are no independent ones. So the interval is
    Wilson's for the number of independent answers that would give the same variance of the share
    (Kish's effective sample size); for one family that is the number of cells.

    Args:
        right: [families, n], whether the answer to each cell was right in each family.
    """
    if not right.size:
        return Estimate(math.nan, 0.0, 1.0, 0)
    of_cells = right.mean(axis=0)
    share, n = float(of_cells.mean()), len(of_cells)
    variance = float(of_cells.var()) / n
    effective = share * (1 - share) / variance if variance else n
    return Estimate(share, *_wilson(share, effective), right.size)


def mean_estimate(estimates: list[Estimate]) -> Estimate:
    """Return the mean of estimates, with the mean of their intervals.

    The mean cannot be less certain than that, however the estimates hang together.
    """
    if not estimates:
        return Estimate(math.nan, 0.0, 1.0, 0)
    value, low, high = (
        float(np.mean([getattr(estimate, field) for estimate in estimates]))
        for field in ("value", "low", "high")
    )
    return Estimate(value, low, high, sum(estimate.n for estimate in estimates))


def plain(value: Any) -> Any:
    """Return a value of dataclasses' `asdict` as JSON has it: NaN, which it lacks, becomes null."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
