"""Who is told what, and the record of each message so that it reaches its reader once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

import msgspec

from shared.domain.events import (
    AttentionRaised,
    Event,
    InvoiceCreated,
    InvoiceExpired,
    InvoicePaid,
    MeetingScheduled,
    OrderRejected,
    ReminderDue,
)
from shared.domain.order import Order, Status
from shared.domain.people import Locale, Phone
from shared.errors import ClaimedError


class Kind(StrEnum):
    """What a message is about."""

    INVOICE_READY = "invoice_ready"
    PAYMENT_RECEIVED = "payment_received"
    SESSION_SCHEDULED = "session_scheduled"
    REMINDER = "reminder"
    INVOICE_EXPIRED = "invoice_expired"
    ORDER_REJECTED = "order_rejected"
    PAYMENT_REMINDER = "payment_reminder"  # unpaid, and about to expire
    CONFIRMATION_WANTED = "confirmation_wanted"  # a new order for the mentor: can they?
    CONFIRMATION_REMINDER = "confirmation_reminder"
    SESSION_DECLINED = "session_declined"  # paid, but not at that time: another time, or the money
    SESSION_MOVED = "session_moved"
    ORDER_CANCELLED = "order_cancelled"
    REFUND_STARTED = "refund_started"
    REFUND_DONE = "refund_done"
    REFUND_FAILED = "refund_failed"
    PAYOUT_ACCOUNT_WANTED = "payout_account_wanted"  # the channel takes no refunds: to what account?
    PAYOUT_TASK = "payout_task"  # for the admin: transfer this money by hand
    DIGEST = "digest"
    ATTENTION = "attention"


class Recipient(StrEnum):
    """Whom a message is for."""

    MENTEE = "mentee"
    MENTOR = "mentor"
    ADMIN = "admin"


class Channel(StrEnum):
    """How a message travels."""

    EMAIL = "email"
    WHATSAPP = "whatsapp"


class Rule(msgspec.Struct, frozen=True):
    """A row of the table: the message that an event causes, for whom, while the order is where."""

    kind: Kind
    recipients: tuple[Recipient, ...]
    # What the event tells of: the order has been there by the time that the event is published.
    tells_of: Status | None
    # A message that is no longer true is not sent: no "please pay" after the payment.
    while_in: frozenset[Status]


# A channel refused a message for good: nobody was told.
MESSAGE_FAILED = "message_failed"

_BOTH = (Recipient.MENTEE, Recipient.MENTOR)
_SOLD = frozenset({Status.PAID, Status.SCHEDULED, Status.COMPLETED})

TABLE: Mapping[type[Event], Rule] = {
    InvoiceCreated: Rule(
        Kind.INVOICE_READY, (Recipient.MENTEE,), Status.INVOICED, frozenset({Status.INVOICED})
    ),
    InvoicePaid: Rule(Kind.PAYMENT_RECEIVED, (Recipient.MENTEE,), Status.PAID, _SOLD),
    MeetingScheduled: Rule(
        Kind.SESSION_SCHEDULED, _BOTH, Status.SCHEDULED, frozenset({Status.SCHEDULED})
    ),
    ReminderDue: Rule(Kind.REMINDER, _BOTH, Status.SCHEDULED, frozenset({Status.SCHEDULED})),
    InvoiceExpired: Rule(
        Kind.INVOICE_EXPIRED, (Recipient.MENTEE,), Status.EXPIRED, frozenset({Status.EXPIRED})
    ),
    OrderRejected: Rule(
        Kind.ORDER_REJECTED,
        (Recipient.MENTEE, Recipient.ADMIN),
        Status.REJECTED,
        frozenset({Status.REJECTED}),
    ),
    AttentionRaised: Rule(Kind.ATTENTION, (Recipient.ADMIN,), None, frozenset(Status)),
}


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one reader. ``detail`` tells apart messages of one kind: a lead, a reason."""

    order_id: str
    kind: Kind
    recipient: Recipient
    channel: Channel = Channel.EMAIL
    detail: str | None = None

    @property
    def key(self) -> str:
        """The name under which the message is claimed: the same message has the same key."""
        kind = self.kind if self.detail is None else f"{self.kind}-{self.detail}"
        return f"{self.order_id}:{kind}:{self.recipient}:{self.channel}"


