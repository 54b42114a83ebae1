"""What floors write, send and ask about: of the size and shape of what the functions do."""

import base64
from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from benchmarks.scene import Request
from functions.keep_dead_letter.use_case import own_attributes
from shared import messages
from shared.adapters import mail_message
from shared.adapters.google_calendar import body_of
from shared.domain.deliveries import Delivery
from shared.domain.digest import begin_of, day_before, digest_of
from shared.domain.events import Event
from shared.domain.meetings import MEETING_REFUSED, meeting_request
from shared.domain.notifications import Channel, Kind, Mail, Notification, Recipient
from shared.domain.order import Order
from shared.domain.refund import Refund, RefundStatus
from shared.domain.refunds import record_refund
from shared.domain.schedule import MentorDay
from shared.entrypoint import SCHEDULE_TIME
from shared.ports import RejectedMessage
from tests.unit.functions.chain import ADMIN, COMPOSER, RENDERER

# The messages that a look asks about: of a scheduled order, and of one that waits for its payment.
SCHEDULED = ("payment_received:mentee", "session_scheduled:mentee", "session_scheduled:mentor")
INVOICED = ("invoice_ready:mentee",)

_TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
_ZONE = ZoneInfo("Asia/Jakarta")
_SENDER = Address("Nusademy", addr_spec="sessions@nusademy.example")


def attributes(event: Event, at: datetime) -> dict[str, str]:
    """Return what an event is published with."""
    return messages.attributes(event, traceparent=_TRACE, at=at)


def booked_day(of: Order) -> MentorDay:
    """Return the first day of the order, with its slot and nothing else."""
    return MentorDay(key=of.day_keys[0], bookings=(of.booking,))


def freed_day(of: Order) -> MentorDay:
    """Return the first day of the order, without its slot."""
    return MentorDay(key=of.day_keys[0])


def otherwise(day: MentorDay, order: Order) -> MentorDay:
    """Return a day with the order's slot if it is free there, and without if not."""
    return msgspec.structs.replace(day, bookings=() if day.bookings else (order.booking,))


def delivery(key: str, about: str, now: datetime) -> Delivery:
    """Return the record of a mail that is out, about an order or a day."""
    return Delivery(key=key, order_id=about, draft_id="r-1234567890", sent_at=now)


def rejected(request: Request, now: datetime) -> RejectedMessage:
    """Return the record of a dead letter."""
    message = messages.read_push(request.body)
    return messages.rejected(
        f"dead-create_meeting--invoice.paid-{message.id}",
        message.data,
        source="create_meeting--invoice.paid",
        reason="given up after 100 deliveries",
        attributes=own_attributes(message),
        at=now,
        topic="invoice.paid",
    )


def calendar_event(of: Order) -> dict[str, Any]:
    """Return the body of a calendar event."""
    return body_of(meeting_request(of))


def mail(of: Order, now: datetime) -> Mail:
    """Return the mail about the order's invoice, rendered."""
    told = Notification(order_id=of.id, kind=Kind.INVOICE_READY, recipient=Recipient.MENTEE)
    return COMPOSER.mail(told, of, now)


def undelivered(of: Order, now: datetime) -> Delivery:
    """Return the record of a WhatsApp message that did not arrive."""
    chat = Notification(
        order_id=of.id,
        kind=Kind.PAYMENT_RECEIVED,
        recipient=Recipient.MENTEE,
        channel=Channel.WHATSAPP,
    )
    why = "131026 Message undeliverable"
    return Delivery(key=chat.key, order_id=of.id, sent_at=now, failed=why)


def refunded(of: Order, now: datetime) -> Order:
    """Return the order as its refund leaves it, which is under way."""
    (owed,) = of.refunds
    told = Refund(
        id="rfd-7d6ab1f0-5b0c-4c5e-a5f1-3f1f8a1c2b3d",
        invoice_id=owed.invoice_id,
        status=RefundStatus.PENDING,
        amount=owed.amount,
        currency=of.price.currency,
    )
    return record_refund(of, {}, told=told, now=now).order


class DayTold(NamedTuple):
    """The mail of a day, and since when orders are looked for that it tells of."""

    day: str
    since: datetime
    mail: Mail


def day_told(request: Request) -> DayTold:
    """Return what a tick of send_digest tells of."""
    tick = datetime.fromisoformat(request.headers[SCHEDULE_TIME])
    day = day_before(tick, _ZONE)
    waiting = request.order.with_attention(MEETING_REFUSED, tick)
    figures = digest_of(day, _ZONE, (request.order, *request.others), [waiting])
    mail = RENDERER.render_digest(figures, ADMIN, tick)
    return DayTold(day.isoformat(), begin_of(day, _ZONE), mail)


def raw(rendered: Mail) -> str:
    """Return a mail as Gmail takes it, by Python's own package for mails."""
    message = mail_message.build(rendered, sender=_SENDER, reply_to="help@nusademy.example")
    return base64.urlsafe_b64encode(message.as_bytes()).decode()


def looked_at(of: Order, told: Sequence[str]) -> Order:
    """Return the order as a look leaves it that has found these messages out."""
    return msgspec.structs.replace(of, told=tuple(told), check_at=of.session.starts_at)
