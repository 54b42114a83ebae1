"""Believe what a refund webhook says only when the provider itself confirms it."""

from functools import partial

import msgspec

from functions.payment_callback.refund_webhook import RefundCallback
from functions.payment_callback.use_case import Outcome, order_named
from shared.domain.events import AttentionRaised, RefundUpdated
from shared.domain.facts import facts
from shared.domain.order import Order
from shared.domain.refunds import record_refund
from shared.ports import Clock, EventPublisher, InvoiceGateway, OrderStore, RefundGateway

PUBLISHES = (RefundUpdated, AttentionRaised)


class HandleRefundCallback(msgspec.Struct, frozen=True):
    """Read the refund back, record how far it is, publish what follows."""

    orders: OrderStore
    invoices: InvoiceGateway
    refunds: RefundGateway
    events: EventPublisher
    clock: Clock

    def __call__(self, callback: RefundCallback) -> Outcome:
        """Handle the webhook."""
        told = self.refunds.get(callback.refund_id)
        if told is None:
            return Outcome.UNKNOWN_ORDER
        order = self._order(callback.order_id, told.invoice_id)
        if order is None:
            return Outcome.UNKNOWN_ORDER
        before = order
        record = partial(record_refund, told=told, now=self.clock.now())
        order = self.orders.transact(order.id, record)
        self.events.publish(*facts(order, *PUBLISHES))
        return Outcome.UNCHANGED if order.refunds == before.refunds else Outcome.REFUND

    def _order(self, said: str | None, invoice_id: str) -> Order | None:
        """Return the order whose refund it is, wherever its id is to be had from."""
        if said is None:
            invoice = self.invoices.get(invoice_id) if invoice_id else None
            said = invoice.order_id if invoice else ""
        return order_named(self.orders, said)
