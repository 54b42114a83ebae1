"""The order: its data, its statuses, and the only way to change them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from shared.domain.events import OrderCreated
from shared.domain.money import Money
from shared.domain.people import Person
from shared.domain.schedule import Booking, DayKey, MentorDay, Period, Session, days_of
from shared.errors import TransitionError


class Status(StrEnum):
    """Where an order stands."""

    PENDING = "pending"  # accepted, slot held, invoice being made
    INVOICED = "invoiced"  # the mentee can pay
    PAID = "paid"  # payment confirmed by the provider, meeting being made
    AWAITING_MENTOR = "awaiting_mentor"  # paid, and the mentor has been asked whether they can
    AWAITING_MENTEE = "awaiting_mentee"  # paid, but not possible then: another time or the money
    SCHEDULED = "scheduled"  # calendar event and room exist
    COMPLETED = "completed"  # the session is over
    REJECTED = "rejected"  # never could be served; the reason is kept
    EXPIRED = "expired"  # not paid in time, slot given back
    CANCELLED = "cancelled"  # called off


TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.INVOICED, Status.REJECTED, Status.CANCELLED}),
    Status.INVOICED: frozenset({Status.PAID, Status.EXPIRED, Status.CANCELLED}),
    Status.PAID: frozenset({Status.SCHEDULED, Status.AWAITING_MENTOR, Status.CANCELLED}),
    Status.AWAITING_MENTOR: frozenset({Status.PAID, Status.AWAITING_MENTEE, Status.CANCELLED}),
    Status.AWAITING_MENTEE: frozenset({Status.PAID, Status.CANCELLED}),
    Status.SCHEDULED: frozenset({Status.COMPLETED, Status.AWAITING_MENTEE, Status.CANCELLED}),
    Status.COMPLETED: frozenset(),
    Status.REJECTED: frozenset(),
    # Money that comes late: while the slot is still free, or after it went.
    Status.EXPIRED: frozenset({Status.PAID, Status.AWAITING_MENTEE}),
    Status.CANCELLED: frozenset(),
}
# By then what follows from a change should be done and the messages about it should be out.
LOOK_AFTER_CHANGE = timedelta(minutes=2)
# In these the mentor's slot belongs to the order.
HOLDS_SLOT = frozenset(
    {Status.PENDING, Status.INVOICED, Status.PAID, Status.AWAITING_MENTOR, Status.SCHEDULED}
)


class Actor(StrEnum):
    """Who acts on an order."""

    MENTEE = "mentee"
    MENTOR = "mentor"
    ADMIN = "admin"
    SYSTEM = "system"


class MoneyBackState(StrEnum):
    """How far money has come on its way back."""

    DUE = "due"  # owed, and the provider has not been asked yet
    STARTED = "started"  # the provider is at it
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # the provider could not: by hand, then
    ACCOUNT_WANTED = "account_wanted"  # this way of payment takes no refunds: to what account?
    PAYOUT_DUE = "payout_due"  # the account is known: an admin transfers it by hand
    PAID_OUT = "paid_out"


class StatusChange(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an order's history."""

    status: Status
    at: datetime
    reason: str | None = None


class OrderInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """The one invoice that the mentee is shown."""

    id: str
    url: str
    expires_at: datetime


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """Money that the provider says it has. ``amount`` is in whole units of the order's currency."""

    invoice_id: str
    amount: int
    paid_at: datetime
    method: str | None = None
    channel: str | None = None


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """The calendar event and its room."""

    event_id: str
    meet_url: str
    # Which of the order's moves the calendar shows, and which it had when it was made.
    moves: int = 0
    scheduled_moves: int = 0


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """The question to the mentor whether they can, and when it has to be answered."""

    asked_at: datetime
    answer_by: datetime
    accepted_at: datetime | None = None


class Cancellation(msgspec.Struct, frozen=True, kw_only=True):
    """Who called the order off, and whether the money goes back."""

    by: Actor
    at: datetime
    refund: bool


class MoneyBack(msgspec.Struct, frozen=True, kw_only=True):
    """Money of one payment that goes back. ``amount`` is in whole units of the order's currency.

    ``account`` is where an admin transfers it to, sealed (see Vault), and gone once that is done.
    """

    invoice_id: str
    amount: int
    state: MoneyBackState
    since: datetime
    refund_id: str | None = None
    account: str | None = None


