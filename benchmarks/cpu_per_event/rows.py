"""The SQL of the embedded stores as it is, with values that are ready: for the floors."""

import base64
import json
from datetime import datetime
from email.headerregistry import Address
from typing import Any

import msgspec

from benchmarks.cpu_per_event.clients import Statement
from benchmarks.scene import Request
from benchmarks.ticks.stores import row
from shared import messages
from shared.adapters import mail_message
from shared.adapters.google_calendar import body_of
from shared.domain.deliveries import Delivery
from shared.domain.events import Event, ReminderDue
from shared.domain.facts import facts
from shared.domain.meetings import meeting_request
from shared.domain.notifications import Kind, Mail, Notification, Recipient
from shared.domain.order import Order
from shared.domain.schedule import MentorDay
from tests.unit.functions.chain import COMPOSER

_TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
_SENDER = Address("Nusademy", addr_spec="sessions@nusademy.example")


def order(of: Order) -> Statement:
    """Read an order."""
    return "SELECT body FROM orders WHERE id = ?", (of.id,)


def availability(of: Order) -> Statement:
    """Read when the order's mentor takes sessions."""
    return "SELECT body FROM availability WHERE mentor_id = ?", (of.mentor.id,)


def order_and_days(of: Order) -> tuple[Statement, ...]:
    """Read an order and the days of its mentor."""
    days = (("SELECT body FROM mentor_days WHERE key = ?", (str(key),)) for key in of.day_keys)
    return (order(of), *days)


def due(timer: str, now: datetime) -> Statement:
    """Read a page of what is due."""
    return (
        f"SELECT body FROM orders WHERE {timer} <= ? ORDER BY {timer} LIMIT ?",  # noqa: S608 - a column
        (now.timestamp(), 100),
    )


def put_order(of: Order, order_id: str | None = None) -> Statement:
    """Write an order, under another id if that is given."""
    _, *rest = row(of)
    values = (order_id or of.id, *rest)
    return "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?)", values


def put_day(of: Order) -> Statement:
    """Write the order's slot into its first day."""
    key = of.day_keys[0]
    day = MentorDay(key=key, bookings=(of.booking,))
    return "INSERT OR REPLACE INTO mentor_days VALUES (?, ?)", (str(key), msgspec.json.encode(day))


def delivery(key: str) -> Statement:
    """Read the record of a message."""
    return "SELECT body FROM deliveries WHERE key = ?", (key,)


def put_delivery(key: str, of: Order) -> Statement:
    """Write the record of a message."""
    at = of.history[0].at
    record = Delivery(key=key, order_id=of.id, draft_id="r-1234567890", sent_at=at)
    values = key, msgspec.json.encode(record)
    return "INSERT OR REPLACE INTO deliveries VALUES (?, ?)", values


def put_rejected(request: Request) -> Statement:
    """Write a dead letter."""
    at = request.order.history[0].at
    message = messages.read_push(request.body)
    record = messages.rejected(
        message.id,
        message.data,
        source="create_meeting--invoice.paid",
        reason="given up after 100 deliveries",
        attributes=message.attributes,
        at=at,
    )
    values = record.id, msgspec.json.encode(record), at.timestamp()
    return "INSERT OR REPLACE INTO rejected VALUES (?, ?, ?)", values


def published(kind: type[Event], of: Order) -> tuple[str, bytes, str, float]:
    """Return what is published of an order: topic, data, attributes and time."""
    at = of.history[0].at
    reminder = ReminderDue(order_id=of.id, lead_minutes=60, session=of.session)
    (event,) = (reminder,) if kind is ReminderDue else facts(of, kind)
    attributes = messages.attributes(event, traceparent=_TRACE, at=at)
    return event.topic, messages.encode(event), json.dumps(attributes), at.timestamp()


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


def told_keys(of: Order) -> tuple[str, ...]:
    """Return the keys of what a scheduled order's people were told."""
    whats = ("payment_received:mentee", "session_scheduled:mentee", "session_scheduled:mentor")
    return tuple(f"{of.id}:{what}:email" for what in whats)


def looked_at(of: Order) -> Order:
    """Return the order as a look leaves it, but for the day of its next one."""
    return msgspec.structs.replace(of, check_at=of.session.starts_at)
