"""What the steps need from the world, in the domain's words. Adapters and fakes implement these.

Every method may raise RetryableError (it may work later) or PermanentError (it never will).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeAlias

import msgspec

from shared.domain.events import Event
from shared.domain.order import Change, Order
from shared.domain.schedule import DayKey, Days, MentorDay, Period
from shared.errors import RetryableError

# A function that does not use a port must not load the port's words when it starts.
if TYPE_CHECKING:
    from shared.domain.availability import Availability
    from shared.domain.deliveries import Delivery
    from shared.domain.invoice import Invoice
    from shared.domain.meetings import CalendarEvent, MeetingRequest
    from shared.domain.notifications import Mail, TemplateMessage
    from shared.domain.refund import Refund, RefundRequest

Decide = Callable[[Order | None, Days], Change]
DecideDelivery: TypeAlias = "Callable[[Delivery | None], Delivery]"


class InvoiceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The invoice to make for an order. ``duration_s`` is how long it can be paid, in seconds."""

    order: Order
    duration_s: int


class RejectedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that could not be handled, with the reason, so that nothing is lost.

    ``body`` is what came, as text (undecodable bytes replaced); at most ``MAX_BODY`` characters of
    it are kept, ``size`` and ``sha256`` tell the whole. ``topic`` is where it can be published
    again; empty where it did not come from a topic. ``replayed_at`` is when it last was.
    """

    id: str
    source: str
    reason: str
    received_at: datetime
    body: str
    size: int
    sha256: str
    attributes: dict[str, str] = {}
    topic: str = ""
    replayed_at: datetime | None = None


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class OrderStore(Protocol):
    """Orders and the mentors' days, changed together or not at all."""

    def get(self, order_id: str) -> Order | None:
        """Return the order, or None."""

    def transact(self, order_id: str, decide: Decide, days: Collection[DayKey] = ()) -> Order:
        """Run a pure decision on the order and these days; store what it returns, atomically.

        ``decide`` gets the order (None if there is none) and one MentorDay for each key (empty
        where none is stored), and may be run again when somebody else wrote in between. To ask for
        a day that is not among ``days`` raises RetryableError (the order was moved since they
        were named); to return one is an error of the step's. What it raises is raised, and nothing is stored. An
        order that it returns unchanged is not written. Returns the order as stored.
        """

    def days(self, keys: Collection[DayKey]) -> Sequence[MentorDay]:
        """Return these days as they are now, one for each key, empty where none is stored."""

    def due_for_reminder(self, now: datetime, limit: int) -> Sequence[Order]:
        """Return up to ``limit`` orders whose next_reminder_at is at or before now, earliest first."""

    def due_for_check(self, now: datetime, limit: int) -> Sequence[Order]:
        """Return up to ``limit`` orders whose check_at is at or before now, earliest first."""

    def changed_since(self, since: datetime, limit: int) -> Sequence[Order]:
        """Return up to ``limit`` orders whose ``changed_at`` is at or after ``since``, earliest first."""

    def waiting_for_admin(self, limit: int) -> Sequence[Order]:
        """Return up to ``limit`` orders that wait for an admin, by id."""

    def scan(self) -> Iterator[Order]:
        """Yield every order, by id; for the admin's and the developer's eyes, not for the steps."""


def stored_order(orders: OrderStore, order_id: str) -> Order:
    """Return the order. Raises RetryableError while it is not in the store."""
    order = orders.get(order_id)
    if order is None:
        raise RetryableError(f"order {order_id} is not in the store")
    return order


class DeliveryStore(Protocol):
    """What has been sent to whom, one record a message."""

    def get(self, key: str) -> Delivery | None:
        """Return the record, or None."""

    def transact(self, key: str, decide: DecideDelivery) -> Delivery:
        """Run a pure decision on the record and store what it returns, as OrderStore.transact."""


