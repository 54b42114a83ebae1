"""Pages for people: every phone, and one phone's chat. They work without JavaScript."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import jinja2
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from local.simulators.whatsapp.messages import Message, Messages

_LOCAL = ZoneInfo("Asia/Jakarta")
_LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")
_BOLD = re.compile(r"(?<!\w)\*(\S(?:[^*\n]*\S)?)\*(?!\w)")
_POLICY = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
    )
}


class Phones:
    """The pages ``/`` and ``/phone/{number}``."""

    def __init__(self, messages: Messages, sender: str) -> None:
        self._messages = messages
        self._sender = sender
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("local.simulators.whatsapp"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"day": _day, "moment": _moment, "shown": _shown}

    def routes(self) -> list[Route]:
        """Return the routes of the pages."""
        return [Route("/", self.index), Route("/phone/{number}", self.phone)]

    async def index(self, _: Request) -> Response:
        """List the phones, the one with the latest message first."""
        chats: dict[str, list[Message]] = {}
        for message in reversed(self._messages.all()):
            chats.setdefault(message.to, []).append(message)
        return self._page("index.html", chats=chats)

    async def phone(self, request: Request) -> Response:
        """Show what has come to a phone, the oldest first; what failed has not."""
        number = request.path_params["number"].removeprefix("+")
        days: dict[str, list[Message]] = {}
        for message in self._messages.all(to=number):
            days.setdefault(_day(message.at), []).append(message)
        return self._page("phone.html", number=number, days=days)

    def _page(self, template: str, **values: object) -> Response:
        content = self._templates.get_template(template).render(sender=self._sender, **values)
        return HTMLResponse(content, headers=_POLICY)


def _day(instant: datetime) -> str:
    return f"{instant.astimezone(_LOCAL):%a %-d %b %Y}"


def _moment(instant: datetime) -> str:
    return f"{instant.astimezone(_LOCAL):%H:%M}"


def _shown(text: str) -> Markup:
    """Return a message's text as a phone shows it: links to tap, ``*bold*`` in bold."""
    parts, end = [], 0
    for link in _LINK.finditer(text):
        parts += [_bold(text[end : link.start()]), _anchor(link[0])]
        end = link.end()
    return Markup("").join([*parts, _bold(text[end:])])


def _anchor(url: str) -> Markup:
    return Markup('<a href="{0}" rel="noreferrer">{0}</a>').format(url)


def _bold(text: str) -> Markup:
    # Escaping makes no asterisks and no line breaks.
    return Markup(_BOLD.sub(r"<strong>\1</strong>", str(escape(text))))  # noqa: S704 - escaped
