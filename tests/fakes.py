"""In-memory implementations of the ports that behave as the real ones do, failures included.

Each fake's ``faults`` makes a coming call fail, before or after it has taken effect.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from shared import messages, tracing
from shared.adapters.whatsapp import refuse_unsendable
from shared.domain.availability import Availability
from shared.domain.events import Event
from shared.domain.invoice import Invoice, InvoiceStatus
from shared.domain.meetings import CalendarEvent, MeetingRequest, RoomStatus
from shared.domain.notifications import Delivery, Mail, TemplateMessage
from shared.domain.order import Order
from shared.domain.refund import Refund, RefundRequest, RefundStatus
from shared.domain.schedule import DayKey, MentorDay, Period
from shared.errors import NotDoneError, NotRefundableError, PermanentError, RetryableError
from shared.ports import Clock, Decide, DecideDelivery, InvoiceRequest, RejectedMessage
from tests.builders import NOW


class FakeClock:
    """Stands still until it is told to move; sleeping moves it."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.advance(timedelta(seconds=seconds))

    def advance(self, step: timedelta) -> datetime:
        self._now += step
        return self._now


class Faults:
    """Errors to raise at coming calls, by the method's name, each once."""

    def __init__(self) -> None:
        self._before: dict[str, deque[Exception]] = defaultdict(deque)
        self._after: dict[str, deque[Exception]] = defaultdict(deque)

    def before(self, method: str, *errors: Exception) -> None:
        """Fail the next calls without effect."""
        self._before[method].extend(errors)

    def after(self, method: str, *errors: Exception) -> None:
        """Let the next calls take effect and lose their answers."""
        self._after[method].extend(errors)

    def entering(self, method: str) -> None:
        if self._before[method]:
            raise self._before[method].popleft()

    def leaving(self, method: str) -> None:
        if self._after[method]:
            raise self._after[method].popleft()


class _Versioned:
    """Records with versions, committed together if nobody else wrote in between.

    ``guarded=False`` switches that check off: the negative control of the concurrency tests.
    """

    def __init__(self, *, guarded: bool) -> None:
        self._guarded = guarded
        self._lock = threading.Lock()
        self._records: dict[Hashable, Any] = {}
        self._versions: dict[Hashable, int] = defaultdict(int)
        self.writes = 0

    def read(self, keys: Collection[Hashable]) -> tuple[list[Any], Mapping[Hashable, int]]:
        with self._lock:
            found = [self._records.get(key) for key in keys]
            return found, {key: self._versions[key] for key in keys}

    def commit(self, seen: Mapping[Hashable, int], records: Mapping[Hashable, Any]) -> bool:
        with self._lock:
            if self._guarded and any(self._versions[key] != seen[key] for key in seen):
                return False
            for key, record in records.items():
                self._records[key] = record
                self._versions[key] += 1
                self.writes += 1
            return True

    def all(self) -> list[Any]:
        with self._lock:
            return list(self._records.values())


class FakeOrderStore:
    """OrderStore in memory. ``writes`` counts the records that were written."""

    def __init__(self, *, guarded: bool = True) -> None:
        self.faults = Faults()
        self._records = _Versioned(guarded=guarded)

    @property
    def writes(self) -> int:
        return self._records.writes

    def get(self, order_id: str) -> Order | None:
        self.faults.entering("get")
        (order,), _ = self._records.read([order_id])
        return order  # type: ignore[no-any-return]

    def transact(self, order_id: str, decide: Decide, days: Collection[DayKey] = ()) -> Order:
        self.faults.entering("transact")
        while True:
            (current, *stored), seen = self._records.read([order_id, *days])
            known = {k: d or MentorDay(key=k) for k, d in zip(days, stored, strict=True)}
            change = decide(current, known)
            changed: dict[Hashable, Any] = {d.key: d for d in change.days if d != known[d.key]}
            if change.order != current:
                changed[order_id] = change.order
            if self._records.commit(seen, changed):
                self.faults.leaving("transact")
                return change.order

    def days(self, keys: Collection[DayKey]) -> Sequence[MentorDay]:
        self.faults.entering("days")
        stored, _ = self._records.read(list(keys))
        return [day or MentorDay(key=key) for key, day in zip(keys, stored, strict=True)]

    def due_for_reminder(self, now: datetime, limit: int) -> Sequence[Order]:
        due = [o for o in self.scan() if o.next_reminder_at and o.next_reminder_at <= now]
        return sorted(due, key=lambda o: o.next_reminder_at or now)[:limit]

    def due_for_check(self, now: datetime, limit: int) -> Sequence[Order]:
        due = [o for o in self.scan() if o.check_at and o.check_at <= now]
        return sorted(due, key=lambda o: o.check_at or now)[:limit]

    def changed_since(self, since: datetime, limit: int) -> Sequence[Order]:
        changed = [o for o in self.scan() if o.changed_at >= since]
        return sorted(changed, key=lambda o: o.changed_at)[:limit]

    def waiting_for_admin(self, limit: int) -> Sequence[Order]:
        return [o for o in self.scan() if o.waits_for_admin][:limit]

    def scan(self) -> Iterator[Order]:
        orders = [record for record in self._records.all() if isinstance(record, Order)]
        yield from sorted(orders, key=lambda order: order.id)


