"""What an admin has been asked to see to, and which promises that stands in for."""

from collections.abc import Iterator, Mapping

from shared.domain.billing import AMOUNT_MISMATCH
from shared.domain.meetings import (
    EVENT_DELETED,
    MEETING_REFUSED,
    ROOM_FAILED,
    ROOM_GONE,
    SESSION_MISSED,
)
from shared.domain.notifications import MESSAGE_FAILED
from shared.domain.order import Order

# Which order, and what is wrong with it.
Broken = Iterator[tuple[str, str]]

_NO_SESSION = frozenset({"payment_is_served", "nothing_is_stuck"})
# By the reason, the names of the promises. Other reasons excuse nothing.
EXCUSES: Mapping[str, frozenset[str]] = {
    AMOUNT_MISMATCH: _NO_SESSION,
    ROOM_FAILED: _NO_SESSION,
    SESSION_MISSED: _NO_SESSION,
    MEETING_REFUSED: _NO_SESSION | {"calendar_shows_the_time"},
    EVENT_DELETED: frozenset({"payment_is_served"}),
    ROOM_GONE: frozenset({"payment_is_served"}),
    MESSAGE_FAILED: frozenset({"each_message_once"}),
}


def excused(order: Order, promise: str) -> bool:
    """Whether the admin has been asked for a reason that this promise may be broken for."""
    return any(promise in EXCUSES.get(a.reason, ()) for a in order.attention)
