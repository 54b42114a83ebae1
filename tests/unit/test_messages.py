"""The wire format: what is published comes back, and what is no event is refused with a reason."""

import base64
import hashlib
from typing import Any

import msgspec
import pytest

from shared import messages
from shared.domain.events import ALL_EVENTS, Event, InvoiceCreated, InvoicePaid, OrderCreated
from shared.errors import InvalidMessageError
from shared.messages import MAX_DATA_BYTES, MAX_KEPT_CHARACTERS, PushedMessage
from tests.builders import NOW, event_of, order_created

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
DEEP = b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def pushed(data: bytes, **attributes: str) -> PushedMessage:
    return PushedMessage(
        id="1", data=data, attributes=attributes, subscription="s", delivery_attempt=1
    )


def push(message: Any) -> bytes:
    return msgspec.json.encode({"message": message, "subscription": "s"})


@pytest.mark.parametrize("kind", ALL_EVENTS)
def test_an_event_arrives_as_it_was_published(kind: type[Event]) -> None:
    event = event_of(kind)
    attributes = messages.attributes(event, traceparent=TRACE, at=NOW)
    body = messages.push_body(
        "17",
        messages.encode(event),
        attributes,
        published_at=NOW.isoformat(),
        subscription="projects/local/subscriptions/step",
        attempt=3,
    )
    message = messages.read_push(msgspec.json.encode(body))
    assert messages.decode(message, *ALL_EVENTS) == event
    assert (message.id, message.delivery_attempt) == ("17", 3)
    assert message.subscription == "projects/local/subscriptions/step"
    assert message.traceparent == TRACE


def test_the_attributes_are_those_of_cloudevents() -> None:
    assert messages.attributes(event_of(InvoicePaid), traceparent=TRACE, at=NOW) == {
        "Content-Type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": "NUS-2026-000123/invoice.paid",
        "ce-source": "urn:mentoring:order-pipeline",
        "ce-type": "mentoring.invoice.paid.v1",
        "ce-time": "2026-11-24T02:00:05+00:00",
        "ce-correlationid": "NUS-2026-000123",
        "ce-traceparent": TRACE,
    }


def test_a_push_has_both_spellings_of_its_ids() -> None:
    body = messages.push_body(
        "17", b"{}", {"a": "b"}, published_at="then", subscription="s", attempt=1
    )
    assert body == {
        "message": {
            "attributes": {"a": "b"},
            "data": "e30=",
            "messageId": "17",
            "message_id": "17",
            "publishTime": "then",
            "publish_time": "then",
        },
        "subscription": "s",
        "deliveryAttempt": 1,
    }


def test_plain_json_without_attributes_is_the_one_type_that_is_expected() -> None:
    data = messages.encode(order_created())
    assert messages.decode(pushed(data), OrderCreated) == order_created()
    with pytest.raises(InvalidMessageError, match="event type None; expected one of mentoring"):
        messages.decode(pushed(data), OrderCreated, InvoicePaid)


@pytest.mark.parametrize(
    "named", ["mentoring.invoice.paid.v2", "mentoring.invoice.created.v1", "", "invoice.paid"]
)
def test_another_type_than_expected_is_refused(named: str) -> None:
    message = pushed(messages.encode(event_of(InvoiceCreated)), **{"ce-type": named})
    with pytest.raises(InvalidMessageError, match=r"expected one of mentoring\.invoice\.paid\.v1"):
        messages.decode(message, InvoicePaid)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated"),
        (b"{", "truncated"),
        (b"null", "Expected `object`, got `null`"),
        (b"[]", "Expected `object`, got `array`"),
        (b"{}", "missing required field `order_id`"),
        (b"\xff\xfe", "malformed"),
        (b'{"order_id":"a\xff"}', "utf-8"),
        (b'{"order_id":"\\ud800abcdef"}', "surrogate"),
        pytest.param(DEEP, "recursion", id="deep"),
        (messages.encode(order_created()).replace(b"250000", b"0"), r"`\$\.price\.amount`"),
    ],
)
def test_data_that_is_no_event_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidMessageError, match=rf"not a valid order\.created event: .*{reason}"):
        messages.decode(pushed(data), OrderCreated)


def test_data_may_be_as_long_as_the_limit_and_no_longer() -> None:
    longest = messages.encode(order_created()).ljust(MAX_DATA_BYTES)
    assert messages.decode(pushed(longest), OrderCreated) == order_created()
    with pytest.raises(InvalidMessageError, match="262145 bytes of data; an event has at most"):
        messages.decode(pushed(longest + b" "), OrderCreated)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"message":{}}',
        push({"messageId": 1}),
        push({"messageId": "1", "data": None}),
        push({"messageId": "1", "data": "YQ"}),
        push({"messageId": "1", "data": "Y Q=="}),
        push({"messageId": "1", "data": "é"}),
        push({"messageId": "1", "data": "YQ==", "attributes": {"a": 1}}),
        pytest.param(DEEP, id="deep"),
    ],
)
def test_a_body_that_is_no_push_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidMessageError, match="not a Pub/Sub push request: "):
        messages.read_push(body)


def test_a_push_without_data_attributes_or_attempt_is_one() -> None:
    assert messages.read_push(b'{"message":{"messageId":"1"}}') == PushedMessage(
        id="1", data=b"", attributes={}, subscription="", delivery_attempt=None
    )


@pytest.mark.parametrize("body", [b"{", b"\xff" * 10, base64.b64decode("AAECAw==")])
def test_a_rejected_message_is_kept_whole_as_text(body: bytes) -> None:
    kept = messages.rejected("8", body, source="step", reason="why", attributes={"a": "b"}, at=NOW)
    assert kept.body == body.decode(errors="replace")
    assert (kept.size, kept.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert (kept.id, kept.source, kept.reason) == ("8", "step", "why")
    assert (kept.attributes, kept.received_at) == ({"a": "b"}, NOW)


def test_of_a_huge_rejected_message_the_beginning_is_kept() -> None:
    body = b"a" * (MAX_KEPT_CHARACTERS + 1)
    kept = messages.rejected("8", body, source="step", reason="why", attributes={}, at=NOW)
    assert len(kept.body) == MAX_KEPT_CHARACTERS
    assert kept.size == len(body)