class FakeDeliveryStore:
    """DeliveryStore in memory."""

    def __init__(self, *, guarded: bool = True) -> None:
        self.faults = Faults()
        self._records = _Versioned(guarded=guarded)

    @property
    def writes(self) -> int:
        return self._records.writes

    def get(self, key: str) -> Delivery | None:
        self.faults.entering("get")
        (delivery,), _ = self._records.read([key])
        return delivery  # type: ignore[no-any-return]

    def transact(self, key: str, decide: DecideDelivery) -> Delivery:
        self.faults.entering("transact")
        while True:
            (current,), seen = self._records.read([key])
            delivery = decide(current)
            if self._records.commit(seen, {key: delivery} if delivery != current else {}):
                self.faults.leaving("transact")
                return delivery


class FakeRejectedStore:
    """RejectedStore in memory."""

    def __init__(self) -> None:
        self.faults = Faults()
        self._messages: dict[str, RejectedMessage] = {}

    def keep(self, message: RejectedMessage) -> None:
        self.faults.entering("keep")
        self._messages[message.id] = message

    def get(self, message_id: str) -> RejectedMessage | None:
        return self._messages.get(message_id)

    def list(self, limit: int = 100) -> Sequence[RejectedMessage]:
        latest = sorted(self._messages.values(), key=lambda m: m.received_at, reverse=True)
        return latest[:limit]


class FakeAvailabilityStore:
    """AvailabilityStore in memory."""

    def __init__(self) -> None:
        self.faults = Faults()
        self._records: dict[str, Availability] = {}

    def get(self, mentor_id: str) -> Availability | None:
        self.faults.entering("get")
        return self._records.get(mentor_id)

    def put(self, availability: Availability) -> None:
        self.faults.entering("put")
        self._records[availability.mentor_id] = availability


class PublishedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What went to a topic, as on the wire."""

    topic: str
    data: bytes
    attributes: dict[str, str]


class FakePublisher:
    """EventPublisher that records: ``events`` as they were given, ``messages`` as on the wire."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.faults = Faults()
        self.events: list[Event] = []
        self.messages: list[PublishedMessage] = []
        self._clock = clock or FakeClock()

    def publish(self, *events: Event) -> None:
        self.faults.entering("publish")
        now = self._clock.now()
        with tracing.publishing(events) as traces:
            for event, trace in zip(events, traces, strict=True):
                self.events.append(event)
                attributes = messages.attributes(event, traceparent=trace, at=now)
                self.publish_raw(event.topic, messages.encode(event), attributes)
        self.faults.leaving("publish")

    def publish_raw(self, topic: str, data: bytes, attributes: dict[str, str]) -> None:
        self.messages.append(PublishedMessage(topic=topic, data=data, attributes=attributes))


class FakeInvoiceGateway:
    """InvoiceGateway in memory. Unpaid invoices expire as its clock passes their time."""

    def __init__(self, clock: Clock) -> None:
        self.budget_left = 1.0
        self.faults = Faults()
        self._clock = clock
        self._invoices: dict[str, Invoice] = {}

    @property
    def all(self) -> Sequence[Invoice]:
        """All invoices as they stand, oldest first."""
        return [self._now(invoice) for invoice in self._invoices.values()]

    def create(self, request: InvoiceRequest) -> Invoice:
        self.faults.entering("create")
        number = f"inv-{len(self._invoices) + 1}"
        invoice = Invoice(
            id=number,
            order_id=request.order.id,
            status=InvoiceStatus.PENDING,
            url=f"https://checkout.example.com/{number}",
            amount=request.order.price.amount,
            currency=request.order.price.currency,
            expires_at=self._clock.now() + timedelta(seconds=request.duration_s),
        )
        self._invoices[number] = invoice
        self.faults.leaving("create")
        return invoice

    def get(self, invoice_id: str) -> Invoice | None:
        self.faults.entering("get")
        invoice = self._invoices.get(invoice_id)
        return None if invoice is None else self._now(invoice)

    def find(self, order_id: str) -> Sequence[Invoice]:
        self.faults.entering("find")
        return [invoice for invoice in self.all if invoice.order_id == order_id]

    def budget(self) -> float:
        """See InvoiceGateway."""
        return self.budget_left

    def expire(self, invoice_id: str) -> None:
        self.faults.entering("expire")
        invoice = self._now(self._known(invoice_id))
        if invoice.status is InvoiceStatus.PENDING:
            self._change(invoice, status=InvoiceStatus.EXPIRED)
        self.faults.leaving("expire")

    def pay(self, invoice_id: str, amount: int | None = None) -> Invoice:
        """Pay as the mentee would: ``amount`` in whole rupiah, by default what is asked for."""
        invoice = self._now(self._known(invoice_id))
        assert invoice.status is InvoiceStatus.PENDING, invoice.status
        return self._change(
            invoice,
            status=InvoiceStatus.PAID,
            paid_amount=invoice.amount if amount is None else amount,
            paid_at=self._clock.now(),
            payment_method="BANK_TRANSFER",
            payment_channel="BCA",
        )

    def _known(self, invoice_id: str) -> Invoice:
        if invoice_id not in self._invoices:
            raise PermanentError(f"there is no invoice {invoice_id}")
        return self._invoices[invoice_id]

    def _change(self, invoice: Invoice, **changes: Any) -> Invoice:
        self._invoices[invoice.id] = msgspec.structs.replace(invoice, **changes)
        return self._invoices[invoice.id]

    def _now(self, invoice: Invoice) -> Invoice:
        over = self._clock.now() >= invoice.expires_at
        if invoice.status is InvoiceStatus.PENDING and over:
            return msgspec.structs.replace(invoice, status=InvoiceStatus.EXPIRED)
        return invoice


