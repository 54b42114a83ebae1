"""The door of create_invoice: Pub/Sub, topic order.created."""

from datetime import timedelta
from functools import cache

from functions.create_invoice.use_case import CreateInvoice
from shared import entrypoint
from shared.bootstrap import Wiring
from shared.domain.events import OrderCreated
from shared.settings import (
    BackendSettings,
    BookingSettings,
    CheckoutSettings,
    XenditSettings,
)

wiring = Wiring(XenditSettings, CheckoutSettings, BookingSettings)


@cache
def _step() -> CreateInvoice:
    step = CreateInvoice(
        orders=wiring.orders,
        availability=wiring.availability,
        calendars=wiring.busy_calendars,
        invoices=wiring.invoices,
        events=wiring.events,
        clock=wiring.clock,
        claim=timedelta(seconds=wiring.settings[BackendSettings].claim_seconds),
    )
    wiring.load_ahead(step.availability, step.orders, step.invoices, step.events)
    return step


@entrypoint.pubsub(wiring, OrderCreated)
def create_invoice(event: OrderCreated) -> None:
    """Make the invoice of a new order."""
    _step()(event)
