"""The timer of an order: how soon somebody looks at it again in each status."""

from datetime import datetime, timedelta

import msgspec
import pytest

from shared.domain.confirmation import choose_by
from shared.domain.order import LOOK_AFTER_CHANGE, MoneyBackState, Status
from shared.domain.timers import looked_at, next_check
from tests.builders import (
    NOW,
    asked_order,
    declined_order,
    invoiced_order,
    order_in,
    refunding_order,
    session,
)

START, END = session().starts_at, session().ends_at
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
EXPIRY = invoiced_order().history[-1].at + 24 * HOUR


def since(status: Status, after: timedelta) -> datetime:
    return order_in(status).history[-1].at + after


@pytest.mark.parametrize(
    ("status", "after", "then"),
    [
        (Status.PENDING, 0 * MINUTE, 2 * MINUTE),
        (Status.PENDING, 2 * MINUTE, 5 * MINUTE),
        (Status.PAID, 40 * MINUTE, 60 * MINUTE),
        (Status.PAID, 60 * MINUTE, 120 * MINUTE),
        (Status.PAID, 50 * HOUR, 51 * HOUR),
        (Status.INVOICED, 0 * MINUTE, 3 * MINUTE),
        (Status.INVOICED, 3 * MINUTE, 7 * MINUTE),
        (Status.INVOICED, 16 * HOUR, 24 * HOUR + MINUTE),  # shortly after it has expired
        (Status.INVOICED, 24 * HOUR + MINUTE, 24 * HOUR + 3 * MINUTE),
        (Status.INVOICED, 24 * HOUR + 10 * MINUTE, 24 * HOUR + 20 * MINUTE),
        (Status.INVOICED, 48 * HOUR, 72 * HOUR),
        (Status.EXPIRED, 0 * MINUTE, 30 * MINUTE),
        (Status.EXPIRED, 3 * HOUR, 25 * HOUR),
    ],
)
def test_an_order_is_looked_at_ever_more_slowly(
    status: Status, after: timedelta, then: timedelta
) -> None:
    assert next_check(order_in(status), since(status, after)) == since(status, then)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (START - 50 * HOUR, START - 26 * HOUR),
        (START - 20 * HOUR, START - 2 * HOUR),
        (START - 2 * HOUR, END),
        (END - MINUTE, END),
        (END, END + 24 * HOUR),
    ],
)
def test_a_scheduled_order_is_looked_at_daily_before_and_after_its_session(
    now: datetime, then: datetime
) -> None:
    assert next_check(order_in(Status.SCHEDULED), now) == then


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.REJECTED, Status.CANCELLED])
def test_an_order_that_is_over_is_not_looked_at_again(status: Status) -> None:
    assert next_check(order_in(status), since(status, MINUTE)) is None


@pytest.mark.parametrize("status", [Status.REJECTED, Status.CANCELLED])
def test_an_order_closed_after_its_invoice_may_have_been_made_is_looked_at_again(
    status: Status,
) -> None:
    given_up = msgspec.structs.replace(order_in(status), claims=1)
    then = since(status, 30 * MINUTE)
    assert next_check(given_up, since(status, MINUTE)) == then
    assert next_check(given_up, since(status, 25 * HOUR)) is None


def test_a_mentors_answer_is_looked_for_when_it_is_due() -> None:
    asked = asked_order()
    assert asked.confirmation is not None
    answer_by = asked.confirmation.answer_by
    assert next_check(asked, NOW + HOUR) == answer_by
    assert next_check(asked, answer_by) == answer_by + LOOK_AFTER_CHANGE


def test_a_mentees_choice_is_looked_for_when_it_is_due() -> None:
    declined = declined_order()
    last = declined.history[-1].at + 3 * 24 * HOUR
    assert choose_by(declined) == last
    assert next_check(declined, NOW + 2 * HOUR) == last
    assert next_check(declined, last) == last + LOOK_AFTER_CHANGE


