"""The way to the next step, recorded."""

import msgspec

from shared import messages, tracing
from shared.domain.events import Event
from shared.ports import Clock
from tests.fakes.world import FakeClock, Faults


class PublishedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What went to a topic, as on the wire."""

    topic: str
    data: bytes
    attributes: dict[str, str]


class FakePublisher:
    """EventPublisher that records: ``events`` as they were given, ``messages`` as on the wire."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.faults = Faults()
        self.events: list[Event] = []
        self.messages: list[PublishedMessage] = []
        self._clock = clock or FakeClock()

    def publish(self, *events: Event) -> None:
        self.faults.entering("publish")
        now = self._clock.now()
        with tracing.publishing(events) as traces:
            for event, trace in zip(events, traces, strict=True):
                self.events.append(event)
                attributes = messages.attributes(event, traceparent=trace, at=now)
                self.publish_raw(event.topic, messages.encode(event), attributes)
        self.faults.leaving("publish")

    def publish_raw(self, topic: str, data: bytes, attributes: dict[str, str]) -> None:
        self.messages.append(PublishedMessage(topic=topic, data=data, attributes=attributes))
