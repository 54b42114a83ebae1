import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httplib2
import httpx
import msgspec
import pytest
import uvicorn
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from local.simulators.google.app import create_app
from local.simulators.google.calendar import CalendarApi
from local.simulators.google.events import Calendars
from local.simulators.google.gmail import GmailApi
from local.simulators.google.mails import Mails
from local.simulators.google.rooms import Rooms
from local.simulators.records import Records

CALENDAR = "bookings@mentoring.example"
EVENT_ID = "nus2026000123"
START = datetime(2026, 12, 1, 12, tzinfo=UTC)
LATER = 3600.0


class SteppingClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.instant = datetime(2026, 11, 24, 2, tzinfo=UTC)

    def now(self) -> datetime:
        return self.instant


class World:
    """A served simulator and the real clients for it."""

    def __init__(self, url: str, clock: SteppingClock) -> None:
        self.url = url
        self.clock = clock
        self.calendar = self._build("calendar", "v3", f"{url}/calendar/v3/")
        self.gmail = self._build("gmail", "v1", url)
        self.http = httpx.Client(base_url=url, headers={"authorization": "Bearer any"})
        self.events = self.calendar.events()
        self.drafts = self.gmail.users().drafts()

    def _build(self, name: str, version: str, endpoint: str) -> Any:
        credentials = Credentials("any token")
        http = AuthorizedHttp(credentials, http=httplib2.Http(timeout=10))
        options = {"api_endpoint": endpoint}
        return build(name, version, http=http, client_options=options, static_discovery=True)

    def insert(self, body: dict[str, Any] | None = None, **kw: Any) -> Any:
        kw = {"calendarId": CALENDAR, "conferenceDataVersion": 1} | kw
        return self.events.insert(body=event() if body is None else body, **kw).execute()

    def get(self, event_id: str = EVENT_ID) -> Any:
        return self.events.get(calendarId=CALENDAR, eventId=event_id).execute()

    def patch(self, body: dict[str, Any], **kw: Any) -> Any:
        return self.events.patch(calendarId=CALENDAR, eventId=EVENT_ID, body=body, **kw).execute()

    def delete(self) -> None:
        self.events.delete(calendarId=CALENDAR, eventId=EVENT_ID).execute()

    def room_after(self, status: str) -> Any:
        """Poll until the room's request is no longer pending."""
        deadline = time.monotonic() + 5
        while status_of(found := self.get()) == "pending" and time.monotonic() < deadline:
            time.sleep(0.01)
        assert status_of(found) == status
        return found

    def draft(self, mail: EmailMessage | bytes) -> str:
        raw = base64.urlsafe_b64encode(bytes(mail)).decode()
        created = self.drafts.create(userId="me", body={"message": {"raw": raw}}).execute()
        return str(created["id"])

    def send(self, draft_id: str) -> Any:
        return self.drafts.send(userId="me", body={"id": draft_id}).execute()

    def admin(self, path: str, **rule: Any) -> Any:
        answer = (
            self.http.post(f"/_admin/{path}", json=rule)
            if rule
            else self.http.get(f"/_admin/{path}")
        )
        answer.raise_for_status()
        return answer.json()

    def close(self) -> None:
        self.calendar.close()
        self.gmail.close()
        self.http.close()


@contextmanager
def served(path: Path, clock: SteppingClock, room_delay_s: float = 0.05) -> Iterator[World]:
    records = Records(path)
    app = create_app(
        records=records, clock=clock, public_url="http://google.local", room_delay_s=room_delay_s
    )
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    world = World(f"http://127.0.0.1:{port}", clock)
    yield world
    world.close()
    server.should_exit = True
    thread.join()
    records.close()


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture(scope="module")
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    path = tmp_path_factory.mktemp("google") / "google.db"
    with served(path, SteppingClock()) as world:
        yield world


@pytest.fixture
def world(shared_world: World) -> World:
    shared_world.http.post("/_admin/reset").raise_for_status()
    return shared_world


