"""The doors of the functions: requests in, answers out, errors turned into ack, nack and status.

Pub/Sub acks on 102, 200, 201, 202 and 204 and sends again on everything else, so what can never
be handled is kept in the rejected store and answered 200.
"""

import functools
import hashlib
import io
import json
import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import functions_framework
import msgspec
from flask import Request, Response
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge

from shared import garbage, messages, observability, tracing
from shared.bootstrap import Wiring
from shared.domain.events import Event
from shared.domain.schedule import FIRST_YEAR, LAST_YEAR
from shared.errors import NotDoneError, PermanentError, RetryableError
from shared.messages import PushedMessage

E = TypeVar("E", bound=Event)
HttpHandler = Callable[[Request], Response]
# Pub/Sub carries at most 10 MB; base64 makes that 4/3.
MAX_PUSH_BYTES = 14 * 1024 * 1024
_DEFAULT_RETRY_AFTER_S = 10.0
# RFC 3339; sent by Cloud Scheduler with every HTTP job.
SCHEDULE_TIME = "X-CloudScheduler-ScheduleTime"


def pubsub(wiring: Wiring, *expected: type[E]) -> Callable[[Callable[[E], None]], HttpHandler]:
    """Serve a handler of events as a Pub/Sub push endpoint."""

    def decorate(handle: Callable[[E], None]) -> HttpHandler:
        @functools.wraps(handle)
        def decoding(message: PushedMessage) -> None:
            event = messages.decode(message, *expected)
            observability.bind(order_id=event.order_id, event_id=event.id)
            with tracing.span(
                f"{handle.__name__} {event.topic}",
                "consumer",
                order_id=event.order_id,
                caused_by=tracing.parse(message.traceparent),
                attributes={"event.id": event.id, "attempt": message.delivery_attempt or 0},
            ):
                handle(event)

        return pubsub_message(wiring)(decoding)

    return decorate


def pubsub_message(wiring: Wiring) -> Callable[[Callable[[PushedMessage], None]], HttpHandler]:
    """Serve a handler of whole messages as a Pub/Sub push endpoint.

    The plain HTTP signature is used, since functions-framework's CloudEvent one drops the
    subscription and the delivery attempt.
    """

    def decorate(handle: Callable[[PushedMessage], None]) -> HttpHandler:
        @functools.wraps(handle)
        def endpoint(request: Request) -> Response:
            return _answering(handle.__name__, request, partial(_receive, wiring, handle=handle))

        return _registered(endpoint)

    return decorate


def http(handle: HttpHandler) -> HttpHandler:
    """Serve a handler of plain HTTP requests; retryable errors become 503 with Retry-After."""

    @functools.wraps(handle)
    def endpoint(request: Request) -> Response:
        return _answering(handle.__name__, request, handle)

    return _registered(endpoint)


def tick(wiring: Wiring, request: Request, run: Callable[[datetime], msgspec.Struct]) -> Response:
    """Run one tick of a scheduled function; answer with what it did.

    "Now" is the time that the scheduler names, or else the clock's.
    """
    if request.method != "POST":
        return refused(405, "ticks come by POST")
    try:
        named = _schedule_time(request.headers.get(SCHEDULE_TIME))
    except (ValueError, OverflowError) as error:
        reason = f"{SCHEDULE_TIME} is not an RFC 3339 time with an offset: {error}"
        return refused(400, reason)
    done = msgspec.to_builtins(run(named or wiring.clock.now()))
    observability.bind(**done)
    return json_answer({"outcome": "ticked", **done})


def _schedule_time(header: str | None) -> datetime | None:
    if header is None:
        return None
    named = datetime.fromisoformat(header)
    # Days before it are told of, and timers are set to times after it, which must exist.
    if named.tzinfo is None or not FIRST_YEAR <= named.year <= LAST_YEAR:
        raise ValueError(header)
    return named.astimezone(UTC)


