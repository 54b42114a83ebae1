"""The steps on one set of fakes, with crashes at chosen calls and redelivery."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from functions.close_order.use_case import CloseOrder
from functions.create_invoice.use_case import CreateInvoice
from functions.create_meeting.use_case import CreateMeeting
from functions.payment_callback.refunds import HandleRefundCallback
from functions.payment_callback.use_case import HandleCallback
from functions.reconcile_orders.use_case import ReconcileOrders
from functions.refund_payment.use_case import RefundPayment
from functions.send_digest.use_case import SendDigest
from functions.send_notification.composer import Composer
from functions.send_notification.senders import ChatSender, MailSender, Pause
from functions.send_notification.use_case import Sender, SendNotification
from functions.send_reminder.use_case import SendReminders
from functions.track_delivery.use_case import TrackDelivery
from shared.domain.deliveries import Delivery
from shared.domain.events import Event, MeetingScheduled
from shared.domain.invoice import InvoiceStatus
from shared.domain.meetings import event_id
from shared.domain.notifications import Channel, Notification
from shared.domain.order import HOLDS_SLOT, Change, Order
from shared.domain.reminders import DEFAULT_LEAD_MINUTES
from shared.domain.schedule import Booking, DayKey, Days
from shared.errors import RetryableError
from shared.links import LinkSigner
from shared.mail_once import MailOnce
from shared.presentation.brand import Brand
from shared.presentation.rendering import Renderer
from tests.builders import mentee, order, paid_order, session
from tests.fakes import (
    FakeAvailabilityStore,
    FakeBusyCalendars,
    FakeClock,
    FakeDeliveryStore,
    FakeInvoiceGateway,
    FakeMailer,
    FakeMeetingScheduler,
    FakeMessenger,
    FakeOrderStore,
    FakePublisher,
    FakeRefundGateway,
)

CLAIM = timedelta(seconds=90)
ADMIN = mentee(id="admin", name="Admin", email="admin@nusantara.example", phone=None)
RENDERER = Renderer(Brand(name="Nusantara Mentoring", help_email="help@nusantara.example"))
SIGNER = LinkSigner(["a-secret-of-the-tests-32-characters"], "https://booking.example")
COMPOSER = Composer(renderer=RENDERER, signer=SIGNER, admin=ADMIN)
_REDELIVERIES = 20


class CrashError(Exception):
    """The process is gone; nothing in it hears of it."""


class Crash:
    """Counts the calls to all ports and crashes at one of them, before or after its effect."""

    def __init__(self, at: int | None = None, *, after: bool = False) -> None:
        self.at = at
        self.after = after
        self.calls: list[str] = []

    def around(self, name: str, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        self.calls.append(name)
        crashes = self.at == len(self.calls)
        if crashes and not self.after:
            raise CrashError(name)
        result = call(*args, **options)
        if crashes:
            raise CrashError(name)
        return result


class Meanwhile(Crash):
    """Lets something else happen before one of the calls: a race, played out in one thread."""

    def __init__(self, at: int, action: Callable[[], object]) -> None:
        super().__init__()
        self._before = at
        self._action = action

    def around(self, name: str, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if len(self.calls) + 1 == self._before:
            self._action()
        return super().around(name, call, *args, **options)


class _Watched:
    """A port whose calls go through a Crash."""

    def __init__(self, port: Any, crash: Crash) -> None:
        self._port = port
        self._crash = crash

    def __getattr__(self, name: str) -> Any:
        return partial(self._crash.around, name, getattr(self._port, name))


@dataclass
class Chain:
    """The outside world, the steps on it, and what can be seen from outside afterwards.

    Mentors are asked only where ``answer_within`` is set, and phones are told where ``whatsapp`` is.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    orders: FakeOrderStore = field(default_factory=FakeOrderStore)
    deliveries: FakeDeliveryStore = field(default_factory=FakeDeliveryStore)
    meetings: FakeMeetingScheduler = field(default_factory=FakeMeetingScheduler)
    mailer: FakeMailer = field(default_factory=FakeMailer)
    messenger: FakeMessenger = field(default_factory=FakeMessenger)
    events: FakePublisher = field(default_factory=FakePublisher)
    availability: FakeAvailabilityStore = field(default_factory=FakeAvailabilityStore)
    calendars: FakeBusyCalendars = field(default_factory=FakeBusyCalendars)
    answer_within: timedelta | None = None
    whatsapp: bool = False

    def __post_init__(self) -> None:
        self.invoices = FakeInvoiceGateway(self.clock)
        self.refunds = FakeRefundGateway(self.invoices)

    def create_invoice(self, crash: Crash | None = None) -> CreateInvoice:
        wrap = _wrapper(crash)
        return CreateInvoice(
            orders=wrap(self.orders),
            availability=wrap(self.availability),
            calendars=wrap(self.calendars),
            invoices=wrap(self.invoices),
            events=wrap(self.events),
            clock=self.clock,
            claim=CLAIM,
        )

    def handle_callback(self, crash: Crash | None = None) -> HandleCallback:
        wrap = _wrapper(crash)
        return HandleCallback(
            orders=wrap(self.orders),
            invoices=wrap(self.invoices),
            events=wrap(self.events),
            clock=self.clock,
        )

    def create_meeting(self, crash: Crash | None = None) -> CreateMeeting:
        wrap = _wrapper(crash)
        return CreateMeeting(
            orders=wrap(self.orders),
            meetings=wrap(self.meetings),
            events=wrap(self.events),
            clock=self.clock,
            leads=DEFAULT_LEAD_MINUTES,
            polls=(1.0, 2.0),
            answer_within=self.answer_within,
        )

    def close_order(self, crash: Crash | None = None) -> CloseOrder:
        wrap = _wrapper(crash)
        return CloseOrder(
            orders=wrap(self.orders),
            invoices=wrap(self.invoices),
            meetings=wrap(self.meetings),
            events=wrap(self.events),
            clock=self.clock,
        )

    def refund_payment(self, crash: Crash | None = None) -> RefundPayment:
        wrap = _wrapper(crash)
        return RefundPayment(
            orders=wrap(self.orders),
            refunds=wrap(self.refunds),
            events=wrap(self.events),
            clock=self.clock,
        )

    def handle_refund_callback(self, crash: Crash | None = None) -> HandleRefundCallback:
        wrap = _wrapper(crash)
        return HandleRefundCallback(
            orders=wrap(self.orders),
            invoices=wrap(self.invoices),
            refunds=wrap(self.refunds),
            events=wrap(self.events),
            clock=self.clock,
        )

    def reconcile_orders(self, crash: Crash | None = None) -> ReconcileOrders:
        wrap = _wrapper(crash)
        return ReconcileOrders(
            orders=wrap(self.orders),
            deliveries=wrap(self.deliveries),
            invoices=wrap(self.invoices),
            refunds=wrap(self.refunds),
            meetings=wrap(self.meetings),
            events=wrap(self.events),
            clock=self.clock,
        )

    def send_digest(self, crash: Crash | None = None) -> SendDigest:
        wrap = _wrapper(crash)
        return SendDigest(
            orders=wrap(self.orders),
            deliveries=wrap(self.deliveries),
            once=MailOnce(wrap(self.deliveries), wrap(self.mailer), self.clock, CLAIM),
            renderer=RENDERER,
            admin=ADMIN,
        )

    def track_delivery(self, crash: Crash | None = None) -> TrackDelivery:
        wrap = _wrapper(crash)
        return TrackDelivery(deliveries=wrap(self.deliveries), events=wrap(self.events))

    def send_reminders(self, crash: Crash | None = None) -> SendReminders:
        wrap = _wrapper(crash)
        return SendReminders(orders=wrap(self.orders), events=wrap(self.events))

    def send_notification(self, crash: Crash | None = None) -> SendNotification:
        wrap = _wrapper(crash)
        return SendNotification(
            orders=wrap(self.orders),
            deliveries=wrap(self.deliveries),
            events=wrap(self.events),
            composer=COMPOSER,
            senders=self._senders(wrap),
            clock=self.clock,
        )

    def _senders(self, wrap: Callable[[Any], Any]) -> Mapping[Channel, Sender]:
        stored = wrap(self.deliveries)
        once = MailOnce(stored, wrap(self.mailer), self.clock, CLAIM)
        mail = MailSender(once, COMPOSER, self.clock, Pause())
        if not self.whatsapp:
            return {Channel.EMAIL: mail}
        chat = ChatSender(stored, wrap(self.messenger), COMPOSER, self.clock, CLAIM, Pause())
        return {Channel.EMAIL: mail, Channel.WHATSAPP: chat}

    def put(self, *orders: Order) -> None:
        """Store orders as they are, with the slots that they hold."""
        for each in orders:
            self.orders.transact(each.id, partial(_as_it_is, stored=each), each.day_keys)

    def order(self, order_id: str = order().id) -> Order:
        found = self.orders.get(order_id)
        assert found is not None
        return found

    def bookings(self, *keys: DayKey) -> set[Booking]:
        """Return what is booked on these days, by default the sample order's."""
        found: set[Booking] = set()

        def look(current: Order | None, days: Days) -> Change:
            found.update(booking for day in days.values() for booking in day.bookings)
            return Change(order=current or order())

        # Looked at through an order that is there already, so that nothing is written.
        some = next(iter(self.orders.scan()))
        self.orders.transact(some.id, look, keys or order().day_keys)
        return found

    @property
    def payable(self) -> list[str]:
        """The ids of the invoices that somebody could pay."""
        return [i.id for i in self.invoices.all if i.status is InvoiceStatus.PENDING]

    @property
    def said(self) -> list[Event]:
        """The different events that were published, however often each."""
        return list(dict.fromkeys(self.events.events))

    @property
    def mails(self) -> dict[str, int]:
        """How often each message was sent."""
        return dict(Counter(mail.key for mail in self.mailer.sent))

    @property
    def chats(self) -> dict[str, int]:
        """How often each message went over WhatsApp."""
        return dict(Counter(message.key for message in self.messenger.sent))

    def delivery(self, notification: Notification) -> Delivery:
        found = self.deliveries.get(notification.key)
        assert found is not None
        return found


