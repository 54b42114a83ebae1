"""For each function a request that is typical of it, and that it handles to its end."""

import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec

from benchmarks.scene.world import World
from benchmarks.ticks.orders import told
from functions.keep_dead_letter.use_case import SOURCE_ATTEMPTS, SOURCE_SUBSCRIPTION
from functions.manage_booking.action_pages import TOLD
from shared import messages
from shared.domain.deliveries import Delivery
from shared.domain.events import Event, InvoiceCreated, InvoicePaid, OrderCancelled, RefundDue
from shared.domain.facts import facts
from shared.domain.meetings import MEETING_REFUSED
from shared.domain.notifications import Channel, Kind, Notification, Recipient
from shared.domain.order import Order, order_from
from shared.entrypoint import SCHEDULE_TIME
from shared.links import LOOK_UP_FOR, Link, LinkSigner, Purpose
from shared.whatsapp_webhook import SIGNATURE
from tests.builders import session

_TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
_JSON = {"Content-Type": "application/json"}
# Xendit gives money back that came by a wallet; of bank transfers it does not.
_REFUNDABLE = "OVO"
# A day's mail tells of these, and of one order that waits for the admin.
_ORDERS_A_DAY = 5
# A day's mail is sent once, so each tick has a day of its own to tell of: one to come, since on this
# day the orders of all other requests change.
_days = itertools.count(3)


class Request(msgspec.Struct, frozen=True):
    """What a function is called with, and the order that it is about, as it stands before.

    ``status`` and ``says``, a part of the text, are of the answer once everything has been done.
    """

    body: bytes
    headers: dict[str, str]
    order: Order
    # Orders beside it that the function will take up, too.
    others: tuple[Order, ...] = ()
    method: str = "POST"
    path: str = "/"
    status: int = 204
    says: str = ""

    def is_answered_by(self, status: int, text: str) -> bool:
        """Whether this is the answer after everything has been done."""
        return status == self.status and self.says in text


class Scene(World):
    """A world that can be asked for one request after the other."""

    def request(self, name: str) -> Request:
        """Return a request for a function, or CANCELLING, about an order of its own."""
        return _cancelling(self) if name == CANCELLING else _REQUESTS[name](self)


def _create_invoice(world: World) -> Request:
    event = world.created()
    return _push(world, event, order_from(event, world.now()))


def _payment_callback(world: World) -> Request:
    order = world.put(world.really_invoiced())
    world.pay(order)
    assert order.invoice is not None
    body = {"external_id": order.id, "id": order.invoice.id, "status": "PAID", "amount": 250_000}
    headers = {"x-callback-token": world.config.callback_token, **_JSON}
    return Request(_encoded(body), headers, order, status=200, says='"outcome": "paid"')


def _create_meeting(world: World) -> Request:
    return _event(world, InvoicePaid, world.paid())


def _manage_booking(world: World) -> Request:
    """Return what wakes this function: a mentee opens the link that is in every mail.

    Whoever sends a form has opened its page a little before, and most who open a page send nothing.
    """
    order = world.put(world.scheduled())
    path = f"/{Purpose.MANAGE}?token={_token(world, Purpose.MANAGE, order)}"
    return Request(b"", {}, order, method="GET", path=path, status=200, says=order.id)


def _cancelling(world: World) -> Request:
    """Return the form with which a mentee cancels a session in time, so that money is to go back."""
    order = world.put(world.scheduled(), booked=True)
    fields = {"token": _token(world, Purpose.CANCEL, order), TOLD: "refunded"}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Request(
        urlencode(fields).encode(), headers, order, path=f"/{Purpose.CANCEL}", status=303
    )


def _token(world: World, purpose: Purpose, order: Order) -> str:
    """Return what the order's mentee has in their link."""
    link = Link(
        order_id=order.id,
        recipient=Recipient.MENTEE,
        revision=order.revision,
        expires_at=int((order.session.ends_at + LOOK_UP_FOR).timestamp()),
    )
    config = world.config
    signer = LinkSigner([config.secrets.links], config.url("manage_booking"))
    return signer.token(purpose, link)


def _close_order(world: World) -> Request:
    """Return the cancelling of a scheduled session: its event is to go, its money to be returned."""
    order = world.scheduled()
    world.meet(order)
    return _event(world, OrderCancelled, world.cancelled(order))


def _refund_payment(world: World) -> Request:
    order = world.really_invoiced()
    world.pay(order, _REFUNDABLE)
    return _event(world, RefundDue, world.cancelled(world.scheduled(world.paid(order))))


def _send_notification(world: World) -> Request:
    return _event(world, InvoiceCreated, world.invoiced())


def _track_delivery(world: World) -> Request:
    """Return Meta's word that a message did not arrive: of the others nothing follows."""
    order = world.put(world.scheduled())
    chat = Notification(
        order_id=order.id,
        kind=Kind.PAYMENT_RECEIVED,
        recipient=Recipient.MENTEE,
        channel=Channel.WHATSAPP,
    )
    world.sent(Delivery(key=chat.key, order_id=order.id, sent_at=world.now()))
    body = _encoded(_undelivered(chat.key, world.now()))
    digest = hmac.new(world.config.secrets.whatsapp_app.encode(), body, hashlib.sha256).hexdigest()
    headers = {SIGNATURE: f"sha256={digest}", **_JSON}
    return Request(body, headers, order, status=200, says='"undelivered": 1')


