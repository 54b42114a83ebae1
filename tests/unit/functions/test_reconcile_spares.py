"""An invoice that another try made is closed once the order is paid, or its money goes back."""

from datetime import timedelta

import msgspec
import pytest

from functions.reconcile_orders.use_case import Tick
from shared.domain.events import RefundDue
from shared.domain.invoice import InvoiceStatus
from shared.domain.order import MoneyBackState
from shared.ports import InvoiceRequest
from tests.builders import NOW, order, scheduled_order
from tests.unit.functions.chain import Chain

SOON = timedelta(minutes=5)


def paid_with_a_spare() -> Chain:
    """Return a world where two tries made an invoice each, and the first one was paid."""
    chain = Chain()
    request = InvoiceRequest(order=order(), duration_s=86_400)
    chain.invoices.create(request)
    chain.invoices.pay("inv-1")
    chain.invoices.create(request)
    chain.put(scheduled_order(claims=2, check_at=NOW))
    return chain


def look(chain: Chain) -> Tick:
    return chain.reconcile_orders()(chain.clock.advance(SOON))


def spare(chain: Chain) -> InvoiceStatus:
    return chain.invoices.all[1].status


def test_a_spare_invoice_is_closed() -> None:
    chain = paid_with_a_spare()
    look(chain)
    assert [invoice.status for invoice in chain.invoices.all] == ["paid", "expired"]
    assert chain.order().refunds == ()


def test_the_money_of_a_spare_invoice_goes_back() -> None:
    chain = paid_with_a_spare()
    chain.invoices.pay("inv-2")
    look(chain)
    (owed,) = chain.order().refunds
    assert (owed.invoice_id, owed.state) == ("inv-2", MoneyBackState.DUE)
    assert RefundDue(order_id=order().id, invoice_id="inv-2", amount=250_000) in chain.said


def test_an_order_whose_invoice_was_made_at_once_is_not_asked_about() -> None:
    chain = paid_with_a_spare()
    chain.put(msgspec.structs.replace(chain.order(), claims=1))
    look(chain)
    assert spare(chain) is InvoiceStatus.PENDING


def test_while_the_rate_limit_is_low_a_spare_invoice_waits_and_the_order_does_not() -> None:
    chain = paid_with_a_spare()
    chain.invoices.budget_left = 0.4
    assert look(chain).postponed == 0
    assert spare(chain) is InvoiceStatus.PENDING


@pytest.mark.parametrize(("hours", "asked"), [(50, True), (52, False)])
def test_a_spare_invoice_is_looked_for_until_no_money_can_come(hours: int, *, asked: bool) -> None:
    chain = paid_with_a_spare()
    chain.invoices.pay("inv-2")
    chain.clock.advance(timedelta(hours=hours))
    look(chain)
    assert bool(chain.order().refunds) is asked
