"""What is judged at the end, when nothing is due any more."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from local.evidence import Evidence, SeenEvent, SeenInvoice, SeenMail
from local.invariants import FINAL, Violation, violations
from shared.domain.invoice import Invoice
from shared.domain.notifications import Kind, Recipient
from shared.domain.order import Order, Status
from shared.domain.reminders import reminder_time
from tests.fakes import FakeDeliveryStore, FakeRejectedStore
from tests.simulation.vendors import SimulatedCalendar, SimulatedMailbox, SimulatedXendit

# Mails of a reminder that falls due so soon after the scheduling may lose the race with it.
_SOON = timedelta(minutes=5)
_LINK = re.compile(r"https?://\S+")
MOST_KEPT = 10_000


class _Named(msgspec.Struct, frozen=True):
    order_id: str


@dataclass(frozen=True, slots=True)
class Records:
    """Everything that is on record at the end of a seed."""

    orders: tuple[Order, ...]
    published: frozenset[str]
    deliveries: FakeDeliveryStore
    rejected: FakeRejectedStore
    xendit: SimulatedXendit
    calendar: SimulatedCalendar
    mailbox: SimulatedMailbox
    # The ids under which dead letters have to be kept.
    dead: frozenset[str]


def evidence(records: Records, now: datetime) -> Evidence:
    """Return what the shared invariants are judged by."""
    rejected = records.rejected.list(MOST_KEPT)
    kept = (order_named_in(message.body.encode()) for message in rejected)
    return Evidence(
        now=now,
        orders=records.orders,
        invoices=tuple(_invoice(invoice) for invoice in records.xendit.books),
        events=tuple(_event(records.calendar, event_id) for event_id in records.calendar.requests),
        mails=tuple(
            SeenMail(key=m.key, to=(m.to_email,), links=tuple(_LINK.findall(m.text)))
            for m in records.mailbox.sent
        ),
        published=records.published,
        kept=frozenset(kept),
    )


def order_named_in(data: bytes) -> str:
    """Return the order that a message is about."""
    return msgspec.json.decode(data, type=_Named).order_id


def judge(records: Records, now: datetime, *, undisturbed: bool) -> list[Violation]:
    """Return every promise broken at the end: the shared ones, and that all has come to rest.

    ``undisturbed``: nothing went wrong in this seed, so that every reminder has to come.
    """
    seen = evidence(records, now)
    sent = {mail.key for mail in seen.mails}
    broken = [*violations(seen), *_lost_dead_letters(records)]
    for order in seen.orders:
        unsettled = (*_unsettled(order), *_unseen(order, records.deliveries))
        broken += [_violation("everything_settles", order.id, detail) for detail in unsettled]
        if undisturbed:
            missing = [key for key in _due_reminders(order) if key not in sent]
            broken += [_violation("reminders_come", order.id, key) for key in missing]
    return sorted(broken, key=lambda v: (v.invariant, v.order_id, v.detail))


def _lost_dead_letters(records: Records) -> Iterator[Violation]:
    kept = {message.id for message in records.rejected.list(MOST_KEPT)}
    for letter in sorted(records.dead - kept):
        yield _violation("nothing_is_lost", "", f"{letter} was not kept")


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
    return SeenInvoice(
        id=invoice.id,
        order_id=invoice.order_id,
        status=invoice.status.upper(),
        amount=invoice.amount,
        currency=invoice.currency,
        url=invoice.url,
        paid_amount=invoice.paid_amount,
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
