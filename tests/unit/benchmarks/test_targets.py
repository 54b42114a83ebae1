"""What is to be reached, and whether it is."""

from typing import Any

import pytest

from benchmarks.model import latest
from benchmarks.targets import Target, targets

_OF_THE_WORST = {"cold_start", "cpu_per_event"}
RATIO = {"ms": 400.0, "ratio": 1.1}


def only(known: dict[str, Any]) -> Target:
    (target,) = targets(known)
    return target


def test_without_figures_there_is_nothing_to_reach() -> None:
    assert targets({}) == []


@pytest.mark.parametrize(("seen", "met"), [(1.15, True), (1.151, False)])
def test_the_slowest_start_counts(seen: float, met: bool) -> None:
    known = {"cold_start": {"send_digest": RATIO | {"ratio": seen}, "close_order": RATIO}}
    target = only(known)
    assert (target.worst, target.seen, target.met) == ("send_digest", seen, met)


@pytest.mark.parametrize(("seen", "met"), [(1.1, True), (1.101, False)])
def test_payment_callback_has_a_limit_of_its_own(seen: float, met: bool) -> None:
    target = only({"cold_start": {"payment_callback": RATIO | {"ratio": seen}}})
    assert (target.worst, target.met) == ("payment_callback", met)


def test_what_is_deployed_is_what_has_a_target() -> None:
    known = {"cpu_per_event": {"close_order": {"ratio": 1.2, "embedded": {"ratio": 1.6}}}}
    assert only(known).seen == 1.2
    assert targets({"cpu_per_event": {"close_order": {"embedded": {"ratio": 1.6}}}}) == []


def test_ours_is_to_do_no_less_than_its_peer() -> None:
    known = {"ratio": 0.99, "webhook_to_room_p95_ms_over_vendor": 251}
    peer, room = targets({"pipeline": known})
    assert (peer.met, room.met, room.worst) == (False, False, "embedded")
    assert all(
        target.met
        for target in targets(
            {"pipeline": {"ratio": 1.0, "webhook_to_room_p95_ms_over_vendor": 250}}
        )
    )


def test_a_tick_may_read_what_is_due_and_no_more() -> None:
    ticks = {"due": 100, "reads_1k": 100, "reads_100k": 100}
    ticks |= {"reconcile_reads_1k": 100, "reconcile_reads_100k": 101}
    assert [target.met for target in targets({"ticks": ticks})] == [True, False]


def test_an_order_may_take_little_more_than_the_least() -> None:
    paths = {"happy": {"ratio": 1.31}, "moved": {"ratio": 9.0}}
    assert not only({"operations": paths}).met


def test_a_forecast_may_be_off_by_a_fifth() -> None:
    assert only({"model": {"forecast_error": 0.2}}).met
    assert not only({"model": {"forecast_error": 0.21}}).met


def test_the_results_on_file_have_a_figure_for_every_target() -> None:
    found = targets(latest.read())
    names = [(target.name, target.worst) for target in found if target.name not in _OF_THE_WORST]
    assert {target.name for target in found} >= _OF_THE_WORST
    assert names == [
        ("peer", ""),
        ("over_vendor", "embedded"),
        ("over_vendor", "emulator"),
        ("ticks", "send_reminder"),
        ("ticks", "reconcile_orders"),
        ("operations", ""),
        ("forecast", ""),
    ]
