"""close_order: what was opened for an order is taken back, and money that was faster goes back."""

import pytest

from shared.domain.events import OrderCancelled, RefundDue, SessionDeclined
from shared.domain.invoice import InvoiceStatus
from shared.domain.meetings import event_id, meeting_request
from shared.domain.order import Order, Status
from shared.errors import NotDoneError, RetryableError
from shared.ports import InvoiceRequest
from tests.builders import (
    cancelled_order,
    event_of,
    invoiced_order,
    order_in,
    paid_order,
    scheduled_order,
)
from tests.unit.functions.chain import Chain, Crash, CrashError, crash_points, redeliver

OFF = event_of(OrderCancelled)
DECLINED = event_of(SessionDeclined)
DUE = RefundDue(order_id=OFF.order_id, invoice_id="inv-1", amount=250_000)
CALLS_UNPAID = ["get", "find", "expire", "transact", "publish"]
CALLS_MET = ["get", "cancel", "transact", "publish"]


def unpaid() -> Chain:
    """Return a world where an order was called off whose invoice can still be paid."""
    chain = Chain()
    chain.invoices.create(InvoiceRequest(order=invoiced_order(), duration_s=24 * 60 * 60))
    chain.put(cancelled_order())
    return chain


def met(before: Order | None = None) -> Chain:
    """Return a world where a paid order was called off whose event is in the calendars."""
    chain = Chain()
    before = before or scheduled_order()
    chain.meetings.ensure(meeting_request(before))
    chain.put(cancelled_order(before))
    return chain


def test_the_invoice_of_an_order_that_is_off_cannot_be_paid_any_more() -> None:
    chain, crash = unpaid(), Crash()
    chain.close_order(crash)(OFF)
    assert crash.calls == CALLS_UNPAID
    assert chain.payable == []
    assert chain.order() == cancelled_order()
    assert chain.events.events == []


@pytest.mark.parametrize(("at", "after"), crash_points(CALLS_UNPAID))
def test_after_a_crash_at_any_call_nothing_can_be_paid(at: int, *, after: bool) -> None:
    chain = unpaid()
    with pytest.raises(CrashError):
        chain.close_order(Crash(at, after=after))(OFF)
    redeliver(chain.clock, lambda: chain.close_order()(OFF))
    assert chain.payable == []


def test_every_invoice_of_it_is_closed() -> None:
    chain = unpaid()
    for _ in range(2):
        chain.invoices.create(InvoiceRequest(order=invoiced_order(), duration_s=60 * 60))
    chain.close_order()(OFF)
    assert {invoice.status for invoice in chain.invoices.all} == {InvoiceStatus.EXPIRED}


def test_money_that_was_faster_goes_back() -> None:
    chain = unpaid()
    chain.invoices.pay("inv-1")
    for _ in range(2):
        chain.close_order()(OFF)
    assert chain.said == [DUE]
    assert [refund.invoice_id for refund in chain.order().refunds] == ["inv-1"]


def test_money_that_comes_between_the_look_and_the_closing_is_left_to_its_webhook() -> None:
    chain = unpaid()
    chain.invoices.faults.before("expire", RetryableError("it was just paid"))
    with pytest.raises(RetryableError):
        chain.close_order()(OFF)
    chain.invoices.pay("inv-1")
    chain.close_order()(OFF)
    assert chain.said == [DUE]


@pytest.mark.parametrize("before", [scheduled_order(), paid_order()], ids=["made", "in the making"])
def test_the_event_of_an_order_that_is_off_goes_out_of_the_calendars(before: Order) -> None:
    chain, crash = met(before), Crash()
    chain.close_order(crash)(OFF)
    assert crash.calls == CALLS_MET
    assert chain.meetings.live == []
    assert chain.order().obsolete_events == ()
    # The refund was due before, and is said again.
    assert chain.events.events == [DUE]


@pytest.mark.parametrize(("at", "after"), crash_points(CALLS_MET))
def test_after_a_crash_at_any_call_no_event_is_left(at: int, *, after: bool) -> None:
    chain = met()
    with pytest.raises(CrashError):
        chain.close_order(Crash(at, after=after))(OFF)
    redeliver(chain.clock, lambda: chain.close_order()(OFF))
    assert chain.meetings.live == []
    assert chain.order().obsolete_events == ()


def test_an_event_that_never_was_in_the_calendar_is_no_trouble() -> None:
    chain = Chain()
    chain.put(cancelled_order(paid_order()))
    chain.close_order()(OFF)
    assert chain.order().obsolete_events == ()


def test_a_calendar_that_is_busy_leaves_the_event_to_the_next_delivery() -> None:
    chain = met()
    chain.meetings.faults.before("cancel", NotDoneError("429", retry_after=30))
    with pytest.raises(NotDoneError):
        chain.close_order()(OFF)
    assert chain.order().obsolete_events == (event_id(scheduled_order()),)
    chain.close_order()(OFF)
    assert chain.meetings.live == []


def test_the_event_of_a_declined_session_goes_and_its_payment_stays() -> None:
    chain = Chain()
    old = event_id(scheduled_order())
    chain.meetings.ensure(meeting_request(scheduled_order()))
    declined = order_in(Status.AWAITING_MENTEE)
    chain.put(scheduled_order(status=declined.status, obsolete_events=(old,), event_generation=1))
    crash = Crash()
    chain.close_order(crash)(DECLINED)
    assert crash.calls == CALLS_MET
    assert (chain.meetings.live, chain.order().refunds) == ([], ())


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.CANCELLED}))
def test_an_order_that_goes_on_keeps_its_invoice_and_its_event(status: Status) -> None:
    chain = Chain()
    chain.invoices.create(InvoiceRequest(order=invoiced_order(), duration_s=24 * 60 * 60))
    chain.meetings.ensure(meeting_request(scheduled_order()))
    chain.put(order_in(status))
    crash = Crash()
    chain.close_order(crash)(OFF)
    assert crash.calls == ["get", "publish"]
    assert (chain.payable, len(chain.meetings.live)) == (["inv-1"], 1)


def test_an_order_that_is_not_there_yet_is_looked_for_again() -> None:
    with pytest.raises(RetryableError, match="NUS-2026-000123 is not in the store"):
        Chain().close_order()(OFF)
