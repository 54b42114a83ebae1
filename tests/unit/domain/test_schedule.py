"""Sessions and days: what overlaps, which days a session touches, and who is in the way."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from shared.domain.schedule import (
    Booking,
    DayKey,
    MentorDay,
    Period,
    Session,
    days_of,
    find_conflict,
    without,
)
from tests.builders import session

DAY = DayKey("m-4", date(2026, 12, 1))


def at(hour: int, minute: int = 0, *, minutes: int = 60) -> Session:
    """Return a session on the first of December, UTC."""
    start = datetime(2026, 12, 1, hour, minute, tzinfo=UTC)
    return Session(starts_at=start, duration_minutes=minutes)


def booking(order_id: str, held: Session) -> Booking:
    return Booking(order_id=order_id, session=held)


@pytest.mark.parametrize(
    ("other", "overlaps"),
    [
        (at(12), True),
        (at(11, 1), True),
        (at(12, 59), True),
        (at(12, 20, minutes=10), True),
        (at(10, minutes=300), True),
        (at(11), False),
        (at(13), False),
        (at(8), False),
    ],
)
def test_sessions_overlap_when_they_share_time_whichever_is_asked(
    other: Session, *, overlaps: bool
) -> None:
    assert at(12).overlaps(other) is overlaps
    assert other.overlaps(at(12)) is overlaps


@pytest.mark.parametrize(
    ("held", "days"),
    [
        (at(12), [1]),
        (at(0), [1]),
        (at(23), [1]),  # ends at midnight exactly: the next day is free
        (at(23, 1), [1, 2]),
        (at(23, 59, minutes=1), [1]),
        (at(12, minutes=720), [1]),
        (at(12, 1, minutes=720), [1, 2]),
    ],
)
def test_a_session_touches_the_utc_days_in_which_it_runs(held: Session, days: list[int]) -> None:
    assert days_of("m-4", held) == tuple(DayKey("m-4", date(2026, 12, day)) for day in days)


def test_a_session_is_kept_in_utc_whatever_offset_it_came_with() -> None:
    jakarta = timezone(timedelta(hours=7))
    early = Session(starts_at=datetime(2026, 12, 2, 6, 30, tzinfo=jakarta), duration_minutes=30)
    assert early == at(23, 30, minutes=30)
    assert early.starts_at.tzinfo is UTC
    assert days_of("m-4", early) == (DAY,)


def test_a_session_ends_after_its_minutes() -> None:
    assert session(duration_minutes=90).ends_at == datetime(2026, 12, 1, 13, 30, tzinfo=UTC)


def test_a_day_has_one_booking_an_order() -> None:
    day = MentorDay(key=DAY).with_booking(booking("a", at(9))).with_booking(booking("b", at(10)))
    moved = day.with_booking(booking("a", at(14)))
    assert moved.bookings == (booking("b", at(10)), booking("a", at(14)))
    assert moved.without_order("b").without_order("x").bookings == (booking("a", at(14)),)


def test_a_conflict_is_another_orders_booking_that_overlaps() -> None:
    wanted = booking("new", at(12))
    in_the_way = booking("old", at(12, 30))
    free = MentorDay(key=DAY, bookings=(booking("a", at(11)), booking("b", at(13))))
    assert find_conflict([free], wanted) is None
    assert find_conflict([free, free.with_booking(in_the_way)], wanted) == in_the_way


def test_an_order_is_not_in_its_own_way() -> None:
    own = MentorDay(key=DAY, bookings=(booking("new", at(12)),))
    assert find_conflict([own], booking("new", at(12, 30))) is None


def test_nobody_is_booked_on_no_days() -> None:
    assert find_conflict([], booking("new", at(12))) is None


def period(begin: int, end: int) -> Period:
    """Return the time between two hours of the first of December, UTC."""
    day = datetime(2026, 12, 1, tzinfo=UTC)
    return Period(starts_at=day + timedelta(hours=begin), ends_at=day + timedelta(hours=end))


@pytest.mark.parametrize(
    ("busy", "left"),
    [
        ((12, 13), []),
        ((11, 14), [(11, 12), (13, 14)]),
        ((11, 13), [(11, 12)]),
        ((12, 14), [(13, 14)]),
        ((11, 12), [(11, 12)]),
        ((13, 14), [(13, 14)]),
    ],
)
def test_what_is_busy_beside_ones_own_session_is_what_is_left_without_it(
    busy: tuple[int, int], left: list[tuple[int, int]]
) -> None:
    assert without([period(*busy)], at(12)) == tuple(period(*each) for each in left)


@pytest.mark.parametrize(("minutes", "taken"), [(14, False), (15, False), (16, True)])
def test_a_buffer_keeps_two_bookings_apart_whichever_comes_first(
    minutes: int, *, taken: bool
) -> None:
    early, late = booking("a", at(12)), booking("b", at(13, 15))
    for held, wanted in ((early, late), (late, early)):
        day = MentorDay(key=DAY, bookings=(held,))
        assert (find_conflict([day], wanted, buffer_minutes=minutes) is not None) is taken
