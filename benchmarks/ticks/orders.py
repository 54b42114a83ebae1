"""A marketplace after some years: many orders whose story is over, some to come, a few due now."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from shared.domain.deliveries import Delivery
from shared.domain.notifications import Kind
from shared.domain.order import Order, Status
from shared.domain.schedule import Session
from tests.builders import NOW, order_in, scheduled_order

# Of ten stored orders one is still to come.
_FUTURE_EVERY = 10
_OVER = (Status.COMPLETED, Status.COMPLETED, Status.COMPLETED, Status.EXPIRED)
# What a scheduled order's first look asks about.
_TOLD = (
    f"{Kind.PAYMENT_RECEIVED}:mentee",
    f"{Kind.SESSION_SCHEDULED}:mentee",
    f"{Kind.SESSION_SCHEDULED}:mentor",
)
TICK_AT = NOW + timedelta(days=2)


def stored(count: int) -> Iterator[Order]:
    """Return so many orders of which none is due at TICK_AT."""
    over = [
        msgspec.structs.replace(order_in(status), check_at=None, next_reminder_at=None)
        for status in _OVER
    ]
    for number in range(count):
        if number % _FUTURE_EVERY == 0:
            yield _scheduled(f"F-{number}", TICK_AT + timedelta(minutes=1 + number % 9000))
        else:
            yield msgspec.structs.replace(over[number % len(over)], id=f"O-{number}")


def due(count: int, *, seen: bool = True) -> list[Order]:
    """Return so many scheduled orders whose reminder and whose look are due at TICK_AT.

    ``seen`` says that they have been looked at before, as most have at any time.
    """
    orders = [_scheduled(f"D-{number}", TICK_AT) for number in range(count)]
    return [msgspec.structs.replace(order, told=_TOLD if seen else ()) for order in orders]


def told(order: Order) -> list[Delivery]:
    """Return the records of what has been sent about a scheduled order."""
    return [
        Delivery(key=f"{order.id}:{what}:email", order_id=order.id, draft_id="d", sent_at=NOW)
        for what in _TOLD
    ]


def _scheduled(order_id: str, due_at: datetime) -> Order:
    """Return an order whose one-hour reminder, and whose look, are due then."""
    session = Session(starts_at=due_at + timedelta(hours=1), duration_minutes=60)
    order = scheduled_order(id=order_id, session=session)
    return msgspec.structs.replace(order, check_at=due_at, next_reminder_at=due_at)
