"""What floors write, send and ask about: of the size and shape of what the functions do."""

import base64
from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
from typing import Any

import msgspec

from benchmarks.scene import Request
from functions.keep_dead_letter.use_case import own_attributes
from shared import messages
from shared.adapters import mail_message
from shared.adapters.google_calendar import body_of
from shared.domain.deliveries import Delivery
from shared.domain.events import Event
from shared.domain.meetings import meeting_request
from shared.domain.notifications import Kind, Mail, Notification, Recipient
from shared.domain.order import Order
from shared.domain.schedule import MentorDay
from shared.ports import RejectedMessage
from tests.unit.functions.chain import COMPOSER

# The messages that a look asks about: of a scheduled order, and of one that waits for its payment.
SCHEDULED = ("payment_received:mentee", "session_scheduled:mentee", "session_scheduled:mentor")
INVOICED = ("invoice_ready:mentee",)

_TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
_SENDER = Address("Nusademy", addr_spec="sessions@nusademy.example")


def attributes(event: Event, at: datetime) -> dict[str, str]:
    """Return what an event is published with."""
    return messages.attributes(event, traceparent=_TRACE, at=at)


def booked_day(of: Order) -> MentorDay:
    """Return the first day of the order, with its slot and nothing else."""
    return MentorDay(key=of.day_keys[0], bookings=(of.booking,))


def delivery(key: str, of: Order, now: datetime) -> Delivery:
    """Return the record of a message that is out."""
    return Delivery(key=key, order_id=of.id, draft_id="r-1234567890", sent_at=now)


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


def raw(rendered: Mail) -> str:
    """Return a mail as Gmail takes it, by Python's own package for mails."""
    message = mail_message.build(rendered, sender=_SENDER, reply_to="help@nusademy.example")
    return base64.urlsafe_b64encode(message.as_bytes()).decode()


def looked_at(of: Order, told: Sequence[str]) -> Order:
    """Return the order as a look leaves it that has found these messages out."""
    return msgspec.structs.replace(of, told=tuple(told), check_at=of.session.starts_at)
