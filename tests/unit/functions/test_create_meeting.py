"""create_meeting: one live event with a room, or the admin is asked."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from shared.domain.confirmation import accept
from shared.domain.events import (
    AttentionRaised,
    InvoicePaid,
    MentorAsked,
    OrderCancelled,
)
from shared.domain.meetings import MEETING_REFUSED, ROOM_FAILED
from shared.domain.order import Order, Status
from shared.errors import NotDoneError, PermanentError, RetryableError
from tests.builders import (
    NOW,
    asked_order,
    event_of,
    order_in,
    paid_order,
    session,
)
from tests.unit.functions.chain import (
    Chain,
    Crash,
    CrashError,
    crash_points,
    paid,
    redeliver,
    scheduled,
)

EVENT = event_of(InvoicePaid)
CALLS = ["get", "ensure", "transact", "publish"]
CALLS_WITH_A_LOOK = ["get", "ensure", "get", "transact", "publish"]


def attention(reason: str) -> AttentionRaised:
    return AttentionRaised(order_id=EVENT.order_id, reason=reason, since=NOW)


def test_a_paid_order_gets_its_event_with_a_room_and_its_reminders() -> None:
    chain, crash = paid(), Crash()
    chain.create_meeting(crash)(EVENT)
    assert crash.calls == CALLS
    assert chain.order().status is Status.SCHEDULED
    assert chain.order().next_reminder_at == session().starts_at - timedelta(days=1)
    assert [event.event_id for event in chain.meetings.live] == [scheduled().event_id]
    assert chain.events.events == [scheduled()]


@pytest.mark.parametrize(("at", "after"), crash_points(CALLS_WITH_A_LOOK))
def test_after_a_crash_at_any_call_there_is_one_live_event(at: int, *, after: bool) -> None:
    chain, crash = paid(pending_reads=1), Crash(at, after=after)
    with pytest.raises(CrashError):
        chain.create_meeting(crash)(EVENT)
    assert crash.calls == CALLS_WITH_A_LOOK[:at]
    redeliver(chain.clock, lambda: chain.create_meeting()(EVENT))
    assert len(chain.meetings.live) == 1
    assert chain.said == [scheduled()]


def test_an_event_that_comes_again_says_the_same_again() -> None:
    chain, crash = paid(), Crash()
    chain.create_meeting()(EVENT)
    chain.create_meeting(crash)(EVENT)
    assert crash.calls == ["get", "publish"]
    assert chain.events.events == [scheduled(), scheduled()]


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.PAID, Status.SCHEDULED}))
def test_an_order_that_is_not_paid_gets_no_event(status: Status) -> None:
    chain = Chain()
    chain.put(order_in(status))
    chain.create_meeting()(EVENT)
    assert chain.meetings.live == []
    # That an order is asked about, or off, is said again by whoever comes to it.
    again = {Status.AWAITING_MENTOR: [MentorAsked], Status.CANCELLED: [OrderCancelled]}
    assert [type(event) for event in chain.events.events] == again.get(status, [])


def test_an_order_that_is_not_there_yet_is_looked_for_again() -> None:
    with pytest.raises(RetryableError, match="NUS-2026-000123 is not in the store"):
        Chain().create_meeting()(EVENT)


def test_a_room_that_takes_long_is_asked_for_once_and_waited_for_over_deliveries() -> None:
    chain = paid(pending_reads=5)
    with pytest.raises(RetryableError, match="its room and time are not in the calendar yet"):
        chain.create_meeting()(EVENT)
    assert chain.order().room_wanted_since == NOW + timedelta(seconds=3)
    assert chain.events.events == []
    redeliver(chain.clock, lambda: chain.create_meeting()(EVENT))
    assert chain.order().room_attempt == 0
    assert chain.said == [scheduled()]


def test_a_failed_room_is_asked_for_anew_in_the_same_event() -> None:
    chain = paid(failing_rooms=2)
    redeliver(chain.clock, lambda: chain.create_meeting()(EVENT))
    assert chain.order().room_attempt == 2
    assert chain.said == [scheduled()]
    assert len(chain.meetings.live) == 1


def test_when_every_room_fails_the_admin_is_asked_and_the_event_is_acked() -> None:
    chain = paid(failing_rooms=3)
    redeliver(chain.clock, lambda: chain.create_meeting()(EVENT))
    assert chain.order().status is Status.PAID
    assert [(event.id, chain.order().has_attention(ROOM_FAILED)) for event in chain.said] == [
        ("NUS-2026-000123/attention.raised/room_failed", True)
    ]


def test_an_event_that_somebody_deleted_is_made_anew() -> None:
    chain = paid(pending_reads=5)
    with pytest.raises(RetryableError):
        chain.create_meeting()(EVENT)
    chain.meetings.delete(scheduled().event_id)
    chain.meetings.pending_reads = 0
    redeliver(chain.clock, lambda: chain.create_meeting()(EVENT))
    assert [event.event_id for event in chain.meetings.live] == [scheduled(1).event_id]
    assert chain.said == [scheduled(1)]


def test_a_meeting_that_the_calendar_refuses_is_put_before_the_admin() -> None:
    chain = paid()
    chain.meetings.faults.before("ensure", PermanentError("403"))
    chain.create_meeting()(EVENT)
    assert chain.order().status is Status.PAID
    assert chain.events.events == [attention(MEETING_REFUSED)]


def test_once_the_calendar_takes_it_after_all_the_admin_is_needed_no_more() -> None:
    chain = paid()
    chain.meetings.faults.before("ensure", PermanentError("403"))
    chain.create_meeting()(EVENT)
    chain.create_meeting()(EVENT)
    assert chain.order().attention == ()
    assert chain.said == [attention(MEETING_REFUSED), scheduled()]


def test_a_calendar_that_is_busy_is_asked_again_later() -> None:
    chain = paid()
    chain.meetings.faults.before("ensure", NotDoneError("429", retry_after=30))
    with pytest.raises(NotDoneError):
        chain.create_meeting()(EVENT)
    assert chain.order() == paid_order()
    chain.create_meeting()(EVENT)
    assert chain.said == [scheduled()]


TWELVE_HOURS = timedelta(hours=12)


def asking(order: Order) -> Chain:
    """Return a world where mentors are asked."""
    chain = Chain(answer_within=TWELVE_HOURS)
    chain.put(order)
    return chain


def asked(answer_by: Any, revision: int = 0) -> MentorAsked:
    return MentorAsked(
        order_id=EVENT.order_id, answer_by=answer_by, session=session(), revision=revision
    )


def test_where_mentors_are_asked_a_paid_order_waits_for_the_answer() -> None:
    chain, crash = asking(paid_order()), Crash()
    chain.create_meeting(crash)(EVENT)
    assert crash.calls == ["get", "transact", "publish"]
    assert chain.order().status is Status.AWAITING_MENTOR
    assert chain.meetings.live == []
    assert chain.events.events == [asked(NOW + TWELVE_HOURS)]


@pytest.mark.parametrize(("at", "after"), crash_points(["get", "transact", "publish"]))
def test_after_a_crash_at_any_call_the_mentor_is_asked_once(at: int, *, after: bool) -> None:
    chain = asking(paid_order())
    with pytest.raises(CrashError):
        chain.create_meeting(Crash(at, after=after))(EVENT)
    redeliver(chain.clock, lambda: chain.create_meeting()(EVENT))
    assert chain.said == [asked(NOW + TWELVE_HOURS)]


def test_a_mentor_who_said_yes_gets_the_meeting_and_is_not_asked_again() -> None:
    chain = asking(asked_order())
    chain.orders.transact(EVENT.order_id, partial(accept, revision=0, now=NOW))
    chain.create_meeting()(EVENT)
    assert chain.said == [scheduled()]


def test_a_mentor_who_was_asked_before_asking_ended_still_has_the_word() -> None:
    chain = Chain()
    chain.put(asked_order())
    chain.create_meeting()(EVENT)
    assert chain.order() == asked_order()
    assert chain.meetings.live == []
