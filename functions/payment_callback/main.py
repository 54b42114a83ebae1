"""The door of payment_callback: HTTP, public, called by Xendit."""

import hmac
from collections.abc import Callable
from functools import cache, partial

import msgspec
from flask import Request, Response

from functions.payment_callback.refund_webhook import read_refund_callback
from functions.payment_callback.refunds import HandleRefundCallback
from functions.payment_callback.use_case import HandleCallback, InvoiceCallback, Outcome
from shared import entrypoint, observability, tracing
from shared.bootstrap import Wiring
from shared.errors import PermanentError
from shared.settings import CallbackSettings, CheckoutSettings, XenditSettings

MAX_BODY_BYTES = 1024 * 1024

wiring = Wiring(XenditSettings, CheckoutSettings, CallbackSettings)


@cache
def _step() -> HandleCallback:
    step = HandleCallback(
        orders=wiring.orders, invoices=wiring.invoices, events=wiring.events, clock=wiring.clock
    )
    wiring.load_ahead(step.orders, step.invoices, step.events)
    return step


@cache
def _refund_step() -> HandleRefundCallback:
    return HandleRefundCallback(
        orders=wiring.orders,
        invoices=wiring.invoices,
        refunds=wiring.refunds,
        events=wiring.events,
        clock=wiring.clock,
    )


@entrypoint.http
def payment_callback(request: Request) -> Response:
    """Check who calls, decode, handle; the answer's body says what was done."""
    if request.method != "POST":
        return entrypoint.refused(405, "webhooks come by POST")
    if not _from_xendit(request):
        return entrypoint.refused(401, "x-callback-token is missing or wrong")
    body = entrypoint.body_of(request, MAX_BODY_BYTES)
    refund = read_refund_callback(body)
    try:
        if refund is not None:
            return _handled(refund.order_id, partial(_refund_step(), refund))
        callback = msgspec.json.decode(body, type=InvoiceCallback)
        return _handled(callback.external_id, partial(_step(), callback))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        reason = f"neither an invoice webhook nor a refund webhook: {error}"
        return entrypoint.kept(wiring, body, "payment_callback", reason)
    except PermanentError as error:  # as an id that Xendit refuses to be asked about
        return entrypoint.kept(wiring, body, "payment_callback", str(error))


def _handled(order_id: str | None, handle: Callable[[], Outcome]) -> Response:
    observability.bind(order_id=order_id)
    with tracing.span("payment_callback", "server", order_id=order_id):
        outcome = handle()
    observability.bind(outcome=outcome)
    return entrypoint.json_answer({"outcome": outcome, "order_id": order_id})


def _from_xendit(request: Request) -> bool:
    expected = wiring.settings[CallbackSettings].callback_token
    given = request.headers.get("x-callback-token", "")
    return hmac.compare_digest(given.encode(), expected.encode())
