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
    event_id,
    meeting_request,
    note_missed,
    note_missing_room,
    read_back,
    record_meeting,
    refuse_meeting,
)
from shared.domain.order import LOOK_AFTER_CHANGE, Change, Meeting, Order, Status
from tests.builders import NOW, calendar_event, order, order_in, paid_order, session

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
    assert without_room(current, FAILED) == current
    assert refuse_meeting(current, {}, now=NOW) == Change(order=current)
    assert not awaits_room(current)


def test_a_meeting_that_the_calendar_refuses_is_put_before_the_admin() -> None:
    refused = refuse_meeting(paid_order(), {}, now=NOW).order
    assert refused == paid_order().with_attention(MEETING_REFUSED, NOW)


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
