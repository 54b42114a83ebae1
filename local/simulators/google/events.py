"""The state of all calendars: events, their rooms, who is busy when."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from local.simulators.google import times
from local.simulators.google.rooms import Room, Rooms, checked_request, finished, pending
from local.simulators.google.wire import GoogleError, Json, invalid
from local.simulators.records import Records

EVENT_ID = re.compile(r"[a-v0-9]{5,1024}")
ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;.]+")
_READ_ONLY = frozenset(
    ("kind", "etag", "created", "updated", "creator", "organizer", "htmlLink", "hangoutLink")
)
_SEQUENCED = ("start", "end", "location", "status")


@dataclass(frozen=True, slots=True)
class Write:
    """How a change was asked for."""

    method: str
    body: Json
    conference_version: int = 0
    send_updates: str = "none"
    if_match: str | None = None


class Calendars:
    """Events by calendar. Every calendar exists, unless it has been hidden.

    Kinds of records: ``calendar`` (ids in use), ``events:<calendar>``, ``busy:<address>`` (the
    times of whoever attends), ``room`` (rooms under way), ``hidden``.
    """

    def __init__(self, records: Records, clock: times.Clock, rooms: Rooms, public_url: str) -> None:
        self._records = records
        self._clock = clock
        self._rooms = rooms
        self._public_url = public_url.rstrip("/")

    def insert(self, calendar: str, write: Write) -> Json:
        """Create an event; GoogleError 409 for an id that is or was taken."""
        self._require_visible(calendar)
        event_id = write.body.get("id") or uuid.uuid4().hex[:26]
        if not EVENT_ID.fullmatch(event_id):
            raise invalid("Invalid resource id value.")
        if self._records.get(f"events:{calendar}", event_id):
            raise GoogleError(409, "duplicate", "The requested identifier already exists.")
        sent = {key: value for key, value in write.body.items() if value is not None}
        record: Json = {"calendar": calendar, "revision": 0, "room": None, "writes": []}
        record["event"] = self._defaults(calendar, event_id) | _writable(sent)
        return self._apply(record, write, record["event"])

    def get(self, calendar: str, event_id: str) -> Json:
        """Return an event, a deleted one too; GoogleError 404."""
        event: Json = self._load(calendar, event_id)["event"]
        return event

    def patch(self, calendar: str, event_id: str, write: Write) -> Json:
        """Merge the sent fields into an event: objects deeply, lists whole, null clears."""
        record = self._load(calendar, event_id)
        _check_etag(record["event"], write)
        return self._apply(record, write, _merged(record["event"], _writable(write.body)))

    def update(self, calendar: str, event_id: str, write: Write) -> Json:
        """Replace an event; whatever is not sent is cleared."""
        record = self._load(calendar, event_id)
        _check_etag(record["event"], write)
        before = record["event"]
        kept = {key: before[key] for key in (*_READ_ONLY, "conferenceData") if key in before}
        kept |= {"iCalUID": before["iCalUID"], "sequence": before["sequence"]}
        sent = {key: value for key, value in write.body.items() if value is not None}
        whole = self._defaults(calendar, event_id) | kept | _writable(sent)
        return self._apply(record, write, whole)

    def delete(self, calendar: str, event_id: str, write: Write) -> None:
        """Cancel an event: its id stays taken. GoogleError 410 for a second time."""
        record = self._load(calendar, event_id)
        if record["event"]["status"] == "cancelled":
            raise GoogleError(410, "deleted", "Resource has been deleted")
        _check_etag(record["event"], write)
        self._apply(record, write, record["event"] | {"status": "cancelled"})

    def of_calendar(self, calendar: str) -> list[Json]:
        """Return the events of a calendar, deleted ones too, in order of creation."""
        self._require_visible(calendar)
        self.settle()
        return [record["event"] for record in self._records.list(f"events:{calendar}")]

    def all_records(self) -> list[Json]:
        """Return ``{calendar, event, writes}`` of every event of every calendar."""
        self.settle()
        calendars = [calendar["id"] for calendar in self._records.list("calendar")]
        return [
            {key: record[key] for key in ("calendar", "event", "writes")}
            for calendar in calendars
            for record in self._records.list(f"events:{calendar}")
        ]

    def busy(self, calendar: str) -> list[tuple[datetime, datetime]]:
        """Return the busy times of a calendar or an attendee, by start; GoogleError 404.

        They are the events that they attend, and what ``be_busy`` has added.
        """
        self._require_visible(calendar)
        return sorted(
            (datetime.fromisoformat(entry["start"]), datetime.fromisoformat(entry["end"]))
            for entry in self._records.list(f"busy:{calendar.lower()}")
        )

    def be_busy(self, calendar: str, start: datetime, end: datetime) -> None:
        """Let the owner of a calendar be busy with something that is their own affair."""
        span = {"start": start.isoformat(), "end": end.isoformat()}
        self._records.put(f"busy:{calendar.lower()}", f"private/{start}/{end}", span)

    def hide(self, calendar: str, *, hidden: bool) -> None:
        """Let a calendar look as one that does not exist or is not shared."""
        if hidden:
            self._records.put("hidden", calendar.lower(), {"id": calendar})
        else:
            self._records.delete("hidden", calendar.lower())

    def settle(self) -> list[float | None]:
        """Finish the rooms that are due; return ``ready_at`` of those still under way."""
        left = []
        for entry in self._records.list("room"):
            room = msgspec.convert(entry["room"], Room)
            if room.is_due:
                self._load(entry["calendar"], entry["id"])
            else:
                left.append(room.ready_at)
        return left

    def _require_visible(self, calendar: str) -> None:
        if self._records.get("hidden", calendar.lower()):
            raise GoogleError(404, "notFound", "Not Found")

    def _load(self, calendar: str, event_id: str) -> Json:
        self._require_visible(calendar)
        record = self._records.get(f"events:{calendar}", event_id)
        if record is None:
            raise GoogleError(404, "notFound", "Not Found")
        if record["room"] and (room := msgspec.convert(record["room"], Room)).is_due:
            event = record["event"]
            done = finished(event["conferenceData"], room.outcome, calendar + event_id)
            _set_conference(event, done)
            record["room"] = None
            self._save(record)
        return record

    def _defaults(self, calendar: str, event_id: str) -> Json:
        return {
            "kind": "calendar#event",
            "id": event_id,
            "status": "confirmed",
            "htmlLink": f"{self._public_url}/calendar#{event_id}",
            "created": times.stamp(self._clock.now()),
            "creator": {"email": calendar, "self": True},
            "organizer": {"email": calendar, "self": True},
            "iCalUID": f"{event_id}@google.com",
            "sequence": 0,
            "reminders": {"useDefault": True},
            "eventType": "default",
        }

    def _apply(self, record: Json, write: Write, event: Json) -> Json:
        """Check the event as it would become, then store it and return it."""
        before = record["event"]
        event = event | times.normalized(event)
        _check_rest(event)
        event["attendees"] = _attendees(event.get("attendees"), record["calendar"])
        if not event["attendees"]:
            del event["attendees"]
        if any(event.get(key) != before.get(key) for key in _SEQUENCED) and record["revision"]:
            event["sequence"] = before["sequence"] + 1
        if write.conference_version and (
            write.method == "update" or "conferenceData" in write.body
        ):
            self._apply_conference(record, event, write.body.get("conferenceData"))
        record["event"] = event
        record["writes"].append(
            {
                "method": write.method,
                "at": times.stamp(self._clock.now()),
                "send_updates": write.send_updates,
                "conference_data_version": write.conference_version,
                "body": write.body,
            }
        )
        self._save(record, before)
        return event

    def _apply_conference(self, record: Json, event: Json, wanted: Json | None) -> None:
        current = event.get("conferenceData") or {}
        if wanted is None:
            _set_conference(event, None)
            record["room"] = None
            return
        request = checked_request(wanted)
        if request is None:
            if wanted.get("conferenceId") != current.get("conferenceId"):
                raise invalid("Invalid conference data.")
        # "If an ID provided is the same as for the previous request, the request is ignored."
        elif request["requestId"] != current.get("createRequest", {}).get("requestId"):
            room = self._rooms.request()
            record["room"] = msgspec.to_builtins(room)
            _set_conference(event, pending(request))
            if room.is_due:
                seed = record["calendar"] + event["id"]
                _set_conference(event, finished(pending(request), room.outcome, seed))
                record["room"] = None

    def _save(self, record: Json, before: Json | None = None) -> None:
        event, calendar = record["event"], record["calendar"]
        key, now = f"{calendar}/{event['id']}", self._clock.now()
        record["revision"] += 1
        event["updated"] = times.stamp(now)
        event["etag"] = f'"{int(now.timestamp() * 1000)}{record["revision"]:04d}"'
        with self._records.transaction():
            self._records.put("calendar", calendar, {"id": calendar})
            self._records.put(f"events:{calendar}", event["id"], record)
            self._records.delete("room", key)
            if record["room"]:
                entry = {"calendar": calendar, "id": event["id"], "room": record["room"]}
                self._records.put("room", key, entry)
            if before is not None:
                self._index(key, calendar, before, event)

    def _index(self, key: str, calendar: str, before: Json, event: Json) -> None:
        for address in _busy_addresses(calendar, before):
            self._records.delete(f"busy:{address}", key)
        for address in _busy_addresses(calendar, event):
            start, end = (times.instant_of(event[side]).isoformat() for side in ("start", "end"))
            self._records.put(f"busy:{address}", key, {"start": start, "end": end})


def _writable(body: Json) -> Json:
    return {
        k: v for k, v in body.items() if k not in _READ_ONLY and k not in ("id", "conferenceData")
    }


def _merged(old: Json, new: Json) -> Json:
    merged = dict(old)
    for key, value in new.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merged(merged[key], value)
        else:
            merged[key] = value
    return merged


def _check_etag(event: Json, write: Write) -> None:
    if write.if_match not in (None, "*", event["etag"]):
        raise GoogleError(
            412, "conditionNotMet", "Precondition Failed", location=("header", "If-Match")
        )


def _check_rest(event: Json) -> None:
    if event.setdefault("status", "confirmed") not in ("confirmed", "tentative", "cancelled"):
        raise invalid("Invalid value for: status")
    if event.get("recurrence"):
        raise invalid("This simulator keeps single events only: no recurrence.")


def _attendees(sent: Iterable[Json] | None, calendar: str) -> list[Json]:
    attendees: dict[str, Json] = {}
    for attendee in sent or ():
        email: Any = attendee.get("email")
        if not email:
            raise invalid("Missing attendee email.", reason="required")
        if not ADDRESS.fullmatch(email):
            raise invalid("Invalid attendee email.")
        own = {"organizer": True, "self": True} if email.lower() == calendar.lower() else {}
        attendees.setdefault(email.lower(), {"responseStatus": "needsAction"} | attendee | own)
    return [*attendees.values()]


def _set_conference(event: Json, conference: Json | None) -> None:
    event.pop("conferenceData", None)
    event.pop("hangoutLink", None)
    if conference is not None:
        event["conferenceData"] = conference
        for entry in conference.get("entryPoints", ()):
            event["hangoutLink"] = entry["uri"]


def _busy_addresses(calendar: str, event: Json) -> set[str]:
    if event["status"] == "cancelled" or event.get("transparency") == "transparent":
        return set()
    coming = (
        attendee["email"].lower()
        for attendee in event.get("attendees", ())
        if attendee.get("responseStatus") != "declined"
    )
    return {calendar.lower(), *coming}
