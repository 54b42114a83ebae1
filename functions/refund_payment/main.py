"""The door of refund_payment: Pub/Sub, topic refund.due."""

from functools import cache

from functions.refund_payment.use_case import RefundPayment
from shared import entrypoint
from shared.bootstrap import Wiring
from shared.domain.events import RefundDue
from shared.settings import XenditSettings

wiring = Wiring(XenditSettings)


@cache
def _step() -> RefundPayment:
    step = RefundPayment(
        orders=wiring.orders, refunds=wiring.refunds, events=wiring.events, clock=wiring.clock
    )
    wiring.load_ahead(step.orders, step.refunds, step.events)
    return step


@entrypoint.pubsub(wiring, RefundDue)
def refund_payment(event: RefundDue) -> None:
    """Give money back."""
    _step()(event)
