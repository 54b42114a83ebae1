"""What the promises say of going on: nothing waits for ever, and nothing is lost."""

from collections import Counter
from datetime import timedelta

from local.evidence import Evidence
from local.invariants.excuses import Broken, excused
from shared.domain.confirmation import choose_by
from shared.domain.order import MoneyBackState, Order, Status

FINAL = frozenset({Status.COMPLETED, Status.REJECTED, Status.EXPIRED, Status.CANCELLED})
_UNFINISHED = frozenset({MoneyBackState.DUE, MoneyBackState.STARTED})
# A timer that ran out so long ago has been forgotten.
_FORGOTTEN = timedelta(hours=2)


def open_orders_have_a_timer(evidence: Evidence) -> Broken:
    """6. No order, and no refund, stays unfinished without a timer that will look at it again."""
    for order in evidence.orders:
        if order.check_at is not None:
            continue
        if order.status not in FINAL:
            yield order.id, f"{order.status} without a timer"
        for refund in order.refunds:
            if refund.state in _UNFINISHED:
                yield order.id, f"refund of {refund.invoice_id} {refund.state} without a timer"


def nothing_is_stuck(evidence: Evidence) -> Broken:
    """7. Every fact is said until it is heard: with nothing under way, no order waits unseen."""
    for order in evidence.orders:
        if not excused(order, "nothing_is_stuck"):
            if order.status in {Status.PENDING, Status.PAID}:
                yield order.id, f"{order.status}, and nothing is under way for it"
            elif _time_is_over(order, evidence):
                yield order.id, f"{order.status}, and its time is over"
        if order.obsolete_events:
            yield order.id, "an obsolete event is not taken out"
        for refund in order.refunds:
            if refund.state is MoneyBackState.DUE:
                yield order.id, f"nobody has asked for the refund of {refund.invoice_id}"


def nothing_is_lost(evidence: Evidence) -> Broken:
    """8. What was published is an order, or is kept with the reason why not."""
    known = {order.id for order in evidence.orders} | evidence.kept
    for order_id in evidence.published - known:
        yield order_id, "published, and nowhere to be found"


def used_links_are_dead(evidence: Evidence) -> Broken:
    """11. A link works once, and no more after anything else was done to its order."""
    done = Counter(action.one_time for action in evidence.actions if action.done)
    for (order_id, *what), count in done.items():
        if count > 1:
            yield order_id, f"links of {' '.join(map(str, what))} worked {count} times"


def _time_is_over(order: Order, evidence: Evidence) -> bool:
    """Whether what the order waits for should have come, or been given up, long ago."""
    match order:
        case Order(status=Status.INVOICED, invoice=invoice) if invoice:
            until = invoice.expires_at
        case Order(status=Status.AWAITING_MENTOR, confirmation=asked) if asked:
            until = asked.answer_by
        case Order(status=Status.AWAITING_MENTEE):
            until = choose_by(order)
        case Order(status=Status.SCHEDULED):
            until = order.session.ends_at
        case _:
            return False
    return evidence.now > until + _FORGOTTEN
