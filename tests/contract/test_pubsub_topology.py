"""The topics and subscriptions that are created in the emulator."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest
from google.pubsub_v1 import PublisherClient, PubsubMessage, SubscriberClient, Subscription

from local.pubsub_topology import Redelivery, create_topics_and_subscriptions
from shared.domain.events import TOPICS

pytestmark = pytest.mark.emulator
MESSAGES = 40
REFUSALS = 3


class _Reluctant(ThreadingHTTPServer):
    """Refuses each message a few times before it takes it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.deliveries: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        return sum(times > REFUSALS for times in self.deliveries.values())


class _Handler(BaseHTTPRequestHandler):
    server: _Reluctant

    def do_POST(self) -> None:
        pushed = msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.deliveries[pushed["message"]["messageId"]] += 1
        refused = self.server.deliveries[pushed["message"]["messageId"]] <= REFUSALS
        self.send_response(503 if refused else 204)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@contextmanager
def _reluctant() -> Iterator[_Reluctant]:
    with _Reluctant() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _create(project: str, url: str, redelivery: Redelivery) -> Subscription:
    endpoints = {
        "create_invoice": ("order.created", url),
        "keep_dead_letter": ("create_invoice-dlq", url),
    }
    create_topics_and_subscriptions(project, endpoints, redelivery)
    with SubscriberClient() as subscriber:
        path = f"projects/{project}/subscriptions/create_invoice"
        return subscriber.get_subscription(subscription=path)


def test_every_topic_exists_and_dead_letters_are_kept(project: str) -> None:
    _create(project, "http://localhost:1/", Redelivery())
    with PublisherClient() as publisher, SubscriberClient() as subscriber:
        topics = {found.name for found in publisher.list_topics(project=f"projects/{project}")}
        path = f"projects/{project}/subscriptions/keep_dead_letter"
        dead_letters = subscriber.get_subscription(subscription=path)
    names = [*TOPICS, "create_invoice-dlq"]
    assert topics == {f"projects/{project}/topics/{name}" for name in names}
    assert dead_letters.topic == f"projects/{project}/topics/create_invoice-dlq"


def test_creating_again_changes_the_settings(project: str) -> None:
    _create(project, "http://localhost:1/", Redelivery())
    changed = _create(
        project,
        "http://localhost:2/",
        Redelivery(
            ack_deadline=timedelta(seconds=30),
            max_attempts=7,
        ),
    )
    assert changed.topic == f"projects/{project}/topics/order.created"
    assert changed.push_config.push_endpoint == "http://localhost:2/"
    assert changed.ack_deadline_seconds == 30
    assert changed.dead_letter_policy.max_delivery_attempts == 7
    assert changed.dead_letter_policy.dead_letter_topic == (
        f"projects/{project}/topics/create_invoice-dlq"
    )


def test_no_message_that_was_refused_is_forgotten(project: str) -> None:
    with _reluctant() as server, PublisherClient() as publisher:
        _create(project, f"http://127.0.0.1:{server.server_port}/", Redelivery())
        publisher.publish(
            topic=f"projects/{project}/topics/order.created",
            messages=[PubsubMessage(data=str(number).encode()) for number in range(MESSAGES)],
        )
        deadline = time.monotonic() + 60
        while server.taken < MESSAGES:
            assert time.monotonic() < deadline, server.deliveries
            time.sleep(0.1)
    assert len(server.deliveries) == MESSAGES