def event(event_id: str = EVENT_ID, **fields: Any) -> dict[str, Any]:
    return {
        "id": event_id,
        "summary": "Portfolio review",
        "start": {"dateTime": "2026-12-01T12:00:00Z", "timeZone": "Asia/Makassar"},
        "end": {"dateTime": "2026-12-01T13:00:00Z", "timeZone": "Asia/Makassar"},
        "attendees": [{"email": "mentee@example.com"}, {"email": "Mentor@example.com"}],
        "conferenceData": room_request("first"),
    } | fields


def room_request(request_id: str, kind: str = "hangoutsMeet") -> dict[str, Any]:
    return {"createRequest": {"requestId": request_id, "conferenceSolutionKey": {"type": kind}}}


def status_of(found: dict[str, Any]) -> str:
    return str(found["conferenceData"]["createRequest"]["status"]["statusCode"])


def refusal(call: Callable[[], Any]) -> tuple[int, str, str]:
    """Return status, reason and message of the HttpError that the call raises."""
    with pytest.raises(HttpError) as caught:
        call()
    envelope = msgspec.json.decode(caught.value.content)["error"]
    assert envelope["code"] == caught.value.status_code
    assert envelope["message"] == envelope["errors"][0]["message"]
    return envelope["code"], envelope["errors"][0]["reason"], envelope["message"]


