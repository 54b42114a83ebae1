"""The promises, each as one function over the evidence; an empty answer means that it holds.

They are judged when nothing is under way any more, from the vendors' own records: an order's
word about itself proves nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import combinations

import msgspec

from local.evidence import Evidence, SeenEvent, SeenInvoice
from shared.domain.meetings import event_id
from shared.domain.notifications import Kind, Recipient
from shared.domain.order import HOLDS_SLOT, Order, Status

FINAL = frozenset({Status.COMPLETED, Status.REJECTED, Status.EXPIRED, Status.CANCELLED})
_HAS_MEETING = frozenset({Status.SCHEDULED, Status.COMPLETED})


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """A broken promise."""

    invariant: str
    order_id: str
    detail: str


Broken = Iterator[tuple[str, str]]


def one_payable_invoice(evidence: Evidence) -> Broken:
    """1. An order gets at most one payable invoice, and the mentee is only ever shown that one."""
    for order_id, invoices in _by_order(evidence).items():
        payable = [invoice for invoice in invoices if invoice.payable]
        if len(payable) > 1:
            yield order_id, f"{len(payable)} payable invoices"
    shown = {order.id: order.invoice.url for order in evidence.orders if order.invoice}
    urls = {invoice.url for invoice in evidence.invoices}
    for mail in evidence.mails:
        order_id = mail.key.split(":")[0]
        others = urls.intersection(mail.links) - {shown.get(order_id)}
        if others:
            yield order_id, f"mail {mail.key} links another invoice"


def payment_is_served(evidence: Evidence) -> Broken:
    """2. A confirmed payment ends in one live event with a room, or before the admin."""
    events = {event.id: event for event in evidence.events}
    orders = {order.id: order for order in evidence.orders}
    for invoice in evidence.invoices:
        order = orders.get(invoice.order_id)
        if not invoice.paid:
            continue
        if order is None:
            yield invoice.order_id, "paid, but there is no such order"
        elif not order.attention and not _served(order, events):
            yield order.id, f"paid, but {order.status} without a live event with a room"
    for order in evidence.orders:
        live = [e for e in evidence.events if e.live and e.description.endswith(f" {order.id}")]
        if len(live) > 1:
            yield order.id, f"{len(live)} live calendar events"


def paid_means_confirmed(evidence: Evidence) -> Broken:
    """3. An order is marked paid only for an invoice that the provider says is paid, in full."""
    paid = defaultdict(set)
    for invoice in evidence.invoices:
        if invoice.paid:
            paid[invoice.order_id].add((invoice.received, invoice.currency))
    for order in evidence.orders:
        price = (order.price.amount, order.price.currency)
        if order.was(Status.PAID) and price not in paid[order.id]:
            yield order.id, "marked paid, but the provider has no such payment"


def no_double_booking(evidence: Evidence) -> Broken:
    """4. A mentor never has two overlapping live bookings."""
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


def each_message_once(evidence: Evidence) -> Broken:
    """5. Each message reaches its reader once."""
    sent = Counter(mail.key for mail in evidence.mails)
    for key, count in sent.items():
        if count > 1:
            yield key.split(":")[0], f"{key} sent {count} times"
    for order in evidence.orders:
        for key in _expected_messages(order):
            if key not in sent and not order.attention:
                yield order.id, f"{key} not sent"


def open_orders_have_a_timer(evidence: Evidence) -> Broken:
    """6. No order stays in a non-final state without a timer that will look at it again."""
    for order in evidence.orders:
        if order.status not in FINAL and order.check_at is None:
            yield order.id, f"{order.status} without a timer"


def nothing_is_stuck(evidence: Evidence) -> Broken:
    """7. Every fact is said until it is heard: with nothing under way, no order waits unseen."""
    for order in evidence.orders:
        if order.status in {Status.PENDING, Status.PAID} and not order.attention:
            yield order.id, f"{order.status}, and nothing is under way for it"


def nothing_is_lost(evidence: Evidence) -> Broken:
    """8. What was published is an order, or is kept with the reason why not."""
    known = {order.id for order in evidence.orders} | evidence.kept
    for order_id in evidence.published - known:
        yield order_id, "published, and nowhere to be found"


INVARIANTS: tuple[Callable[[Evidence], Broken], ...] = (
    one_payable_invoice,
    payment_is_served,
    paid_means_confirmed,
    no_double_booking,
    each_message_once,
    open_orders_have_a_timer,
    nothing_is_stuck,
    nothing_is_lost,
)


def violations(evidence: Evidence) -> list[Violation]:
    """Return every broken promise."""
    return [
        Violation(invariant=check.__name__, order_id=order_id, detail=detail)
        for check in INVARIANTS
        for order_id, detail in check(evidence)
    ]


def _by_order(evidence: Evidence) -> dict[str, list[SeenInvoice]]:
    grouped = defaultdict(list)
    for invoice in evidence.invoices:
        grouped[invoice.order_id].append(invoice)
    return grouped


def _served(order: Order, events: dict[str, SeenEvent]) -> bool:
    event = events.get(event_id(order))
    return (
        order.status in _HAS_MEETING
        and event is not None
        and event.live
        and event.meet_url is not None
        and event.starts_at == order.session.starts_at
        and event.attendees >= {order.mentee.email, order.mentor.email}
    )


def _expected_messages(order: Order) -> Iterator[str]:
    both = (Recipient.MENTEE, Recipient.MENTOR)
    expected = {
        Status.PAID: (Kind.PAYMENT_RECEIVED, both[:1]),
        Status.SCHEDULED: (Kind.SESSION_SCHEDULED, both),
        Status.EXPIRED: (Kind.INVOICE_EXPIRED, both[:1]),
        Status.REJECTED: (Kind.ORDER_REJECTED, both[:1]),
    }
    for status, (kind, recipients) in expected.items():
        # Money that came late makes the news of the expiry untrue, perhaps before it was told.
        outdated = status is Status.EXPIRED and order.status is not status
        if order.was(status) and not outdated:
            yield from (f"{order.id}:{kind}:{recipient}:email" for recipient in recipients)
