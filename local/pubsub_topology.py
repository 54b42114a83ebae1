"""The topics and subscriptions of the whole pipeline, in the Pub/Sub emulator."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
from google.api_core.exceptions import AlreadyExists
from google.api_core.retry import Retry
from google.pubsub_v1 import PublisherClient, SubscriberClient

from local.topology import DEAD_LETTER_SUFFIX
from shared.domain.events import TOPICS

_TIMEOUT_S = 10.0
_RETRY = Retry(timeout=_TIMEOUT_S)


class Redelivery(msgspec.Struct, frozen=True, kw_only=True):
    """How a message comes again. Pub/Sub takes deadlines of 10-600 s and 5-100 attempts.

    There is no retry policy: without one the emulator sends what was refused again after a second;
    with one it forgets about a tenth of what was refused twice (seen with gcloud 528).
    """

    ack_deadline: timedelta = timedelta(seconds=60)
    max_attempts: int = 20


def create_topics_and_subscriptions(
    project: str,
    push_endpoints: Mapping[str, tuple[str, str]],
    redelivery: Redelivery = Redelivery(),  # noqa: B008 - frozen
) -> None:
    """Create every topic, and a push subscription for each name: ``{name: (topic, url)}``.

    What a subscription gives up goes to the topic ``<name>-dlq``; a subscription on such a topic
    never gives up. List those last. Existing subscriptions get the new settings and keep their messages. Works
    on the emulator that ``PUBSUB_EMULATOR_HOST`` names, which must be set.
    """
    with PublisherClient() as publisher, SubscriberClient() as subscriber:
        for topic in TOPICS:
            _create_topic(publisher, _topic(project, topic))
        for name, (topic, url) in push_endpoints.items():
            push = _push(project, name, topic, url, redelivery)
            if not topic.endswith(DEAD_LETTER_SUFFIX):
                dead_letters = _topic(project, f"{name}{DEAD_LETTER_SUFFIX}")
                _create_topic(publisher, dead_letters)
                push["dead_letter_policy"] = {
                    "dead_letter_topic": dead_letters,
                    "max_delivery_attempts": redelivery.max_attempts,
                }
            _put_subscription(subscriber, push)


def _push(project: str, name: str, topic: str, url: str, redelivery: Redelivery) -> dict[str, Any]:
    return {
        "name": _path(project, name),
        "topic": _topic(project, topic),
        "push_config": {"push_endpoint": url},
        "ack_deadline_seconds": int(redelivery.ack_deadline.total_seconds()),
    }


def _create_topic(publisher: PublisherClient, path: str) -> None:
    try:
        publisher.create_topic(name=path, retry=_RETRY, timeout=_TIMEOUT_S)
    except AlreadyExists:
        return


def _put_subscription(subscriber: SubscriberClient, settings: dict[str, Any]) -> None:
    try:
        subscriber.create_subscription(request=settings, retry=_RETRY, timeout=_TIMEOUT_S)
    except AlreadyExists:
        changeable = [field for field in settings if field not in {"name", "topic"}]
        if changeable:
            request = {"subscription": settings, "update_mask": {"paths": changeable}}
            subscriber.update_subscription(request=request, retry=_RETRY, timeout=_TIMEOUT_S)


def _topic(project: str, name: str) -> str:
    return f"projects/{project}/topics/{name}"


def _path(project: str, name: str) -> str:
    return f"projects/{project}/subscriptions/{name}"
