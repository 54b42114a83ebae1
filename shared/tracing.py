"""One trace an order: W3C trace contexts, and spans where a tracer has been installed.

The trace id of an order is derived from the order's id. So the web app's event, a webhook from
Xendit and a tick of the scheduler all end up in the one trace, though none of them brings it along
and nothing has to be stored.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from typing import Literal, Protocol

import msgspec

from shared.domain.events import Event

# As in OpenTelemetry: who waits for whom.
Kind = Literal["server", "consumer", "producer", "client", "internal"]
Attributes = Mapping[str, str | int]

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_NONE = re.compile("0+")


class TraceContext(msgspec.Struct, frozen=True):
    """A span's place: 32 and 16 hexadecimal digits, and whether the span is recorded."""

    trace_id: str
    span_id: str
    sampled: bool

    def __str__(self) -> str:
        """Return the W3C traceparent, version 00."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a new span belongs: its trace, and the span that it is part of or came from.

    ``parent`` is in the same trace; ``link`` is in another one. At most one of them is there.
    """

    trace_id: str
    parent: TraceContext | None = None
    link: TraceContext | None = None


class Span(Protocol):
    """A piece of work that is being measured."""

    @property
    def context(self) -> TraceContext:
        """Its place."""

    def fail(self, kind: str) -> None:
        """Mark it as failed. ``kind`` is the error's type: its message may hold personal data."""

    def end(self) -> None:
        """Note that the work is over."""


class Tracer(Protocol):
    """Whoever records spans."""

    def start(self, name: str, kind: Kind, origin: Origin, attributes: Attributes) -> Span:
        """Begin a span. No personal data in attributes: ids, names and numbers only."""

    def flush(self) -> None:
        """Hand over what has ended, and return when that is done or has failed."""


class _Unrecorded:
    """A span that nobody records: it only passes its trace on."""

    def __init__(self, origin: Origin) -> None:
        self.context = TraceContext(origin.trace_id, secrets.token_hex(8), sampled=False)

    def fail(self, kind: str) -> None:
        """See Span."""

    def end(self) -> None:
        """See Span."""


class _NoTracer:
    """What is there until a tracer is installed."""

    def start(self, _name: str, _kind: Kind, origin: Origin, _attributes: Attributes) -> Span:
        """See Tracer."""
        return _Unrecorded(origin)

    def flush(self) -> None:
        """See Tracer."""


class _Process:
    tracer: Callable[[], Tracer] = _NoTracer
    begun = False


_process = _Process()
_current: ContextVar[TraceContext | None] = ContextVar("current", default=None)


def install(tracer: Callable[[], Tracer]) -> None:
    """Let the tracer that this returns record the spans of this process; asked when one begins."""
    _process.tracer = tracer


def flush() -> None:
    """Hand over the spans that have ended."""
    if _process.begun:
        _process.tracer().flush()


def current() -> TraceContext | None:
    """Return the place of the innermost span that is open in this thread."""
    return _current.get()


def trace_of(order_id: str) -> str:
    """Return the trace id of an order: the first 32 hexadecimal digits of its id's SHA-256."""
    return hashlib.sha256(order_id.encode()).hexdigest()[:32]


def parse(traceparent: str | None) -> TraceContext | None:
    """Return what a W3C traceparent says, or None if it is none: strangers may write it."""
    match = _TRACEPARENT.fullmatch(traceparent or "")
    if match is None or _NONE.fullmatch(match[1]) or _NONE.fullmatch(match[2]):
        return None
    return TraceContext(match[1], match[2], sampled=bool(int(match[3], 16) & 1))


@contextmanager
def span(
    name: str,
    kind: Kind,
    *,
    order_id: str | None = None,
    caused_by: TraceContext | None = None,
    attributes: Attributes | None = None,
) -> Iterator[None]:
    """Measure the block as a span of the order's trace, or else of the current one.

    ``caused_by`` is where a message came from; by default the span that is open.
    """
    with _opened(name, kind, order_id, caused_by or current(), attributes or {}) as opened:
        token = _current.set(opened.context)
        try:
            yield
        finally:
            _current.reset(token)


@contextmanager
def publishing(events: Sequence[Event]) -> Iterator[list[str]]:
    """Measure the publishing of events; yield the traceparent to send along with each."""
    with ExitStack() as open_spans:
        yield [
            str(open_spans.enter_context(_producer(event, caused_by=current())).context)
            for event in events
        ]


def _producer(event: Event, caused_by: TraceContext | None) -> AbstractContextManager[Span]:
    attributes = {"messaging.destination.name": event.topic, "event.id": event.id}
    return _opened(f"publish {event.topic}", "producer", event.order_id, caused_by, attributes)


@contextmanager
def _opened(
    name: str,
    kind: Kind,
    order_id: str | None,
    caused_by: TraceContext | None,
    attributes: Attributes,
) -> Iterator[Span]:
    if order_id is not None:
        attributes = {"order.id": order_id, **attributes}
    _process.begun = True
    opened = _process.tracer().start(name, kind, _origin(order_id, caused_by), attributes)
    try:
        yield opened
    except Exception as error:
        opened.fail(type(error).__name__)
        raise
    finally:
        opened.end()


def _origin(order_id: str | None, caused_by: TraceContext | None) -> Origin:
    if order_id is not None:
        trace_id = trace_of(order_id)
    else:
        trace_id = caused_by.trace_id if caused_by else secrets.token_hex(16)
    if caused_by is not None and caused_by.trace_id == trace_id:
        return Origin(trace_id=trace_id, parent=caused_by)
    return Origin(trace_id=trace_id, link=caused_by)
