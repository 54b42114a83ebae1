"""The promises, each as one function over the evidence; an empty answer means that it holds.

They are judged when nothing is under way any more, from the vendors' own records: an order's
word about itself proves nothing. The numbers are those of docs/reliability.md.
"""

from collections.abc import Callable

import msgspec

from local.evidence import Evidence
from local.invariants.excuses import Broken
from local.invariants.messages import each_message_once, reminders_are_true
from local.invariants.money import (
    money_goes_back_once,
    one_payable_invoice,
    paid_means_confirmed,
    payment_is_served,
    standing_sessions_keep_their_money,
)
from local.invariants.progress import (
    FINAL,
    nothing_is_lost,
    nothing_is_stuck,
    open_orders_have_a_timer,
    used_links_are_dead,
)
from local.invariants.sessions import (
    calendar_shows_the_time,
    closed_orders_have_no_event,
    no_double_booking,
    one_live_event,
)

__all__ = ["FINAL", "INVARIANTS", "Violation", "violations"]


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """A broken promise."""

    invariant: str
    order_id: str
    detail: str


INVARIANTS: tuple[Callable[[Evidence], Broken], ...] = (
    one_payable_invoice,
    payment_is_served,
    one_live_event,
    closed_orders_have_no_event,
    calendar_shows_the_time,
    paid_means_confirmed,
    no_double_booking,
    each_message_once,
    reminders_are_true,
    open_orders_have_a_timer,
    nothing_is_stuck,
    nothing_is_lost,
    money_goes_back_once,
    standing_sessions_keep_their_money,
    used_links_are_dead,
)


def violations(evidence: Evidence) -> list[Violation]:
    """Return every broken promise."""
    return [
        Violation(invariant=check.__name__, order_id=order_id, detail=detail)
        for check in INVARIANTS
        for order_id, detail in check(evidence)
    ]