def mail(to: str = "Siti <siti@example.com>", **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Mentoring <halo@mentoring.example>"
    message["To"] = to
    message["Subject"] = "Tagihan Anda · NUS-2026-000123"
    message["Message-ID"] = "<ours@mentoring.example>"
    message["Reply-To"] = "bantuan@mentoring.example"
    message["X-Order-Id"] = "NUS-2026-000123"
    for name, value in headers.items():
        message[name] = value
    message.set_content("Halo Siti,\nsilakan bayar.")
    message.add_alternative(
        '<p>Halo Siti</p><a href="https://pay.example/1?a=1&amp;b=2">Bayar</a>'
        '<script>alert("no")</script>',
        subtype="html",
    )
    return message


def test_an_insert_returns_the_event_as_google_would_store_it(world: World) -> None:
    created = world.insert()

    assert created["id"] == EVENT_ID
    assert created["status"] == "confirmed"
    assert created["sequence"] == 0
    assert created["iCalUID"] == f"{EVENT_ID}@google.com"
    assert created["created"] == created["updated"] == "2026-11-24T02:00:00.000Z"
    assert created["organizer"] == {"email": CALENDAR, "self": True}
    assert created["htmlLink"] == f"http://google.local/calendar#{EVENT_ID}"
    assert created["start"] == {
        "dateTime": "2026-12-01T19:00:00+07:00",
        "timeZone": "Asia/Makassar",
    }
    assert created["attendees"][0] == {
        "email": "mentee@example.com",
        "responseStatus": "needsAction",
    }


def test_without_an_id_google_makes_one(world: World) -> None:
    body = event()
    del body["id"]

    assert world.get(world.insert(body)["id"])["summary"] == "Portfolio review"


@pytest.mark.parametrize("event_id", ["abcd", "NUS2026", "nus-2026-000123", "xyzzy"])
def test_an_id_outside_base32hex_is_refused(world: World, event_id: str) -> None:
    assert refusal(lambda: world.insert(event(event_id))) == (
        400,
        "invalid",
        "Invalid resource id value.",
    )


def test_a_second_insert_with_the_same_id_is_a_duplicate(world: World) -> None:
    world.insert()

    assert refusal(world.insert) == (
        409,
        "duplicate",
        "The requested identifier already exists.",
    )


def test_a_deleted_event_keeps_its_id_and_reads_as_cancelled(world: World) -> None:
    world.insert()
    world.delete()

    assert world.get()["status"] == "cancelled"
    assert world.get()["sequence"] == 1
    assert refusal(world.insert)[:2] == (409, "duplicate")
    assert refusal(world.delete) == (410, "deleted", "Resource has been deleted")


def test_a_deleted_event_can_be_confirmed_again(world: World) -> None:
    world.insert()
    world.delete()

    assert world.patch({"status": "confirmed"})["status"] == "confirmed"


def test_an_unknown_event_is_not_found(world: World) -> None:
    assert refusal(world.get) == (404, "notFound", "Not Found")


def test_a_room_is_pending_first_and_has_a_meet_link_later(world: World) -> None:
    created = world.insert()
    assert status_of(created) == "pending"
    assert "hangoutLink" not in created

    ready = world.room_after("success")
    (entry,) = ready["conferenceData"]["entryPoints"]
    assert entry["entryPointType"] == "video"
    assert entry["uri"] == ready["hangoutLink"]
    code = ready["conferenceData"]["conferenceId"]
    assert ready["hangoutLink"] == f"https://meet.google.com/{code}"
    assert [len(part) for part in code.split("-")] == [3, 4, 3]
    assert ready["etag"] != created["etag"]


def test_with_no_delay_the_room_is_there_at_once(tmp_path: Path, clock: SteppingClock) -> None:
    with served(tmp_path / "google.db", clock, room_delay_s=0.0) as world:
        created = world.insert()

    assert status_of(created) == "success"
    assert created["hangoutLink"].startswith("https://meet.google.com/")


def test_without_conference_data_version_the_room_is_dropped(world: World) -> None:
    created = world.insert(conferenceDataVersion=None)

    assert "conferenceData" not in created
    assert "conferenceData" not in world.patch({"conferenceData": room_request("second")})


def test_a_patch_without_version_leaves_the_room_alone(world: World) -> None:
    world.insert()
    link = world.room_after("success")["hangoutLink"]

    changed = world.patch({"summary": "Moved", "conferenceData": None})

    assert (changed["summary"], changed["hangoutLink"]) == ("Moved", link)


def test_a_repeated_request_id_is_ignored_and_a_new_one_starts_again(world: World) -> None:
    world.admin("conferences", outcome="failure")
    world.insert()
    world.room_after("failure")

    same = world.patch({"conferenceData": room_request("first")}, conferenceDataVersion=1)
    assert status_of(same) == "failure"
    again = world.patch({"conferenceData": room_request("second")}, conferenceDataVersion=1)
    assert status_of(again) == "pending"
    world.room_after("success")


def test_a_failed_room_has_no_entry_points(world: World) -> None:
    world.admin("conferences", outcome="failure", delay_s=0)

    created = world.insert()

    assert status_of(created) == "failure"
    assert [*created["conferenceData"]] == ["createRequest"]


def test_a_room_can_be_pending_for_ever(world: World) -> None:
    world.admin("conferences", outcome="pending")
    world.insert()
    time.sleep(0.1)

    assert status_of(world.get()) == "pending"
    pending = world.admin("pending")
    assert (pending["pending_rooms"], pending["stuck_rooms"]) == (0, 1)
    assert pending["next_at"] is None


def test_pending_rooms_are_counted_with_the_time_of_the_next(world: World) -> None:
    world.admin("conferences", outcome="success", delay_s=LATER, times=2)
    world.insert()
    world.insert(event("abcde"))

    pending = world.admin("pending")

    assert pending["pending_rooms"] == 2
    due = datetime.fromisoformat(pending["next_at"]) - world.clock.now()
    assert timedelta(seconds=LATER - 60) < due <= timedelta(seconds=LATER)


def test_another_kind_of_room_is_refused(world: World) -> None:
    body = event(conferenceData=room_request("first", kind="eventHangout"))

    assert refusal(lambda: world.insert(body)) == (400, "invalid", "Invalid conference type value.")
    assert refusal(world.get)[0] == 404


def test_a_patch_merges_objects_replaces_lists_and_clears_with_null(world: World) -> None:
    world.insert(event(description="old", extendedProperties={"private": {"a": "1", "b": "2"}}))

    changed = world.patch(
        {
            "description": None,
            "attendees": [{"email": "other@example.com"}],
            "extendedProperties": {"private": {"b": "3"}},
        }
    )

    assert "description" not in changed
    assert [a["email"] for a in changed["attendees"]] == ["other@example.com"]
    assert changed["extendedProperties"] == {"private": {"a": "1", "b": "3"}}
    assert changed["sequence"] == 0


def test_a_new_time_raises_the_sequence(world: World) -> None:
    world.insert()
    times = {
        "start": {"dateTime": "2026-12-02T12:00:00Z"},
        "end": {"dateTime": "2026-12-02T13:00:00Z"},
    }

    assert world.patch(times)["sequence"] == 1


def test_an_update_clears_what_is_not_sent_and_keeps_the_room(world: World) -> None:
    world.insert(event(description="old"))
    link = world.room_after("success")["hangoutLink"]
    body = {key: event()[key] for key in ("start", "end")}

    def update(**kw: Any) -> Any:
        return world.events.update(calendarId=CALENDAR, eventId=EVENT_ID, body=body, **kw).execute()

    changed = update()
    assert "description" not in changed
    assert changed["hangoutLink"] == link
    assert "conferenceData" not in update(conferenceDataVersion=1)


def test_an_etag_guards_a_change(world: World) -> None:
    stale = world.insert()["etag"]
    fresh = world.patch({"summary": "first"})["etag"]
    request = world.events.patch(calendarId=CALENDAR, eventId=EVENT_ID, body={"summary": "x"})

    request.headers["If-Match"] = stale
    assert refusal(request.execute) == (412, "conditionNotMet", "Precondition Failed")
    request.headers["If-Match"] = world.room_after("success")["etag"]
    assert request.execute()["summary"] == "x"
    assert fresh != stale


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"end": None}, (400, "required", "Missing end time.")),
        (
            {"end": {"date": "2026-12-01"}},
            (400, "invalid", "Start and end times must either both be date or both be dateTime."),
        ),
        (
            {"end": {"dateTime": "2026-12-01T11:00:00Z"}},
            (400, "timeRangeEmpty", "The specified time range is empty."),
        ),
        (
            {"start": {"dateTime": "2026-12-01T11:00:00"}},
            (400, "required", "Missing time zone definition for start time."),
        ),
        (
            {"start": {"dateTime": "2026-12-01T11:00:00", "timeZone": "Mars/Base"}},
            (400, "invalid", "Invalid time zone definition for start time."),
        ),
        ({"attendees": [{"email": "nobody"}]}, (400, "invalid", "Invalid attendee email.")),
        ({"attendees": [{"displayName": "A"}]}, (400, "required", "Missing attendee email.")),
        ({"status": "maybe"}, (400, "invalid", "Invalid value for: status")),
    ],
)
def test_an_impossible_event_is_refused(
    world: World, fields: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    assert refusal(lambda: world.insert(event(**fields))) == expected


@pytest.mark.parametrize(
    ("path", "body", "part"),
    [
        ("", {"sumary": "typo"}, "Unknown name \"sumary\" at 'body'"),
        ("", {"start": {"datetime": "x"}}, "Unknown name \"datetime\" at 'start'"),
        ("", {"summary": 5}, "Invalid value at 'summary' (string), 5"),
        ("", {"start": {"dateTime": "soon"}}, "Invalid value at 'start.dateTime' (date-time)"),
        ("", {"attendees": [{"email": True}]}, "Invalid value at 'attendees[0].email' (string)"),
        ("?sendUpdates=everyone", {}, "Invalid value 'everyone'."),
        ("?conferenceDataVersion=2", {}, "Invalid value '2'."),
        ("?conferenceVersion=1", {}, 'Unknown query parameter "conferenceVersion".'),
    ],
)
def test_a_request_that_does_not_fit_the_discovery_document_is_refused(
    world: World, path: str, body: dict[str, Any], part: str
) -> None:
    answer = world.http.post(f"/calendar/v3/calendars/{CALENDAR}/events{path}", json=body)

    assert answer.status_code == 400
    assert part in answer.json()["error"]["message"]


def test_a_body_that_is_no_json_object_is_a_parse_error(world: World) -> None:
    for content in (b"{", b"[]"):
        answer = world.http.post(f"/calendar/v3/calendars/{CALENDAR}/events", content=content)
        assert answer.json()["error"]["errors"][0]["reason"] == "parseError"


def test_no_token_means_401(world: World) -> None:
    for path in (f"/calendar/v3/calendars/{CALENDAR}/events", "/gmail/v1/users/me/drafts"):
        answer = httpx.get(f"{world.url}{path}")
        assert answer.status_code == 401
        assert answer.json()["error"]["errors"][0]["location"] == "Authorization"


def test_a_list_is_filtered_by_time_and_split_into_pages(world: World) -> None:
    for hour, event_id in enumerate(("eeeee", "aaaaa", "ccccc")):
        start = START + timedelta(hours=hour)
        times = {
            "start": {"dateTime": start.isoformat()},
            "end": {"dateTime": (start + timedelta(hours=1)).isoformat()},
        }
        world.insert(event(event_id, **times))
    query = {
        "calendarId": CALENDAR,
        "timeMin": "2026-12-01T13:00:00Z",
        "timeMax": "2026-12-01T15:00:00Z",
        "singleEvents": True,
        "orderBy": "startTime",
        "maxResults": 1,
    }
    first = world.events.list(**query)
    page = first.execute()
    second = world.events.list_next(first, page)

    assert [item["id"] for item in page["items"]] == ["aaaaa"]
    assert [item["id"] for item in second.execute()["items"]] == ["ccccc"]
    assert world.events.list_next(second, second.execute()) is None


def test_a_list_hides_deleted_events_and_searches_properties(world: World) -> None:
    world.insert(event(extendedProperties={"private": {"order": "1"}}))
    world.insert(event("abcde"))
    found = world.events.list(calendarId=CALENDAR, privateExtendedProperty="order=1").execute()
    assert [item["id"] for item in found["items"]] == [EVENT_ID]

    world.delete()
    shown = world.events.list(calendarId=CALENDAR).execute()["items"]
    every = world.events.list(calendarId=CALENDAR, showDeleted=True).execute()["items"]
    assert ([i["id"] for i in shown], len(every)) == (["abcde"], 2)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"pageToken": "junk"}, "invalid"),
        ({"orderBy": "startTime"}, "invalid"),
        ({"syncToken": "old"}, "fullSyncRequired"),
        ({"timeMin": "2026-12-01T13:00:00"}, "badRequest"),
        ({"timeMin": "2026-12-02T00:00:00Z", "timeMax": "2026-12-01T00:00:00Z"}, "timeRangeEmpty"),
    ],
)
def test_an_impossible_list_is_refused(world: World, query: dict[str, Any], reason: str) -> None:
    assert refusal(world.events.list(calendarId=CALENDAR, **query).execute)[1] == reason


