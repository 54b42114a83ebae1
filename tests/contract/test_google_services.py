"""How the adapters of Calendar and Gmail take each of the ways in which Google can fail."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import httplib2
import msgspec
import pytest
from googleapiclient.errors import HttpError

from local.ports import free_ports
from shared.adapters.gmail import GmailMailer
from shared.adapters.google_api import classified
from shared.adapters.google_calendar import GoogleMeetingScheduler
from shared.adapters.google_freebusy import GoogleBusyCalendars
from shared.domain.meetings import MeetingRequest, RoomStatus, meeting_request
from shared.domain.notifications import Mail
from shared.errors import NotDoneError, PermanentError, RetryableError
from shared.settings import BrandSettings, GoogleSettings
from tests.builders import paid_order
from tests.fakes import FakeClock
from tests.vendors import HOST, Vendor, connections_are_dropped, served_google

pytestmark = connections_are_dropped

REQUEST = meeting_request(paid_order())
ANEW = msgspec.structs.replace(REQUEST, room_request_id="another-request")
MAIL = Mail(key="k", to_name="Sari", to_email="sari@example.com", subject="s", text="t", html="h")
BRAND = BrandSettings(name="Nusademy", help_email="help@a.example", admin_email="admin@a.example")
TIMEOUT_S = 0.4
# The client tries once more, after a random wait of less than this.
RETRY_WAIT_S = 0.0
TRIES = 1


class UnguardedMeetingScheduler(GoogleMeetingScheduler):
    """The negative control: writes without saying which state of the event it has seen."""

    def _write(self, method: str, *, etag: str | None = None, **arguments: Any) -> Any:
        return super()._write(method, **arguments)


class Google:
    """The simulator, and the adapters connected to it."""

    def __init__(self, vendor: Vendor, url: str | None = None) -> None:
        settings = GoogleSettings(
            subject="sessions@nusademy.example",
            api_base_url=url or vendor.url,
            timeout_s=TIMEOUT_S,
        )
        self.vendor = vendor
        self.scheduler = GoogleMeetingScheduler(settings)
        self.unguarded = UnguardedMeetingScheduler(settings)
        self.busy_calendars = GoogleBusyCalendars(settings)
        self.mailer = GmailMailer(settings, BRAND)

    def events(self) -> list[dict[str, Any]]:
        return list(self.vendor.ask("events")["events"])

    def writes(self) -> list[dict[str, Any]]:
        (record,) = self.events()
        return list(record["writes"])

    def sent(self) -> list[dict[str, Any]]:
        return list(self.vendor.ask("mails")["mails"])

    def refuse(self, operation: str, reason: str, **rest: Any) -> None:
        self.vendor.tell("refusals", operation=operation, reason=reason, times=10, **rest)

    def close(self) -> None:
        self.scheduler._service.client.close()
        self.unguarded._service.client.close()
        self.busy_calendars._service.client.close()
        self.mailer._service.client.close()


@pytest.fixture(scope="module")
def served() -> Iterator[Google]:
    with served_google(FakeClock()) as vendor:
        google = Google(vendor)
        yield google
        google.close()


@pytest.fixture
def impatient() -> Iterator[Google]:
    """Serve a simulator that closes a connection after a second without a request."""
    with served_google(FakeClock(), timeout_keep_alive=1) as vendor:
        google = Google(vendor)
        yield google
        google.close()


@pytest.fixture
def google(served: Google) -> Google:
    served.vendor.reset()
    return served


@pytest.fixture
def nowhere(served: Google) -> Iterator[Google]:
    (port,) = free_ports(1)
    google = Google(served.vendor, f"http://{HOST}:{port}")
    yield google
    google.close()


def busy(google: Google, email: str) -> Any:
    session = REQUEST.session
    return google.busy_calendars.busy(email, session.starts_at, session.ends_at)


Call = Callable[[Google], Any]
CALLS: dict[str, Call] = {
    "calendar.events.insert": lambda google: google.scheduler.ensure(REQUEST),
    "calendar.events.get": lambda google: google.scheduler.get(REQUEST.event_id),
    "calendar.events.delete": lambda google: google.scheduler.cancel(REQUEST.event_id),
    "calendar.freebusy.query": lambda google: busy(google, "sari@example.com"),
    "gmail.users.drafts.create": lambda google: google.mailer.draft(MAIL),
    "gmail.users.drafts.send": lambda google: google.mailer.send("r1", MAIL),
    "gmail.users.drafts.delete": lambda google: google.mailer.discard("r1"),
}
each_operation = pytest.mark.parametrize("operation", CALLS)


def until_done(action: Callable[[], Any]) -> None:
    """Try again as the functions' messages do."""
    for _ in range(5):
        try:
            action()
        except RetryableError:
            continue
        return
    raise AssertionError("never done")


