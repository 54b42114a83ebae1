"""For each function the same remote calls in the same order, with no decision among them.

A floor runs the SQL that the function runs, with rows of the same size, sends the vendors the same
requests through the same clients, publishes a message of the same size, and answers. It decodes
nothing, checks nothing, renders nothing, logs nothing. What it writes and sends is made ready by
the outer function of each; only the inner one, which is returned, is measured. What a client cannot
do without is in it: the SDK's own request objects, and the building of a MIME message.
"""

from collections.abc import Callable, Mapping

import msgspec
from flask import Response
from xendit.invoice.model.create_invoice_request import CreateInvoiceRequest
from xendit.invoice.model.customer_object import CustomerObject
from xendit.invoice.model.invoice_item import InvoiceItem

from benchmarks.cpu_per_event import rows
from benchmarks.cpu_per_event.clients import XENDIT_OPTIONS, Clients
from benchmarks.scene import Request, Scene
from shared.domain.events import (
    AttentionRaised,
    InvoiceCreated,
    InvoicePaid,
    MeetingScheduled,
    ReminderDue,
)

Floor = Callable[[], Response]
_NO_CONTENT = 204


def _create_invoice(clients: Clients, scene: Scene, request: Request) -> Floor:
    order, later = request.order, scene.invoiced()
    told = rows.published(InvoiceCreated, later)
    claim = (*rows.order_and_days(order), rows.put_day(order), rows.put_order(order))
    shop = f"{scene.config.url('shop')}/orders/{order.id}"

    def run() -> Response:
        clients.availability.select(*rows.availability(order))
        clients.orders.transact(*claim)
        body = CreateInvoiceRequest(
            external_id=order.id,
            amount=250_000.0,
            currency="IDR",
            description=order.subject,
            payer_email=order.mentee.email,
            customer=CustomerObject(
                given_names=order.mentee.name,
                email=order.mentee.email,
                mobile_number=order.mentee.phone,
            ),
            invoice_duration=86_400.0,
            should_send_email=False,
            locale="id",
            items=[InvoiceItem(name=order.subject, price=250_000.0, quantity=1.0)],
            success_redirect_url=shop,
            failure_redirect_url=shop,
        )
        _ = clients.xendit.create_invoice(body, **XENDIT_OPTIONS).data
        clients.orders.transact(rows.order(order), rows.put_order(later, order.id))
        clients.queue.publish(*told)
        return Response(status=_NO_CONTENT)

    return run


def _payment_callback(clients: Clients, scene: Scene, request: Request) -> Floor:
    order, later = request.order, scene.paid()
    assert order.invoice is not None
    invoice_id, told = order.invoice.id, rows.published(InvoicePaid, later)
    answer = msgspec.json.encode({"outcome": "paid", "order_id": order.id})

    def run() -> Response:
        clients.orders.select(*rows.order(order))
        _ = clients.xendit.get_invoice_by_id(invoice_id, **XENDIT_OPTIONS).data
        clients.orders.transact(*rows.order_and_days(order), rows.put_order(later, order.id))
        clients.queue.publish(*told)
        return Response(answer, mimetype="application/json")

    return run


def _create_meeting(clients: Clients, scene: Scene, request: Request) -> Floor:
    order, later = request.order, scene.scheduled()
    told, body = rows.published(MeetingScheduled, later), rows.calendar_event(order)

    def run() -> Response:
        clients.orders.select(*rows.order(order))
        clients.events.insert(
            calendarId="primary", conferenceDataVersion=1, sendUpdates="all", body=body
        ).execute()
        clients.orders.transact(rows.order(order), rows.put_order(later, order.id))
        clients.queue.publish(*told)
        return Response(status=_NO_CONTENT)

    return run


def _send_notification(clients: Clients, scene: Scene, request: Request) -> Floor:
    order = request.order
    mail, key = rows.mail(order, scene.now()), f"{order.id}:invoice_ready:mentee:email"
    read, put = rows.delivery(key), rows.put_delivery(key, order)

    def run() -> Response:
        clients.orders.select(*rows.order(order))
        clients.deliveries.select(*read)
        draft = clients.drafts.create(
            userId="me", body={"message": {"raw": rows.raw(mail)}}
        ).execute()
        clients.deliveries.transact(read, put)
        clients.drafts.send(userId="me", body={"id": draft["id"]}).execute()
        clients.deliveries.transact(read, put)
        return Response(status=_NO_CONTENT)

    return run


def _send_reminder(clients: Clients, scene: Scene, request: Request) -> Floor:
    order, later = request.order, msgspec.structs.replace(request.order, next_reminder_at=None)
    told, due = rows.published(ReminderDue, order), rows.due("next_reminder_at", scene.now())
    answer = msgspec.json.encode({"outcome": "ticked", "due": 1, "published": 1, "postponed": 0})

    def run() -> Response:
        clients.orders.select(*due)
        clients.queue.publish(*told)
        clients.orders.transact(rows.order(order), rows.put_order(later, order.id))
        clients.orders.select(*due)
        return Response(answer, mimetype="application/json")

    return run


def _reconcile_orders(clients: Clients, scene: Scene, request: Request) -> Floor:
    scheduled, asked = rows.looked_at(request.order), rows.looked_at(request.others[0])
    due, calendar_id = rows.due("check_at", scene.now()), rows.calendar_event(scheduled)["id"]
    records = [rows.delivery(key) for key in rows.told_keys(scheduled)]
    answer = msgspec.json.encode({"outcome": "ticked", "due": 2, "repeated": 0, "postponed": 0})

    def run() -> Response:
        clients.orders.select(*due)
        clients.events.get(calendarId="primary", eventId=calendar_id).execute()
        clients.orders.transact(rows.order(scheduled))
        for record in records:
            clients.deliveries.select(*record)
        clients.orders.transact(rows.order(scheduled), rows.put_order(scheduled))
        _ = clients.xendit.get_invoices(external_id=asked.id, **XENDIT_OPTIONS).data
        clients.orders.transact(*rows.order_and_days(asked))
        clients.deliveries.select(*records[0])
        clients.orders.transact(rows.order(asked), rows.put_order(asked))
        clients.orders.select(*due)
        return Response(answer, mimetype="application/json")

    return run


def _keep_dead_letter(clients: Clients, scene: Scene, request: Request) -> Floor:
    order = request.order
    later = order.with_attention("dead_letter", scene.now())
    told, kept = rows.published(AttentionRaised, later), rows.put_rejected(request)

    def run() -> Response:
        clients.rejected.run(*kept)
        clients.orders.select(*rows.order(order))
        clients.orders.transact(rows.order(order), rows.put_order(later))
        clients.queue.publish(*told)
        return Response(status=_NO_CONTENT)

    return run


FLOORS: Mapping[str, Callable[[Clients, Scene, Request], Floor]] = {
    "create_invoice": _create_invoice,
    "payment_callback": _payment_callback,
    "create_meeting": _create_meeting,
    "send_notification": _send_notification,
    "send_reminder": _send_reminder,
    "reconcile_orders": _reconcile_orders,
    "keep_dead_letter": _keep_dead_letter,
}
