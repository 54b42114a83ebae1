"""What goes over the wire to a collector of spans, and what happens when nobody takes it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from google.oauth2.credentials import Credentials
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.trace.export import SpanExporter

from shared import tracing
from shared.adapters.otel import (
    CLOUD_TRACE,
    EXPORT_TIMEOUT_S,
    OpenTelemetryTracer,
    cloud_trace,
    exporter_to,
)
from shared.adapters.traced import Traced
from shared.errors import RetryableError
from tests.fakes import FakeClock, FakeInvoiceGateway

ORDER = "NUS-2026-000123"
ELSEWHERE = tracing.TraceContext(
    "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", sampled=True
)


class Collector:
    """An OTLP endpoint that keeps what is posted to it, or answers nothing for a while."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(delay_s)
                collector.requests.append(ExportTraceServiceRequest.FromString(body))
                sent = {name.lower(): value for name, value in self.headers.items()}
                collector.headers.append({"path": self.path, **sent})
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def spans(self) -> list[Span]:
        """The spans of all requests, in the order in which they began."""
        resources = [r for request in self.requests for r in request.resource_spans]
        spans = [span for r in resources for scope in r.scope_spans for span in scope.spans]
        return sorted(spans, key=lambda span: span.start_time_unix_nano)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with closing(Collector()) as running:
        yield running


@contextmanager
def traced(exporter: SpanExporter) -> Iterator[None]:
    """Record spans with OpenTelemetry inside."""
    before = tracing._process.tracer
    with closing(OpenTelemetryTracer(exporter, service="create_invoice", project="demo")) as tracer:
        tracing.install(lambda: tracer)
        yield
    tracing.install(before)


def work() -> None:
    """Do a step that calls one vendor, who fails."""
    invoices = FakeInvoiceGateway(FakeClock())
    invoices.faults.before("find", RetryableError("no answer about sari@example.com"))
    port = Traced(invoices, "invoices")
    name = "create_invoice order.created"
    with (
        suppress(RetryableError),
        tracing.span(name, "consumer", order_id=ORDER, caused_by=ELSEWHERE),
    ):
        assert port.budget() == 1.0
        port.get("i-1")
        port.find(ORDER)
        raise AssertionError("the fault has not come")


def test_spans_reach_a_collector_in_one_request(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    with traced(exporter_to("otlp")):
        work()
        tracing.flush()
        assert len(collector.requests) == 1
        tracing.flush()
    assert [headers["path"] for headers in collector.headers] == ["/v1/traces"]
    resource = collector.requests[0].resource_spans[0].resource
    named = {a.key: a.value.string_value for a in resource.attributes}
    assert (named["service.name"], named["gcp.project_id"]) == ("create_invoice", "demo")
    step, get, find = collector.spans
    assert {span.trace_id.hex() for span in collector.spans} == {tracing.trace_of(ORDER)}
    assert (step.parent_span_id, step.kind) == (b"", Span.SPAN_KIND_CONSUMER)
    assert [link.trace_id.hex() for link in step.links] == [ELSEWHERE.trace_id]
    assert [span.name for span in (get, find)] == ["invoices.get", "invoices.find"]
    assert {span.parent_span_id for span in (get, find)} == {step.span_id}
    assert [s.status.code for s in collector.spans] == [
        Status.STATUS_CODE_ERROR,
        Status.STATUS_CODE_UNSET,
        Status.STATUS_CODE_ERROR,
    ]
    assert "sari" not in str(collector.requests)


def test_cloud_trace_is_asked_with_the_functions_own_identity(collector: Collector) -> None:
    assert CLOUD_TRACE == "https://telemetry.googleapis.com/v1/traces"
    own = Credentials(token="a-token")
    with traced(cloud_trace(own, f"{collector.url}/v1/traces")):
        work()
        tracing.flush()
    assert [headers["authorization"] for headers in collector.headers] == ["Bearer a-token"]
    assert len(collector.spans) == 3


def test_a_step_does_not_wait_long_for_a_collector_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with closing(Collector(delay_s=3 * EXPORT_TIMEOUT_S)) as hanging:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", hanging.url)
        with traced(exporter_to("otlp")):
            work()
            began = time.monotonic()
            tracing.flush()
            assert time.monotonic() - began < 2 * EXPORT_TIMEOUT_S


def test_the_console_shows_a_span_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with traced(exporter_to("console")):
        work()
        tracing.flush()
    spans = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {span["context"]["trace_id"] for span in spans} == {f"0x{tracing.trace_of(ORDER)}"}
    assert sorted(span["name"] for span in spans) == [
        "create_invoice order.created",
        "invoices.find",
        "invoices.get",
    ]


def test_what_is_called_for_no_order_has_no_span(capsys: pytest.CaptureFixture[str]) -> None:
    with traced(exporter_to("console")):
        Traced(FakeInvoiceGateway(FakeClock()), "invoices").get("i-1")
        tracing.flush()
    assert capsys.readouterr().out == ""
