"""The topics and subscriptions that are created in the emulator."""

from datetime import timedelta

import pytest
from google.pubsub_v1 import PublisherClient, SubscriberClient, Subscription

from local.pubsub_topology import Redelivery, create_topics_and_subscriptions
from shared.domain.events import TOPICS

pytestmark = pytest.mark.emulator


def _create(project: str, url: str, redelivery: Redelivery) -> Subscription:
    create_topics_and_subscriptions(project, {"create_invoice": ("order.created", url)}, redelivery)
    with SubscriberClient() as subscriber:
        path = f"projects/{project}/subscriptions/create_invoice"
        return subscriber.get_subscription(subscription=path)


def test_every_topic_exists_and_dead_letters_are_kept(project: str) -> None:
    _create(project, "http://localhost:1/", Redelivery())
    with PublisherClient() as publisher, SubscriberClient() as subscriber:
        topics = {found.name for found in publisher.list_topics(project=f"projects/{project}")}
        path = f"projects/{project}/subscriptions/create_invoice-dlq"
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
            shortest_pause=timedelta(seconds=2),
            longest_pause=timedelta(seconds=9),
            max_attempts=7,
        ),
    )
    assert changed.topic == f"projects/{project}/topics/order.created"
    assert changed.push_config.push_endpoint == "http://localhost:2/"
    assert changed.ack_deadline_seconds == 30
    assert changed.retry_policy.minimum_backoff == timedelta(seconds=2)
    assert changed.retry_policy.maximum_backoff == timedelta(seconds=9)
    assert changed.dead_letter_policy.max_delivery_attempts == 7
    assert changed.dead_letter_policy.dead_letter_topic == (
        f"projects/{project}/topics/create_invoice-dlq"
    )
