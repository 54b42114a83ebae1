"""What an order has to do with a message about it that was given up."""

from datetime import datetime

from shared.domain.order import Change, Order, Status
from shared.domain.placement import existing
from shared.domain.schedule import Days

DEAD_LETTER = "dead_letter"


def note_dead_letter(current: Order | None, _days: Days, *, now: datetime) -> Change:
    """Put the order before the admin: a step gave up on a message about it.

    The reason is taken back by ``settled``, without anybody's doing: once all that can be said of
    the order has been heard, a replay or a later message has done what this one was for. The
    message itself stays in the rejected store.
    """
    return Change(order=existing(current).with_attention(DEAD_LETTER, now))


def settled(order: Order) -> Order:
    """Return the order as it is once all its facts have been heard: no dead letter matters then.

    A pending or a paid order still waits for the very step that may have given up.
    """
    waits = order.status in {Status.PENDING, Status.PAID}
    return order if waits else order.without_attention(DEAD_LETTER)
