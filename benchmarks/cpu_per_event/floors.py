"""For each function the same remote calls in the same order, with no decision among them.

A floor reads and writes the same rows or documents, with content of the same size, sends the
vendors the same requests through the same clients, publishes a message of the same size, and
answers. It decodes nothing, checks nothing, renders nothing, logs nothing. What it writes and sends
is made ready beforehand. What a client cannot do without is in what is measured: the SDK's own
request objects, and the building of a MIME message.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from flask import Response

from benchmarks.cpu_per_event import records
from benchmarks.cpu_per_event.state import Call, State
from benchmarks.cpu_per_event.vendors import Vendors
from benchmarks.scene import Request, Scene
from shared.domain.events import (
    AttentionRaised,
    Event,
    InvoiceCreated,
    InvoicePaid,
    MeetingScheduled,
    ReminderDue,
)
from shared.domain.facts import facts
from shared.domain.order import Order


class Floor(NamedTuple):
    """Calls that are ready, and the JSON to answer with; without any, 204."""

    calls: tuple[Call, ...]
    answer: bytes = b""

    def run(self) -> Response:
        """Make the calls, and answer."""
        for call in self.calls:
            call()
        if self.answer:
            return Response(self.answer, mimetype="application/json")
        return Response(status=204)


class Ground(NamedTuple):
    """What floors are built on."""

    scene: Scene
    state: State
    vendors: Vendors

    def publish(self, kind: type[Event], order: Order) -> Call:
        """Publish what is to be said of an order."""
        (event,) = facts(order, kind)
        return self.state.publish(event, self.scene.now())

    def look(self, order: Order, told: Sequence[str]) -> tuple[Call, ...]:
        """Read whether messages are out, and write that into the order."""
        reads = (self.state.read_delivery(f"{order.id}:{name}:email") for name in told)
        return *reads, self.state.change(records.looked_at(order, told), known=True)


def _create_invoice(on: Ground, request: Request) -> Floor:
    order, later = request.order, _later(request, on.scene.invoiced())
    return Floor(
        (
            on.state.read_availability(order),
            on.state.change(order, order.day_keys, put=[records.booked_day(order)]),
            on.vendors.make_invoice(order),
            on.state.change(later, known=True),
            on.publish(InvoiceCreated, later),
        )
    )


def _payment_callback(on: Ground, request: Request) -> Floor:
    order, later = request.order, _later(request, on.scene.paid())
    return Floor(
        (
            on.state.read_order(order),
            on.vendors.read_invoice(order),
            on.state.change(later, order.day_keys),
            on.publish(InvoicePaid, later),
        ),
        _json(outcome="paid", order_id=order.id),
    )


def _create_meeting(on: Ground, request: Request) -> Floor:
    order, later = request.order, _later(request, on.scene.scheduled())
    return Floor(
        (
            on.state.read_order(order),
            on.vendors.make_event(order),
            on.state.change(later, known=True),
            on.publish(MeetingScheduled, later),
        )
    )


def _send_notification(on: Ground, request: Request) -> Floor:
    order, now = request.order, on.scene.now()
    key = f"{order.id}:invoice_ready:mentee:email"
    draft, send = on.vendors.mail(records.mail(order, now))
    record = on.state.put_delivery(records.delivery(key, order, now))
    return Floor(
        (
            on.state.read_order(order),
            on.state.read_delivery(key),
            draft,
            record,
            send,
            record,
        )
    )


def _send_reminder(on: Ground, request: Request) -> Floor:
    order, now = request.order, on.scene.now()
    reminder = ReminderDue(order_id=order.id, lead_minutes=60, session=order.session)
    due = on.state.due("next_reminder_at", now)
    return Floor(
        (
            due,
            on.state.publish(reminder, now),
            on.state.change(msgspec.structs.replace(order, next_reminder_at=None), known=True),
            due,
        ),
        _json(outcome="ticked", due=1, published=1, postponed=0),
    )


def _reconcile_orders(on: Ground, request: Request) -> Floor:
    scheduled, asked = request.order, request.others[0]
    due = on.state.due("check_at", on.scene.now())
    return Floor(
        (
            due,
            on.vendors.read_event(scheduled),
            *on.look(scheduled, records.SCHEDULED),
            on.vendors.find_invoices(asked),
            *on.look(asked, records.INVOICED),
            due,
        ),
        _json(outcome="ticked", due=2, repeated=0, postponed=0),
    )


def _keep_dead_letter(on: Ground, request: Request) -> Floor:
    order, now = request.order, on.scene.now()
    later = order.with_attention("dead_letter", now)
    return Floor(
        (
            on.state.keep(records.rejected(request, now)),
            on.state.read_order(order),
            on.state.change(later, known=True),
            on.publish(AttentionRaised, later),
        )
    )


def _later(request: Request, other: Order) -> Order:
    """Return the request's order in the state of another one."""
    return msgspec.structs.replace(other, id=request.order.id)


def _json(**told: Any) -> bytes:
    return msgspec.json.encode(told)


FLOORS: Mapping[str, Callable[[Ground, Request], Floor]] = {
    "create_invoice": _create_invoice,
    "payment_callback": _payment_callback,
    "create_meeting": _create_meeting,
    "send_notification": _send_notification,
    "send_reminder": _send_reminder,
    "reconcile_orders": _reconcile_orders,
    "keep_dead_letter": _keep_dead_letter,
}
