"""What the promises say of sessions: in the calendars, and in the mentors' days."""

from collections import defaultdict
from itertools import combinations

from local.evidence import Evidence
from local.invariants.excuses import Broken, excused
from shared.domain.meetings import event_id
from shared.domain.order import HOLDS_SLOT, Order, Status

_HAS_MEETING = frozenset({Status.SCHEDULED, Status.COMPLETED})


def one_live_event(evidence: Evidence) -> Broken:
    """2. There is never more than one live calendar event of an order."""
    for order in evidence.orders:
        live = len(_live_events(order, evidence))
        if live > 1:
            yield order.id, f"{live} live calendar events"


def closed_orders_have_no_event(evidence: Evidence) -> Broken:
    """2. A session that is not to be is in nobody's calendar."""
    for order in evidence.orders:
        if order.status not in HOLDS_SLOT | _HAS_MEETING and _live_events(order, evidence):
            yield order.id, f"{order.status}, and its event is in the calendars"


def calendar_shows_the_time(evidence: Evidence) -> Broken:
    """2. The live event of a session that is to be is at the order's time, for both of its people."""
    events = {event.id: event for event in evidence.events}
    for order in evidence.orders:
        event = events.get(event_id(order))
        if order.status not in _HAS_MEETING or event is None or not event.live:
            continue
        if excused(order, "calendar_shows_the_time"):
            continue
        if event.starts_at != order.session.starts_at or event.ends_at != order.session.ends_at:
            yield order.id, f"the calendar shows {event.starts_at:%d %H:%M}"
        if not event.attendees >= {order.mentee.email, order.mentor.email}:
            yield order.id, "not both are invited"


def no_double_booking(evidence: Evidence) -> Broken:
    """4. A mentor never has two overlapping live bookings, moved ones included."""
    by_mentor = defaultdict(list)
    for order in evidence.orders:
        if order.status in HOLDS_SLOT:
            by_mentor[order.mentor.id].append(order)
    for orders in by_mentor.values():
        for one, other in combinations(orders, 2):
            if one.session.overlaps(other.session):
                yield one.id, f"overlaps {other.id}"
    payable = {invoice.order_id for invoice in evidence.invoices if invoice.payable}
    for order in evidence.orders:
        if order.id in payable and order.status not in HOLDS_SLOT:
            yield order.id, f"{order.status}, its slot is free, and its invoice can be paid"


def _live_events(order: Order, evidence: Evidence) -> list[str]:
    ours = f" {order.id}"
    return [e.id for e in evidence.events if e.live and e.description.endswith(ours)]
