"""Any event survives the wire, and an order's fingerprint is that of its content."""

from datetime import datetime, tzinfo

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import messages
from shared.domain.events import ALL_EVENTS, Event, OrderCreated
from tests.builders import NOW
from tests.property.strategies import events, instants, offsets, orders_created

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@settings(deadline=None, max_examples=250)
@given(events, st.integers(1, 100))
def test_an_event_arrives_as_it_was_published(event: Event, attempt: int) -> None:
    body = messages.push_body(
        "1",
        messages.encode(event),
        messages.attributes(event, traceparent=TRACE, at=NOW),
        published_at=NOW.isoformat(),
        subscription="s",
        attempt=attempt,
    )
    message = messages.read_push(msgspec.json.encode(body))
    assert messages.decode(message, *ALL_EVENTS) == event
    assert message.delivery_attempt == attempt


@settings(deadline=None, max_examples=100)
@given(orders_created, instants, offsets)
def test_the_same_order_said_later_and_in_another_zone_is_the_same(
    event: OrderCreated, later: datetime, zone: tzinfo
) -> None:
    again = msgspec.json.decode(messages.encode(event))
    again["created_at"] = later.isoformat()
    again["session"]["starts_at"] = event.session.starts_at.astimezone(zone).isoformat()
    read = msgspec.json.decode(msgspec.json.encode(again), type=OrderCreated)
    assert read.fingerprint() == event.fingerprint()
