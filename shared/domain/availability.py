"""When a mentor takes sessions: weekly hours, days off, buffer and notice."""

from datetime import date, time
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.domain.people import Identifier, check_time_zone

# Monday is 0, as in Python's datetime.
Weekday = Annotated[int, Meta(ge=0, le=6)]


class WeeklyHours(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of one weekday, in the mentor's local time. ``until`` 00:00 is the day's end."""

    weekday: Weekday
    from_: time = msgspec.field(name="from")
    until: time


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """What an admin has recorded of one mentor. No hours at all means: at any hour.

    ``buffer_minutes`` is kept free before and after each session, ``notice_minutes`` lies between
    the booking and the session.
    """

    mentor_id: Identifier
    time_zone: str = "Asia/Jakarta"
    hours: tuple[WeeklyHours, ...] = ()
    days_off: tuple[date, ...] = ()
    buffer_minutes: Annotated[int, Meta(ge=0, le=720)] = 0
    notice_minutes: Annotated[int, Meta(ge=0, le=60 * 24 * 30)] = 0

    def __post_init__(self) -> None:
        check_time_zone(self.time_zone)
