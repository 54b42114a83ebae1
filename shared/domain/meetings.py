"""Making the meeting: which calendar event an order has, and how long its room may take."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from shared.domain.order import Change, Meeting, Order, Status
from shared.domain.placement import existing
from shared.domain.reminders import next_reminder_at
from shared.domain.schedule import Days, Session

MAX_ROOM_ATTEMPTS = 3
# A conference that is pending for longer is given up and asked for anew.
ROOM_PATIENCE = timedelta(minutes=5)
ROOM_FAILED = "room_failed"
MEETING_REFUSED = "meeting_refused"
# Found when a scheduled event is read back. What a person took away is not put back by itself.
EVENT_DELETED = "event_deleted"
ROOM_GONE = "room_gone"
# Paid, and its time came without a meeting.
SESSION_MISSED = "session_missed"


# In these an order has, or gets, an event.
_MEETS = frozenset({Status.PAID, Status.SCHEDULED})


class RoomStatus(StrEnum):
    """What has become of the request for a room."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


class MeetingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to put in the calendar. The ids come from the order, so asking twice is asking once."""

    event_id: str
    room_request_id: str
    title: str
    description: str
    session: Session
    time_zone: str
    attendees: tuple[str, ...]
    # Rises each time that the order is moved: an older request never undoes a newer one.
    revision: int = 0


class CalendarEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The event as the calendar tells it."""

    event_id: str
    cancelled: bool
    room: RoomStatus
    meet_url: str | None = None
    starts_at: datetime | None = None
    revision: int = 0


def meeting_request(order: Order) -> MeetingRequest:
    """Return the calendar event that belongs to the order."""
    return MeetingRequest(
        event_id=event_id(order),
        room_request_id=f"{event_id(order)}-{order.room_attempt}",
        title=f"{order.subject}: {order.mentee.name} & {order.mentor.name}",
        description=f"Order {order.id}",
        session=order.session,
        time_zone=order.mentor.time_zone,
        attendees=(order.mentee.email, order.mentor.email),
        revision=order.moves,
    )


def event_id(order: Order) -> str:
    """Return the calendar's id for the order's event.

    Hex digits are within base32hex, the alphabet that Google Calendar allows in ids. The
    generation rises when an event was deleted, since a deleted event's id stays taken.
    """
    return hashlib.sha256(f"{order.id}/{order.event_generation}".encode()).hexdigest()[:40]


def record_meeting(
    current: Order | None,
    _days: Days,
    *,
    event: CalendarEvent,
    leads: Sequence[int],
    now: datetime,
) -> Change:
    """Record the event and its room, and plan the reminders.

    An event of another time than the order's present one is left: the step comes back for it.
    """
    order = existing(current)
    is_current = event.event_id == event_id(order) and event.revision == order.moves
    if order.status not in _MEETS or not is_current or event.meet_url is None:
        return Change(order=order)
    before = order.meeting.scheduled_moves if order.meeting else order.moves
    meeting = Meeting(
        event_id=event.event_id,
        meet_url=event.meet_url,
        moves=event.revision,
        scheduled_moves=before,
    )
    order = order.without_attention(ROOM_FAILED, MEETING_REFUSED)
    if order.status is Status.SCHEDULED:
        return Change(order=msgspec.structs.replace(order, meeting=meeting))
    planned = msgspec.structs.replace(
        order.moved_to(Status.SCHEDULED, now),
        meeting=meeting,
        room_wanted_since=None,
        reminder_leads=tuple(leads),
        next_reminder_at=next_reminder_at(order.session, leads, now),
    )
    return Change(order=planned)


def note_missing_room(
    current: Order | None, _days: Days, *, event: CalendarEvent, now: datetime
) -> Change:
    """Decide what follows from an event without a room: wait on, ask anew, or ask the admin."""
    order = existing(current)
    if order.status is Status.SCHEDULED:
        return read_back(order, _days, event=event, now=now)
    if order.status is not Status.PAID or event.event_id != event_id(order):
        return Change(order=order)
    if event.cancelled:
        return Change(order=_next_generation(order))
    since = order.room_wanted_since or now
    waited = msgspec.structs.replace(order, room_wanted_since=since)
    if event.room is RoomStatus.PENDING and now - since < ROOM_PATIENCE:
        return Change(order=waited)
    if order.room_attempt + 1 < MAX_ROOM_ATTEMPTS:
        anew = msgspec.structs.replace(
            order, room_attempt=order.room_attempt + 1, room_wanted_since=None
        )
        return Change(order=anew)
    return Change(order=waited.with_attention(ROOM_FAILED, now))


