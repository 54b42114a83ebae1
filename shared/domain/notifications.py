"""Who is told what, of which fact, while it is true, and over which channels."""

from collections.abc import Mapping
from datetime import datetime
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
    MentorAsked,
    MessageUndelivered,
    OrderCancelled,
    OrderRejected,
    OrderRescheduled,
    RefundUpdated,
    ReminderDue,
    SessionDeclined,
)
from shared.domain.order import MoneyBackState, Order, Status
from shared.domain.people import Locale, Person, Phone


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
    PAYOUT_ACCOUNT_WANTED = (
        "payout_account_wanted"  # the channel takes no refunds: to what account?
    )
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
    # A message that is no longer true is not sent: no "please pay" after the payment.
    while_in: frozenset[Status]
    # What the event tells of: the order has been there by the time that the event is published.
    tells_of: Status | None = None


# A channel refused a message for good: nobody was told.
MESSAGE_FAILED = "message_failed"
# Why a reminder was not sent: what it reminds of has begun.
TOO_LATE = "too_late"

_MENTEE, _MENTOR, _ADMIN = (Recipient.MENTEE,), (Recipient.MENTOR,), (Recipient.ADMIN,)
_BOTH = _MENTEE + _MENTOR
_ALWAYS = frozenset(Status)
_SOLD = frozenset({Status.PAID, Status.AWAITING_MENTOR, Status.SCHEDULED, Status.COMPLETED})


def _while(status: Status, kind: Kind, recipients: tuple[Recipient, ...]) -> Rule:
    return Rule(kind, recipients, frozenset({status}), status)


TABLE: Mapping[type[Event], tuple[Rule, ...]] = {
    OrderRejected: (_while(Status.REJECTED, Kind.ORDER_REJECTED, _MENTEE + _ADMIN),),
    InvoiceCreated: (_while(Status.INVOICED, Kind.INVOICE_READY, _MENTEE),),
    InvoiceExpired: (_while(Status.EXPIRED, Kind.INVOICE_EXPIRED, _MENTEE),),
    InvoicePaid: (Rule(Kind.PAYMENT_RECEIVED, _MENTEE, _SOLD, Status.PAID),),
    MentorAsked: (_while(Status.AWAITING_MENTOR, Kind.CONFIRMATION_WANTED, _MENTOR),),
    SessionDeclined: (_while(Status.AWAITING_MENTEE, Kind.SESSION_DECLINED, _MENTEE),),
    MeetingScheduled: (_while(Status.SCHEDULED, Kind.SESSION_SCHEDULED, _BOTH),),
    OrderRescheduled: (_while(Status.SCHEDULED, Kind.SESSION_MOVED, _BOTH),),
    OrderCancelled: (_while(Status.CANCELLED, Kind.ORDER_CANCELLED, _BOTH),),
    ReminderDue: (
        _while(Status.SCHEDULED, Kind.REMINDER, _BOTH),
        _while(Status.INVOICED, Kind.PAYMENT_REMINDER, _MENTEE),
        _while(Status.AWAITING_MENTOR, Kind.CONFIRMATION_REMINDER, _MENTOR),
    ),
    RefundUpdated: (
        Rule(Kind.REFUND_STARTED, _MENTEE, _ALWAYS),
        Rule(Kind.REFUND_DONE, _MENTEE, _ALWAYS),
        Rule(Kind.REFUND_FAILED, _MENTEE, _ALWAYS),
        Rule(Kind.PAYOUT_ACCOUNT_WANTED, _MENTEE, _ALWAYS),
        Rule(Kind.PAYOUT_TASK, _ADMIN, _ALWAYS),
    ),
    AttentionRaised: (Rule(Kind.ATTENTION, _ADMIN, _ALWAYS),),
}
_OF_REMINDER = {
    "session": Kind.REMINDER,
    "payment": Kind.PAYMENT_REMINDER,
    "answer": Kind.CONFIRMATION_REMINDER,
}
_OF_REFUND: Mapping[str, Kind] = {
    MoneyBackState.STARTED: Kind.REFUND_STARTED,
    MoneyBackState.SUCCEEDED: Kind.REFUND_DONE,
    MoneyBackState.PAID_OUT: Kind.REFUND_DONE,
    MoneyBackState.FAILED: Kind.REFUND_FAILED,
    MoneyBackState.ACCOUNT_WANTED: Kind.PAYOUT_ACCOUNT_WANTED,
    MoneyBackState.PAYOUT_DUE: Kind.PAYOUT_TASK,
}
# They carry a calendar file, which only mail can; a phone is told beside it.
CALENDAR_KINDS = frozenset({Kind.SESSION_SCHEDULED, Kind.SESSION_MOVED, Kind.ORDER_CANCELLED})
# Somebody waits for these within the hour: they go first where a channel has little left.
_URGENT_WITHIN_MINUTES = 60


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one reader. ``detail`` tells apart messages of one kind: a lead, a reason."""

    order_id: str
    kind: Kind
    recipient: Recipient
    channel: Channel = Channel.EMAIL
    detail: str | None = None
    lead_minutes: int | None = None

    @property
    def key(self) -> str:
        """The name under which the message is claimed: the same message has the same key."""
        return f"{self.order_id}:{self.name}:{self.channel}"

    @property
    def name(self) -> str:
        """What tells the message apart from the order's others, over whichever channel it goes."""
        kind = self.kind if self.detail is None else f"{self.kind}-{self.detail}"
        return f"{kind}:{self.recipient}"

    @property
    def urgent(self) -> bool:
        """Whether it must not wait behind others."""
        return self.lead_minutes is not None and self.lead_minutes <= _URGENT_WITHIN_MINUTES

    def over(self, channel: Channel) -> "Notification":
        """Return the same message over another channel."""
        return msgspec.structs.replace(self, channel=channel)


