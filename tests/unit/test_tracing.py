"""Which trace a span belongs to, and what it is part of."""

import hashlib
from collections.abc import Iterator

import pytest

from shared import tracing
from shared.domain.events import InvoiceExpired, InvoicePaid
from shared.errors import RetryableError
from shared.tracing import Attributes, Kind, Origin, TraceContext
from tests.builders import event_of

ORDER = "NUS-2026-000123"
FROM_WEB_APP = TraceContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", sampled=True)


class Recorded:
    """A span that keeps what is said of it."""

    def __init__(self, number: int, name: str, origin: Origin, attributes: Attributes) -> None:
        self.name = name
        self.origin = origin
        self.attributes = attributes
        self.context = TraceContext(origin.trace_id, f"{number:016x}", sampled=True)
        self.failed = ""
        self.ended = False

    def fail(self, kind: str) -> None:
        self.failed = kind

    def end(self) -> None:
        self.ended = True


class RecordingTracer:
    """A tracer that keeps its spans."""

    def __init__(self) -> None:
        self.spans: list[Recorded] = []

    def start(self, name: str, kind: Kind, origin: Origin, attributes: Attributes) -> Recorded:
        self.spans.append(Recorded(len(self.spans) + 1, name, origin, attributes))
        return self.spans[-1]

    def flush(self) -> None:
        pass


@pytest.fixture
def spans() -> Iterator[list[Recorded]]:
    tracer = RecordingTracer()
    before = tracing._process.tracer
    tracing.install(lambda: tracer)
    yield tracer.spans
    tracing.install(before)


def test_an_orders_trace_follows_from_its_id() -> None:
    assert tracing.trace_of(ORDER) == hashlib.sha256(ORDER.encode()).hexdigest()[:32]
    assert tracing.trace_of(ORDER) != tracing.trace_of(f"{ORDER}4")


@pytest.mark.parametrize("flags", ["00", "01", "03"])
def test_a_traceparent_is_read_as_it_is_written(flags: str) -> None:
    written = f"00-{FROM_WEB_APP.trace_id}-{FROM_WEB_APP.span_id}-{flags}"
    read = tracing.parse(written)
    assert read is not None
    assert read == TraceContext(FROM_WEB_APP.trace_id, FROM_WEB_APP.span_id, flags != "00")
    assert tracing.parse(str(read)) == read


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "",
        "00-ab-cd-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        f"{FROM_WEB_APP}\n",
        f"{FROM_WEB_APP}-more",
    ],
)
def test_what_is_no_traceparent_is_ignored(wrong: str | None) -> None:
    assert tracing.parse(wrong) is None


def test_a_message_of_the_orders_own_trace_is_the_parent(spans: list[Recorded]) -> None:
    sent = TraceContext(tracing.trace_of(ORDER), "00f067aa0ba902b7", sampled=True)
    with tracing.span("step", "consumer", order_id=ORDER, caused_by=sent):
        pass
    assert spans[0].origin == Origin(trace_id=sent.trace_id, parent=sent)


def test_a_message_of_a_foreign_trace_is_linked(spans: list[Recorded]) -> None:
    with tracing.span("step", "consumer", order_id=ORDER, caused_by=FROM_WEB_APP):
        pass
    assert spans[0].origin == Origin(trace_id=tracing.trace_of(ORDER), link=FROM_WEB_APP)


def test_what_a_step_calls_is_part_of_its_span(spans: list[Recorded]) -> None:
    with tracing.span("step", "server", order_id=ORDER):
        with tracing.span("call", "client"):
            assert tracing.current() == spans[1].context
        assert tracing.current() == spans[0].context
    assert tracing.current() is None
    assert spans[0].origin == Origin(trace_id=tracing.trace_of(ORDER))
    assert spans[1].origin == Origin(trace_id=tracing.trace_of(ORDER), parent=spans[0].context)
    assert [span.ended for span in spans] == [True, True]


def test_events_published_together_are_siblings_each_in_its_orders_trace(
    spans: list[Recorded],
) -> None:
    other = InvoiceExpired(order_id="other", invoice_id="i-1")
    paid = event_of(InvoicePaid)
    with (
        tracing.span("step", "server", order_id=paid.order_id),
        tracing.publishing([paid, other, paid]) as sent,
    ):
        pass
    step, *published = spans
    assert sent == [str(span.context) for span in published]
    own = Origin(trace_id=step.context.trace_id, parent=step.context)
    foreign = Origin(trace_id=tracing.trace_of("other"), link=step.context)
    assert [span.origin for span in published] == [own, foreign, own]
    assert published[1].attributes == {
        "order.id": "other",
        "messaging.destination.name": "invoice.expired",
        "event.id": "other/invoice.expired",
    }


def test_a_span_says_that_it_failed_and_not_with_which_words(spans: list[Recorded]) -> None:
    with (
        pytest.raises(RetryableError),
        tracing.span("step", "server", order_id=ORDER),
        tracing.span("call", "client"),
    ):
        raise RetryableError("no answer about sari@example.com")
    assert [span.failed for span in spans] == ["RetryableError", "RetryableError"]
    assert [span.ended for span in spans] == [True, True]


def test_without_a_tracer_the_trace_is_passed_on_as_not_recorded() -> None:
    with tracing.span("step", "server", order_id=ORDER):
        outer = tracing.current()
        with tracing.publishing([event_of(InvoicePaid)]) as (sent,):
            pass
    assert outer is not None
    assert (outer.trace_id, outer.sampled) == (tracing.trace_of(ORDER), False)
    place = tracing.parse(sent)
    assert place is not None
    assert place.trace_id == tracing.trace_of(event_of(InvoicePaid).order_id)
    assert not place.sampled