def refuse_meeting(current: Order | None, _days: Days, *, now: datetime) -> Change:
    """Put an order before the admin whose event the calendar refuses for good."""
    order = existing(current)
    if order.status not in _MEETS:
        return Change(order=order)
    return Change(order=order.with_attention(MEETING_REFUSED, now))


def wants_event(order: Order, event: str) -> bool:
    """Whether this is the event that the order has, or is to have."""
    return order.status in _MEETS and event == event_id(order)


def note_obsolete(current: Order | None, _days: Days, *, event: str) -> Change:
    """Note an event that was made, or found, for an order that does not want it any more."""
    order = existing(current)
    if wants_event(order, event) or event in order.obsolete_events:
        return Change(order=order)
    obsolete = (*order.obsolete_events, event)
    return Change(order=msgspec.structs.replace(order, obsolete_events=obsolete))


def note_cleared(current: Order | None, _days: Days, *, events: Sequence[str]) -> Change:
    """Note that these obsolete events are out of the calendars."""
    order = existing(current)
    left = tuple(event for event in order.obsolete_events if event not in events)
    return Change(order=msgspec.structs.replace(order, obsolete_events=left))


def without_meeting(order: Order) -> Order:
    """Return an order whose event, if there is one, has to go; a later one gets another id."""
    obsolete = tuple(dict.fromkeys((*order.obsolete_events, event_id(order))))
    return _next_generation(msgspec.structs.replace(order, meeting=None, obsolete_events=obsolete))


def calendar_is_behind(order: Order, now: datetime) -> bool:
    """Whether the order was moved, and its calendar event has to follow."""
    if order.status is not Status.SCHEDULED or order.meeting is None:
        return False
    asked = order.has_attention(MEETING_REFUSED, EVENT_DELETED)
    over = now >= order.session.ends_at
    return order.meeting.moves != order.moves and not asked and not over


def read_back(
    current: Order | None, _days: Days, *, event: CalendarEvent | None, now: datetime
) -> Change:
    """Note what the calendar says of a scheduled order's event; complete it after its session.

    An event or a room that is gone by then went since the look before: nobody may have met.
    """
    order = existing(current)
    if order.status is not Status.SCHEDULED:
        return Change(order=order)
    if now >= order.session.ends_at:
        order = order.moved_to(Status.COMPLETED, now)
    if event is None or event.cancelled:
        return Change(order=order.with_attention(EVENT_DELETED, now))
    if event.meet_url is None:
        return Change(order=order.with_attention(ROOM_GONE, now))
    order = order.without_attention(EVENT_DELETED, ROOM_GONE)
    if order.meeting is not None and event.revision != order.meeting.moves:
        # The calendar does not show what was recorded: as if this move had not been made there.
        shown = msgspec.structs.replace(order.meeting, moves=event.revision)
        order = msgspec.structs.replace(order, meeting=shown)
    return Change(order=order)


def note_missed(current: Order | None, _days: Days, *, now: datetime) -> Change:
    """Put a paid order before the admin whose time has come without a meeting."""
    order = existing(current)
    if order.status is not Status.PAID or now < order.session.starts_at:
        return Change(order=order)
    return Change(order=order.with_attention(SESSION_MISSED, now))


def awaits_room(order: Order) -> bool:
    """Whether the step has to come back for this order, since nobody has been asked yet."""
    asked = order.has_attention(ROOM_FAILED, MEETING_REFUSED, SESSION_MISSED)
    return order.status is Status.PAID and not asked


def _next_generation(order: Order) -> Order:
    return msgspec.structs.replace(
        order, event_generation=order.event_generation + 1, room_attempt=0, room_wanted_since=None
    )
