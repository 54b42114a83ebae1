"""How far measured values lie apart, and how sure their median is."""

import math
from collections.abc import Sequence

_CONFIDENCE = 0.95


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` of the values lie, interpolated; 0 without values."""
    if not values:
        return 0.0
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return between which values the true median lies, with a confidence of 95 % at least.

    By order statistics (the interval of the sign test), so nothing is assumed of how the values are
    distributed; with fewer than six it is only known to lie between the lowest and the highest.
    """
    ordered = sorted(values)
    outside = _left_out(len(ordered))
    return ordered[outside], ordered[-1 - outside]


def _left_out(count: int) -> int:
    """Return how many of the values on either side the interval can do without."""
    chance = 0.5**count
    tail, left_out = chance, 0
    while True:
        chance *= (count - left_out) / (left_out + 1)
        tail += chance
        if 2 * tail > 1 - _CONFIDENCE or left_out + 1 > (count - 1) // 2:
            return left_out
        left_out += 1
