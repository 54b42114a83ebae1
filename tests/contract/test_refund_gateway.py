from collections.abc import Iterator
from typing import Any, Protocol

import msgspec
import pytest

from shared.adapters.xendit import XenditInvoiceGateway
from shared.adapters.xendit_refunds import XenditRefundGateway
from shared.domain.refund import Refund, RefundRequest, RefundStatus
from shared.errors import NotDoneError, NotRefundableError, PermanentError, RetryableError
from shared.ports import InvoiceGateway, InvoiceRequest, RefundGateway
from shared.settings import CheckoutSettings, XenditSettings
from tests.builders import order
from tests.fakes import FakeClock, FakeInvoiceGateway, FakeRefundGateway
from tests.vendors import KEY, Vendor, served_xendit

PRICE = 250_000


class Desk(Protocol):
    """Where money is given back, and where a test plays the payer and the provider."""

    @property
    def gateway(self) -> RefundGateway:
        """The implementation under test."""

    @property
    def invoices(self) -> InvoiceGateway:
        """What is refunded."""

    def pay(self, invoice_id: str, *, refundable: bool = True) -> Any:
        """Pay, in a way that takes refunds or in one that does not."""

    def finish(self, refund_id: str, status: RefundStatus, failure: str | None = None) -> Any:
        """Let a pending refund end."""

    def lose_answer(self) -> None:
        """Let the next refund be started, and its answer be lost."""

    def set_no_balance(self, *, no_balance: bool) -> None:
        """Let the account have no money, or have it again."""

    def count(self) -> int:
        """Return how many refunds there are."""


class FakeDesk:
    def __init__(self) -> None:
        self.invoices = FakeInvoiceGateway(FakeClock())
        self.gateway = FakeRefundGateway(self.invoices)
        self.finish = self.gateway.finish

    def pay(self, invoice_id: str, *, refundable: bool = True) -> None:
        self.invoices.pay(invoice_id)
        if not refundable:
            self.gateway.unrefundable.add(invoice_id)

    def lose_answer(self) -> None:
        self.gateway.faults.after("refund", RetryableError("the answer was lost"))

    def set_no_balance(self, *, no_balance: bool) -> None:
        self.gateway.no_balance = no_balance

    def count(self) -> int:
        return len(self.gateway.all)


class XenditDesk:
    def __init__(self, vendor: Vendor) -> None:
        settings = XenditSettings(secret_key=KEY, base_url=vendor.url)
        checkout = CheckoutSettings(
            success_url="https://a.example", failure_url="https://b.example"
        )
        self.vendor = vendor
        self.invoices = XenditInvoiceGateway(settings, checkout)
        self.gateway = XenditRefundGateway(settings)

    def pay(self, invoice_id: str, *, refundable: bool = True) -> None:
        self.vendor.tell(f"invoices/{invoice_id}/pay", channel="OVO" if refundable else "BCA")

    def finish(self, refund_id: str, status: RefundStatus, failure: str | None = None) -> None:
        end = {"status": status.upper(), "failure_code": failure}
        self.vendor.tell(f"refunds/{refund_id}/finish", **end)

    def lose_answer(self) -> None:
        self.vendor.fault("refunds.create", "error_after", times=1)

    def set_no_balance(self, *, no_balance: bool) -> None:
        self.vendor.tell("refunds/settings", no_balance=no_balance)

    def count(self) -> int:
        return len(self.vendor.ask("refunds"))


@pytest.fixture(scope="module")
def xendit_desk() -> Iterator[XenditDesk]:
    with served_xendit(FakeClock()) as vendor:
        yield XenditDesk(vendor)


@pytest.fixture(params=["fake", "xendit"])
def desk(request: pytest.FixtureRequest) -> Desk:
    if request.param == "fake":
        return FakeDesk()
    real: XenditDesk = request.getfixturevalue("xendit_desk")
    real.vendor.reset()
    return real


def billed(desk: Desk) -> str:
    return desk.invoices.create(InvoiceRequest(order=order(), duration_s=3600)).id


def asked_for(desk: Desk, *, refundable: bool = True) -> RefundRequest:
    """Return the request for all the money of an invoice that has been paid."""
    invoice_id = billed(desk)
    desk.pay(invoice_id, refundable=refundable)
    return request_for(invoice_id)


def request_for(invoice_id: str) -> RefundRequest:
    return RefundRequest(
        key=f"refund-{invoice_id}",
        order_id=order().id,
        invoice_id=invoice_id,
        amount=PRICE,
        currency="IDR",
    )


def changed(request: RefundRequest, **changes: Any) -> RefundRequest:
    return msgspec.structs.replace(request, **changes)


