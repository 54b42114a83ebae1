"""What is offered can be booked, and what can be booked is offered, whatever the clocks do."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.availability import (
    DAY_OFF,
    OUTSIDE_HOURS,
    TOO_LITTLE_NOTICE,
    Availability,
    WeeklyHours,
    day_keys_between,
    day_keys_for,
    free_slots,
    guarded,
    refusal,
)
from shared.domain.schedule import (
    Booking,
    DayKey,
    MentorDay,
    Period,
    Session,
    days_of,
    find_conflict,
)
from tests.property.strategies import EVENING, sessions_within

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
MENTOR = "m-4"
# The day before the clocks change, or none do: an hour over and back at night, half an hour in
# Australia, at midnight in Egypt and in Chile, and from 00:00 to 23:00 of the day before in
# Greenland.
PLACES = (
    ("Asia/Jakarta", datetime(2026, 12, 25, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2027, 1, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 7, 12, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 10, 31, 12, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2026, 4, 23, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2026, 10, 29, tzinfo=UTC)),
    ("America/Santiago", datetime(2026, 4, 4, 12, tzinfo=UTC)),
    ("America/Santiago", datetime(2026, 9, 5, 12, tzinfo=UTC)),
    ("America/Scoresbysund", datetime(2026, 10, 24, 12, tzinfo=UTC)),
)

quarters = st.integers(1, 95).map(lambda n: time(n // 4, n % 4 * 15))
kept = st.sampled_from((True, True, True, False))


@st.composite
def hours_of_a_day(draw: st.DrawFn, weekday: int) -> list[WeeklyHours]:
    """Return a day in pieces that touch each other, of which some are left out."""
    cuts = sorted({time.min, *draw(st.lists(quarters, max_size=4))})
    return [
        WeeklyHours(weekday=weekday, from_=since, until=until)
        for since, until in zip(cuts, [*cuts[1:], time.min], strict=True)
        if draw(kept)
    ]


@st.composite
def availabilities(draw: st.DrawFn, zone: str, near: date) -> Availability:
    days_near = st.integers(-1, 3).map(lambda n: near + n * DAY)
    week = [hours for weekday in range(7) for hours in draw(hours_of_a_day(weekday))]
    return Availability(
        mentor_id=MENTOR,
        time_zone=zone,
        hours=draw(st.sampled_from((tuple(week), tuple(week), ()))),
        days_off=tuple(draw(st.lists(days_near, max_size=1))),
        buffer_minutes=draw(st.sampled_from((0, 1, 15, 60, 720))),
        notice_minutes=draw(st.sampled_from((0, 30, 24 * 60))),
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[Availability, datetime]:
    zone, begin = draw(st.sampled_from(PLACES))
    return draw(availabilities(zone, begin.date())), begin


@cache
def first_shown(wall: datetime, zone: str) -> datetime:
    """Return when the zone's clock first shows this; after a gap, as long after as it is within."""
    naive_as_utc = wall.replace(tzinfo=UTC)
    found = [
        at
        for minutes in range(-14 * 60, 14 * 60 + 1, 15)
        if (at := naive_as_utc + minutes * MINUTE).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        == wall
    ]
    return min(found) if found else first_shown(wall - MINUTE, zone) + MINUTE


def walls(availability: Availability, session: Session) -> list[datetime]:
    """Return midnights of the mentor's calendar around the session, without a zone."""
    middle = session.starts_at.astimezone(ZoneInfo(availability.time_zone)).date()
    return [datetime.combine(middle + n * DAY, time.min) for n in range(-2, 4)]


def is_at_work(availability: Availability, at: datetime, midnights: list[datetime]) -> bool:
    """Decide for one minute, by looking at every stretch of every day."""
    for midnight in midnights:
        for hours in availability.hours:
            if hours.weekday != midnight.weekday():
                continue
            opens = datetime.combine(midnight, hours.from_)
            closes = midnight + DAY
            if hours.until > time.min:
                closes = datetime.combine(midnight, hours.until)
            zone = availability.time_zone
            if first_shown(opens, zone) <= at < first_shown(closes, zone):
                return True
    return not availability.hours


def is_off(availability: Availability, at: datetime) -> bool:
    zone = availability.time_zone
    return any(
        first_shown(midnight := datetime.combine(day, time.min), zone)
        <= at
        < first_shown(midnight + DAY, zone)
        for day in availability.days_off
    )


def expected_refusal(availability: Availability, session: Session, now: datetime) -> str | None:
    """Decide minute by minute."""
    minutes = [session.starts_at + n * MINUTE for n in range(session.duration_minutes)]
    midnights = walls(availability, session)
    if any(is_off(availability, at) for at in minutes):
        return DAY_OFF
    if not all(is_at_work(availability, at, midnights) for at in minutes):
        return OUTSIDE_HOURS
    if session.starts_at - now < availability.notice_minutes * MINUTE:
        return TOO_LITTLE_NOTICE
    return None


