"""When somebody must look at an order again: the one timer of each order, ``check_at``.

The times are chosen for what can go wrong: a webhook that is lost (Xendit itself tries again only
after 15 minutes, or never), a step whose message was lost, a payment that is confirmed up to a day
after the invoice expired.
"""

from datetime import datetime, timedelta

import msgspec

from shared.domain.confirmation import choose_by
from shared.domain.dead_letters import settled
from shared.domain.order import (
    LOOK_AFTER_CHANGE,
    Change,
    MoneyBack,
    MoneyBackState,
    Order,
    Status,
)
from shared.domain.placement import existing
from shared.domain.schedule import Days

# After an invoice was made, most pay soon or at the end: look often then.
_AFTER_INVOICED = tuple(timedelta(minutes=m) for m in (3, 7, 14, 30, 60, 120, 240, 480, 960))
_AFTER_EXPIRY = tuple(timedelta(minutes=m) for m in (1, 3, 10))
# A payment that was under way at expiry is confirmed up to 24 hours later.
_LATE_PAYMENTS = (timedelta(minutes=30), timedelta(hours=3), timedelta(hours=25))
# By then nobody can pay an invoice any more that was made a little later than the shown one.
_SPARE_IS_OVER = timedelta(hours=26)
# The timer is set for that very moment, so the look that counts comes after it: by a tick as a
# rule, by more where ticks are late or an order before it in the queue holds them up.
_SPARE_LOOK_MAY_BE_LATE = timedelta(hours=1)
# A step that has not been done is asked for again, ever more slowly.
_REDO = tuple(timedelta(minutes=m) for m in (2, 5, 10, 20, 40, 60))
_REDO_FOR_EVER = timedelta(hours=1)
# Banks take from seconds to days; the webhook is the usual way to hear.
_REFUND_UNDER_WAY = tuple(timedelta(minutes=m) for m in (5, 30, 180, 720))
_BEFORE_SESSION = timedelta(hours=2)
_ONCE_A_DAY = timedelta(days=1)


def looked_at(
    current: Order | None,
    _days: Days,
    *,
    now: datetime,
    told: tuple[str, ...] | None = None,
    again_soon: bool = False,
) -> Change:
    """Set the timer after a look at ``now``, unless somebody has set it anew meanwhile.

    ``told`` is what the look found out about messages, if it did; ``again_soon`` means that
    something about the order has not been heard yet.
    """
    order = existing(current)
    if order.check_at is None or order.check_at > now:
        return Change(order=order)
    if told is not None:
        order = msgspec.structs.replace(order, told=told)
    if again_soon:
        at = now + _patience(order, now)
        return Change(order=msgspec.structs.replace(order, check_at=at))
    return Change(order=msgspec.structs.replace(settled(order), check_at=next_check(order, now)))


def postpone(current: Order | None, _days: Days, *, now: datetime) -> Change:
    """Set the timer after a look at ``now`` that found nobody to ask, which tells nothing."""
    order = existing(current)
    if order.check_at is None or order.check_at > now:
        return Change(order=order)
    return Change(order=msgspec.structs.replace(order, check_at=now + LOOK_AFTER_CHANGE))


def overdue_s(timer: datetime | None, now: datetime) -> float:
    """Return for how many seconds an order's timer has been waiting to be handled."""
    return 0.0 if timer is None else max(0.0, (now - timer).total_seconds())


def next_check(order: Order, now: datetime) -> datetime | None:
    """Return when to look at the order again after a look at ``now``; None if never."""
    planned = (
        _next_for_status(order, now),
        _next_for_spare(order, now),
        *(_next_for_refund(r, now) for r in order.refunds),
    )
    return min((at for at in planned if at is not None), default=None)


def may_have_a_spare(order: Order, now: datetime) -> bool:
    """Whether another try may have made an invoice, beside the one that brought the money."""
    last_look = _last_look_for_spare(order)
    return last_look is not None and now <= last_look + _SPARE_LOOK_MAY_BE_LATE


def _last_look_for_spare(order: Order) -> datetime | None:
    """Return when no money can come any more over a spare invoice; None if there is none.

    Nobody was shown it, but it can be paid about as long as the shown one, and a day more.
    """
    if order.claims <= 1 or order.payment is None or order.invoice is None:
        return None
    return order.invoice.expires_at + _SPARE_IS_OVER


def _next_for_spare(order: Order, now: datetime) -> datetime | None:
    last_look = _last_look_for_spare(order)
    return last_look if last_look is not None and last_look > now else None


def _next_for_status(order: Order, now: datetime) -> datetime | None:
    since = order.history[-1].at
    match order.status:
        case Status.PENDING | Status.PAID:
            return _next(since, _REDO, now) or now + _REDO_FOR_EVER
        case Status.INVOICED:
            return _next_while_payable(order, since, now)
        case Status.SCHEDULED:
            return _next_before_session(order, now)
        case Status.EXPIRED:
            return _next(since, _LATE_PAYMENTS, now)
        case Status.REJECTED | Status.CANCELLED if order.claims:  # an invoice may have been made
            return _next(since, _LATE_PAYMENTS, now)
        case Status.AWAITING_MENTOR if order.confirmation:
            return max(order.confirmation.answer_by, now + LOOK_AFTER_CHANGE)
        case Status.AWAITING_MENTEE:
            return max(choose_by(order), now + LOOK_AFTER_CHANGE)
        case _:
            return None


def _next_for_refund(refund: MoneyBack, now: datetime) -> datetime | None:
    match refund.state:
        case MoneyBackState.DUE:
            return _next(refund.since, _REDO, now) or now + _REDO_FOR_EVER
        case MoneyBackState.STARTED:
            return _next(refund.since, _REFUND_UNDER_WAY, now) or now + _ONCE_A_DAY
        case _:
            return None


def _patience(order: Order, now: datetime) -> timedelta:
    """Return how long to wait before a fact is said once more.

    It grows with how long the fact has been unheard, so that an outage does not pile up copies of
    a message that is still being retried.
    """
    news = [order.history[-1].at, *(attention.since for attention in order.attention)]
    news += [refund.since for refund in order.refunds]
    unheard_for = now - max(news)
    return min(max(LOOK_AFTER_CHANGE, unheard_for / 2), _REDO_FOR_EVER)


def _next_while_payable(order: Order, since: datetime, now: datetime) -> datetime:
    expires_at = order.invoice.expires_at if order.invoice else since
    planned = [since + wait for wait in _AFTER_INVOICED if since + wait < expires_at]
    planned += [expires_at + wait for wait in _AFTER_EXPIRY]
    # It should not be payable any more, or its money does not fit: ask ever more slowly.
    slowly = now + max(_AFTER_EXPIRY[-1], now - expires_at)
    return min((at for at in planned if at > now), default=slowly)


def _next_before_session(order: Order, now: datetime) -> datetime:
    session = order.session
    planned = (session.starts_at - _BEFORE_SESSION, session.ends_at, now + _ONCE_A_DAY)
    return min((at for at in planned if at > now), default=now)


def _next(since: datetime, waits: tuple[timedelta, ...], now: datetime) -> datetime | None:
    return min((since + wait for wait in waits if since + wait > now), default=None)
