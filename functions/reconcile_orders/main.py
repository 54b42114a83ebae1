"""The door of reconcile_orders: HTTP, called by Cloud Scheduler every minute."""

from functools import cache

from flask import Request, Response

from functions.reconcile_orders.use_case import ReconcileOrders
from shared import entrypoint
from shared.bootstrap import Wiring
from shared.settings import CheckoutSettings, GoogleSettings, XenditSettings

wiring = Wiring(XenditSettings, CheckoutSettings, GoogleSettings)


@cache
def _step() -> ReconcileOrders:
    step = ReconcileOrders(
        orders=wiring.orders,
        deliveries=wiring.deliveries,
        invoices=wiring.invoices,
        refunds=wiring.refunds,
        meetings=wiring.meetings,
        events=wiring.events,
        clock=wiring.clock,
    )
    wiring.load_ahead(step.orders, step.meetings, step.invoices)
    return step


@entrypoint.http
def reconcile_orders(request: Request) -> Response:
    """Run one tick."""
    return entrypoint.tick(wiring, request, _step())