def json_answer(
    body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a JSON response."""
    return Response(json.dumps(body), status, headers, mimetype="application/json")


def refused(status: int, reason: str) -> Response:
    """Return the answer to a request that is not for this door, or not made for it."""
    return json_answer({"outcome": "refused", "reason": reason}, status)


def body_of(request: Request, limit: int) -> bytes:
    """Return the request's body. One of more than ``limit`` bytes is answered with 413."""
    # Not max_content_length: functions-framework reads the request once more after the answer,
    # and would stumble over that limit and answer 500.
    if (request.content_length or 0) > limit:
        raise RequestEntityTooLarge
    body = request.get_data()
    if len(body) > limit:
        raise RequestEntityTooLarge
    return body


def _registered(endpoint: HttpHandler) -> HttpHandler:
    functions_framework.http(endpoint)
    return endpoint


def _answering(function: str, request: Request, handle: HttpHandler) -> Response:
    """Answer a request, and say in one line what became of it and how long it took."""
    with observability.bound(function=function):
        began = time.monotonic()
        answer, say = _attempt(request, handle)
        # Before the answer, since Cloud Run takes the processor away after it.
        tracing.flush()
        garbage.loaded()
        say(latency_ms=round((time.monotonic() - began) * 1000), status=answer.status_code)
        return answer


def _attempt(request: Request, handle: HttpHandler) -> tuple[Response, Callable[..., None]]:
    """Return the answer and the way to log it."""
    try:
        _read(request)
        answer = handle(request)
    except RetryableError as error:
        return _try_again(error), partial(observability.given_back, error)
    except HTTPException as error:  # the request itself is wrong, as a body that is too large
        body = {"outcome": "refused", "reason": error.description}
        answer = json_answer(body, error.code or 400)
    except Exception as error:  # noqa: BLE001 - an unknown error is retryable
        again = RetryableError(type(error).__name__)
        return _try_again(again), partial(observability.unforeseen, error)
    handled = answer.status_code < 400  # noqa: PLR2004 - HTTP's own errors begin there
    return answer, partial(observability.info, "handled" if handled else "refused")


def _read(request: Request) -> None:
    """Read the body to its end, or answer 400.

    Before anything else, since functions-framework reads it after every answer, and would answer
    500 where that fails.
    """
    try:
        body = request.get_data()
    except Exception as error:
        request.stream = io.BytesIO()
        raise BadRequest("the body cannot be read") from error
    if len(body) < (request.content_length or 0):
        raise BadRequest("the body ends too early")


def _try_again(error: RetryableError) -> Response:
    wait = _DEFAULT_RETRY_AFTER_S if error.retry_after is None else error.retry_after
    status = 429 if isinstance(error, NotDoneError) else 503
    headers = {"Retry-After": str(math.ceil(wait))}
    return json_answer({"outcome": "retry", "reason": str(error)}, status, headers)


def _receive(
    wiring: Wiring, request: Request, *, handle: Callable[[PushedMessage], None]
) -> Response:
    if request.method != "POST":
        return refused(405, "Pub/Sub pushes with POST")
    body = body_of(request, MAX_PUSH_BYTES)
    message: PushedMessage | None = None
    try:
        message = messages.read_push(body)
        observability.bind(message_id=message.id, attempt=message.delivery_attempt)
        handle(message)
    except PermanentError as error:
        return kept(wiring, body, handle.__name__, str(error), message)
    return Response(status=204)


def kept(
    wiring: Wiring, body: bytes, source: str, reason: str, message: PushedMessage | None = None
) -> Response:
    """Keep what can never be handled for a person, and answer 200, so that it does not come again.

    ``message`` is what the body carried, if that much could be read.
    """
    digest = hashlib.sha256(body).hexdigest()
    wiring.rejected.keep(
        messages.rejected(
            f"{source}-{message.id if message else digest[:16]}",
            message.data if message else body,
            source=source,
            reason=reason,
            attributes=message.attributes if message else {},
            at=wiring.clock.now(),
        )
    )
    observability.bind(outcome="rejected")
    observability.warning("kept in the rejected store", reason=reason)
    return json_answer({"outcome": "rejected", "reason": reason})
