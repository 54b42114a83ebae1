"""The order form: its fields, its defaults, and the event that a filled one stands for."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal, get_args
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from local.shop.mentors import MENTOR_BY_ID, MENTORS
from shared.domain.events import OrderCreated
from shared.domain.money import Amount
from shared.domain.people import Email, Line, Locale, Person

Duration = Literal[30, 60, 90]
DURATIONS = get_args(Duration)
MARKET_ZONE = ZoneInfo("Asia/Jakarta")
MENTEE_ZONES = (
    "Asia/Jakarta",
    "Asia/Makassar",
    "Asia/Jayapura",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Europe/Amsterdam",
    "America/New_York",
)
_DAYS_AHEAD = 3
_YEARS = range(2000, 2101)
_RUPIAH = re.compile(r"(?:Rp\s?)?(\d+|\d{1,3}(?:\.\d{3})+)")

_ClockTime = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](?![\s\S])")]


class FormError(ValueError):
    """The form cannot become an order; ``complaints`` says why, by the field's name."""

    def __init__(self, complaints: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {said}" for name, said in complaints.items()))
        self.complaints = complaints


class Field(msgspec.Struct, frozen=True):
    """A field: ``read`` returns its value or raises ValueError, ``complaint`` is said then."""

    read: Callable[[str], Any]
    complaint: str


def _one(kind: Any) -> Callable[[str], Any]:
    return lambda text: msgspec.convert(text, kind, strict=False)


def _mentor(text: str) -> Person:
    if text not in MENTOR_BY_ID:
        raise ValueError("no such mentor")
    return MENTOR_BY_ID[text]


def _day(text: str) -> date:
    day: date = msgspec.convert(text, date)
    if day.year not in _YEARS:
        raise ValueError("too far from any calendar")
    return day


def _clock_time(text: str) -> time:
    return time.fromisoformat(msgspec.convert(text, _ClockTime))


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError("no such zone") from error


def _rupiah(text: str) -> int:
    written = _RUPIAH.fullmatch(text)
    if written is None:
        raise ValueError("not an amount")
    amount: int = msgspec.convert(int(written[1].replace(".", "")), Amount)
    return amount


FIELDS: Mapping[str, Field] = {
    "topic": Field(_one(Line), "Say in one line, of at most 200 characters, what it is about."),
    "mentor": Field(_mentor, "Choose one of the mentors."),
    "date": Field(_day, "Give a date between 2000 and 2100, like 2026-12-01."),
    "time": Field(_clock_time, "Give a time of day, like 19:00."),
    "time_zone": Field(_zone, "Choose a time zone."),
    "duration": Field(_one(Duration), "Choose 30, 60 or 90 minutes."),
    "name": Field(_one(Line), "Give a name in one line, of at most 200 characters."),
    "email": Field(_one(Email), "Give one e-mail address, like sari@example.com."),
    "language": Field(_one(Locale), "Choose Indonesian or English."),
    "price": Field(_rupiah, "Give whole rupiah from 1 to 50.000.000.000, like 250000 or 250.000."),
}
_NO_SUCH_TIME = "Clocks are put forward in this zone then, so this time does not exist."


def defaults(now: datetime) -> dict[str, str]:
    """Return a form that can be sent as it is: three days ahead, at 19:00 in Jakarta."""
    day = now.astimezone(MARKET_ZONE).date() + timedelta(days=_DAYS_AHEAD)
    return {
        "topic": "Data analysis portfolio review",
        "mentor": MENTORS[2].id,
        "date": day.isoformat(),
        "time": "19:00",
        "time_zone": MARKET_ZONE.key,
        "duration": "60",
        "name": "Sari Wulandari",
        "email": "sari@example.com",
        "language": "id",
        "price": "250000",
    }


def filled(body: bytes) -> dict[str, str]:
    """Return the known fields of a urlencoded body, trimmed; those that are missing are empty."""
    sent = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    return {name: sent.get(name, "").strip() for name in FIELDS}


def order_json(form: Mapping[str, str], *, order_id: str, now: datetime) -> bytes:
    """Return the ``order.created`` event as the web app writes it: plain JSON, local offsets.

    Raises FormError with a complaint for each field that cannot be part of one.
    """
    values = _values(form)
    zone: ZoneInfo = values["time_zone"]
    starts_at = datetime.combine(values["date"], values["time"], tzinfo=zone)
    if starts_at.astimezone(UTC).astimezone(zone) != starts_at:
        raise FormError({"time": _NO_SUCH_TIME})
    said = {
        "order_id": order_id,
        "created_at": now.astimezone(zone).isoformat(timespec="seconds"),
        "topic": values["topic"],
        "mentee": _mentee(values),
        "mentor": values["mentor"],
        "session": {
            "starts_at": starts_at.isoformat(),
            "duration_minutes": values["duration"],
        },
        "price": {"amount": values["price"], "currency": "IDR"},
    }
    data = msgspec.json.encode(said)
    msgspec.json.decode(data, type=OrderCreated)
    return data


def _mentee(values: Mapping[str, Any]) -> dict[str, str]:
    email = values["email"]
    return {
        "id": f"u-{hashlib.sha256(email.encode()).hexdigest()[:8]}",
        "name": values["name"],
        "email": email,
        "locale": values["language"],
        "time_zone": values["time_zone"].key,
    }


def _values(form: Mapping[str, str]) -> dict[str, Any]:
    values, complaints = {}, {}
    for name, field in FIELDS.items():
        try:
            values[name] = field.read(form[name])
        except ValueError:
            complaints[name] = field.complaint
    if complaints:
        raise FormError(complaints)
    return values
