"""create_meeting when people act: the calendar follows, whoever is faster."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from shared.domain.cancellation import cancel
from shared.domain.events import (
    InvoicePaid,
    OrderCancelled,
    OrderRescheduled,
)
from shared.domain.meetings import MEETING_REFUSED, calendar_is_behind
from shared.domain.order import Actor
from shared.domain.rescheduling import days_to_move, reschedule
from shared.domain.schedule import Session
from shared.errors import PermanentError
from tests.builders import (
    NOW,
    event_of,
    moved_order,
    scheduled_order,
    session,
)
from tests.unit.functions.chain import (
    Chain,
    Crash,
    CrashError,
    Meanwhile,
    crash_points,
    paid,
    redeliver,
    scheduled,
)

EVENT = event_of(InvoicePaid)
CALLS = ["get", "ensure", "transact", "publish"]
TOMORROW = session().starts_at + timedelta(days=1)


def met(*, moves: int = 0) -> Chain:
    """Return a world where the order's event is in the calendar, and moved so often since."""
    chain = paid()
    chain.create_meeting()(EVENT)
    for n in range(moves):
        move(chain, session().starts_at + (n + 1) * timedelta(days=1))
    chain.events.events.clear()
    return chain


def move(chain: Chain, starts_at: Any) -> None:
    order = chain.order()
    new = Session(starts_at=starts_at, duration_minutes=60)
    decide = partial(
        reschedule,
        starts_at=starts_at,
        revision=order.revision,
        availability=None,
        busy=(),
        move_until=timedelta(hours=6),
        now=chain.clock.now(),
    )
    chain.orders.transact(order.id, decide, days_to_move(order, new, None))


def call_off(chain: Chain) -> None:
    order = chain.order()
    off = partial(
        cancel,
        by=Actor.MENTEE,
        revision=order.revision,
        refund_until=timedelta(hours=24),
        now=chain.clock.now(),
    )
    chain.orders.transact(order.id, off, order.day_keys)


def test_a_moved_session_is_moved_in_the_calendar_with_its_room() -> None:
    chain, crash = met(moves=1), Crash()
    before = chain.meetings.live[0]
    chain.create_meeting(crash)(event_of(OrderRescheduled))
    assert crash.calls == CALLS
    (event,) = chain.meetings.live
    assert (event.event_id, event.meet_url) == (before.event_id, before.meet_url)
    assert (event.starts_at, event.revision) == (TOMORROW, 1)
    assert not calendar_is_behind(chain.order(), NOW)
    # Said once more, it would call this very step again, and so on for ever.
    assert not any(isinstance(said, OrderRescheduled) for said in chain.events.events)


@pytest.mark.parametrize(("at", "after"), crash_points(CALLS))
def test_after_a_crash_at_any_call_the_event_is_at_the_latest_time(at: int, *, after: bool) -> None:
    chain = met(moves=2)
    with pytest.raises(CrashError):
        chain.create_meeting(Crash(at, after=after))(event_of(OrderRescheduled))
    redeliver(chain.clock, lambda: chain.create_meeting()(event_of(OrderRescheduled)))
    assert [event.revision for event in chain.meetings.live] == [2]
    assert not calendar_is_behind(chain.order(), NOW)


@pytest.mark.parametrize("at", range(2, len(CALLS) + 1))
@pytest.mark.parametrize("world", [paid, partial(met, moves=1)], ids=["made", "moved"])
def test_a_move_while_the_event_is_made_or_moved_is_not_lost(
    at: int, world: Callable[[], Chain]
) -> None:
    chain = world()
    racing = Meanwhile(at, partial(move, chain, session().starts_at + timedelta(days=5)))
    redeliver(chain.clock, partial(chain.create_meeting(racing), EVENT))
    redeliver(chain.clock, lambda: chain.create_meeting()(EVENT))
    (event,) = chain.meetings.live
    assert event.starts_at == chain.order().session.starts_at
    assert not calendar_is_behind(chain.order(), NOW)


def test_an_older_delivery_never_moves_the_event_back() -> None:
    chain = met(moves=1)

    def newer() -> None:
        move(chain, session().starts_at + timedelta(days=5))
        chain.create_meeting()(event_of(OrderRescheduled))

    chain.create_meeting(Meanwhile(2, newer))(event_of(OrderRescheduled))
    (event,) = chain.meetings.live
    assert (event.revision, event.starts_at) == (2, session().starts_at + timedelta(days=5))
    assert not calendar_is_behind(chain.order(), NOW)


def test_a_move_that_the_calendar_refuses_is_put_before_the_admin_and_acked() -> None:
    chain = met(moves=1)
    chain.meetings.faults.before("ensure", PermanentError("403"))
    chain.create_meeting()(event_of(OrderRescheduled))
    assert chain.order().has_attention(MEETING_REFUSED)
    move(chain, session().starts_at + timedelta(days=5))
    chain.create_meeting()(event_of(OrderRescheduled))
    assert chain.order().attention == ()
    assert chain.meetings.live[0].revision == 2


def test_an_event_that_was_made_while_its_order_was_called_off_is_said_to_be_cleared() -> None:
    for at in (2, 3):
        chain = paid()
        chain.create_meeting(Meanwhile(at, partial(call_off, chain)))(EVENT)
        made = scheduled().event_id
        assert [event.event_id for event in chain.meetings.live] == [made]
        assert chain.order().obsolete_events == (made,)
        off = OrderCancelled(order_id=EVENT.order_id, by="mentee", refund=True)
        assert chain.said == [off]
        chain.close_order()(off)
        assert chain.meetings.live == []


def test_an_event_that_is_made_after_the_calendars_were_cleared_is_cleared_too() -> None:
    chain = paid()

    def called_off_and_cleared() -> None:
        call_off(chain)
        chain.close_order()(event_of(OrderCancelled))
        assert chain.order().obsolete_events == ()

    chain.create_meeting(Meanwhile(2, called_off_and_cleared))(EVENT)
    assert len(chain.meetings.live) == 1
    assert len(chain.order().obsolete_events) == 1
    chain.close_order()(event_of(OrderCancelled))
    assert chain.meetings.live == []


def test_a_session_that_is_over_is_not_moved_in_the_calendar() -> None:
    chain = Chain()
    chain.put(moved_order())
    chain.clock.advance(moved_order().session.ends_at - NOW)
    chain.create_meeting()(event_of(OrderRescheduled))
    assert chain.meetings.requests == {}
    assert scheduled_order().meeting == chain.order().meeting
