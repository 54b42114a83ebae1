"""What create_invoice does with anything that can come in a Pub/Sub push."""

import json
from typing import Any

import msgspec
import pytest

from local.topology import FUNCTIONS
from shared import messages
from shared.domain.order import Status
from shared.messages import MAX_KEPT_CHARACTERS
from tests.component.functions.bench import Functions, push

MINUS_ONE_HOUR = -60


def changed(functions: Functions, path: str, value: Any) -> bytes:
    """Return a new order's JSON with one field replaced."""
    order = json.loads(messages.encode(functions.request()))
    *parents, field = path.split(".")
    inner = order
    for parent in parents:
        inner = inner[parent]
    inner[field] = value
    return json.dumps(order).encode()


def assert_kept(functions: Functions, body: bytes, data: bytes, reason: str) -> None:
    """Send a push, and see that it was acked and kept with its reason, and changed nothing."""
    orders = list(functions.orders.scan())
    answer = functions.post("create_invoice", body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["outcome"] == "rejected"
    assert reason in answer.json()["reason"]
    kept = functions.kept(data)
    assert (kept.source, kept.reason) == ("create_invoice", answer.json()["reason"])
    assert kept.body == data.decode(errors="replace")[:MAX_KEPT_CHARACTERS]
    assert kept.size == len(data)
    assert list(functions.orders.scan()) == orders
    assert functions.published() == []
    assert functions.xendit.requests == []


def test_a_good_order_gets_its_invoice(functions: Functions) -> None:
    request = functions.request()
    assert functions.deliver("create_invoice", request).status_code == 204
    order = functions.order(request.order_id)
    assert order.status is Status.INVOICED
    (event,) = functions.events()
    assert (event.topic, event.order_id) == ("invoice.created", request.order_id)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "image/png"])
def test_plain_json_of_the_web_app_is_enough_whatever_its_content_type(
    content_type: str, functions: Functions
) -> None:
    request = functions.request()
    body = push(messages.encode(request))
    answer = functions.post("create_invoice", body, {"content-type": content_type})
    assert answer.status_code == 204
    assert functions.order(request.order_id).status is Status.INVOICED


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("order_id", None, "$.order_id"),
        ("order_id", "a/b", "$.order_id"),
        ("order_id", "NUS-1\n", "$.order_id"),
        ("topic", "", "$.topic"),
        ("mentee", "Sari", "$.mentee"),
        ("mentee.name", "Sari\r\nBcc: all@example.com", "$.mentee.name"),
        ("mentee.name", 7, "$.mentee.name"),
        ("mentee.name", "x" * 201, "$.mentee.name"),
        ("mentee.email", "sari.example.com", "$.mentee.email"),
        ("mentee.email", "sari@example.com\n", "$.mentee.email"),
        ("mentee.phone", "0812", "$.mentee.phone"),
        ("mentee.locale", "fr", "$.mentee.locale"),
        ("mentor.time_zone", "Mars/Olympus", "unknown time zone 'Mars/Olympus'"),
        ("mentor.time_zone", "../../etc/passwd", "$.mentor"),
        ("session.starts_at", "2026-12-01T19:00:00", "$.session.starts_at"),
        ("session.starts_at", "tomorrow", "$.session.starts_at"),
        ("session.starts_at", "9999-12-31T23:59:59-12:00", "$.session"),
        ("session.starts_at", "0001-01-01T00:00:00+14:00", "$.session"),
        ("session.duration_minutes", 0, "$.session.duration_minutes"),
        ("session.duration_minutes", MINUS_ONE_HOUR, "$.session.duration_minutes"),
        ("session.duration_minutes", 721, "$.session.duration_minutes"),
        ("session.duration_minutes", "60", "$.session.duration_minutes"),
        ("price.currency", "USD", "$.price.currency"),
        ("price.amount", 0, "$.price.amount"),
        ("price.amount", -1, "$.price.amount"),
        ("price.amount", 1.5, "$.price.amount"),
        ("price.amount", "250000", "$.price.amount"),
        ("price.amount", True, "$.price.amount"),
        ("price.amount", 10**30, "$.price.amount"),
        ("price", {"amount": 1}, "`currency` - at `$.price`"),
    ],
)
def test_a_wrong_field_is_named(path: str, value: Any, reason: str, functions: Functions) -> None:
    data = changed(functions, path, value)
    assert_kept(functions, push(data), data, reason)


@pytest.mark.parametrize(
    "field", ["order_id", "created_at", "topic", "mentee", "mentor", "session", "price"]
)
def test_a_missing_field_is_named(field: str, functions: Functions) -> None:
    order = json.loads(messages.encode(functions.request()))
    del order[field]
    data = json.dumps(order).encode()
    assert_kept(functions, push(data), data, f"missing required field `{field}`")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"not json", "malformed"),
        (b'{"order_id": "NUS-9"', "truncated"),
        (b"[]", "got `array`"),
        (b"null", "got `null`"),
        (b'"order"', "got `str`"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "malformed"),
        (b'{"order_id": "\xff\xfe"}', "can't decode"),
        (b'{"order_id": "\\ud800", "topic": "a"}', "surrogate"),
        (b"[" * 100_000, "got `array`"),
        (b'{"unknown":' + b"[" * 100_000, "recursion depth"),
        (b'{"order_id":"' + b"x" * 2_000_000 + b'"}', "2000015 bytes"),
        (b"\x00" * 300_000, "300000 bytes"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else f"{value[:12]!r}",
)
def test_data_that_is_no_order_is_kept(data: bytes, reason: str, functions: Functions) -> None:
    assert_kept(functions, push(data), data, reason)