def booked_days(
    held: Sequence[Session], keys: tuple[DayKey, ...]
) -> tuple[dict[DayKey, MentorDay], list[Booking]]:
    """Return these days with the bookings that touch them."""
    bookings = [Booking(order_id=f"o-{n}", session=session) for n, session in enumerate(held)]
    touching = {
        key: tuple(b for b in bookings if key in days_of(MENTOR, b.session)) for key in keys
    }
    return {key: MentorDay(key=key, bookings=found) for key, found in touching.items()}, bookings


@settings(deadline=None, max_examples=300)
@given(
    situation=situations(),
    after=st.integers(0, 36 * 4),
    quarter_hours=st.integers(1, 16),
    ragged=st.sampled_from((0, 0, 1, -1)),
    hours_before=st.integers(0, 48),
)
def test_a_session_is_refused_as_minute_by_minute(
    *,
    situation: tuple[Availability, datetime],
    after: int,
    quarter_hours: int,
    ragged: int,
    hours_before: int,
) -> None:
    availability, begin = situation
    starts_at = begin + after * timedelta(minutes=15)
    session = Session(starts_at=starts_at, duration_minutes=quarter_hours * 15 + ragged)
    now = session.starts_at - timedelta(hours=hours_before)
    expected = expected_refusal(availability, session, now)
    assert refusal(availability, session, now) == expected


spans = st.tuples(st.integers(-60, 40 * 60), st.integers(1, 200))


@settings(deadline=None, max_examples=200)
@given(
    situation=situations(),
    held=st.lists(spans, max_size=3),
    busy_times=st.lists(spans, max_size=2),
    minutes=st.sampled_from((1, 45, 60, 150)),
    step=st.sampled_from((15, 30, 45, 60)),
    ragged=st.integers(0, 30),
)
def test_exactly_what_can_be_booked_is_offered(
    *,
    situation: tuple[Availability, datetime],
    held: list[tuple[int, int]],
    busy_times: list[tuple[int, int]],
    minutes: int,
    step: int,
    ragged: int,
) -> None:
    availability, begin = situation
    now, begin = begin, begin + ragged * MINUTE
    until = begin + timedelta(hours=30)
    zone = ZoneInfo(availability.time_zone)
    taken = [Session(starts_at=now + m * MINUTE, duration_minutes=length) for m, length in held]
    busy = [
        Period(starts_at=now + m * MINUTE, ends_at=now + (m + length) * MINUTE)
        for m, length in busy_times
    ]
    keys = day_keys_between(availability, minutes, begin=begin, until=until)
    days, bookings = booked_days(taken, keys)
    buffer = availability.buffer_minutes * MINUTE

    def can_be_booked(session: Session) -> bool:
        apart = all(
            session.starts_at - b.session.ends_at >= buffer
            or b.session.starts_at - session.ends_at >= buffer
            for b in bookings
        )
        free = not any(period.overlaps(session) for period in busy)
        return apart and free and refusal(availability, session, now) is None

    on_the_grid = []
    at = begin
    while at < until:
        local = at.astimezone(zone)
        if (local.hour * 60 + local.minute) % step == 0:
            on_the_grid.append(Session(starts_at=at, duration_minutes=minutes))
        at += MINUTE

    offered = free_slots(
        availability, days, busy, minutes, begin=begin, until=until, now=now, step_minutes=step
    )

    assert list(offered) == [session for session in on_the_grid if can_be_booked(session)]


@settings(deadline=None, max_examples=300)
@given(
    sessions_within(EVENING, hours=30),
    sessions_within(EVENING, hours=30),
    st.sampled_from((0, 1, 30, 720)),
)
def test_sessions_that_are_too_close_see_each_other_from_both_sides(
    one: Session, other: Session, minutes: int
) -> None:
    availability = Availability(mentor_id=MENTOR, buffer_minutes=minutes)

    def sees(booked: Session, wanted: Session) -> bool:
        days, _ = booked_days([booked], day_keys_for(MENTOR, wanted, availability))
        wish = Booking(order_id="new", session=wanted)
        return find_conflict(days.values(), wish, buffer_minutes=minutes) is not None

    too_close = guarded(one, availability).overlaps(other)
    assert sees(one, other) is sees(other, one) is too_close
    shared = set(day_keys_for(MENTOR, one, availability)) & set(
        day_keys_for(MENTOR, other, availability)
    )
    assert shared or not too_close
