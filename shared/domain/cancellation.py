"""Calling an order off: who may, until when, and whether the money goes back."""

from datetime import datetime, timedelta

import msgspec

from shared.domain.actions import NOT_NOW, TOO_LATE, for_action
from shared.domain.meetings import event_id
from shared.domain.order import Actor, Cancellation, Change, Order, Status
from shared.domain.placement import released
from shared.domain.refunds import owe_payment
from shared.domain.schedule import Days
from shared.errors import ActionRefusedError

CANCELLABLE = frozenset(
    {
        Status.PENDING,
        Status.INVOICED,
        Status.PAID,
        Status.AWAITING_MENTOR,
        Status.AWAITING_MENTEE,
        Status.SCHEDULED,
    }
)


def refund_on_cancel(order: Order, refund_until: timedelta, now: datetime) -> bool:
    """Whether a mentee who cancels now gets the money back.

    Always while no session has been agreed on; after that until ``refund_until`` before its start.
    """
    if order.payment is None:
        return False
    if order.status is not Status.SCHEDULED:
        return True
    return now <= order.session.starts_at - refund_until


def cancel(
    current: Order | None,
    days: Days,
    *,
    by: Actor,
    revision: int,
    refund_until: timedelta,
    now: datetime,
) -> Change:
    """Call the order off: slot free, event and invoice obsolete, refund due by the rule.

    Raises ActionRefusedError when the link is an old one, or the order cannot be called off now.
    """
    order = for_action(current, revision)
    if order.status not in CANCELLABLE:
        raise ActionRefusedError(NOT_NOW)
    begun = now >= order.session.starts_at
    if begun and order.status is not Status.AWAITING_MENTEE:
        raise ActionRefusedError(TOO_LATE)
    refund = refund_on_cancel(order, refund_until, now)
    ended = msgspec.structs.replace(
        order.moved_to(Status.CANCELLED, now),
        cancellation=Cancellation(by=by, at=now, refund=refund),
        obsolete_events=_all_events(order),
    )
    owed = owe_payment(ended, now) if refund else ended
    return released(owed.acted_on(now), days)


def _all_events(order: Order) -> tuple[str, ...]:
    """Return the ids of every event that may have been made, or be in the making."""
    own = (event_id(order),) if order.was(Status.PAID) else ()
    return tuple(dict.fromkeys((*order.obsolete_events, *own)))
