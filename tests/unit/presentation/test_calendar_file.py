"""The calendar file: what two other people's parsers read in it, and which mails carry one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import msgspec
import pytest
import vobject

from shared.domain.meetings import event_id
from shared.domain.notifications import CalendarFile, Kind, Recipient
from shared.domain.order import Order, Status
from shared.domain.people import Locale
from shared.domain.schedule import Session
from shared.presentation.calendar_file import calendar_file
from tests.unit.presentation.samples import (
    BRAND,
    CELLS,
    DETAILS,
    LINKS,
    MENTEE,
    MENTOR,
    RENDERER,
    ROOM_URL,
    START,
    Cell,
    mail_of,
    notification,
    order,
    reader_of,
    with_names,
)

NOW = datetime(2026, 11, 24, 9, 0, 5, tzinfo=UTC)
EVIL = 'Budi "Bud; i",\\n:\r\nATTENDEE:mailto:x@y.example \u2028 x'


def _file(about: Order, *, sequence: int = 0, locale: Locale = "id") -> CalendarFile:
    reader = msgspec.structs.replace(about.mentee, locale=locale)
    return calendar_file(
        about,
        "REQUEST",
        sequence=sequence,
        brand=BRAND,
        reader=reader,
        room_url=ROOM_URL,
        now=NOW,
    )


def _cancel(about: Order, *, event: str | None = None) -> CalendarFile:
    return calendar_file(
        about,
        "CANCEL",
        sequence=3,
        brand=BRAND,
        reader=about.mentor,
        room_url=None,
        now=NOW,
        event=event,
    )


def _read(file: CalendarFile) -> tuple[Any, Any]:
    calendar = icalendar.Calendar.from_ical(file.content)
    assert isinstance(calendar, icalendar.Calendar)
    assert calendar.errors == []
    (event,) = calendar.walk("VEVENT")
    assert isinstance(event, icalendar.Event)
    assert event.errors == []
    return calendar, event


def _read_by_another(file: CalendarFile) -> tuple[Any, Any]:
    calendar = vobject.readOne(file.content)
    calendar.validate(raiseException=True)
    return calendar, calendar.vevent


def _moved(about: Order) -> Order:
    later = Session(starts_at=START + timedelta(days=2), duration_minutes=90)
    return msgspec.structs.replace(about, session=later)


def test_both_readers_find_the_session_at_its_instant() -> None:
    file = _file(order())
    calendar, event = _read(file)
    other_calendar, other = _read_by_another(file)

    assert (calendar["METHOD"], other_calendar.method.value) == ("REQUEST", "REQUEST")
    assert event["DTSTART"].dt == other.dtstart.value == START
    assert event["DTEND"].dt == other.dtend.value == START + timedelta(hours=1)
    assert event["DTSTAMP"].dt == other.dtstamp.value == NOW
    assert event["LOCATION"] == other.location.value == ROOM_URL
    assert event["STATUS"] == other.status.value == "CONFIRMED"


def test_instants_are_written_in_utc() -> None:
    assert "DTSTART:20261201T120000Z" in _file(order()).content
    assert "DTEND:20261201T130000Z" in _file(order()).content


def test_the_uid_is_that_of_googles_event() -> None:
    _, event = _read(_file(order()))

    assert event["UID"] == f"{event_id(order())}@google.com"


def test_a_move_keeps_the_uid_and_raises_the_sequence() -> None:
    _, before = _read(_file(order(), sequence=0))
    _, after = _read(_file(_moved(order()), sequence=1))

    assert before["UID"] == after["UID"]
    assert (before["SEQUENCE"], after["SEQUENCE"]) == (0, 1)
    assert after["DTSTART"].dt == START + timedelta(days=2)
    assert after["DTEND"].dt == START + timedelta(days=2, minutes=90)


def test_a_cancellation_takes_out_the_same_event() -> None:
    file = _cancel(order())
    calendar, event = _read(file)
    _, other = _read_by_another(file)
    _, before = _read(_file(order()))

    assert (file.method, calendar["METHOD"]) == ("CANCEL", "CANCEL")
    assert event["STATUS"] == other.status.value == "CANCELLED"
    assert event["UID"] == before["UID"]
    assert event["SEQUENCE"] == 3
    assert event["ORGANIZER"] == before["ORGANIZER"]
    assert "LOCATION" not in event


def test_a_cancellation_can_name_an_event_that_the_order_has_left() -> None:
    _, event = _read(_cancel(order(), event="a1b2"))

    assert event["UID"] == "a1b2@google.com"


def test_names_the_organizer_and_both_sides() -> None:
    _, event = _read(_file(order()))

    assert event["ORGANIZER"] == "mailto:help@nusantara.example"
    assert event["ORGANIZER"].params["CN"] == "Nusantara Mentoring"
    assert [(str(a), a.params["CN"]) for a in event["ATTENDEE"]] == [
        ("mailto:sari@private.example", "Sari Dewi"),
        ("mailto:budi@private.example", "Budi Santoso"),
    ]
    assert event["SUMMARY"] == "Portfolio review: Sari Dewi & Budi Santoso"


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("id", "Nomor pesanan: NUS-2026-000123"), ("en", "Order number: NUS-2026-000123")],
)
def test_its_words_are_in_the_readers_language(locale: Locale, expected: str) -> None:
    _, event = _read(_file(order(), locale=locale))

    assert event["DESCRIPTION"] == f"{ROOM_URL}\n{expected}"


def test_lines_are_as_long_as_the_format_allows() -> None:
    lines = _file(with_names(order(), "Ayu Kencana Wungu " * 10)).content.split("\r\n")

    assert max(len(line.encode()) for line in lines) <= 75
    assert lines[-1] == ""


def test_no_name_adds_a_line_that_means_something() -> None:
    file = _file(with_names(order(), EVIL))
    _, event = _read(file)

    assert [str(a) for a in event["ATTENDEE"]] == [
        "mailto:sari@private.example",
        "mailto:budi@private.example",
    ]
    assert _read_by_another(file)[1].dtstart.value == START


# Which mails carry one


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_mail_carries_the_file_where_the_calendar_changes(cell: Cell) -> None:
    methods = {
        Kind.SESSION_SCHEDULED: "REQUEST",
        Kind.SESSION_MOVED: "REQUEST",
        Kind.ORDER_CANCELLED: "CANCEL",
        Kind.SESSION_DECLINED: "CANCEL",
    }
    carried = cell.mail.calendar

    assert (carried.method if carried else None) == methods.get(cell.kind)


@pytest.mark.parametrize("recipient", [MENTEE, MENTOR])
def test_the_files_sequence_is_the_one_that_is_given(recipient: Recipient) -> None:
    about = order()
    told = notification(Kind.SESSION_MOVED, recipient, about)
    reader = reader_of(about, recipient)
    mail = RENDERER.render(told, about, reader, NOW, LINKS, details=DETAILS, sequence=4)

    assert mail.calendar is not None
    _, event = _read(mail.calendar)
    assert event["SEQUENCE"] == 4
    assert event["DTSTAMP"].dt == NOW


@pytest.mark.parametrize("kind", [Kind.SESSION_MOVED, Kind.ORDER_CANCELLED, Kind.SESSION_DECLINED])
def test_what_was_never_in_the_calendar_has_no_file(kind: Kind) -> None:
    about = msgspec.structs.replace(order(status=Status.CANCELLED), meeting=None)

    assert mail_of(kind, MENTEE, about).calendar is None


@pytest.mark.parametrize("kind", [Kind.ORDER_CANCELLED, Kind.SESSION_DECLINED])
def test_an_event_that_the_order_has_left_is_taken_out(kind: Kind) -> None:
    about = msgspec.structs.replace(order(), meeting=None)
    carried = mail_of(kind, MENTEE, about, {**DETAILS, "event_id": "a1b2"}).calendar

    assert carried is not None
    calendar, event = _read(carried)
    assert (calendar["METHOD"], event["UID"]) == ("CANCEL", "a1b2@google.com")
