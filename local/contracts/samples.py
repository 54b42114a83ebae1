"""What the events are: each type with its name in the documents and an example as it travels."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from shared import messages
from shared.domain.events import (
    ALL_EVENTS,
    AttentionRaised,
    Event,
    InvoiceCreated,
    InvoiceExpired,
    InvoicePaid,
    MeetingScheduled,
    MentorAsked,
    MessageUndelivered,
    OrderCancelled,
    OrderCreated,
    OrderRejected,
    OrderRescheduled,
    RefundDue,
    RefundUpdated,
    ReminderDue,
    SessionDeclined,
)

JsonObject = dict[str, Any]

_TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_PUBLISHED_AT = datetime(2026, 11, 24, 2, 0, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Contract:
    """What is promised of one event type. ``example`` is its data as JSON values."""

    kind: type[Event]
    example: JsonObject

    @property
    def by_web_app(self) -> bool:
        """Whether the web app publishes it, and the pipeline reads it."""
        return self.kind is OrderCreated

    @property
    def event(self) -> Event:
        """The example as an event."""
        return msgspec.convert(self.example, self.kind)

    @property
    def attributes(self) -> dict[str, str]:
        """The example's attributes: the web app needs none."""
        if self.by_web_app:
            return {}
        return messages.attributes(self.event, traceparent=_TRACE, at=_PUBLISHED_AT)

    @property
    def name(self) -> str:
        """The topic and the version, like ``invoice.paid.v1``."""
        return f"{self.kind.topic}.v{self.kind.version}"


_ORDER_ID = "NUS-2026-000123"
_PRICE = {"amount": 250_000, "currency": "IDR"}
_SESSION = {"starts_at": "2026-12-01T12:00:00Z", "duration_minutes": 60}

_EXAMPLES: dict[type[Event], JsonObject] = {
    OrderCreated: {
        "order_id": _ORDER_ID,
        "created_at": "2026-11-24T09:00:00+07:00",
        "topic": "Data analysis portfolio review",
        "mentee": {
            "id": "u-17",
            "name": "Ayu Lestari",
            "email": "ayu@example.com",
            "phone": "+628123456789",
            "locale": "id",
            "time_zone": "Asia/Jakarta",
        },
        "mentor": {
            "id": "m-4",
            "name": "Budi Santoso",
            "email": "budi@example.com",
            "time_zone": "Asia/Makassar",
        },
        "session": {"starts_at": "2026-12-01T19:00:00+07:00", "duration_minutes": 60},
        "price": _PRICE,
    },
    OrderRejected: {"order_id": _ORDER_ID, "reason": "slot_taken"},
    InvoiceCreated: {
        "order_id": _ORDER_ID,
        "invoice_id": "6565a1b2c3d4e5f6a7b8c9d0",
        "invoice_url": "https://checkout.example.com/web/6565a1b2c3d4e5f6a7b8c9d0",
        "expires_at": "2026-11-25T02:00:05Z",
        "price": _PRICE,
    },
    InvoicePaid: {
        "order_id": _ORDER_ID,
        "invoice_id": "6565a1b2c3d4e5f6a7b8c9d0",
        "paid_at": "2026-11-24T02:10:05Z",
        "price": _PRICE,
    },
    InvoiceExpired: {"order_id": _ORDER_ID, "invoice_id": "6565a1b2c3d4e5f6a7b8c9d0"},
    MentorAsked: {
        "order_id": _ORDER_ID,
        "answer_by": "2026-11-24T14:10:06Z",
        "session": _SESSION,
        "revision": 0,
    },
    SessionDeclined: {"order_id": _ORDER_ID, "reason": "declined", "revision": 1},
    MeetingScheduled: {
        "order_id": _ORDER_ID,
        "event_id": "4q9gu6mrn4tkql8gd4b7dmqh2o",
        "meet_url": "https://meet.google.com/abc-defg-hij",
        "session": _SESSION,
    },
    OrderRescheduled: {
        "order_id": _ORDER_ID,
        "session": {"starts_at": "2026-12-03T12:00:00Z", "duration_minutes": 60},
        "moves": 1,
    },
    OrderCancelled: {"order_id": _ORDER_ID, "by": "mentee", "refund": True},
    RefundDue: {
        "order_id": _ORDER_ID,
        "invoice_id": "6565a1b2c3d4e5f6a7b8c9d0",
        "amount": 250_000,
    },
    RefundUpdated: {
        "order_id": _ORDER_ID,
        "invoice_id": "6565a1b2c3d4e5f6a7b8c9d0",
        "state": "started",
    },
    ReminderDue: {
        "order_id": _ORDER_ID,
        "lead_minutes": 60,
        "session": _SESSION,
        "about": "session",
    },
    MessageUndelivered: {
        "order_id": _ORDER_ID,
        "key": f"{_ORDER_ID}:invoice_ready:mentee:whatsapp",
    },
    AttentionRaised: {
        "order_id": _ORDER_ID,
        "reason": "room_failed",
        "since": "2026-11-24T02:11:05Z",
    },
}

CONTRACTS = tuple(Contract(kind, _EXAMPLES[kind]) for kind in ALL_EVENTS)
