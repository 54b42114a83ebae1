"""The figures of one day, for the admin."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from shared.domain.order import MoneyBackState, Order, Status, StatusChange

_BACK = frozenset({MoneyBackState.SUCCEEDED, MoneyBackState.PAID_OUT})


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """An order that waits for a person: for what reason, and since when."""

    order_id: str
    reason: str
    since: datetime


class Digest(msgspec.Struct, frozen=True, kw_only=True):
    """What happened on ``day``, a day of the admin's zone, and what waits at its end.

    The first figures count the orders that got that status on that day, except ``ordered``, which
    counts those that came in. ``money_in`` and ``money_back`` are in whole rupiah.
    ``payouts_waiting`` counts the transfers that an admin has to make by hand.
    """

    day: date
    ordered: int = 0
    paid: int = 0
    scheduled: int = 0
    completed: int = 0
    expired: int = 0
    cancelled: int = 0
    rejected: int = 0
    money_in: int = 0
    money_back: int = 0
    waiting: tuple[Waiting, ...] = ()
    payouts_waiting: int = 0


def day_before(now: datetime, zone: ZoneInfo) -> date:
    """Return the latest whole day of the zone that is over."""
    return now.astimezone(zone).date() - timedelta(days=1)


def begin_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which the day begins there."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def digest_of(
    day: date, zone: ZoneInfo, changed: Iterable[Order], waiting: Iterable[Order]
) -> Digest:
    """Return the figures of a day, from the orders that changed since its begin, and what waits."""
    begin, end = begin_of(day, zone), begin_of(day + timedelta(days=1), zone)
    changed, waiting = tuple(changed), tuple(waiting)
    counts = Counter(
        change.status for order in changed for change in _firsts(order) if begin <= change.at < end
    )
    return Digest(
        day=day,
        ordered=counts[Status.PENDING],
        paid=counts[Status.PAID],
        scheduled=counts[Status.SCHEDULED],
        completed=counts[Status.COMPLETED],
        expired=counts[Status.EXPIRED],
        cancelled=counts[Status.CANCELLED],
        rejected=counts[Status.REJECTED],
        money_in=sum(
            order.payment.amount
            for order in changed
            if order.payment and begin <= order.payment.paid_at < end
        ),
        money_back=sum(
            refund.amount
            for order in changed
            for refund in order.refunds
            if refund.state in _BACK and begin <= refund.since < end
        ),
        waiting=tuple(
            Waiting(order_id=order.id, reason=attention.reason, since=attention.since)
            for order in waiting
            for attention in order.attention
        ),
        payouts_waiting=sum(
            refund.state is MoneyBackState.PAYOUT_DUE
            for order in waiting
            for refund in order.refunds
        ),
    )


def _firsts(order: Order) -> Iterable[StatusChange]:
    """Return when the order first got each of its statuses: a session that moved is one session."""
    seen: dict[Status, StatusChange] = {}
    for change in order.history:
        seen.setdefault(change.status, change)
    return seen.values()