class FakeRefundGateway:
    """RefundGateway in memory, for the invoices of a FakeInvoiceGateway.

    A refund stays pending until ``finish``. ``unrefundable`` holds the ids of invoices that were
    paid in a way that takes no refunds; while ``no_balance``, there is no money to give back.
    """

    def __init__(self, invoices: FakeInvoiceGateway) -> None:
        self.faults = Faults()
        self.unrefundable: set[str] = set()
        self.no_balance = False
        self._invoices = invoices
        self._asked: dict[str, tuple[RefundRequest, Refund]] = {}
        self._refunds: dict[str, Refund] = {}

    @property
    def all(self) -> Sequence[Refund]:
        """All refunds as they stand, oldest first."""
        return list(self._refunds.values())

    def refund(self, request: RefundRequest) -> Refund:
        self.faults.entering("refund")
        if request.key not in self._asked:
            self._check(request)
            refund = Refund(
                id=f"rfd-{len(self._refunds) + 1}",
                invoice_id=request.invoice_id,
                status=RefundStatus.PENDING,
                amount=request.amount,
                currency=request.currency,
            )
            self._asked[request.key] = request, refund
            self._refunds[refund.id] = refund
        known, refund = self._asked[request.key]
        if known != request:
            raise PermanentError(f"key {request.key} was used with another request")
        self.faults.leaving("refund")
        return refund

    def get(self, refund_id: str) -> Refund | None:
        self.faults.entering("get")
        return self._refunds.get(refund_id)

    def finish(self, refund_id: str, status: RefundStatus, failure: str | None = None) -> Refund:
        """End a pending refund as the provider would."""
        refund = self._refunds[refund_id]
        assert refund.status is RefundStatus.PENDING, refund.status
        over = msgspec.structs.replace(refund, status=status, failure=failure)
        self._refunds[refund_id] = over
        return over

    def _check(self, request: RefundRequest) -> None:
        invoice = next((i for i in self._invoices.all if i.id == request.invoice_id), None)
        if invoice is None or invoice.status is not InvoiceStatus.PAID:
            raise PermanentError(f"invoice {request.invoice_id} is not there or not paid")
        if invoice.id in self.unrefundable:
            raise NotRefundableError(f"what paid {invoice.id} takes no refunds")
        others = [r for r in self.all if r.invoice_id == invoice.id]
        if any(other.status is RefundStatus.PENDING for other in others):
            raise RetryableError("another refund is pending")
        back = sum(r.amount for r in others if r.status is RefundStatus.SUCCEEDED)
        if request.amount > (invoice.paid_amount or 0) - back:
            raise PermanentError("more than what is left")
        if self.no_balance:
            raise NotDoneError("the balance is too small", retry_after=3600)