@pytest.mark.parametrize("operation", ["calendar.events.insert", "gmail.users.drafts.send"])
def test_a_stalled_call_is_given_up(operation: str, google: Google) -> None:
    google.vendor.fault(operation, "stall", seconds=2 * TIMEOUT_S)
    started = time.monotonic()
    with pytest.raises(RetryableError, match="did not answer: TimeoutError") as failed:
        CALLS[operation](google)
    assert TIMEOUT_S <= time.monotonic() - started < TRIES * TIMEOUT_S + RETRY_WAIT_S + 0.3
    assert type(failed.value) is RetryableError
    assert len(google.vendor.requests) <= TRIES


@each_operation
def test_nothing_was_done_where_nobody_listens(operation: str, nowhere: Google) -> None:
    with pytest.raises(NotDoneError, match="cannot be reached: ConnectionRefusedError"):
        CALLS[operation](nowhere)


@pytest.mark.parametrize(
    ("status", "reason", "kind", "wait"),
    [
        (403, "rateLimitExceeded", NotDoneError, None),
        (429, "rateLimitExceeded", NotDoneError, None),
        (403, "userRateLimitExceeded", NotDoneError, None),
        (429, "anything", NotDoneError, None),
        (403, "quotaExceeded", NotDoneError, 3600),
        (403, "dailyLimitExceeded", NotDoneError, 3600),
        (403, "forbiddenForServiceAccounts", PermanentError, None),
        (403, "insufficientPermissions", PermanentError, None),
        (400, "invalid", PermanentError, None),
        (401, "authError", RetryableError, None),
        (408, "timeout", RetryableError, None),
        (412, "conditionNotMet", RetryableError, None),
        (500, "backendError", RetryableError, None),
        (503, "backendError", RetryableError, None),
    ],
)
def test_a_refusal_is_classified_by_status_and_reason(
    status: int, reason: str, kind: type[Exception], wait: float | None
) -> None:
    body = msgspec.json.encode({"error": {"errors": [{"reason": reason}], "code": status}})
    refused = classified("calendar", HttpError(httplib2.Response({"status": status}), body))
    assert type(refused) is kind
    assert str(refused) == f"calendar answered {status} {reason}"
    assert getattr(refused, "retry_after", None) == wait


@pytest.mark.parametrize(
    "body", [b"", b"<h1>Bad gateway</h1>", b"[]", b'{"error":"invalid_grant"}', b"\xff\xfe"]
)
def test_an_error_without_a_reason_goes_by_its_status(body: bytes) -> None:
    answers = {502: RetryableError, 403: PermanentError}
    for status, kind in answers.items():
        refused = classified("gmail", HttpError(httplib2.Response({"status": status}), body))
        assert type(refused) is kind
        assert str(refused) == f"gmail answered {status} unknown"


@pytest.mark.parametrize(
    ("operation", "reason", "kind"),
    [
        ("calendar.events.insert", "rateLimitExceeded", NotDoneError),
        ("calendar.events.insert", "quotaExceeded", NotDoneError),
        ("calendar.events.insert", "forbiddenForServiceAccounts", PermanentError),
        ("gmail.users.drafts.create", "authError", RetryableError),
        ("gmail.users.drafts.send", "backendError", RetryableError),
    ],
)
def test_a_refusal_in_googles_words_is_understood(
    operation: str, reason: str, kind: type[Exception], google: Google
) -> None:
    google.refuse(operation, reason)
    with pytest.raises(kind):
        CALLS[operation](google)
    assert len(google.vendor.requests) <= TRIES
    assert google.events() == []
    assert google.sent() == []


def test_a_proxys_page_of_an_error_is_retryable(google: Google) -> None:
    google.vendor.fault("calendar.events.insert", "error_before", status=502)
    with pytest.raises(RetryableError, match="calendar answered 502 unknown"):
        google.scheduler.ensure(REQUEST)


def test_a_write_that_comes_too_late_is_retryable(google: Google) -> None:
    google.vendor.fault("calendar.events.insert", "error_before", status=412)
    with pytest.raises(RetryableError, match="calendar answered 412"):
        google.scheduler.ensure(REQUEST)