class CalendarFile(msgspec.Struct, frozen=True, kw_only=True):
    """An iCalendar object that goes with a mail, for the reader's own calendar."""

    method: Literal["REQUEST", "CANCEL"]
    content: str


class TemplateMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A WhatsApp message: a template that Meta has approved, and what fills its places in order."""

    key: str
    to_phone: Phone
    template: str
    language: Locale
    parameters: tuple[str, ...]


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A rendered e-mail. ``key`` is the notification's, kept in a header of the mail."""

    key: str
    to_name: str
    to_email: str
    subject: str
    text: str
    html: str
    calendar: CalendarFile | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of one message."""

    key: str
    order_id: str
    draft_id: str | None = None
    claimed_until: datetime | None = None
    sent_at: datetime | None = None
    failed: str | None = None

    @property
    def settled(self) -> bool:
        """Whether there is nothing left to do."""
        return self.sent_at is not None or self.failed is not None


def notifications_for(event: Event, order: Order, now: datetime) -> tuple[Notification, ...]:
    """Return the messages that the event causes, given how the order stands now."""
    rule = TABLE.get(type(event))
    if rule is None or order.status not in rule.while_in or _outdated(event, order, now):
        return ()
    detail = _detail(event)
    return tuple(
        Notification(order_id=order.id, kind=rule.kind, recipient=recipient, detail=detail)
        for recipient in rule.recipients
    )


def is_ahead(event: Event, order: Order) -> bool:
    """Whether the event tells of something that this copy of the order does not show yet.

    The copy is an old one then; to derive the messages from it would lose them.
    """
    rule = TABLE.get(type(event))
    return rule is not None and rule.tells_of is not None and not order.was(rule.tells_of)


def claim_draft(
    current: Delivery | None,
    *,
    notification: Notification,
    draft_id: str,
    claim: timedelta,
    now: datetime,
) -> Delivery:
    """Record the draft before it is sent. The first draft recorded is the one that is sent."""
    if current is None:
        return Delivery(
            key=notification.key,
            order_id=notification.order_id,
            draft_id=draft_id,
            claimed_until=now + claim,
        )
    return reclaim(current, claim=claim, now=now)


def reclaim(current: Delivery | None, *, claim: timedelta, now: datetime) -> Delivery:
    """Take up a message that somebody else began and did not finish."""
    if current is None:
        raise LookupError("the message is not in the store")
    if current.settled:
        return current
    if current.claimed_until is not None and now < current.claimed_until:
        wait = (current.claimed_until - now).total_seconds()
        raise ClaimedError(f"message {current.key} is being sent", retry_after=wait)
    return msgspec.structs.replace(current, claimed_until=now + claim)


def mark_sent(current: Delivery | None, *, now: datetime) -> Delivery:
    """Record that the message is out."""
    if current is None:
        raise LookupError("the message is not in the store")
    return msgspec.structs.replace(current, sent_at=current.sent_at or now, claimed_until=None)


def mark_failed(current: Delivery | None, *, notification: Notification, reason: str) -> Delivery:
    """Record that the channel refuses the message for good."""
    known = current or Delivery(key=notification.key, order_id=notification.order_id)
    return msgspec.structs.replace(known, failed=reason, claimed_until=None)


def _outdated(event: Event, order: Order, now: datetime) -> bool:
    if isinstance(event, ReminderDue):
        return event.session != order.session or now >= order.session.starts_at
    return False


def _detail(event: Event) -> str | None:
    if isinstance(event, ReminderDue):
        return str(event.lead_minutes)
    if isinstance(event, AttentionRaised):
        return event.reason
    return None