class FakeMeetingScheduler:
    """MeetingScheduler in memory.

    A new room is pending for the first ``pending_reads`` answers about it, then ready, or failed
    for the next ``failing_rooms`` rooms that are asked for. The same room request again changes
    nothing. A deleted event's id stays taken.
    """

    def __init__(self, *, pending_reads: int = 0, failing_rooms: int = 0) -> None:
        self.faults = Faults()
        self.pending_reads = pending_reads
        self.failing_rooms = failing_rooms
        self.requests: dict[str, MeetingRequest] = {}
        self._events: dict[str, CalendarEvent] = {}
        self._reads_left: dict[str, int] = {}
        self._outcome: dict[str, RoomStatus] = {}
        self._lock = threading.RLock()

    @property
    def live(self) -> Sequence[CalendarEvent]:
        """The events that are in the calendar and not cancelled."""
        return [event for event in self._events.values() if not event.cancelled]

    def ensure(self, request: MeetingRequest) -> CalendarEvent:
        self.faults.entering("ensure")
        with self._lock:
            event = self._events.get(request.event_id)
            if event is None or self._asks_anew(event, request):
                self._request_room(request)
            elif event.revision < request.revision and not event.cancelled:
                self._move(event, request)
        self.faults.leaving("ensure")
        return self._read(request.event_id)

    def get(self, event_id: str) -> CalendarEvent | None:
        self.faults.entering("get")
        return self._read(event_id) if event_id in self._events else None

    def cancel(self, event_id: str) -> None:
        self.faults.entering("cancel")
        with self._lock:
            if event_id in self._events:
                self.delete(event_id)
        self.faults.leaving("cancel")

    def delete(self, event_id: str) -> None:
        """Delete the event as a person in the calendar would."""
        self._events[event_id] = msgspec.structs.replace(self._events[event_id], cancelled=True)

    def _asks_anew(self, event: CalendarEvent, request: MeetingRequest) -> bool:
        if event.cancelled or event.room is RoomStatus.READY or event.revision > request.revision:
            return False
        return self.requests[event.event_id].room_request_id != request.room_request_id

    def _move(self, event: CalendarEvent, request: MeetingRequest) -> None:
        self.requests[request.event_id] = request
        self._events[request.event_id] = msgspec.structs.replace(
            event, starts_at=request.session.starts_at, revision=request.revision
        )

    def _request_room(self, request: MeetingRequest) -> None:
        fails = self.failing_rooms > 0
        self.failing_rooms -= fails
        self.requests[request.event_id] = request
        self._reads_left[request.event_id] = self.pending_reads
        self._outcome[request.event_id] = RoomStatus.FAILED if fails else RoomStatus.READY
        self._events[request.event_id] = CalendarEvent(
            event_id=request.event_id,
            cancelled=False,
            room=RoomStatus.PENDING,
            starts_at=request.session.starts_at,
            revision=request.revision,
        )

    def _read(self, event_id: str) -> CalendarEvent:
        with self._lock:
            event = self._events[event_id]
            if event.room is RoomStatus.PENDING and not event.cancelled:
                if self._reads_left[event_id] > 0:
                    self._reads_left[event_id] -= 1
                    return event
                self._events[event_id] = event = self._settled(event)
            return event

    def _settled(self, event: CalendarEvent) -> CalendarEvent:
        room = self._outcome[event.event_id]
        url = f"https://meet.google.com/{event.event_id[:10]}" if room is RoomStatus.READY else None
        return msgspec.structs.replace(event, room=room, meet_url=url)


class FakeBusyCalendars:
    """BusyCalendars in memory: ``times`` by address; who is not in it shares nothing."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.times: dict[str, list[Period]] = {}

    def busy(self, email: str, begin: datetime, end: datetime) -> Sequence[Period]:
        self.faults.entering("busy")
        asked = Period(starts_at=begin, ends_at=end)
        return [period for period in self.times.get(email, ()) if period.overlaps(asked)]


class FakeMailer:
    """Mailer in memory: ``drafts`` by id, and ``sent`` in order."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.drafts: dict[str, Mail] = {}
        self.sent: list[Mail] = []
        self._count = 0

    def draft(self, mail: Mail) -> str:
        self.faults.entering("draft")
        self._count += 1
        draft_id = f"draft-{self._count}"
        self.drafts[draft_id] = mail
        self.faults.leaving("draft")
        return draft_id

    def send(self, draft_id: str, mail: Mail) -> None:
        self.faults.entering("send")
        draft = self.drafts.pop(draft_id, None)
        if draft is not None:
            self.sent.append(draft)
        self.faults.leaving("send")

    def discard(self, draft_id: str) -> None:
        self.faults.entering("discard")
        self.drafts.pop(draft_id, None)


class FakeMessenger:
    """Messenger in memory: ``sent`` in order. Like Meta, it sends whatever it is told, again too.

    ``unreachable`` are the numbers that it refuses for good.
    """

    def __init__(self, *unreachable: str) -> None:
        self.faults = Faults()
        self.unreachable = set(unreachable)
        self.sent: list[TemplateMessage] = []

    def send(self, message: TemplateMessage) -> str:
        self.faults.entering("send")
        refuse_unsendable(message)
        if message.to_phone in self.unreachable:
            raise PermanentError("131026 Message undeliverable")
        self.sent.append(message)
        self.faults.leaving("send")
        return f"wamid.{len(self.sent)}"
