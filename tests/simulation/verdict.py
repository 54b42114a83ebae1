"""What is judged at the end, when nothing is due any more."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from local.evidence import (
    Evidence,
    SeenChat,
    SeenEvent,
    SeenInvoice,
    SeenMail,
    SeenRefund,
)
from local.invariants import FINAL, Violation, violations
from local.invariants.excuses import excused
from shared.domain.invoice import Invoice
from shared.domain.notifications import Channel, Kind, Recipient
from shared.domain.order import HOLDS_SLOT, Order, Status
from shared.domain.reminders import reminder_time
from shared.domain.schedule import MentorDay
from tests.fakes import FakeDeliveryStore, FakeRejectedStore
from tests.simulation.vendors import (
    SimulatedCalendar,
    SimulatedMailbox,
    SimulatedPhones,
    SimulatedRefunds,
    SimulatedXendit,
)
from tests.simulation.watch import Watch

# Mails of a reminder that falls due so soon after the scheduling may lose the race with it.
_SOON = timedelta(minutes=5)
LINK = re.compile(r"https?://\S+")
MOST_KEPT = 10_000


class _Named(msgspec.Struct, frozen=True):
    order_id: str


@dataclass(frozen=True, slots=True)
class Records:
    """Everything that is on record at the end of a seed."""

    orders: tuple[Order, ...]
    days: tuple[MentorDay, ...]
    published: frozenset[str]
    deliveries: FakeDeliveryStore
    rejected: FakeRejectedStore
    xendit: SimulatedXendit
    refunds: SimulatedRefunds
    calendar: SimulatedCalendar
    mailbox: SimulatedMailbox
    phones: SimulatedPhones
    # The keys of the chat messages of which Meta told that they did not arrive.
    undelivered: frozenset[str]
    watch: Watch
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
            SeenMail(
                key=m.key,
                to=(m.to_email,),
                links=tuple(LINK.findall(m.text)),
                at=records.watch.sent_at[m.key],
            )
            for m in records.mailbox.sent
        ),
        chats=tuple(
            SeenChat(
                key=m.key,
                to=m.to_phone,
                template=m.template,
                language=m.language,
                text=" ".join(m.parameters),
                at=records.watch.sent_at[m.key],
                failed=m.key in records.undelivered,
            )
            for m in records.phones.sent
        ),
        refunds=tuple(_refund(records.refunds, refund_id) for refund_id in records.refunds.asked),
        actions=tuple(records.watch.actions),
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
    broken = [*violations(seen), *_lost_dead_letters(records), *_wrong_slots(records)]
    for order in seen.orders:
        unsettled = (*_unsettled(order), *_unseen(order, records.deliveries))
        broken += [_violation("everything_settles", order.id, detail) for detail in unsettled]
        if undisturbed:
            missing = _missing_reminders(order, records.watch)
            broken += [_violation("reminders_come", order.id, name) for name in missing]
    return sorted(broken, key=lambda v: (v.invariant, v.order_id, v.detail))


def _lost_dead_letters(records: Records) -> Iterator[Violation]:
    kept = {message.id for message in records.rejected.list(MOST_KEPT)}
    for letter in sorted(records.dead - kept):
        yield _violation("nothing_is_lost", "", f"{letter} was not kept")


def _violation(invariant: str, order_id: str, detail: str) -> Violation:
    return Violation(invariant=invariant, order_id=order_id, detail=detail)


def _wrong_slots(records: Records) -> Iterator[Violation]:
    """Yield where the mentors' days do not say what the orders say."""
    booked = {
        (day.key, booking.order_id): booking for day in records.days for booking in day.bookings
    }
    orders = {order.id: order for order in records.orders}
    for (key, order_id), booking in sorted(booked.items()):
        order = orders[order_id]
        if order.status not in HOLDS_SLOT | {Status.COMPLETED} or key not in order.day_keys:
            yield _violation("slots_match_orders", order_id, f"{key} is held for nothing")
        elif booking.session != order.session:
            yield _violation("slots_match_orders", order_id, f"{key} is held at another time")
    for order in records.orders:
        if order.status in HOLDS_SLOT:
            for key in order.day_keys:
                if (key, order.id) not in booked:
                    yield _violation("slots_match_orders", order.id, f"{key} is not held")


def _missing_reminders(order: Order, watch: Watch) -> Iterator[str]:
    """Yield the reminders of a session that fell due after its time was known, and did not come."""
    if order.status is not Status.COMPLETED:
        return
    began = [change.at for change in order.history if change.status is Status.SCHEDULED]
    known = max(*began, watch.moved_at.get(order.id, began[0]))
    for lead in order.reminder_leads:
        if reminder_time(order.session, lead) > known + _SOON:
            which = f"{lead}-{order.moves}" if order.moves else str(lead)
            for reader in (Recipient.MENTEE, Recipient.MENTOR):
                name = f"{order.id}:{Kind.REMINDER}-{which}:{reader}"
                if not any(f"{name}:{channel}" in watch.sent for channel in Channel):
                    yield name


def _unsettled(order: Order) -> Iterator[str]:
    if order.status not in FINAL and not excused(order, "nothing_is_stuck"):
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


def _refund(refunds: SimulatedRefunds, refund_id: str) -> SeenRefund:
    request, refund = refunds.asked[refund_id], refunds.get(refund_id)
    assert refund is not None
    return SeenRefund(
        id=refund.id,
        invoice_id=refund.invoice_id,
        order_id=request.order_id,
        amount=refund.amount,
        status=refund.status.upper(),
        key=request.key,
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
