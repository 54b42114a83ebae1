"""Calling an order off: who may and when, whether the money goes back, and what has to go."""

from datetime import datetime, timedelta

import msgspec
import pytest

from shared.domain.actions import LINK_USED, NOT_NOW, TOO_LATE
from shared.domain.cancellation import CANCELLABLE, cancel, refund_on_cancel
from shared.domain.meetings import event_id
from shared.domain.order import (
    HOLDS_SLOT,
    LOOK_AFTER_CHANGE,
    TRANSITIONS,
    Actor,
    Cancellation,
    Change,
    MoneyBack,
    MoneyBackState,
    Order,
    Status,
)
from shared.domain.refunds import owe_payment
from shared.errors import ActionRefusedError
from tests.builders import NOW, days, declined_order, order, order_in, scheduled_order, session

START = session().starts_at
LATER = NOW + timedelta(hours=2)
SECOND = timedelta(seconds=1)
DAY = timedelta(hours=24)
CLOSED = sorted(set(Status) - CANCELLABLE)


def cancelled(
    current: Order,
    *holders: Order,
    revision: int | None = None,
    until: timedelta = DAY,
    by: Actor = Actor.MENTEE,
    now: datetime = LATER,
) -> Change:
    return cancel(
        current,
        days(*holders, of=current),
        by=by,
        revision=current.revision if revision is None else revision,
        refund_until=until,
        now=now,
    )


@pytest.mark.parametrize("status", sorted(CANCELLABLE))
def test_an_open_order_can_be_called_off_and_frees_its_slot_alone(status: Status) -> None:
    current = order_in(status)
    other = order(id="other", session=session(starts_at=session().ends_at))
    held = (current, other) if status in HOLDS_SLOT else (other,)
    change = cancelled(current, *held)
    left = change.order
    assert (left.status, left.revision) == (Status.CANCELLED, current.revision + 1)
    assert left.cancellation == Cancellation(
        by=Actor.MENTEE, at=LATER, refund=current.payment is not None
    )
    assert list(change.days) == list(days(other).values())
    assert (left.next_reminder_at, left.check_at) == (None, LATER + LOOK_AFTER_CHANGE)


@pytest.mark.parametrize("status", sorted(CANCELLABLE))
def test_money_that_was_paid_is_owed_and_other_money_is_not(status: Status) -> None:
    current = order_in(status)
    due = MoneyBack(invoice_id="inv-1", amount=250_000, state=MoneyBackState.DUE, since=LATER)
    assert cancelled(current).order.refunds == ((due,) if current.payment else ())


@pytest.mark.parametrize("status", CLOSED)
def test_an_order_that_is_over_cannot_be_called_off(status: Status) -> None:
    with pytest.raises(ActionRefusedError) as caught:
        cancelled(order_in(status))
    assert caught.value.reason == NOT_NOW


def test_every_order_that_could_become_cancelled_can_be_called_off() -> None:
    assert {s for s in Status if Status.CANCELLED in TRANSITIONS[s]} == CANCELLABLE


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("away", [-1, 1])
def test_a_link_of_another_revision_calls_nothing_off(status: Status, away: int) -> None:
    current = order_in(status)
    with pytest.raises(ActionRefusedError) as caught:
        cancelled(current, revision=current.revision + away)
    assert caught.value.reason == LINK_USED


def test_an_order_is_called_off_once() -> None:
    once = cancelled(scheduled_order()).order
    with pytest.raises(ActionRefusedError) as caught:
        cancelled(once, revision=0)
    assert caught.value.reason == LINK_USED
    with pytest.raises(ActionRefusedError) as caught:
        cancelled(once)
    assert caught.value.reason == NOT_NOW


@pytest.mark.parametrize("hours", [0, 1, 24, 72])
@pytest.mark.parametrize(("seconds", "refund"), [(-1, True), (0, True), (1, False)])
def test_a_session_can_be_called_off_for_the_money_until_exactly_so_many_hours_before(
    hours: int, seconds: int, *, refund: bool
) -> None:
    until = timedelta(hours=hours)
    now = START - until + seconds * SECOND
    assert refund_on_cancel(scheduled_order(), until, now) is refund
    if now < START:
        left = cancelled(scheduled_order(), until=until, now=now).order
        assert left.cancellation is not None
        assert left.cancellation.refund is refund
        assert bool(left.refunds) is refund


@pytest.mark.parametrize("status", [Status.PAID, Status.AWAITING_MENTOR, Status.AWAITING_MENTEE])
def test_before_a_session_was_agreed_on_the_money_always_goes_back(status: Status) -> None:
    assert refund_on_cancel(order_in(status), timedelta(days=30), START - SECOND)


@pytest.mark.parametrize("status", sorted(CANCELLABLE - {Status.AWAITING_MENTEE}))
@pytest.mark.parametrize(("seconds", "late"), [(-1, False), (0, True)])
def test_what_has_begun_cannot_be_called_off(status: Status, seconds: int, *, late: bool) -> None:
    now = START + seconds * SECOND
    if not late:
        assert cancelled(order_in(status), now=now).order.status is Status.CANCELLED
        return
    with pytest.raises(ActionRefusedError) as caught:
        cancelled(order_in(status), now=now)
    assert caught.value.reason == TOO_LATE


def test_a_mentee_who_has_the_choice_gets_the_money_after_the_old_time_too() -> None:
    left = cancelled(declined_order(), now=START + DAY).order
    assert [refund.amount for refund in left.refunds] == [250_000]


@pytest.mark.parametrize("status", sorted(CANCELLABLE))
def test_every_event_that_may_exist_or_be_in_the_making_is_to_be_cleared(status: Status) -> None:
    current = order_in(status)
    expected = (event_id(current),) if current.was(Status.PAID) else ()
    assert cancelled(current).order.obsolete_events == expected


def test_events_that_were_to_be_cleared_before_still_are_each_once() -> None:
    current = scheduled_order(obsolete_events=("old", event_id(scheduled_order())))
    left = cancelled(current).order
    assert left.obsolete_events == ("old", event_id(current))
    # What is told of the cancellation takes out the event that the readers have.
    assert left.meeting == current.meeting


@pytest.mark.parametrize("by", [Actor.MENTEE, Actor.ADMIN])
def test_who_called_it_off_is_kept(by: Actor) -> None:
    left = cancelled(scheduled_order(), by=by).order
    assert left.cancellation is not None
    assert left.cancellation.by is by


def test_a_refund_that_was_owed_before_is_not_owed_twice() -> None:
    owed = owe_payment(order_in(Status.PAID), NOW)
    started = msgspec.structs.replace(owed.refunds[0], state=MoneyBackState.STARTED)
    left = cancelled(msgspec.structs.replace(owed, refunds=(started,))).order
    assert left.refunds == (started,)
