"""What is judged at the end, when nothing is due any more."""

import re
from collections.abc import Iterator
from datetime import timedelta

import msgspec

from local.evidence import Evidence, SeenEvent, SeenInvoice, SeenMail
from local.invariants import FINAL, Violation, violations
from shared.domain.invoice import Invoice, InvoiceStatus
from shared.domain.notifications import Kind, Recipient
from shared.domain.order import Order, Status
from shared.domain.reminders import reminder_time
from tests.fakes import FakeDeliveryStore, FakeRejectedStore
from tests.simulation.kernel import Kernel
from tests.simulation.people import People
from tests.simulation.vendors import SimulatedCalendar, SimulatedMailbox, SimulatedXendit

# Mails of a reminder that falls due so soon after the scheduling may lose the race with it.
_SOON = timedelta(minutes=5)
_LINK = re.compile(r"https?://\S+")
MOST_KEPT = 10_000


class _Named(msgspec.Struct, frozen=True):
    order_id: str


def evidence(
    kernel: Kernel,
    orders: tuple[Order, ...],
    xendit: SimulatedXendit,
    calendar: SimulatedCalendar,
    mailbox: SimulatedMailbox,
    people: People,
    rejected: FakeRejectedStore,
) -> Evidence:
    """Return what the simulated vendors have on record."""
    kept = (order_named_in(message.body.encode()) for message in rejected.list(MOST_KEPT))
    return Evidence(
        now=kernel.now,
        orders=orders,
        invoices=tuple(_invoice(invoice) for invoice in xendit.books),
        events=tuple(_event(calendar, event_id) for event_id in calendar.requests),
        mails=tuple(
            SeenMail(key=m.key, to=(m.to_email,), links=tuple(_LINK.findall(m.text)))
            for m in mailbox.sent
        ),
        published=frozenset(people.published),
        kept=frozenset(kept),
    )


def order_named_in(data: bytes) -> str:
    """Return the order that a message is about."""
    return msgspec.json.decode(data, type=_Named).order_id


def judge(
    seen: Evidence, deliveries: FakeDeliveryStore, lost: frozenset[str], *, undisturbed: bool
) -> list[Violation]:
    """Return every promise broken at the end: the shared ones, and that everything has come to rest.

    ``lost`` are dead letters that were not kept. ``undisturbed``: nothing went wrong in this seed.
    """
    sent = {mail.key for mail in seen.mails}
    own = [
        *(_violation("nothing_is_lost", "", f"dead letter {id_} was not kept") for id_ in sorted(lost)),
        *(
            _violation("everything_settles", order.id, detail)
            for order in seen.orders
            for detail in (*_unsettled(order), *_unseen(order, deliveries))
        ),
        *(
            _violation("reminders_come", order.id, f"{key} not sent")
            for order in seen.orders
            if undisturbed
            for key in _due_reminders(order)
            if key not in sent
        ),
    ]
    return sorted([*violations(seen), *own], key=lambda v: (v.invariant, v.order_id, v.detail))


def _violation(invariant: str, order_id: str, detail: str) -> Violation:
    return Violation(invariant=invariant, order_id=order_id, detail=detail)


def _due_reminders(order: Order) -> Iterator[str]:
    """Yield the reminders of a session that fell due after it was scheduled."""
    scheduled = next((c.at for c in order.history if c.status is Status.SCHEDULED), None)
    for lead in order.reminder_leads:
        if scheduled and reminder_time(order.session, lead) > scheduled + _SOON:
            for reader in (Recipient.MENTEE, Recipient.MENTOR):
                yield f"{order.id}:{Kind.REMINDER}-{lead}:{reader}:email"


def _unsettled(order: Order) -> Iterator[str]:
    waits_for_admin = order.status in {Status.INVOICED, Status.PAID} and order.attention
    if order.status not in FINAL and not waits_for_admin:
        yield f"still {order.status}"


def _unseen(order: Order, deliveries: FakeDeliveryStore) -> Iterator[str]:
    """Yield the reasons for the admin that the admin has not been told."""
    for attention in order.attention:
        key = f"{order.id}:{Kind.ATTENTION}-{attention.reason}:{Recipient.ADMIN}:email"
        told = deliveries.get(key)
        if told is None or not told.settled:
            yield f"the admin was not told of {attention.reason}"


def _invoice(invoice: Invoice) -> SeenInvoice:
    paid = invoice.status is InvoiceStatus.PAID
    return SeenInvoice(
        id=invoice.id,
        order_id=invoice.order_id,
        status=invoice.status.upper(),
        amount=(invoice.paid_amount or 0) if paid else invoice.amount,
        currency=invoice.currency,
        url=invoice.url,
    )


def _event(calendar: SimulatedCalendar, event_id: str) -> SeenEvent:
    request = calendar.requests[event_id]
    return SeenEvent(
        id=event_id,
        live=calendar.is_live(event_id),
        meet_url=calendar.meet_url(event_id),
        starts_at=request.session.starts_at,
        ends_at=request.session.ends_at,
        attendees=frozenset(request.attendees),
        description=request.description,
    )
