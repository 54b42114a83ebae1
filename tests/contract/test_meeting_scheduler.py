import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Protocol

import msgspec
import pytest

from shared.adapters.google_calendar import GoogleMeetingScheduler
from shared.domain.meetings import CalendarEvent, MeetingRequest, RoomStatus, meeting_request
from shared.errors import RetryableError
from shared.ports import MeetingScheduler
from shared.settings import GoogleSettings
from tests.builders import paid_order
from tests.fakes import FakeClock, FakeMeetingScheduler
from tests.vendors import Vendor, connections_are_dropped, served_google

pytestmark = connections_are_dropped

REQUEST = meeting_request(paid_order())
ANEW = msgspec.structs.replace(REQUEST, room_request_id=f"{REQUEST.event_id}-1")
STARTS_AT = REQUEST.session.starts_at


def moved(revision: int, request: MeetingRequest = REQUEST) -> MeetingRequest:
    """Return the request after so many moves, each a day later than the one before."""
    starts_at = STARTS_AT + timedelta(days=revision)
    session = msgspec.structs.replace(request.session, starts_at=starts_at)
    return msgspec.structs.replace(request, session=session, revision=revision)


class Calendar(Protocol):
    """A calendar, and a test's hand in it."""

    @property
    def scheduler(self) -> MeetingScheduler:
        """The implementation under test."""

    def slow_room(self) -> None:
        """Let the next room take a while."""

    def failing_room(self) -> None:
        """Let the next room fail."""

    def delete(self, event_id: str) -> None:
        """Delete the event as a person would."""

    def live(self) -> int:
        """Count the events that are not cancelled."""


class FakeCalendar:
    def __init__(self) -> None:
        self.scheduler = FakeMeetingScheduler()
        self.delete = self.scheduler.delete

    def slow_room(self) -> None:
        self.scheduler.pending_reads = 2

    def failing_room(self) -> None:
        self.scheduler.failing_rooms = 1

    def live(self) -> int:
        return len(self.scheduler.live)


class GoogleCalendar:
    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.scheduler = GoogleMeetingScheduler(
            GoogleSettings(subject="sessions@nusademy.example", api_base_url=vendor.url)
        )

    def slow_room(self) -> None:
        self.vendor.tell("conferences", outcome="success", delay_s=0.3)

    def failing_room(self) -> None:
        self.vendor.tell("conferences", outcome="failure")

    def delete(self, event_id: str) -> None:
        url = f"{self.vendor.url}/calendar/v3/calendars/primary/events/{event_id}"
        bearer = {"authorization": "Bearer a-person"}
        assert self.vendor.admin.delete(url, headers=bearer).status_code == 204

    def live(self) -> int:
        events = [record["event"] for record in self.vendor.ask("events")["events"]]
        return sum(event["status"] != "cancelled" for event in events)


@pytest.fixture(scope="module")
def google() -> Iterator[GoogleCalendar]:
    with served_google(FakeClock()) as vendor:
        real = GoogleCalendar(vendor)
        yield real
        real.scheduler._service.client.close()


@pytest.fixture(params=["fake", "google"])
def calendar(request: pytest.FixtureRequest) -> Calendar:
    if request.param == "fake":
        return FakeCalendar()
    real: GoogleCalendar = request.getfixturevalue("google")
    real.vendor.reset()
    return real


