"""What the people of a world are like: when mentors work, what else they have to do, whose phone."""

import random
from collections.abc import Iterator
from datetime import datetime, time, timedelta

from shared.domain.availability import Availability, WeeklyHours
from shared.domain.schedule import Period
from tests.simulation.people import MENTORS

_HAS_HOURS = 0.35
_SHARES_CALENDAR = 0.4
_HAS_NO_WHATSAPP = 0.15
_BUFFERS = (0, 10, 30, 60)
_MOST_MENTEES = 6


def hours_of(chance: random.Random) -> Iterator[Availability]:
    """Yield the hours of the mentors that have some: by day, every day, with a buffer."""
    for mentor in MENTORS:
        if chance.random() < _HAS_HOURS:
            begin, until = chance.choice(((0, 0), (0, 0), (7, 0)))
            yield Availability(
                mentor_id=mentor.id,
                time_zone=mentor.time_zone,
                hours=tuple(
                    WeeklyHours(weekday=day, from_=time(begin), until=time(until))
                    for day in range(7)
                ),
                buffer_minutes=chance.choice(_BUFFERS),
                notice_minutes=chance.choice((0, 0, 30)),
            )


def calendars_of(chance: random.Random, now: datetime) -> Iterator[tuple[str, list[Period]]]:
    """Yield the appointments of the mentors that share their calendar, by address."""
    for mentor in MENTORS:
        if chance.random() < _SHARES_CALENDAR:
            begins = (now + timedelta(hours=chance.uniform(0, 72)) for _ in range(3))
            yield (
                mentor.email,
                [Period(starts_at=at, ends_at=at + timedelta(hours=1)) for at in begins],
            )


def unreachable_phones(chance: random.Random) -> Iterator[str]:
    """Yield the numbers that have no WhatsApp."""
    numbers = [f"+62812000000{n}" for n in range(1, _MOST_MENTEES + 1)]
    numbers += [mentor.phone for mentor in MENTORS if mentor.phone]
    yield from (number for number in numbers if chance.random() < _HAS_NO_WHATSAPP)
