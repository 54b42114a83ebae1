"""Sample data: one believable order, at each point of its life, for tests to vary."""

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from shared.domain.billing import attach_invoice, settle
from shared.domain.cancellation import cancel
from shared.domain.confirmation import ask_mentor, decline
from shared.domain.deliveries import Delivery
from shared.domain.events import (
    ALL_EVENTS,
    AttentionRaised,
    Event,
    MessageUndelivered,
    OrderCreated,
    ReminderDue,
)
from shared.domain.facts import facts
from shared.domain.invoice import Invoice, InvoiceStatus
from shared.domain.meetings import ROOM_FAILED, CalendarEvent, RoomStatus, event_id, record_meeting
from shared.domain.money import Money
from shared.domain.order import Actor, MoneyBackState, Order, Status, order_from
from shared.domain.people import Person
from shared.domain.placement import SLOT_TAKEN
from shared.domain.refund import Refund, RefundStatus
from shared.domain.reminders import DEFAULT_LEAD_MINUTES
from shared.domain.rescheduling import days_to_move, reschedule
from shared.domain.schedule import DayKey, MentorDay, Session
from shared.ports import RejectedMessage

# Shortly after the sample order was taken, a week before its session.
NOW = datetime(2026, 11, 24, 2, 0, 5, tzinfo=UTC)


def mentee(**changes: Any) -> Person:
    """Return a mentee in Jakarta."""
    person = Person(
        id="u-17", name="Sari Wulandari", email="sari@example.com", phone="+6281234567890"
    )
    return msgspec.structs.replace(person, **changes)


def mentor(**changes: Any) -> Person:
    """Return a mentor in Makassar."""
    person = Person(
        id="m-4",
        name="Budi Hartono",
        email="budi@example.com",
        phone="+6281234567891",
        time_zone="Asia/Makassar",
    )
    return msgspec.structs.replace(person, **changes)


def session(**changes: Any) -> Session:
    """Return an hour on 1 December at 19:00 in Jakarta."""
    hour = Session(starts_at=datetime(2026, 12, 1, 12, tzinfo=UTC), duration_minutes=60)
    return msgspec.structs.replace(hour, **changes)


def session_after(now: datetime) -> Session:
    """Return an hour about three days after ``now``, for what runs by the machine's clock.

    It is at noon in UTC, since one that goes over midnight takes two of its mentor's days.
    """
    day = (now + timedelta(days=3)).astimezone(UTC)
    return session(starts_at=day.replace(hour=12, minute=0, second=0, microsecond=0))


def order_created(**changes: Any) -> OrderCreated:
    """Return the web app's event."""
    event = OrderCreated(
        order_id="NUS-2026-000123",
        created_at=datetime(2026, 11, 24, 2, tzinfo=UTC),
        subject="Data analysis portfolio review",
        mentee=mentee(),
        mentor=mentor(),
        session=session(),
        price=Money(amount=250_000, currency="IDR"),
    )
    return msgspec.structs.replace(event, **changes)


def order(**changes: Any) -> Order:
    """Return a pending order, just taken."""
    return msgspec.structs.replace(order_from(order_created(), NOW), **changes)


def invoice(**changes: Any) -> Invoice:
    """Return the sample order's invoice, unpaid."""
    unpaid = Invoice(
        id="inv-1",
        order_id="NUS-2026-000123",
        status=InvoiceStatus.PENDING,
        url="https://checkout.example.com/inv-1",
        amount=250_000,
        currency="IDR",
        expires_at=NOW + timedelta(hours=24),
    )
    return msgspec.structs.replace(unpaid, **changes)


def paid_invoice(**changes: Any) -> Invoice:
    """Return the sample order's invoice, paid after ten minutes."""
    paid = invoice(
        status=InvoiceStatus.PAID,
        paid_amount=250_000,
        paid_at=NOW + timedelta(minutes=10),
        payment_method="BANK_TRANSFER",
        payment_channel="BCA",
    )
    return msgspec.structs.replace(paid, **changes)


def invoiced_order(**changes: Any) -> Order:
    """Return the sample order waiting for its payment."""
    invoiced = attach_invoice(order(), {}, invoice=invoice(), now=NOW).order
    return msgspec.structs.replace(invoiced, **changes)


def paid_order(**changes: Any) -> Order:
    """Return the sample order paid, without a meeting yet."""
    paid = settle(invoiced_order(), {}, invoice=paid_invoice(), now=NOW + timedelta(minutes=10))
    return msgspec.structs.replace(paid.order, **changes)


def scheduled_order(**changes: Any) -> Order:
    """Return the sample order with its meeting and its first reminder planned."""
    at = NOW + timedelta(minutes=11)
    scheduled = record_meeting(
        paid_order(), {}, event=calendar_event(), leads=DEFAULT_LEAD_MINUTES, now=at
    )
    return msgspec.structs.replace(scheduled.order, **changes)


def asked_order(**changes: Any) -> Order:
    """Return the sample order paid, its mentor asked, who has twelve hours to answer."""
    at = NOW + timedelta(minutes=11)
    asked = ask_mentor(paid_order(), {}, within=timedelta(hours=12), now=at).order
    return msgspec.structs.replace(asked, **changes)