def _send_reminder(world: World) -> Request:
    starts_at = world.now() + timedelta(minutes=60)
    order = world.scheduled()
    order = msgspec.structs.replace(
        order,
        session=session(starts_at=starts_at),
        next_reminder_at=starts_at - timedelta(minutes=60),
        check_at=None,
    )
    return Request(b"", {}, world.put(order), status=200, says='"published": 1')


def _reconcile_orders(world: World) -> Request:
    """Return a tick that finds one order: it asks Xendit and the calendar about the two kinds."""
    order = msgspec.structs.replace(world.scheduled(), check_at=world.now(), next_reminder_at=None)
    world.meet(order)
    for delivery in told(order):
        world.sent(delivery)
    asked = msgspec.structs.replace(world.really_invoiced(), check_at=world.now())
    ready = f"{asked.id}:invoice_ready:mentee:email"
    world.sent(msgspec.structs.replace(told(asked)[0], key=ready))
    says = '"due": 2, "repeated": 0, "postponed": 0'
    return Request(b"", {}, world.put(order), (world.put(asked),), status=200, says=says)


def _send_digest(world: World) -> Request:
    """Return the tick of a day, of whose day before there is a little to tell."""
    # At seven in the admin's morning, as is scheduled.
    tick = world.now().replace(hour=0, minute=0, second=0) + timedelta(days=next(_days))
    afternoon = tick - timedelta(hours=16)
    day = [world.put(_changed(world.scheduled(), afternoon)) for _ in range(_ORDERS_A_DAY)]
    waiting = world.scheduled().with_attention(MEETING_REFUSED, world.now())
    world.put(msgspec.structs.replace(waiting, id="NUS-waits-for-the-admin"))
    headers = {SCHEDULE_TIME: tick.isoformat()}
    says = f'"due": 1, "orders": {_ORDERS_A_DAY}'
    return Request(b"", headers, day[0], tuple(day[1:]), status=200, says=says)


def _keep_dead_letter(world: World) -> Request:
    order = world.put(world.paid())
    (event,) = facts(order, InvoicePaid)
    marks = {SOURCE_SUBSCRIPTION: "create_meeting--invoice.paid", SOURCE_ATTEMPTS: "100"}
    return _push(world, event, order, **marks)


_REQUESTS: Mapping[str, Callable[[World], Request]] = {
    "create_invoice": _create_invoice,
    "payment_callback": _payment_callback,
    "create_meeting": _create_meeting,
    "manage_booking": _manage_booking,
    "close_order": _close_order,
    "refund_payment": _refund_payment,
    "send_reminder": _send_reminder,
    "reconcile_orders": _reconcile_orders,
    "send_notification": _send_notification,
    "track_delivery": _track_delivery,
    "send_digest": _send_digest,
    # The last, since its orders wait for the admin, and would be in the mail of a day.
    "keep_dead_letter": _keep_dead_letter,
}
NAMES = tuple(_REQUESTS)
# What manage_booking is asked to do, and not only to show.
CANCELLING = "manage_booking.cancel"


def _event(world: World, kind: type[Event], order: Order) -> Request:
    """Return the push of what can be said of a stored order."""
    (event,) = facts(world.put(order), kind)
    return _push(world, event, order)


def _push(world: World, event: Event, order: Order, **marks: str) -> Request:
    """Return the push of an event."""
    attributes = messages.attributes(event, traceparent=_TRACE, at=world.now())
    body = messages.push_body(
        f"m-{time.time_ns()}",
        messages.encode(event),
        attributes | marks,
        published_at=world.now().isoformat(),
        subscription="projects/local/subscriptions/any",
        attempt=1,
    )
    return Request(_encoded(body), _JSON, order)


def _undelivered(key: str, at: datetime) -> dict[str, Any]:
    """Return what Meta says of a message that will not arrive, with all its fields."""
    title = "Message undeliverable"
    error = {"code": 131026, "title": title, "message": title}
    status = {
        "id": "wamid.HBgNNjI4MTIzNDU2Nzg5MBUCABEYEjlBM0YxQTQ2QzZGQjhFNTgwMAA=",
        "status": "failed",
        "timestamp": str(int(at.timestamp())),
        "recipient_id": "6281234567890",
        "biz_opaque_callback_data": key,
        "errors": [{**error, "error_data": {"details": "Message Undeliverable."}}],
    }
    metadata = {"display_phone_number": "6281100000000", "phone_number_id": "100000000000001"}
    value = {"messaging_product": "whatsapp", "metadata": metadata, "statuses": [status]}
    entry = {"id": "102290129340398", "changes": [{"value": value, "field": "messages"}]}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def _changed(order: Order, at: datetime) -> Order:
    """Return an order that has come to where it is at this time."""
    assert order.payment is not None
    return msgspec.structs.replace(
        order,
        history=tuple(msgspec.structs.replace(change, at=at) for change in order.history),
        payment=msgspec.structs.replace(order.payment, paid_at=at),
    )


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body).encode()
