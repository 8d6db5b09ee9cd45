"""The median, without the eight modules that importing `statistics` brings along."""

from collections.abc import Iterable


def median(values: Iterable[float]) -> float:
    """Return the middle of one number or more, of an even count the mean of the middle two."""
    ranked = sorted(values)
    half = len(ranked) // 2
    return ranked[half] if len(ranked) % 2 else (ranked[half - 1] + ranked[half]) / 2
