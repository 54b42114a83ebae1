"""reconcile_orders and what people and money have to do: answers, choices, refunds, leftovers."""

from datetime import datetime, timedelta
from functools import partial

import msgspec
import pytest

from functions.reconcile_orders.use_case import Tick
from shared.domain.confirmation import MENTOR_SILENT, choose_by
from shared.domain.deliveries import mark_sent, mark_undelivered
from shared.domain.events import (
    Event,
    InvoicePaid,
    MentorAsked,
    OrderCancelled,
    OrderRescheduled,
    RefundDue,
    RefundUpdated,
    SessionDeclined,
)
from shared.domain.meetings import event_id, meeting_request
from shared.domain.order import LOOK_AFTER_CHANGE, MoneyBackState, Order, Status
from shared.domain.refund import RefundStatus
from shared.domain.refunds import refund_request
from shared.ports import InvoiceRequest
from tests.builders import (
    NOW,
    asked_order,
    cancelled_order,
    declined_order,
    delivery,
    invoiced_order,
    mentee,
    moved_order,
    paid_order,
    refunding_order,
    scheduled_order,
)
from tests.unit.functions.chain import Chain

HOUR = timedelta(hours=1)


def at(order: Order, now: datetime, *, whatsapp: bool = False) -> Chain:
    """Return a world at this time, with this order, which is due."""
    chain = Chain(whatsapp=whatsapp)
    chain.put(msgspec.structs.replace(order, check_at=now))
    chain.clock.advance(now - NOW)
    return chain


def tick(chain: Chain) -> Tick:
    return chain.reconcile_orders()(chain.clock.now())


def kinds(chain: Chain) -> list[type[Event]]:
    return [type(event) for event in chain.said]


def test_a_silent_mentors_order_is_put_before_its_mentee_and_the_slot_is_free() -> None:
    asked = asked_order()
    assert asked.confirmation is not None
    chain = at(asked, asked.confirmation.answer_by)
    tick(chain)
    assert chain.order().status is Status.AWAITING_MENTEE
    assert chain.order().has_attention(MENTOR_SILENT)
    assert chain.bookings() == set()
    assert kinds(chain)[0] is SessionDeclined


def test_before_that_the_mentor_is_only_asked_again_if_nobody_heard() -> None:
    chain = at(asked_order(), NOW + HOUR)
    tick(chain)
    assert chain.order().status is Status.AWAITING_MENTOR
    assert kinds(chain) == [InvoicePaid, MentorAsked]
    for event in list(chain.said):
        chain.send_notification()(event)
    chain.events.events.clear()
    chain.put(msgspec.structs.replace(chain.order(), check_at=chain.clock.now()))
    assert tick(chain) == Tick(due=1)
    assert chain.events.events == []
    asked = chain.order().confirmation
    assert asked is not None
    assert chain.order().check_at == asked.answer_by


def test_a_mentee_who_did_not_choose_gets_the_money() -> None:
    chain = at(declined_order(), choose_by(declined_order()))
    tick(chain)
    assert chain.order().status is Status.CANCELLED
    assert [refund.state for refund in chain.order().refunds] == [MoneyBackState.DUE]
    expected: list[type[Event]] = [OrderCancelled, RefundDue]
    assert kinds(chain) == expected


def test_a_mentee_who_moved_meanwhile_is_not_called_off() -> None:
    chain = at(moved_order(), choose_by(declined_order()))
    chain.meetings.ensure(meeting_request(moved_order()))
    tick(chain)
    assert chain.order().status is Status.SCHEDULED


def test_a_refund_whose_webhook_was_lost_is_asked_about() -> None:
    chain = at(refunding_order(), NOW + 2 * HOUR)
    chain.invoices.create(InvoiceRequest(order=invoiced_order(), duration_s=24 * 60 * 60))
    chain.invoices.pay("inv-1")
    order = chain.order()
    started = chain.refunds.refund(refund_request(order, order.refunds[0]))
    known = msgspec.structs.replace(
        order.refunds[0], state=MoneyBackState.STARTED, refund_id=started.id
    )
    chain.put(msgspec.structs.replace(order, refunds=(known,)))
    tick(chain)
    assert chain.order().refunds[0].state is MoneyBackState.STARTED
    chain.refunds.finish(started.id, RefundStatus.SUCCEEDED)
    chain.put(msgspec.structs.replace(chain.order(), check_at=chain.clock.now()))
    tick(chain)
    assert chain.order().refunds[0].state is MoneyBackState.SUCCEEDED
    told = RefundUpdated(order_id=order.id, invoice_id="inv-1", state=MoneyBackState.SUCCEEDED)
    assert chain.events.events[-1] == told


def test_while_xendits_limit_is_low_refunds_wait_too() -> None:
    started = refunding_order(MoneyBackState.STARTED, refund_id="rfd-1")
    chain = at(started, NOW + 2 * HOUR)
    chain.invoices.budget_left = 0.4
    assert tick(chain) == Tick(due=1, postponed=1)
    assert chain.order().check_at == chain.clock.now() + LOOK_AFTER_CHANGE


