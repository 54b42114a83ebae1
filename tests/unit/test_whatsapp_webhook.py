"""Webhooks of WhatsApp: believed only when signed, read with whatever else is in them."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.errors import InvalidMessageError
from shared.whatsapp_webhook import MessageStatus, Progress, challenge, is_signed, read_webhook

KEY = "NUS-2026-000123:session_scheduled:mentee:whatsapp"
SECRET = "an-app-secret"
BODY = b'{"object":"whatsapp_business_account"}'


def status(**changes: Any) -> dict[str, Any]:
    told = {
        "id": "wamid.1",
        "status": "delivered",
        "timestamp": "1764000000",
        "recipient_id": "6281234567890",
        "biz_opaque_callback_data": KEY,
        "pricing": {"billable": True},
    }
    return told | changes


def webhook(*statuses: dict[str, Any], field: str = "messages") -> bytes:
    value = {"messaging_product": "whatsapp", "metadata": {}, "statuses": list(statuses)}
    change = {"value": value, "field": field}
    return json.dumps({"object": "x", "entry": [{"id": "1", "changes": [change]}]}).encode()


def signed(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_metas_signature_is_believed() -> None:
    assert is_signed(BODY, signed(BODY), SECRET)


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=",
        "é",
        signed(BODY, "another secret"),
        signed(BODY + b" "),
        signed(BODY).upper(),
        signed(BODY).removeprefix("sha256="),
        signed(BODY).replace("sha256", "sha1"),
    ],
)
def test_no_other_signature_is_believed(signature: str | None) -> None:
    assert not is_signed(BODY, signature, SECRET)


def test_the_address_is_registered_only_by_who_knows_the_token() -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "known", "hub.challenge": "1158201444"}
    assert challenge(query, "known") == "1158201444"
    assert challenge(query, "other") is None
    assert challenge(query | {"hub.mode": "unsubscribe"}, "known") is None
    assert challenge({}, "known") is None


def test_each_status_of_a_toldis_read() -> None:
    read = read_webhook(webhook(status(status="sent"), status(status="read"))).statuses
    at = datetime.fromtimestamp(1764000000, UTC)
    assert read == tuple(
        MessageStatus(key=KEY, message_id="wamid.1", progress=progress, at=at)
        for progress in (Progress.SENT, Progress.READ)
    )


@pytest.mark.parametrize(
    ("errors", "reason"),
    [
        ([{"code": 131026, "title": "Message undeliverable"}], "131026 Message undeliverable"),
        ([{"code": 1, "message": "a"}, {"code": "2", "title": None}], "1 a; 2"),
        ([], "no reason given"),
        (None, "no reason given"),
    ],
)
def test_a_failed_message_says_why(errors: Any, reason: str) -> None:
    (read,) = read_webhook(webhook(status(status="failed", errors=errors))).statuses
    assert (read.progress, read.failed) == (Progress.FAILED, reason)


@pytest.mark.parametrize(
    "errors",
    [[{"code": 1, "title": "🦊" * 300_000}], [{"code": 1, "title": "🦊" * 40}] * 30_000],
    ids=["long", "many"],
)
def test_of_a_reason_only_the_beginning_is_kept(errors: list[dict[str, Any]]) -> None:
    (read,) = read_webhook(webhook(status(status="failed", errors=errors))).statuses
    assert read.failed is not None
    assert read.failed.startswith("1 🦊🦊")
    assert len(read.failed) == 500


def test_a_word_that_is_not_known_is_no_error() -> None:
    (read,) = read_webhook(webhook(status(status="played"))).statuses
    assert (read.progress, read.failed) == (Progress.UNKNOWN, None)


@pytest.mark.parametrize("timestamp", [None, "", "soon", "-1", "1.5", "9" * 5000, "²"])
def test_a_time_that_is_none_is_left_out(timestamp: str | None) -> None:
    (read,) = read_webhook(webhook(status(timestamp=timestamp))).statuses
    assert read.at is None


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"entry": null}',
        b'{"entry": [{}]}',
        b'{"entry": [{"changes": [{"field": "messages", "value": {"messages": [{"id": "x"}]}}]}]}',
        b'{"entry": [{"changes": [{"field": "account_update", "value": "anything"}]}]}',
        webhook(status(biz_opaque_callback_data=None)),
        webhook(status(), field="calls"),
    ],
)
def test_a_toldabout_other_things_says_nothing_of_ours(body: bytes) -> None:
    assert read_webhook(body).statuses == ()


@pytest.mark.parametrize("strange", [status(id=1), status(errors="no list"), "a word", None])
def test_a_status_that_cannot_be_read_does_not_silence_the_others(strange: Any) -> None:
    told = read_webhook(webhook(strange, status(status="read")))
    assert [read.progress for read in told.statuses] == [Progress.READ]
    assert told.unread is not None
    assert told.unread.startswith("not a status of a WhatsApp message: ")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b"not JSON",
        b"[" * 100_000,
        b'{"entry": "x"}',
        b'{"entry": [{"changes": [{"field": "messages", "value": 1}]}]}',
    ],
)
def test_what_is_no_toldis_refused_with_the_reason(body: bytes) -> None:
    with pytest.raises(InvalidMessageError, match="not a WhatsApp webhook: "):
        read_webhook(body)
