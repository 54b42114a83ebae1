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
    payment_reminder_at,
    reminder_of,
    reminder_time,
)
from tests.builders import NOW, asked_order, invoiced_order, order_in, scheduled_order, session

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


@pytest.mark.parametrize(
    ("lifetime", "before_expiry"),
    [
        (timedelta(hours=24), timedelta(hours=2)),
        (timedelta(hours=6), timedelta(hours=2)),
        (timedelta(hours=3), timedelta(hours=1)),
        (timedelta(minutes=30), timedelta(minutes=10)),
        (timedelta(minutes=30) - SECOND, None),
        (timedelta(minutes=5), None),
    ],
)
def test_who_has_not_paid_is_reminded_two_hours_before_the_end_or_at_two_thirds(
    lifetime: timedelta, before_expiry: timedelta | None
) -> None:
    expected = None if before_expiry is None else NOW + lifetime - before_expiry
    assert payment_reminder_at(NOW + lifetime, NOW) == expected


@pytest.mark.parametrize(
    ("left", "told"),
    [(2 * 60 * MINUTE, 120), (119 * MINUTE + 59 * SECOND, 119), (SECOND, 1), (0 * SECOND, None)],
)
def test_an_unpaid_order_is_reminded_of_with_the_minutes_that_are_left_to_pay(
    left: timedelta, told: int | None
) -> None:
    order = invoiced_order()
    assert order.invoice is not None
    due = reminder_of(order, order.invoice.expires_at - left)
    expected = ReminderDue(
        order_id=order.id, lead_minutes=told or 0, session=order.session, about="payment"
    )
    assert due == (expected if told else None)


@pytest.mark.parametrize(("left", "told"), [(360 * MINUTE, 360), (SECOND, 1), (0 * SECOND, None)])
def test_a_mentor_who_is_silent_is_reminded_with_the_minutes_that_are_left_to_answer(
    left: timedelta, told: int | None
) -> None:
    order = asked_order()
    assert order.confirmation is not None
    due = reminder_of(order, order.confirmation.answer_by - left)
    expected = ReminderDue(
        order_id=order.id, lead_minutes=told or 0, session=order.session, about="answer"
    )
    assert due == (expected if told else None)


@pytest.mark.parametrize("order", [invoiced_order(), asked_order()], ids=["payment", "answer"])
def test_of_payment_and_answer_people_are_reminded_once(order: Order) -> None:
    assert order.next_reminder_at is not None
    early = order.next_reminder_at - SECOND
    assert move_timer(order, {}, now=early).order == order
    moved = move_timer(order, {}, now=order.next_reminder_at).order
    assert moved == msgspec.structs.replace(order, next_reminder_at=None)
    assert reminder_of(moved, order.next_reminder_at) is None


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.SCHEDULED}))
def test_only_a_scheduled_order_is_reminded_of_by_its_leads(status: Status) -> None:
    order = msgspec.structs.replace(order_in(status), next_reminder_at=before(60))
    assert move_timer(order, {}, now=before(60)).order.next_reminder_at is None
    due = reminder_of(order, NOW)
    expected = {Status.INVOICED: "payment", Status.AWAITING_MENTOR: "answer"}.get(status)
    assert (due.about if due else None) == expected