class RejectedStore(Protocol):
    """Messages that could not be handled."""

    def keep(self, message: RejectedMessage) -> None:
        """Store it; the same id again replaces it."""

    def get(self, message_id: str) -> RejectedMessage | None:
        """Return the message of this id, or None."""

    def list(self, limit: int = 100) -> Sequence[RejectedMessage]:
        """Return the latest ones, newest first."""


class EventPublisher(Protocol):
    """The way to the next step."""

    def publish(self, *events: Event) -> None:
        """Publish, and return only when every event has been accepted."""


class RawPublisher(Protocol):
    """How the web app publishes: bytes, as they are."""

    def publish_raw(self, topic: str, data: bytes, attributes: dict[str, str]) -> None:
        """Publish, and return only when the message has been accepted."""


class InvoiceGateway(Protocol):
    """The payment provider."""

    def create(self, request: InvoiceRequest) -> Invoice:
        """Make an invoice. Not idempotent: look with ``find`` first."""

    def get(self, invoice_id: str) -> Invoice | None:
        """Read one invoice, or None if there is none of that id."""

    def find(self, order_id: str) -> Sequence[Invoice]:
        """Read all invoices of the order, oldest first."""

    def expire(self, invoice_id: str) -> None:
        """Make the invoice unpayable; quiet if it already is."""

    def budget(self) -> float:
        """Return the share (0..1) of the rate limit that is left, as last told; 1 if unknown."""


class MeetingScheduler(Protocol):
    """The calendar with its video rooms."""

    def ensure(self, request: MeetingRequest) -> CalendarEvent:
        """Create the event, or read it back where it exists, asking for a room either way.

        An event that is there with an older ``revision`` is moved to the request's time and keeps
        its room; one with a newer revision is left alone and returned as it is.
        """

    def get(self, event_id: str) -> CalendarEvent | None:
        """Read the event, or None."""

    def cancel(self, event_id: str) -> None:
        """Take the event out of all calendars; quiet if it is gone, or never was."""


class BusyCalendars(Protocol):
    """When people are not free, from calendars that they share."""

    def busy(self, email: str, begin: datetime, end: datetime, /) -> Sequence[Period]:
        """Return the busy times that touch [begin, end); nothing for a calendar that is not shared."""


class AvailabilityStore(Protocol):
    """When each mentor takes sessions. What is not stored is always available."""

    def get(self, mentor_id: str) -> Availability | None:
        """Return the mentor's record, or None."""

    def put(self, availability: Availability) -> None:
        """Store the record, in place of the one before."""


class Mailer(Protocol):
    """E-mail in two steps, so that a crash between them does not send twice."""

    def draft(self, mail: Mail) -> str:
        """Store the mail as a draft and return the draft's id."""

    def send(self, draft_id: str, mail: Mail) -> None:
        """Send the draft; quiet if it is gone, which means that it was sent.

        ``mail`` is what the draft says, for a channel that cannot store drafts.
        """

    def discard(self, draft_id: str) -> None:
        """Delete a draft that will not be sent; quiet if it is gone."""


class Messenger(Protocol):
    """Short messages to a phone. There are no drafts: what is sent cannot be told from what is not.

    So the caller sends once at most. NotDoneError: nothing was sent, and it may be tried again. Any
    other RetryableError: nobody knows. PermanentError: this reader cannot be reached this way.
    """

    def send(self, message: TemplateMessage) -> str:
        """Send the message and return the channel's id of it."""


class RefundGateway(Protocol):
    """The payment provider's way back for money."""

    def refund(self, request: RefundRequest) -> Refund:
        """Start a refund; the same ``key`` again returns the refund that was started.

        Raises NotRefundableError where the way of payment takes no refunds.
        """

    def get(self, refund_id: str) -> Refund | None:
        """Read one refund, or None if there is none of that id."""


class Vault(Protocol):
    """Keeps what must not be read in the store: sealed when it is written, opened when it is used."""

    def seal(self, text: str) -> str:
        """Return the text encrypted."""

    def open(self, sealed: str) -> str:
        """Return the text again. PermanentError if no key of ours has sealed it."""
