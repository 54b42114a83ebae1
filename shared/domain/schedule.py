"""Sessions and the mentor's days: who is booked when, and whether a slot is free."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.errors import RetryableError

Instant = Annotated[datetime, Meta(tz=True)]
MAX_DURATION_MINUTES = 720
# Far enough from the ends of the calendar that every zone's local time exists.
FIRST_YEAR, LAST_YEAR = 2000, 2199


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """When mentee and mentor meet. ``starts_at`` is kept in UTC, whatever offset it came with."""

    starts_at: Instant
    duration_minutes: Annotated[int, Meta(gt=0, le=MAX_DURATION_MINUTES)]

    def __post_init__(self) -> None:
        if not FIRST_YEAR <= self.starts_at.year <= LAST_YEAR:
            raise ValueError(f"starts_at must be in the years {FIRST_YEAR} to {LAST_YEAR}")
        msgspec.structs.force_setattr(self, "starts_at", self.starts_at.astimezone(UTC))

    @property
    def ends_at(self) -> datetime:
        """The instant at which the session is over (itself no longer part of it)."""
        return self.starts_at + timedelta(minutes=self.duration_minutes)

    def overlaps(self, other: "Session") -> bool:
        """Whether the two share any time; one that ends as the other starts does not."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time; ``ends_at`` itself is no longer part of it."""

    starts_at: Instant
    ends_at: Instant

    def overlaps(self, other: "Period | Session") -> bool:
        """Whether the two share any time."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


def without(periods: Iterable[Period], session: Session) -> tuple[Period, ...]:
    """Return what is left of these periods when the session is taken out of them."""
    left: list[Period] = []
    for period in periods:
        if not period.overlaps(session):
            left.append(period)
            continue
        if period.starts_at < session.starts_at:
            left.append(Period(starts_at=period.starts_at, ends_at=session.starts_at))
        if session.ends_at < period.ends_at:
            left.append(Period(starts_at=session.ends_at, ends_at=period.ends_at))
    return tuple(left)


class DayKey(msgspec.Struct, frozen=True, order=True):
    """One UTC day of one mentor: the key under which bookings are stored."""

    mentor_id: str
    day: date

    def __str__(self) -> str:
        return f"{self.mentor_id}:{self.day.isoformat()}"


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """A slot that is held or sold: nobody else can have it while this exists."""

    order_id: str
    session: Session


class MentorDay(msgspec.Struct, frozen=True, kw_only=True):
    """All bookings of one mentor that touch one UTC day."""

    key: DayKey
    bookings: tuple[Booking, ...] = ()

    def with_booking(self, booking: Booking) -> "MentorDay":
        """Return the day with this booking added, or moved if the order had one."""
        others = tuple(b for b in self.bookings if b.order_id != booking.order_id)
        return MentorDay(key=self.key, bookings=(*others, booking))

    def without_order(self, order_id: str) -> "MentorDay":
        """Return the day without the order's booking."""
        return MentorDay(
            key=self.key, bookings=tuple(b for b in self.bookings if b.order_id != order_id)
        )


Days = Mapping[DayKey, MentorDay]


class DaysRead(dict[DayKey, MentorDay]):
    """The days that a decision is given, by key.

    Which ones it needs is known from how the order stood a moment before. If it was moved to
    another day since, that one is missing, and the step has to begin anew: RetryableError.
    """

    def __missing__(self, key: DayKey) -> MentorDay:
        raise RetryableError(f"day {key} was not read: the order was moved meanwhile")


def days_of(mentor_id: str, session: Session | Period) -> tuple[DayKey, ...]:
    """Return the UTC days that the session touches: two sessions that overlap share one."""
    first = session.starts_at.date()
    last = (session.ends_at - timedelta(microseconds=1)).date()
    span = (last - first).days
    return tuple(DayKey(mentor_id, first + timedelta(days=n)) for n in range(span + 1))


def find_conflict(
    days: Iterable[MentorDay], booking: Booking, *, buffer_minutes: int = 0
) -> Booking | None:
    """Return a booking of another order that overlaps this one, or is nearer than the buffer."""
    buffer = timedelta(minutes=buffer_minutes)
    kept_free = Period(
        starts_at=booking.session.starts_at - buffer, ends_at=booking.session.ends_at + buffer
    )
    taken = (b for day in days for b in day.bookings if b.order_id != booking.order_id)
    return next((b for b in taken if kept_free.overlaps(b.session)), None)
