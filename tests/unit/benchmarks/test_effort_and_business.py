from itertools import pairwise

import msgspec
import pytest

from benchmarks.report import business, effort
from benchmarks.report.effort import Range

KNOWN = effort.load()


def _free(_orders: float) -> float:
    return 0.0


def test_the_same_seed_draws_the_same() -> None:
    assert effort.effort(KNOWN, 200) == effort.effort(KNOWN, 200)


def test_the_interval_lies_within_the_ranges() -> None:
    drawn = effort.effort(KNOWN, 2000)
    span = business.manual_range(KNOWN)
    assert span.low <= drawn.manual.low < drawn.manual.median < drawn.manual.high <= span.high
    assert drawn.automatic.median < drawn.manual.low


def test_the_mean_of_the_draws_is_that_of_the_ranges() -> None:
    drawn = effort.effort(KNOWN, 20_000).manual.values
    expected = effort.manual_minutes(KNOWN, lambda one: one.mean)
    assert sum(drawn) / len(drawn) == pytest.approx(expected, rel=0.01)


def test_a_range_out_of_order_is_refused() -> None:
    with pytest.raises(ValueError, match="out of order"):
        Range(low=2, likely=1, high=3)


def test_a_month_is_what_is_saved_less_what_it_costs() -> None:
    likely = business.month(KNOWN, lambda orders: orders / 100)
    minutes = effort.manual_minutes(KNOWN, lambda one: one.likely)
    minutes -= effort.automatic_minutes(KNOWN, lambda one: one.likely)
    assert likely.hours_saved == pytest.approx(600 * minutes / 60)
    assert likely.cloud == pytest.approx(6 * 16500)
    assert likely.net == pytest.approx(
        likely.saved - likely.cloud - likely.workspace - likely.upkeep
    )


def test_nothing_is_left_at_the_break_even() -> None:
    orders = business.break_even(KNOWN, _free)
    assert business.month(KNOWN, _free, {"orders_a_month": orders}).net == pytest.approx(0, abs=1)
    assert business.month(KNOWN, _free, {"orders_a_month": orders - 1}).net < 0


def test_a_cloud_that_costs_more_than_it_saves_never_pays() -> None:
    assert business.break_even(KNOWN, lambda orders: orders * 10) == float("inf")
    assert business.months_to_pay_back(KNOWN, lambda orders: orders * 10) == float("inf")


def test_levers_come_strongest_first_and_name_every_assumption() -> None:
    found = business.levers(KNOWN, _free)
    assert all(a.swing >= b.swing for a, b in pairwise(found))
    named = {*KNOWN.business.__struct_fields__} - {"build_hours"}
    assert {lever.name for lever in found} == named | {
        "manual_minutes",
        "share_for_admin",
        "minutes_of_a_case",
    }


def test_an_assumption_without_a_range_moves_nothing() -> None:
    fixed = Range(low=1, likely=1, high=1)
    upkeep = msgspec.structs.replace(KNOWN.business, upkeep_hours_a_month=fixed)
    found = business.levers(msgspec.structs.replace(KNOWN, business=upkeep), _free)
    assert found[-1].name == "upkeep_hours_a_month"
    assert found[-1].swing == 0