def test_a_message_without_data_is_kept(functions: Functions) -> None:
    answer = functions.post("create_invoice", push(None, {"only": "attributes"}))
    assert answer.json() == {
        "outcome": "rejected",
        "reason": "not a valid order.created event: Input data was truncated",
    }
    assert functions.kept(b"").attributes == {"only": "attributes"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "truncated"),
        (b"hello", "malformed"),
        (b"[1, 2]", "got `array`"),
        (b"{}", "missing required field `message`"),
        (b'{"message": {}}', "missing required field `messageId`"),
        (b'{"message": {"messageId": 7}}', "$.message.messageId"),
        (b'{"message": {"messageId": "1", "data": 7}}', "$.message.data"),
        (b'{"message": {"messageId": "1", "attributes": {"a": 1}}}', "$.message.attributes"),
        (b'{"message": {"messageId": "1", "data": "%%%"}}', "base64"),
        (b'{"message": {"messageId": "1", "data": "eyJh"}, "deliveryAttempt": "x"}', "Attempt"),
        (b"\x00\x01\x02\xff" * 100, "malformed"),
        (b"[" * 100_001, "got `array`"),
        (b'{"x":' + b"[" * 100_001, "recursion depth"),
        (b'{"message": {"messageId": "\xff"}}', "can't decode"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else f"{value[:30]!r}",
)
def test_a_body_that_is_no_push_is_kept_whole(
    body: bytes, reason: str, functions: Functions
) -> None:
    assert_kept(functions, body, body, reason)


@pytest.mark.parametrize("named", ["mentoring.invoice.paid.v1", "mentoring.order.created.v2", ""])
def test_another_type_than_the_expected_is_kept(named: str, functions: Functions) -> None:
    data = messages.encode(functions.request())
    expected = f"event type {named!r}; expected one of mentoring.order.created.v1"
    assert_kept(functions, push(data, {"ce-type": named}), data, expected)


def test_an_id_that_is_in_use_leaves_the_first_order_as_it_was(functions: Functions) -> None:
    order = functions.invoiced()
    again = functions.request(order_id=order.id)
    functions.xendit.requests.clear()
    data = messages.encode(again)
    assert_kept(functions, push(data), data, f"order {order.id} already exists with other content")
    assert functions.order(order.id) == order


def test_the_same_order_again_says_the_same_and_makes_nothing(functions: Functions) -> None:
    request = functions.request()
    functions.deliver("create_invoice", request)
    first, made = functions.published(), functions.order(request.order_id)
    functions.xendit.requests.clear()
    again = msgspec.structs.replace(request, created_at=functions.config.clock.now())
    assert functions.deliver("create_invoice", again).status_code == 204
    assert functions.published() == first
    assert functions.order(request.order_id) == made
    assert functions.xendit.requests == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("name", [f.name for f in FUNCTIONS if f.topics])
def test_pub_sub_pushes_with_post(name: str, method: str, functions: Functions) -> None:
    answer = functions.client.request(method, functions.config.url(name))
    assert answer.status_code == 405
    assert answer.json() == {"outcome": "refused", "reason": "Pub/Sub pushes with POST"}


def test_a_body_larger_than_pub_sub_can_send_is_refused(functions: Functions) -> None:
    kept = functions.rejected.list(1000)
    answer = functions.post("create_invoice", b"x" * (14 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert answer.json()["outcome"] == "refused"
    assert functions.rejected.list(1000) == kept


@pytest.mark.parametrize(
    "name", ["create_meeting", "send_notification", "close_order", "refund_payment"]
)
def test_the_other_steps_keep_what_they_cannot_read(name: str, functions: Functions) -> None:
    data = f"nothing for {name}".encode()
    (topic, *_) = next(function.topics for function in FUNCTIONS if function.name == name)
    named = f"mentoring.{topic}.v1"
    answer = functions.post(name, push(data, {"ce-type": named}))
    assert (answer.status_code, answer.json()["outcome"]) == (200, "rejected")
    kept = functions.kept(data)
    assert kept.source == name
    assert kept.attributes == {"ce-type": named}


def test_a_step_that_takes_several_types_needs_to_be_told_which(functions: Functions) -> None:
    data = b'{"order_id": "NUS-1", "reason": "untyped"}'
    answer = functions.post("send_notification", push(data))
    assert answer.json()["outcome"] == "rejected"
    assert functions.kept(data).reason.startswith("event type None; expected one of mentoring.")
