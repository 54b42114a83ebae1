"""The payment provider in memory."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from shared.domain.invoice import Invoice, InvoiceStatus
from shared.domain.refund import Refund, RefundRequest, RefundStatus
from shared.errors import NotDoneError, NotRefundableError, PermanentError, RetryableError
from shared.ports import Clock, InvoiceRequest
from tests.fakes.world import Faults


class FakeInvoiceGateway:
    """InvoiceGateway in memory. Unpaid invoices expire as its clock passes their time."""

    def __init__(self, clock: Clock) -> None:
        self.budget_left = 1.0
        self.faults = Faults()
        self._clock = clock
        self._invoices: dict[str, Invoice] = {}

    @property
    def all(self) -> Sequence[Invoice]:
        """All invoices as they stand, oldest first."""
        return [self._now(invoice) for invoice in self._invoices.values()]

    def create(self, request: InvoiceRequest) -> Invoice:
        self.faults.entering("create")
        number = f"inv-{len(self._invoices) + 1}"
        invoice = Invoice(
            id=number,
            order_id=request.order.id,
            status=InvoiceStatus.PENDING,
            url=f"https://checkout.example.com/{number}",
            amount=request.order.price.amount,
            currency=request.order.price.currency,
            expires_at=self._clock.now() + timedelta(seconds=request.duration_s),
        )
        self._invoices[number] = invoice
        self.faults.leaving("create")
        return invoice

    def get(self, invoice_id: str) -> Invoice | None:
        self.faults.entering("get")
        invoice = self._invoices.get(invoice_id)
        return None if invoice is None else self._now(invoice)

    def find(self, order_id: str) -> Sequence[Invoice]:
        self.faults.entering("find")
        return [invoice for invoice in self.all if invoice.order_id == order_id]

    def budget(self) -> float:
        """See InvoiceGateway."""
        return self.budget_left

    def expire(self, invoice_id: str) -> None:
        self.faults.entering("expire")
        invoice = self._now(self._known(invoice_id))
        if invoice.status is InvoiceStatus.PENDING:
            self._change(invoice, status=InvoiceStatus.EXPIRED)
        self.faults.leaving("expire")

    def pay(self, invoice_id: str, amount: int | None = None) -> Invoice:
        """Pay as the mentee would: ``amount`` in whole rupiah, by default what is asked for."""
        invoice = self._now(self._known(invoice_id))
        assert invoice.status is InvoiceStatus.PENDING, invoice.status
        return self._change(
            invoice,
            status=InvoiceStatus.PAID,
            paid_amount=invoice.amount if amount is None else amount,
            paid_at=self._clock.now(),
            payment_method="BANK_TRANSFER",
            payment_channel="BCA",
        )

    def _known(self, invoice_id: str) -> Invoice:
        if invoice_id not in self._invoices:
            raise PermanentError(f"there is no invoice {invoice_id}")
        return self._invoices[invoice_id]

    def _change(self, invoice: Invoice, **changes: Any) -> Invoice:
        self._invoices[invoice.id] = msgspec.structs.replace(invoice, **changes)
        return self._invoices[invoice.id]

    def _now(self, invoice: Invoice) -> Invoice:
        over = self._clock.now() >= invoice.expires_at
        if invoice.status is InvoiceStatus.PENDING and over:
            return msgspec.structs.replace(invoice, status=InvoiceStatus.EXPIRED)
        return invoice


class FakeRefundGateway:
    """RefundGateway in memory, for the invoices of a FakeInvoiceGateway.

    A refund stays pending until ``finish``. ``unrefundable`` holds the ids of invoices that were
    paid in a way that takes no refunds; while ``no_balance``, there is no money to give back.
    """

    def __init__(self, invoices: FakeInvoiceGateway) -> None:
        self.faults = Faults()
        self.unrefundable: set[str] = set()
        self.no_balance = False
        self._invoices = invoices
        self._asked: dict[str, tuple[RefundRequest, Refund]] = {}
        self._refunds: dict[str, Refund] = {}

    @property
    def all(self) -> Sequence[Refund]:
        """All refunds as they stand, oldest first."""
        return list(self._refunds.values())

    def refund(self, request: RefundRequest) -> Refund:
        self.faults.entering("refund")
        if request.key not in self._asked:
            self._check(request)
            refund = Refund(
                id=f"rfd-{len(self._refunds) + 1}",
                invoice_id=request.invoice_id,
                status=RefundStatus.PENDING,
                amount=request.amount,
                currency=request.currency,
            )
            self._asked[request.key] = request, refund
            self._refunds[refund.id] = refund
        known, refund = self._asked[request.key]
        if known != request:
            raise PermanentError(f"key {request.key} was used with another request")
        self.faults.leaving("refund")
        return refund

    def get(self, refund_id: str) -> Refund | None:
        self.faults.entering("get")
        return self._refunds.get(refund_id)

    def finish(self, refund_id: str, status: RefundStatus, failure: str | None = None) -> Refund:
        """End a pending refund as the provider would."""
        refund = self._refunds[refund_id]
        assert refund.status is RefundStatus.PENDING, refund.status
        over = msgspec.structs.replace(refund, status=status, failure=failure)
        self._refunds[refund_id] = over
        return over

    def _check(self, request: RefundRequest) -> None:
        invoice = next((i for i in self._invoices.all if i.id == request.invoice_id), None)
        if invoice is None or invoice.status is not InvoiceStatus.PAID:
            raise PermanentError(f"invoice {request.invoice_id} is not there or not paid")
        if invoice.id in self.unrefundable:
            raise NotRefundableError(f"what paid {invoice.id} takes no refunds")
        others = [r for r in self.all if r.invoice_id == invoice.id]
        if any(other.status is RefundStatus.PENDING for other in others):
            raise RetryableError("another refund is pending")
        back = sum(r.amount for r in others if r.status is RefundStatus.SUCCEEDED)
        if request.amount > (invoice.paid_amount or 0) - back:
            raise PermanentError("more than what is left")
        if self.no_balance:
            raise NotDoneError("the balance is too small", retry_after=3600)