def settled(calendar: Calendar, event_id: str = REQUEST.event_id) -> CalendarEvent:
    """Look until the room is no longer pending."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        event = calendar.scheduler.get(event_id)
        assert event is not None
        if event.room is not RoomStatus.PENDING:
            return event
        time.sleep(0.02)
    raise AssertionError("the room is still pending")


def test_a_meeting_has_a_room(calendar: Calendar) -> None:
    made = calendar.scheduler.ensure(REQUEST)
    assert made == CalendarEvent(
        event_id=REQUEST.event_id,
        cancelled=False,
        room=RoomStatus.READY,
        meet_url=made.meet_url,
        starts_at=STARTS_AT,
        revision=0,
    )
    assert str(made.meet_url).startswith("https://meet.google.com/")
    assert calendar.scheduler.get(REQUEST.event_id) == made


def test_asking_twice_is_asking_once(calendar: Calendar) -> None:
    made = calendar.scheduler.ensure(REQUEST)
    assert calendar.scheduler.ensure(REQUEST) == made
    assert calendar.live() == 1


def test_there_is_no_event_of_an_unknown_id(calendar: Calendar) -> None:
    assert calendar.scheduler.get(REQUEST.event_id) is None


def test_a_room_may_take_a_while(calendar: Calendar) -> None:
    calendar.slow_room()
    made = calendar.scheduler.ensure(REQUEST)
    assert (made.room, made.meet_url) == (RoomStatus.PENDING, None)
    assert calendar.scheduler.ensure(REQUEST).room is RoomStatus.PENDING
    assert settled(calendar).room is RoomStatus.READY


def test_a_failed_room_stays_failed_for_the_same_request(calendar: Calendar) -> None:
    calendar.failing_room()
    assert calendar.scheduler.ensure(REQUEST).room is RoomStatus.FAILED
    assert calendar.scheduler.ensure(REQUEST).room is RoomStatus.FAILED
    assert settled(calendar).meet_url is None


def test_a_failed_room_is_asked_for_anew_with_another_request(calendar: Calendar) -> None:
    calendar.failing_room()
    calendar.scheduler.ensure(REQUEST)
    made = calendar.scheduler.ensure(ANEW)
    assert made.room is RoomStatus.READY
    assert calendar.live() == 1


def test_another_request_leaves_a_room_that_is_there(calendar: Calendar) -> None:
    made = calendar.scheduler.ensure(REQUEST)
    assert calendar.scheduler.ensure(ANEW) == made


def test_a_deleted_event_is_told_as_cancelled_and_not_revived(calendar: Calendar) -> None:
    calendar.scheduler.ensure(REQUEST)
    calendar.delete(REQUEST.event_id)
    found = calendar.scheduler.get(REQUEST.event_id)
    assert found is not None
    assert found.cancelled
    assert calendar.scheduler.ensure(ANEW).cancelled
    assert calendar.live() == 0


def test_eight_threads_at_once_get_their_own_meetings(calendar: Calendar) -> None:
    def request(number: int) -> MeetingRequest:
        return meeting_request(paid_order(id=f"NUS-{number}"))

    def make(number: int) -> CalendarEvent:
        return calendar.scheduler.ensure(request(number))

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(40)))
    assert [event.event_id for event in made] == [request(n).event_id for n in range(40)]
    assert len({event.meet_url for event in made}) == 40
    assert calendar.live() == 40


def test_threads_that_ask_for_the_same_meeting_get_the_same(calendar: Calendar) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(calendar.scheduler.ensure, [REQUEST] * 16))
    assert made == [made[0]] * 16
    assert calendar.live() == 1


def when(event: CalendarEvent | None) -> tuple[int, object]:
    """Return the revision of an event, and by how much it is later than the first."""
    assert event is not None
    assert event.starts_at is not None
    return event.revision, event.starts_at - STARTS_AT


def at(revision: int) -> tuple[int, timedelta]:
    return revision, timedelta(days=revision)


def test_a_move_keeps_the_room(calendar: Calendar) -> None:
    made = calendar.scheduler.ensure(REQUEST)
    later = calendar.scheduler.ensure(moved(1))
    assert later == msgspec.structs.replace(
        made, starts_at=STARTS_AT + timedelta(days=1), revision=1
    )
    assert calendar.scheduler.get(REQUEST.event_id) == later
    assert calendar.live() == 1


def test_moving_twice_is_moving_once(calendar: Calendar) -> None:
    calendar.scheduler.ensure(REQUEST)
    later = calendar.scheduler.ensure(moved(1))
    assert calendar.scheduler.ensure(moved(1)) == later


def test_the_first_that_the_calendar_hears_may_be_a_move(calendar: Calendar) -> None:
    made = calendar.scheduler.ensure(moved(2))
    assert when(made) == at(2)
    assert made.room is RoomStatus.READY


def test_a_request_from_before_the_move_changes_nothing(calendar: Calendar) -> None:
    calendar.scheduler.ensure(REQUEST)
    newest = calendar.scheduler.ensure(moved(2))
    for stale in (REQUEST, ANEW, moved(1)):
        assert calendar.scheduler.ensure(stale) == newest
    assert calendar.scheduler.get(REQUEST.event_id) == newest


def test_a_request_of_the_same_revision_moves_nothing(calendar: Calendar) -> None:
    made = calendar.scheduler.ensure(REQUEST)
    elsewhere = msgspec.structs.replace(moved(1), revision=0)
    assert calendar.scheduler.ensure(elsewhere) == made


def test_a_move_of_an_event_whose_room_failed_asks_for_another(calendar: Calendar) -> None:
    calendar.failing_room()
    calendar.scheduler.ensure(REQUEST)
    later = calendar.scheduler.ensure(moved(1, ANEW))
    assert when(later) == at(1)
    assert later.room is RoomStatus.READY


def test_a_request_from_before_the_move_asks_for_no_room(calendar: Calendar) -> None:
    calendar.failing_room()
    calendar.scheduler.ensure(moved(1))
    stale = calendar.scheduler.ensure(ANEW)
    assert (when(stale), stale.room) == (at(1), RoomStatus.FAILED)


def test_a_room_that_is_under_way_stays_so_through_a_move(calendar: Calendar) -> None:
    calendar.slow_room()
    calendar.scheduler.ensure(REQUEST)
    assert when(until_done(calendar, moved(1))) == at(1)
    later = settled(calendar)
    assert (when(later), later.room) == (at(1), RoomStatus.READY)


def test_moves_at_the_same_time_end_with_the_newest(calendar: Calendar) -> None:
    calendar.scheduler.ensure(REQUEST)

    def move(revision: int) -> CalendarEvent:
        return until_done(calendar, moved(revision))

    with ThreadPoolExecutor(6) as pool:
        seen = list(pool.map(move, [3, 1, 2, 3, 2, 1]))
    assert when(calendar.scheduler.get(REQUEST.event_id)) == at(3)
    assert [when(seen[n]) for n in (0, 3)] == [at(3), at(3)]
    assert calendar.live() == 1


def test_a_cancelled_event_is_gone_and_not_revived_or_moved(calendar: Calendar) -> None:
    calendar.scheduler.ensure(REQUEST)
    calendar.scheduler.cancel(REQUEST.event_id)
    assert calendar.live() == 0
    for request in (REQUEST, ANEW, moved(1)):
        found = calendar.scheduler.ensure(request)
        assert (found.cancelled, found.revision) == (True, 0)
    assert calendar.live() == 0


def test_cancelling_twice_is_quiet(calendar: Calendar) -> None:
    calendar.scheduler.ensure(REQUEST)
    calendar.scheduler.cancel(REQUEST.event_id)
    calendar.scheduler.cancel(REQUEST.event_id)
    found = calendar.scheduler.get(REQUEST.event_id)
    assert found is not None
    assert found.cancelled


def test_cancelling_what_never_was_is_quiet_and_takes_no_id(calendar: Calendar) -> None:
    calendar.scheduler.cancel(REQUEST.event_id)
    assert calendar.scheduler.get(REQUEST.event_id) is None
    assert not calendar.scheduler.ensure(REQUEST).cancelled


def until_done(calendar: Calendar, request: MeetingRequest) -> CalendarEvent:
    """Ask again as a message that comes again does."""
    for _ in range(10):
        try:
            return calendar.scheduler.ensure(request)
        except RetryableError:
            continue
    raise AssertionError("never done")
