"""The steps with the adapters of production, on counted vendors, documents and messages."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, cast

from google.cloud.firestore import Client

from benchmarks.operations.counts import Counts
from benchmarks.operations.documents import Documents
from functions.create_invoice.use_case import CreateInvoice
from functions.create_meeting.use_case import CreateMeeting
from functions.payment_callback.use_case import HandleCallback, InvoiceCallback
from functions.reconcile_orders.use_case import ReconcileOrders
from functions.send_notification.senders import MailSender, Pause
from functions.send_notification.use_case import SendNotification
from functions.send_reminder.use_case import SendReminders
from local.topology import FUNCTIONS
from shared.adapters.firestore import (
    FirestoreAvailabilityStore,
    FirestoreDeliveryStore,
    FirestoreOrderStore,
)
from shared.adapters.gmail import GmailMailer
from shared.adapters.google_calendar import GoogleMeetingScheduler
from shared.adapters.unshared_calendars import UnsharedCalendars
from shared.adapters.xendit import XenditInvoiceGateway
from shared.adapters.xendit_refunds import XenditRefundGateway
from shared.domain.events import Event
from shared.domain.notifications import Channel
from shared.domain.order import Order
from shared.domain.reminders import DEFAULT_LEAD_MINUTES
from shared.mail_once import MailOnce
from shared.settings import BrandSettings, CheckoutSettings, GoogleSettings, XenditSettings
from tests.builders import order_created
from tests.fakes import FakeClock
from tests.unit.functions.chain import COMPOSER
from tests.vendors import KEY, Vendor, served_google, served_xendit

_CLAIM = timedelta(seconds=90)
_BRAND = BrandSettings(
    name="Nusademy", help_email="help@nusademy.example", admin_email="admin@nusademy.example"
)
_SHOP = "https://shop.example/orders/{order_id}"


class Queue:
    """EventPublisher that counts, and keeps what is still to be delivered."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self.waiting: deque[tuple[str, Event]] = deque()
        self._subscribers: dict[str, list[str]] = {}
        for function in FUNCTIONS:
            for topic in function.topics:
                self._subscribers.setdefault(topic, []).append(function.name)

    def publish(self, *events: Event) -> None:
        """See EventPublisher."""
        for event in events:
            self.counts.messages += 1
            self.waiting.extend((name, event) for name in self._subscribers.get(event.topic, ()))


