"""refund_payment: money goes back once, or a person is asked to what account."""

from functools import partial

import msgspec
import pytest

from shared.domain.events import AttentionRaised, RefundDue, RefundUpdated
from shared.domain.order import MoneyBackState, Order
from shared.domain.refund import RefundStatus
from shared.domain.refunds import REFUND_FAILED, WANTS_ACCOUNT, record_refund
from shared.errors import NotDoneError, NotRefundableError, PermanentError, RetryableError
from shared.ports import InvoiceRequest
from tests.builders import NOW, event_of, invoiced_order, paid_order, refunding_order
from tests.unit.functions.chain import Chain, Crash, CrashError, crash_points, redeliver

DUE = event_of(RefundDue)
CALLS = ["get", "refund", "transact", "publish"]


def owing() -> Chain:
    """Return a world where the money of a paid invoice is due to go back."""
    chain = Chain()
    chain.invoices.create(InvoiceRequest(order=invoiced_order(), duration_s=24 * 60 * 60))
    chain.invoices.pay("inv-1")
    chain.put(refunding_order())
    return chain


def updated(state: MoneyBackState) -> RefundUpdated:
    return RefundUpdated(order_id=DUE.order_id, invoice_id="inv-1", state=state)


def state(chain: Chain) -> MoneyBackState:
    (refund,) = chain.order().refunds
    return refund.state


def test_the_provider_is_asked_for_the_whole_payment_and_that_is_said() -> None:
    chain, crash = owing(), Crash()
    chain.refund_payment(crash)(DUE)
    assert crash.calls == CALLS
    (given,) = chain.refunds.all
    assert (given.invoice_id, given.amount, given.currency) == ("inv-1", 250_000, "IDR")
    assert chain.order().refunds[0].refund_id == given.id
    assert chain.events.events == [updated(MoneyBackState.STARTED)]


@pytest.mark.parametrize(("at", "after"), crash_points(CALLS))
def test_after_a_crash_at_any_call_the_money_goes_back_once(at: int, *, after: bool) -> None:
    chain = owing()
    with pytest.raises(CrashError):
        chain.refund_payment(Crash(at, after=after))(DUE)
    redeliver(chain.clock, lambda: chain.refund_payment()(DUE))
    assert len(chain.refunds.all) == 1
    assert state(chain) is MoneyBackState.STARTED
    assert chain.said == [updated(MoneyBackState.STARTED)]


def test_a_lost_answer_is_asked_for_again_under_the_same_key() -> None:
    chain = owing()
    chain.refunds.faults.after("refund", RetryableError("timeout"))
    with pytest.raises(RetryableError, match="timeout"):
        chain.refund_payment()(DUE)
    assert state(chain) is MoneyBackState.DUE
    chain.refund_payment()(DUE)
    assert len(chain.refunds.all) == 1


def test_an_event_that_comes_again_asks_for_nothing_again() -> None:
    chain, crash = owing(), Crash()
    chain.refund_payment()(DUE)
    chain.refund_payment(crash)(DUE)
    assert crash.calls == ["get", "publish"]
    assert chain.events.events == 2 * [updated(MoneyBackState.STARTED)]


def test_a_way_of_payment_that_takes_no_refunds_needs_an_account_and_no_admin() -> None:
    chain = owing()
    chain.refunds.unrefundable.add("inv-1")
    for _ in range(2):
        chain.refund_payment()(DUE)
    assert chain.refunds.all == []
    assert chain.order().attention == ()
    assert chain.said == [updated(MoneyBackState.ACCOUNT_WANTED)]


def test_a_refund_that_the_provider_refuses_needs_both() -> None:
    chain = owing()
    chain.refunds.faults.before("refund", PermanentError("400"), PermanentError("400"))
    for _ in range(2):
        chain.refund_payment()(DUE)
    assert chain.refunds.all == []
    assert chain.said == [
        updated(MoneyBackState.FAILED),
        AttentionRaised(order_id=DUE.order_id, reason=REFUND_FAILED, since=NOW),
    ]


