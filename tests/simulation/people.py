"""Those who are not machines: the web app's customers, and people with a calendar in their hands."""

import random
from datetime import datetime, timedelta

import msgspec

from shared import messages
from shared.domain.events import OrderCreated
from shared.domain.invoice import Invoice
from shared.domain.meetings import MeetingRequest
from shared.domain.money import Money
from shared.domain.notifications import Kind
from shared.domain.people import Person
from shared.domain.schedule import Session
from tests.simulation.courier import Courier
from tests.simulation.faults import Fault, Weather
from tests.simulation.kernel import Kernel
from tests.simulation.pubsub import Queue
from tests.simulation.trace import Trace
from tests.simulation.vendors import SimulatedCalendar, SimulatedRefunds, SimulatedXendit

MENTORS = (
    Person(
        id="m-1",
        name="Mentor 1",
        email="m1@example.com",
        phone="+628110000001",
        time_zone="Asia/Makassar",
    ),
    Person(id="m-2", name="Mentor 2", email="m2@example.com", time_zone="Asia/Makassar"),
)
TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"
NEVER_PAYS = 0.15
PAYS_AT_THE_END = 0.15
# With a virtual account, say: Xendit gives no such payment back.
PAYS_UNREFUNDABLY = 0.3
HAS_PHONE = 0.7


