"""Invoices at Xendit, made with its SDK and read with tolerant types of our own.

Fields and status codes: Xendit's API reference, Invoice API v2; the rest is as in ``xendit_api``.
"""

import contextlib
import decimal
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from xendit.invoice.invoice_api import InvoiceApi
from xendit.invoice.model.create_invoice_request import CreateInvoiceRequest
from xendit.invoice.model.customer_object import CustomerObject
from xendit.invoice.model.invoice_item import InvoiceItem

from shared.adapters.xendit_api import NotFoundError, XenditConnection, decode, whole
from shared.domain.invoice import Invoice, InvoiceStatus
from shared.errors import PermanentError
from shared.ports import InvoiceRequest
from shared.settings import CheckoutSettings, XenditSettings

_STATUS = {
    "PENDING": InvoiceStatus.PENDING,
    "PAID": InvoiceStatus.PAID,
    "SETTLED": InvoiceStatus.PAID,  # the money has reached the account; not every invoice gets here
    "EXPIRED": InvoiceStatus.EXPIRED,
}


class _WireInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that are used of an invoice in Xendit's API; all others are ignored."""

    id: str
    external_id: str
    status: str
    amount: decimal.Decimal
    invoice_url: str
    expiry_date: datetime
    currency: str = "IDR"
    paid_amount: decimal.Decimal | None = None
    paid_at: datetime | None = None
    created: datetime | None = None
    payment_method: str | None = None
    payment_channel: str | None = None


class XenditInvoiceGateway:
    """InvoiceGateway on Xendit's Invoice API. Safe to share between threads."""

    def __init__(self, settings: XenditSettings, checkout: CheckoutSettings) -> None:
        self._connection = XenditConnection(settings)
        self._api = InvoiceApi(self._connection.client)
        self._options = self._connection.options
        self._checkout = checkout

    def create(self, request: InvoiceRequest) -> Invoice:
        """See InvoiceGateway."""
        body = self._create_request(request)
        return _read(self._api.create_invoice(body, **self._options))

    def get(self, invoice_id: str) -> Invoice | None:
        """See InvoiceGateway."""
        try:
            return _read(self._api.get_invoice_by_id(invoice_id, **self._options))
        except NotFoundError:
            return None

    def find(self, order_id: str) -> Sequence[Invoice]:
        """See InvoiceGateway."""
        response = self._api.get_invoices(external_id=order_id, **self._options)
        found = decode(response.data, list[_WireInvoice])
        found.sort(key=lambda wire: (wire.created or datetime.max.replace(tzinfo=UTC), wire.id))
        return [_invoice(wire) for wire in found if wire.external_id == order_id]

    def expire(self, invoice_id: str) -> None:
        """See InvoiceGateway."""
        # Xendit refuses to expire an invoice that is paid or expired already: nothing to do then.
        with contextlib.suppress(PermanentError):
            self._api.expire_invoice(invoice_id, **self._options)

    def budget(self) -> float:
        """See InvoiceGateway."""
        return self._connection.budget()

    def _create_request(self, request: InvoiceRequest) -> CreateInvoiceRequest:
        order = request.order
        price = float(order.price.amount)  # the SDK takes nothing but floats
        customer = CustomerObject(given_names=order.mentee.name, email=order.mentee.email)
        if order.mentee.phone is not None:
            customer.mobile_number = order.mentee.phone
        return CreateInvoiceRequest(
            external_id=order.id,
            amount=price,
            currency=order.price.currency,
            description=order.subject,
            payer_email=order.mentee.email,
            customer=customer,
            invoice_duration=float(request.duration_s),
            should_send_email=False,
            locale=order.mentee.locale,
            items=[InvoiceItem(name=order.subject, price=price, quantity=1.0)],
            success_redirect_url=self._checkout.success_url.format(order_id=order.id),
            failure_redirect_url=self._checkout.failure_url.format(order_id=order.id),
        )


def _read(response: Any) -> Invoice:
    return _invoice(decode(response.data, _WireInvoice))


def _invoice(wire: _WireInvoice) -> Invoice:
    return Invoice(
        id=wire.id,
        order_id=wire.external_id,
        status=_STATUS.get(wire.status, InvoiceStatus.UNKNOWN),
        url=wire.invoice_url,
        amount=whole(wire.amount),
        currency=wire.currency,
        expires_at=wire.expiry_date.astimezone(UTC),
        paid_amount=None if wire.paid_amount is None else whole(wire.paid_amount),
        paid_at=None if wire.paid_at is None else wire.paid_at.astimezone(UTC),
        payment_method=wire.payment_method,
        payment_channel=wire.payment_channel,
    )
