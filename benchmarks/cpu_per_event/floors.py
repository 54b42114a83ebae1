"""For each function the same remote calls in the same order, with no decision among them.

A floor reads and writes the same rows or documents, with content of the same size, sends the
vendors the same requests through the same clients, and publishes a message of the same size. It
decodes nothing, checks nothing, renders nothing, logs nothing. What it writes and sends is made
ready beforehand. What a client cannot do without is in what is measured: the SDK's own request
objects, and the building of a MIME message.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from benchmarks.cpu_per_event import records
from benchmarks.cpu_per_event.state import Call, State
from benchmarks.cpu_per_event.vendors import Vendors
from benchmarks.scene import CANCELLING, Request, Scene
from shared.domain.events import (
    AttentionRaised,
    Event,
    InvoiceCreated,
    InvoicePaid,
    MeetingScheduled,
    MessageUndelivered,
    OrderCancelled,
    RefundDue,
    RefundUpdated,
    ReminderDue,
)
from shared.domain.facts import facts
from shared.domain.meetings import note_cleared
from shared.domain.notifications import Mail
from shared.domain.order import Order
from shared.domain.refunds import refund_request

# What is called, one after the other.
Floor = tuple[Call, ...]


class Ground(NamedTuple):
    """What floors are built on."""

    scene: Scene
    state: State
    vendors: Vendors

    def publish(self, order: Order, *kinds: type[Event]) -> Call:
        """Publish what is to be said of an order."""
        return self.state.publish(facts(order, *kinds), self.scene.now())

    def look(self, order: Order, told: Sequence[str]) -> tuple[Call, ...]:
        """Read whether messages are out, and write that into the order."""
        reads = (self.state.read_delivery(f"{order.id}:{name}:email") for name in told)
        return *reads, self.state.change(records.looked_at(order, told), known=True)

    def mail(self, mail: Mail, about: str) -> tuple[Call, ...]:
        """Read the record of a mail, draft it, and note before and after the sending."""
        draft, send = self.vendors.mail(mail)
        sent = records.delivery(mail.key, about, self.scene.now())
        note = self.state.put_delivery(sent)
        return self.state.read_delivery(mail.key), draft, note, send, note


def _create_invoice(on: Ground, request: Request) -> Floor:
    order = request.order
    later = msgspec.structs.replace(on.scene.invoiced(), id=order.id)
    return (
        on.state.read_availability(order),
        on.state.change(order, order.day_keys, put=[records.booked_day(order)]),
        on.vendors.make_invoice(order),
        on.state.change(later, known=True),
        on.publish(later, InvoiceCreated),
    )


def _payment_callback(on: Ground, request: Request) -> Floor:
    order, later = request.order, on.scene.paid(request.order)
    return (
        on.state.read_order(order),
        on.vendors.read_invoice(order),
        on.state.change(later, order.day_keys),
        on.publish(later, InvoicePaid),
    )


def _create_meeting(on: Ground, request: Request) -> Floor:
    order, later = request.order, on.scene.scheduled(request.order)
    return (
        on.state.read_order(order),
        on.vendors.make_event(order),
        on.state.change(later, known=True),
        on.publish(later, MeetingScheduled),
    )


def _manage_booking(on: Ground, request: Request) -> Floor:
    return (on.state.read_order(request.order),)


def _cancelling(on: Ground, request: Request) -> Floor:
    order, later = request.order, on.scene.cancelled(request.order)
    return (
        on.state.read_order(order),
        on.state.change(later, order.day_keys, put=[records.freed_day(order)]),
        on.publish(later, OrderCancelled, RefundDue),
    )


def _close_order(on: Ground, request: Request) -> Floor:
    order = request.order
    later = note_cleared(order, {}, events=order.obsolete_events).order
    return (
        on.state.read_order(order),
        *map(on.vendors.delete_event, order.obsolete_events),
        on.state.change(later, known=True),
        on.publish(later, RefundDue),
    )


def _refund_payment(on: Ground, request: Request) -> Floor:
    order, later = request.order, records.refunded(request.order, on.scene.now())
    return (
        on.state.read_order(order),
        on.vendors.refund(refund_request(order, order.refunds[0])),
        on.state.change(later, known=True),
        on.publish(later, RefundUpdated),
    )


def _send_reminder(on: Ground, request: Request) -> Floor:
    order, now = request.order, on.scene.now()
    reminder = ReminderDue(order_id=order.id, lead_minutes=60, session=order.session)
    due = on.state.due("next_reminder_at", now)
    return (
        due,
        on.state.publish([reminder], now),
        on.state.change(msgspec.structs.replace(order, next_reminder_at=None), known=True),
        due,
    )


def _reconcile_orders(on: Ground, request: Request) -> Floor:
    scheduled, asked = request.order, request.others[0]
    due = on.state.due("check_at", on.scene.now())
    return (
        due,
        on.vendors.read_event(scheduled),
        *on.look(scheduled, records.SCHEDULED),
        on.vendors.find_invoices(asked),
        *on.look(asked, records.INVOICED),
        due,
    )


def _send_notification(on: Ground, request: Request) -> Floor:
    mail = records.mail(request.order, on.scene.now())
    return on.state.read_order(request.order), *on.mail(mail, request.order.id)


def _track_delivery(on: Ground, request: Request) -> Floor:
    record = records.undelivered(request.order, on.scene.now())
    event = MessageUndelivered(order_id=record.order_id, key=record.key)
    return (
        on.state.put_delivery(record, known=False),
        on.state.publish([event], on.scene.now()),
    )


def _send_digest(on: Ground, request: Request) -> Floor:
    told = records.day_told(request)
    read, *send = on.mail(told.mail, told.day)
    return read, on.state.changed_since(told.since), on.state.waiting_for_admin(), *send


def _keep_dead_letter(on: Ground, request: Request) -> Floor:
    order, now = request.order, on.scene.now()
    later = order.with_attention("dead_letter", now)
    return (
        on.state.keep(records.rejected(request, now)),
        on.state.read_order(order),
        on.state.change(later, known=True),
        on.publish(later, AttentionRaised),
    )


FLOORS: Mapping[str, Callable[[Ground, Request], Floor]] = {
    "create_invoice": _create_invoice,
    "payment_callback": _payment_callback,
    "create_meeting": _create_meeting,
    "manage_booking": _manage_booking,
    CANCELLING: _cancelling,
    "close_order": _close_order,
    "refund_payment": _refund_payment,
    "send_reminder": _send_reminder,
    "reconcile_orders": _reconcile_orders,
    "send_notification": _send_notification,
    "track_delivery": _track_delivery,
    "send_digest": _send_digest,
    "keep_dead_letter": _keep_dead_letter,
}