def test_what_was_refused_to_one_delivery_and_done_for_another_does_not_go_by_hand_too() -> None:
    chain = owing()
    chain.refunds.faults.after("refund", RetryableError("timeout"))
    with pytest.raises(RetryableError, match="timeout"):
        chain.refund_payment()(DUE)
    chain.refunds.faults.before("refund", PermanentError("400"))
    chain.refund_payment()(DUE)
    assert state(chain) is MoneyBackState.FAILED
    chain.refund_payment()(DUE)  # the first, once more
    assert len(chain.refunds.all) == 1
    assert state(chain) is MoneyBackState.STARTED


def test_a_refund_that_failed_at_the_provider_is_not_asked_for_again() -> None:
    chain, crash = owing(), Crash()
    chain.refund_payment()(DUE)
    (given,) = chain.refunds.all
    failed = msgspec.structs.replace(given, status=RefundStatus.FAILED)
    chain.orders.transact(DUE.order_id, partial(record_refund, told=failed, now=chain.clock.now()))
    chain.refund_payment(crash)(DUE)
    assert crash.calls == ["get", "publish"]


@pytest.mark.parametrize("error", [PermanentError("400"), NotRefundableError("BANK")])
@pytest.mark.parametrize(("at", "after"), crash_points(CALLS)[4:])
def test_after_a_crash_at_any_call_of_a_refusal_the_mentee_is_asked(
    error: PermanentError, at: int, *, after: bool
) -> None:
    chain = owing()
    chain.refunds.faults.before("refund", error, error)
    with pytest.raises(CrashError):
        chain.refund_payment(Crash(at, after=after))(DUE)
    redeliver(chain.clock, lambda: chain.refund_payment()(DUE))
    assert state(chain) in {MoneyBackState.FAILED, MoneyBackState.ACCOUNT_WANTED}
    assert updated(state(chain)) in chain.said


def test_while_there_is_no_money_to_give_back_it_stays_due() -> None:
    chain = owing()
    chain.refunds.no_balance = True
    with pytest.raises(NotDoneError) as caught:
        chain.refund_payment()(DUE)
    assert caught.value.retry_after == 3600
    assert state(chain) is MoneyBackState.DUE
    chain.refunds.no_balance = False
    chain.refund_payment()(DUE)
    assert state(chain) is MoneyBackState.STARTED


def test_each_payment_goes_back_by_itself() -> None:
    chain = owing()
    chain.invoices.create(InvoiceRequest(order=invoiced_order(), duration_s=24 * 60 * 60))
    chain.invoices.pay("inv-2", amount=249_000)
    both = refunding_order()
    other = RefundDue(order_id=DUE.order_id, invoice_id="inv-2", amount=249_000)
    chain.put(both.with_refund(refunding_order(invoice_id="inv-2", amount=249_000).refunds[0], NOW))
    for event in (DUE, other, DUE, other):
        chain.refund_payment()(event)
    assert [(r.invoice_id, r.amount) for r in chain.refunds.all] == [
        ("inv-1", 250_000),
        ("inv-2", 249_000),
    ]


@pytest.mark.parametrize(
    "state", sorted(set(MoneyBackState) - WANTS_ACCOUNT - {MoneyBackState.DUE})
)
def test_what_is_not_due_any_more_is_not_asked_for(state: MoneyBackState) -> None:
    chain, crash = owing(), Crash()
    chain.put(refunding_order(state))
    chain.refund_payment(crash)(DUE)
    assert crash.calls == ["get", "publish"]
    assert chain.said == [updated(state)]


@pytest.mark.parametrize("orders", [(), (paid_order(),)], ids=["no order", "an old copy"])
def test_a_refund_that_the_order_does_not_show_yet_is_looked_for_again(
    orders: tuple[Order, ...],
) -> None:
    chain = Chain()
    chain.put(*orders)
    with pytest.raises(RetryableError, match="does not show this refund yet"):
        chain.refund_payment()(DUE)
