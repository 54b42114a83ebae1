"""payment_callback about refunds: only what the provider itself says of a refund is recorded."""

import pytest

from functions.payment_callback.refund_webhook import RefundCallback
from functions.payment_callback.use_case import Outcome
from shared.domain.events import AttentionRaised, RefundDue, RefundUpdated
from shared.domain.order import MoneyBackState
from shared.domain.refund import RefundRequest, RefundStatus
from shared.domain.refunds import REFUND_FAILED
from shared.errors import NotDoneError
from shared.ports import InvoiceRequest
from tests.builders import NOW, event_of, invoiced_order, refunding_order
from tests.unit.functions.chain import Chain, Crash, CrashError, crash_points, redeliver

ORDER_ID = invoiced_order().id
CALLBACK = RefundCallback(
    event="refund.succeeded", refund_id="rfd-1", invoice_id="inv-1", order_id=ORDER_ID
)
CALLS = ["get", "get", "transact", "publish"]


def started(status: RefundStatus | None = RefundStatus.SUCCEEDED) -> Chain:
    """Return a world where a refund was started, and has ended so since."""
    chain = Chain()
    chain.invoices.create(InvoiceRequest(order=invoiced_order(), duration_s=24 * 60 * 60))
    chain.invoices.pay("inv-1")
    chain.put(refunding_order())
    due = refunding_order().refunds[0]
    asked = RefundRequest(
        key=f"refund-{ORDER_ID}-inv-1",
        order_id=ORDER_ID,
        invoice_id=due.invoice_id,
        amount=due.amount,
        currency="IDR",
    )
    chain.refunds.refund(asked)
    if status is not None:
        chain.refunds.finish("rfd-1", status)
    return chain


def updated(state: MoneyBackState) -> RefundUpdated:
    return RefundUpdated(order_id=ORDER_ID, invoice_id="inv-1", state=state)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (None, MoneyBackState.STARTED),
        (RefundStatus.SUCCEEDED, MoneyBackState.SUCCEEDED),
        (RefundStatus.FAILED, MoneyBackState.FAILED),
        (RefundStatus.CANCELLED, MoneyBackState.FAILED),
        (RefundStatus.UNKNOWN, MoneyBackState.STARTED),
    ],
)
@pytest.mark.parametrize("said", ["refund.succeeded", "refund.failed", "refund.new_word"])
def test_what_the_provider_says_counts_whatever_the_webhook_says(
    said: str, status: RefundStatus | None, state: MoneyBackState
) -> None:
    chain, crash = started(status), Crash()
    callback = RefundCallback(event=said, refund_id="rfd-1", order_id=ORDER_ID)
    assert chain.handle_refund_callback(crash)(callback) is Outcome.REFUND
    assert crash.calls == CALLS
    failed = AttentionRaised(order_id=ORDER_ID, reason=REFUND_FAILED, since=NOW)
    assert chain.said == [updated(state), *([failed] if state is MoneyBackState.FAILED else [])]
    assert chain.handle_refund_callback()(callback) is Outcome.UNCHANGED


@pytest.mark.parametrize(("at", "after"), crash_points(CALLS))
def test_after_a_crash_at_any_call_it_is_said(at: int, *, after: bool) -> None:
    chain = started()
    with pytest.raises(CrashError):
        chain.handle_refund_callback(Crash(at, after=after))(CALLBACK)
    redeliver(chain.clock, lambda: chain.handle_refund_callback()(CALLBACK))
    assert chain.said == [updated(MoneyBackState.SUCCEEDED)]


def test_a_webhook_that_names_no_order_is_led_to_it_by_the_invoice() -> None:
    chain = started()
    callback = RefundCallback(event="refund.succeeded", refund_id="rfd-1")
    assert chain.handle_refund_callback()(callback) is Outcome.REFUND
    assert chain.said == [updated(MoneyBackState.SUCCEEDED)]


@pytest.mark.parametrize(
    "callback",
    [
        RefundCallback(event="refund.succeeded", refund_id="rfd-9", order_id=ORDER_ID),
        RefundCallback(event="refund.succeeded", refund_id="rfd-1", order_id="unknown"),
        RefundCallback(event="refund.succeeded", refund_id="rfd-1", order_id="../x"),
        RefundCallback(event="refund.succeeded", refund_id="rfd-1", order_id=""),
    ],
    ids=["no refund", "no order", "no id", "empty"],
)
def test_what_is_not_ours_is_left_alone(callback: RefundCallback) -> None:
    chain = started()
    assert chain.handle_refund_callback()(callback) is Outcome.UNKNOWN_ORDER
    assert chain.order() == refunding_order()
    assert chain.events.events == []


def test_a_webhook_that_is_faster_than_our_own_record_is_heard_once() -> None:
    chain = started()
    chain.handle_refund_callback()(CALLBACK)
    chain.refund_payment()(event_of(RefundDue))
    assert len(chain.refunds.all) == 1
    assert chain.order().refunds[0].state is MoneyBackState.SUCCEEDED
    assert chain.order().refunds[0].refund_id == "rfd-1"


def test_a_provider_that_is_busy_is_asked_again_later() -> None:
    chain = started()
    chain.refunds.faults.before("get", NotDoneError("429", retry_after=30))
    with pytest.raises(NotDoneError):
        chain.handle_refund_callback()(CALLBACK)
    assert chain.order() == refunding_order()