def free_busy(world: World, *calendars: str) -> Any:
    body = {
        "timeMin": "2026-12-01T00:00:00Z",
        "timeMax": "2026-12-02T00:00:00Z",
        "items": [{"id": calendar} for calendar in calendars],
    }
    return world.calendar.freebusy().query(body=body).execute()["calendars"]


def test_free_busy_covers_the_calendar_and_its_attendees(world: World) -> None:
    world.insert()
    touching = {
        "start": {"dateTime": "2026-12-01T13:00:00Z"},
        "end": {"dateTime": "2026-12-01T14:00:00Z"},
    }
    world.insert(event("abcde", **touching, attendees=[{"email": "mentor@example.com"}]))

    busy = free_busy(world, "mentor@example.com", "mentee@example.com", "idle@example.com")

    assert busy == {
        "mentor@example.com": {
            "busy": [{"start": "2026-12-01T12:00:00Z", "end": "2026-12-01T14:00:00Z"}]
        },
        "mentee@example.com": {
            "busy": [{"start": "2026-12-01T12:00:00Z", "end": "2026-12-01T13:00:00Z"}]
        },
        "idle@example.com": {"busy": []},
    }


def test_free_busy_forgets_cancelled_events(world: World) -> None:
    world.insert()
    world.delete()

    assert free_busy(world, "mentor@example.com") == {"mentor@example.com": {"busy": []}}


