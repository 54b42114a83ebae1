"""Pages for people: everyone's inbox, one mail, the calendar. They work without JavaScript."""

from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import jinja2
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from local.simulators.google import times
from local.simulators.google.events import Calendars
from local.simulators.google.mails import Mails, everyone
from local.simulators.google.wire import GoogleError, Json

_PAGE_SIZE = 50
_RECIPIENTS = 12
_LOCAL = ZoneInfo(times.CALENDAR_ZONE)
# Mails are strangers' HTML: nothing in them may run, and nothing here needs to.
_POLICY = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; form-action 'self';"
        " frame-src 'self'; base-uri *"
    )
}


class Mailbox:
    """The pages ``/mailbox``, ``/mailbox/{id}`` and ``/calendar``."""

    def __init__(self, mails: Mails, calendars: Calendars) -> None:
        self._mails = mails
        self._calendars = calendars
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("local.simulators.google"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "day": _day,
            "short_day": _short_day,
            "moment": _moment,
            "hue": _hue,
        }

    def routes(self) -> list[Route]:
        """Return the routes of the pages; ``/`` leads to the mailbox."""
        return [
            Route("/", self.home),
            Route("/mailbox", self.inbox),
            Route("/mailbox/{id}", self.one),
            Route("/calendar", self.calendar),
        ]

    async def home(self, _: Request) -> Response:
        """Lead to the mailbox."""
        return RedirectResponse("/mailbox")

    async def inbox(self, request: Request) -> Response:
        """List mails, newest first; ``?to=`` keeps one recipient's, ``?page=`` counts from 1."""
        recipient = request.query_params.get("to") or None
        number = _page_number(request)
        newest = self._mails.sent(recipient)[::-1]
        start = (number - 1) * _PAGE_SIZE
        counts = Counter(address for mail in self._mails.sent() for address in everyone(mail))
        return self._page(
            "mailbox.html",
            recipient=recipient,
            mails=newest[start : start + _PAGE_SIZE],
            total=len(newest),
            recipients=counts.most_common(_RECIPIENTS),
            newer=_turned(request, number - 1) if number > 1 else None,
            older=_turned(request, number + 1) if start + _PAGE_SIZE < len(newest) else None,
        )

    async def one(self, request: Request) -> Response:
        """Show a mail."""
        try:
            mail = self._mails.mail(request.path_params["id"])
        except GoogleError:
            return self._page("missing.html", status_code=404)
        back = "/mailbox" if not mail["to"] else f"/mailbox?{_query(mail['to'][0])}"
        return self._page("mail.html", mail=mail, back=back)

    async def calendar(self, _: Request) -> Response:
        """List the events of all calendars by start."""
        records = self._calendars.all_records()
        records.sort(key=lambda record: times.instant_of(record["event"]["start"]))
        return self._page("calendar.html", days=_by_day(records), total=len(records))

    def _page(self, template: str, *, status_code: int = 200, **values: object) -> Response:
        content = self._templates.get_template(template).render(values)
        return HTMLResponse(content, status_code=status_code, headers=_POLICY)


def _page_number(request: Request) -> int:
    given = request.query_params.get("page", "1")
    return max(int(given), 1) if given.isdecimal() else 1


def _turned(request: Request, number: int) -> str:
    url = request.url.include_query_params(page=number)
    return f"{url.path}?{url.query}"


def _query(recipient: str) -> str:
    return URL("").include_query_params(to=recipient).query


def _by_day(records: list[Json]) -> dict[str, list[Json]]:
    days: dict[str, list[Json]] = {}
    for record in records:
        days.setdefault(_day(times.instant_of(record["event"]["start"])), []).append(record)
    return days


def _local(value: str | datetime) -> datetime:
    instant = datetime.fromisoformat(value) if isinstance(value, str) else value
    return instant.astimezone(_LOCAL)


def _day(value: str | datetime) -> str:
    return f"{_local(value):%a %-d %b %Y}"


def _short_day(value: str | datetime) -> str:
    return f"{_local(value):%-d %b}"


def _moment(value: str | datetime) -> str:
    return f"{_local(value):%H:%M}"


def _hue(address: str) -> int:
    """Return a colour angle that is always the same for one address."""
    return sum(address.lower().encode()) * 47 % 360