class Stage:
    """One order's world. Time stands still except where a path moves it."""

    def __init__(self, clock: FakeClock, xendit: Vendor, google: Vendor) -> None:
        self.clock = clock
        self.counts = Counts()
        self._xendit = xendit
        self._google = google
        self._documents = cast("Client", Documents(self.counts))
        self._queue = Queue(self.counts)
        self._settings = GoogleSettings(
            subject="sessions@nusademy.example", api_base_url=google.url
        )
        money = XenditSettings(secret_key=KEY, base_url=xendit.url)
        checkout = CheckoutSettings(success_url=_SHOP, failure_url=_SHOP)
        self._invoices = XenditInvoiceGateway(money, checkout)
        self._meetings = GoogleMeetingScheduler(self._settings)
        self._callback = HandleCallback(self._orders(), self._invoices, self._queue, clock)
        self._reminders = SendReminders(self._orders(), self._queue)
        self._reconcile = ReconcileOrders(
            orders=self._orders(),
            deliveries=self._deliveries(),
            invoices=self._invoices,
            refunds=XenditRefundGateway(money),
            meetings=self._meetings,
            events=self._queue,
            clock=clock,
        )
        self._steps = self._subscribed()

    def place(self, ahead: timedelta) -> None:
        """Publish an order whose session begins so far ahead, and let everything follow."""
        starts_at = self.clock.now().replace(microsecond=0) + ahead
        session = order_created().session
        changed = type(session)(starts_at=starts_at, duration_minutes=60)
        self._queue.publish(order_created(session=changed))
        self.deliver()

    @property
    def order(self) -> Order:
        """The order, read without being counted."""
        before = self.counts.reads
        found = self._orders().get(order_created().order_id)
        self.counts.reads = before
        assert found is not None
        return found

    def pay(self) -> None:
        """Pay at Xendit, whose webhook then comes."""
        invoice = self.order.invoice
        assert invoice is not None
        self._xendit.tell(f"invoices/{invoice.id}/pay", webhook=False)
        self.webhook("PAID")

    def webhook(self, status: str) -> None:
        """Let Xendit say how the invoice stands."""
        invoice = self.order.invoice
        assert invoice is not None
        self._callback(InvoiceCallback(external_id=self.order.id, id=invoice.id, status=status))
        self.deliver()

    def expire(self) -> None:
        """Let the invoice's time run out, and Xendit say so."""
        invoice = self.order.invoice
        assert invoice is not None
        self._xendit.admin.post(f"{self._xendit.url}/invoices/{invoice.id}/expire!", auth=(KEY, ""))
        self.move_to(invoice.expires_at)
        self.webhook("EXPIRED")

    def move_to(self, moment: datetime, *, looked_after: bool = False) -> None:
        """Let time go by; the ticks in which something is due happen, unless nobody looks."""
        while True:
            order = self.order
            timers = (order.next_reminder_at, order.check_at if looked_after else None)
            due = min((at for at in timers if at is not None and at <= moment), default=None)
            if due is None:
                break
            self._advance(due)
            self._tick(looked_after=looked_after)
        self._advance(moment)

    def look(self) -> None:
        """Run one tick of reconcile_orders."""
        self._reconcile(self.clock.now())
        self.deliver()

    def deliver(self) -> None:
        """Push every message that waits, and those that follow."""
        while self._queue.waiting:
            name, event = self._queue.waiting.popleft()
            self.counts.pushed += 1
            self._steps[name](event)

    def _orders(self) -> FirestoreOrderStore:
        # Each function is a process of its own, and remembers nothing that another one has read.
        return FirestoreOrderStore(self._documents)

    def _deliveries(self) -> FirestoreDeliveryStore:
        return FirestoreDeliveryStore(self._documents)

    def _tick(self, *, looked_after: bool) -> None:
        self._reminders(self.clock.now())
        self.deliver()
        if looked_after:
            self.look()

    def _advance(self, moment: datetime) -> None:
        self.clock.advance(max(timedelta(), moment - self.clock.now()))

    def _subscribed(self) -> Mapping[str, Callable[[Any], None]]:
        deliveries = self._deliveries()
        mailer = GmailMailer(self._settings, _BRAND)
        once = MailOnce(deliveries, mailer, self.clock, _CLAIM)
        mail = MailSender(once, COMPOSER, self.clock, Pause())
        return {
            "create_invoice": CreateInvoice(
                orders=self._orders(),
                availability=FirestoreAvailabilityStore(self._documents),
                calendars=UnsharedCalendars(),
                invoices=self._invoices,
                events=self._queue,
                clock=self.clock,
                claim=_CLAIM,
            ),
            "create_meeting": CreateMeeting(
                orders=self._orders(),
                meetings=self._meetings,
                events=self._queue,
                clock=self.clock,
                leads=DEFAULT_LEAD_MINUTES,
                polls=(),
            ),
            "send_notification": SendNotification(
                orders=self._orders(),
                deliveries=deliveries,
                events=self._queue,
                composer=COMPOSER,
                senders={Channel.EMAIL: mail},
                clock=self.clock,
            ),
        }

    def total(self) -> Counts:
        """Return all operations so far."""
        calls = len(self._xendit_calls()) + len(self._google.requests)
        return self.counts + Counts(vendor_calls=calls)

    def _xendit_calls(self) -> list[str]:
        # What the path itself does there is not the pipeline's.
        return [request for request in self._xendit.requests if "/expire!" not in request]


@contextmanager
def staged() -> Iterator[Stage]:
    """Serve the vendors' simulators for the block; a Meet room is ready at once."""
    clock = FakeClock()
    with served_xendit(clock) as xendit, served_google(clock) as google:
        xendit.tell("webhooks", expired_enabled=False)
        yield Stage(clock, xendit, google)
