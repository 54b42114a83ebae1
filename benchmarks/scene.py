"""A world without its functions: stores, vendors, and requests that a function can really handle."""

import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
from google.cloud.firestore import Client

from benchmarks.ticks.orders import told
from functions.keep_dead_letter.use_case import SOURCE_ATTEMPTS, SOURCE_SUBSCRIPTION
from local.config import XENDIT_KEY, Backend, WorldConfig, prepare
from local.dispatcher import open_queue
from local.lifeline import TetheredProcess
from local.pubsub_topology import create_topics_and_subscriptions
from local.staging import ROOT
from local.topology import FUNCTIONS
from shared import messages
from shared.adapters.firestore import FirestoreDeliveryStore, FirestoreOrderStore
from shared.adapters.sqlite_stores import SqliteDeliveryStore, SqliteOrderStore
from shared.domain.billing import attach_invoice, settle
from shared.domain.deliveries import Delivery
from shared.domain.events import Event, InvoiceCreated, InvoicePaid, OrderCreated
from shared.domain.facts import facts
from shared.domain.invoice import InvoiceStatus
from shared.domain.meetings import CalendarEvent, RoomStatus, event_id, meeting_request
from shared.domain.meetings import record_meeting as record
from shared.domain.order import Change, Order, order_from
from shared.domain.reminders import DEFAULT_LEAD_MINUTES
from shared.ports import DeliveryStore, OrderStore
from tests.builders import invoice, mentor, order_created, session

_READY_S = 30.0
# What is measured is the core: mail only, and no mentor's own calendar is asked.
CORE = {"WHATSAPP": "off", "MENTOR_CALENDARS": "off"}
_TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
_numbers = itertools.count(1)


class Request(msgspec.Struct, frozen=True):
    """What a function is called with, and the order that it is about, as it stands before."""

    body: bytes
    headers: dict[str, str]
    order: Order
    # Orders beside it that the function will take up, too.
    others: tuple[Order, ...] = ()


class Scene:
    """Everything that a function meets, prepared for one request after the other.

    It is on the backend of the configuration; the emulators must be running, and be named by the
    environment.
    """

    def __init__(self, config: WorldConfig) -> None:
        self.config = config
        self._opened = ExitStack()
        self.orders, self.deliveries = (
            self._sqlite() if config.backend == "embedded" else self._firestore()
        )
        self._client = self._opened.enter_context(httpx.Client(trust_env=False, timeout=20))

    def request(self, function: str) -> Request:
        """Return a request for a function, about an order of its own."""
        return _REQUESTS[function](self)

    def now(self) -> datetime:
        """Return the world's time."""
        return self.config.clock.now()

    def put(self, order: Order) -> Order:
        """Store an order as it is."""
        return self.orders.transact(order.id, lambda _current, _days: Change(order=order))

    def sent(self, delivery: Delivery) -> None:
        """Store the record of a message that is out."""
        self.deliveries.transact(delivery.key, lambda _: delivery)

    def created(self) -> OrderCreated:
        """Return a new order's event, of a mentor of its own."""
        number = f"{next(_numbers)}-{time.time_ns()}"
        starts_at = self.now().replace(microsecond=0) + timedelta(days=3)
        return order_created(
            order_id=f"NUS-{number}",
            mentor=mentor(id=f"m-{number}"),
            session=session(starts_at=starts_at),
        )

    def invoiced(self) -> Order:
        """Return an order that waits for its payment."""
        order = order_from(self.created(), self.now())
        own = invoice(order_id=order.id, expires_at=self.now() + timedelta(hours=24))
        return attach_invoice(order, {}, invoice=own, now=self.now()).order

    def really_invoiced(self) -> Order:
        """Return an order whose invoice Xendit knows."""
        order = order_from(self.created(), self.now())
        body = {"external_id": order.id, "amount": order.price.amount, "currency": "IDR"}
        answer = self._client.post(
            f"{self.config.url('xendit')}/v2/invoices", json=body, auth=(XENDIT_KEY, "")
        )
        made = answer.raise_for_status().json()
        own = invoice(
            id=made["id"],
            order_id=order.id,
            url=made["invoice_url"],
            expires_at=datetime.fromisoformat(made["expiry_date"]),
        )
        return attach_invoice(order, {}, invoice=own, now=self.now()).order

    def paid(self) -> Order:
        """Return an order that waits for its meeting."""
        order = self.invoiced()
        money = invoice(
            order_id=order.id, status=InvoiceStatus.PAID, paid_amount=250_000, paid_at=self.now()
        )
        return settle(order, {}, invoice=money, now=self.now()).order

    def scheduled(self) -> Order:
        """Return an order whose meeting is recorded."""
        order = self.paid()
        event = CalendarEvent(
            event_id=event_id(order),
            cancelled=False,
            room=RoomStatus.READY,
            meet_url="https://meet.google.com/abc-defg-hij",
        )
        return record(order, {}, event=event, leads=DEFAULT_LEAD_MINUTES, now=self.now()).order

    def pay(self, order: Order) -> None:
        """Pay at Xendit, which tells nobody."""
        assert order.invoice is not None
        url = f"{self.config.url('xendit')}/_admin/invoices/{order.invoice.id}/pay"
        self._client.post(url, json={"webhook": False}).raise_for_status()

    def meet(self, order: Order) -> None:
        """Put the order's event, with a room, into the calendar."""
        wanted = meeting_request(order)
        body = {
            "id": wanted.event_id,
            "start": {"dateTime": wanted.session.starts_at.isoformat()},
            "end": {"dateTime": wanted.session.ends_at.isoformat()},
            "conferenceData": {
                "createRequest": {
                    "requestId": wanted.room_request_id,
                    "conferenceSolutionKey": {"type": "hangoutsMeet"},
                }
            },
        }
        self._client.post(
            f"{self.config.url('google')}/calendar/v3/calendars/primary/events",
            params={"conferenceDataVersion": 1},
            json=body,
            headers={"Authorization": "Bearer local"},
        ).raise_for_status()

    def close(self) -> None:
        """Close what was opened."""
        self._opened.close()

    def _sqlite(self) -> tuple[OrderStore, DeliveryStore]:
        data = self.config.data_dir
        open_queue(data, {s: t for f in FUNCTIONS for s, t in f.subscriptions().items()}).close()
        orders = SqliteOrderStore(data / "orders.db")
        deliveries = SqliteDeliveryStore(data / "deliveries.db")
        self._opened.callback(orders.close)
        self._opened.callback(deliveries.close)
        return orders, deliveries

    def _firestore(self) -> tuple[OrderStore, DeliveryStore]:
        # Nobody subscribes: what is published is taken, and gone.
        create_topics_and_subscriptions(self.config.project, {})
        client = Client(project=self.config.project)
        self._opened.callback(client.close)
        return FirestoreOrderStore(client), FirestoreDeliveryStore(client)

    def event(self, kind: type[Event], order: Order) -> Request:
        """Return the push of what can be said of a stored order."""
        (event,) = facts(self.put(order), kind)
        return self.push(event, order)

    def push(self, event: Event, order: Order, **marks: str) -> Request:
        """Return the push of an event."""
        attributes = messages.attributes(event, traceparent=_TRACE, at=self.now())
        body = messages.push_body(
            f"m-{time.time_ns()}",
            messages.encode(event),
            attributes | marks,
            published_at=self.now().isoformat(),
            subscription="projects/local/subscriptions/any",
            attempt=1,
        )
        return Request(json.dumps(body).encode(), {"Content-Type": "application/json"}, order)


