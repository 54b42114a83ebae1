"""The invoice's life: the first one stays, and only money that fits makes an order paid."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.billing import AMOUNT_MISMATCH, attach_invoice, settle
from shared.domain.confirmation import SLOT_WENT
from shared.domain.invoice import Invoice, InvoiceStatus
from shared.domain.order import (
    LOOK_AFTER_CHANGE,
    Change,
    MoneyBack,
    MoneyBackState,
    Order,
    OrderInvoice,
    Payment,
    Status,
)
from tests.builders import (
    NOW,
    days,
    invoice,
    invoiced_order,
    order,
    order_in,
    paid_invoice,
    paid_order,
    session,
)

LATER = NOW + timedelta(minutes=20)
NEXT_DAY = NOW + timedelta(hours=25)
MINUTE = timedelta(minutes=1)
EXPIRED = invoice(status=InvoiceStatus.EXPIRED)
PAYMENT = Payment(
    invoice_id="inv-1",
    amount=250_000,
    paid_at=NOW + timedelta(minutes=10),
    method="BANK_TRANSFER",
    channel="BCA",
)


# In these the sample order has its payment.
HAS_MONEY = sorted(status for status in Status if order_in(status).payment is not None)


def due(invoice_id: str = "inv-1", amount: int = 250_000, since: datetime = LATER) -> MoneyBack:
    return MoneyBack(invoice_id=invoice_id, amount=amount, state=MoneyBackState.DUE, since=since)


def settled(current: Order, told: Invoice) -> Change:
    return settle(current, days(current), invoice=told, now=LATER)


def test_the_invoice_of_a_pending_order_is_recorded() -> None:
    change = attach_invoice(order(), {}, invoice=invoice(), now=NOW)
    assert change.order.status is Status.INVOICED
    assert change.order.invoice == OrderInvoice(
        id="inv-1", url="https://checkout.example.com/inv-1", expires_at=NOW + timedelta(hours=24)
    )
    # Two hours before it expires, or at two thirds of a short life.
    assert change.order.next_reminder_at == NOW + timedelta(hours=22)
    assert change.days == ()


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.PENDING}))
def test_the_first_invoice_that_was_recorded_stays(status: Status) -> None:
    current = order_in(status)
    second = invoice(id="inv-2")
    assert attach_invoice(current, {}, invoice=second, now=LATER) == Change(order=current)


def test_an_order_becomes_paid_with_what_the_provider_tells() -> None:
    change = settled(invoiced_order(), paid_invoice())
    assert (change.order.status, change.order.payment) == (Status.PAID, PAYMENT)
    assert change.days == ()
    assert change.order.attention == ()


def test_a_payment_without_details_is_as_good() -> None:
    bare = invoice(status=InvoiceStatus.PAID)
    payment = settled(invoiced_order(), bare).order.payment
    assert payment == Payment(invoice_id="inv-1", amount=250_000, paid_at=LATER)


def test_a_payment_that_is_faster_than_our_record_brings_the_invoice_along() -> None:
    paid = settled(order(), paid_invoice()).order
    assert [change.status for change in paid.history] == ["pending", "invoiced", "paid"]
    assert paid.invoice == invoiced_order().invoice
    assert paid.payment == PAYMENT


def test_an_order_expires_with_its_invoice_and_gives_its_slot_back() -> None:
    current = invoiced_order()
    other = order(id="other", session=session(starts_at=session().ends_at))
    change = settle(current, days(current, other), invoice=EXPIRED, now=NEXT_DAY)
    assert change.order == current.moved_to(Status.EXPIRED, NEXT_DAY)
    assert change.order.next_reminder_at is None
    assert list(change.days) == list(days(other).values())


def test_a_spare_invoice_that_expires_changes_nothing() -> None:
    spare = msgspec.structs.replace(EXPIRED, id="inv-2")
    assert settled(invoiced_order(), spare) == Change(order=invoiced_order())


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.INVOICED}))
def test_an_expired_invoice_expires_only_an_order_that_waits_on_it(status: Status) -> None:
    assert settled(order_in(status), EXPIRED) == Change(order=order_in(status))


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("told", [InvoiceStatus.PENDING, InvoiceStatus.UNKNOWN])
def test_an_invoice_that_is_neither_paid_nor_expired_changes_nothing(
    status: Status, told: InvoiceStatus
) -> None:
    assert settled(order_in(status), invoice(status=told)) == Change(order=order_in(status))


@pytest.mark.parametrize("status", HAS_MONEY)
def test_the_same_payment_said_again_changes_nothing(status: Status) -> None:
    assert settled(order_in(status), paid_invoice()) == Change(order=order_in(status))


@pytest.mark.parametrize("status", HAS_MONEY)
@pytest.mark.parametrize("amount", [250_000, 1])
def test_a_second_payment_goes_back_whatever_it_was(status: Status, amount: int) -> None:
    current = order_in(status)
    second = settled(current, paid_invoice(id="inv-2", paid_amount=amount))
    assert second == Change(order=current.with_refund(due("inv-2", amount), LATER))
    assert second.order.attention == ()
    assert settled(second.order, paid_invoice(id="inv-2", paid_amount=amount)) == second


def test_each_payment_that_is_too_many_goes_back_by_itself() -> None:
    once = settled(paid_order(), paid_invoice(id="inv-2")).order
    twice = settled(once, paid_invoice(id="inv-3")).order
    assert twice.refunds == (due("inv-2"), due("inv-3"))
    assert (twice.status, twice.payment) == (Status.PAID, PAYMENT)


@pytest.mark.parametrize("status", [Status.REJECTED, Status.CANCELLED])
@pytest.mark.parametrize("amount", [250_000, 249_999, 250_001])
def test_money_for_a_closed_order_goes_back_as_much_as_came(status: Status, amount: int) -> None:
    change = settled(order_in(status), paid_invoice(paid_amount=amount))
    assert change.order.status is status
    assert change.order.payment == msgspec.structs.replace(PAYMENT, amount=amount)
    assert change.order.refunds == (due(amount=amount),)
    assert change.order.attention == ()
    assert change.days == ()
    assert settled(change.order, paid_invoice(paid_amount=amount)) == Change(order=change.order)


def test_money_that_goes_back_is_seen_to_soon() -> None:
    change = settled(order_in(Status.REJECTED), paid_invoice())
    assert change.order.check_at == NOW + LOOK_AFTER_CHANGE  # which was sooner than after this
    late = msgspec.structs.replace(order_in(Status.REJECTED), check_at=None)
    assert settled(late, paid_invoice()).order.check_at == LATER + LOOK_AFTER_CHANGE


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 249_999},
        {"amount": 2_500_000, "paid_amount": 2_500_000},
        {"currency": "USD"},
        {"paid_amount": 249_999},
        {"paid_amount": 250_001},
        {"paid_amount": 0},
    ],
)
@pytest.mark.parametrize(
    "status",
    [Status.PENDING, Status.INVOICED, Status.EXPIRED],
)
def test_money_that_does_not_fit_the_price_pays_nothing(
    wrong: dict[str, Any], status: Status
) -> None:
    current = order_in(status)
    change = settled(current, paid_invoice(**wrong))
    assert change == Change(order=current.with_attention(AMOUNT_MISMATCH, LATER))


def test_late_money_buys_the_slot_back_while_it_is_free() -> None:
    current = order_in(Status.EXPIRED)
    neighbour = order(id="other", session=session(starts_at=session().ends_at))
    change = settle(current, days(neighbour), invoice=paid_invoice(), now=NEXT_DAY)
    assert (change.order.status, change.order.payment) == (Status.PAID, PAYMENT)
    assert change.order.reason == "paid after expiry"
    assert list(change.days) == list(days(neighbour, current).values())


def test_late_money_for_a_taken_slot_is_put_before_the_mentee() -> None:
    current = order_in(Status.EXPIRED)
    taken = order(id="other", session=session(starts_at=session().starts_at + 59 * MINUTE))
    change = settle(current, days(taken), invoice=paid_invoice(), now=NEXT_DAY)
    paid = msgspec.structs.replace(current, payment=PAYMENT)
    assert change == Change(order=paid.moved_to(Status.AWAITING_MENTEE, NEXT_DAY, SLOT_WENT))
    assert (change.order.refunds, change.order.attention) == ((), ())
    again = settle(change.order, days(), invoice=paid_invoice(), now=NEXT_DAY)
    assert again == Change(order=change.order)


def test_late_money_buys_no_slot_that_is_nearer_to_another_than_the_mentors_buffer() -> None:
    near = order(id="other", session=session(starts_at=session().ends_at + 14 * MINUTE))
    for buffer, status in ((14, Status.PAID), (15, Status.AWAITING_MENTEE)):
        current = msgspec.structs.replace(order_in(Status.EXPIRED), buffer_minutes=buffer)
        told = settle(current, days(near), invoice=paid_invoice(), now=NEXT_DAY)
        assert told.order.status is status


@pytest.mark.parametrize(("seconds", "status"), [(-1, Status.PAID), (0, Status.AWAITING_MENTEE)])
def test_late_money_is_in_time_until_the_session_starts(seconds: int, status: Status) -> None:
    now = session().starts_at + timedelta(seconds=seconds)
    change = settle(order_in(Status.EXPIRED), days(), invoice=paid_invoice(), now=now)
    assert change.order.status is status
    assert bool(change.days) is (status is Status.PAID)


def test_a_second_payment_of_the_right_sum_does_not_replace_the_first() -> None:
    change = settled(paid_order(), paid_invoice(id="inv-2"))
    assert change.order.payment == PAYMENT
