"""The order: its data, its statuses, and the only way to change them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from shared.domain.events import OrderCreated
from shared.domain.money import Money
from shared.domain.people import Person
from shared.domain.schedule import Booking, DayKey, MentorDay, Session, days_of
from shared.errors import TransitionError


class Status(StrEnum):
    """Where an order stands."""

    PENDING = "pending"  # accepted, slot held, invoice being made
    INVOICED = "invoiced"  # the mentee can pay
    PAID = "paid"  # payment confirmed by the provider, meeting being made
    SCHEDULED = "scheduled"  # calendar event and room exist
    COMPLETED = "completed"  # the session is over
    REJECTED = "rejected"  # never could be served; the reason is kept
    EXPIRED = "expired"  # not paid in time, slot given back
    CANCELLED = "cancelled"  # called off


TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.INVOICED, Status.REJECTED, Status.CANCELLED}),
    Status.INVOICED: frozenset({Status.PAID, Status.EXPIRED, Status.CANCELLED}),
    Status.PAID: frozenset({Status.SCHEDULED, Status.CANCELLED}),
    Status.SCHEDULED: frozenset({Status.COMPLETED, Status.CANCELLED}),
    Status.COMPLETED: frozenset(),
    Status.REJECTED: frozenset(),
    Status.EXPIRED: frozenset({Status.PAID}),  # money that comes late, while the slot is still free
    Status.CANCELLED: frozenset(),
}
# By then what follows from a change should be done and the messages about it should be out.
LOOK_AFTER_CHANGE = timedelta(minutes=2)
# In these the mentor's slot belongs to the order.
HOLDS_SLOT = frozenset({Status.PENDING, Status.INVOICED, Status.PAID, Status.SCHEDULED})


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
    attention: tuple[Attention, ...] = ()

    def moved_to(self, status: Status, now: datetime, reason: str | None = None) -> "Order":
        """Return the order in another status; the only place where a status changes."""
        if status not in TRANSITIONS[self.status]:
            raise TransitionError(f"order {self.id}: {self.status} cannot become {status}")
        change = StatusChange(status=status, at=now, reason=reason)
        moved = msgspec.structs.replace(self, status=status, history=(*self.history, change))
        return msgspec.structs.replace(moved, check_at=_first_look(status, now), claimed_until=None)

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
    def booking(self) -> Booking:
        """The slot of this order."""
        return Booking(order_id=self.id, session=self.session)

    @property
    def day_keys(self) -> tuple[DayKey, ...]:
        """The mentor's days that the order's session touches."""
        return days_of(self.mentor.id, self.session)

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


def _first_look(status: Status, now: datetime) -> datetime | None:
    return None if status in {Status.COMPLETED, Status.CANCELLED} else now + LOOK_AFTER_CHANGE
