from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Protocol

import pytest

from shared.adapters.xendit import XenditInvoiceGateway
from shared.domain.invoice import Invoice, InvoiceStatus
from shared.ports import InvoiceGateway, InvoiceRequest
from shared.settings import CheckoutSettings, XenditSettings
from tests.builders import mentee, order
from tests.fakes import FakeClock, FakeInvoiceGateway
from tests.vendors import KEY, Vendor, served_xendit

REQUEST = InvoiceRequest(order=order(), duration_s=3600)


class Desk(Protocol):
    """Where invoices are made, and where a test pays them."""

    clock: FakeClock

    @property
    def gateway(self) -> InvoiceGateway:
        """The implementation under test."""

    def pay(self, invoice_id: str, amount: int | None = None) -> Any:
        """Pay in whole rupiah, by default what is asked for."""


class FakeDesk:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.gateway = FakeInvoiceGateway(self.clock)
        self.pay = self.gateway.pay


class XenditDesk:
    def __init__(self, vendor: Vendor, clock: FakeClock) -> None:
        self.vendor = vendor
        self.clock = clock
        self.gateway = XenditInvoiceGateway(
            XenditSettings(secret_key=KEY, base_url=vendor.url),
            CheckoutSettings(success_url="https://a.example", failure_url="https://b.example"),
        )

    def pay(self, invoice_id: str, amount: int | None = None) -> Any:
        return self.vendor.tell(f"invoices/{invoice_id}/pay", channel="BCA", amount=amount)


@pytest.fixture(scope="module")
def xendit_desk() -> Iterator[XenditDesk]:
    clock = FakeClock()
    with served_xendit(clock) as vendor:
        yield XenditDesk(vendor, clock)


@pytest.fixture(params=["fake", "xendit"])
def desk(request: pytest.FixtureRequest) -> Desk:
    if request.param == "fake":
        return FakeDesk()
    real: XenditDesk = request.getfixturevalue("xendit_desk")
    real.vendor.reset()
    return real


def read(desk: Desk, invoice_id: str) -> Invoice:
    found = desk.gateway.get(invoice_id)
    assert found is not None
    return found


def test_a_new_invoice_asks_for_the_orders_price_in_time(desk: Desk) -> None:
    made = desk.gateway.create(REQUEST)
    assert made == Invoice(
        id=made.id,
        order_id=order().id,
        status=InvoiceStatus.PENDING,
        url=f"{made.url.rpartition('/')[0]}/{made.id}",
        amount=250_000,
        currency="IDR",
        expires_at=desk.clock.now() + timedelta(hours=1),
    )


def test_an_invoice_is_read_back_as_it_was_made(desk: Desk) -> None:
    made = desk.gateway.create(REQUEST)
    assert desk.gateway.get(made.id) == made


def test_there_is_no_invoice_of_an_unknown_id(desk: Desk) -> None:
    assert desk.gateway.get("64f1b9a2c87d4e0012a5d3f7") is None


def test_asking_twice_makes_two_which_are_found_oldest_first(desk: Desk) -> None:
    first = desk.gateway.create(REQUEST)
    desk.clock.advance(timedelta(seconds=1))
    second = desk.gateway.create(REQUEST)
    assert first.id != second.id
    assert desk.gateway.find(order().id) == [first, second]


def test_only_the_orders_own_invoices_are_found(desk: Desk) -> None:
    desk.gateway.create(InvoiceRequest(order=order(id="NUS-2"), duration_s=3600))
    assert desk.gateway.find(order().id) == []


def test_a_payment_shows_with_its_amount_time_and_channel(desk: Desk) -> None:
    made = desk.gateway.create(REQUEST)
    desk.pay(made.id)
    paid = read(desk, made.id)
    assert (paid.status, paid.paid_amount) == (InvoiceStatus.PAID, 250_000)
    assert paid.paid_at == desk.clock.now()
    assert (paid.payment_method, paid.payment_channel) == ("BANK_TRANSFER", "BCA")


def test_a_payment_of_another_amount_is_told_as_it_is(desk: Desk) -> None:
    made = desk.gateway.create(REQUEST)
    desk.pay(made.id, amount=200_000)
    paid = read(desk, made.id)
    assert (paid.amount, paid.paid_amount) == (250_000, 200_000)


def test_an_invoice_expires_when_its_time_is_over(desk: Desk) -> None:
    made = desk.gateway.create(REQUEST)
    desk.clock.advance(timedelta(minutes=59))
    assert read(desk, made.id).status is InvoiceStatus.PENDING
    desk.clock.advance(timedelta(minutes=1))
    assert read(desk, made.id).status is InvoiceStatus.EXPIRED


def test_an_invoice_can_be_ended_twice(desk: Desk) -> None:
    made = desk.gateway.create(REQUEST)
    desk.gateway.expire(made.id)
    desk.gateway.expire(made.id)
    assert read(desk, made.id).status is InvoiceStatus.EXPIRED


def test_a_paid_invoice_stays_paid_when_it_is_ended(desk: Desk) -> None:
    made = desk.gateway.create(REQUEST)
    desk.pay(made.id)
    desk.gateway.expire(made.id)
    assert read(desk, made.id).status is InvoiceStatus.PAID


def test_a_mentee_without_a_phone_gets_an_invoice(desk: Desk) -> None:
    request = InvoiceRequest(order=order(mentee=mentee(phone=None)), duration_s=3600)
    assert desk.gateway.create(request).status is InvoiceStatus.PENDING


def test_eight_threads_at_once_get_their_own_invoices(desk: Desk) -> None:
    def make(number: int) -> bool:
        request = InvoiceRequest(order=order(id=f"NUS-{number}"), duration_s=3600)
        made = desk.gateway.create(request)
        return desk.gateway.find(f"NUS-{number}") == [made] == [desk.gateway.get(made.id)]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(make, range(40)))
