"""Every log metric counts a line that the functions really write, with the fields it takes."""

import json
import logging
import operator
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from deploy.monitoring.apply import metrics
from functions.keep_dead_letter.use_case import SOURCE_ATTEMPTS, SOURCE_SUBSCRIPTION
from shared import observability
from shared.domain.events import InvoicePaid
from shared.domain.order import Order
from shared.entrypoint import SCHEDULE_TIME
from shared.messages import encode
from shared.whatsapp_webhook import SIGNATURE
from tests.builders import event_of
from tests.component.functions.bench import Functions, push
from tests.component.functions.test_webhooks import paid

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {"=": operator.eq, ">=": operator.ge}
Line = dict[str, Any]


def value_of(line: Line, field: str) -> Any:
    """Return what Cloud Logging would find: our fields are the entry's payload."""
    assert field.startswith("jsonPayload.")
    return line.get(field.removeprefix("jsonPayload."))


def matches(line: Line, query: str) -> bool:
    """Return whether a line is one of those that a filter of ours names."""
    conditions = query.split(" AND ")
    assert conditions[0] == 'resource.type="cloud_run_revision"'
    for condition in conditions[1:]:
        field, compare, wanted = re.fullmatch(r"([\w.]+)(>=|=)(.+)", condition).groups()  # type: ignore[union-attr] # a filter of another form fails here
        found = value_of(line, field)
        expected = [json.loads(each) for each in wanted.strip("()").split(" OR ")]
        if found is None or not any(_COMPARE[compare](found, each) for each in expected):
            return False
    return True


@pytest.fixture(scope="session")
def order(served: Functions) -> Order:
    """Return an order with its invoice."""
    return served.invoiced()


@pytest.fixture(scope="session")
def lines(order: Order, served: Functions) -> list[Line]:
    """Let everything happen that is counted; return what the functions said about it."""
    functions = served
    functions.pay(order)
    functions.webhook(paid(order))
    functions.webhook(paid(order), token="wrong")
    functions.webhook(b"{}")
    functions.post("track_delivery", b"{}", {SIGNATURE: "sha256=wrong"})
    # Paid with another amount: the admin is asked.
    other = functions.invoiced()
    functions.pay(other, amount=100)
    functions.webhook(paid(other))
    # Not in the store: given back.
    functions.deliver("create_meeting", event_of(InvoicePaid))
    marks = {SOURCE_SUBSCRIPTION: "create_meeting--invoice.paid", SOURCE_ATTEMPTS: "100"}
    functions.post("keep_dead_letter", push(encode(event_of(InvoicePaid)), marks))
    soon = functions.config.clock.now() + timedelta(minutes=5)
    for name in ("send_reminder", "reconcile_orders", "send_digest"):
        functions.post(name, headers={SCHEDULE_TIME: soon.isoformat()})
    functions.published()
    return [*functions.log_lines(), json.loads(_unforeseen())]


def _unforeseen() -> str:
    """Return the line about an error that the functions, let us hope, never write."""
    written: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(self.format(record))

    handler = Keep()
    handler.setFormatter(observability.JsonFormatter("demo"))
    log = logging.getLogger("pipeline")
    log.addHandler(handler)
    with observability.bound(function="create_invoice"):
        observability.unforeseen(ZeroDivisionError("nobody expected this"), latency_ms=3)
    log.removeHandler(handler)
    return written[0]


@pytest.mark.parametrize("name", metrics())
def test_a_metric_counts_lines_that_have_all_that_it_takes(name: str, lines: list[Line]) -> None:
    metric = metrics()[name]
    counted = [line for line in lines if matches(line, metric["filter"])]
    assert counted != []
    taken = [*metric.get("labelExtractors", {}).values()]
    for extractor in taken:
        field = extractor.removeprefix("EXTRACT(").removesuffix(")")
        assert all(isinstance(value_of(line, field), str) for line in counted), field
    if "valueExtractor" in metric:
        field = metric["valueExtractor"].removeprefix("EXTRACT(").removesuffix(")")
        assert all(isinstance(value_of(line, field), int | float) for line in counted), field


def test_each_door_that_strangers_can_knock_at_is_counted_when_it_refuses(
    lines: list[Line],
) -> None:
    refused = metrics()["pipeline_refused_webhooks"]["filter"]
    counted = {line["function"] for line in lines if matches(line, refused)}
    assert counted == {"payment_callback", "track_delivery"}


def test_a_filter_that_names_another_field_counts_nothing(lines: list[Line]) -> None:
    ticks = metrics()["pipeline_ticks"]["filter"]
    assert [line for line in lines if matches(line, ticks.replace("due", "dew"))] == []


def test_a_status_is_counted_once_for_each_order_that_reaches_it(
    order: Order, lines: list[Line]
) -> None:
    statuses = metrics()["pipeline_order_statuses"]["filter"]
    own = [line for line in lines if line.get("order_id") == order.id and matches(line, statuses)]
    assert [line["order_status"] for line in own] == ["pending", "invoiced", "paid"]