class Attention(msgspec.Struct, frozen=True, kw_only=True):
    """Why a person must look at the order, and since when."""

    reason: str
    since: datetime


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known about one order. Instants are aware and in UTC."""

    id: str
    subject: str
    mentee: Person
    mentor: Person
    session: Session
    price: Money
    fingerprint: str
    status: Status
    history: tuple[StatusChange, ...]
    # How often the making of the invoice was begun, and until when the latest try is alone.
    claims: int = 0
    claimed_until: datetime | None = None
    invoice: OrderInvoice | None = None
    payment: Payment | None = None
    meeting: Meeting | None = None
    event_generation: int = 0
    room_attempt: int = 0
    room_wanted_since: datetime | None = None
    next_reminder_at: datetime | None = None
    reminder_leads: tuple[int, ...] = ()
    check_at: datetime | None = None
    # Names of messages that the last look found out for good: the next one need not ask again.
    told: tuple[str, ...] = ()
    attention: tuple[Attention, ...] = ()
    # Rises with each thing that a person does; a link made for an earlier revision does nothing.
    revision: int = 0
    # Kept free before and after the session when its slot was taken.
    buffer_minutes: int = 0
    # How often the session was moved to another time.
    moves: int = 0
    moved_from: datetime | None = None
    confirmation: Confirmation | None = None
    decline_note: str | None = None
    cancellation: Cancellation | None = None
    refunds: tuple[MoneyBack, ...] = ()
    # Calendar events of this order that nobody should see any more.
    obsolete_events: tuple[str, ...] = ()

    def moved_to(self, status: Status, now: datetime, reason: str | None = None) -> "Order":
        """Return the order in another status; the only place where a status changes."""
        if status not in TRANSITIONS[self.status]:
            raise TransitionError(f"order {self.id}: {self.status} cannot become {status}")
        change = StatusChange(status=status, at=now, reason=reason)
        moved = msgspec.structs.replace(self, status=status, history=(*self.history, change))
        return msgspec.structs.replace(
            moved,
            check_at=_first_look(moved, now),
            next_reminder_at=None,
            claimed_until=None,
        )

    def acted_on(self, now: datetime) -> "Order":
        """Return the order after a person did something: links made before are dead now."""
        soon = now + LOOK_AFTER_CHANGE
        check_at = soon if self.check_at is None else min(self.check_at, soon)
        return msgspec.structs.replace(self, revision=self.revision + 1, check_at=check_at)

    def with_refund(self, refund: MoneyBack, now: datetime) -> "Order":
        """Return the order with this refund, in place of what was known of the same payment's."""
        others = tuple(r for r in self.refunds if r.invoice_id != refund.invoice_id)
        soon = now + LOOK_AFTER_CHANGE
        check_at = soon if self.check_at is None else min(self.check_at, soon)
        return msgspec.structs.replace(self, refunds=(*others, refund), check_at=check_at)

    def refund_of(self, invoice_id: str) -> MoneyBack | None:
        """Return the refund of this invoice's payment, if one is owed or was made."""
        return next((r for r in self.refunds if r.invoice_id == invoice_id), None)

    def with_attention(self, reason: str, now: datetime) -> "Order":
        """Return the order with a reason for the admin; the first time that it arose is kept."""
        if self.has_attention(reason):
            return self
        raised = (*self.attention, Attention(reason=reason, since=now))
        soon = now + LOOK_AFTER_CHANGE
        check_at = soon if self.check_at is None else min(self.check_at, soon)
        return msgspec.structs.replace(self, attention=raised, check_at=check_at)

    def without_attention(self, *reasons: str) -> "Order":
        """Return the order with these reasons dealt with."""
        left = tuple(a for a in self.attention if a.reason not in reasons)
        return msgspec.structs.replace(self, attention=left)

    def has_attention(self, *reasons: str) -> bool:
        """Whether the admin has been asked for one of these reasons."""
        return any(a.reason in reasons for a in self.attention)

    @property
    def reason(self) -> str | None:
        """The reason of the latest status change."""
        return self.history[-1].reason

    @property
    def changed_at(self) -> datetime:
        """When its status, or the way of its money back, last changed."""
        return max((self.history[-1].at, *(refund.since for refund in self.refunds)))

    @property
    def waits_for_admin(self) -> bool:
        """Whether an admin has to look at it, or to transfer money by hand."""
        payout = any(refund.state is MoneyBackState.PAYOUT_DUE for refund in self.refunds)
        return bool(self.attention) or payout

    @property
    def booking(self) -> Booking:
        """The slot of this order."""
        return Booking(order_id=self.id, session=self.session)

    @property
    def day_keys(self) -> tuple[DayKey, ...]:
        """The mentor's days that the order's session touches, with the buffer around it.

        The booking is kept on all of them, so that of two sessions too close to each other, both
        write a day that they share.
        """
        buffer = timedelta(minutes=self.buffer_minutes)
        kept_free = Period(
            starts_at=self.session.starts_at - buffer, ends_at=self.session.ends_at + buffer
        )
        return days_of(self.mentor.id, kept_free)

    def was(self, status: Status) -> bool:
        """Whether the order has ever had this status."""
        return any(change.status is status for change in self.history)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision wants stored: the order and the mentor's days that it changed."""

    order: Order
    days: tuple[MentorDay, ...] = ()


def order_from(event: OrderCreated, now: datetime) -> Order:
    """Return the new, pending order that the event asks for."""
    return Order(
        id=event.order_id,
        subject=event.subject,
        mentee=event.mentee,
        mentor=event.mentor,
        session=event.session,
        price=event.price,
        fingerprint=event.fingerprint(),
        status=Status.PENDING,
        history=(StatusChange(status=Status.PENDING, at=now),),
    )


def _first_look(order: Order, now: datetime) -> datetime | None:
    # Money may still be on its way back when the session is over, or come a second time for an
    # invoice that another try has made.
    over = order.status is Status.COMPLETED and not order.refunds and order.claims <= 1
    return None if over else now + LOOK_AFTER_CHANGE
