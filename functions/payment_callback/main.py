"""The door of payment_callback: HTTP, public, called by Xendit."""

import hashlib
import hmac
from collections.abc import Callable
from functools import cache, partial

import msgspec
from flask import Request, Response

from functions.payment_callback.refund_webhook import read_refund_callback
from functions.payment_callback.refunds import HandleRefundCallback
from functions.payment_callback.use_case import HandleCallback, InvoiceCallback, Outcome
from shared import entrypoint, messages, observability, tracing
from shared.bootstrap import Wiring
from shared.errors import PermanentError
from shared.settings import CallbackSettings, CheckoutSettings, XenditSettings

MAX_BODY_BYTES = 1024 * 1024

wiring = Wiring(XenditSettings, CheckoutSettings, CallbackSettings)


@cache
def _step() -> HandleCallback:
    return HandleCallback(
        orders=wiring.orders, invoices=wiring.invoices, events=wiring.events, clock=wiring.clock
    )


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
        return _refused(405, "webhooks come by POST")
    if not _from_xendit(request):
        return _refused(401, "x-callback-token is missing or wrong")
    body = entrypoint.body_of(request, MAX_BODY_BYTES)
    refund = read_refund_callback(body)
    try:
        if refund is not None:
            return _handled(refund.order_id, partial(_refund_step(), refund))
        callback = msgspec.json.decode(body, type=InvoiceCallback)
        return _handled(callback.external_id, partial(_step(), callback))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return _kept(body, f"neither an invoice webhook nor a refund webhook: {error}")
    except PermanentError as error:  # as an id that Xendit refuses to be asked about
        return _kept(body, str(error))


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


def _refused(status: int, reason: str) -> Response:
    return entrypoint.json_answer({"outcome": "refused", "reason": reason}, status)


def _kept(body: bytes, reason: str) -> Response:
    digest = hashlib.sha256(body).hexdigest()
    wiring.rejected.keep(
        messages.rejected(
            f"payment_callback-{digest[:16]}",
            body,
            source="payment_callback",
            reason=reason,
            attributes={},
            at=wiring.clock.now(),
        )
    )
    observability.bind(outcome="rejected")
    observability.warning("kept in the rejected store", reason=reason)
    # 200: Xendit would only send the same again.
    return entrypoint.json_answer({"outcome": "rejected", "reason": reason})
