"""The calendar event of an order: its ids, the patience with its room, and when the admin is asked."""

import re
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.meetings import (
    EVENT_DELETED,
    MEETING_REFUSED,
    ROOM_FAILED,
    ROOM_GONE,
    ROOM_PATIENCE,
    SESSION_MISSED,
    CalendarEvent,
    RoomStatus,
    awaits_room,
    calendar_is_behind,
    event_id,
    meeting_request,
    note_cleared,
    note_missed,
    note_missing_room,
    note_obsolete,
    read_back,
    record_meeting,
    refuse_meeting,
    wants_event,
    without_meeting,
)
from shared.domain.order import LOOK_AFTER_CHANGE, Change, Meeting, Order, Status
from tests.builders import (
    NOW,
    calendar_event,
    moved_order,
    order,
    order_in,
    paid_order,
    scheduled_order,
    session,
)

SECOND = timedelta(seconds=1)
NOT_PAID = sorted(set(Status) - {Status.PAID})
PENDING = calendar_event(room=RoomStatus.PENDING, meet_url=None)
FAILED = calendar_event(room=RoomStatus.FAILED, meet_url=None)
CANCELLED = calendar_event(cancelled=True, meet_url=None)


def without_room(current: Order, event: Any = PENDING, after: timedelta = timedelta(0)) -> Order:
    return note_missing_room(current, {}, event=event, now=NOW + after).order


def changed(**changes: Any) -> Order:
    return msgspec.structs.replace(paid_order(), **changes)


def test_the_request_says_who_meets_when_and_belongs_to_the_order() -> None:
    request = meeting_request(paid_order())
    assert request.title == "Data analysis portfolio review: Sari Wulandari & Budi Hartono"
    assert request.description == "Order NUS-2026-000123"
    assert request.session == session()
    assert request.time_zone == "Asia/Makassar"
    assert request.attendees == ("sari@example.com", "budi@example.com")


def test_asking_twice_is_asking_once() -> None:
    assert meeting_request(paid_order()) == meeting_request(order())
    # Written down, since an id that changes with a release would make second events.
    assert event_id(order()) == "431d1bff95e9e3ce2f905fa3b21646a412c6e149"


def test_an_event_id_is_one_that_google_calendar_allows() -> None:
    ids = {event_id(order(id=f"NUS-{n}", event_generation=n % 2)) for n in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch("[0-9a-v]{5,1024}", each) for each in ids)


def test_each_generation_is_another_event_and_each_attempt_another_room() -> None:
    first, deleted, failed = (
        meeting_request(changed(**changes))
        for changes in ({}, {"event_generation": 1}, {"room_attempt": 1})
    )
    assert first.event_id == failed.event_id
    assert first.event_id != deleted.event_id
    assert len({r.room_request_id for r in (first, deleted, failed)}) == 3


def test_an_event_with_a_room_makes_the_order_scheduled_and_plans_its_reminders() -> None:
    current = changed(room_wanted_since=NOW)
    scheduled = record_meeting(current, {}, event=calendar_event(), leads=(60, 10), now=NOW).order
    assert scheduled.status is Status.SCHEDULED
    assert scheduled.meeting == Meeting(
        event_id=event_id(current), meet_url="https://meet.google.com/abc-defg-hij"
    )
    assert scheduled.reminder_leads == (60, 10)
    assert scheduled.next_reminder_at == session().starts_at - timedelta(minutes=60)
    assert scheduled.room_wanted_since is None
    assert scheduled.check_at == NOW + LOOK_AFTER_CHANGE


def test_a_room_that_comes_after_all_needs_the_admin_no_more() -> None:
    current = (
        paid_order()
        .with_attention(ROOM_FAILED, NOW)
        .with_attention(MEETING_REFUSED, NOW)
        .with_attention("other", NOW)
    )
    scheduled = record_meeting(current, {}, event=calendar_event(), leads=(), now=NOW).order
    assert [attention.reason for attention in scheduled.attention] == ["other"]


@pytest.mark.parametrize(
    "current",
    [*map(order_in, NOT_PAID), changed(event_generation=1)],
    ids=[*NOT_PAID, "deleted meanwhile"],
)
def test_only_the_event_of_a_paid_order_is_recorded(current: Order) -> None:
    change = record_meeting(current, {}, event=calendar_event(), leads=(60,), now=NOW)
    assert change == Change(order=current)


def test_an_event_without_a_room_is_not_recorded() -> None:
    change = record_meeting(paid_order(), {}, event=PENDING, leads=(60,), now=NOW)
    assert change == Change(order=paid_order())


def test_a_pending_room_is_waited_for_from_the_first_look_on() -> None:
    waiting = without_room(paid_order())
    assert waiting == changed(room_wanted_since=NOW)
    assert without_room(waiting, after=ROOM_PATIENCE - SECOND) == waiting


def test_a_room_that_is_pending_for_too_long_is_asked_for_anew() -> None:
    waiting = changed(room_wanted_since=NOW)
    assert without_room(waiting, after=ROOM_PATIENCE) == changed(room_attempt=1)


