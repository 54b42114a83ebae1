"""The System Usability Scale: scoring of its ten answers, and what a sample tells.

Brooke, SUS: a quick and dirty usability scale (1996). Items in Indonesian: Sharfina and Santoso, An
Indonesian adaptation of the System Usability Scale (2016).
"""

import csv
import random
from collections.abc import Sequence
from math import atan, cos, exp, lgamma, pi, sqrt
from pathlib import Path
from statistics import fmean, stdev

import msgspec

from shared.errors import PipelineError

ITEMS = 10
_SCALE = range(1, 6)
_RESAMPLES = 10_000
_STEPS = 2000


class AnswersError(PipelineError):
    """The file of answers cannot be read; the message names the line."""


class Interval(msgspec.Struct, frozen=True):
    """A confidence interval."""

    low: float
    high: float


class Usability(msgspec.Struct, frozen=True, kw_only=True):
    """What a sample says of the mean score, 0 to 100; intervals of 95 %, None below two answers."""

    scores: tuple[float, ...]
    mean: float
    by_t: Interval | None
    by_bootstrap: Interval | None


def score(answers: Sequence[int]) -> float:
    """Return the score of one person's answers, each 1 (disagree) to 5 (agree).

    Odd items are worded in favour, even ones against. Raises ValueError for anything else.
    """
    if len(answers) != ITEMS or any(answer not in _SCALE for answer in answers):
        raise ValueError(f"not ten answers of 1 to 5: {answers}")
    favour = sum(answer - 1 for answer in answers[0::2])
    against = sum(5 - answer for answer in answers[1::2])
    return (favour + against) * 2.5


def read(path: Path) -> Usability | None:
    """Read a CSV with the columns q1 to q10; None where there is no file or nobody answered."""
    if not path.exists():
        return None
    with path.open(newline="", encoding="utf-8") as file:
        scores = [_line(number, row) for number, row in enumerate(csv.DictReader(file), start=2)]
    return usability(scores) if scores else None


def usability(scores: Sequence[float], seed: int = 0) -> Usability:
    """Return mean and intervals."""
    many = len(scores) > 1
    return Usability(
        scores=tuple(scores),
        mean=fmean(scores),
        by_t=interval_by_t(scores) if many else None,
        by_bootstrap=interval_by_bootstrap(scores, seed) if many else None,
    )


def interval_by_t(scores: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return Student's interval of the mean, within 0 to 100."""
    half = t_quantile(0.5 + confidence / 2, len(scores) - 1) * stdev(scores) / sqrt(len(scores))
    return Interval(max(0.0, fmean(scores) - half), min(100.0, fmean(scores) + half))


def interval_by_bootstrap(scores: Sequence[float], seed: int, confidence: float = 0.95) -> Interval:
    """Return the percentile interval of the mean over resamples."""
    rng = random.Random(seed)
    means = sorted(fmean(rng.choices(scores, k=len(scores))) for _ in range(_RESAMPLES))
    cut = round(_RESAMPLES * (1 - confidence) / 2)
    return Interval(means[cut], means[-cut - 1])


def t_quantile(share: float, freedom: int) -> float:
    """Return the quantile of Student's t distribution, for a share of at least a half."""
    low, high = 0.0, 1000.0
    for _ in range(60):
        middle = (low + high) / 2
        if _t_cdf(middle, freedom) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _t_cdf(t: float, freedom: int) -> float:
    """Integrate the density from 0 by Simpson's rule, over an angle so that tails are no trouble."""
    # With t = sqrt(f) tan(a), the density becomes cos(a)^(f-1) times a constant.
    constant = exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2)) / sqrt(pi)
    end = atan(t / sqrt(freedom))
    width = end / _STEPS
    weights = (_simpson(n) * cos(n * width) ** (freedom - 1) for n in range(_STEPS + 1))
    return 0.5 + constant * width / 3 * sum(weights)


def _simpson(step: int) -> int:
    if step in {0, _STEPS}:
        return 1
    return 4 if step % 2 else 2


def _line(number: int, row: dict[str, str]) -> float:
    try:
        return score([int(row[f"q{item}"]) for item in range(1, ITEMS + 1)])
    except (KeyError, TypeError, ValueError) as error:
        raise AnswersError(f"line {number} of the answers: {error}") from error
