"""Moving a session: the old slot is freed and the new one held in one change, or neither is."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.actions import LINK_USED, NOT_NOW, TOO_LATE
from shared.domain.availability import (
    DAY_OFF,
    OUTSIDE_HOURS,
    TOO_LITTLE_NOTICE,
    Availability,
    WeeklyHours,
)
from shared.domain.confirmation import SLOT_WENT, slot_went
from shared.domain.meetings import (
    EVENT_DELETED,
    MEETING_REFUSED,
    SESSION_MISSED,
    calendar_is_behind,
)
from shared.domain.order import LOOK_AFTER_CHANGE, Change, Confirmation, Order, Status
from shared.domain.placement import SESSION_IN_PAST, SLOT_TAKEN
from shared.domain.reminders import DEFAULT_LEAD_MINUTES
from shared.domain.rescheduling import MOVABLE, SHORTEST_NOTICE, days_to_move, reschedule
from shared.domain.schedule import DayKey, DaysRead, MentorDay, Period, Session
from shared.errors import ActionRefusedError, RetryableError
from tests.builders import (
    NOW,
    asked_order,
    declined_order,
    mentor,
    order,
    order_in,
    paid_order,
    scheduled_order,
    session,
)

START = session().starts_at
TOMORROW = START + timedelta(days=1)
LATER = NOW + timedelta(hours=2)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def stored(
    current: Order, starts_at: datetime, *holders: Order, availability: Availability | None = None
) -> dict[DayKey, MentorDay]:
    """Return the mentor's days that a move has to see, with these orders' bookings on them."""
    new = Session(starts_at=starts_at, duration_minutes=current.session.duration_minutes)
    return {
        key: MentorDay(key=key, bookings=tuple(o.booking for o in holders if key in o.day_keys))
        for key in days_to_move(current, new, availability)
    }


def moved(
    current: Order,
    starts_at: datetime = TOMORROW,
    *others: Order,
    revision: int | None = None,
    availability: Availability | None = None,
    busy: Sequence[Period] = (),
    move_until: timedelta = 6 * HOUR,
    now: datetime = LATER,
) -> Change:
    holds = () if current.status is Status.AWAITING_MENTEE else (current,)
    return reschedule(
        current,
        stored(current, starts_at, *holds, *others, availability=availability),
        starts_at=starts_at,
        revision=current.revision if revision is None else revision,
        availability=availability,
        busy=busy,
        move_until=move_until,
        now=now,
    )


def refused(*arguments: Any, **options: Any) -> str:
    with pytest.raises(ActionRefusedError) as caught:
        moved(*arguments, **options)
    return caught.value.reason


def at(starts_at: datetime, **changes: Any) -> Order:
    """Return another order of the same mentor."""
    return order(id="other", session=session(starts_at=starts_at), **changes)


@pytest.mark.parametrize("status", sorted(MOVABLE))
def test_a_move_frees_the_old_slot_and_holds_the_new_one_in_one_change(status: Status) -> None:
    current = order_in(status)
    before, after = at(START - 3 * HOUR), msgspec.structs.replace(at(TOMORROW + 3 * HOUR), id="b")
    change = moved(current, TOMORROW, before, after)
    left = change.order
    assert {str(day.key): {b.order_id for b in day.bookings} for day in change.days} == {
        "m-4:2026-12-01": {"other"},
        "m-4:2026-12-02": {"b", current.id},
    }
    assert left.booking in change.days[1].bookings
    assert left.session == session(starts_at=TOMORROW)
    assert (left.moves, left.moved_from, left.revision) == (1, START, current.revision + 1)
    assert left.check_at is not None
    assert left.check_at <= LATER + LOOK_AFTER_CHANGE


def test_a_move_within_a_day_leaves_one_booking_on_it() -> None:
    change = moved(paid_order(), START + 3 * HOUR)
    (day,) = change.days
    assert day.bookings == (change.order.booking,)


def test_a_move_to_midnight_touches_the_days_around_it() -> None:
    midnight = START.replace(hour=23, minute=30)
    change = moved(paid_order(), midnight)
    assert [(day.key.day.day, len(day.bookings)) for day in change.days] == [(1, 1), (2, 1)]
    back = moved(change.order, START)
    assert [(day.key.day.day, len(day.bookings)) for day in back.days] == [(1, 1), (2, 0)]


@pytest.mark.parametrize("minutes", [-59, -30, 1, 30, 59])
def test_ones_own_old_slot_is_no_conflict(minutes: int) -> None:
    change = moved(scheduled_order(buffer_minutes=30), START + minutes * MINUTE)
    assert change.order.session.starts_at == START + minutes * MINUTE


@pytest.mark.parametrize(("minutes", "taken"), [(-60, False), (-59, True), (59, True), (60, False)])
def test_a_slot_that_somebody_else_has_is_not_given(minutes: int, *, taken: bool) -> None:
    other = at(TOMORROW + minutes * MINUTE)
    if taken:
        assert refused(scheduled_order(), TOMORROW, other) == SLOT_TAKEN
    else:
        assert moved(scheduled_order(), TOMORROW, other).order.moves == 1


@pytest.mark.parametrize(("minutes", "taken"), [(74, True), (75, False), (-74, True), (-75, False)])
def test_the_mentors_buffer_of_today_holds_for_the_new_time(minutes: int, *, taken: bool) -> None:
    rested = Availability(mentor_id=mentor().id, buffer_minutes=15)
    other = at(TOMORROW + minutes * MINUTE)
    if taken:
        assert refused(scheduled_order(), TOMORROW, other, availability=rested) == SLOT_TAKEN
        return
    left = moved(scheduled_order(), TOMORROW, other, availability=rested).order
    assert left.buffer_minutes == 15


def test_a_buffer_across_midnight_is_seen_on_the_other_day_and_given_back_from_there() -> None:
    rested = Availability(mentor_id=mentor().id, buffer_minutes=60)
    late = START.replace(hour=22, minute=30)
    next_morning = at(START.replace(hour=0) + timedelta(days=1))
    assert refused(paid_order(), late, next_morning, availability=rested) == SLOT_TAKEN
    booked = moved(paid_order(), late, availability=rested)
    assert [len(day.bookings) for day in booked.days] == [1, 1]
    freed = moved(booked.order, START, availability=None)
    assert [(day.key.day.day, len(day.bookings)) for day in freed.days] == [(1, 1), (2, 0)]


@pytest.mark.parametrize(
    ("begin", "end", "taken"),
    [(-60, 0, False), (-60, 1, True), (59, 120, True), (60, 120, False)],
)
def test_a_mentors_own_appointment_takes_the_new_slot(begin: int, end: int, *, taken: bool) -> None:
    busy = [Period(starts_at=TOMORROW + begin * MINUTE, ends_at=TOMORROW + end * MINUTE)]
    if taken:
        assert refused(scheduled_order(), busy=busy) == SLOT_TAKEN
    else:
        assert moved(scheduled_order(), busy=busy).order.moves == 1


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"days_off": (TOMORROW.date(),)}, DAY_OFF),
        ({"hours": (WeeklyHours(weekday=1, from_=time(9), until=time(22)),)}, OUTSIDE_HOURS),
        ({"notice_minutes": 30 * 24 * 60}, TOO_LITTLE_NOTICE),
    ],
)
def test_a_time_that_the_mentor_does_not_take_is_refused_with_the_reason(
    limits: dict[str, Any], reason: str
) -> None:
    own = Availability(mentor_id=mentor().id, time_zone="Asia/Makassar", **limits)
    assert refused(scheduled_order(), availability=own) == reason


@pytest.mark.parametrize("seconds", [-1, 0])
def test_nobody_can_move_into_the_past(seconds: int) -> None:
    assert refused(declined_order(), LATER + seconds * SECOND) == SESSION_IN_PAST


def test_nobody_is_expected_within_the_hour() -> None:
    soonest = LATER + SHORTEST_NOTICE
    assert refused(declined_order(), soonest - SECOND) == TOO_LITTLE_NOTICE
    assert moved(declined_order(), soonest).order.status is Status.PAID


@pytest.mark.parametrize("status", sorted(set(Status) - MOVABLE))
def test_what_is_not_paid_or_is_over_cannot_be_moved(status: Status) -> None:
    assert refused(order_in(status)) == NOT_NOW


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("away", [-1, 1])
def test_a_link_of_another_revision_moves_nothing(status: Status, away: int) -> None:
    current = order_in(status)
    assert refused(current, revision=current.revision + away) == LINK_USED


def test_a_link_moves_once() -> None:
    once = moved(scheduled_order()).order
    assert refused(once, TOMORROW + HOUR, revision=0) == LINK_USED
    twice = moved(once, TOMORROW + HOUR).order
    assert (twice.moves, twice.moved_from, twice.revision) == (2, TOMORROW, 2)


def test_an_order_that_was_moved_since_it_was_read_keeps_no_slot_for_nothing() -> None:
    once = moved(scheduled_order()).order
    next_week = START + timedelta(days=7)
    new = Session(starts_at=next_week, duration_minutes=once.session.duration_minutes)
    # The days were asked for when it was still where it had been before.
    read = DaysRead({key: MentorDay(key=key) for key in days_to_move(scheduled_order(), new, None)})
    with pytest.raises(RetryableError, match="was moved meanwhile"):
        reschedule(
            once,
            read,
            starts_at=next_week,
            revision=once.revision,
            availability=None,
            busy=(),
            move_until=6 * HOUR,
            now=LATER,
        )


@pytest.mark.parametrize("hours", [0, 6, 48])
@pytest.mark.parametrize(("seconds", "late"), [(-1, False), (0, False), (1, True)])
def test_a_scheduled_session_can_be_moved_until_exactly_so_many_hours_before(
    hours: int, seconds: int, *, late: bool
) -> None:
    now = START - hours * HOUR + seconds * SECOND
    if late:
        assert refused(scheduled_order(), move_until=hours * HOUR, now=now) == TOO_LATE
    else:
        assert moved(scheduled_order(), move_until=hours * HOUR, now=now).order.moves == 1


@pytest.mark.parametrize("status", sorted(MOVABLE - {Status.SCHEDULED}))
def test_what_is_not_agreed_on_yet_can_be_moved_at_any_time(status: Status) -> None:
    after = START + HOUR
    assert moved(order_in(status), TOMORROW, now=after).order.moves == 1


def test_a_scheduled_order_stays_scheduled_with_its_reminders_planned_anew() -> None:
    current = scheduled_order()
    left = moved(current, now=START - 7 * HOUR).order
    assert (left.status, left.meeting) == (Status.SCHEDULED, current.meeting)
    assert left.reminder_leads == DEFAULT_LEAD_MINUTES
    assert left.next_reminder_at == TOMORROW - timedelta(days=1)
    assert calendar_is_behind(left, LATER)
    sooner = moved(current, START - 5 * HOUR, now=START - 7 * HOUR).order
    assert sooner.next_reminder_at == START - 6 * HOUR
    assert left.history == current.history


def test_a_mentor_who_was_asked_is_asked_anew_and_has_as_long() -> None:
    left = moved(asked_order()).order
    assert left.status is Status.AWAITING_MENTOR
    assert left.confirmation == Confirmation(asked_at=LATER, answer_by=LATER + 12 * HOUR)
    assert left.next_reminder_at == LATER + 6 * HOUR


@pytest.mark.parametrize(
    ("current", "reason"),
    [
        (declined_order(), "declined"),
        (slot_went(order_in(Status.EXPIRED), NOW), SLOT_WENT),
    ],
    ids=["declined", "slot went"],
)
def test_a_mentee_who_chooses_another_time_is_paid_for_it(current: Order, reason: str) -> None:
    left = moved(current).order
    assert current.reason == reason
    assert (left.status, left.confirmation, left.meeting) == (Status.PAID, None, None)
    assert left.next_reminder_at is None


def test_a_paid_order_that_is_moved_stays_paid() -> None:
    left = moved(paid_order(room_attempt=1)).order
    assert (left.status, left.room_attempt, left.history) == (
        Status.PAID,
        1,
        paid_order().history,
    )


@pytest.mark.parametrize("current", [paid_order(), scheduled_order()], ids=["paid", "scheduled"])
def test_what_stood_against_the_old_time_stands_not_against_the_new_one(current: Order) -> None:
    stuck = current.with_attention(MEETING_REFUSED, NOW).with_attention(SESSION_MISSED, NOW)
    left = moved(stuck.with_attention(EVENT_DELETED, NOW)).order
    assert [attention.reason for attention in left.attention] == [EVENT_DELETED]


def test_a_move_that_sees_too_few_days_begins_anew() -> None:
    other = at(TOMORROW)
    blind = DaysRead({key: MentorDay(key=key) for key in scheduled_order().day_keys})
    seeing = days_to_move(scheduled_order(), session(starts_at=TOMORROW), None)
    assert set(other.day_keys) <= set(seeing)
    # Else the conflict with the other order could not be seen.
    with pytest.raises(RetryableError, match="was not read"):
        reschedule(
            scheduled_order(),
            blind,
            starts_at=TOMORROW,
            revision=0,
            availability=None,
            busy=(),
            move_until=HOUR,
            now=LATER,
        )
