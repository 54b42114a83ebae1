"""Calendar events with Google Meet rooms. Facts: Google Calendar API v3 reference, Events."""

import contextlib
from datetime import UTC, datetime
from typing import Any

from shared.adapters.google_api import DuplicateError, GoneError, GoogleService
from shared.domain.meetings import CalendarEvent, MeetingRequest, RoomStatus
from shared.settings import GoogleSettings

SCOPES = ("https://www.googleapis.com/auth/calendar.events",)

_ROOM = {
    "pending": RoomStatus.PENDING,
    "success": RoomStatus.READY,
    "failure": RoomStatus.FAILED,
}


class GoogleMeetingScheduler:
    """MeetingScheduler on one calendar. Safe to share between threads."""

    def __init__(self, settings: GoogleSettings) -> None:
        self._service = GoogleService("calendar", "v3", SCOPES, settings)
        self._calendar_id = settings.calendar_id

    def ensure(self, request: MeetingRequest) -> CalendarEvent:
        """See MeetingScheduler."""
        raw = self._insert(request)
        changes = _changes(raw, request)
        if changes:
            # A move decided on what was read must not undo one that came in between: then Google
            # refuses with 412, and the next delivery reads again.
            etag = raw["etag"] if "start" in changes else None
            raw = self._write("patch", eventId=request.event_id, body=changes, etag=etag)
        return _event(raw)

    def get(self, event_id: str) -> CalendarEvent | None:
        """See MeetingScheduler."""
        with contextlib.suppress(GoneError):
            return _event(self._read(event_id))
        return None

    def cancel(self, event_id: str) -> None:
        """See MeetingScheduler."""
        events = self._service.resource("events")
        with contextlib.suppress(GoneError):
            self._service.execute(
                events.delete(calendarId=self._calendar_id, eventId=event_id, sendUpdates="all")
            )

    def _insert(self, request: MeetingRequest) -> Any:
        try:
            return self._write("insert", body=body_of(request))
        except DuplicateError:
            return self._read(request.event_id)

    def _read(self, event_id: str) -> Any:
        events = self._service.resource("events")
        return self._service.execute(events.get(calendarId=self._calendar_id, eventId=event_id))

    def _write(self, method: str, *, etag: str | None = None, **arguments: Any) -> Any:
        # conferenceDataVersion goes with every write: without it the room is silently dropped.
        # sendUpdates=all: without Google's own invitation an outside attendee's calendar may
        # never show the event.
        request = getattr(self._service.resource("events"), method)(
            calendarId=self._calendar_id, conferenceDataVersion=1, sendUpdates="all", **arguments
        )
        if etag is not None:
            request.headers["If-Match"] = etag
        return self._service.execute(request)


def body_of(request: MeetingRequest) -> dict[str, Any]:
    """Return the event as the API takes it."""
    return {
        "id": request.event_id,
        "summary": request.title,
        "description": request.description,
        **_when(request),
        "attendees": [{"email": email} for email in request.attendees],
        "guestsCanInviteOthers": False,
        "reminders": {"useDefault": False},
        "conferenceData": _room_wanted(request),
    }


def _when(request: MeetingRequest) -> dict[str, Any]:
    return {
        "start": _time(request.session.starts_at.isoformat(), request.time_zone),
        "end": _time(request.session.ends_at.isoformat(), request.time_zone),
        # Google's own "sequence" counts what people change, too.
        "extendedProperties": {"private": {"revision": str(request.revision)}},
    }


def _time(instant: str, time_zone: str) -> dict[str, str]:
    return {"dateTime": instant, "timeZone": time_zone}


def _room_wanted(request: MeetingRequest) -> dict[str, Any]:
    return {
        "createRequest": {
            "requestId": request.room_request_id,
            "conferenceSolutionKey": {"type": "hangoutsMeet"},
        }
    }


def _changes(raw: dict[str, Any], request: MeetingRequest) -> dict[str, Any]:
    """Return what the event lacks of the request; nothing for one that is deleted or newer."""
    event = _event(raw)
    if event.cancelled or event.revision > request.revision:
        return {}
    changes = _when(request) if event.revision < request.revision else {}
    known = _create_request(raw).get("requestId") == request.room_request_id
    if event.room is not RoomStatus.READY and not known:
        changes["conferenceData"] = _room_wanted(request)
    return changes


def _event(raw: dict[str, Any]) -> CalendarEvent:
    meet_url = raw.get("hangoutLink")
    status = _create_request(raw).get("status", {}).get("statusCode")
    room = _ROOM.get(status, RoomStatus.PENDING if status else RoomStatus.FAILED)
    return CalendarEvent(
        event_id=raw["id"],
        cancelled=raw.get("status") == "cancelled",
        room=RoomStatus.READY if meet_url else room,
        meet_url=meet_url,
        starts_at=_starts_at(raw),
        revision=_revision(raw),
    )


def _create_request(raw: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = raw.get("conferenceData", {}).get("createRequest", {})
    return found


def _starts_at(raw: dict[str, Any]) -> datetime | None:
    # Of a deleted event Google promises the id alone; a person can make it last a whole day.
    instant = raw.get("start", {}).get("dateTime")
    return None if instant is None else datetime.fromisoformat(instant).astimezone(UTC)


def _revision(raw: dict[str, Any]) -> int:
    # Events from before there were revisions have none, and whoever shares the calendar can write.
    text = raw.get("extendedProperties", {}).get("private", {}).get("revision", "")
    return int(text) if text.isdecimal() else 0
