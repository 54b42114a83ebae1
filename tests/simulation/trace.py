"""What happened in a seed, one line a call, for reading when a promise was broken."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from shared.domain.events import Event
from shared.domain.invoice import Invoice
from shared.domain.meetings import CalendarEvent, MeetingRequest
from shared.domain.notifications import Delivery, Mail
from shared.domain.order import Order
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


def _brief(value: Any) -> str:
    match value:
        case Order():
            return f"{value.id} {value.status}{_details(value)}"
        case Invoice():
            return f"{value.id} {value.status}"
        case CalendarEvent():
            gone = " cancelled" if value.cancelled else ""
            return f"{value.event_id[:6]} {value.room}{gone}"
        case Delivery():
            return f"{value.draft_id} {'sent' if value.sent_at else value.failed or 'claimed'}"
        case Mail():
            return value.key
        case MeetingRequest():
            return value.event_id[:6]
        case InvoiceRequest():
            return value.order.id
        case Event():
            return value.id
        case list() | tuple():
            return "[" + ", ".join(_brief(each) for each in value) + "]"
        case BaseException():
            return f"!! {type(value).__name__} {value}"
        case datetime():
            return f"{value:%d %H:%M:%S}"
        case None | str() | int() | float() | StrEnum():
            return str(value)
        case _:
            function = getattr(value, "func", value)
            return getattr(function, "__name__", type(function).__name__)


def _details(order: Order) -> str:
    invoice = f" {order.invoice.id}" if order.invoice else ""
    reasons = "".join(f" !{a.reason}" for a in order.attention)
    check = f" check {order.check_at:%d %H:%M}" if order.check_at else ""
    return f"{invoice}{reasons}{check}"
