"""What every EventPublisher does, in memory, in the SQLite queue and on Pub/Sub."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest
from google.pubsub_v1 import PublisherClient, SubscriberClient

from local.pubsub_topology import create_topics_and_subscriptions
from shared import messages, tracing
from shared.adapters.pubsub import PubSubPublisher
from shared.adapters.sqlite_queue import SqlitePublisher, SqliteQueue
from shared.domain.events import TOPICS, Event, InvoiceExpired, OrderRejected
from shared.errors import RetryableError
from shared.ports import EventPublisher
from tests.builders import NOW, order_created
from tests.fakes import FakeClock, FakePublisher

REJECTED = OrderRejected(order_id="order-1", reason="slot_taken")


class RawPublisher(EventPublisher, Protocol):
    """What the adapters can do beyond the port."""

    def publish_raw(self, topic: str, data: bytes, attributes: dict[str, str]) -> None:
        """Publish bytes as they are."""


class Subject(NamedTuple):
    """A publisher, and what has arrived on a topic since, in no certain order."""

    publisher: RawPublisher
    received: Callable[[str], list[messages.PushedMessage]]


@pytest.fixture(params=["fake", "sqlite", pytest.param("pubsub", marks=pytest.mark.emulator)])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "fake":
        fake = FakePublisher()
        yield Subject(fake, lambda topic: _recorded(fake, topic))
    elif request.param == "sqlite":
        with closing(SqliteQueue(tmp_path / "queue.db")) as queue:
            for topic in TOPICS:
                queue.subscribe(f"test-{topic}", topic)
            yield Subject(SqlitePublisher(queue, FakeClock()), lambda topic: _leased(queue, topic))
    else:
        yield from _pubsub(request.getfixturevalue("project"))


def _pubsub(project: str) -> Iterator[Subject]:
    create_topics_and_subscriptions(project, {})
    with PublisherClient() as client, SubscriberClient() as subscriber:
        for topic in TOPICS:
            subscriber.create_subscription(
                name=f"projects/{project}/subscriptions/test-{topic}",
                topic=f"projects/{project}/topics/{topic}",
            )
        publisher = PubSubPublisher(client, project, FakeClock())
        yield Subject(publisher, lambda topic: _pulled(subscriber, project, topic))


def test_an_event_arrives_on_its_topic_with_its_attributes(subject: Subject) -> None:
    subject.publisher.publish(order_created())
    (message,) = subject.received("order.created")
    assert messages.decode(message, type(order_created())) == order_created()
    trace = message.attributes["ce-traceparent"]
    assert message.attributes == messages.attributes(order_created(), traceparent=trace, at=NOW)
    place = tracing.parse(trace)
    assert place is not None
    assert place.trace_id == tracing.trace_of(order_created().order_id)


def test_several_events_all_arrive_each_on_its_topic(subject: Subject) -> None:
    rejected = [OrderRejected(order_id=f"order-{n}", reason="slot_taken") for n in range(20)]
    expired = InvoiceExpired(order_id="order-1", invoice_id="inv-1")
    subject.publisher.publish(*rejected, expired)
    arrived = [messages.decode(m, OrderRejected) for m in subject.received("order.rejected")]
    assert sorted(arrived, key=_number) == rejected
    assert [messages.decode(m, InvoiceExpired) for m in subject.received("invoice.expired")] == [
        expired
    ]


def test_publishing_nothing_is_quiet(subject: Subject) -> None:
    subject.publisher.publish()
    assert {topic: subject.received(topic) for topic in TOPICS} == {topic: [] for topic in TOPICS}


def test_the_same_event_twice_arrives_twice(subject: Subject) -> None:
    subject.publisher.publish(REJECTED)
    subject.publisher.publish(REJECTED)
    assert len(subject.received("order.rejected")) == 2


def test_raw_bytes_arrive_as_they_are(subject: Subject) -> None:
    subject.publisher.publish_raw("order.created", b"{\xff", {"origin": "web"})
    (message,) = subject.received("order.created")
    assert (message.data, message.attributes) == (b"{\xff", {"origin": "web"})


@pytest.mark.emulator
def test_a_topic_that_is_missing_may_come_yet(project: str) -> None:
    with (
        PublisherClient() as client,
        pytest.raises(RetryableError, match="publishing to Pub/Sub: 404"),
    ):
        PubSubPublisher(client, project, FakeClock()).publish(REJECTED)


@pytest.mark.emulator
def test_what_is_for_one_topic_goes_in_as_few_requests_as_may_be(project: str) -> None:
    create_topics_and_subscriptions(project, {})
    rejected = [OrderRejected(order_id=f"order-{n}", reason="slot_taken") for n in range(101)]
    expired = InvoiceExpired(order_id="order-1", invoice_id="inv-1")
    client = _Counting()
    with client:
        PubSubPublisher(client, project, FakeClock()).publish(*rejected, expired)
    assert client.sizes == [100, 1, 1]


class _Counting(PublisherClient):
    """Counts the messages of each request."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def publish(self, request: Any = None, **options: Any) -> Any:
        """Pass it on."""
        self.sizes.append(len(request["messages"]))
        return super().publish(request, **options)


def _number(event: Event) -> int:
    return int(event.order_id.removeprefix("order-"))


def _message(data: bytes, attributes: Mapping[str, str]) -> messages.PushedMessage:
    return messages.PushedMessage(
        id="1", data=data, attributes=dict(attributes), subscription="", delivery_attempt=None
    )


def _recorded(fake: FakePublisher, topic: str) -> list[messages.PushedMessage]:
    return [_message(m.data, m.attributes) for m in fake.messages if m.topic == topic]


def _leased(queue: SqliteQueue, topic: str) -> list[messages.PushedMessage]:
    leased = queue.lease(NOW, timedelta(0), {f"test-{topic}": 100})
    return [_message(m.data, m.attributes) for m in leased]


def _pulled(subscriber: SubscriberClient, project: str, topic: str) -> list[messages.PushedMessage]:
    path = f"projects/{project}/subscriptions/test-{topic}"
    request = {"subscription": path, "max_messages": 100, "return_immediately": True}
    with pytest.warns(DeprecationWarning, match="return_immediately"):
        pulled = subscriber.pull(request=request, timeout=10)
    return [_message(m.message.data, m.message.attributes) for m in pulled.received_messages]
