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

from functions.close_order.use_case import CloseOrder
from functions.create_invoice.use_case import CreateInvoice
from functions.manage_booking.use_case import ManageBooking
from functions.payment_callback.use_case import HandleCallback, InvoiceCallback
from functions.reconcile_orders.use_case import ReconcileOrders, Tick
from functions.send_notification.senders import ChatSender, MailSender
from functions.send_notification.use_case import Sender
from shared.domain.billing import attach_invoice
from shared.domain.deliveries import Delivery, claim_chat, mark_sent, reclaim, unclaim
from shared.domain.events import Event
from shared.domain.invoice import Invoice, InvoiceStatus
from shared.domain.meetings import CalendarEvent, MeetingRequest, note_cleared, note_obsolete
from shared.domain.notifications import Channel, Mail, Notification
from shared.domain.order import Change, Order, OrderInvoice, Status
from shared.domain.placement import existing
from shared.domain.refund import Refund, RefundRequest
from shared.domain.schedule import DayKey, Days, MentorDay
from shared.errors import RetryableError
from shared.links import Link
from shared.mail_once import MailOnce
from shared.ports import Clock, Decide, stored_order
from tests.simulation.steps import Deploy, Ports, Settings, Steps, deploy

S = TypeVar("S")
_LONGER_THAN_A_CLAIM_S = 130.0
_SLOW_CALENDAR_S = 90.0
_LONG_UNDER_WAY_S = 1800.0


