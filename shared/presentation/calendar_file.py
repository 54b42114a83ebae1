"""The session as an iCalendar object, for calendars that Google's invitation does not reach.

Formats: RFC 5545 (iCalendar) and RFC 5546 (iTIP: REQUEST and CANCEL).
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from shared.domain.meetings import event_id, meeting_request
from shared.domain.notifications import CalendarFile
from shared.domain.order import Order
from shared.domain.people import Locale, Person
from shared.presentation.brand import Brand

if TYPE_CHECKING:
    from icalendar import Event, vCalAddress

_REFERENCE: dict[Locale, str] = {"id": "Nomor pesanan", "en": "Order number"}


def calendar_file(
    order: Order,
    method: Literal["REQUEST", "CANCEL"],
    *,
    sequence: int,
    brand: Brand,
    reader: Person,
    room_url: str | None,
    now: datetime,
    event: str | None = None,
) -> CalendarFile:
    """Return the file that puts the order's session into the reader's calendar, or takes it out.

    Google Calendar sends its own invitation for the same event. The reader's calendar shows one
    event, not two, since both have one UID: Google's ``iCalUID`` of the event with the id X is
    ``X@google.com`` (Calendar API v3 reference, events). A move keeps the UID and has a higher
    ``sequence``. ``event`` is the calendar's id of the event, when it is not the order's present
    one: an event that was taken out leaves its order with the next id.
    """
    # It takes a tenth of a second to import, and most messages have no calendar file.
    from icalendar import Calendar  # noqa: PLC0415

    calendar = Calendar()
    calendar.add("prodid", f"-//{brand.name}//{reader.locale.upper()}")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    entry = _entry(order, sequence, brand, now, f"{event or event_id(order)}@google.com")
    entry.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    entry.add("description", _description(order, reader, room_url))
    if room_url is not None:
        entry.add("location", room_url)
    calendar.add_component(entry)
    return CalendarFile(method=method, content=calendar.to_ical().decode())


def _entry(order: Order, sequence: int, brand: Brand, now: datetime, uid: str) -> "Event":
    from icalendar import Event  # noqa: PLC0415 - see calendar_file

    entry = Event()
    entry.add("uid", uid)
    entry.add("sequence", sequence)
    entry.add("dtstamp", now.astimezone(UTC))
    entry.add("dtstart", order.session.starts_at)
    entry.add("dtend", order.session.ends_at)
    entry.add("summary", meeting_request(order).title)
    entry.add("organizer", _address(brand.name, brand.help_email))
    for person in (order.mentee, order.mentor):
        entry.add("attendee", _attendee(person))
    return entry


def _attendee(person: Person) -> "vCalAddress":
    attendee = _address(person.name, person.email)
    # What was booked and paid is not asked for again, so nobody's program asks for an answer.
    attendee.params["ROLE"] = "REQ-PARTICIPANT"
    attendee.params["PARTSTAT"] = "ACCEPTED"
    attendee.params["RSVP"] = "FALSE"
    return attendee


def _address(name: str, email: str) -> "vCalAddress":
    from icalendar import vCalAddress  # noqa: PLC0415 - see calendar_file

    address = vCalAddress(f"mailto:{email}")
    address.params["CN"] = name
    return address


def _description(order: Order, reader: Person, room_url: str | None) -> str:
    reference = f"{_REFERENCE[reader.locale]}: {order.id}"
    return reference if room_url is None else f"{room_url}\n{reference}"