def test_free_busy_follows_an_event_that_is_moved(world: World) -> None:
    world.insert()
    times = {
        "start": {"dateTime": "2026-12-01T15:00:00Z"},
        "end": {"dateTime": "2026-12-01T16:00:00Z"},
    }
    world.patch(times)

    assert free_busy(world, "mentee@example.com")["mentee@example.com"]["busy"] == [
        {"start": "2026-12-01T15:00:00Z", "end": "2026-12-01T16:00:00Z"}
    ]


def test_somebody_is_busy_with_their_own_affairs_for_as_long_as_they_share_it(
    world: World,
) -> None:
    world.insert()
    period = {"starts_at": "2026-12-01T12:30:00+07:00", "ends_at": "2026-12-01T07:00:00Z"}
    world.admin("busy", id="Mentor@example.com", periods=[period, period])

    assert free_busy(world, "mentor@example.com")["mentor@example.com"]["busy"] == [
        {"start": "2026-12-01T05:30:00Z", "end": "2026-12-01T07:00:00Z"},
        {"start": "2026-12-01T12:00:00Z", "end": "2026-12-01T13:00:00Z"},
    ]

    world.admin("busy", id="Mentor@example.com", shared=False)

    assert free_busy(world, "mentor@example.com") == {
        "mentor@example.com": {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
    }


def test_a_hidden_calendar_is_an_error_inside_a_200(world: World) -> None:
    world.admin("calendars", id="mentor@example.com")

    assert free_busy(world, "mentor@example.com") == {
        "mentor@example.com": {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
    }


def test_events_and_how_they_were_written_are_there_for_the_admin(world: World) -> None:
    world.insert(sendUpdates="all")
    world.patch({"summary": "Moved"})

    (record,) = world.admin("events")["events"]

    assert record["calendar"] == CALENDAR
    assert record["event"]["summary"] == "Moved"
    assert [(w["method"], w["send_updates"]) for w in record["writes"]] == [
        ("insert", "all"),
        ("patch", "none"),
    ]
    assert record["writes"][0]["body"] == event()


def test_a_chosen_refusal_comes_in_googles_words_and_is_counted(world: World) -> None:
    world.admin(
        "refusals", operation="calendar.events.insert", reason="forbiddenForServiceAccounts"
    )

    assert refusal(world.insert) == (
        403,
        "forbiddenForServiceAccounts",
        "Service accounts cannot invite attendees without Domain-Wide Delegation of Authority.",
    )
    world.insert()
    assert world.admin("refusals")["given"] == {
        "calendar.events.insert:forbiddenForServiceAccounts": 1
    }


def test_faults_strike_before_and_after_the_work(world: World) -> None:
    world.admin("faults", operation="calendar.events.insert", kind="rate_limit", times=1)
    assert refusal(world.insert) == (429, "rateLimitExceeded", "Rate Limit Exceeded")

    world.admin("faults", operation="calendar.events.insert", kind="error_after", times=1)
    with pytest.raises(HttpError) as caught:
        world.insert()
    assert caught.value.status_code == 502
    assert world.get()["id"] == EVENT_ID


def test_a_rule_that_does_not_fit_is_refused(world: World) -> None:
    for path in ("conferences", "refusals", "faults", "calendars"):
        assert world.http.post(f"/_admin/{path}", json={"what": 1}).status_code == 400


def test_a_sent_draft_is_in_the_mailbox_with_another_message_id(world: World) -> None:
    sent = world.send(world.draft(mail(Bcc="arsip@mentoring.example")))

    (found,) = world.admin("mails")["mails"]
    assert found["id"] == sent["id"]
    assert found["to"] == ["siti@example.com"]
    assert found["bcc"] == ["arsip@mentoring.example"]
    assert found["from"] == "Mentoring <halo@mentoring.example>"
    assert found["subject"] == "Tagihan Anda · NUS-2026-000123"
    assert found["sent_at"] == "2026-11-24T02:00:00.000Z"
    assert found["text"] == "Halo Siti,\nsilakan bayar.\n"
    assert found["links"] == ["https://pay.example/1?a=1&b=2"]
    assert found["headers"]["Reply-To"] == "bantuan@mentoring.example"
    assert found["headers"]["X-Order-Id"] == "NUS-2026-000123"
    assert found["headers"]["Message-ID"] == f"<CA+{sent['id']}@mail.gmail.com>"
    assert found["url"] == f"http://google.local/mailbox/{sent['id']}"

    message = world.gmail.users().messages().get(userId="me", id=sent["id"], format="raw").execute()
    raw = base64.urlsafe_b64decode(message["raw"])
    assert b"ours@mentoring.example" not in raw
    assert b"arsip" not in raw


def test_a_draft_can_be_sent_once(world: World) -> None:
    draft_id = world.draft(mail())
    world.send(draft_id)

    gone = (404, "notFound", "Requested entity was not found.")
    assert refusal(lambda: world.send(draft_id)) == gone
    assert refusal(world.drafts.get(userId="me", id=draft_id).execute) == gone
    assert len(world.admin("mails")["mails"]) == 1


def test_drafts_can_be_listed_read_and_deleted(world: World) -> None:
    first, second = world.draft(mail()), world.draft(mail())

    listed = world.drafts.list(userId="me", maxResults=1)
    page = listed.execute()
    assert [d["id"] for d in page["drafts"]] == [second]
    assert [d["id"] for d in world.drafts.list_next(listed, page).execute()["drafts"]] == [first]
    payload = world.drafts.get(userId="me", id=first).execute()["message"]["payload"]
    assert [part["mimeType"] for part in payload["parts"]] == ["text/plain", "text/html"]
    world.drafts.delete(userId="me", id=first).execute()
    assert refusal(world.drafts.delete(userId="me", id=first).execute)[0] == 404


def test_messages_can_be_searched(world: World) -> None:
    world.send(world.draft(mail()))
    world.send(world.draft(mail("budi@example.com")))

    def found(query: str) -> int:
        listed = world.gmail.users().messages().list(userId="me", q=query).execute()
        return int(listed["resultSizeEstimate"])

    assert (found("to:budi"), found("tagihan"), found("to:nobody")) == (1, 2, 0)


@pytest.mark.parametrize("address", ["nobody", "siti@example", "siti@example.com, nobody", "<>"])
def test_a_bad_recipient_is_refused(world: World, address: str) -> None:
    raw = f"From: a@b.example\r\nTo: {address}\r\nSubject: x\r\n\r\nHi\r\n".encode()

    assert refusal(lambda: world.draft(raw)) == (400, "invalidArgument", "Invalid To header")


def test_a_draft_may_lack_recipients_but_cannot_be_sent(world: World) -> None:
    draft_id = world.draft(b"From: a@b.example\r\nSubject: x\r\n\r\nHi\r\n")

    expected = (400, "invalidArgument", "Recipient address required")
    assert refusal(lambda: world.send(draft_id)) == expected


@pytest.mark.parametrize(
    "body", [{}, {"message": {}}, {"message": {"raw": "!!"}}, {"message": {"raw": "abcde"}}]
)
def test_a_draft_without_a_readable_message_is_refused(world: World, body: dict[str, Any]) -> None:
    create = world.drafts.create(userId="me", body=body)

    assert refusal(create.execute)[:2] == (400, "invalidArgument")


def test_the_inbox_lists_one_recipients_mail(world: World) -> None:
    world.send(world.draft(mail()))
    world.send(world.draft(mail("budi@example.com")))

    page = world.http.get("/mailbox", params={"to": "BUDI@example.com"})

    assert page.status_code == 200
    assert page.text.count('class="mail"') == 1
    assert world.http.get("/mailbox").text.count('class="mail"') == 2


def test_a_mail_is_shown_in_a_frame_where_nothing_runs(world: World) -> None:
    message = mail(Cc="wali@example.com")
    message.add_attachment(
        b"BEGIN:VCALENDAR", maintype="text", subtype="calendar", filename="s.ics"
    )
    sent = world.send(world.draft(message))

    page = world.http.get(f"/mailbox/{sent['id']}")

    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.text
    assert "<script>" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for shown in ("siti@example.com", "wali@example.com", "s.ics", "09:00 WIB", "silakan bayar."):
        assert shown in page.text
    assert world.http.get("/mailbox/unknown").status_code == 404


def test_a_long_inbox_has_pages(world: World) -> None:
    for _ in range(51):
        world.send(world.draft(mail()))

    first, second = world.http.get("/mailbox"), world.http.get("/mailbox?page=2")

    assert "/mailbox?page=2" in first.text
    assert second.text.count('class="mail"') == 1


def test_the_calendar_page_shows_rooms_and_guests(world: World) -> None:
    world.insert()
    link = world.room_after("success")["hangoutLink"]
    world.insert(event("abcde", start={"date": "2026-12-03"}, end={"date": "2026-12-04"}))

    page = world.http.get("/calendar").text

    for shown in (link, "mentee@example.com", "Tue 1 Dec 2026", "19:00", "All day"):
        assert shown in page


def test_state_survives_a_process_that_is_killed(tmp_path: Path, clock: SteppingClock) -> None:
    path = tmp_path / "google.db"
    with served(path, clock, room_delay_s=0.5) as first:
        first.insert()
        draft_id = first.draft(mail())

        # The first still has the file open: nothing was written at a shutdown.
        with served(path, clock, room_delay_s=LATER) as second:
            assert status_of(second.get()) == "pending"
            assert second.room_after("success")["hangoutLink"]
            second.send(draft_id)
            assert len(second.admin("mails")["mails"]) == 1


def test_a_reset_forgets_everything(world: World) -> None:
    world.insert()
    world.send(world.draft(mail()))
    world.admin("conferences", outcome="failure", times=9)
    world.admin("faults", operation="*", kind="rate_limit")

    assert world.http.post("/_admin/reset").json() == {"reset": True}

    assert world.admin("events") == {"events": []}
    assert world.admin("mails") == {"mails": []}
    assert world.admin("conferences") == {"plans": []}
    assert status_of(world.insert()) == "pending"


def test_every_served_path_is_the_one_of_the_discovery_document(clock: SteppingClock) -> None:
    records = Records(None)
    calendars = Calendars(records, clock, Rooms(0), "")
    services = {
        "calendar": build("calendar", "v3", http=httplib2.Http(), static_discovery=True),
        "gmail": build("gmail", "v1", http=httplib2.Http(), static_discovery=True),
    }
    offered = CalendarApi(calendars, clock).routes() | GmailApi(Mails(records, clock)).routes()
    for method_id, (verb, path, _) in offered.items():
        document = services[method_id.partition(".")[0]]._rootDesc
        *resources, name = method_id.split(".")[1:]
        base = document["servicePath"]
        for resource in resources:
            document = document["resources"][resource]
        method = document["methods"][name]
        assert (verb, path) == (method["httpMethod"], f"/{base}{method['path']}")
    records.close()
    for service in services.values():
        service.close()