def _create_invoice(scene: Scene) -> Request:
    event = scene.created()
    return scene.push(event, order_from(event, scene.now()))


def _payment_callback(scene: Scene) -> Request:
    order = scene.put(scene.really_invoiced())
    scene.pay(order)
    assert order.invoice is not None
    body = {"external_id": order.id, "id": order.invoice.id, "status": "PAID", "amount": 250_000}
    headers = {
        "x-callback-token": scene.config.callback_token,
        "Content-Type": "application/json",
    }
    return Request(json.dumps(body).encode(), headers, order)


def _create_meeting(scene: Scene) -> Request:
    return scene.event(InvoicePaid, scene.paid())


def _send_notification(scene: Scene) -> Request:
    return scene.event(InvoiceCreated, scene.invoiced())


def _send_reminder(scene: Scene) -> Request:
    starts_at = scene.now() + timedelta(minutes=60)
    order = scene.scheduled()
    order = msgspec.structs.replace(
        order,
        session=session(starts_at=starts_at),
        next_reminder_at=starts_at - timedelta(minutes=60),
        check_at=None,
    )
    return Request(b"", {}, scene.put(order))


def _reconcile_orders(scene: Scene) -> Request:
    """Return a tick that finds one order: it asks Xendit and the calendar about the two kinds."""
    order = msgspec.structs.replace(scene.scheduled(), check_at=scene.now(), next_reminder_at=None)
    scene.meet(order)
    for delivery in told(order):
        scene.sent(delivery)
    asked = msgspec.structs.replace(scene.really_invoiced(), check_at=scene.now())
    ready = f"{asked.id}:invoice_ready:mentee:email"
    scene.sent(msgspec.structs.replace(told(asked)[0], key=ready))
    return Request(b"", {}, scene.put(order), (scene.put(asked),))


def _keep_dead_letter(scene: Scene) -> Request:
    order = scene.put(scene.paid())
    (event,) = facts(order, InvoicePaid)
    marks = {SOURCE_SUBSCRIPTION: "create_meeting--invoice.paid", SOURCE_ATTEMPTS: "100"}
    return scene.push(event, order, **marks)


_REQUESTS: Mapping[str, Callable[[Scene], Request]] = {
    "create_invoice": _create_invoice,
    "payment_callback": _payment_callback,
    "create_meeting": _create_meeting,
    "send_notification": _send_notification,
    "send_reminder": _send_reminder,
    "reconcile_orders": _reconcile_orders,
    "keep_dead_letter": _keep_dead_letter,
}
NAMES = tuple(_REQUESTS)


@contextmanager
def scene(folder: Path, backend: Backend = "embedded", **options: Any) -> Iterator[Scene]:
    """Serve the vendors from a process of their own, without rate limits or delays."""
    swift = {"rate_limit_per_minute": 10**9, "room_delay_s": 0.0}
    config = prepare(folder, backend, {}, **swift | options)
    config.write()
    command = [sys.executable, "-m", "local.process", "vendors", config.folder]
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = TetheredProcess(command, folder / "vendors.log", environment, ROOT)
    try:
        for vendor in ("xendit", "google"):
            await_answer(config.url(vendor))
        with closing(Scene(config)) as made:
            yield made
    finally:
        process.end()


def await_answer(url: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """Ask until somebody answers; return the answer."""
    deadline = time.monotonic() + _READY_S
    with httpx.Client(trust_env=False, timeout=20) as client:
        while True:
            try:
                return client.get(url, headers=headers)
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.002)