class _Wrapped:
    """A port with some methods of its own."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, method: str) -> Any:
        return getattr(self._port, method)


class _Slow(_Wrapped):
    """A vendor that takes its time over one method: what a guard is there for comes sooner."""

    def __init__(self, port: Any, clock: Clock, method: str, seconds: float) -> None:
        super().__init__(port)
        self._clock = clock
        self._method = method
        self._seconds = seconds

    def __getattr__(self, method: str) -> Any:
        if method == self._method:
            self._clock.sleep(self._seconds)
        return super().__getattr__(method)


def _as(variant: type[S], step: Any) -> S:
    return variant(**msgspec.structs.asdict(step))


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
        lambda s: {"create_invoice": msgspec.structs.replace(s.create_invoice, claim=timedelta(0))}
    )


class _NeverLooks(CreateInvoice, frozen=True):
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


class _LatestWins(CreateInvoice, frozen=True):
    def _record(self, order: Order, invoice: Invoice) -> Order:
        attach = partial(_attach_latest, invoice=invoice, now=self.clock.now())
        return self.orders.transact(order.id, attach)


def without_first_invoice_wins() -> Deploy:
    """Let an invoice that comes later take the place of the one that is shown."""
    latest_wins = _with(lambda s: {"create_invoice": _as(_LatestWins, s.create_invoice)})

    def build(ports: Ports, settings: Settings) -> Steps:
        slow = _Slow(ports.invoices, ports.clock, "create", _LONGER_THAN_A_CLAIM_S)
        return latest_wins(dataclasses.replace(ports, invoices=slow), settings)

    return build


class _Trusting(HandleCallback, frozen=True):
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


def _with_sender(channel: Channel, change: Callable[[Any], Sender]) -> Deploy:
    def changed(steps: Steps) -> Mapping[str, Any]:
        told = steps.send_notification
        senders = {c: change(s) if c is channel else s for c, s in told.senders.items()}
        return {"send_notification": msgspec.structs.replace(told, senders=senders)}

    return _with(changed)


def _with_mails(change: Callable[[MailOnce], MailOnce]) -> Deploy:
    def changed(sender: Any) -> Sender:
        assert isinstance(sender, MailSender)
        return msgspec.structs.replace(sender, once=change(sender.once))

    return _with_sender(Channel.EMAIL, changed)


class _LastDraftWins(MailOnce, frozen=True):
    def _claim_new(self, notification: Notification, draft_id: str) -> Delivery:
        own = Delivery(key=notification.key, order_id=notification.order_id, draft_id=draft_id)
        return self.deliveries.transact(notification.key, lambda _current: own)


def without_message_claim() -> Deploy:
    """Let two deliveries of one message each send their own draft."""
    return _with_mails(partial(_as, _LastDraftWins))


class _SendsUnrecorded(MailOnce, frozen=True):
    def send(self, notification: Notification, mail: Mail, _known: Delivery | None) -> None:
        key, now = notification.key, self.clock.now()
        empty = Delivery(key=key, order_id=notification.order_id)
        claimed = self.deliveries.transact(
            key, lambda current: reclaim(current or empty, claim=self.claim, now=now)
        )
        if claimed.settled:
            return
        self.mailer.send(self.mailer.draft(mail), mail)
        self.deliveries.transact(key, partial(mark_sent, now=self.clock.now()))


def without_draft_record() -> Deploy:
    """Claim a message, but do not record its draft before it is sent."""
    return _with_mails(partial(_as, _SendsUnrecorded))


class _SendsAgain(ChatSender, frozen=True):
    def send(self, notification: Notification, order: Order, _known: Delivery | None) -> None:
        message = self.composer.chat(notification, order, self.clock.now())
        claim = partial(
            claim_chat, notification=notification, claim=self.claim, now=self.clock.now()
        )
        claimed = self.deliveries.transact(notification.key, claim)
        if claimed.arrived:
            return
        try:
            self.messenger.send(message)
        except RetryableError:
            self.deliveries.transact(notification.key, unclaim)
            raise
        self.deliveries.transact(notification.key, partial(mark_sent, now=self.clock.now()))


def without_once_at_most() -> Deploy:
    """Send a chat message again of which nobody knows whether it was sent."""
    return _with_sender(Channel.WHATSAPP, partial(_as, _SendsAgain))


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


class _SeesNothingDue(ReconcileOrders, frozen=True):
    def __call__(self, now: datetime) -> Tick:
        return Tick()


def without_timers() -> Deploy:
    """Let nobody look at an order because its time has come."""
    return _with(lambda s: {"reconcile_orders": _as(_SeesNothingDue, s.reconcile_orders)})


class _AnotherKeyEachTime(_Wrapped):
    def __init__(self, port: Any, numbers: "itertools.count[int]") -> None:
        super().__init__(port)
        self._numbers = numbers

    def refund(self, request: RefundRequest) -> Refund:
        key = f"{request.key}-{next(self._numbers)}"
        refund: Refund = self._port.refund(msgspec.structs.replace(request, key=key))
        return refund


def without_refund_key() -> Deploy:
    """Ask for a refund under a new idempotency key each time."""
    numbers = itertools.count()
    return lambda ports, settings: deploy(
        dataclasses.replace(ports, refunds=_AnotherKeyEachTime(ports.refunds, numbers)), settings
    )


class _OnlyNewDays(_Wrapped):
    def transact(self, order_id: str, decide: Decide, days: Collection[DayKey] = ()) -> Any:
        def forgetful(current: Order | None, found: Days) -> Change:
            change = decide(current, found)
            if current is None or change.order.moves == current.moves:
                return change
            kept = tuple(day for day in change.days if day.key in change.order.day_keys)
            return Change(order=change.order, days=kept)

        return self._port.transact(order_id, forgetful, days)


def without_freeing_the_old_day() -> Deploy:
    """Let a move write the day that it moves to, and forget the one before."""
    return lambda ports, settings: deploy(
        dataclasses.replace(ports, orders=_OnlyNewDays(ports.orders)), settings
    )


class _UnbookedMoves(_Wrapped):
    def transact(self, order_id: str, decide: Decide, days: Collection[DayKey] = ()) -> Any:
        def unbooked(current: Order | None, found: Days) -> Change:
            change = decide(current, found)
            if current is None or change.order.moves == current.moves:
                return change
            return Change(order=change.order)

        return self._port.transact(order_id, unbooked, days)


def without_booking_the_new_time() -> Deploy:
    """Let a move change the order, and no day of the mentor's."""
    return lambda ports, settings: deploy(
        dataclasses.replace(ports, orders=_UnbookedMoves(ports.orders)), settings
    )


