"""send_reminder: a tick works off what is due, and a crash repeats but never loses."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Literal

import msgspec
import pytest

from functions.send_reminder import use_case
from functions.send_reminder.use_case import Tick
from shared.domain.events import Event, ReminderDue
from shared.domain.order import Order, Status
from shared.errors import RetryableError
from tests.builders import asked_order, invoiced_order, order_in, scheduled_order, session
from tests.unit.functions.chain import Chain, Crash, CrashError

START = session().starts_at
MINUTE = timedelta(minutes=1)


def before(minutes: int) -> datetime:
    return START - minutes * MINUTE


def with_orders(count: int) -> Chain:
    chain = Chain()
    chain.put(*(scheduled_order(id=f"o-{n:04}") for n in range(count)))
    return chain


def reminder(order_id: str, lead: int) -> ReminderDue:
    return ReminderDue(order_id=order_id, lead_minutes=lead, session=session())


def test_a_tick_before_anything_is_due_does_nothing() -> None:
    chain, crash = with_orders(1), Crash()
    assert chain.send_reminders(crash)(before(1441)) == Tick()
    assert crash.calls == ["due_for_reminder"]


def test_what_is_due_is_published_and_its_timer_moves_on() -> None:
    chain = with_orders(2)
    assert chain.send_reminders()(before(1440)) == Tick(due=2, published=2)
    assert chain.events.events == [reminder("o-0000", 1440), reminder("o-0001", 1440)]
    assert chain.order("o-0000").next_reminder_at == before(60)
    assert chain.send_reminders()(before(1440)) == Tick()


def test_an_order_is_reminded_of_once_for_each_lead() -> None:
    chain = with_orders(1)
    for minutes in range(1500, -5, -1):
        chain.send_reminders()(before(minutes))
    assert chain.events.events == [reminder("o-0000", lead) for lead in (1440, 60, 10)]
    assert chain.order("o-0000").next_reminder_at is None


@pytest.mark.parametrize(
    ("order", "about", "minutes"),
    [(invoiced_order(), "payment", 120), (asked_order(), "answer", 360)],
)
def test_who_has_to_pay_or_answer_is_reminded_once(
    order: Order, about: Literal["payment", "answer"], minutes: int
) -> None:
    chain = Chain()
    chain.put(order)
    assert order.next_reminder_at is not None
    for n in range(3):
        chain.send_reminders()(order.next_reminder_at + n * MINUTE)
    expected = ReminderDue(
        order_id=order.id, lead_minutes=minutes, session=order.session, about=about
    )
    assert chain.events.events == [expected]
    assert chain.order().next_reminder_at is None


def test_after_missed_ticks_only_the_shortest_lead_is_sent() -> None:
    chain = with_orders(1)
    assert chain.send_reminders()(before(5)) == Tick(due=1, published=1)
    assert chain.events.events == [reminder("o-0000", 10)]
    assert chain.order("o-0000").next_reminder_at is None


@pytest.mark.parametrize(
    ("order", "now"),
    [
        (scheduled_order(), START),
        (msgspec.structs.replace(order_in(Status.COMPLETED), next_reminder_at=START), START),
        (asked_order(), START),
        (invoiced_order(), START),
    ],
    ids=["begun", "completed", "answer overdue", "expired"],
)
def test_the_timer_of_an_order_without_need_is_switched_off(order: Order, now: datetime) -> None:
    chain = Chain()
    chain.put(order)
    assert chain.send_reminders()(now) == Tick(due=1)
    assert chain.order().next_reminder_at is None
    assert chain.events.events == []


@pytest.mark.parametrize("count", [100, 101, 250])
def test_a_tick_works_page_by_page_until_nothing_is_due(count: int) -> None:
    chain = with_orders(count)
    assert chain.send_reminders()(before(60)) == Tick(due=count, published=count)
    assert Counter(event.order_id for event in chain.events.events) == Counter(
        f"o-{n:04}" for n in range(count)
    )


def test_a_tick_ends_before_its_request_would_and_the_next_one_goes_on() -> None:
    most = use_case.PAGE_SIZE * use_case.MAX_PAGES
    chain = with_orders(most + 1)
    assert chain.send_reminders()(before(60)) == Tick(due=most, published=most)
    assert chain.send_reminders()(before(60)) == Tick(due=1, published=1)


def test_an_order_that_somebody_else_writes_is_left_to_the_next_tick() -> None:
    chain = with_orders(2)
    chain.orders.faults.before("transact", RetryableError("contention"))
    assert chain.send_reminders()(before(60)) == Tick(due=2, published=2, postponed=1)
    assert chain.send_reminders()(before(59)) == Tick(due=1, published=1)
    assert repeated(chain.events.events) == {
        "o-0000/reminder.due/60": 2,
        "o-0001/reminder.due/60": 1,
    }


def test_a_crash_between_publishing_and_moving_repeats_the_same_reminder() -> None:
    chain, crash = with_orders(1), Crash(3)
    with pytest.raises(CrashError):
        chain.send_reminders(crash)(before(60))
    assert crash.calls == ["due_for_reminder", "publish", "transact"]
    chain.send_reminders()(before(59))
    assert repeated(chain.events.events) == {"o-0000/reminder.due/60": 2}
    assert chain.order("o-0000").next_reminder_at == before(10)


def test_a_crash_before_publishing_loses_nothing() -> None:
    chain = with_orders(1)
    with pytest.raises(CrashError):
        chain.send_reminders(Crash(2))(before(60))
    chain.send_reminders()(before(59))
    assert chain.events.events == [reminder("o-0000", 60)]


def repeated(events: list[Event]) -> dict[str, int]:
    """Return how often each fact was said; its id is what makes a repetition harmless."""
    return dict(Counter(event.id for event in events))
