"""The functions' steps with the adapters of production, on counted documents and messages."""

from collections import deque
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, cast

from google.cloud.firestore import Client

from benchmarks.operations.counts import Counts
from benchmarks.operations.documents import Documents
from functions.close_order.use_case import CloseOrder
from functions.create_invoice.use_case import CreateInvoice
from functions.create_meeting.use_case import CreateMeeting
from functions.manage_booking.desk import Desk
from functions.manage_booking.use_case import ManageBooking
from functions.manage_booking.words import read_words
from functions.payment_callback.refunds import HandleRefundCallback
from functions.payment_callback.use_case import HandleCallback
from functions.reconcile_orders.use_case import ReconcileOrders
from functions.refund_payment.use_case import RefundPayment
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
from shared.adapters.vault import FernetVault
from shared.adapters.xendit import XenditInvoiceGateway
from shared.adapters.xendit_refunds import XenditRefundGateway
from shared.domain.events import Event
from shared.domain.notifications import Channel
from shared.domain.order import Order
from shared.domain.reminders import DEFAULT_LEAD_MINUTES
from shared.mail_once import MailOnce
from shared.ports import Clock
from shared.settings import (
    BookingSettings,
    BrandSettings,
    CheckoutSettings,
    GoogleSettings,
    XenditSettings,
)
from tests.bookings import VAULT_KEY
from tests.unit.functions.chain import ADMIN, COMPOSER, SIGNER
from tests.vendors import KEY

_CLAIM = timedelta(seconds=90)
_BOOKING = BookingSettings()
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


class Steps:
    """What each function does; ``subscribed`` are those that messages are pushed to, by name.

    Each has stores of its own: it is a process of its own, and remembers nothing that another one
    has read.
    """

    def __init__(
        self, counts: Counts, queue: Queue, clock: Clock, xendit: str, google: str
    ) -> None:
        self._documents = cast("Client", Documents(counts))
        self._queue = queue
        self._clock = clock
        money = XenditSettings(secret_key=KEY, base_url=xendit)
        checkout = CheckoutSettings(success_url=_SHOP, failure_url=_SHOP)
        self._google = GoogleSettings(subject="sessions@nusademy.example", api_base_url=google)
        self._invoices = XenditInvoiceGateway(money, checkout)
        self._refunds = XenditRefundGateway(money)
        self._meetings = GoogleMeetingScheduler(self._google)
        self.callback = HandleCallback(self._orders(), self._invoices, queue, clock)
        self.refund_callback = HandleRefundCallback(
            self._orders(), self._invoices, self._refunds, queue, clock
        )
        self.remind = SendReminders(self._orders(), queue)
        self.reconcile = self._reconcile_orders()
        self.subscribed: Mapping[str, Callable[[Any], None]] = {
            "create_invoice": self._create_invoice(),
            "create_meeting": self._create_meeting(),
            "close_order": CloseOrder(self._orders(), self._invoices, self._meetings, queue, clock),
            "refund_payment": RefundPayment(self._orders(), self._refunds, queue, clock),
            "send_notification": self._send_notification(),
        }

    def desk(self) -> Desk:
        """Return manage_booking's pages, for one request.

        A person's requests come minutes apart, each to whichever thread is free: what one has read
        is not there for the next.
        """
        step = ManageBooking(
            orders=self._orders(),
            availability=FirestoreAvailabilityStore(self._documents),
            calendars=UnsharedCalendars(),
            events=self._queue,
            vault=FernetVault([VAULT_KEY]),
            clock=self._clock,
            refund_until=_BOOKING.refund_until,
            move_until=_BOOKING.move_until,
        )
        words = read_words({"help_email": _BRAND.help_email})
        return Desk(step=step, signer=SIGNER, admin=ADMIN, words=words)

    def order(self, order_id: str) -> Order:
        """Return an order as it is stored."""
        found = self._orders().get(order_id)
        assert found is not None
        return found

    def _orders(self) -> FirestoreOrderStore:
        return FirestoreOrderStore(self._documents)

    def _deliveries(self) -> FirestoreDeliveryStore:
        return FirestoreDeliveryStore(self._documents)

    def _create_invoice(self) -> CreateInvoice:
        return CreateInvoice(
            orders=self._orders(),
            availability=FirestoreAvailabilityStore(self._documents),
            calendars=UnsharedCalendars(),
            invoices=self._invoices,
            events=self._queue,
            clock=self._clock,
            claim=_CLAIM,
        )

    def _create_meeting(self) -> CreateMeeting:
        return CreateMeeting(
            orders=self._orders(),
            meetings=self._meetings,
            events=self._queue,
            clock=self._clock,
            leads=DEFAULT_LEAD_MINUTES,
            polls=(),
        )

    def _reconcile_orders(self) -> ReconcileOrders:
        return ReconcileOrders(
            orders=self._orders(),
            deliveries=self._deliveries(),
            invoices=self._invoices,
            refunds=self._refunds,
            meetings=self._meetings,
            events=self._queue,
            clock=self._clock,
        )

    def _send_notification(self) -> SendNotification:
        deliveries = self._deliveries()
        once = MailOnce(deliveries, GmailMailer(self._google, _BRAND), self._clock, _CLAIM)
        return SendNotification(
            orders=self._orders(),
            deliveries=deliveries,
            events=self._queue,
            composer=COMPOSER,
            senders={Channel.EMAIL: MailSender(once, COMPOSER, self._clock, Pause())},
            clock=self._clock,
        )
