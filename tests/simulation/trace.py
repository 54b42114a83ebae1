"""What happened in a seed, one line a call, for reading when a promise was broken."""

from datetime import datetime
from functools import singledispatch
from typing import Any

import msgspec

from shared.domain.deliveries import Delivery
from shared.domain.events import Event
from shared.domain.invoice import Invoice
from shared.domain.meetings import CalendarEvent, MeetingRequest
from shared.domain.notifications import Mail, TemplateMessage
from shared.domain.order import Order
from shared.domain.refund import Refund, RefundRequest
from shared.ports import InvoiceRequest
from tests.simulation.kernel import Kernel


class Line(msgspec.Struct, frozen=True):
    """One line of the trace."""

    at: datetime
    actor: str
    what: str
    outcome: str = ""

    def __str__(self) -> str:
        return f"{self.at:%d %H:%M:%S.%f}  {self.actor:<34} {self.what:<48} {self.outcome}"


class Trace:
    """The lines of one seed; nothing is kept unless ``on``."""

    def __init__(self, kernel: Kernel, *, on: bool) -> None:
        self.lines: list[Line] = []
        self._kernel = kernel
        self._on = on

    def call(self, port: str, method: str, args: tuple[Any, ...], outcome: Any) -> None:
        """Note a call of the running task."""
        if self._on:
            asked = ", ".join(_brief(arg) for arg in args)
            self.note(f"{port}.{method}({asked})", _brief(outcome))

    def note(self, what: str, outcome: str = "") -> None:
        """Note something that the running task, or the world, does."""
        if self._on:
            task = self._kernel.current
            actor = task.name if task else "world"
            self.lines.append(Line(self._kernel.now, actor, what, outcome))


@singledispatch
def _brief(value: Any) -> str:
    function = getattr(value, "func", value)
    return getattr(function, "__name__", type(function).__name__)


@_brief.register
def _(value: str | int | float | None) -> str:
    return str(value)


@_brief.register
def _(value: datetime) -> str:
    return f"{value:%d %H:%M:%S}"


@_brief.register
def _(value: list | tuple) -> str:  # type: ignore[type-arg]
    return "[" + ", ".join(map(_brief, value)) + "]"


@_brief.register
def _(value: BaseException) -> str:
    return f"!! {type(value).__name__} {value}"


@_brief.register
def _(value: Order) -> str:
    invoice = f" {value.invoice.id}" if value.invoice else ""
    reasons = "".join(f" !{attention.reason}" for attention in value.attention)
    check = f" check {value.check_at:%d %H:%M}" if value.check_at else ""
    refunds = "".join(f" {refund.invoice_id}:{refund.state}" for refund in value.refunds)
    moves = f" moved {value.moves}x" if value.moves else ""
    obsolete = "".join(f" -{event[:6]}" for event in value.obsolete_events)
    head = f"{value.id} {value.status} r{value.revision}"
    return f"{head}{invoice}{moves}{refunds}{obsolete}{reasons}{check}"


@_brief.register
def _(value: Invoice) -> str:
    return f"{value.id} {value.status}"


@_brief.register
def _(value: CalendarEvent) -> str:
    gone = " cancelled" if value.cancelled else ""
    return f"{value.event_id[:6]} r{value.revision} {value.room}{gone}"


@_brief.register
def _(value: Delivery) -> str:
    return f"{value.draft_id or 'chat'} {value.failed or ('sent' if value.sent_at else 'claimed')}"


@_brief.register
def _(value: Mail) -> str:
    return value.key


@_brief.register
def _(value: TemplateMessage) -> str:
    return value.key


@_brief.register
def _(value: Refund) -> str:
    return f"{value.id} {value.status}"


@_brief.register
def _(value: RefundRequest) -> str:
    return value.key


@_brief.register
def _(value: Event) -> str:
    return value.id


@_brief.register
def _(value: MeetingRequest) -> str:
    return f"{value.event_id[:6]} r{value.revision}"


@_brief.register
def _(value: InvoiceRequest) -> str:
    return value.order.id
