"""What an order has to do with a message about it that was given up."""

from datetime import datetime

from shared.domain.order import Change, Order
from shared.domain.placement import existing
from shared.domain.schedule import Days

DEAD_LETTER = "dead_letter"


def note_dead_letter(current: Order | None, _days: Days, *, now: datetime) -> Change:
    """Put the order before the admin: a step gave up on a message about it."""
    return Change(order=existing(current).with_attention(DEAD_LETTER, now))