class _AnyLink(ManageBooking, frozen=True):
    def accept(self, order: Order, link: Link) -> Order:
        return super().accept(order, self._renewed(link))

    def decline(self, order: Order, link: Link, note: str | None) -> Order:
        return super().decline(order, self._renewed(link), note)

    def cancel(self, order: Order, link: Link) -> Order:
        return super().cancel(order, self._renewed(link))

    def reschedule(self, order: Order, link: Link, starts_at: datetime) -> Order:
        return super().reschedule(order, self._renewed(link), starts_at)

    def _renewed(self, link: Link) -> Link:
        return msgspec.structs.replace(
            link, revision=stored_order(self.orders, link.order_id).revision
        )


def without_revision_check() -> Deploy:
    """Take every link for one of now."""
    return _with(lambda s: {"manage_booking": _as(_AnyLink, s.manage_booking)})


class _LeavesEvents(CloseOrder, frozen=True):
    def _clear_calendars(self, order: Order) -> Order:
        cleared = partial(note_cleared, events=order.obsolete_events)
        return self.orders.transact(order.id, cleared)


def without_clearing_calendars() -> Deploy:
    """Call an order off, and leave its event in the calendars."""
    return _with(lambda s: {"close_order": _as(_LeavesEvents, s.close_order)})


class _LastWriterWins(_Wrapped):
    """Moves an event to whatever time was asked for last, as without If-Match and revision.

    The first request for each event is long under way.
    """

    def __init__(
        self, port: Any, clock: Clock, asked: dict[str, int], numbers: "itertools.count[int]"
    ) -> None:
        super().__init__(port)
        self._clock = clock
        self._asked = asked
        self._numbers = numbers

    def ensure(self, request: MeetingRequest) -> CalendarEvent:
        if request.event_id not in self._asked:
            self._asked[request.event_id] = request.revision
            self._clock.sleep(_LONG_UNDER_WAY_S)
        latest = msgspec.structs.replace(request, revision=next(self._numbers))
        event: CalendarEvent = self._port.ensure(latest)
        known = self._asked[request.event_id]
        self._asked[request.event_id] = max(known, request.revision)
        return msgspec.structs.replace(event, revision=request.revision)

    def get(self, event_id: str) -> CalendarEvent | None:
        event: CalendarEvent | None = self._port.get(event_id)
        if event is None:
            return None
        return msgspec.structs.replace(event, revision=self._asked.get(event_id, 0))


def without_event_revision() -> Deploy:
    """Let an older request undo a newer one in the calendar."""
    asked: dict[str, int] = {}
    numbers = itertools.count(1)

    def build(ports: Ports, settings: Settings) -> Steps:
        meetings = _LastWriterWins(ports.meetings, ports.clock, asked, numbers)
        return deploy(dataclasses.replace(ports, meetings=meetings), settings)

    return build


class _Unnoticing(_Wrapped):
    def transact(self, order_id: str, decide: Decide, days: Collection[DayKey] = ()) -> Any:
        if getattr(decide, "func", None) is note_obsolete:
            return self._port.get(order_id)
        return self._port.transact(order_id, decide, days)


def without_noting_late_events() -> Deploy:
    """Let nobody note an event that was made while its order was called off."""

    def build(ports: Ports, settings: Settings) -> Steps:
        slow = _Slow(ports.meetings, ports.clock, "ensure", _SLOW_CALENDAR_S)
        unnoticing = _Unnoticing(ports.orders)
        return deploy(dataclasses.replace(ports, orders=unnoticing, meetings=slow), settings)

    return build
