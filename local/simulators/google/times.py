"""Instants and time zones as the Calendar API reads and writes them."""

from datetime import UTC, date, datetime, time, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from local.simulators.google.wire import GoogleError, Json, empty_range, invalid

CALENDAR_ZONE = "Asia/Jakarta"


class Clock(Protocol):
    """The world's time."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        ...


def zone(name: str, side: str = "the") -> ZoneInfo:
    """Return the zone of an IANA name; GoogleError 400 for an unknown one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise invalid(f"Invalid time zone definition for {side} time.") from error


def stamp(instant: datetime) -> str:
    """Render an instant as Google does for created and updated: UTC with milliseconds."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def render(instant: datetime, target: tzinfo) -> str:
    """Render an instant with the offset of a zone; whole seconds, ``Z`` for UTC."""
    return instant.astimezone(target).isoformat(timespec="seconds").replace("+00:00", "Z")


def parameter(name: str, text: str) -> datetime:
    """Read an RFC 3339 instant from a parameter: without an offset it is refused."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise GoogleError(400, "badRequest", "Bad Request", location=("parameter", name))
    return instant.astimezone(UTC)


def normalized(event: Json) -> Json:
    """Return ``start`` and ``end`` as Google stores them; GoogleError 400 where it would refuse.

    Whatever offset was sent, ``dateTime`` comes back in the calendar's zone and without
    fractions of a second, so clients have to compare instants, not texts.
    """
    for side in ("end", "start"):
        value = event.get(side) or {}
        if not value.get("date") and not value.get("dateTime"):
            raise invalid(f"Missing {side} time.", reason="required")
    start, end = event["start"], event["end"]
    if bool(start.get("date")) != bool(end.get("date")):
        raise invalid("Start and end times must either both be date or both be dateTime.")
    times = {"start": _normalized(start, "start"), "end": _normalized(end, "end")}
    if instant_of(times["end"]) < instant_of(times["start"]):
        raise empty_range()
    return times


def _normalized(value: Json, side: str) -> Json:
    if value.get("date") and value.get("dateTime"):
        raise invalid(f"Invalid {side} time.")
    if value.get("date"):
        return {"date": value["date"]}
    name = value.get("timeZone")
    instant = datetime.fromisoformat(value["dateTime"])
    if instant.tzinfo is None and name is None:
        raise invalid(f"Missing time zone definition for {side} time.", reason="required")
    if name is not None:
        known = zone(name, side)
        instant = instant.replace(tzinfo=known) if instant.tzinfo is None else instant
    return {
        "dateTime": render(instant, ZoneInfo(CALENDAR_ZONE)),
        "timeZone": name or CALENDAR_ZONE,
    }


def instant_of(value: Json) -> datetime:
    """Return the instant of a stored start or end; all-day ones begin at the calendar's midnight."""
    if "date" in value:
        midnight = datetime.combine(date.fromisoformat(value["date"]), time.min)
        return midnight.replace(tzinfo=ZoneInfo(CALENDAR_ZONE)).astimezone(UTC)
    return datetime.fromisoformat(value["dateTime"]).astimezone(UTC)
