from dataclasses import replace
from itertools import pairwise

import msgspec
import pytest

from benchmarks.model import cost
from benchmarks.model.ceilings import resources
from benchmarks.model.demand import demand
from benchmarks.model.profile import DAY_S, backlog, peak_rate, quarters
from benchmarks.model.setup import Measured, deployed, measured_from
from benchmarks.model.study import row
from tests.unit.benchmarks.worlds import DEPLOYED, MEASURED, PARAMETERS

PRICES = cost.load()
HOURS = PARAMETERS.day.hours


def _usd(orders_a_day: float) -> dict[str, float]:
    return cost.cost_a_day(PRICES, cost.usage(orders_a_day, DEPLOYED, PARAMETERS))


def test_the_day_adds_up_and_peaks_in_the_evening() -> None:
    shares = quarters(HOURS)
    assert sum(shares) == pytest.approx(1.0)
    assert 19 * 4 <= shares.index(max(shares)) < 21 * 4


def test_an_even_day_has_no_peak() -> None:
    assert peak_rate([1.0] * 24, DAY_S) == pytest.approx(1.0)


def test_a_limit_above_the_peak_leaves_nothing_waiting() -> None:
    waiting = backlog(HOURS, 1000, peak_rate(HOURS, 1000) * 1.01)
    assert (waiting.most, waiting.longest_wait_s, waiting.caught_up) == (0.0, 0.0, True)


def test_a_limit_below_the_mean_never_catches_up() -> None:
    assert not backlog(HOURS, 1000, 999 / DAY_S).caught_up


def test_a_limit_between_mean_and_peak_makes_the_evening_wait() -> None:
    waiting = backlog(HOURS, 1000, 1.5 * 1000 / DAY_S)
    assert waiting.caught_up
    assert waiting.longest_wait_s == pytest.approx(waiting.most / (1.5 * 1000 / DAY_S))
    assert waiting.most > 0


def test_the_documents_of_a_paid_order_are_those_of_the_steps() -> None:
    paid = msgspec.structs.replace(PARAMETERS.order, paid_share=1.0)
    happy = demand(paid, looked_after=False)
    assert (happy.reads, happy.writes, happy.mails) == (50, 28, 10)


def test_counted_documents_replace_those_that_were_thought_of() -> None:
    counted = msgspec.structs.replace(MEASURED, reads=25.0, writes=28.0)
    known = deployed(PARAMETERS, counted).demand
    assert known.reads == pytest.approx(DEPLOYED.demand.reads / 2)
    assert known.writes == pytest.approx(DEPLOYED.demand.writes)


def test_measured_times_come_from_the_results() -> None:
    latest = {
        "model": {"calibration": {"processor_s": {"create_invoice": 0.1}}},
        "cold_start": {
            "create_invoice": {"ms": 500.0, "embedded": {"ms": 300.0}},
            # The emulators were not there.
            "create_meeting": {"embedded": {"ms": 400.0}},
        },
        "operations": {"happy": {"reads": 27, "writes": 29}},
    }
    expected = Measured(
        processor_s={"create_invoice": 0.1},
        cold_start_s={"create_invoice": 0.5, "create_meeting": 0.4},
        reads=27,
        writes=29,
    )
    assert measured_from(latest) == expected
    assert measured_from({}) is None


def test_gmail_gives_out_first_as_deployed() -> None:
    found = resources(1000, DEPLOYED, PARAMETERS)
    assert found[0].name == "Gmail, day"
    assert found[0].orders_a_day == pytest.approx(2000 / DEPLOYED.demand.mails)


def test_xendit_gives_out_first_where_it_allows_least() -> None:
    limits = msgspec.structs.replace(
        PARAMETERS.limits, xendit_create=1, gmail_mails_a_day=1e9, gmail_units=1e9
    )
    found = resources(10_000, DEPLOYED, msgspec.structs.replace(PARAMETERS, limits=limits))
    assert found[0].name == "Xendit, creating"
    assert found[0].utilisation == pytest.approx(peak_rate(HOURS, 10_000) * 60)


def test_one_instance_gives_out_where_only_one_is_allowed() -> None:
    narrow = {
        name: msgspec.structs.replace(how, max_instances=1, concurrency=1)
        if name == "create_meeting"
        else how
        for name, how in DEPLOYED.scaling.items()
    }
    found = resources(100_000, replace(DEPLOYED, scaling=narrow), PARAMETERS)
    own = [one for one in found if one.name.startswith(("requests", "processor"))]
    assert own[0].name == "requests of create_meeting"
    assert own[0].utilisation > 1


def test_a_row_names_the_bottleneck_and_what_to_raise() -> None:
    one = row(DEPLOYED, PARAMETERS, PRICES, 5_000)
    assert one.bottleneck == "Gmail, day"
    assert one.queue_age_s is None
    assert one.raise_to["Gmail, day"] == pytest.approx(2 * one.resources[0].used, abs=1)
    assert one.raised.refused == {}


def test_more_orders_never_cost_less() -> None:
    volumes = [10, 100, 1_000, 3_000, 10_000, 100_000, 1_000_000, 10_000_000]
    totals = [sum(_usd(volume).values()) for volume in volumes]
    assert all(later >= earlier for earlier, later in pairwise(totals))
    for item in PRICES.items:
        costs = [_usd(volume)[item] for volume in volumes]
        assert all(later >= earlier for earlier, later in pairwise(costs)), item


def test_a_hundred_orders_a_day_cost_only_what_is_never_free() -> None:
    assert {item for item, usd in _usd(100).items() if usd > 0} == {"firestore_deletes"}


def test_every_use_has_a_price_and_every_price_a_source() -> None:
    assert set(cost.usage(1000, DEPLOYED, PARAMETERS)) == set(PRICES.items)
    assert all(item.url.startswith("https://cloud.google.com/") for item in PRICES.items.values())


@pytest.mark.parametrize(("used", "usd"), [(0, 0), (20_000, 0), (120_000, 0.115)])
def test_what_is_free_every_day_is_taken_off_every_day(used: float, usd: float) -> None:
    writes = msgspec.structs.replace(PRICES.items["firestore_writes"], price=0.115, free=20_000)
    assert cost.price(writes, used) == pytest.approx(usd)


def test_what_is_free_every_month_is_taken_off_in_thirtieths() -> None:
    requests = PRICES.items["cloud_run_requests"]
    assert requests.free_every == "month"
    assert cost.price(requests, 2_000_000 / 30) == 0.0
    assert cost.price(requests, 2_000_000 / 30 + 1_000_000) == pytest.approx(0.40)


def test_an_instance_is_billed_while_it_has_a_request() -> None:
    assert cost.active_instances(0.0, 16, 0.6) == 0.0
    assert cost.active_instances(0.01, 16, 0.6) == pytest.approx(0.00995, rel=1e-3)
    assert cost.active_instances(96.0, 16, 0.6) == pytest.approx(10.0, rel=1e-3)