def test_an_event_whose_answer_was_lost_is_read_back(google: Google) -> None:
    google.vendor.fault("calendar.events.insert", "error_after", times=1)
    until_done(lambda: google.scheduler.ensure(REQUEST))
    assert [record["event"]["id"] for record in google.events()] == [REQUEST.event_id]
    assert google.scheduler.ensure(REQUEST).room is RoomStatus.READY


def test_an_id_that_is_taken_is_read_back_without_a_write(google: Google) -> None:
    google.scheduler.ensure(REQUEST)
    google.vendor.requests.clear()
    google.scheduler.ensure(REQUEST)
    path = "/calendar/v3/calendars/primary/events"
    assert google.vendor.requests == [f"POST {path}", f"GET {path}/{REQUEST.event_id}"]
    assert [write["method"] for write in google.writes()] == ["insert"]


def test_a_failed_room_is_asked_for_anew_by_a_patch(google: Google) -> None:
    google.vendor.tell("conferences", outcome="failure")
    google.scheduler.ensure(REQUEST)
    google.scheduler.ensure(ANEW)
    first, second = google.writes()
    assert (first["method"], second["method"]) == ("insert", "patch")
    assert second["body"] == {
        "conferenceData": {
            "createRequest": {
                "requestId": "another-request",
                "conferenceSolutionKey": {"type": "hangoutsMeet"},
            }
        }
    }


def test_every_write_keeps_the_room_and_tells_the_attendees(google: Google) -> None:
    google.vendor.tell("conferences", outcome="failure")
    google.scheduler.ensure(REQUEST)
    google.scheduler.ensure(ANEW)
    said = {(w["conference_data_version"], w["send_updates"]) for w in google.writes()}
    assert said == {(1, "all")}


def moved(revision: int) -> MeetingRequest:
    starts_at = REQUEST.session.starts_at + timedelta(days=revision)
    session = msgspec.structs.replace(REQUEST.session, starts_at=starts_at)
    return msgspec.structs.replace(REQUEST, session=session, revision=revision)


def test_a_move_tells_the_attendees_and_changes_nothing_but_the_time(google: Google) -> None:
    google.scheduler.ensure(REQUEST)
    google.scheduler.ensure(moved(1))
    _, write = google.writes()
    assert (write["method"], write["send_updates"]) == ("patch", "all")
    assert write["conference_data_version"] == 1
    assert write["body"] == {
        "start": {"dateTime": "2026-12-02T12:00:00+00:00", "timeZone": "Asia/Makassar"},
        "end": {"dateTime": "2026-12-02T13:00:00+00:00", "timeZone": "Asia/Makassar"},
        "extendedProperties": {"private": {"revision": "1"}},
    }


def test_a_cancellation_tells_the_attendees(google: Google) -> None:
    google.scheduler.ensure(REQUEST)
    google.scheduler.cancel(REQUEST.event_id)
    assert [(w["method"], w["send_updates"]) for w in google.writes()] == [
        ("insert", "all"),
        ("delete", "all"),
    ]


