"""The doors of the functions: requests in, answers out, errors turned into ack, nack and status.

Pub/Sub acks on 102, 200, 201, 202 and 204 and sends again on everything else, so what can never
be handled is kept in the rejected store and answered 200.
"""

import functools
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import functions_framework
from flask import Request, Response
from werkzeug.exceptions import HTTPException

from shared import messages, observability
from shared.bootstrap import Wiring
from shared.domain.events import Event
from shared.errors import NotDoneError, PermanentError, RetryableError
from shared.messages import PushedMessage

E = TypeVar("E", bound=Event)
HttpHandler = Callable[[Request], Response]
# Pub/Sub carries at most 10 MB; base64 makes that 4/3.
MAX_PUSH_BYTES = 14 * 1024 * 1024
_DEFAULT_RETRY_AFTER_S = 10.0


def pubsub(wiring: Wiring, *expected: type[E]) -> Callable[[Callable[[E], None]], HttpHandler]:
    """Serve a handler of events as a Pub/Sub push endpoint.

    The plain HTTP signature is used, since functions-framework's CloudEvent one drops the
    subscription and the delivery attempt.
    """

    def decorate(handle: Callable[[E], None]) -> HttpHandler:
        @functools.wraps(handle)
        def endpoint(request: Request) -> Response:
            return _answering(lambda: _receive(wiring, request, handle, expected))

        return _registered(endpoint)

    return decorate


def http(handle: HttpHandler) -> HttpHandler:
    """Serve a handler of plain HTTP requests; retryable errors become 503 with Retry-After."""

    @functools.wraps(handle)
    def endpoint(request: Request) -> Response:
        with observability.bound(request.headers.get("traceparent"), function=handle.__name__):
            return _answering(lambda: handle(request))

    return _registered(endpoint)


def json_answer(
    body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a JSON response."""
    return Response(json.dumps(body), status, headers, mimetype="application/json")


def _registered(endpoint: HttpHandler) -> HttpHandler:
    functions_framework.http(endpoint)
    return endpoint


def _answering(handle: Callable[[], Response]) -> Response:
    try:
        return handle()
    except RetryableError as error:
        observability.info("will be tried again", error=str(error), kind=type(error).__name__)
        return _try_again(error)
    except HTTPException as error:  # the request itself is wrong, as a body that is too large
        return json_answer({"outcome": "refused", "reason": error.description}, error.code or 400)
    except Exception as error:  # noqa: BLE001 - an unknown error is retryable
        observability.exception("unforeseen error")
        return _try_again(RetryableError(type(error).__name__))


def _try_again(error: RetryableError) -> Response:
    wait = _DEFAULT_RETRY_AFTER_S if error.retry_after is None else error.retry_after
    status = 429 if isinstance(error, NotDoneError) else 503
    headers = {"Retry-After": str(math.ceil(wait))}
    return json_answer({"outcome": "retry", "reason": str(error)}, status, headers)


def _receive(
    wiring: Wiring, request: Request, handle: Callable[[E], None], expected: tuple[type[E], ...]
) -> Response:
    if request.method != "POST":
        return json_answer({"outcome": "refused", "reason": "Pub/Sub pushes with POST"}, 405)
    body = _body(request)
    message: PushedMessage | None = None
    try:
        message = messages.read_push(body)
        event = messages.decode(message, *expected)
        with observability.bound(
            message.traceparent,
            function=handle.__name__,
            order_id=event.order_id,
            event_id=event.id,
            message_id=message.id,
        ):
            handle(event)
            observability.info("handled", attempt=message.delivery_attempt)
    except PermanentError as error:
        return _kept(wiring, message, body, handle.__name__, error)
    return Response(status=204)


def _body(request: Request) -> bytes:
    request.max_content_length = MAX_PUSH_BYTES
    return request.get_data(cache=False)


def _kept(
    wiring: Wiring, message: PushedMessage | None, body: bytes, source: str, error: PermanentError
) -> Response:
    digest = hashlib.sha256(body).hexdigest()
    wiring.rejected.keep(
        messages.rejected(
            f"{source}-{message.id if message else digest[:16]}",
            message.data if message else body,
            source=source,
            reason=str(error),
            attributes=message.attributes if message else {},
            at=wiring.clock.now(),
        )
    )
    observability.warning("kept in the rejected store", source=source, reason=str(error))
    return json_answer({"outcome": "rejected", "reason": str(error)})
