import random
import statistics

import pytest

from benchmarks.spread import median_interval, percentile


def test_percentiles_are_interpolated() -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.5
    assert percentile([], 0.5) == 0.0


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # As tables of the sign test have it: of 10 values the second and the ninth, of 41 the 14th.
    [(1, 1, 1), (5, 1, 5), (6, 1, 6), (10, 2, 9), (20, 6, 15), (41, 14, 28)],
)
def test_the_interval_is_that_of_the_sign_test(count: int, low: int, high: int) -> None:
    assert median_interval(range(count, 0, -1)) == (low, high)


def test_the_interval_has_the_median_in_it_as_often_as_it_says() -> None:
    rng = random.Random(3)
    drawn = ([rng.lognormvariate(0, 1) for _ in range(21)] for _ in range(2_000))
    held = sum(low <= 1.0 <= high for low, high in map(median_interval, drawn))
    assert 0.95 <= held / 2_000 <= 0.985


def test_the_interval_is_around_the_median() -> None:
    values = [3.0, 1.0, 2.0, 9.0, 4.0, 8.0, 5.0]
    low, high = median_interval(values)
    assert low < statistics.median(values) < high
