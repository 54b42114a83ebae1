import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import msgspec
import pytest

from shared.adapters.google_calendar import GoogleMeetingScheduler
from shared.domain.meetings import CalendarEvent, MeetingRequest, RoomStatus, meeting_request
from shared.ports import MeetingScheduler
from shared.settings import GoogleSettings
from tests.builders import paid_order
from tests.fakes import FakeClock, FakeMeetingScheduler
from tests.vendors import Vendor, connections_are_dropped, served_google

pytestmark = connections_are_dropped

REQUEST = meeting_request(paid_order())
ANEW = msgspec.structs.replace(REQUEST, room_request_id=f"{REQUEST.event_id}-1")


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
        event_id=REQUEST.event_id, cancelled=False, room=RoomStatus.READY, meet_url=made.meet_url
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
