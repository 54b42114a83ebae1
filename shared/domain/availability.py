"""When a mentor takes sessions: weekly hours, days off, buffer and notice."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from shared.domain.people import Identifier, check_time_zone
from shared.domain.schedule import (
    Booking,
    DayKey,
    Days,
    Period,
    Session,
    days_of,
    find_conflict,
)

OUTSIDE_HOURS = "outside_hours"
DAY_OFF = "day_off"
TOO_LITTLE_NOTICE = "too_little_notice"

# Monday is 0, as in Python's datetime.
Weekday = Annotated[int, Meta(ge=0, le=6)]
WallTime = Annotated[time, Meta(tz=False)]

MAX_SLOTS = 200
_DAY = timedelta(days=1)


class WeeklyHours(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of one weekday, in the mentor's local time. ``until`` 00:00 is the day's end.

    Hours that go on past midnight are two stretches: one up to 00:00, and one of the next weekday.
    """

    weekday: Weekday
    from_: WallTime = msgspec.field(name="from")
    until: WallTime

    def __post_init__(self) -> None:
        if time.min < self.until <= self.from_:
            raise ValueError("until must be after from; hours past midnight are the next weekday's")


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """What an admin has recorded of one mentor. No hours at all means: at any hour.

    ``buffer_minutes`` is kept free before and after each session, ``notice_minutes`` lies between
    the booking and the session. As JSON, weekday 0 being Monday and all but ``mentor_id`` optional:

        {"mentor_id": "m-4", "time_zone": "Asia/Makassar",
         "hours": [{"weekday": 0, "from": "18:00:00", "until": "00:00:00"},
                   {"weekday": 1, "from": "00:00:00", "until": "01:30:00"}],
         "days_off": ["2026-12-25"], "buffer_minutes": 15, "notice_minutes": 720}
    """

    mentor_id: Identifier
    time_zone: str = "Asia/Jakarta"
    hours: tuple[WeeklyHours, ...] = ()
    days_off: tuple[date, ...] = ()
    buffer_minutes: Annotated[int, Meta(ge=0, le=720)] = 0
    notice_minutes: Annotated[int, Meta(ge=0, le=60 * 24 * 30)] = 0

    def __post_init__(self) -> None:
        check_time_zone(self.time_zone)


def refusal(availability: Availability | None, session: Session, now: datetime) -> str | None:
    """Return why the mentor does not take this session if it is booked now, or None.

    It must lie within the hours from beginning to end, and touch no day off of the mentor's local
    calendar. Without a record any session is taken.
    """
    if availability is None:
        return None
    if any(day.overlaps(session) for day in _days_off(availability, session)):
        return DAY_OFF
    if availability.hours and not _is_covered(session, _stretches(availability, session)):
        return OUTSIDE_HOURS
    if session.starts_at < now + timedelta(minutes=availability.notice_minutes):
        return TOO_LITTLE_NOTICE
    return None


def buffer_of(availability: Availability | None) -> int:
    """Return how many minutes are kept free before and after each session."""
    return availability.buffer_minutes if availability else 0


def guarded(session: Session, availability: Availability | None) -> Period:
    """Return the session with the buffer before and after it."""
    buffer = timedelta(minutes=buffer_of(availability))
    return Period(starts_at=session.starts_at - buffer, ends_at=session.ends_at + buffer)


def day_keys_for(
    mentor_id: str, session: Session, availability: Availability | None
) -> tuple[DayKey, ...]:
    """Return the UTC days that the session touches with its buffer.

    Of two sessions that are too close to each other, each touches a day of the other's. Where a
    booking is kept on all these days, two that are made at once both write a day that they share.
    """
    return days_of(mentor_id, guarded(session, availability))


def day_keys_between(
    availability: Availability, duration_minutes: int, *, begin: datetime, until: datetime
) -> tuple[DayKey, ...]:
    """Return the UTC days that ``free_slots`` has to know for sessions that start in this time."""
    reach = timedelta(minutes=duration_minutes + availability.buffer_minutes)
    before = begin - timedelta(minutes=availability.buffer_minutes)
    return days_of(availability.mentor_id, Period(starts_at=before, ends_at=until + reach))


