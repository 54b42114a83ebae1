"""Publishing on Google Cloud Pub/Sub."""

from collections.abc import Sequence
from concurrent.futures import Future, wait
from typing import Protocol

from google.api_core.exceptions import (
    Aborted,
    DeadlineExceeded,
    InternalServerError,
    ServiceUnavailable,
)
from google.api_core.retry import Retry, if_exception_type

from shared import messages, tracing
from shared.adapters.google_cloud_errors import classified
from shared.domain.events import Event
from shared.errors import RetryableError
from shared.ports import Clock

# One request, all requests of a batch with their retries, and all of it with the time in queues.
_REQUEST_TIMEOUT_S = 5.0
_RETRIES_TIMEOUT_S = 10.0
_TOTAL_TIMEOUT_S = 15.0
# Publishing twice is harmless, so doubtful outcomes are retried too.
_RETRY = Retry(
    predicate=if_exception_type(Aborted, DeadlineExceeded, InternalServerError, ServiceUnavailable),
    initial=0.1,
    maximum=1.0,
    multiplier=2.0,
    timeout=_RETRIES_TIMEOUT_S,
)


class PublisherClient(Protocol):
    """The part of ``google.cloud.pubsub_v1.PublisherClient`` that is used here."""

    def publish(
        self, topic: str, data: bytes, *, retry: Retry, timeout: float, **attributes: str
    ) -> "Future[str]":
        """Queue a message for the topic's path; the future is its id."""


class PubSubPublisher:
    """EventPublisher on Pub/Sub: each event goes to its topic in ``project``."""

    def __init__(self, client: PublisherClient, project: str, clock: Clock) -> None:
        self._client = client
        self._project = project
        self._clock = clock

    def publish(self, *events: Event) -> None:
        """See EventPublisher."""
        now = self._clock.now()
        with tracing.publishing(events) as traces:
            self._publish(
                [
                    (e.topic, messages.encode(e), messages.attributes(e, traceparent=trace, at=now))
                    for e, trace in zip(events, traces, strict=True)
                ]
            )

    def publish_raw(self, topic: str, data: bytes, attributes: dict[str, str]) -> None:
        """Publish bytes as they are: what the web app does."""
        self._publish([(topic, data, attributes)])

    def _publish(self, batch: Sequence[tuple[str, bytes, dict[str, str]]]) -> None:
        with classified("publishing to Pub/Sub"):
            futures = [self._queue(*message) for message in batch]
            _, late = wait(futures, timeout=_TOTAL_TIMEOUT_S)
            if late:
                raise RetryableError(f"Pub/Sub took none of {len(late)} messages in time")
            for future in futures:
                future.result()

    def _queue(self, topic: str, data: bytes, attributes: dict[str, str]) -> "Future[str]":
        path = f"projects/{self._project}/topics/{topic}"
        return self._client.publish(
            path, data, retry=_RETRY, timeout=_REQUEST_TIMEOUT_S, **attributes
        )