class People:
    """Plans what people do; all of it is decided by ``chance``."""

    def __init__(
        self, kernel: Kernel, weather: Weather, chance: random.Random, trace: Trace
    ) -> None:
        self.published: set[str] = set()
        self.last_session = kernel.now
        self._kernel = kernel
        self._weather = weather
        self._chance = chance
        self._trace = trace
        self._xendit: SimulatedXendit
        self._refunds: SimulatedRefunds
        self._calendar: SimulatedCalendar
        self._courier: Courier
        self._queue: Queue

    def meet(
        self,
        xendit: SimulatedXendit,
        refunds: SimulatedRefunds,
        calendar: SimulatedCalendar,
        courier: Courier,
        queue: Queue,
    ) -> None:
        """Get to know the world."""
        self._xendit, self._refunds, self._calendar = xendit, refunds, calendar
        self._courier, self._queue = courier, queue

    def plan_orders(self, count: int) -> None:
        """Let customers order at random times, often the same slots."""
        for number in range(1, count + 1):
            at = self._kernel.now + timedelta(hours=self._chance.choice((0, 0, 0.1, 1, 26)))
            self._order(number, at + timedelta(seconds=self._chance.randrange(60)))

    def _order(self, number: int, at: datetime) -> None:
        slot = self._chance.choice(
            (0.5, 1.05, 1.05, 1.3, 3, 3, 3.5, 26, 26, 26.5, 28, 50, 50, 50.5)
        )
        starts_at = self._kernel.now + timedelta(hours=slot, minutes=5)
        self.last_session = max(self.last_session, starts_at)
        mentee = Person(
            id=f"u-{number}",
            name=f"Mentee {number}",
            email=f"u{number}@example.com",
            phone=f"+62812000000{number}" if self._chance.random() < HAS_PHONE else None,
            locale=self._chance.choice(("id", "en")),
        )
        order = OrderCreated(
            order_id=f"NUS-{number}",
            created_at=at,
            subject="Portfolio review",
            mentee=mentee,
            mentor=self._chance.choice(MENTORS[: self._chance.choice((1, 1, 2))]),
            session=Session(starts_at=starts_at, duration_minutes=60),
            price=Money(amount=250_000 + number, currency="IDR"),
        )
        self._kernel.at(at, lambda: self._publish(order))
        if self._weather.strikes(Fault.PUBLISHED_TWICE, 0.2):
            again = at + timedelta(seconds=self._chance.choice((0, 1, 90, 4000)))
            self._kernel.at(again, lambda: self._again(Fault.PUBLISHED_TWICE, order))
        if self._weather.strikes(Fault.ID_REUSED, 0.06):
            other = msgspec.structs.replace(order, subject="Another review")
            self._kernel.at(at + timedelta(minutes=3), lambda: self._again(Fault.ID_REUSED, other))

    def _again(self, fault: Fault, order: OrderCreated) -> None:
        self._weather.fire(fault)
        self._publish(order)

    def _publish(self, order: OrderCreated) -> None:
        self.published.add(order.order_id)
        self._trace.note(f"web app publishes {order.order_id}", order.mentor.id)
        plain = self._chance.random() < 0.7
        attributes = (
            {}
            if plain
            else messages.attributes(order, traceparent=TRACEPARENT, at=self._kernel.now)
        )
        self._queue.publish(order.topic, messages.encode(order), attributes)

    def invoice_exists(self, invoice: Invoice) -> None:
        """Xendit made an invoice: it may expire, be paid at once, or draw a forger."""
        if self._chance.random() < 0.7:  # the webhook of an expired invoice is an option
            self._kernel.at(invoice.expires_at, lambda: self._tell_expired(invoice))
        if self._weather.strikes(Fault.WEBHOOK_BEFORE_RECORD, 0.15):
            soon = self._chance.uniform(0.0, 0.5)
            self._kernel.after(soon, lambda: self._pay_early(invoice))
        if self._weather.strikes(Fault.WEBHOOK_FORGED, 0.2):
            wait = self._chance.choice((0.5, 60.0, 7200.0))
            self._kernel.after(wait, lambda: self._forge(invoice))

    def _tell_expired(self, invoice: Invoice) -> None:
        if self._stands(invoice).status == "expired":
            self._courier.send(invoice, "EXPIRED")

    def _pay_early(self, invoice: Invoice) -> None:
        self._weather.fire(Fault.WEBHOOK_BEFORE_RECORD)
        self._pay(invoice)

    def _forge(self, invoice: Invoice) -> None:
        if self._stands(invoice).status != "paid":
            self._courier.forge(invoice)

    def message_arrives(self, key: str, text: str) -> None:
        """Read a message; a mentee who is shown an invoice makes up his mind about it."""
        if f":{Kind.INVOICE_READY}:" not in key:
            return
        shown = text.split()
        invoice = next(i for i in self._xendit.books if i.url in shown)
        mood = self._chance.random()
        if self._weather.strikes(Fault.PAID_LATE, 0.2):
            late = timedelta(hours=self._chance.uniform(0.01, 23.5))
            self._kernel.at(invoice.expires_at + late, lambda: self._pay(invoice))
        elif mood < PAYS_AT_THE_END:
            last = timedelta(seconds=self._chance.uniform(0.0, 60.0))
            self._kernel.at(invoice.expires_at - last, lambda: self._pay(invoice))
        elif mood < 1.0 - NEVER_PAYS:
            wait = self._chance.choice((30.0, 600.0, 3600.0, 20000.0))
            self._kernel.after(self._chance.random() * wait, lambda: self._pay(invoice))

    def _pay(self, invoice: Invoice) -> None:
        amount = invoice.amount
        if self._weather.strikes(Fault.PAID_WRONG, 0.12):
            amount -= 1
        hidden = timedelta()
        if self._weather.strikes(Fault.WEBHOOK_BEFORE_API, 0.2):
            hidden = timedelta(seconds=self._chance.choice((3.0, 60.0, 1200.0)))
        late = self._stands(invoice).status == "expired"
        if not self._xendit.receive(invoice.id, amount, hidden):
            return
        if self._chance.random() < PAYS_UNREFUNDABLY:
            self._refunds.unrefundable.add(invoice.id)
        self._trace.note(f"mentee pays {invoice.id}", f"{amount}{' late' if late else ''}")
        for fault, happened in (
            (Fault.PAID_WRONG, amount != invoice.amount),
            (Fault.WEBHOOK_BEFORE_API, bool(hidden)),
            (Fault.PAID_LATE, late),
        ):
            if happened:
                self._weather.fire(fault)
        self._courier.send(invoice, self._chance.choice(("PAID", "PAID", "SETTLED")))

    def meeting_exists(self, request: MeetingRequest) -> None:
        """Somebody may delete the event: at once, or some time before the session is over."""
        span = (request.session.ends_at - self._kernel.now).total_seconds()
        if span > 0 and self._weather.strikes(Fault.EVENT_DELETED, 0.1):
            wait = min(span, self._chance.choice((0.5, 5.0, span * self._chance.random())))
            self._kernel.after(wait, lambda: self._delete(request.event_id))

    def _delete(self, event_id: str) -> None:
        ends_at = self._calendar.requests[event_id].session.ends_at  # moved, perhaps
        if self._calendar.is_live(event_id) and self._kernel.now < ends_at:
            self._trace.note(f"somebody deletes event {event_id[:6]}")
            self._weather.fire(Fault.EVENT_DELETED)
            self._calendar.delete(event_id)

    def _stands(self, invoice: Invoice) -> Invoice:
        return next(i for i in self._xendit.books if i.id == invoice.id)
