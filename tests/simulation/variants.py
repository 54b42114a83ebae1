"""The deployed code with one guard taken out: what the simulation must notice.

Each variant is made anew for each world, since some remember what they did.
"""

import dataclasses
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import msgspec

from functions.create_invoice.use_case import CreateInvoice
from functions.payment_callback.use_case import HandleCallback, InvoiceCallback
from functions.reconcile_orders.use_case import ReconcileOrders, Tick
from functions.send_notification.use_case import SendNotification
from shared.domain.billing import attach_invoice
from shared.domain.events import Event
from shared.domain.invoice import Invoice, InvoiceStatus
from shared.domain.meetings import CalendarEvent, MeetingRequest
from shared.domain.notifications import Delivery, Notification, mark_sent, reclaim
from shared.domain.order import Change, Order, OrderInvoice, Status
from shared.domain.placement import existing
from shared.domain.schedule import DayKey, Days, MentorDay
from shared.ports import Decide
from tests.simulation.steps import Deploy, Ports, Settings, Steps, deploy

S = TypeVar("S")


class _Wrapped:
    """A port with some methods of its own."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, method: str) -> Any:
        return getattr(self._port, method)


def _as(variant: type[S], step: Any) -> S:
    return variant(**{f.name: getattr(step, f.name) for f in dataclasses.fields(step)})


class _BlindSlots(_Wrapped):
    def transact(self, order_id: str, decide: Decide, days: Collection[DayKey] = ()) -> Any:
        def blind(current: Order | None, found: Days) -> Change:
            return decide(current, {key: MentorDay(key=key) for key in found})

        return self._port.transact(order_id, blind, days)


def without_slot_check() -> Deploy:
    """Show decisions no bookings of others."""
    return lambda ports, settings: deploy(
        dataclasses.replace(ports, orders=_BlindSlots(ports.orders)), settings
    )


def _with(change: Callable[[Steps], Mapping[str, Any]]) -> Deploy:
    def build(ports: Ports, settings: Settings) -> Steps:
        steps = deploy(ports, settings)
        return dataclasses.replace(steps, **change(steps))

    return build


def without_claim() -> Deploy:
    """Let two deliveries make an order's invoice at once."""
    return _with(
        lambda s: {"create_invoice": dataclasses.replace(s.create_invoice, claim=timedelta(0))}
    )


class _NeverLooks(CreateInvoice):
    def _made_before(self, order: Order) -> Invoice | None:
        return None


def without_find_before_create() -> Deploy:
    """Let a retry not look for the invoice of the try before."""
    return _with(lambda s: {"create_invoice": _as(_NeverLooks, s.create_invoice)})


def _attach_latest(current: Order | None, days: Days, *, invoice: Invoice, now: datetime) -> Change:
    order = existing(current)
    if order.status is not Status.INVOICED:
        return attach_invoice(current, days, invoice=invoice, now=now)
    shown = OrderInvoice(id=invoice.id, url=invoice.url, expires_at=invoice.expires_at)
    return Change(order=msgspec.structs.replace(order, invoice=shown))


class _LatestWins(CreateInvoice):
    def _record(self, order: Order, invoice: Invoice) -> Order:
        attach = partial(_attach_latest, invoice=invoice, now=self.clock.now())
        return self.orders.transact(order.id, attach)


def without_first_invoice_wins() -> Deploy:
    """Let an invoice that comes later take the place of the one that is shown."""
    return _with(lambda s: {"create_invoice": _as(_LatestWins, s.create_invoice)})


class _Trusting(HandleCallback):
    def _read_back(self, order: Order, callback: InvoiceCallback) -> Sequence[Invoice]:
        told = super()._read_back(order, callback)
        if callback.status != "PAID":
            return told
        return [msgspec.structs.replace(i, status=InvoiceStatus.PAID) for i in told]


def without_read_back() -> Deploy:
    """Believe a webhook."""
    return _with(lambda s: {"handle_callback": _as(_Trusting, s.handle_callback)})


