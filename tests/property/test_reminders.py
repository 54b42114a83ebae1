"""The reminder plan under ticks at any times."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.meetings import record_meeting
from shared.domain.order import Order
from shared.domain.reminders import move_timer, reminder_of
from tests.builders import calendar_event, paid_order, session

START = session().starts_at
MINUTE = timedelta(minutes=1)
leads_of_all_kinds = st.sets(st.integers(0, 3000), max_size=5).map(
    lambda leads: tuple(sorted(leads, reverse=True))
)
minutes_before = st.integers(-60, 4000)


def before(minutes: float) -> datetime:
    return START - minutes * MINUTE


def scheduled(leads: tuple[int, ...], at: datetime) -> Order:
    return record_meeting(paid_order(), {}, event=calendar_event(), leads=leads, now=at).order


def sent(order: Order, ticks: Iterable[datetime]) -> list[tuple[int, datetime]]:
    """Return the lead and the time of each reminder that these ticks send."""
    found = []
    for now in ticks:
        if order.next_reminder_at is None or order.next_reminder_at > now:
            continue
        reminder = reminder_of(order, now)
        if reminder is not None:
            found.append((reminder.lead_minutes, now))
        order = move_timer(order, {}, now=now).order
    return found


@settings(deadline=None, max_examples=200)
@given(leads_of_all_kinds, minutes_before, st.lists(st.floats(-60, 4000), max_size=12))
def test_each_lead_is_sent_at_most_once_in_order_and_never_too_late(
    leads: tuple[int, ...], scheduled_at: int, ticks: list[float]
) -> None:
    order = scheduled(leads, before(scheduled_at))
    times = [before(minutes) for minutes in sorted(ticks, reverse=True)]
    reminders = sent(order, [now for now in times if now >= before(scheduled_at)])
    told = [lead for lead, _ in reminders]
    assert told == sorted(set(told), reverse=True)
    for lead, now in reminders:
        assert before(scheduled_at) < before(lead) <= now < START


@settings(deadline=None, max_examples=30)
@given(leads_of_all_kinds, minutes_before)
def test_with_a_tick_every_minute_exactly_the_leads_after_scheduling_are_sent(
    leads: tuple[int, ...], scheduled_at: int
) -> None:
    order = scheduled(leads, before(scheduled_at))
    reminders = sent(order, (before(minutes) for minutes in range(scheduled_at, -5, -1)))
    assert reminders == [(lead, before(lead)) for lead in leads if 0 < lead < scheduled_at]


@settings(deadline=None, max_examples=100)
@given(leads_of_all_kinds, minutes_before, st.floats(-60, 4000))
def test_one_late_tick_sends_the_shortest_lead_that_has_passed(
    leads: tuple[int, ...], scheduled_at: int, tick: float
) -> None:
    order = scheduled(leads, before(scheduled_at))
    passed = [lead for lead in leads if tick <= lead < scheduled_at]
    expected = [(min(passed), before(tick))] if passed and before(tick) < START else []
    assert sent(order, [before(tick)]) == expected
