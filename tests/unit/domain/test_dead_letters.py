"""The admin's reason to look at an order of which a message was given up, and when it goes."""

from datetime import timedelta

import pytest

from shared.domain.dead_letters import DEAD_LETTER, note_dead_letter
from shared.domain.order import LOOK_AFTER_CHANGE, Order, Status
from shared.domain.timers import looked_at
from tests.builders import NOW, order_in

LATER = NOW + timedelta(days=30)
WAIT_FOR_A_STEP = {Status.PENDING, Status.PAID}


def given_up(status: Status) -> Order:
    return note_dead_letter(order_in(status), {}, now=NOW).order


def test_an_order_whose_message_was_given_up_is_looked_at_soon() -> None:
    completed = order_in(Status.COMPLETED)
    noted = note_dead_letter(completed, {}, now=NOW).order
    assert completed.check_at is None
    assert noted.check_at == NOW + LOOK_AFTER_CHANGE
    assert [attention.reason for attention in noted.attention] == [DEAD_LETTER]


@pytest.mark.parametrize("status", sorted(set(Status) - WAIT_FOR_A_STEP))
def test_the_reason_goes_once_everything_about_the_order_has_been_heard(status: Status) -> None:
    looked = looked_at(given_up(status), {}, now=LATER).order
    assert looked.attention == ()


@pytest.mark.parametrize("status", Status)
def test_the_reason_stays_while_something_has_not_been_heard(status: Status) -> None:
    looked = looked_at(given_up(status), {}, now=LATER, again_soon=True).order
    assert looked.has_attention(DEAD_LETTER)


@pytest.mark.parametrize("status", sorted(WAIT_FOR_A_STEP))
def test_the_reason_stays_while_the_order_waits_for_a_step(status: Status) -> None:
    assert looked_at(given_up(status), {}, now=LATER).order.has_attention(DEAD_LETTER)


def test_other_reasons_stay() -> None:
    order = given_up(Status.SCHEDULED).with_attention("room_gone", NOW)
    looked = looked_at(order, {}, now=LATER).order
    assert [attention.reason for attention in looked.attention] == ["room_gone"]
