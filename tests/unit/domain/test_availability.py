"""When a mentor takes a session: each rule at its edges, through changes of the clocks too."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from shared.domain.availability import (
    DAY_OFF,
    OUTSIDE_HOURS,
    TOO_LITTLE_NOTICE,
    Availability,
    WeeklyHours,
    day_keys_between,
    day_keys_for,
    free_slots,
    guarded,
    refusal,
)
from shared.domain.schedule import Booking, DayKey, Days, MentorDay, Period, Session

MONDAY, TUESDAY, SATURDAY, SUNDAY = 0, 1, 5, 6
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
JAKARTA = "Asia/Jakarta"
NEW_YORK = "America/New_York"


def hours(weekday: int, since: str, until: str) -> WeeklyHours:
    return WeeklyHours(
        weekday=weekday, from_=time.fromisoformat(since), until=time.fromisoformat(until)
    )


def mentor(
    *stretches: WeeklyHours, zone: str = JAKARTA, days_off: tuple[date, ...] = (), **minutes: int
) -> Availability:
    return Availability(
        mentor_id="m-4", time_zone=zone, hours=stretches, days_off=days_off, **minutes
    )


def at(wall: str, minutes: int = 60, zone: str = JAKARTA, fold: int = 0) -> Session:
    """Return a session that begins when the clock in the zone shows this."""
    local = datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return Session(starts_at=local, duration_minutes=minutes)


def refused(availability: Availability | None, session: Session) -> str | None:
    return refusal(availability, session, LONG_AGO)


EVENINGS = mentor(hours(MONDAY, "18:00", "21:00"))


@pytest.mark.parametrize(
    ("wall", "minutes", "reason"),
    [
        ("2026-11-30T18:00", 60, None),
        ("2026-11-30T20:00", 60, None),
        ("2026-11-30T18:00", 180, None),
        ("2026-11-30T17:59", 60, OUTSIDE_HOURS),
        ("2026-11-30T20:01", 60, OUTSIDE_HOURS),
        ("2026-11-30T21:00", 60, OUTSIDE_HOURS),
        ("2026-12-01T18:00", 60, OUTSIDE_HOURS),
    ],
)
def test_a_session_has_to_lie_within_the_hours(wall: str, minutes: int, reason: str | None) -> None:
    assert refused(EVENINGS, at(wall, minutes)) == reason


def test_without_a_record_or_without_hours_any_time_is_taken() -> None:
    night = at("2026-11-30T03:00")
    assert refused(None, night) is None
    assert refused(mentor(), night) is None


def test_hours_are_those_of_the_mentors_clock() -> None:
    assert refused(mentor(*EVENINGS.hours, zone="Asia/Jayapura"), at("2026-11-30T18:00")) is None
    assert (
        refused(mentor(*EVENINGS.hours, zone="Asia/Jayapura"), at("2026-11-30T20:00"))
        == OUTSIDE_HOURS
    )


def test_midnight_at_the_end_is_the_days_end() -> None:
    late = mentor(hours(MONDAY, "22:00", "00:00"))
    assert refused(late, at("2026-11-30T23:00")) is None
    assert refused(late, at("2026-11-30T23:01")) == OUTSIDE_HOURS
    assert refused(late, at("2026-11-30T00:00")) == OUTSIDE_HOURS


def test_a_session_may_go_on_past_midnight_into_the_next_days_hours() -> None:
    late = mentor(hours(SUNDAY, "22:00", "00:00"), hours(MONDAY, "00:00", "01:00"))
    assert refused(late, at("2026-11-29T22:00", 180)) is None
    assert refused(late, at("2026-11-29T23:30")) is None
    assert refused(late, at("2026-11-29T23:30", 91)) == OUTSIDE_HOURS
    assert refused(late, at("2026-11-28T23:30")) == OUTSIDE_HOURS


def test_stretches_that_touch_or_overlap_are_one_and_a_gap_between_them_counts() -> None:
    touching = mentor(hours(MONDAY, "12:00", "14:00"), hours(MONDAY, "09:00", "12:00"))
    overlapping = mentor(hours(MONDAY, "09:00", "13:00"), hours(MONDAY, "10:00", "14:00"))
    apart = mentor(hours(MONDAY, "09:00", "12:00"), hours(MONDAY, "12:01", "14:00"))
    session = at("2026-11-30T11:30")
    assert [refused(each, session) for each in (touching, overlapping, apart)] == [
        None,
        None,
        OUTSIDE_HOURS,
    ]


@pytest.mark.parametrize(
    ("wall", "reason"),
    [
        ("2026-12-24T23:00", None),
        ("2026-12-24T23:01", DAY_OFF),
        ("2026-12-25T06:30", DAY_OFF),
        ("2026-12-25T23:59", DAY_OFF),
        ("2026-12-26T00:00", None),
    ],
)
def test_a_day_off_is_that_of_the_mentors_calendar(wall: str, reason: str | None) -> None:
    assert refused(mentor(days_off=(date(2026, 12, 25),)), at(wall)) == reason


@pytest.mark.parametrize("day", [date.min, date.max])
def test_a_day_off_at_the_end_of_the_calendar_is_no_matter(day: date) -> None:
    assert refused(mentor(days_off=(day,)), at("2026-12-24T23:00")) is None


def test_the_notice_lies_between_the_booking_and_the_start() -> None:
    session = at("2026-11-30T18:00")
    patient = mentor(notice_minutes=90)
    latest = session.starts_at - timedelta(minutes=90)
    assert refusal(patient, session, latest) is None
    assert refusal(patient, session, latest + timedelta(microseconds=1)) == TOO_LITTLE_NOTICE
    assert refusal(mentor(), session, session.starts_at) is None


# In New York the clocks go from 02:00 to 03:00 on 8 March 2026, a Sunday, and from 02:00 back to
# 01:00 on 1 November 2026, a Sunday too.
def test_an_hour_that_the_clock_leaves_out_does_not_part_the_hours() -> None:
    night = mentor(hours(SUNDAY, "00:00", "05:00"), zone=NEW_YORK)
    assert refused(night, at("2026-03-08T00:00", 240, NEW_YORK)) is None
    assert refused(night, at("2026-03-08T00:00", 241, NEW_YORK)) == OUTSIDE_HOURS


def test_an_hour_that_the_clock_shows_twice_belongs_to_what_began_before_it() -> None:
    night = mentor(hours(SUNDAY, "00:00", "05:00"), zone=NEW_YORK)
    assert refused(night, at("2026-11-01T00:00", 360, NEW_YORK)) is None
    assert refused(night, at("2026-11-01T00:00", 361, NEW_YORK)) == OUTSIDE_HOURS
    assert refused(night, at("2026-11-01T01:30", 30, NEW_YORK, fold=1)) is None


def test_of_a_time_that_the_clock_shows_twice_the_first_counts() -> None:
    until = mentor(hours(SUNDAY, "00:00", "01:30"), zone=NEW_YORK)
    since = mentor(hours(SUNDAY, "01:30", "03:00"), zone=NEW_YORK)
    first = at("2026-11-01T01:30", 30, NEW_YORK)
    second = at("2026-11-01T01:00", 30, NEW_YORK, fold=1)
    assert [refused(until, each) for each in (first, second)] == [OUTSIDE_HOURS] * 2
    assert [refused(since, each) for each in (first, second)] == [None, None]


def test_hours_within_what_the_clock_leaves_out_come_after_it() -> None:
    gap = mentor(hours(SUNDAY, "02:15", "02:45"), zone=NEW_YORK)
    assert refused(gap, at("2026-03-08T03:15", 30, NEW_YORK)) is None
    assert refused(gap, at("2026-03-08T03:14", 30, NEW_YORK)) == OUTSIDE_HOURS


def test_the_day_after_a_day_without_midnight_begins_with_its_first_hour() -> None:
    # In Cairo the clocks go from 00:00 to 01:00 on 24 April 2026, a Friday.
    cairo = mentor(hours(3, "20:00", "00:00"), hours(4, "00:00", "02:00"), zone="Africa/Cairo")
    assert refused(cairo, at("2026-04-23T23:00", 120, "Africa/Cairo")) is None
    assert refused(cairo, at("2026-04-23T23:00", 121, "Africa/Cairo")) == OUTSIDE_HOURS
    off = mentor(zone="Africa/Cairo", days_off=(date(2026, 4, 24),))
    assert refused(off, at("2026-04-23T23:00", 60, "Africa/Cairo")) is None
    assert refused(off, at("2026-04-23T23:00", 61, "Africa/Cairo")) == DAY_OFF


def test_a_session_is_guarded_by_the_buffer_on_both_sides() -> None:
    session = Session(starts_at=datetime(2026, 12, 1, 23, tzinfo=UTC), duration_minutes=60)
    assert guarded(session, None) == Period(starts_at=session.starts_at, ends_at=session.ends_at)
    assert guarded(session, mentor(buffer_minutes=15)) == Period(
        starts_at=datetime(2026, 12, 1, 22, 45, tzinfo=UTC),
        ends_at=datetime(2026, 12, 2, 0, 15, tzinfo=UTC),
    )


def test_the_days_of_a_session_are_those_of_its_buffer_too() -> None:
    session = Session(starts_at=datetime(2026, 12, 1, 23, tzinfo=UTC), duration_minutes=60)
    first, second = (DayKey("m-4", date(2026, 12, day)) for day in (1, 2))
    assert day_keys_for("m-4", session, None) == (first,)
    assert day_keys_for("m-4", session, mentor()) == (first,)
    assert day_keys_for("m-4", session, mentor(buffer_minutes=1)) == (first, second)


def test_hours_are_written_as_json_like_this() -> None:
    text = b"""{"mentor_id": "m-4", "time_zone": "Asia/Makassar",
     "hours": [{"weekday": 0, "from": "18:00:00", "until": "00:00:00"},
               {"weekday": 1, "from": "00:00:00", "until": "01:30:00"}],
     "days_off": ["2026-12-25"], "buffer_minutes": 15, "notice_minutes": 720}"""
    assert msgspec.json.decode(text, type=Availability) == mentor(
        hours(MONDAY, "18:00", "00:00"),
        hours(TUESDAY, "00:00", "01:30"),
        zone="Asia/Makassar",
        days_off=(date(2026, 12, 25),),
        buffer_minutes=15,
        notice_minutes=720,
    )


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ({"time_zone": "Asia/Bandung"}, "unknown time zone"),
        ({"hours": [{"weekday": 7, "from": "18:00:00", "until": "19:00:00"}]}, "<= 6"),
        ({"hours": [{"weekday": 0, "from": "18:00:00Z", "until": "19:00:00"}]}, "timezone"),
        ({"hours": [{"weekday": 0, "from": "18:00:00", "until": "18:00:00"}]}, "after from"),
        ({"hours": [{"weekday": 0, "from": "22:00:00", "until": "02:00:00"}]}, "the next weekday"),
        ({"buffer_minutes": -1}, ">= 0"),
        ({"notice_minutes": 43_201}, "<= 43200"),
    ],
)
def test_an_impossible_record_is_refused(record: dict[str, object], problem: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=problem):
        msgspec.convert({"mentor_id": "m-4"} | record, Availability)


def empty(
    availability: Availability, minutes: int, begin: datetime, until: datetime
) -> dict[DayKey, MentorDay]:
    keys = day_keys_between(availability, minutes, begin=begin, until=until)
    return {key: MentorDay(key=key) for key in keys}


BEGIN = datetime(2026, 11, 30, tzinfo=UTC)
WEEK = timedelta(days=7)


def offered(
    availability: Availability,
    *busy: Period,
    booked: tuple[Session, ...] = (),
    minutes: int = 60,
    **rest: int,
) -> list[str]:
    """Return the starts of a week's free slots, on the mentor's clock."""
    until = BEGIN + WEEK
    days = empty(availability, minutes, BEGIN, until)
    for number, session in enumerate(booked):
        for key in set(days) & set(day_keys_for("m-4", session, None)):
            days[key] = days[key].with_booking(Booking(order_id=f"o-{number}", session=session))
    slots = free_slots(
        availability, days, busy, minutes, begin=BEGIN, until=until, now=LONG_AGO, **rest
    )
    zone = ZoneInfo(availability.time_zone)
    return [slot.starts_at.astimezone(zone).strftime("%a %H:%M") for slot in slots]


def test_slots_are_offered_each_half_hour_within_the_hours() -> None:
    assert offered(EVENINGS) == ["Mon 18:00", "Mon 18:30", "Mon 19:00", "Mon 19:30", "Mon 20:00"]
    assert offered(EVENINGS, minutes=180) == ["Mon 18:00"]
    assert offered(EVENINGS, minutes=181) == []


def test_steps_and_limit_are_the_callers() -> None:
    assert offered(EVENINGS, step_minutes=60) == ["Mon 18:00", "Mon 19:00", "Mon 20:00"]
    assert offered(EVENINGS, limit=2) == ["Mon 18:00", "Mon 18:30"]
    assert len(offered(mentor(), limit=1000)) == 7 * 48


def test_what_is_booked_is_not_offered_nor_what_is_in_its_buffer() -> None:
    booked = (at("2026-11-30T19:30", 30),)
    assert offered(EVENINGS, booked=booked) == ["Mon 18:00", "Mon 18:30", "Mon 20:00"]
    careful = mentor(*EVENINGS.hours, buffer_minutes=15)
    assert offered(careful, booked=booked) == ["Mon 18:00"]


def test_what_the_calendar_says_is_busy_is_not_offered() -> None:
    busy = at("2026-11-30T19:10", 10)
    period = Period(starts_at=busy.starts_at, ends_at=busy.ends_at)
    assert offered(EVENINGS, period) == ["Mon 18:00", "Mon 19:30", "Mon 20:00"]


def test_slots_start_on_the_mentors_clock() -> None:
    kathmandu = mentor(hours(MONDAY, "18:00", "19:30"), zone="Asia/Kathmandu")
    assert offered(kathmandu) == ["Mon 18:00", "Mon 18:30"]


def test_slots_start_within_the_time_asked_for() -> None:
    days = empty(mentor(), 60, BEGIN, BEGIN + WEEK)
    begin, until = BEGIN + timedelta(minutes=1), BEGIN + timedelta(minutes=60)

    def ask(until: datetime) -> list[datetime]:
        slots = free_slots(mentor(), days, (), 60, begin=begin, until=until, now=LONG_AGO)
        return [slot.starts_at for slot in slots]

    half_past = BEGIN + timedelta(minutes=30)
    assert ask(until) == [half_past]
    assert ask(until + timedelta(microseconds=1)) == [half_past, until]
    assert ask(begin) == []


def test_of_an_hour_that_the_clock_leaves_out_nothing_is_offered_and_of_one_twice_both() -> None:
    def starts(day: str) -> list[str]:
        night = mentor(hours(SUNDAY, "00:00", "05:00"), zone=NEW_YORK)
        begin = at(f"{day}T00:00", zone=NEW_YORK).starts_at
        days: Days = empty(night, 60, begin, begin + WEEK)
        slots = free_slots(
            night,
            days,
            (),
            60,
            begin=begin,
            until=begin + timedelta(days=1),
            now=LONG_AGO,
            step_minutes=60,
        )
        return [f"{s.starts_at.astimezone(ZoneInfo(NEW_YORK)):%H:%M %Z}" for s in slots]

    assert starts("2026-03-08") == ["00:00 EST", "01:00 EST", "03:00 EDT", "04:00 EDT"]
    assert starts("2026-11-01") == [
        *("00:00 EDT", "01:00 EDT", "01:00 EST", "02:00 EST", "03:00 EST", "04:00 EST")
    ]


def test_a_day_that_the_caller_did_not_bring_is_missed() -> None:
    with pytest.raises(KeyError):
        free_slots(mentor(), {}, (), 60, begin=BEGIN, until=BEGIN + WEEK, now=LONG_AGO)
