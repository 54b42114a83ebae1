"""The door of payment_callback: HTTP, public, called by Xendit."""

import hashlib
import hmac
from functools import cache

import msgspec
from flask import Request, Response

from functions.payment_callback.use_case import HandleCallback, InvoiceCallback
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


@entrypoint.http
def payment_callback(request: Request) -> Response:
    """Check who calls, decode, handle; the answer's body says what was done."""
    if request.method != "POST":
        return _refused(405, "webhooks come by POST")
    if not _from_xendit(request):
        return _refused(401, "x-callback-token is missing or wrong")
    body = entrypoint.body_of(request, MAX_BODY_BYTES)
    try:
        callback = msgspec.json.decode(body, type=InvoiceCallback)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return _kept(body, f"not an invoice webhook: {error}")
    observability.bind(order_id=callback.external_id)
    try:
        with tracing.span("payment_callback", "server", order_id=callback.external_id):
            outcome = _step()(callback)
    except PermanentError as error:  # as an invoice id that Xendit refuses to be asked about
        return _kept(body, str(error))
    observability.bind(outcome=outcome)
    return entrypoint.json_answer({"outcome": outcome, "order_id": callback.external_id})


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
