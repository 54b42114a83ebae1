"""Calendar events with Google Meet rooms. Facts: Google Calendar API v3 reference, Events."""

import contextlib
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
        if _needs_room(raw, request):
            raw = self._write(
                "patch", eventId=request.event_id, body={"conferenceData": _room_wanted(request)}
            )
        return _event(raw)

    def get(self, event_id: str) -> CalendarEvent | None:
        """See MeetingScheduler."""
        with contextlib.suppress(GoneError):
            return _event(self._read(event_id))
        return None

    def _insert(self, request: MeetingRequest) -> Any:
        try:
            return self._write("insert", body=body_of(request))
        except DuplicateError:
            return self._read(request.event_id)

    def _read(self, event_id: str) -> Any:
        events = self._service.client.events()
        return self._service.execute(events.get(calendarId=self._calendar_id, eventId=event_id))

    def _write(self, method: str, **arguments: Any) -> Any:
        # conferenceDataVersion goes with every write: without it the room is silently dropped.
        # sendUpdates=all: without Google's own invitation an outside attendee's calendar may
        # never show the event.
        request = getattr(self._service.client.events(), method)(
            calendarId=self._calendar_id, conferenceDataVersion=1, sendUpdates="all", **arguments
        )
        return self._service.execute(request)


def body_of(request: MeetingRequest) -> dict[str, Any]:
    """Return the event as the API takes it."""
    return {
        "id": request.event_id,
        "summary": request.title,
        "description": request.description,
        "start": _time(request.session.starts_at.isoformat(), request.time_zone),
        "end": _time(request.session.ends_at.isoformat(), request.time_zone),
        "attendees": [{"email": email} for email in request.attendees],
        "guestsCanInviteOthers": False,
        "reminders": {"useDefault": False},
        "conferenceData": _room_wanted(request),
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


def _needs_room(raw: dict[str, Any], request: MeetingRequest) -> bool:
    event = _event(raw)
    if event.cancelled or event.room is RoomStatus.READY:
        return False
    return bool(_create_request(raw).get("requestId") != request.room_request_id)


def _event(raw: dict[str, Any]) -> CalendarEvent:
    meet_url = raw.get("hangoutLink")
    status = _create_request(raw).get("status", {}).get("statusCode")
    room = _ROOM.get(status, RoomStatus.PENDING if status else RoomStatus.FAILED)
    return CalendarEvent(
        event_id=raw["id"],
        cancelled=raw.get("status") == "cancelled",
        room=RoomStatus.READY if meet_url else room,
        meet_url=meet_url,
    )


def _create_request(raw: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = raw.get("conferenceData", {}).get("createRequest", {})
    return found