def paid(**scheduler: Any) -> Chain:
    """Return a world where the sample order is paid, and a calendar with these troubles."""
    chain = Chain(meetings=FakeMeetingScheduler(**scheduler))
    chain.put(paid_order())
    return chain


def scheduled(generation: int = 0) -> MeetingScheduled:
    """Return what is said once the sample order's event has its room."""
    own = event_id(paid_order(event_generation=generation))
    return MeetingScheduled(
        order_id=order().id,
        event_id=own,
        meet_url=f"https://meet.google.com/{own[:10]}",
        session=session(),
    )


def redeliver(clock: FakeClock, handle: Callable[[], object]) -> None:
    """Call until it succeeds, as Pub/Sub does, after the wait that is asked for."""
    for _ in range(_REDELIVERIES):
        try:
            handle()
        except RetryableError as error:
            clock.sleep(error.retry_after or 10)
        else:
            return
    raise AssertionError("it never succeeds")


def keys(*kinds: str) -> dict[str, int]:
    """Return the sample order's messages, like ``invoice_ready:mentee``, each sent once."""
    return {f"{order().id}:{kind}:email": 1 for kind in kinds}


def crash_points(calls: Iterable[str]) -> list[tuple[int, bool]]:
    """Return every place to crash: before and after each of the calls."""
    return [(at, after) for at, _ in enumerate(calls, 1) for after in (False, True)]


def _wrapper(crash: Crash | None) -> Callable[[Any], Any]:
    return (lambda port: port) if crash is None else (lambda port: _Watched(port, crash))


def _as_it_is(_current: Order | None, days: Days, *, stored: Order) -> Change:
    held = stored.day_keys if stored.status in HOLDS_SLOT else ()
    return Change(order=stored, days=tuple(days[k].with_booking(stored.booking) for k in held))
