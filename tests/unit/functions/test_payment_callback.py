"""payment_callback: nothing that a webhook says is believed before the provider confirms it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from functions.payment_callback.use_case import InvoiceCallback, Outcome
from shared.domain.billing import AMOUNT_MISMATCH
from shared.domain.confirmation import SLOT_WENT
from shared.domain.events import (
    AttentionRaised,
    InvoiceExpired,
    InvoicePaid,
    RefundDue,
    SessionDeclined,
)
from shared.domain.order import Status
from shared.domain.placement import INVOICE_REFUSED, reject
from shared.errors import RetryableError
from shared.ports import InvoiceRequest
from tests.builders import NOW, cancelled_order, mentor, order, order_created, order_in
from tests.unit.functions.chain import CLAIM, Chain, Crash, CrashError, crash_points, redeliver

EVENT = order_created()
CALLS = ["get", "get", "transact", "publish"]
PAID = InvoiceCallback(external_id=EVENT.order_id, id="inv-1", status="PAID")
EXPIRED = InvoiceCallback(external_id=EVENT.order_id, id="inv-1", status="EXPIRED")
REQUEST = InvoiceRequest(order=order(), duration_s=24 * 60 * 60)
DAY = timedelta(hours=24)


def invoiced() -> Chain:
    chain = Chain()
    chain.create_invoice()(EVENT)
    chain.events.events.clear()
    return chain


def pending() -> Chain:
    """Return a world in which the invoice was made and the crash came before it was recorded."""
    chain = Chain()
    with pytest.raises(CrashError):
        chain.create_invoice(Crash(4, after=True))(EVENT)
    return chain


def rejected() -> Chain:
    chain = Chain()
    chain.put(order_in(Status.REJECTED))
    return chain


def paid_event(invoice_id: str = "inv-1", after: timedelta = timedelta(0)) -> InvoicePaid:
    return InvoicePaid(
        order_id=EVENT.order_id, invoice_id=invoice_id, paid_at=NOW + after, price=EVENT.price
    )


def refund_due(invoice_id: str = "inv-1") -> RefundDue:
    return RefundDue(order_id=EVENT.order_id, invoice_id=invoice_id, amount=250_000)


def attention(reason: str, after: timedelta = timedelta(0)) -> AttentionRaised:
    return AttentionRaised(order_id=EVENT.order_id, reason=reason, since=NOW + after)


@pytest.mark.parametrize("status", ["PAID", "SETTLED"])
def test_a_confirmed_payment_makes_the_order_paid_and_says_so(status: str) -> None:
    chain, crash = invoiced(), Crash()
    chain.invoices.pay("inv-1")
    callback = InvoiceCallback(external_id=EVENT.order_id, id="inv-1", status=status)
    assert chain.handle_callback(crash)(callback) is Outcome.PAID
    assert crash.calls == CALLS
    assert chain.order().status is Status.PAID
    assert chain.events.events == [paid_event()]
    assert chain.bookings() == {order().booking}


@pytest.mark.parametrize(("at", "after"), crash_points(CALLS))
def test_after_a_crash_at_any_call_the_payment_is_said_once(at: int, *, after: bool) -> None:
    chain = invoiced()
    chain.invoices.pay("inv-1")
    with pytest.raises(CrashError):
        chain.handle_callback(Crash(at, after=after))(PAID)
    redeliver(chain.clock, lambda: chain.handle_callback()(PAID))
    assert chain.order().status is Status.PAID
    assert chain.said == [paid_event()]


def test_a_webhook_that_comes_again_says_the_same_again() -> None:
    chain = invoiced()
    chain.invoices.pay("inv-1")
    chain.handle_callback()(PAID)
    writes = chain.orders.writes
    assert chain.handle_callback()(PAID) is Outcome.UNCHANGED
    assert chain.said == [paid_event()]
    assert chain.orders.writes == writes


def test_an_expired_invoice_frees_the_slot() -> None:
    chain = invoiced()
    chain.clock.advance(DAY)
    assert chain.handle_callback()(EXPIRED) is Outcome.EXPIRED
    assert chain.bookings() == set()
    assert chain.events.events == [InvoiceExpired(order_id=EVENT.order_id, invoice_id="inv-1")]
    assert chain.handle_callback()(EXPIRED) is Outcome.UNCHANGED


@pytest.mark.parametrize("status", ["EXPIRED", "PENDING", "NEW_WORD", ""])
def test_a_webhook_that_the_provider_does_not_confirm_changes_nothing(status: str) -> None:
    chain = invoiced()
    before = chain.order()
    callback = InvoiceCallback(external_id=EVENT.order_id, status=status)
    assert chain.handle_callback()(callback) is Outcome.UNCHANGED
    assert chain.order() == before


@pytest.mark.parametrize("world", [invoiced, pending, rejected])
def test_an_unconfirmed_payment_changes_nothing_and_is_looked_at_again(
    world: Callable[[], Chain],
) -> None:
    chain = world()
    before = chain.order()
    with pytest.raises(RetryableError, match="does not confirm"):
        chain.handle_callback()(PAID)
    assert chain.order() == before
    assert [event for event in chain.said if isinstance(event, InvoicePaid)] == []


def test_the_invoice_of_another_order_pays_nothing() -> None:
    chain = invoiced()
    other = order_created(order_id="other", mentor=mentor(id="m-5"))
    chain.create_invoice()(other)
    chain.invoices.pay("inv-2")
    before = chain.order()
    with pytest.raises(RetryableError, match="does not confirm"):
        chain.handle_callback()(
            InvoiceCallback(external_id=EVENT.order_id, id="inv-2", status="PAID")
        )
    assert (chain.order(), chain.order("other").status) == (before, Status.INVOICED)


@pytest.mark.parametrize(
    "order_id", ["unknown", "", "a/b", "../NUS-2026-000123", "..", "a b", "a" * 500, "ä\n"]
)
def test_an_order_that_is_not_ours_is_left_alone(order_id: str) -> None:
    chain, crash = invoiced(), Crash()
    callback = InvoiceCallback(external_id=order_id, id="inv-1", status="PAID")
    assert chain.handle_callback(crash)(callback) is Outcome.UNKNOWN_ORDER
    assert crash.calls in (["get"], [])
    assert chain.events.events == []


def test_a_webhook_that_is_faster_than_our_own_record_is_heard() -> None:
    chain = pending()
    chain.invoices.pay("inv-1")
    assert chain.handle_callback()(PAID) is Outcome.PAID
    assert chain.said == [paid_event()]
    chain.clock.advance(CLAIM)
    chain.create_invoice()(EVENT)
    assert chain.order().status is Status.PAID
    assert chain.said == [paid_event()]
    assert len(chain.invoices.all) == 1


def test_a_spare_invoice_that_expires_leaves_the_order_its_slot() -> None:
    chain = invoiced()
    chain.invoices.create(REQUEST)
    chain.invoices.expire("inv-2")
    callback = InvoiceCallback(external_id=EVENT.order_id, id="inv-2", status="EXPIRED")
    assert chain.handle_callback()(callback) is Outcome.UNCHANGED
    assert chain.order().status is Status.INVOICED
    assert chain.bookings() == {order().booking}


def test_a_paid_spare_invoice_pays_the_order_and_closes_the_one_that_was_shown() -> None:
    chain = invoiced()
    chain.invoices.create(REQUEST)
    chain.invoices.pay("inv-2")
    callback = InvoiceCallback(external_id=EVENT.order_id, id="inv-2", status="PAID")
    with pytest.raises(CrashError):  # between the recording and the closing
        chain.handle_callback(Crash(6))(callback)
    assert chain.order().status is Status.PAID
    assert chain.payable == ["inv-1"]
    chain.handle_callback()(callback)
    assert chain.payable == []
    assert chain.said == [paid_event("inv-2")]


def test_a_second_payment_goes_back() -> None:
    chain = invoiced()
    chain.invoices.create(REQUEST)
    chain.invoices.pay("inv-1")
    chain.invoices.pay("inv-2")
    chain.handle_callback()(PAID)
    second = InvoiceCallback(external_id=EVENT.order_id, id="inv-2", status="PAID")
    assert chain.handle_callback()(second) is Outcome.REFUND
    assert chain.said == [paid_event(), refund_due("inv-2")]
    assert (chain.order().status, chain.order().attention) == (Status.PAID, ())
    assert chain.handle_callback()(second) is Outcome.UNCHANGED


def test_a_wrong_amount_is_put_before_the_admin_and_pays_nothing() -> None:
    chain = invoiced()
    chain.invoices.pay("inv-1", amount=1)
    assert chain.handle_callback()(PAID) is Outcome.ATTENTION
    assert chain.order().status is Status.INVOICED
    assert chain.events.events == [attention(AMOUNT_MISMATCH)]


def test_money_for_a_rejected_order_goes_back() -> None:
    chain = pending()
    chain.orders.transact(
        EVENT.order_id,
        lambda o, d: reject(o, d, reason=INVOICE_REFUSED, now=NOW),
        order().day_keys,
    )
    chain.invoices.pay("inv-1")
    assert chain.handle_callback()(PAID) is Outcome.REFUND
    assert chain.said == [refund_due()]
    assert chain.handle_callback()(PAID) is Outcome.UNCHANGED


@pytest.mark.parametrize(("at", "after"), crash_points(CALLS))
def test_after_a_crash_at_any_call_money_for_a_closed_order_goes_back_once(
    at: int, *, after: bool
) -> None:
    chain = invoiced()
    chain.put(cancelled_order(chain.order()))
    chain.invoices.pay("inv-1")
    with pytest.raises(CrashError):
        chain.handle_callback(Crash(at, after=after))(PAID)
    redeliver(chain.clock, lambda: chain.handle_callback()(PAID))
    assert [refund.amount for refund in chain.order().refunds] == [250_000]
    assert chain.said == [refund_due()]


def expired_then_paid() -> Chain:
    """Return a world in which the spare invoice was paid after the order had expired."""
    chain = invoiced()
    chain.clock.advance(DAY)
    chain.handle_callback()(EXPIRED)
    chain.invoices.create(REQUEST)
    chain.invoices.pay("inv-2")
    return chain


LATE = InvoiceCallback(external_id=EVENT.order_id, id="inv-2", status="PAID")


def test_late_money_buys_the_slot_back_while_it_is_free() -> None:
    chain = expired_then_paid()
    assert chain.handle_callback()(LATE) is Outcome.PAID
    assert chain.bookings() == {order().booking}
    assert chain.said[1:] == [paid_event("inv-2", after=DAY)]


def test_late_money_for_a_slot_that_is_sold_again_is_put_before_the_mentee() -> None:
    chain = expired_then_paid()
    chain.create_invoice()(order_created(order_id="other"))
    assert chain.handle_callback()(LATE) is Outcome.PAID
    assert chain.order().status is Status.AWAITING_MENTEE
    assert {booking.order_id for booking in chain.bookings()} == {"other"}
    declined = SessionDeclined(order_id=EVENT.order_id, reason=SLOT_WENT, revision=0)
    assert chain.said[-1] == declined
    assert chain.order().refunds == ()