def test_a_failed_room_is_asked_for_anew_at_once() -> None:
    assert without_room(paid_order(), FAILED) == changed(room_attempt=1)


@pytest.mark.parametrize(("event", "after"), [(FAILED, timedelta(0)), (PENDING, ROOM_PATIENCE)])
def test_after_the_last_attempt_the_admin_is_asked(event: Any, after: timedelta) -> None:
    last = changed(room_attempt=2, room_wanted_since=NOW)
    asked = without_room(last, event, after)
    assert asked == last.with_attention(ROOM_FAILED, NOW + after)
    assert without_room(asked, event, after + SECOND) == asked


def test_a_deleted_event_is_made_anew_under_another_id() -> None:
    current = changed(room_attempt=2, room_wanted_since=NOW)
    assert without_room(current, CANCELLED) == changed(event_generation=1)


def test_what_an_earlier_event_says_changes_nothing() -> None:
    current = changed(event_generation=1)
    assert without_room(current, CANCELLED) == current


@pytest.mark.parametrize("status", NOT_PAID)
def test_only_a_paid_order_waits_for_a_room_or_can_be_refused_one(status: Status) -> None:
    current = order_in(status)
    assert not awaits_room(current)
    if status is Status.SCHEDULED:  # whose event may have to be moved: what it says is noted
        return
    assert without_room(current, FAILED) == current
    assert refuse_meeting(current, {}, now=NOW) == Change(order=current)


@pytest.mark.parametrize("current", [paid_order(), moved_order()], ids=["made", "moved"])
def test_a_meeting_that_the_calendar_refuses_is_put_before_the_admin(current: Order) -> None:
    refused = refuse_meeting(current, {}, now=NOW).order
    assert refused == current.with_attention(MEETING_REFUSED, NOW)


@pytest.mark.parametrize(
    ("reason", "awaited"),
    [("other", True), (ROOM_FAILED, False), (MEETING_REFUSED, False), (SESSION_MISSED, False)],
)
def test_the_step_comes_back_until_the_admin_has_been_asked(reason: str, *, awaited: bool) -> None:
    assert awaits_room(paid_order())
    assert awaits_room(paid_order().with_attention(reason, NOW)) is awaited


@pytest.mark.parametrize(
    ("event", "reasons"),
    [
        (calendar_event(), []),
        (PENDING, [ROOM_GONE]),
        (CANCELLED, [EVENT_DELETED]),
        (None, [EVENT_DELETED]),
    ],
    ids=["live", "without room", "cancelled", "gone"],
)
def test_what_somebody_took_out_of_the_calendar_is_put_before_the_admin(
    event: CalendarEvent | None, reasons: list[str]
) -> None:
    read = read_back(order_in(Status.SCHEDULED), {}, event=event, now=NOW).order
    assert [attention.reason for attention in read.attention] == reasons
    restored = read_back(read, {}, event=calendar_event(), now=NOW).order
    assert restored.attention == ()


@pytest.mark.parametrize(("seconds", "status"), [(-1, Status.SCHEDULED), (0, Status.COMPLETED)])
def test_a_session_that_is_over_completes_its_order(seconds: int, status: Status) -> None:
    now = session().ends_at + seconds * SECOND
    read = read_back(order_in(Status.SCHEDULED), {}, event=calendar_event(), now=now)
    assert read.order.status is status


@pytest.mark.parametrize(
    ("event", "reason"), [(PENDING, ROOM_GONE), (CANCELLED, EVENT_DELETED), (None, EVENT_DELETED)]
)
def test_what_was_taken_out_shortly_before_the_end_is_put_before_the_admin_after_it(
    event: CalendarEvent | None, reason: str
) -> None:
    over = session().ends_at
    read = read_back(order_in(Status.SCHEDULED), {}, event=event, now=over).order
    assert read.status is Status.COMPLETED
    assert [attention.reason for attention in read.attention] == [reason]


def test_what_was_put_back_before_the_end_needs_nobody_after_it() -> None:
    current = order_in(Status.SCHEDULED).with_attention(EVENT_DELETED, NOW)
    read = read_back(current, {}, event=calendar_event(), now=session().ends_at).order
    assert (read.status, read.attention) == (Status.COMPLETED, ())


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.SCHEDULED}))
def test_only_a_scheduled_order_is_read_back(status: Status) -> None:
    current = order_in(status)
    assert read_back(current, {}, event=None, now=NOW) == Change(order=current)


@pytest.mark.parametrize(("seconds", "missed"), [(-1, False), (0, True)])
def test_a_paid_order_whose_time_came_without_a_meeting_is_put_before_the_admin(
    seconds: int, *, missed: bool
) -> None:
    now = session().starts_at + seconds * SECOND
    noted = note_missed(paid_order(), {}, now=now).order
    assert noted.has_attention(SESSION_MISSED) is missed
    scheduled = order_in(Status.SCHEDULED)
    assert note_missed(scheduled, {}, now=now) == Change(order=scheduled)


