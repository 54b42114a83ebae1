"""The facts that travel between the functions. Each type names its topic and its version."""

import hashlib
from datetime import UTC
from typing import ClassVar, Literal

import msgspec

from shared.domain.money import Money
from shared.domain.people import Identifier, Line, Person
from shared.domain.schedule import Instant, Session


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to an order."""

    topic: ClassVar[str]
    version: ClassVar[int] = 1

    order_id: Identifier

    @property
    def id(self) -> str:
        """The same fact always has the same id, however often it is published."""
        return f"{self.order_id}/{self.topic}"


class OrderCreated(Event, frozen=True, kw_only=True):
    """The web app took an order: published by it, and the only event that it publishes.

    ``topic`` on the wire is what the session is about; here it is ``subject``, since an event
    type's ``topic`` is where it is published.
    """

    topic: ClassVar[str] = "order.created"

    created_at: Instant
    subject: Line = msgspec.field(name="topic")
    mentee: Person
    mentor: Person
    session: Session
    price: Money

    def fingerprint(self) -> str:
        """Return a digest of what was ordered: equal for the same order said twice."""
        said = msgspec.structs.replace(self, created_at=self.session.starts_at.astimezone(UTC))
        return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()


class OrderRejected(Event, frozen=True, kw_only=True):
    """The order cannot be served: the slot is taken, the time is past, or nobody can bill it."""

    topic: ClassVar[str] = "order.rejected"

    reason: str


class InvoiceCreated(Event, frozen=True, kw_only=True):
    """The order has an invoice that the mentee can pay."""

    topic: ClassVar[str] = "invoice.created"

    invoice_id: str
    invoice_url: str
    expires_at: Instant
    price: Money


class InvoicePaid(Event, frozen=True, kw_only=True):
    """The payment provider confirmed the payment of the order's invoice."""

    topic: ClassVar[str] = "invoice.paid"

    invoice_id: str
    paid_at: Instant
    price: Money


class InvoiceExpired(Event, frozen=True, kw_only=True):
    """The invoice can no longer be paid; the slot is free again."""

    topic: ClassVar[str] = "invoice.expired"

    invoice_id: str


class MeetingScheduled(Event, frozen=True, kw_only=True):
    """Mentee and mentor have a calendar event with a room."""

    topic: ClassVar[str] = "meeting.scheduled"

    event_id: str
    meet_url: str
    session: Session


class MentorAsked(Event, frozen=True, kw_only=True):
    """The order is paid, and the mentor has been asked whether they can."""

    topic: ClassVar[str] = "mentor.asked"

    answer_by: Instant
    session: Session
    revision: int

    @property
    def id(self) -> str:
        """One id a question."""
        return f"{self.order_id}/{self.topic}/{self.revision}"


class SessionDeclined(Event, frozen=True, kw_only=True):
    """The paid session cannot be at its time: the mentee chooses another one, or the money."""

    topic: ClassVar[str] = "session.declined"

    reason: str
    revision: int

    @property
    def id(self) -> str:
        """One id a time that was declined."""
        return f"{self.order_id}/{self.topic}/{self.revision}"


class OrderRescheduled(Event, frozen=True, kw_only=True):
    """The session has another time. ``moves`` counts how often that has happened."""

    topic: ClassVar[str] = "order.rescheduled"

    session: Session
    moves: int

    @property
    def id(self) -> str:
        """One id a move."""
        return f"{self.order_id}/{self.topic}/{self.moves}"


class OrderCancelled(Event, frozen=True, kw_only=True):
    """The order was called off; ``refund`` says whether its money goes back."""

    topic: ClassVar[str] = "order.cancelled"

    by: str
    refund: bool


class RefundDue(Event, frozen=True, kw_only=True):
    """Money of this invoice has to go back. ``amount`` is in whole units of its currency."""

    topic: ClassVar[str] = "refund.due"

    invoice_id: str
    amount: int

    @property
    def id(self) -> str:
        """One id a payment."""
        return f"{self.order_id}/{self.topic}/{self.invoice_id}"


class RefundUpdated(Event, frozen=True, kw_only=True):
    """Money is on its way back, or back, or cannot go back by itself: see ``state``."""

    topic: ClassVar[str] = "refund.updated"

    invoice_id: str
    state: str

    @property
    def id(self) -> str:
        """One id a payment and state."""
        return f"{self.order_id}/{self.topic}/{self.invoice_id}/{self.state}"


class ReminderDue(Event, frozen=True, kw_only=True):
    """It is time to remind somebody, ``lead_minutes`` before what it is about.

    That is the session's start, the end of the time to pay, or of the mentor's time to answer.
    """

    topic: ClassVar[str] = "reminder.due"

    lead_minutes: int
    session: Session
    about: Literal["session", "payment", "answer"] = "session"

    @property
    def id(self) -> str:
        """One id a lead time."""
        what = self.lead_minutes if self.about == "session" else self.about
        return f"{self.order_id}/{self.topic}/{what}"


class MessageUndelivered(Event, frozen=True, kw_only=True):
    """A channel took a message and could not deliver it. ``key`` is the message's."""

    topic: ClassVar[str] = "message.undelivered"

    key: str

    @property
    def id(self) -> str:
        """One id a message."""
        return f"{self.order_id}/{self.topic}/{self.key}"


class AttentionRaised(Event, frozen=True, kw_only=True):
    """A person has to look at the order."""

    topic: ClassVar[str] = "attention.raised"

    reason: str
    since: Instant

    @property
    def id(self) -> str:
        """One id a reason."""
        return f"{self.order_id}/{self.topic}/{self.reason}"


ALL_EVENTS: tuple[type[Event], ...] = (
    OrderCreated,
    OrderRejected,
    InvoiceCreated,
    InvoicePaid,
    InvoiceExpired,
    MentorAsked,
    SessionDeclined,
    MeetingScheduled,
    OrderRescheduled,
    OrderCancelled,
    RefundDue,
    RefundUpdated,
    ReminderDue,
    MessageUndelivered,
    AttentionRaised,
)
TOPICS: dict[str, type[Event]] = {event.topic: event for event in ALL_EVENTS}
