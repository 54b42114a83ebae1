"""Records spans with the OpenTelemetry SDK, for Cloud Trace, an OTLP collector or the console.

Cloud Trace is reached through Google's OTLP endpoint, which its own, deprecated exporter has been
given up for: https://cloud.google.com/trace/docs/migrate-to-otlp-endpoints
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import google.auth
from google.auth.credentials import Credentials
from google.auth.transport.requests import AuthorizedSession
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    format_span_id,
    format_trace_id,
    set_span_in_context,
)

from shared.settings import TraceDestination
from shared.tracing import Attributes, Kind, Origin, TraceContext

CLOUD_TRACE = "https://telemetry.googleapis.com/v1/traces"
CLOUD_TRACE_SCOPE = "https://www.googleapis.com/auth/trace.append"
# A step waits for this, so it must not be long: spans that nobody takes are dropped.
EXPORT_TIMEOUT_S = 2.0

_KINDS = {
    "server": SpanKind.SERVER,
    "consumer": SpanKind.CONSUMER,
    "producer": SpanKind.PRODUCER,
    "client": SpanKind.CLIENT,
    "internal": SpanKind.INTERNAL,
}


class OpenTelemetryTracer:
    """Tracer that collects spans, and exports them when it is flushed.

    In a batch, since a request for each span would make a step wait for ten of them. Flushed before
    each answer, since Cloud Run leaves a function no processor time after it.
    """

    def __init__(self, exporter: SpanExporter, *, service: str, project: str) -> None:
        self._trace_ids = _TraceIds()
        self._provider = TracerProvider(
            # Whole traces or none: a function whose caller does not trace still does.
            sampler=ALWAYS_ON,
            resource=Resource.create({"service.name": service, "gcp.project_id": project}),
            id_generator=self._trace_ids,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("mentoring-order-pipeline")

    def start(self, name: str, kind: Kind, origin: Origin, attributes: Attributes) -> "_Recorded":
        """See Tracer."""
        context = Context()
        if origin.parent is not None:
            context = set_span_in_context(NonRecordingSpan(_remote(origin.parent)), context)
        links = [] if origin.link is None else [Link(_remote(origin.link))]
        with self._trace_ids.being(origin.trace_id):
            span = self._tracer.start_span(name, context, _KINDS[kind], attributes, links)
        return _Recorded(span)

    def flush(self) -> None:
        """See Tracer."""
        self._provider.force_flush()

    def close(self) -> None:
        """Export what is left and stop."""
        self._provider.shutdown()


class _TraceIds(RandomIdGenerator):
    """Gives a trace that begins the id that it is to have."""

    def __init__(self) -> None:
        self._wanted: ContextVar[str | None] = ContextVar("wanted", default=None)

    @contextmanager
    def being(self, trace_id: str) -> Iterator[None]:
        token = self._wanted.set(trace_id)
        try:
            yield
        finally:
            self._wanted.reset(token)

    def generate_trace_id(self) -> int:
        wanted = self._wanted.get()
        return int(wanted, 16) if wanted else super().generate_trace_id()


class _Recorded:
    """Span on OpenTelemetry's."""

    def __init__(self, span: Span) -> None:
        self._span = span
        place = span.get_span_context()
        self.context = TraceContext(
            format_trace_id(place.trace_id),
            format_span_id(place.span_id),
            sampled=place.trace_flags.sampled,
        )

    def fail(self, kind: str) -> None:
        self._span.set_attribute("error.type", kind)
        self._span.set_status(Status(StatusCode.ERROR))

    def end(self) -> None:
        self._span.end()


def exporter_to(destination: TraceDestination) -> SpanExporter:
    """Return the way to where the spans go.

    ``console`` prints one JSON object a line. ``otlp`` posts to OTEL_EXPORTER_OTLP_ENDPOINT, by
    default http://localhost:4318. ``gcp`` needs roles/telemetry.tracesWriter.
    """
    if destination == "console":
        return ConsoleSpanExporter(out=sys.stdout, formatter=_line)
    if destination == "otlp":
        return OTLPSpanExporter(timeout=EXPORT_TIMEOUT_S)
    credentials, _ = google.auth.default(scopes=[CLOUD_TRACE_SCOPE])
    return cloud_trace(credentials)


def cloud_trace(credentials: Credentials, endpoint: str = CLOUD_TRACE) -> SpanExporter:
    """Return the way to Cloud Trace."""
    session = AuthorizedSession(credentials)
    return OTLPSpanExporter(endpoint, session=session, timeout=EXPORT_TIMEOUT_S)


def _line(span: ReadableSpan) -> str:
    return f"{span.to_json(indent=None)}\n"


def _remote(place: TraceContext) -> SpanContext:
    return SpanContext(
        int(place.trace_id, 16), int(place.span_id, 16), is_remote=True, trace_flags=TraceFlags(1)
    )
