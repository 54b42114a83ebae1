"""Believe a payment only when the provider itself confirms it."""

from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.domain.billing import settle
from shared.domain.events import (
    AttentionRaised,
    InvoiceExpired,
    InvoicePaid,
    RefundDue,
    SessionDeclined,
)
from shared.domain.facts import facts
from shared.domain.invoice import Invoice, InvoiceStatus
from shared.domain.order import Order, Status
from shared.domain.people import Identifier
from shared.errors import RetryableError
from shared.ports import Clock, EventPublisher, InvoiceGateway, OrderStore

PUBLISHES = (InvoicePaid, InvoiceExpired, SessionDeclined, RefundDue, AttentionRaised)
# Xendit's own have 24 characters; what is longer is not asked about.
_MAX_ID = 256
_CLAIMS_PAYMENT = frozenset({"PAID", "SETTLED"})


class InvoiceCallback(msgspec.Struct, frozen=True, kw_only=True):
    """What is used of an invoice webhook's body. Only ``external_id`` is always there."""

    external_id: str
    id: Annotated[str, Meta(max_length=_MAX_ID)] | None = None
    status: str = ""


class Outcome(StrEnum):
    """What a webhook led to."""

    PAID = "paid"  # the order is paid now
    EXPIRED = "expired"  # the order is expired now
    REFUND = "refund"  # money is on its way back, or back, or cannot go back
    UNCHANGED = "unchanged"  # nothing new: said before, or not of interest
    ATTENTION = "attention"  # the money does not fit the order; the admin has been asked
    UNKNOWN_ORDER = "unknown_order"  # not ours, as the dashboard's test events


def order_named(orders: OrderStore, said: str) -> Order | None:
    """Return the order that a webhook names, if it is one of ours."""
    try:
        return orders.get(msgspec.convert(said, Identifier))
    except msgspec.ValidationError:
        return None  # no order of ours can have such an id


class HandleCallback(msgspec.Struct, frozen=True):
    """Read the invoice back, apply what it says, publish what follows."""

    orders: OrderStore
    invoices: InvoiceGateway
    events: EventPublisher
    clock: Clock

    def __call__(self, callback: InvoiceCallback) -> Outcome:
        """Handle the webhook. Raises RetryableError when Xendit does not confirm what it says."""
        order = order_named(self.orders, callback.external_id)
        if order is None:
            return Outcome.UNKNOWN_ORDER
        before = order
        told = self._read_back(order, callback)
        for invoice in told:
            order = self.orders.transact(
                order.id, partial(settle, invoice=invoice, now=self.clock.now()), order.day_keys
            )
        self._close_unused(order, told)
        self.events.publish(*facts(order, *PUBLISHES))
        _check_confirmed(callback, told)
        return _outcome(before, order)

    def _close_unused(self, order: Order, told: Sequence[Invoice]) -> None:
        """Make every other invoice of an order unpayable once one was paid."""
        if order.payment is None:
            return
        for invoice in told:
            payable = invoice.status is InvoiceStatus.PENDING
            if payable and invoice.id != order.payment.invoice_id:
                self.invoices.expire(invoice.id)

    def _read_back(self, order: Order, callback: InvoiceCallback) -> Sequence[Invoice]:
        """Return the order's invoices that the webhook can be about, as Xendit tells them."""
        if order.invoice is None:  # the webhook was faster than our own record
            return self.invoices.find(order.id)
        ids = dict.fromkeys((order.invoice.id, callback.id or order.invoice.id))
        read = (self.invoices.get(invoice_id) for invoice_id in ids)
        return [invoice for invoice in read if invoice and invoice.order_id == order.id]


def _check_confirmed(callback: InvoiceCallback, told: Sequence[Invoice]) -> None:
    paid = any(invoice.status is InvoiceStatus.PAID for invoice in told)
    if callback.status in _CLAIMS_PAYMENT and not paid:
        # Forged, or ahead of Xendit's own API: sent again, it will be looked at again.
        raise RetryableError("Xendit's API does not confirm this payment")


def _outcome(before: Order, after: Order) -> Outcome:
    if after.attention != before.attention:
        return Outcome.ATTENTION
    if after.refunds != before.refunds:
        return Outcome.REFUND
    if after.status is not before.status:
        return Outcome.EXPIRED if after.status is Status.EXPIRED else Outcome.PAID
    return Outcome.UNCHANGED
