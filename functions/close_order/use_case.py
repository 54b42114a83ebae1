"""Take back what was opened for an order: its events in the calendars, its unpaid invoice."""

from functools import partial

import msgspec

from shared.domain.billing import settle
from shared.domain.events import Event, RefundDue
from shared.domain.facts import facts
from shared.domain.invoice import InvoiceStatus
from shared.domain.meetings import note_cleared
from shared.domain.order import Order, Status
from shared.ports import (
    Clock,
    EventPublisher,
    InvoiceGateway,
    MeetingScheduler,
    OrderStore,
    stored_order,
)

PUBLISHES = (RefundDue,)


class CloseOrder(msgspec.Struct, frozen=True):
    """Do, record, publish. Each part can be done again: taking out what is gone is quiet."""

    orders: OrderStore
    invoices: InvoiceGateway
    meetings: MeetingScheduler
    events: EventPublisher
    clock: Clock

    def __call__(self, event: Event) -> None:
        """Handle the event."""
        order = stored_order(self.orders, event.order_id)
        if order.obsolete_events:
            order = self._clear_calendars(order)
        if order.status is Status.CANCELLED and order.payment is None:
            order = self._close_invoices(order)
        self.events.publish(*facts(order, *PUBLISHES))

    def _clear_calendars(self, order: Order) -> Order:
        obsolete = order.obsolete_events
        for event_id in obsolete:
            self.meetings.cancel(event_id)
        return self.orders.transact(order.id, partial(note_cleared, events=obsolete))

    def _close_invoices(self, order: Order) -> Order:
        """Make the invoice unpayable; money that was faster goes back."""
        for invoice in self.invoices.find(order.id):
            if invoice.status is InvoiceStatus.PENDING:
                self.invoices.expire(invoice.id)
            told = partial(settle, invoice=invoice, now=self.clock.now())
            order = self.orders.transact(order.id, told, order.day_keys)
        return order
