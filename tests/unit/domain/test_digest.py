"""The figures of a day of the admin's zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from shared.domain.digest import Digest, Waiting, begin_of, day_before, digest_of
from shared.domain.order import MoneyBackState, Order, Status, StatusChange
from tests.builders import NOW, declined_order, order, order_in, paid_order, refunding_order

JAKARTA = ZoneInfo("Asia/Jakarta")
NEW_YORK = ZoneInfo("America/New_York")
DAY = date(2026, 11, 24)
BEGIN = datetime(2026, 11, 23, 17, tzinfo=UTC)  # midnight in Jakarta
END = BEGIN + timedelta(days=1)
SECOND = timedelta(seconds=1)


def with_status(status: Status, at: datetime) -> Order:
    return order(history=(StatusChange(status=status, at=at),), status=status)


def told(*changed: Order, waiting: tuple[Order, ...] = ()) -> Digest:
    return digest_of(DAY, JAKARTA, changed, waiting)


def test_the_day_that_is_told_of_is_the_last_whole_one_of_the_admins_zone() -> None:
    assert day_before(END, JAKARTA) == DAY
    assert day_before(END - SECOND, JAKARTA) == DAY - timedelta(days=1)
    assert day_before(END, NEW_YORK) == DAY - timedelta(days=1)
    assert begin_of(DAY, JAKARTA) == BEGIN


def test_a_day_has_as_many_hours_as_its_zone_gives_it() -> None:
    for day, hours in ((date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 6, 1), 24)):
        length = begin_of(day + timedelta(days=1), NEW_YORK) - begin_of(day, NEW_YORK)
        assert length == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("at", "count"), [(BEGIN - SECOND, 0), (BEGIN, 1), (END - SECOND, 1), (END, 0)]
)
@pytest.mark.parametrize(
    ("status", "figure"),
    [
        (Status.PENDING, "ordered"),
        (Status.PAID, "paid"),
        (Status.SCHEDULED, "scheduled"),
        (Status.COMPLETED, "completed"),
        (Status.EXPIRED, "expired"),
        (Status.CANCELLED, "cancelled"),
        (Status.REJECTED, "rejected"),
    ],
)
def test_an_order_counts_on_the_day_that_it_got_its_status(
    status: Status, figure: str, at: datetime, count: int
) -> None:
    expected = msgspec.structs.replace(Digest(day=DAY), **{figure: count})
    assert told(with_status(status, at)) == expected


def test_an_order_counts_once_in_each_figure_of_the_day() -> None:
    figures = told(order_in(Status.SCHEDULED))
    assert (figures.ordered, figures.paid, figures.scheduled) == (1, 1, 1)


def test_an_order_that_is_paid_or_scheduled_again_is_one_sale() -> None:
    again = declined_order().moved_to(Status.PAID, NOW + timedelta(hours=2))
    assert told(again).paid == 1
    next_day = declined_order().moved_to(Status.PAID, END)
    later = digest_of(DAY + timedelta(days=1), JAKARTA, [next_day], [])
    assert later.paid == 0


@pytest.mark.parametrize(
    ("at", "amount"), [(BEGIN - SECOND, 0), (BEGIN, 250_000), (END - SECOND, 250_000), (END, 0)]
)
def test_money_counts_on_the_day_that_it_came_or_went_back(at: datetime, amount: int) -> None:
    payment = msgspec.structs.replace(paid_order().payment, paid_at=at)  # type: ignore[type-var]
    assert told(paid_order(payment=payment)).money_in == amount
    for state in (MoneyBackState.SUCCEEDED, MoneyBackState.PAID_OUT):
        assert told(refunding_order(state, since=at)).money_back == amount


@pytest.mark.parametrize(
    "state", sorted(set(MoneyBackState) - {MoneyBackState.SUCCEEDED, MoneyBackState.PAID_OUT})
)
def test_money_that_is_not_back_yet_is_not_counted_as_back(state: MoneyBackState) -> None:
    assert told(refunding_order(state)).money_back == 0


def test_what_waits_for_the_admin_is_named_with_its_reason_whenever_it_arose() -> None:
    before = BEGIN - timedelta(days=3)
    stuck = order().with_attention("room_failed", before).with_attention("room_gone", NOW)
    payout = refunding_order(MoneyBackState.PAYOUT_DUE)
    figures = told(waiting=(stuck, payout))
    assert figures.waiting == (
        Waiting(order_id=stuck.id, reason="room_failed", since=before),
        Waiting(order_id=stuck.id, reason="room_gone", since=NOW),
    )
    assert figures.payouts_waiting == 1


def test_a_day_on_which_nothing_happened_has_only_zeros() -> None:
    assert told() == Digest(day=DAY)