def test_money_that_is_due_is_said_until_somebody_is_at_it() -> None:
    chain = at(refunding_order(), NOW + 2 * HOUR)
    for _ in range(3):
        tick(chain)
        check_at = chain.order().check_at
        assert check_at is not None
        chain.clock.advance(check_at - chain.clock.now())
    assert [type(e) for e in chain.events.events].count(RefundDue) == 3


def test_an_order_that_is_over_is_looked_after_until_its_money_is_back() -> None:
    owed = scheduled_order().with_refund(refunding_order().refunds[0], NOW)
    chain = at(owed, scheduled_order().session.ends_at)
    chain.meetings.ensure(meeting_request(owed))
    tick(chain)
    assert chain.order().status is Status.COMPLETED
    assert kinds(chain) == [RefundDue]
    assert chain.order().check_at is not None


def test_a_calendar_that_did_not_follow_a_move_is_seen_and_the_move_said_again() -> None:
    chain = at(moved_order(), NOW + 2 * HOUR)
    chain.meetings.ensure(meeting_request(scheduled_order()))
    tick(chain)
    assert OrderRescheduled in kinds(chain)
    chain.create_meeting()(next(e for e in chain.said if isinstance(e, OrderRescheduled)))
    (event,) = chain.meetings.live
    assert event.starts_at == moved_order().session.starts_at


@pytest.mark.parametrize("before", [scheduled_order(), paid_order()], ids=["met", "in the making"])
def test_an_event_that_was_left_of_an_order_that_is_off_is_found_and_cleared(
    before: Order,
) -> None:
    off = cancelled_order(before, obsolete_events=())
    chain = at(off, NOW + 2 * HOUR)
    chain.meetings.ensure(meeting_request(before))
    tick(chain)
    assert chain.order().obsolete_events == (event_id(before),)
    assert OrderCancelled in kinds(chain)
    chain.close_order()(next(e for e in chain.said if isinstance(e, OrderCancelled)))
    assert chain.meetings.live == []
    chain.put(msgspec.structs.replace(chain.order(), check_at=chain.clock.now()))
    tick(chain)
    assert chain.order().obsolete_events == ()


def test_an_event_of_a_time_before_is_cleared_though_the_order_goes_on() -> None:
    going_on = scheduled_order(event_generation=1, obsolete_events=(event_id(scheduled_order()),))
    chain = at(going_on, NOW + 2 * HOUR)
    for order in (scheduled_order(), going_on):
        chain.meetings.ensure(meeting_request(order))
    tick(chain)
    assert chain.order().obsolete_events == ()
    assert [event.event_id for event in chain.meetings.live] == [event_id(going_on)]


def test_what_has_been_heard_of_an_order_that_is_off_is_not_said_again() -> None:
    chain = at(cancelled_order(scheduled_order(), obsolete_events=(), refunds=()), NOW + 2 * HOUR)
    off = OrderCancelled(order_id=chain.order().id, by="mentee", refund=True)
    chain.send_notification()(off)
    assert tick(chain) == Tick(due=1)
    assert chain.order().check_at is None


def test_money_for_an_order_that_is_off_is_found_at_xendit() -> None:
    chain = at(cancelled_order(claims=1), NOW + 2 * HOUR)
    for _ in range(2):
        chain.invoices.create(InvoiceRequest(order=invoiced_order(), duration_s=24 * 60 * 60))
    chain.invoices.pay("inv-2")
    tick(chain)
    assert chain.payable == []
    assert [refund.invoice_id for refund in chain.order().refunds] == ["inv-2"]
    assert RefundDue in kinds(chain)


def test_what_arrived_on_a_phone_has_been_heard_and_what_did_not_is_said_again() -> None:
    order = invoiced_order()
    chain = at(order, NOW + HOUR, whatsapp=True)
    chain.invoices.create(InvoiceRequest(order=order, duration_s=24 * 60 * 60))
    tick(chain)
    (event,) = chain.said
    chain.send_notification()(event)
    (chat,) = chain.messenger.sent
    assert chat.to_phone == mentee().phone
    chain.put(msgspec.structs.replace(chain.order(), check_at=chain.clock.now()))
    assert tick(chain) == Tick(due=1)
    chain.deliveries.transact(chat.key, partial(mark_undelivered, reason="131026"))
    chain.put(msgspec.structs.replace(chain.order(), check_at=chain.clock.now()))
    assert tick(chain) == Tick(due=1, repeated=1)


def test_a_phone_beside_a_calendar_file_does_not_stand_for_the_mail() -> None:
    chain = at(scheduled_order(), NOW + HOUR, whatsapp=True)
    chain.meetings.ensure(meeting_request(scheduled_order()))
    for reader in ("mentee", "mentor"):
        key = f"{chain.order().id}:session_scheduled:{reader}"
        chain.deliveries.transact(f"{key}:whatsapp", lambda _: mark_sent(delivery(), now=NOW))
    tick(chain)
    assert "meeting.scheduled" in [event.topic for event in chain.said]
