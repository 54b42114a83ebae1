"""What every BusyCalendars does, in memory and with Google (as its simulator plays it)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Protocol

import pytest

from shared.adapters.google_calendar import GoogleMeetingScheduler
from shared.adapters.google_freebusy import GoogleBusyCalendars
from shared.domain.meetings import meeting_request
from shared.domain.schedule import Period
from shared.ports import BusyCalendars
from shared.settings import GoogleSettings
from tests.builders import NOW, paid_order
from tests.fakes import FakeBusyCalendars, FakeClock
from tests.vendors import Vendor, connections_are_dropped, served_google

pytestmark = connections_are_dropped

MENTOR = "budi@example.com"
HOUR = timedelta(hours=1)
BEGIN, END = NOW, NOW + 24 * HOUR


class People(Protocol):
    """People with calendars, and a test's hand in them."""

    @property
    def calendars(self) -> BusyCalendars:
        """The implementation under test."""

    def share(self, email: str, *periods: Period) -> None:
        """Let somebody be busy then, and share it."""

    def hide(self, email: str) -> None:
        """Let somebody share nothing."""


class FakePeople:
    def __init__(self) -> None:
        self.calendars = FakeBusyCalendars()

    def share(self, email: str, *periods: Period) -> None:
        self.calendars.times[email] = list(periods)

    def hide(self, email: str) -> None:
        self.calendars.times.pop(email)


class GooglePeople:
    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.settings = GoogleSettings(subject="us@nusademy.example", api_base_url=vendor.url)
        self.calendars = GoogleBusyCalendars(self.settings)

    def share(self, email: str, *periods: Period) -> None:
        spans = [
            {"starts_at": period.starts_at.isoformat(), "ends_at": period.ends_at.isoformat()}
            for period in periods
        ]
        self.vendor.tell("busy", id=email, periods=spans)

    def hide(self, email: str) -> None:
        self.vendor.tell("busy", id=email, shared=False)


@pytest.fixture(scope="module")
def google() -> Iterator[GooglePeople]:
    with served_google(FakeClock()) as vendor:
        real = GooglePeople(vendor)
        yield real
        real.calendars._service.client.close()


@pytest.fixture(params=["fake", "google"])
def people(request: pytest.FixtureRequest) -> People:
    if request.param == "fake":
        return FakePeople()
    real: GooglePeople = request.getfixturevalue("google")
    real.vendor.reset()
    return real


def after(hours: float, *, until: float) -> Period:
    return Period(starts_at=NOW + hours * HOUR, ends_at=NOW + until * HOUR)


def busy(people: People, begin: datetime = BEGIN, end: datetime = END) -> list[Period]:
    return list(people.calendars.busy(MENTOR, begin, end))


def test_nobody_is_busy_by_themselves(people: People) -> None:
    assert busy(people) == []


def test_busy_times_are_told_earliest_first(people: People) -> None:
    people.share(MENTOR, after(2, until=3), after(5, until=6.5))
    assert busy(people) == [after(2, until=3), after(5, until=6.5)]


def test_busy_times_of_others_are_not_told(people: People) -> None:
    people.share("sari@example.com", after(2, until=3))
    assert busy(people) == []


def test_what_only_touches_the_ends_is_not_told(people: People) -> None:
    people.share(MENTOR, after(-1, until=0), after(24, until=25))
    assert busy(people) == []


def test_what_reaches_into_the_time_is_told(people: People) -> None:
    people.share(MENTOR, after(-1, until=1), after(23, until=26))
    first, last = busy(people)
    assert first.overlaps(after(0, until=1))
    assert first.ends_at == NOW + HOUR
    assert last.overlaps(after(23, until=24))
    assert last.starts_at == NOW + 23 * HOUR


def test_nothing_is_told_of_a_calendar_that_is_not_shared(people: People) -> None:
    people.share(MENTOR, after(2, until=3))
    people.hide(MENTOR)
    assert busy(people) == []


def test_who_attends_a_meeting_is_busy(google: GooglePeople) -> None:
    google.vendor.reset()
    scheduler = GoogleMeetingScheduler(google.settings)
    request = meeting_request(paid_order())
    scheduler.ensure(request)
    session = request.session
    asked = (session.starts_at - HOUR, session.ends_at + HOUR)
    assert busy(google, *asked) == [Period(starts_at=session.starts_at, ends_at=session.ends_at)]
    scheduler.cancel(request.event_id)
    assert busy(google, *asked) == []
    scheduler._service.client.close()
