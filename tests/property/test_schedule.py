"""The days of a session hold everything that could be in its way."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.schedule import Booking, MentorDay, Session, days_of, find_conflict
from tests.property.strategies import EVENING, sessions, sessions_within

close_sessions = sessions_within(EVENING, hours=30)


@settings(deadline=None, max_examples=300)
@given(close_sessions, close_sessions)
def test_sessions_that_overlap_share_a_day(one: Session, other: Session) -> None:
    shared = set(days_of("m", one)) & set(days_of("m", other))
    assert shared or not one.overlaps(other)
    assert one.overlaps(other) is other.overlaps(one)


@settings(deadline=None, max_examples=200)
@given(sessions)
def test_the_days_of_a_session_are_those_in_which_it_runs(session: Session) -> None:
    days = [key.day for key in days_of("m", session)]
    last_moment = session.ends_at - timedelta(microseconds=1)
    assert days == sorted({session.starts_at.date(), last_moment.date()})
    assert session.overlaps(session)


@settings(deadline=None, max_examples=150)
@given(st.lists(close_sessions, max_size=6), close_sessions)
def test_what_is_in_the_way_is_found_on_the_days_of_the_session(
    held: list[Session], wanted: Session
) -> None:
    days = {key: MentorDay(key=key) for key in days_of("m", wanted)}
    for number, session in enumerate(held):
        booking = Booking(order_id=f"o-{number}", session=session)
        for key in days.keys() & set(days_of("m", session)):
            days[key] = days[key].with_booking(booking)
    found = find_conflict(days.values(), Booking(order_id="new", session=wanted))
    assert (found is not None) is any(session.overlaps(wanted) for session in held)