def free_slots(
    availability: Availability,
    days: Days,
    busy: Sequence[Period],
    duration_minutes: int,
    *,
    begin: datetime,
    until: datetime,
    now: datetime,
    step_minutes: int = 30,
    limit: int = MAX_SLOTS,
) -> tuple[Session, ...]:
    """Return up to ``limit`` sessions that can be booked now and start in [begin, until), earliest first.

    They start when the mentor's clock shows a whole number of steps since midnight. ``days`` are
    those of ``day_keys_between``, without the booking of an order that is to be moved; KeyError
    for one that is missing.
    """

    def is_free(session: Session) -> bool:
        keys = day_keys_for(availability.mentor_id, session, availability)
        booking = Booking(order_id="", session=session)
        return (
            refusal(availability, session, now) is None
            and not any(period.overlaps(session) for period in busy)
            and find_conflict(
                (days[key] for key in keys), booking, buffer_minutes=availability.buffer_minutes
            )
            is None
        )

    starts = _grid(ZoneInfo(availability.time_zone), begin, until, step_minutes)
    sessions = (Session(starts_at=at, duration_minutes=duration_minutes) for at in starts)
    return tuple(islice(filter(is_free, sessions), limit))


def _days_off(availability: Availability, session: Session) -> Iterator[Period]:
    zone = ZoneInfo(availability.time_zone)
    near = _dates_around(session, zone)
    for day in availability.days_off:
        if day in near:
            yield Period(starts_at=_instant(day, time.min, zone), ends_at=_end_of(day, zone))


def _stretches(availability: Availability, session: Session) -> Iterator[Period]:
    zone = ZoneInfo(availability.time_zone)
    for day in _dates_around(session, zone):
        for hours in availability.hours:
            if hours.weekday == day.weekday():
                yield _stretch(day, hours, zone)


def _stretch(day: date, hours: WeeklyHours, zone: ZoneInfo) -> Period:
    to_the_end = hours.until == time.min
    ends_at = _end_of(day, zone) if to_the_end else _instant(day, hours.until, zone)
    return Period(starts_at=_instant(day, hours.from_, zone), ends_at=ends_at)


def _is_covered(session: Session, stretches: Iterator[Period]) -> bool:
    reached = session.starts_at
    for stretch in sorted(stretches, key=lambda stretch: stretch.starts_at):
        if stretch.starts_at <= reached:
            reached = max(reached, stretch.ends_at)
    return reached >= session.ends_at


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    return _instant(day + _DAY, time.min, zone)


def _instant(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """Return when a clock in the zone shows this, as calendars read it (RFC 5545, 3.3.5).

    That is the first time where it does so twice, and by the offset from before the gap where the
    clock leaves it out.
    """
    return datetime.combine(day, wall, zone).astimezone(UTC)


def _dates_around(session: Session, zone: ZoneInfo) -> tuple[date, ...]:
    first = (session.starts_at - _DAY).astimezone(zone).date()
    last = (session.ends_at + _DAY).astimezone(zone).date()
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


def _grid(
    zone: ZoneInfo, begin: datetime, until: datetime, step_minutes: int
) -> Iterator[datetime]:
    """Yield the instants in [begin, until) on the step grid of the zone's clock, earliest first."""
    day = begin.astimezone(zone).date()
    while day <= until.astimezone(zone).date():
        yield from (at for at in _grid_of(day, zone, step_minutes) if begin <= at < until)
        day += _DAY


def _grid_of(day: date, zone: ZoneInfo, step_minutes: int) -> Iterator[datetime]:
    midnight = datetime.combine(day, time.min, zone)
    walls = [midnight + timedelta(minutes=m) for m in range(0, 24 * 60, step_minutes)]
    # Where the clock shows a time twice, both are on the grid.
    for at in sorted({wall.replace(fold=n).astimezone(UTC) for wall in walls for n in (0, 1)}):
        local = at.astimezone(zone)
        # A time that the clock leaves out has come out as another one.
        if local.date() == day and (local.hour * 60 + local.minute) % step_minutes == 0:
            yield at
