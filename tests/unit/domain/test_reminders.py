"""The reminder plan: which reminder is due when, and how the timer moves."""

from datetime import datetime, timedelta

import msgspec
import pytest

from shared.domain.events import ReminderDue
from shared.domain.order import Order, Status
from shared.domain.reminders import (
    due_lead,
    move_timer,
    next_reminder_at,
    reminder_of,
    reminder_time,
)
from tests.builders import order_in, scheduled_order, session

LEADS = (1440, 60, 10)
START = session().starts_at
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def before(minutes: int) -> datetime:
    return START - minutes * MINUTE


def test_a_reminder_is_due_its_lead_time_before_the_start() -> None:
    assert reminder_time(session(), 1440) == START - timedelta(days=1)


@pytest.mark.parametrize(
    ("since", "now", "lead"),
    [
        (before(1440), before(1440) - SECOND, None),
        (before(1440), before(1440), 1440),
        (before(1440), before(61), 1440),
        (before(1440), before(60), 60),  # a tick was missed: the shortest is the one still true
        (before(1440), before(1), 10),
        (before(1440), START - SECOND, 10),
        (before(1440), START, None),
        (before(1440), START + MINUTE, None),
        (before(60), before(60), 60),
        (before(60), before(59), 60),
        (before(10), before(10) - SECOND, None),
    ],
)
def test_the_shortest_lead_that_fell_due_since_the_timer_is_sent(
    since: datetime, now: datetime, lead: int | None
) -> None:
    assert due_lead(session(), LEADS, since, now) == lead


def test_without_leads_nothing_is_ever_due() -> None:
    assert due_lead(session(), (), before(1440), before(10)) is None
    assert next_reminder_at(session(), (), before(1440)) is None


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (before(10_000), before(1440)),
        (before(1440) - SECOND, before(1440)),
        (before(1440), before(60)),  # due this very instant is not after it
        (before(100), before(60)),
        (before(11), before(10)),
        (before(10), None),
        (START, None),
    ],
)
def test_the_timer_is_set_to_the_next_lead_and_past_ones_are_skipped(
    now: datetime, then: datetime | None
) -> None:
    assert next_reminder_at(session(), LEADS, now) == then


def test_a_scheduled_order_is_reminded_of_when_its_timer_runs_out() -> None:
    order = scheduled_order()
    assert order.next_reminder_at == before(1440)
    assert reminder_of(order, before(1440)) == ReminderDue(
        order_id=order.id, lead_minutes=1440, session=order.session
    )


@pytest.mark.parametrize(
    ("order", "now"),
    [
        (scheduled_order(), before(1441)),
        (scheduled_order(), START),
        (scheduled_order(next_reminder_at=None), before(60)),
        (msgspec.structs.replace(order_in(Status.COMPLETED)), before(60)),
        (msgspec.structs.replace(order_in(Status.PAID), next_reminder_at=before(60)), before(60)),
    ],
    ids=["too early", "started", "no timer", "completed", "not scheduled"],
)
def test_nobody_is_reminded_without_reason(order: Order, now: datetime) -> None:
    assert reminder_of(order, now) is None


@pytest.mark.parametrize(
    ("order", "now", "then"),
    [
        (scheduled_order(), before(1441), before(1440)),  # not due yet: left as it is
        (scheduled_order(), before(1440), before(60)),
        (scheduled_order(), before(60), before(10)),
        (scheduled_order(), before(5), None),
        (scheduled_order(next_reminder_at=None), before(1440), None),
        (order_in(Status.COMPLETED), before(1440), None),
    ],
)
def test_the_timer_moves_on_once_it_has_run_out(
    order: Order, now: datetime, then: datetime | None
) -> None:
    moved = move_timer(order, {}, now=now).order
    assert moved == msgspec.structs.replace(order, next_reminder_at=then)
