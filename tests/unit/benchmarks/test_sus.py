import math
from pathlib import Path

import pytest

from benchmarks.report import sus

BEST = [5, 1] * 5


def test_all_threes_are_fifty() -> None:
    assert sus.score([3] * 10) == 50.0


def test_full_agreement_with_the_good_and_none_with_the_bad_is_a_hundred() -> None:
    assert sus.score(BEST) == 100.0
    assert sus.score([1, 5] * 5) == 0.0


def test_a_known_example_scores_as_it_should() -> None:
    # Brooke's own example.
    assert sus.score([5, 4, 2, 1, 2, 3, 2, 4, 5, 4]) == 50.0
    assert sus.score([4, 2, 4, 1, 4, 2, 5, 2, 4, 2]) == 80.0


@pytest.mark.parametrize("answers", [[3] * 9, [3] * 11, [0, *[3] * 9], [6, *[3] * 9]])
def test_other_answers_are_refused(answers: list[int]) -> None:
    with pytest.raises(ValueError, match="not ten answers"):
        sus.score(answers)


@pytest.mark.parametrize(
    ("share", "freedom", "quantile"),
    [
        (0.975, 1, 12.706),
        (0.975, 4, 2.776),
        (0.975, 9, 2.262),
        (0.95, 29, 1.699),
        (0.975, 200, 1.972),
    ],
)
def test_quantiles_of_t_are_those_of_the_tables(
    share: float, freedom: int, quantile: float
) -> None:
    assert sus.t_quantile(share, freedom) == pytest.approx(quantile, abs=1e-3)


def test_interval_by_t_is_that_of_the_formula() -> None:
    interval = sus.interval_by_t([70.0, 75.0, 80.0, 85.0, 90.0])
    half = 2.7764 * math.sqrt(62.5) / math.sqrt(5)
    assert interval.low == pytest.approx(80 - half, abs=0.01)
    assert interval.high == pytest.approx(80 + half, abs=0.01)


def test_an_interval_stays_on_the_scale() -> None:
    assert sus.interval_by_t([100.0, 100.0, 60.0]).high == 100.0


def test_bootstrap_is_repeatable_and_near_the_other_interval() -> None:
    scores = [55.0, 62.5, 70.0, 72.5, 75.0, 77.5, 80.0, 82.5, 90.0, 95.0]
    first, second = (sus.interval_by_bootstrap(scores, seed=1) for _ in range(2))
    by_t = sus.interval_by_t(scores)
    assert first == second
    assert first.low == pytest.approx(by_t.low, abs=2.5)
    assert first.high == pytest.approx(by_t.high, abs=2.5)


def test_one_answer_has_no_interval() -> None:
    assert sus.usability([80.0]).by_t is None


def test_answers_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "sus.csv"
    columns = ",".join(f"q{item}" for item in range(1, 11))
    file.write_text(
        f"participant,{columns}\n1,{','.join(map(str, BEST))}\n2,{','.join('3' * 10)}\n"
    )
    seen = sus.read(file)
    assert seen is not None
    assert (seen.scores, seen.mean) == ((100.0, 50.0), 75.0)


def test_a_wrong_answer_is_named_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "sus.csv"
    file.write_text("q1,q2\n3,3\n")
    with pytest.raises(sus.AnswersError, match="line 2"):
        sus.read(file)


def test_no_file_or_no_line_is_no_answer(tmp_path: Path) -> None:
    file = tmp_path / "sus.csv"
    assert sus.read(file) is None
    file.write_text("q1,q2\n")
    assert sus.read(file) is None
