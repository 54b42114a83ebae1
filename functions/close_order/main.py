"""The door of close_order: Pub/Sub, topics order.cancelled and session.declined."""

from functools import cache

from functions.close_order.use_case import CloseOrder
from shared import entrypoint
from shared.bootstrap import Wiring
from shared.domain.events import Event, OrderCancelled, SessionDeclined
from shared.settings import CheckoutSettings, GoogleSettings, XenditSettings

wiring = Wiring(XenditSettings, CheckoutSettings, GoogleSettings)


@cache
def _step() -> CloseOrder:
    step = CloseOrder(
        orders=wiring.orders,
        invoices=wiring.invoices,
        meetings=wiring.meetings,
        events=wiring.events,
        clock=wiring.clock,
    )
    wiring.load_ahead(step.orders, step.meetings, step.events)
    return step


@entrypoint.pubsub(wiring, OrderCancelled, SessionDeclined)
def close_order(event: Event) -> None:
    """Take back what was opened for an order that is off."""
    _step()(event)