REFUND_SINCE = NOW + HOUR


@pytest.mark.parametrize(
    ("state", "after", "then"),
    [
        (MoneyBackState.DUE, 0 * MINUTE, 2 * MINUTE),
        (MoneyBackState.DUE, 20 * MINUTE, 40 * MINUTE),
        (MoneyBackState.DUE, 5 * HOUR, 6 * HOUR),
        (MoneyBackState.STARTED, 0 * MINUTE, 5 * MINUTE),
        (MoneyBackState.STARTED, 5 * MINUTE, 30 * MINUTE),
        (MoneyBackState.STARTED, 12 * HOUR, 36 * HOUR),
    ],
)
def test_money_that_is_not_back_is_looked_after_ever_more_slowly(
    state: MoneyBackState, after: timedelta, then: timedelta
) -> None:
    assert next_check(refunding_order(state), REFUND_SINCE + after) == REFUND_SINCE + then


@pytest.mark.parametrize(
    "state", sorted(set(MoneyBackState) - {MoneyBackState.DUE, MoneyBackState.STARTED})
)
def test_money_that_is_back_or_in_a_persons_hands_needs_no_timer(state: MoneyBackState) -> None:
    assert next_check(refunding_order(state), REFUND_SINCE) is None


def test_of_status_and_money_the_first_to_be_due_sets_the_timer() -> None:
    owed = refunding_order().refunds[0]
    for current in (order_in(Status.SCHEDULED), order_in(Status.COMPLETED)):
        both = current.with_refund(owed, NOW)
        assert next_check(both, REFUND_SINCE) == REFUND_SINCE + 2 * MINUTE
    soon = msgspec.structs.replace(owed, state=MoneyBackState.STARTED)
    invoiced = order_in(Status.INVOICED).with_refund(soon, NOW)
    assert next_check(invoiced, REFUND_SINCE + 30 * MINUTE) == NOW + 120 * MINUTE


def test_news_of_money_that_are_not_heard_are_said_again_by_their_own_age() -> None:
    current = refunding_order(MoneyBackState.SUCCEEDED, since=REFUND_SINCE + 9 * HOUR)
    now = REFUND_SINCE + 10 * HOUR
    looked = looked_at(current, {}, now=now, again_soon=True).order
    assert looked.check_at == now + 30 * MINUTE


def test_an_expired_order_is_forgotten_when_no_payment_can_come_any_more() -> None:
    assert next_check(order_in(Status.EXPIRED), since(Status.EXPIRED, 25 * HOUR)) is None


@pytest.mark.parametrize(
    ("unheard_for", "wait"),
    [
        (2 * MINUTE, LOOK_AFTER_CHANGE),
        (4 * MINUTE, LOOK_AFTER_CHANGE),
        (20 * MINUTE, 10 * MINUTE),
        (50 * HOUR, HOUR),
    ],
)
def test_a_fact_that_is_not_heard_is_said_ever_more_slowly(
    unheard_for: timedelta, wait: timedelta
) -> None:
    now = since(Status.PAID, unheard_for)
    looked = looked_at(order_in(Status.PAID), {}, now=now, again_soon=True).order
    assert looked.check_at == now + wait


def test_after_a_look_the_timer_is_set_to_the_next_one() -> None:
    now = since(Status.PAID, 2 * MINUTE)
    looked = looked_at(order_in(Status.PAID), {}, now=now).order
    assert looked.check_at == since(Status.PAID, 5 * MINUTE)


@pytest.mark.parametrize("check_at", [None, since(Status.PAID, 3 * MINUTE)])
def test_a_timer_that_was_set_anew_meanwhile_is_left_alone(check_at: datetime | None) -> None:
    current = msgspec.structs.replace(order_in(Status.PAID), check_at=check_at)
    now = since(Status.PAID, 2 * MINUTE)
    assert looked_at(current, {}, now=now, again_soon=True).order == current
