"""Calendar API v3 on the wire: parameters in, resources out."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import JSONResponse, Response

from local.simulators.google import times
from local.simulators.google.discovery import Api
from local.simulators.google.events import Calendars, Write
from local.simulators.google.wire import (
    Call,
    GoogleError,
    Handler,
    Json,
    empty_range,
    invalid,
    page,
)

_EVENTS = "/calendar/v3/calendars/{calendarId}/events"
_MAX_PAGE = 2500
_MAX_CALENDARS = 50


class CalendarApi:
    """The methods of the Calendar API that the simulator has."""

    def __init__(self, calendars: Calendars, clock: times.Clock) -> None:
        self._calendars = calendars
        self._clock = clock

    def routes(self) -> dict[str, tuple[str, str, Handler]]:
        """Return ``{method id: (HTTP verb, path, handler)}``."""
        one = _EVENTS + "/{eventId}"
        return {
            "calendar.events.insert": ("POST", _EVENTS, self.insert),
            "calendar.events.list": ("GET", _EVENTS, self.list),
            "calendar.events.get": ("GET", one, self.get),
            "calendar.events.patch": ("PATCH", one, self.patch),
            "calendar.events.update": ("PUT", one, self.update),
            "calendar.events.delete": ("DELETE", one, self.delete),
            "calendar.freebusy.query": ("POST", "/calendar/v3/freeBusy", self.free_busy),
        }

    def insert(self, call: Call) -> Response:
        return _event_response(
            self._calendars.insert(call.path["calendarId"], _write("insert", call)), call
        )

    def get(self, call: Call) -> Response:
        return _event_response(self._calendars.get(*_ids(call)), call)

    def patch(self, call: Call) -> Response:
        return _event_response(self._calendars.patch(*_ids(call), _write("patch", call)), call)

    def update(self, call: Call) -> Response:
        return _event_response(self._calendars.update(*_ids(call), _write("update", call)), call)

    def delete(self, call: Call) -> Response:
        self._calendars.delete(*_ids(call), _write("delete", call))
        return Response(status_code=204)

    def list(self, call: Call) -> Response:
        calendar, query = call.path["calendarId"], call.query
        if query.get("syncToken"):
            raise GoogleError(
                410,
                "fullSyncRequired",
                "Sync token is no longer valid, a full sync is required.",
                domain="calendar",
                location=("parameter", "syncToken"),
            )
        events = _sorted(_selected(self._calendars.of_calendar(calendar), query), query)
        size = min(query["maxResults"], _MAX_PAGE)
        shown, following = page(events, query.get("pageToken"), size)
        zone = _zone(query)
        token = {"nextPageToken": following} if following else {"nextSyncToken": "none-kept="}
        return JSONResponse(
            {
                "kind": "calendar#events",
                "etag": f'"{len(events)}"',
                "summary": calendar,
                "updated": times.stamp(self._clock.now()),
                "timeZone": zone.key,
                "accessRole": "owner",
                "defaultReminders": [{"method": "popup", "minutes": 10}],
                "items": [_shown(event, zone) for event in shown],
                **token,
            }
        )

    def free_busy(self, call: Call) -> Response:
        body = call.body
        since, until = (_required_instant(body, name) for name in ("timeMin", "timeMax"))
        if until <= since:
            raise empty_range()
        ids = [item.get("id", "") for item in body.get("items") or ()]
        limit = min(body.get("calendarExpansionMax") or _MAX_CALENDARS, _MAX_CALENDARS)
        zone = times.zone(body.get("timeZone") or "UTC")
        calendars = {
            calendar: self._busy(calendar, since, until, zone)
            if index < limit
            else {"errors": [_problem("tooManyCalendarsRequested")], "busy": []}
            for index, calendar in enumerate(ids)
        }
        return JSONResponse(
            {
                "kind": "calendar#freeBusy",
                "timeMin": times.stamp(since),
                "timeMax": times.stamp(until),
                "calendars": calendars,
            }
        )

    def _busy(self, calendar: str, since: datetime, until: datetime, zone: ZoneInfo) -> Json:
        try:
            spans = self._calendars.busy(calendar)
        except GoogleError as error:
            return {"errors": [_problem(error.reason)], "busy": []}
        merged: list[tuple[datetime, datetime]] = []
        for start, end in spans:
            if end <= since or start >= until:
                continue
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return {
            "busy": [
                {
                    "start": times.render(max(start, since), zone),
                    "end": times.render(min(end, until), zone),
                }
                for start, end in merged
            ]
        }


def api() -> Api:
    """Return the checker for the methods above."""
    names = ("insert", "list", "get", "patch", "update", "delete")
    return Api(
        "calendar.v3.json", [*(f"calendar.events.{n}" for n in names), "calendar.freebusy.query"]
    )


def _ids(call: Call) -> tuple[str, str]:
    return call.path["calendarId"], call.path["eventId"]


def _write(method: str, call: Call) -> Write:
    return Write(
        method=method,
        body=dict(call.body),
        conference_version=call.query.get("conferenceDataVersion", 0),
        send_updates=call.query.get("sendUpdates", "none"),
        if_match=call.if_match,
    )


def _event_response(event: Json, call: Call) -> Response:
    shown = _shown(event, _zone(call.query))
    return JSONResponse(shown, headers={"etag": event["etag"]})


def _zone(query: Any) -> ZoneInfo:
    return times.zone(query.get("timeZone") or times.CALENDAR_ZONE)


def _shown(event: Json, zone: ZoneInfo) -> Json:
    """Return the event with its times in the zone that the reader asked for."""
    if "date" in event["start"]:
        return event
    return event | {
        side: event[side] | {"dateTime": times.render(times.instant_of(event[side]), zone)}
        for side in ("start", "end")
    }


def _selected(events: Iterable[Json], query: Any) -> list[Json]:
    since, until, updated = (
        times.parameter(name, query[name]) if query.get(name) else None
        for name in ("timeMin", "timeMax", "updatedMin")
    )
    if since and until and until <= since:
        raise empty_range()
    wanted = _wanted_properties(query)
    return [
        event
        for event in events
        if (query.get("showDeleted") or event["status"] != "cancelled")
        and (since is None or times.instant_of(event["end"]) > since)
        and (until is None or times.instant_of(event["start"]) < until)
        and (updated is None or datetime.fromisoformat(event["updated"]) >= updated)
        and query.get("iCalUID", event["iCalUID"]) == event["iCalUID"]
        and (query.get("q") or "").lower() in _text(event)
        and wanted <= _properties(event)
    ]


def _wanted_properties(query: Any) -> set[tuple[str, str, str]]:
    pairs = [
        (scope, *text.partition("=")[::2])
        for scope in ("private", "shared")
        for text in query.get(f"{scope}ExtendedProperty", ())
    ]
    return set(pairs)


def _properties(event: Json) -> set[tuple[str, str, str]]:
    return {
        (scope, name, value)
        for scope, values in event.get("extendedProperties", {}).items()
        for name, value in values.items()
    }


def _text(event: Json) -> str:
    people = [
        part for a in event.get("attendees", ()) for part in (a["email"], a.get("displayName"))
    ]
    texts = (*(event.get(k) for k in ("summary", "description", "location")), *people)
    return "\n".join(text for text in texts if text).lower()


def _sorted(events: list[Json], query: Any) -> list[Json]:
    order = query.get("orderBy")
    if order == "startTime":
        if not query.get("singleEvents"):
            raise invalid("The requested ordering is not available for the particular query.")
        return sorted(events, key=lambda event: times.instant_of(event["start"]))
    if order == "updated":
        return sorted(events, key=lambda event: str(event["updated"]))
    return events


def _required_instant(body: Json, name: str) -> datetime:
    if not body.get(name):
        raise invalid(f"Missing {name} parameter.", reason="required")
    return times.parameter(name, body[name]).astimezone(UTC)


def _problem(reason: str) -> Json:
    return {"domain": "global", "reason": reason}
