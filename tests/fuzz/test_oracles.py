"""The oracles see what they are there for: each is shown the fault that it looks for."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared import messages
from shared.adapters.sqlite_queue import QueuedMessage
from shared.domain.events import InvoicePaid
from tests.builders import NOW, delivery, event_of, invoiced_order, paid_order, rejected_message
from tests.fuzz import contract, oracles, state
from tests.fuzz.wire import Answer, Framing, Request

REQUEST = Request(number=1, entry="create_invoice", kind="mutated event")


def answer(status: int, retry_after: str | None = None, **body: Any) -> Answer:
    headers = {} if retry_after is None else {"retry-after": retry_after}
    return Answer(status, headers, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (Answer(0), "closed without an answer"),
        (Answer(500, {}, b"Internal Server Error"), "500 is not a declared answer"),
        (answer(503, "10", outcome="down"), "503 is not a declared answer"),
        (answer(502, "10", outcome="retry", reason="wait a bit"), "502 is not a declared answer"),
        (answer(503, outcome="retry", reason="wait a bit"), "without a Retry-After"),
        (answer(503, "10", outcome="retry", reason="KeyError"), "unforeseen error: KeyError"),
    ],
)
def test_an_undeclared_answer_is_seen(given: Answer, problem: str) -> None:
    (seen,) = oracles.wrong_answer(REQUEST, given)
    assert problem in seen


@pytest.mark.parametrize(
    "given", [Answer(204), answer(429, "3", outcome="retry", reason="Xendit answered 429")]
)
def test_a_declared_answer_is_right(given: Answer) -> None:
    assert list(oracles.wrong_answer(REQUEST, given)) == []


def test_a_broken_request_may_be_hung_up_on() -> None:
    broken = Request(number=1, entry="create_invoice", kind="", framing=Framing.BAD_CHUNK)
    assert list(oracles.wrong_answer(broken, Answer(0))) == []


def test_a_hopeless_message_that_is_not_kept_is_seen() -> None:
    hopeless = Request(
        number=1, entry="create_invoice", kind="", hopeless=True, statuses=frozenset({200})
    )
    seen = list(oracles.wrong_answer(hopeless, Answer(204)))
    assert [problem.split(";")[0] for problem in seen] == [
        "answered 204",
        "it can never be handled, and was not kept",
    ]


def test_a_message_that_is_said_to_be_kept_and_is_not_is_seen() -> None:
    kept = answer(200, outcome="rejected", reason="why")
    (by_digest,) = oracles.kept_ids(REQUEST)
    assert oracles.kept_nowhere(REQUEST, kept, {by_digest}) is None
    assert oracles.kept_nowhere(REQUEST, kept, {"create_invoice-another"}) is not None


@pytest.mark.parametrize(
    ("sent_back", "kind", "problem"),
    [
        (b"1158201444", "text/plain; charset=utf-8", None),
        (b"another", "text/plain", "the challenge is not what was sent back"),
        (b"1158201444", "text/html", "the challenge is sent as text/html"),
    ],
)
def test_a_wrong_answer_to_a_handshake_is_seen(
    sent_back: bytes, kind: str, problem: str | None
) -> None:
    target = "/?hub.mode=subscribe&hub.challenge=1158201444"
    asked = Request(number=1, entry="track_delivery", kind="handshake", target=target)
    seen = list(oracles.wrong_echo(asked, Answer(200, {"content-type": kind}, sent_back)))
    assert seen == ([problem] if problem else [])


def test_secrets_that_are_told_or_logged_are_seen() -> None:
    secret = "a-token-that-nobody-may-see"
    assert list(oracles.told_secrets(answer(200, reason="fine"), [secret])) == []
    assert len(list(oracles.told_secrets(answer(200, reason=secret), [secret]))) == 1
    assert len(list(oracles.told_secrets(Answer(200, {"location": secret}), [secret]))) == 1
    assert list(oracles.leaked(f"line {secret} of a log", ["x", "", secret[::-1]])) == []
    assert len(list(oracles.leaked(f"line {secret} of a log", [secret]))) == 1


def test_what_a_webhook_may_not_make_of_a_chat_is_seen() -> None:
    sent = delivery(sent_at=NOW)
    lost = msgspec.structs.replace(sent, failed="131026 Message undeliverable")
    assert oracles.wrong_chat(REQUEST, sent, lost) is None
    for after in (
        None,
        msgspec.structs.replace(lost, sent_at=None),
        msgspec.structs.replace(lost, failed="x" * 5000),
    ):
        assert oracles.wrong_chat(REQUEST, sent, after)


def test_an_order_that_nobody_paid_is_seen() -> None:
    assert list(oracles.wrong_orders([invoiced_order()], frozenset())) == []
    assert list(oracles.wrong_orders([paid_order()], frozenset({paid_order().id}))) == []
    (seen,) = oracles.wrong_orders([paid_order()], frozenset({"another"}))
    assert "nobody paid it" in seen


def test_wrong_events_are_seen() -> None:
    data = messages.encode(event_of(InvoicePaid)).replace(b"IDR", b"USD")
    message = QueuedMessage(
        id=1,
        subscription="any",
        topic="invoice.paid",
        data=data,
        attributes={"ce-traceparent": "x" * 1025},
        published_at=NOW.isoformat(),
        attempt=1,
    )
    assert [problem.split(":")[0] for problem in oracles.wrong_messages([message])] == [
        "published what invoice.paid's schema refuses",
        "published an unusable trace",
        "published an attribute ce-traceparent of 1025 characters",
    ]


def test_what_firestore_would_not_take_is_seen() -> None:
    assert list(oracles.unfit([rejected_message()])) == []
    assert len(list(oracles.unfit([rejected_message(body="x" * 1024 * 1024)]))) == 1


def test_any_change_in_a_store_is_seen(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "orders.db", isolation_level=None)) as db:
        db.execute("CREATE TABLE orders (id TEXT, body BLOB)")
        before = state.read(tmp_path)
        assert state.read(tmp_path).differs_in(before) == []
        db.execute("INSERT INTO orders VALUES ('a', x'00')")
    assert state.read(tmp_path).differs_in(before) == ["orders.orders"]


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"{}", b'{"order_id": NaN, "reason": "a"}', b'{"order_id": 1, "reason": "a"}'],
)
def test_the_schema_refuses_what_is_no_event(data: bytes) -> None:
    assert contract.refused("order.rejected", data)


@pytest.mark.parametrize(
    "data",
    [b'{"order_id": "a", "reason": "b"}', b'{"order_id": 1, "order_id": "a", "reason": "b"}'],
)
def test_the_schema_does_not_refuse_what_may_be_one(data: bytes) -> None:
    assert not contract.refused("order.rejected", data)
