"""Log lines: Cloud Logging's fields, what they are bound to, and nobody's address in them."""

import json
import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from shared import observability, tracing
from shared.adapters.observed_orders import ObservedOrderStore
from shared.domain.billing import AMOUNT_MISMATCH
from shared.domain.order import Change, Status
from shared.errors import RetryableError
from shared.observability import JsonFormatter, bind, bound, info, warning
from tests.builders import NOW, invoiced_order
from tests.fakes import FakeOrderStore


class Lines(logging.Handler):
    """The lines that are logged, decoded."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter("demo"))
        self.all: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.all.append(json.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    handler = Lines()
    log = logging.getLogger("pipeline")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler.all
    log.removeHandler(handler)
    log.setLevel(level)


def told(line: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: line.get(name) for name in names}


def test_a_line_has_cloud_loggings_fields(lines: list[dict[str, Any]]) -> None:
    with tracing.span("step", "server", order_id="o-1"):
        place = tracing.current()
        warning("told", reason="slot_taken")
    assert place is not None
    (line,) = lines
    assert datetime.fromisoformat(line.pop("time")).tzinfo is not None
    assert line == {
        "severity": "WARNING",
        "message": "told",
        "reason": "slot_taken",
        "logging.googleapis.com/trace": f"projects/demo/traces/{tracing.trace_of('o-1')}",
        "logging.googleapis.com/spanId": place.span_id,
        "logging.googleapis.com/trace_sampled": False,
    }


def test_a_line_about_an_order_is_in_its_trace_outside_of_any_span(
    lines: list[dict[str, Any]],
) -> None:
    info("told", order_id="o-1")
    info("told")
    trace = "logging.googleapis.com/trace"
    assert lines[0][trace] == f"projects/demo/traces/{tracing.trace_of('o-1')}"
    assert trace not in lines[1]


def test_fields_are_bound_to_the_end_of_the_block(lines: list[dict[str, Any]]) -> None:
    with bound(function="f"):
        bind(order_id="o-1")
        with bound(order_id="o-2"):
            info("inner")
        info("outer")
    bind(order_id="o-3")
    info("outside")
    names = ("message", "function", "order_id")
    assert [told(line, *names) for line in lines] == [
        {"message": "inner", "function": "f", "order_id": "o-2"},
        {"message": "outer", "function": "f", "order_id": "o-1"},
        {"message": "outside", "function": None, "order_id": None},
    ]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("no such user: sari@example.com!", "no such user: …!"),
        ('bad "Sari <sari.w+x@mail.example.co.id>"', 'bad "Sari <…>"'),
        ("call +6281234567890 now", "call … now"),
        ("at 2026-11-24T09:00:00+07:00", "at 2026-11-24T09:00:00+07:00"),
        ("1+1234567890", "1+1234567890"),
        ("denied to f@p.iam.gserviceaccount.com", "denied to f@p.iam.gserviceaccount.com"),
        ("orders/NUS-2026-000123", "orders/NUS-2026-000123"),
    ],
)
def test_addresses_and_phone_numbers_are_blotted_out(
    said: str, shown: str, lines: list[dict[str, Any]]
) -> None:
    info(said, error=said)
    observability.unforeseen(RetryableError(said))
    assert told(lines[0], "message", "error") == {"message": shown, "error": shown}
    assert lines[1]["kind"] == "RetryableError"
    assert lines[1]["stack_trace"].endswith(f"RetryableError: {shown}")


def test_each_change_of_an_order_is_told_once(lines: list[dict[str, Any]]) -> None:
    store = ObservedOrderStore(FakeOrderStore())
    order = invoiced_order()
    store.transact(order.id, lambda _current, _days: Change(order=order))
    store.transact(order.id, lambda _current, _days: Change(order=order))
    asked = order.with_attention(AMOUNT_MISMATCH, NOW)
    store.transact(order.id, lambda _current, _days: Change(order=asked))
    expired = asked.moved_to(Status.EXPIRED, NOW)
    store.transact(order.id, lambda _current, _days: Change(order=expired))
    assert [told(line, "message", "order_status", "order_id") for line in lines] == [
        {"message": "status changed", "order_status": "pending", "order_id": order.id},
        {"message": "status changed", "order_status": "invoiced", "order_id": order.id},
        {"message": "attention raised", "order_status": None, "order_id": order.id},
        {"message": "status changed", "order_status": "expired", "order_id": order.id},
    ]
    assert lines[2]["reason"] == AMOUNT_MISMATCH