def test_a_moved_order_asks_for_its_event_at_the_new_time_under_the_same_id() -> None:
    before, after = meeting_request(scheduled_order()), meeting_request(moved_order())
    assert (after.event_id, after.room_request_id) == (before.event_id, before.room_request_id)
    assert (before.revision, after.revision) == (0, 1)
    assert after.session.starts_at == session().starts_at + timedelta(days=1)


def test_a_calendar_is_behind_until_it_shows_the_latest_move() -> None:
    moved = moved_order()
    assert not calendar_is_behind(scheduled_order(), NOW)
    assert calendar_is_behind(moved, NOW)
    event = calendar_event(revision=1)
    followed = record_meeting(moved, {}, event=event, leads=(), now=NOW).order
    assert followed.meeting == Meeting(
        event_id=event.event_id,
        meet_url="https://meet.google.com/abc-defg-hij",
        moves=1,
        scheduled_moves=0,
    )
    assert not calendar_is_behind(followed, NOW)
    # Reminders and status are not touched by it.
    assert msgspec.structs.replace(followed, meeting=moved.meeting) == moved


@pytest.mark.parametrize("reason", [MEETING_REFUSED, EVENT_DELETED])
def test_a_calendar_that_the_admin_was_asked_about_is_not_waited_for(reason: str) -> None:
    assert not calendar_is_behind(moved_order().with_attention(reason, NOW), NOW)
    assert calendar_is_behind(moved_order().with_attention("other", NOW), NOW)


@pytest.mark.parametrize(("seconds", "behind"), [(-1, True), (0, False)])
def test_a_calendar_need_not_follow_once_the_session_is_over(seconds: int, *, behind: bool) -> None:
    now = moved_order().session.ends_at + seconds * SECOND
    assert calendar_is_behind(moved_order(), now) is behind


@pytest.mark.parametrize("current", [moved_order(), changed(moves=1)], ids=["scheduled", "paid"])
@pytest.mark.parametrize("revision", [0, 2])
def test_an_event_at_another_time_than_the_orders_is_not_recorded(
    current: Order, revision: int
) -> None:
    event = calendar_event(revision=revision)
    assert record_meeting(current, {}, event=event, leads=(), now=NOW).order == current


def test_an_order_moved_before_its_event_was_made_was_scheduled_at_its_last_time() -> None:
    moved = changed(moves=2)
    event = calendar_event(revision=2)
    meeting = record_meeting(moved, {}, event=event, leads=(), now=NOW).order.meeting
    assert meeting is not None
    assert (meeting.moves, meeting.scheduled_moves) == (2, 2)


def test_a_move_that_the_calendar_does_not_show_when_read_back_has_to_be_made_there() -> None:
    followed = record_meeting(
        moved_order(), {}, event=calendar_event(revision=1), leads=(), now=NOW
    ).order
    read = read_back(followed, {}, event=calendar_event(revision=0), now=NOW).order
    assert calendar_is_behind(read, NOW)
    assert read == moved_order()
    seen = read_back(followed, {}, event=calendar_event(revision=1), now=NOW)
    assert seen == Change(order=followed)


def test_a_moved_event_that_lost_its_room_or_was_deleted_is_put_before_the_admin() -> None:
    assert without_room(moved_order(), PENDING).has_attention(ROOM_GONE)
    assert without_room(moved_order(), CANCELLED).has_attention(EVENT_DELETED)


@pytest.mark.parametrize("status", Status)
def test_only_an_order_that_meets_wants_its_event(status: Status) -> None:
    current = order_in(status)
    meets = status in {Status.PAID, Status.SCHEDULED}
    assert wants_event(current, event_id(current)) is meets
    assert not wants_event(current, "another")


@pytest.mark.parametrize("status", Status)
def test_an_event_that_nobody_wants_is_noted_once(status: Status) -> None:
    current, event = order_in(status), event_id(order_in(status))
    noted = note_obsolete(current, {}, event=event).order
    unwanted = status not in {Status.PAID, Status.SCHEDULED}
    # The one of a cancelled order that was never paid was not noted before.
    assert (event in noted.obsolete_events) is unwanted
    assert note_obsolete(noted, {}, event=event).order == noted
    other = note_obsolete(current, {}, event="other").order
    assert other.obsolete_events == (*current.obsolete_events, "other")


def test_only_what_was_cleared_is_obsolete_no_more() -> None:
    current = changed(obsolete_events=("a", "b", "c"))
    assert note_cleared(current, {}, events=("a", "c", "x")).order == changed(
        obsolete_events=("b",)
    )
    assert note_cleared(paid_order(), {}, events=()) == Change(order=paid_order())


def test_a_meeting_that_is_given_up_leaves_its_event_to_clear_and_another_id_to_use() -> None:
    scheduled = scheduled_order(room_attempt=1)
    given_up = without_meeting(scheduled)
    assert given_up.meeting is None
    assert given_up.obsolete_events == (event_id(scheduled),)
    assert event_id(given_up) not in given_up.obsolete_events
    assert (given_up.event_generation, given_up.room_attempt) == (1, 0)
    twice = without_meeting(given_up)
    assert len(set(twice.obsolete_events)) == len(twice.obsolete_events) == 2