def raced(google: Google, scheduler: GoogleMeetingScheduler) -> Any:
    """Let a move be overtaken by a newer one, after it has read and before it writes."""
    google.scheduler.ensure(REQUEST)
    google.vendor.fault("calendar.events.patch", "stall", seconds=TIMEOUT_S / 2, times=1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(scheduler.ensure, moved(1))
        while not google.vendor.ask("faults")["fired"]:
            time.sleep(0.01)
        google.scheduler.ensure(moved(2))
        return slow.exception(5)


def test_a_move_that_was_overtaken_is_refused_and_then_left(google: Google) -> None:
    overtaken = raced(google, google.scheduler)
    assert isinstance(overtaken, RetryableError)
    assert str(overtaken) == "calendar answered 412 conditionNotMet"
    assert google.scheduler.ensure(moved(1)).revision == 2


def test_without_the_etag_the_overtaken_move_would_win(google: Google) -> None:
    """The negative control of the race above."""
    assert raced(google, google.unguarded) is None
    found = google.scheduler.get(REQUEST.event_id)
    assert found is not None
    assert found.revision == 1


def test_a_move_whose_answer_was_lost_is_found_done(google: Google) -> None:
    google.scheduler.ensure(REQUEST)
    google.vendor.fault("calendar.events.patch", "error_after", times=1)
    until_done(lambda: google.scheduler.ensure(moved(1)))
    assert [write["method"] for write in google.writes()] == ["insert", "patch"]


@pytest.mark.parametrize("revision", [None, "", "one", "-1"])
def test_an_event_without_a_revision_of_ours_is_the_first(
    revision: str | None, google: Google
) -> None:
    google.scheduler.ensure(REQUEST)
    events = google.scheduler._service.client.events()
    body = {"extendedProperties": {"private": {"revision": revision}}}
    events.patch(calendarId="primary", eventId=REQUEST.event_id, body=body).execute()
    found = google.scheduler.get(REQUEST.event_id)
    assert found is not None
    assert found.revision == 0
    assert google.scheduler.ensure(moved(1)).revision == 1


def test_an_event_that_was_made_to_last_a_day_has_no_start(google: Google) -> None:
    google.scheduler.ensure(REQUEST)
    events = google.scheduler._service.client.events()
    day = {"dateTime": None, "timeZone": None, "date": "2026-12-01"}
    body = {"start": day, "end": day | {"date": "2026-12-02"}}
    events.patch(calendarId="primary", eventId=REQUEST.event_id, body=body).execute()
    found = google.scheduler.get(REQUEST.event_id)
    assert found is not None
    assert found.starts_at is None


def test_a_calendar_that_google_cannot_tell_of_is_asked_for_once(google: Google) -> None:
    google.vendor.tell("calendars", id="sari@example.com")
    assert busy(google, "sari@example.com") == []
    assert google.vendor.requests == ["POST /calendar/v3/freeBusy"]


def test_the_event_says_when_and_for_whom(google: Google) -> None:
    google.scheduler.ensure(REQUEST)
    (write,) = google.writes()
    assert write["body"] == {
        "id": REQUEST.event_id,
        "summary": "Data analysis portfolio review: Sari Wulandari & Budi Hartono",
        "description": "Order NUS-2026-000123",
        "start": {"dateTime": "2026-12-01T12:00:00+00:00", "timeZone": "Asia/Makassar"},
        "end": {"dateTime": "2026-12-01T13:00:00+00:00", "timeZone": "Asia/Makassar"},
        "attendees": [{"email": "sari@example.com"}, {"email": "budi@example.com"}],
        "extendedProperties": {"private": {"revision": "0"}},
        "guestsCanInviteOthers": False,
        "reminders": {"useDefault": False},
        "conferenceData": write["body"]["conferenceData"],
    }


def test_a_draft_that_is_gone_counts_as_sent(google: Google) -> None:
    google.mailer.send("r404", MAIL)
    assert google.sent() == []


def test_a_mail_whose_answer_was_lost_is_sent_once(google: Google) -> None:
    draft_id = google.mailer.draft(MAIL)
    google.vendor.fault("gmail.users.drafts.send", "error_after", times=1)
    until_done(lambda: google.mailer.send(draft_id, MAIL))
    assert len(google.sent()) == 1


def test_a_mail_comes_from_the_brand_and_is_answered_to_its_help_desk(google: Google) -> None:
    google.mailer.send(google.mailer.draft(MAIL), MAIL)
    (mail,) = google.sent()
    assert mail["from"] == "Nusademy <sessions@nusademy.example>"
    assert mail["headers"]["Reply-To"] == "help@a.example"
    assert mail["to"] == ["sari@example.com"]


@pytest.mark.parametrize(
    "address",
    [
        "sari@localhost",
        "sari..w@example.com",
        ".sari@example.com",
        "sari(w@example.com",
        "sari:w@example.com",
        "sari@[example",
        "sari@example..com",
        "sári@example.com",
        "sari@exämple.com",
        "=?utf-8?q?sari?=@example.com",
    ],
)
def test_an_address_that_no_mail_can_go_to_is_given_up(address: str, google: Google) -> None:
    with pytest.raises(PermanentError) as refused:
        google.mailer.draft(msgspec.structs.replace(MAIL, to_email=address))
    assert address not in str(refused.value)
    assert google.vendor.ask("counts") == {"mails": 0, "drafts": 0}


def test_a_connection_that_google_has_closed_is_opened_anew(impatient: Google) -> None:
    draft_id = impatient.mailer.draft(MAIL)
    impatient.scheduler.ensure(REQUEST)
    time.sleep(1.3)
    impatient.mailer.send(draft_id, MAIL)
    impatient.scheduler.ensure(ANEW)
    assert len(impatient.sent()) == 1
    assert len(impatient.events()) == 1


def test_each_thread_has_a_client_of_its_own(google: Google) -> None:
    service = google.scheduler._service
    all_at_once = Barrier(8)

    def client(_number: int) -> Any:
        all_at_once.wait(5)
        return service.client

    with ThreadPoolExecutor(8) as pool:
        clients = [service.client, *pool.map(client, range(8))]
    assert len({id(client) for client in clients}) == 9
    assert service.client is clients[0]
