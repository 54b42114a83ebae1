"""What functions meet: stores, vendors, and orders at each point of their lives."""

import itertools
import time
from contextlib import ExitStack
from datetime import datetime, timedelta

import httpx
from google.cloud.firestore import Client

from local.config import XENDIT_KEY, WorldConfig
from local.dispatcher import open_queue
from local.pubsub_topology import create_topics_and_subscriptions
from local.topology import FUNCTIONS
from shared.adapters.firestore import FirestoreDeliveryStore, FirestoreOrderStore
from shared.adapters.sqlite_stores import SqliteDeliveryStore, SqliteOrderStore
from shared.domain.billing import attach_invoice, settle
from shared.domain.cancellation import cancel
from shared.domain.deliveries import Delivery
from shared.domain.events import OrderCreated
from shared.domain.invoice import InvoiceStatus
from shared.domain.meetings import CalendarEvent, RoomStatus, event_id, meeting_request
from shared.domain.meetings import record_meeting as record
from shared.domain.order import Actor, Change, Order, order_from
from shared.domain.reminders import DEFAULT_LEAD_MINUTES
from shared.ports import DeliveryStore, OrderStore
from tests.builders import days, invoice, mentor, order_created, session_after

_numbers = itertools.count(1)
_REFUND_UNTIL = timedelta(hours=24)


class World:
    """Stores and vendors; each order that it makes is a new one, of a mentor of its own.

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

    def now(self) -> datetime:
        """Return the world's time."""
        return self.config.clock.now()

    def put(self, order: Order, *, booked: bool = False) -> Order:
        """Store an order as it is, and its slot in the mentor's days if that is booked."""
        held = tuple(days(order, of=order).values()) if booked else ()
        return self.orders.transact(
            order.id, lambda _current, _days: Change(order=order, days=held), [d.key for d in held]
        )

    def sent(self, delivery: Delivery) -> None:
        """Store the record of a message that is out."""
        self.deliveries.transact(delivery.key, lambda _: delivery)

    def created(self) -> OrderCreated:
        """Return a new order's event."""
        number = f"{next(_numbers)}-{time.time_ns()}"
        return order_created(
            order_id=f"NUS-{number}",
            mentor=mentor(id=f"m-{number}"),
            session=session_after(self.now()),
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

    def paid(self, invoiced: Order | None = None) -> Order:
        """Return an order that waits for its meeting."""
        order = invoiced or self.invoiced()
        assert order.invoice is not None
        money = invoice(
            id=order.invoice.id,
            order_id=order.id,
            status=InvoiceStatus.PAID,
            paid_amount=order.price.amount,
            paid_at=self.now(),
        )
        return settle(order, {}, invoice=money, now=self.now()).order

    def scheduled(self, paid: Order | None = None) -> Order:
        """Return an order whose meeting is recorded."""
        order = paid or self.paid()
        event = CalendarEvent(
            event_id=event_id(order),
            cancelled=False,
            room=RoomStatus.READY,
            meet_url="https://meet.google.com/abc-defg-hij",
        )
        return record(order, {}, event=event, leads=DEFAULT_LEAD_MINUTES, now=self.now()).order

    def cancelled(self, scheduled: Order) -> Order:
        """Return an order that its mentee has called off in time to get the money back."""
        return cancel(
            scheduled,
            days(scheduled, of=scheduled),
            by=Actor.MENTEE,
            revision=scheduled.revision,
            refund_until=_REFUND_UNTIL,
            now=self.now(),
        ).order

    def pay(self, order: Order, channel: str = "BCA") -> None:
        """Pay at Xendit, which tells nobody."""
        assert order.invoice is not None
        url = f"{self.config.url('xendit')}/_admin/invoices/{order.invoice.id}/pay"
        self._client.post(url, json={"webhook": False, "channel": channel}).raise_for_status()

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
