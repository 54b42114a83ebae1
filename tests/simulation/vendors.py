"""The vendors of the simulated world: the fakes of their ports, with what happens at them by itself."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from shared.domain.invoice import Invoice, InvoiceStatus
from shared.domain.meetings import MeetingRequest
from shared.domain.notifications import Mail, TemplateMessage
from shared.domain.refund import Refund, RefundRequest
from shared.domain.schedule import Period
from shared.errors import NotDoneError
from shared.ports import Clock, InvoiceRequest
from tests.fakes import (
    FakeBusyCalendars,
    FakeInvoiceGateway,
    FakeMailer,
    FakeMeetingScheduler,
    FakeMessenger,
    FakePublisher,
    FakeRefundGateway,
)
from tests.simulation.faults import Fault, Weather

# A payment that was under way when the invoice expired is confirmed up to this much later.
LATE_PAYMENT = timedelta(hours=24)


class SimulatedXendit(FakeInvoiceGateway):
    """Xendit's books. What its API shows can be behind them."""

    def __init__(self, clock: Clock, on_created: Callable[[Invoice], None]) -> None:
        super().__init__(clock)
        self._on_created = on_created
        self._shown_from: dict[str, datetime] = {}

    def create(self, request: InvoiceRequest) -> Invoice:
        invoice = super().create(request)
        self._on_created(invoice)
        return invoice

    def expire(self, invoice_id: str) -> None:
        if self._known(invoice_id).status is InvoiceStatus.PENDING:
            super().expire(invoice_id)

    @property
    def books(self) -> list[Invoice]:
        """All invoices as they really stand."""
        return [super(SimulatedXendit, self)._now(i) for i in self._invoices.values()]

    def receive(self, invoice_id: str, amount: int, shown_after: timedelta) -> bool:
        """Take a payment if there is one to take; the API shows it only later."""
        invoice, now = self._known(invoice_id), self._clock.now()
        if invoice.status is not InvoiceStatus.PENDING or now > invoice.expires_at + LATE_PAYMENT:
            return False
        self._shown_from[invoice_id] = now + shown_after
        self._change(
            invoice,
            status=InvoiceStatus.PAID,
            paid_amount=amount,
            paid_at=now,
            payment_method="BANK_TRANSFER",
            payment_channel="BCA",
        )
        return True

    def _now(self, invoice: Invoice) -> Invoice:
        if self._clock.now() < self._shown_from.get(invoice.id, self._clock.now()):
            unpaid: dict[str, Any] = {"status": InvoiceStatus.PENDING, "paid_amount": None}
            invoice = msgspec.structs.replace(invoice, paid_at=None, **unpaid)
        return super()._now(invoice)


class SimulatedRefunds(FakeRefundGateway):
    """Xendit's refunds; ``on_started`` is told of each, and what it was asked for with."""

    def __init__(
        self,
        xendit: SimulatedXendit,
        weather: Weather,
        on_started: Callable[[RefundRequest, Refund], None],
    ) -> None:
        super().__init__(xendit)
        self._weather = weather
        self._on_started = on_started
        # By the refund's id.
        self.asked: dict[str, RefundRequest] = {}

    def knows(self, request: RefundRequest) -> bool:
        """Whether this was asked for before."""
        return request.key in self._asked

    def refund(self, request: RefundRequest) -> Refund:
        if not self.knows(request) and self._weather.strikes(Fault.NO_BALANCE, 0.15):
            self._weather.fire(Fault.NO_BALANCE)
            raise NotDoneError(Fault.NO_BALANCE, retry_after=3600)
        refund = super().refund(request)
        if refund.id not in self.asked:
            self.asked[refund.id] = request
            self._on_started(request, refund)
        return refund


class SimulatedCalendar(FakeMeetingScheduler):
    """The calendar; ``on_made`` is told of each new event or room."""

    def __init__(
        self, weather: Weather, chance: random.Random, on_made: Callable[[MeetingRequest], None]
    ) -> None:
        super().__init__()
        self._weather = weather
        self._chance = chance
        self._on_made = on_made

    def _request_room(self, request: MeetingRequest) -> None:
        self.pending_reads = self._chance.randrange(3)
        if self._weather.strikes(Fault.ROOM_SLOW, 0.25):
            self._weather.fire(Fault.ROOM_SLOW)
            self.pending_reads = self._chance.randrange(5, 60)
        if self._weather.strikes(Fault.ROOM_FAILED, 0.25):
            self._weather.fire(Fault.ROOM_FAILED)
            self.failing_rooms = 1
        super()._request_room(request)
        self._on_made(request)

    def is_live(self, event_id: str) -> bool:
        return not self._events[event_id].cancelled

    def meet_url(self, event_id: str) -> str | None:
        return self._events[event_id].meet_url


class SimulatedBusy(FakeBusyCalendars):
    """The shared calendars: what people have noted, and the sessions that they are invited to."""

    def __init__(self, calendar: SimulatedCalendar) -> None:
        super().__init__()
        self._calendar = calendar

    def busy(self, email: str, begin: datetime, end: datetime) -> Sequence[Period]:
        invited = (
            request.session
            for event_id, request in self._calendar.requests.items()
            if email in request.attendees and self._calendar.is_live(event_id)
        )
        asked = Period(starts_at=begin, ends_at=end)
        sessions = [
            Period(starts_at=session.starts_at, ends_at=session.ends_at)
            for session in invited
            if asked.overlaps(session)
        ]
        return [*super().busy(email, begin, end), *sessions]


class SimulatedPhones(FakeMessenger):
    """WhatsApp: ``on_sent`` is told of each message that Meta takes, and Meta's id of it."""

    def __init__(self, on_sent: Callable[[TemplateMessage, str], None]) -> None:
        super().__init__()
        self._on_sent = on_sent

    def send(self, message: TemplateMessage) -> str:
        message_id = super().send(message)
        self._on_sent(message, message_id)
        return message_id


class PlainVault:
    """Vault without a lock: only the words around it tell that something is sealed."""

    def seal(self, text: str) -> str:
        return f"sealed({text})"

    def open(self, sealed: str) -> str:
        return sealed.removeprefix("sealed(").removesuffix(")")


class SimulatedMailbox(FakeMailer):
    """The mailbox; ``on_sent`` is told of each mail that goes out."""

    def __init__(self, on_sent: Callable[[Mail], None]) -> None:
        super().__init__()
        self._on_sent = on_sent

    def send(self, draft_id: str, mail: Mail) -> None:
        draft = self.drafts.get(draft_id)
        super().send(draft_id, mail)
        if draft is not None:
            self._on_sent(draft)


class SimulatedPublisher(FakePublisher):
    """The publisher's side of the simulated Pub/Sub."""

    def __init__(
        self, clock: Clock, publish: Callable[[str, bytes, Mapping[str, str]], None]
    ) -> None:
        super().__init__(clock)
        self._publish = publish

    def publish_raw(self, topic: str, data: bytes, attributes: dict[str, str]) -> None:
        self._publish(topic, data, attributes)
