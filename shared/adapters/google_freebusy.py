"""Busy times from Google Calendar. Facts: Google Calendar API v3 reference, Freebusy: query."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from shared.adapters.google_api import GoogleService
from shared.domain.schedule import Period
from shared.settings import GoogleSettings

# "See the availability on Google calendars you have access to": no event can be read with it.
SCOPES = ("https://www.googleapis.com/auth/calendar.events.freebusy",)


class GoogleBusyCalendars:
    """BusyCalendars on what is shared with the Workspace user. Safe to share between threads."""

    def __init__(self, settings: GoogleSettings) -> None:
        self._service = GoogleService("calendar", "v3", SCOPES, settings)

    def busy(self, email: str, begin: datetime, end: datetime) -> Sequence[Period]:
        """See BusyCalendars.

        A calendar that is not shared, or that Google cannot look into now, comes as an error inside
        an answer that is otherwise fine.
        """
        query = self._service.resource("freebusy").query(
            body={
                "timeMin": begin.isoformat(),
                "timeMax": end.isoformat(),
                "items": [{"id": email}],
            }
        )
        calendars = self._service.execute(query).get("calendars", {})
        return [_period(raw) for raw in calendars.get(email, {}).get("busy", ())]


def _period(raw: dict[str, Any]) -> Period:
    return Period(starts_at=_instant(raw["start"]), ends_at=_instant(raw["end"]))


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