def declined_order(**changes: Any) -> Order:
    """Return the sample order paid, after its mentor said no; its mentee has the choice."""
    asked, at = asked_order(), NOW + timedelta(hours=1)
    declined = decline(asked, days(asked), revision=0, note="I am travelling that day", now=at)
    return msgspec.structs.replace(declined.order, **changes)


def moved_order(**changes: Any) -> Order:
    """Return the sample order scheduled, and moved to the next day at the same hour."""
    before, at = scheduled_order(), NOW + timedelta(hours=1)
    later = session(starts_at=session().starts_at + timedelta(days=1))
    keys = days_to_move(before, later, None)
    moved = reschedule(
        before,
        {key: MentorDay(key=key) for key in keys},
        starts_at=later.starts_at,
        revision=0,
        availability=None,
        busy=(),
        move_until=timedelta(hours=6),
        now=at,
    )
    return msgspec.structs.replace(moved.order, **changes)


def cancelled_order(before: Order | None = None, **changes: Any) -> Order:
    """Return an order, by default the sample waiting for its payment, called off by its mentee."""
    opened = before or invoiced_order()
    off = cancel(
        opened,
        days(opened, of=opened),
        by=Actor.MENTEE,
        revision=opened.revision,
        refund_until=timedelta(hours=24),
        now=NOW + timedelta(hours=1),
    )
    return msgspec.structs.replace(off.order, **changes)


def refunding_order(state: MoneyBackState = MoneyBackState.DUE, **changes: Any) -> Order:
    """Return the sample order, called off after its payment, whose money has come this far."""
    owed = cancelled_order(paid_order())
    refund = msgspec.structs.replace(owed.refunds[0], state=state, **changes)
    return msgspec.structs.replace(owed, refunds=(refund,))


def refund(**changes: Any) -> Refund:
    """Return the refund of the sample order's payment, as the provider tells it, under way."""
    pending = Refund(
        id="rfd-1",
        invoice_id="inv-1",
        status=RefundStatus.PENDING,
        amount=250_000,
        currency="IDR",
    )
    return msgspec.structs.replace(pending, **changes)


def order_in(status: Status) -> Order:
    """Return the sample order as it came to this status."""
    at = NOW + timedelta(hours=24)
    return {
        Status.PENDING: order(),
        Status.INVOICED: invoiced_order(),
        Status.PAID: paid_order(),
        Status.AWAITING_MENTOR: asked_order(),
        Status.AWAITING_MENTEE: declined_order(),
        Status.SCHEDULED: scheduled_order(),
        Status.COMPLETED: scheduled_order().moved_to(Status.COMPLETED, session().ends_at),
        Status.REJECTED: order().moved_to(Status.REJECTED, NOW, SLOT_TAKEN),
        Status.EXPIRED: invoiced_order().moved_to(Status.EXPIRED, at),
        Status.CANCELLED: cancelled_order(),
    }[status]


def days(*holders: Order, of: Order | None = None) -> dict[DayKey, MentorDay]:
    """Return the mentor's days of an order, by default the sample, with these orders' bookings."""
    return {
        key: MentorDay(key=key, bookings=tuple(o.booking for o in holders if key in o.day_keys))
        for key in (of or order()).day_keys
    }


def calendar_event(**changes: Any) -> CalendarEvent:
    """Return the sample order's calendar event, its room ready."""
    ready = CalendarEvent(
        event_id=event_id(order()),
        cancelled=False,
        room=RoomStatus.READY,
        meet_url="https://meet.google.com/abc-defg-hij",
    )
    return msgspec.structs.replace(ready, **changes)


_E = TypeVar("_E", bound=Event)


def event_of(kind: type[_E]) -> _E:
    """Return an event of this kind about the sample order, as its facts say it."""
    samples: tuple[Event, ...] = (
        order_created(),
        ReminderDue(order_id=order().id, lead_minutes=60, session=session()),
        *(fact for status in Status for fact in facts(order_in(status), *ALL_EVENTS)),
        *facts(order().with_attention(ROOM_FAILED, NOW), AttentionRaised),
        *facts(moved_order(), *ALL_EVENTS),
        *facts(refunding_order(), *ALL_EVENTS),
        *facts(refunding_order(MoneyBackState.STARTED), *ALL_EVENTS),
        MessageUndelivered(order_id=order().id, key=f"{order().id}:reminder-60:mentor:whatsapp"),
    )
    return next(event for event in samples if isinstance(event, kind))


def delivery(**changes: Any) -> Delivery:
    """Return the record of a message whose draft exists."""
    drafted = Delivery(
        key="NUS-2026-000123:invoice_ready:mentee:email",
        order_id="NUS-2026-000123",
        draft_id="draft-1",
        claimed_until=NOW + timedelta(minutes=1),
    )
    return msgspec.structs.replace(drafted, **changes)


def rejected_message(**changes: Any) -> RejectedMessage:
    """Return a message that is no JSON."""
    message = RejectedMessage(
        id="8123",
        source="order.created",
        reason="not a valid order.created event: JSON is malformed",
        received_at=NOW,
        body="{",
        size=1,
        sha256="021fb596db81e6d02bf3d2586ee3981fe519f275c0ac9ca76bbcf2ebb4097d96",
        attributes={"Content-Type": "text/plain"},
    )
    return msgspec.structs.replace(message, **changes)