class _GenerousInvoices(_Wrapped):
    def get(self, invoice_id: str) -> Invoice | None:
        invoice = self._port.get(invoice_id)
        return None if invoice is None else self._in_full(invoice)

    def find(self, order_id: str) -> Sequence[Invoice]:
        return [self._in_full(invoice) for invoice in self._port.find(order_id)]

    def _in_full(self, invoice: Invoice) -> Invoice:
        return msgspec.structs.replace(invoice, paid_amount=invoice.amount)


def without_amount_check() -> Deploy:
    """Take whatever was paid for the price."""
    return lambda ports, settings: deploy(
        dataclasses.replace(ports, invoices=_GenerousInvoices(ports.invoices)), settings
    )


class _RandomEventIds(_Wrapped):
    """Asks for another event each time, and remembers which one stands for which order."""

    def __init__(self, port: Any, made: dict[str, str], numbers: "itertools.count[int]") -> None:
        super().__init__(port)
        self._made = made
        self._numbers = numbers

    def ensure(self, request: MeetingRequest) -> CalendarEvent:
        actual = f"{request.event_id}{next(self._numbers):04}"
        event: CalendarEvent = self._port.ensure(msgspec.structs.replace(request, event_id=actual))
        self._made[request.event_id] = actual
        return msgspec.structs.replace(event, event_id=request.event_id)

    def get(self, event_id: str) -> CalendarEvent | None:
        event: CalendarEvent | None = self._port.get(self._made.get(event_id, event_id))
        return event and msgspec.structs.replace(event, event_id=event_id)


def without_idempotent_event_id() -> Deploy:
    """Let each try to make a meeting make an event of its own."""
    made: dict[str, str] = {}
    numbers = itertools.count()

    def build(ports: Ports, settings: Settings) -> Steps:
        meetings = _RandomEventIds(ports.meetings, made, numbers)
        return deploy(dataclasses.replace(ports, meetings=meetings), settings)

    return build


class _LastDraftWins(SendNotification):
    def _claim_new(self, notification: Notification, order: Order) -> Delivery:
        reader = self._reader(notification, order)
        mail = self.renderer.render(notification, order, reader, self.clock.now())
        own = Delivery(key=notification.key, order_id=order.id, draft_id=self.mailer.draft(mail))
        return self.deliveries.transact(notification.key, lambda _current: own)


def without_message_claim() -> Deploy:
    """Let two deliveries of one message each send their own draft."""
    return _with(lambda s: {"send_notification": _as(_LastDraftWins, s.send_notification)})


class _SendsUnrecorded(SendNotification):
    def _send(self, notification: Notification, order: Order, known: Delivery | None) -> None:
        key, now = notification.key, self.clock.now()
        empty = Delivery(key=key, order_id=order.id)
        claimed = self.deliveries.transact(
            key, lambda current: reclaim(current or empty, claim=self.claim, now=now)
        )
        if claimed.settled:
            return
        reader = self._reader(notification, order)
        mail = self.renderer.render(notification, order, reader, now)
        self.mailer.send(self.mailer.draft(mail), mail)
        self.deliveries.transact(key, partial(mark_sent, now=self.clock.now()))


def without_draft_record() -> Deploy:
    """Claim a message, but do not record its draft before it is sent."""
    return _with(lambda s: {"send_notification": _as(_SendsUnrecorded, s.send_notification)})


class _SaysOnce(_Wrapped):
    def __init__(self, port: Any, said: set[str]) -> None:
        super().__init__(port)
        self._said = said

    def publish(self, *events: Event) -> None:
        unsaid = [event for event in events if event.id not in self._said]
        self._said.update(event.id for event in unsaid)
        self._port.publish(*unsaid)


def without_re_emission() -> Deploy:
    """Publish a fact once, in the step that brought it about, and never again."""
    said: set[str] = set()

    def build(ports: Ports, settings: Settings) -> Steps:
        return deploy(dataclasses.replace(ports, events=_SaysOnce(ports.events, said)), settings)

    return build


class _SeesNothingDue(ReconcileOrders):
    def __call__(self, now: datetime) -> Tick:
        return Tick()


def without_timers() -> Deploy:
    """Let nobody look at an order because its time has come."""
    return _with(lambda s: {"reconcile_orders": _as(_SeesNothingDue, s.reconcile_orders)})
