"""One order, one trace: from the web app's event to the last reminder, across all functions."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.topology import FUNCTIONS
from shared.tracing import trace_of
from tests.e2e import commands

BACKENDS = [
    pytest.param("embedded", marks=pytest.mark.xdist_group("traces")),
    pytest.param("emulator", marks=pytest.mark.emulator),
]
Span = dict[str, Any]

# A consumer's span, and the one that published what it consumed.
HANDED_ON = {
    "send_notification invoice.created": "publish invoice.created",
    "send_notification invoice.paid": "publish invoice.paid",
    "create_meeting invoice.paid": "publish invoice.paid",
    "send_notification meeting.scheduled": "publish meeting.scheduled",
    "send_notification reminder.due": "publish reminder.due",
}
# In which span each fact is published; reminders wake up by themselves.
SAID_IN = {
    "publish invoice.created": "create_invoice order.created",
    "publish invoice.paid": "payment_callback",
    "publish meeting.scheduled": "create_meeting invoice.paid",
    "publish reminder.due": None,
}
# The functions that an order without a hitch meets.
STEPS = {
    "create_invoice",
    "payment_callback",
    "create_meeting",
    "send_reminder",
    "reconcile_orders",
    "send_notification",
}
BEGINNINGS = {
    "create_invoice order.created",
    "payment_callback",
    "publish reminder.due",
    "reconcile_orders",
}


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_trace_follows_an_order_from_its_event_to_the_last_reminder(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACES", "console")
    order_id, spans, printed = _traced(tmp_path / "world", backend)
    _assert_all_spans_are_in_the_one_trace(order_id, spans)
    _assert_every_span_hangs_on_what_caused_it(spans)
    _assert_spans_and_logs_name_the_same_trace_and_nobody(order_id, spans, printed)


def _traced(folder: Path, backend: str) -> tuple[str, list[Span], str]:
    """Take one order through a local world; return its id, all spans, and all that was printed."""
    results = commands.demo(folder, "--backend", backend, "--orders", "1")
    (order,) = results["orders"]
    assert (order["status"], order["reminders_sent"]) == ("scheduled", 3)
    printed = "".join((folder / "logs" / f"{f.name}.log").read_text() for f in FUNCTIONS)
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return order["order_id"], [line for line in lines if "context" in line], printed


def _assert_all_spans_are_in_the_one_trace(order_id: str, spans: list[Span]) -> None:
    assert {span["context"]["trace_id"] for span in spans} == {f"0x{trace_of(order_id)}"}
    names = {span["name"] for span in spans}
    assert names >= {*HANDED_ON, *SAID_IN, *BEGINNINGS}
    assert names >= {"invoices.create", "meetings.ensure", "mailer.send", "orders.transact"}
    services = {span["resource"]["attributes"]["service.name"] for span in spans}
    assert services == STEPS


def _assert_every_span_hangs_on_what_caused_it(spans: list[Span]) -> None:
    by_id = {span["context"]["span_id"]: span for span in spans}
    assert len(by_id) == len(spans)
    parents = {
        (span["name"], by_id[span["parent_id"]]["name"] if span["parent_id"] else None)
        for span in spans
    }
    assert {name for name, parent in parents if parent is None} == BEGINNINGS
    assert parents >= {*HANDED_ON.items(), *SAID_IN.items()}
    for span in spans:
        assert span["start_time"] <= span["end_time"]
        if span["parent_id"]:
            assert by_id[span["parent_id"]]["start_time"] <= span["start_time"]


def _assert_spans_and_logs_name_the_same_trace_and_nobody(
    order_id: str, spans: list[Span], printed: str
) -> None:
    logged = [json.loads(line) for line in printed.splitlines() if '"severity"' in line]
    of_order = [line for line in logged if line.get("order_id") == order_id]
    assert {line["function"] for line in of_order} >= {"create_invoice", "payment_callback"}
    traces = {line["logging.googleapis.com/trace"].rpartition("/")[2] for line in of_order}
    assert traces == {trace_of(order_id)}
    attributes = {key for span in spans for key in span["attributes"]}
    assert attributes == {"order.id", "event.id", "attempt", "messaging.destination.name"}
    assert "@" not in printed