def reader_of(recipient: Recipient, order: Order, admin: Person) -> Person:
    """Return who the recipient of a message about this order is."""
    match recipient:
        case Recipient.MENTEE:
            return order.mentee
        case Recipient.MENTOR:
            return order.mentor
        case Recipient.ADMIN:
            return admin


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
    language: Locale = "id"
    calendar: CalendarFile | None = None


def notifications_for(event: Event, order: Order) -> tuple[Notification, ...]:
    """Return the messages that the event causes, given how the order stands now.

    Each as a mail; ``routes`` says over which channels it is to go.
    """
    if _outdated(event, order):
        return ()
    return tuple(
        Notification(
            order_id=order.id,
            kind=rule.kind,
            recipient=recipient,
            detail=_detail(event, order),
            lead_minutes=event.lead_minutes if isinstance(event, ReminderDue) else None,
        )
        for rule in TABLE.get(type(event), ())
        if rule.kind is _kind_of(event, rule.kind) and order.status in rule.while_in
        for recipient in rule.recipients
    )


def routes(
    notification: Notification, phone: str | None, *, whatsapp: bool
) -> tuple[tuple[Notification, ...], ...]:
    """Return the chains of channels that a message takes: within one, the first that works.

    Indonesians read WhatsApp first. What carries a calendar file goes by mail in any case.
    """
    mail = notification.over(Channel.EMAIL)
    if not whatsapp or phone is None or notification.recipient is Recipient.ADMIN:
        return ((mail,),)
    chat = notification.over(Channel.WHATSAPP)
    return ((mail,), (chat,)) if notification.kind in CALENDAR_KINDS else ((chat, mail),)


def is_too_late(event: Event, order: Order, now: datetime) -> bool:
    """Whether the event reminds of something that has begun, or ended, by now."""
    if not isinstance(event, ReminderDue):
        return False
    ends = order.session.starts_at
    if event.about == "payment" and order.invoice is not None:
        ends = order.invoice.expires_at
    return now >= ends


def fallback_of(
    event: MessageUndelivered, order: Order, now: datetime
) -> tuple[tuple[Notification, ...], ...]:
    """Return the chain that is left for a chat message that did not arrive, if it is still true."""
    try:
        _, named, recipient, channel = event.key.split(":")
        kind = Kind(named.partition("-")[0])
        detail = named.partition("-")[2] or None
        mail = Notification(
            order_id=order.id,
            kind=kind,
            recipient=Recipient(recipient),
            detail=detail,
            lead_minutes=_lead_in(kind, detail),
        )
    except ValueError:
        return ()
    if channel != Channel.WHATSAPP or kind in CALENDAR_KINDS:
        return ()
    true = any(r.kind is kind and order.status in r.while_in for rs in TABLE.values() for r in rs)
    late = kind is Kind.REMINDER and now >= order.session.starts_at
    return ((mail,),) if true and _is_latest(mail, order) and not late else ()


def _is_latest(notification: Notification, order: Order) -> bool:
    """Whether nothing has overtaken the message: another question, another time, the money."""
    detail = notification.detail or ""
    match notification.kind:
        case Kind.REMINDER:
            return (detail.partition("-")[2] or "0") == str(order.moves)
        case Kind.CONFIRMATION_WANTED | Kind.CONFIRMATION_REMINDER | Kind.SESSION_DECLINED:
            return detail == str(order.revision)
        case kind if kind in _OF_REFUND.values():
            refund = order.refund_of(detail)
            return refund is not None and _OF_REFUND.get(refund.state) is kind
        case _:
            return True


def _lead_in(kind: Kind, detail: str | None) -> int | None:
    return int(detail.partition("-")[0]) if kind is Kind.REMINDER and detail else None


def is_ahead(event: Event, order: Order) -> bool:
    """Whether the event tells of something that this copy of the order does not show yet.

    The copy is an old one then; to derive the messages from it would lose them.
    """
    told = {
        rule.tells_of
        for rule in TABLE.get(type(event), ())
        if rule.kind is _kind_of(event, rule.kind) and rule.tells_of is not None
    }
    return any(not order.was(status) for status in told)


def _outdated(event: Event, order: Order) -> bool:
    match event:
        case ReminderDue():
            return event.session != order.session
        case MentorAsked() | SessionDeclined():
            return event.revision != order.revision
        case OrderRescheduled():
            return event.moves != order.moves
        case RefundUpdated():
            refund = order.refund_of(event.invoice_id)
            return refund is None or refund.state != event.state
        case _:
            return False


def _kind_of(event: Event, kind: Kind) -> Kind | None:
    """Return which of its rows an event means, where that depends on what it says."""
    match event:
        case ReminderDue():
            return _OF_REMINDER[event.about]
        case RefundUpdated():
            return _OF_REFUND.get(event.state)
        case _:
            return kind


def _detail(event: Event, order: Order) -> str | None:
    match event:
        case ReminderDue(about="session"):
            lead = str(event.lead_minutes)
            return f"{lead}-{order.moves}" if order.moves else lead
        case AttentionRaised():
            return event.reason
        case MentorAsked() | SessionDeclined():
            return str(event.revision)
        case ReminderDue(about="answer"):
            return str(order.revision)
        case OrderRescheduled():
            return str(event.moves)
        case RefundUpdated():
            return event.invoice_id
        case MeetingScheduled() if order.event_generation:
            return str(order.event_generation)
        case _:
            return None
