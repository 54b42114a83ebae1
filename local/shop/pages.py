"""The shop's templates and how they say times, money and codes."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import jinja2
from starlette.responses import HTMLResponse

from local.shop import story
from shared.domain.money import Money
from shared.ports import Clock

_MINUTES_OF_AN_HOUR = 60
_ZONE = "Asia/Jakarta"
# Texts from outside are shown here, and links from outside are followed: no script of theirs runs.
_POLICY = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self';"
        " img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}
SCRIPT = Path(__file__).parent / "templates" / "live.js"


class Pages:
    """Renders the templates with what every page shows: the links and the world's time."""

    def __init__(self, clock: Clock, links: Mapping[str, str]) -> None:
        self._clock = clock
        self._environment = jinja2.Environment(
            loader=jinja2.PackageLoader("local.shop"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "moment": moment,
            "rupiah": rupiah,
            "words": words,
            "lead": lead,
            "place": place,
            "query": quote,
        }
        self._environment.globals |= {"links": links, "steps": story.steps, "title": story.title}
        self._environment.globals |= {"reminders": story.reminders}

    def text(self, template: str, **said: Any) -> str:
        """Return a rendered template."""
        return self._environment.get_template(template).render(said)

    def page(self, template: str, status_code: int = 200, **said: Any) -> HTMLResponse:
        """Return a whole page."""
        text = self.text(template, world_time=self.world_time(), **said)
        return HTMLResponse(text, status_code, headers=_POLICY)

    def world_time(self) -> str:
        """Return the world's time in Jakarta, to the minute."""
        return moment(self._clock.now(), _ZONE)


def moment(instant: datetime, zone: str = _ZONE) -> str:
    """Return an instant as in ``Tue 1 Dec 2026, 19:00 WIB``."""
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M} {_abbreviation(local)}"


def rupiah(price: Money) -> str:
    """Return a price as in ``Rp250.000``."""
    return "Rp" + f"{price.amount:,}".replace(",", ".")


def words(code: str) -> str:
    """Return a code such as ``slot_taken`` as words."""
    return code.replace("_", " ")


def lead(minutes: int) -> str:
    """Return how long before the session, as in ``24 h``."""
    hours, rest = divmod(minutes, _MINUTES_OF_AN_HOUR)
    return " ".join(f"{n} {unit}" for n, unit in ((hours, "h"), (rest, "min")) if n)


def place(zone: str) -> str:
    """Return the city of an IANA zone."""
    return zone.rpartition("/")[2].replace("_", " ")


def _abbreviation(local: datetime) -> str:
    # Zones without letters of their own are named by their offset, as in ``+08``.
    name = local.tzname() or ""
    return f"UTC{name}" if name.startswith(("+", "-")) else name
