"""The embedded backend's dispatcher pushes as Pub/Sub does: acks, backoff, dead letters."""

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.dispatcher import ACKS, Dispatcher, RetryPolicy, open_queue
from shared.adapters.clock import SystemClock
from shared.adapters.sqlite_queue import SqliteQueue
from tests.vendors import served

FAST = RetryPolicy(min_backoff_s=0.02, max_backoff_s=0.05, max_attempts=3, ack_deadline_s=5.0)
SUBSCRIPTION = "step--invoice.paid"
DEAD_LETTERS = f"{SUBSCRIPTION}-dlq"
KEEPER = f"keeper--{DEAD_LETTERS}"


class Endpoint:
    """A push endpoint that answers with the statuses it is given, then with 204."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.bodies: list[dict[str, Any]] = []
        self.arrivals: list[float] = []

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{name}", self._receive, methods=["POST"])])

    async def _receive(self, request: Request) -> Response:
        self.arrivals.append(time.monotonic())
        self.bodies.append(await request.json() | {"name": request.path_params["name"]})
        return Response(status_code=self.statuses.pop(0) if self.statuses else 204)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[SqliteQueue]:
    opened = open_queue(tmp_path, {SUBSCRIPTION: "invoice.paid", KEEPER: DEAD_LETTERS})
    yield opened
    opened.close()


def _publish(queue: SqliteQueue, count: int = 1) -> None:
    message = ("invoice.paid", b'{"order_id":"NUS-1"}', {"ce-id": "NUS-1/invoice.paid"})
    queue.publish([message] * count, SystemClock().now())


def _dispatch(
    queue: SqliteQueue,
    endpoint: Endpoint,
    until: Callable[[], bool],
    policy: RetryPolicy = FAST,
    concurrency: int = 8,
) -> None:
    """Run a dispatcher until something is so; fail if it does not become so."""

    async def run(base: str) -> None:
        endpoints = {SUBSCRIPTION: f"{base}/step", KEEPER: f"{base}/keeper"}
        dispatcher = Dispatcher(queue, endpoints, SystemClock(), policy, concurrency)
        task = asyncio.create_task(dispatcher.run())
        async with asyncio.timeout(10):
            while not until():  # noqa: ASYNC110 - the endpoint runs in another thread
                await asyncio.sleep(0.01)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    with served(endpoint.app()) as base:
        asyncio.run(run(base))


def _is_idle(queue: SqliteQueue) -> bool:
    far = SystemClock().now().replace(year=2100)
    return not queue.busy(far)


@pytest.mark.parametrize("status", sorted(ACKS - {102}))
def test_a_message_that_is_acked_does_not_come_again(queue: SqliteQueue, status: int) -> None:
    endpoint = Endpoint(status)
    _publish(queue)
    _dispatch(queue, endpoint, lambda: _is_idle(queue))
    assert len(endpoint.bodies) == 1


@pytest.mark.parametrize("status", [301, 400, 404, 429, 500, 503])
def test_any_other_status_is_a_nack(queue: SqliteQueue, status: int) -> None:
    endpoint = Endpoint(status)
    _publish(queue)
    _dispatch(queue, endpoint, lambda: _is_idle(queue))
    assert [body["deliveryAttempt"] for body in endpoint.bodies] == [1, 2]


def test_the_body_is_that_of_a_push_request(queue: SqliteQueue) -> None:
    endpoint = Endpoint()
    _publish(queue)
    _dispatch(queue, endpoint, lambda: _is_idle(queue))
    message = endpoint.bodies[0]["message"]
    assert json.loads(base64.b64decode(message["data"])) == {"order_id": "NUS-1"}
    assert message["attributes"] == {"ce-id": "NUS-1/invoice.paid"}
    assert message["messageId"] == message["message_id"]
    assert message["publishTime"] == message["publish_time"]
    assert endpoint.bodies[0]["subscription"] == f"projects/local/subscriptions/{SUBSCRIPTION}"


def test_a_message_refused_too_often_becomes_a_dead_letter(queue: SqliteQueue) -> None:
    endpoint = Endpoint(500, 500, 500)
    _publish(queue)
    _dispatch(queue, endpoint, lambda: _is_idle(queue))
    assert [body["name"] for body in endpoint.bodies] == ["step", "step", "step", "keeper"]
    marks = endpoint.bodies[-1]["message"]["attributes"]
    assert marks["CloudPubSubDeadLetterSourceSubscription"] == SUBSCRIPTION
    assert marks["CloudPubSubDeadLetterSourceDeliveryCount"] == "3"
    assert marks["ce-id"] == "NUS-1/invoice.paid"


def test_a_dead_letter_itself_is_never_given_up(queue: SqliteQueue) -> None:
    endpoint = Endpoint(*[500] * (3 + 2 * FAST.max_attempts))
    _publish(queue)
    _dispatch(queue, endpoint, lambda: _is_idle(queue))
    assert [body["name"] for body in endpoint.bodies].count("keeper") == 2 * FAST.max_attempts + 1


def test_nobody_listening_is_a_nack_too(queue: SqliteQueue) -> None:
    _publish(queue)

    async def run() -> None:
        endpoints = {SUBSCRIPTION: "http://127.0.0.1:9/step", KEEPER: "http://127.0.0.1:9/keeper"}
        dispatcher = Dispatcher(queue, endpoints, SystemClock(), FAST)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(dispatcher.run(), timeout=0.3)

    asyncio.run(run())
    assert not _is_idle(queue)
    endpoint = Endpoint()
    _dispatch(queue, endpoint, lambda: _is_idle(queue))
    assert endpoint.bodies


def test_what_a_killed_dispatcher_had_leased_comes_again_at_once(queue: SqliteQueue) -> None:
    _publish(queue)
    now = SystemClock().now()
    ack_deadline = RetryPolicy().ack_deadline
    assert queue.lease(now, ack_deadline, {SUBSCRIPTION: 1})
    endpoint = Endpoint()
    _dispatch(queue, endpoint, lambda: _is_idle(queue), RetryPolicy())
    assert endpoint.bodies[0]["deliveryAttempt"] == 2


def test_every_subscription_of_a_topic_gets_the_message(tmp_path: Path) -> None:
    queue = open_queue(tmp_path, {SUBSCRIPTION: "invoice.paid", KEEPER: "invoice.paid"})
    endpoint = Endpoint()
    _publish(queue)
    _dispatch(queue, endpoint, lambda: _is_idle(queue))
    assert sorted(body["name"] for body in endpoint.bodies) == ["keeper", "step"]
    queue.close()


def test_messages_survive_the_process_that_published_them(tmp_path: Path) -> None:
    first = open_queue(tmp_path, {SUBSCRIPTION: "invoice.paid"})
    _publish(first, 3)
    first.close()
    again = open_queue(tmp_path, {SUBSCRIPTION: "invoice.paid"})
    endpoint = Endpoint()
    _dispatch(again, endpoint, lambda: _is_idle(again))
    assert len(endpoint.bodies) == 3
    again.close()


@given(attempt=st.integers(1, 10_000), chance=st.floats(0, 1))
def test_the_backoff_stays_within_its_bounds(attempt: int, chance: float) -> None:
    policy = RetryPolicy(min_backoff_s=10, max_backoff_s=600)
    assert 5 <= policy.backoff_s(attempt, chance) <= 600
    assert policy.backoff_s(attempt, chance) <= policy.backoff_s(attempt + 1, chance)