def test_a_new_refund_is_pending_and_says_what_was_asked_for(desk: Desk) -> None:
    request = asked_for(desk)
    started = desk.gateway.refund(request)
    assert started == Refund(
        id=started.id,
        invoice_id=request.invoice_id,
        status=RefundStatus.PENDING,
        amount=PRICE,
        currency="IDR",
    )
    assert desk.gateway.get(started.id) == started


def test_there_is_no_refund_of_an_unknown_id(desk: Desk) -> None:
    assert desk.gateway.get("rfd-64f1b9a2") is None


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (RefundStatus.SUCCEEDED, None),
        (RefundStatus.FAILED, "MAXIMUM_USER_BALANCE_EXCEEDED"),
        (RefundStatus.CANCELLED, None),
    ],
)
def test_the_end_of_a_refund_is_told_with_its_reason(
    desk: Desk, status: RefundStatus, failure: str | None
) -> None:
    started = desk.gateway.refund(asked_for(desk))
    desk.finish(started.id, status, failure)
    over = msgspec.structs.replace(started, status=status, failure=failure)
    assert desk.gateway.get(started.id) == over


def test_the_same_key_again_is_the_same_refund_even_when_it_is_over(desk: Desk) -> None:
    request = asked_for(desk)
    started = desk.gateway.refund(request)
    assert desk.gateway.refund(request) == started
    desk.finish(started.id, RefundStatus.SUCCEEDED)
    assert desk.gateway.refund(request).id == started.id
    assert desk.count() == 1


def test_a_refund_whose_answer_was_lost_is_made_once_under_its_key(desk: Desk) -> None:
    request = asked_for(desk)
    desk.lose_answer()
    with pytest.raises(RetryableError):
        desk.gateway.refund(request)
    assert desk.gateway.refund(request).status is RefundStatus.PENDING
    assert desk.count() == 1


def test_without_the_same_key_a_lost_answer_makes_two(desk: Desk) -> None:
    request = changed(asked_for(desk), amount=PRICE // 2)
    desk.lose_answer()
    with pytest.raises(RetryableError):
        desk.gateway.refund(request)
    lost = desk.gateway.refund(request)
    desk.finish(lost.id, RefundStatus.SUCCEEDED)
    assert desk.gateway.refund(changed(request, key="another")).id != lost.id
    assert desk.count() == 2


def test_the_same_key_with_another_request_is_refused_for_good(desk: Desk) -> None:
    request = asked_for(desk)
    desk.gateway.refund(request)
    with pytest.raises(PermanentError):
        desk.gateway.refund(changed(request, amount=PRICE - 1))
    assert desk.count() == 1


def test_some_ways_of_payment_take_no_refunds(desk: Desk) -> None:
    with pytest.raises(NotRefundableError):
        desk.gateway.refund(asked_for(desk, refundable=False))
    assert desk.count() == 0


def test_money_that_never_came_is_not_given_back(desk: Desk) -> None:
    for request in (request_for(billed(desk)), request_for("64f1b9a2c87d4e0012a5d3f7")):
        with pytest.raises(PermanentError) as refused:
            desk.gateway.refund(request)
        assert not isinstance(refused.value, NotRefundableError)


def test_no_more_is_given_back_than_was_paid(desk: Desk) -> None:
    request = asked_for(desk)
    with pytest.raises(PermanentError):
        desk.gateway.refund(changed(request, amount=PRICE + 1))
    part = desk.gateway.refund(changed(request, amount=PRICE - 1))
    desk.finish(part.id, RefundStatus.SUCCEEDED)
    with pytest.raises(PermanentError):
        desk.gateway.refund(changed(request, key="rest", amount=2))
    assert desk.gateway.refund(changed(request, key="rest", amount=1)).amount == 1


def test_a_second_refund_waits_for_the_first(desk: Desk) -> None:
    request = asked_for(desk)
    first = desk.gateway.refund(request)
    with pytest.raises(RetryableError):
        desk.gateway.refund(changed(request, key="second"))
    desk.finish(first.id, RefundStatus.FAILED, "REFUND_TEMPORARILY_UNAVAILABLE")
    assert desk.gateway.refund(changed(request, key="second")).id != first.id


def test_a_refund_waits_until_the_account_has_money(desk: Desk) -> None:
    request = asked_for(desk)
    desk.set_no_balance(no_balance=True)
    with pytest.raises(NotDoneError) as refused:
        desk.gateway.refund(request)
    assert refused.value.retry_after == 3600
    desk.set_no_balance(no_balance=False)
    assert desk.gateway.refund(request).status is RefundStatus.PENDING
