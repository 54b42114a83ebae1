"""Take an order and make the one invoice that it is paid with."""

from datetime import datetime, timedelta
from functools import partial

import msgspec

from shared.domain.availability import day_keys_for
from shared.domain.billing import attach_invoice, settle
from shared.domain.events import (
    AttentionRaised,
    InvoiceCreated,
    OrderCreated,
    OrderRejected,
    RefundDue,
)
from shared.domain.facts import facts
from shared.domain.invoice import Invoice, InvoiceStatus
from shared.domain.order import Order, Status
from shared.domain.placement import (
    INVOICE_REFUSED,
    payment_deadline,
    place,
    reject,
    release_claim,
)
from shared.errors import NotDoneError, PermanentError
from shared.ports import (
    AvailabilityStore,
    BusyCalendars,
    Clock,
    EventPublisher,
    InvoiceGateway,
    InvoiceRequest,
    OrderStore,
)

PUBLISHES = (InvoiceCreated, OrderRejected, RefundDue, AttentionRaised)


class CreateInvoice(msgspec.Struct, frozen=True):
    """Claim, do, record, publish: after it, the order is invoiced or rejected, and said so.

    However often and whenever the event comes, the order gets one payable invoice.
    """

    orders: OrderStore
    availability: AvailabilityStore
    calendars: BusyCalendars
    invoices: InvoiceGateway
    events: EventPublisher
    clock: Clock
    claim: timedelta

    def __call__(self, event: OrderCreated) -> None:
        """Handle the event. Raises ClaimedError while another delivery is at it."""
        now = self.clock.now()
        order = self._place(event, now)
        if order.status is Status.PENDING:
            order = self._invoice(order, now)
        elif order.status is Status.REJECTED and order.claims:
            order = self._withdraw(order, now)
        self.events.publish(*facts(order, *PUBLISHES))

    def _place(self, event: OrderCreated, now: datetime) -> Order:
        availability = self.availability.get(event.mentor.id)
        session = event.session
        decide = partial(
            place,
            request=event,
            claim=self.claim,
            now=now,
            availability=availability,
            busy=self.calendars.busy(event.mentor.email, session.starts_at, session.ends_at),
        )
        keys = day_keys_for(event.mentor.id, session, availability)
        return self.orders.transact(event.order_id, decide, keys)

    def _invoice(self, order: Order, now: datetime) -> Order:
        try:
            invoice = self._made_before(order) or self._make(order, now)
        except NotDoneError as error:
            retry_at = now + timedelta(seconds=error.retry_after or 0)
            self.orders.transact(order.id, partial(release_claim, until=retry_at))
            raise
        if invoice is None:
            refused = partial(reject, reason=INVOICE_REFUSED, now=now)
            return self.orders.transact(order.id, refused, order.day_keys)
        return self._record(order, invoice)

    def _make(self, order: Order, now: datetime) -> Invoice | None:
        """Make the invoice; return None if Xendit refuses it for good."""
        try:
            return self.invoices.create(_request(order, now))
        except PermanentError:
            return None

    def _made_before(self, order: Order) -> Invoice | None:
        """Return the invoice that an earlier try has made, and make any other one unpayable."""
        if order.claims == 1:
            return None  # the order was created by this very delivery, so nobody was before it
        usable = [i for i in self.invoices.find(order.id) if i.status is not InvoiceStatus.EXPIRED]
        usable.sort(key=lambda invoice: invoice.status is not InvoiceStatus.PAID)
        for spare in usable[1:]:
            self.invoices.expire(spare.id)
        return usable[0] if usable else None

    def _withdraw(self, order: Order, now: datetime) -> Order:
        """Make unpayable what an earlier try may have made for an order that is now rejected.

        If it has been paid already, the order goes before the admin.
        """
        for invoice in self.invoices.find(order.id):
            if invoice.status is InvoiceStatus.PENDING:
                self.invoices.expire(invoice.id)
            told = partial(settle, invoice=invoice, now=now)
            order = self.orders.transact(order.id, told, order.day_keys)
        return order

    def _record(self, order: Order, invoice: Invoice) -> Order:
        now = self.clock.now()
        recorded = self.orders.transact(order.id, partial(attach_invoice, invoice=invoice, now=now))
        if recorded.invoice is None or recorded.invoice.id != invoice.id:
            self.invoices.expire(invoice.id)
        return recorded


def _request(order: Order, now: datetime) -> InvoiceRequest:
    lifetime = payment_deadline(order, now) - now
    return InvoiceRequest(order=order, duration_s=int(lifetime.total_seconds()))
