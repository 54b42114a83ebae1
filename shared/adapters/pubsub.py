"""Publishing on Google Cloud Pub/Sub."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from google.api_core.exceptions import (
    Aborted,
    DeadlineExceeded,
    InternalServerError,
    ServiceUnavailable,
)
from google.api_core.retry import Retry, if_exception_type
from google.pubsub_v1 import PublisherClient

from shared import messages, tracing
from shared.adapters.google_cloud_errors import classified
from shared.domain.events import Event
from shared.ports import Clock

# One request, and one request with its retries.
REQUEST_TIMEOUT_S = 5.0
_RETRIES_TIMEOUT_S = 10.0
# Publishing twice is harmless, so doubtful outcomes are retried too.
RETRY = Retry(
    predicate=if_exception_type(Aborted, DeadlineExceeded, InternalServerError, ServiceUnavailable),
    initial=0.1,
    maximum=1.0,
    multiplier=2.0,
    timeout=_RETRIES_TIMEOUT_S,
)
# A request takes 1,000 messages and 10 MB (https://cloud.google.com/pubsub/quotas#resource_limits).
# Ours have some kB each.
_MOST_AT_ONCE = 100


class _Outgoing(NamedTuple):
    topic: str
    data: bytes
    attributes: dict[str, str]


class PubSubPublisher:
    """EventPublisher on Pub/Sub: each event goes to its topic in ``project``.

    What is for one topic goes in one request. Google's ``pubsub_v1.PublisherClient`` would wait
    10 ms for more to come, and send it from a thread of its own; here all of it is there already.
    """

    def __init__(self, client: PublisherClient, project: str, clock: Clock) -> None:
        self._client = client
        self._project = project
        self._clock = clock

    def publish(self, *events: Event) -> None:
        """See EventPublisher."""
        now = self._clock.now()
        with tracing.publishing(events) as traces:
            self._publish(
                _Outgoing(
                    event.topic,
                    messages.encode(event),
                    messages.attributes(event, traceparent=trace, at=now),
                )
                for event, trace in zip(events, traces, strict=True)
            )

    def publish_raw(self, topic: str, data: bytes, attributes: dict[str, str]) -> None:
        """Publish bytes as they are: what the web app does."""
        self._publish([_Outgoing(topic, data, attributes)])

    def _publish(self, outgoing: Iterable[_Outgoing]) -> None:
        by_topic: dict[str, list[dict[str, Any]]] = {}
        for topic, data, attributes in outgoing:
            by_topic.setdefault(topic, []).append({"data": data, "attributes": attributes})
        with classified("publishing to Pub/Sub"):
            for topic, all_of_it in by_topic.items():
                for begin in range(0, len(all_of_it), _MOST_AT_ONCE):
                    self._send(topic, all_of_it[begin : begin + _MOST_AT_ONCE])

    def _send(self, topic: str, batch: Sequence[dict[str, Any]]) -> None:
        request = {"topic": f"projects/{self._project}/topics/{topic}", "messages": batch}
        self._client.publish(request, retry=RETRY, timeout=REQUEST_TIMEOUT_S)
