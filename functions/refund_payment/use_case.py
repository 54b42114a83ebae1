"""Give money back through the payment provider, or find that it has to go by hand."""

from functools import partial

import msgspec

from shared.domain.events import AttentionRaised, RefundDue, RefundUpdated
from shared.domain.facts import facts
from shared.domain.order import Order
from shared.domain.refunds import asks_provider, record_refund, refund_request, want_account
from shared.errors import NotRefundableError, PermanentError, RetryableError
from shared.ports import Clock, EventPublisher, OrderStore, RefundGateway

PUBLISHES = (RefundUpdated, AttentionRaised)


class RefundPayment(msgspec.Struct, frozen=True):
    """Do, record, publish. The idempotency key follows from the order and its invoice.

    So however often the event comes, the provider gives the money back once.
    """

    orders: OrderStore
    refunds: RefundGateway
    events: EventPublisher
    clock: Clock

    def __call__(self, event: RefundDue) -> None:
        """Handle the event."""
        order = self.orders.get(event.order_id)
        owed = None if order is None else order.refund_of(event.invoice_id)
        if order is None or owed is None:
            raise RetryableError(f"order {event.order_id} does not show this refund yet")
        if asks_provider(owed):
            order = self._refund(order, event.invoice_id)
        self.events.publish(*facts(order, *PUBLISHES))

    def _refund(self, order: Order, invoice_id: str) -> Order:
        owed = order.refund_of(invoice_id)
        assert owed is not None
        try:
            told = self.refunds.refund(refund_request(order, owed))
        except PermanentError as error:
            refused = not isinstance(error, NotRefundableError)
            by_hand = partial(
                want_account, invoice_id=invoice_id, refused=refused, now=self.clock.now()
            )
            return self.orders.transact(order.id, by_hand)
        record = partial(record_refund, told=told, now=self.clock.now())
        return self.orders.transact(order.id, record)
