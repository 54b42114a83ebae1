"""Look after every order in flight: ask, repeat, expire, heal, so that nothing waits for ever."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

import msgspec

from functions.reconcile_orders.hearing import hearing_of
from shared import observability, tracing
from shared.domain.billing import settle
from shared.domain.confirmation import give_up_waiting, return_unchosen
from shared.domain.invoice import InvoiceStatus
from shared.domain.meetings import (
    event_id,
    note_cleared,
    note_missed,
    note_obsolete,
    read_back,
)
from shared.domain.order import MoneyBackState, Order, Status
from shared.domain.refunds import record_refund
from shared.domain.schedule import DayKey, MentorDay
from shared.domain.timers import looked_at, may_have_a_spare, overdue_s, postpone
from shared.errors import NotDoneError, PermanentError, RetryableError
from shared.ports import (
    Clock,
    Decide,
    DeliveryStore,
    EventPublisher,
    InvoiceGateway,
    MeetingScheduler,
    OrderStore,
    RefundGateway,
)

PAGE_SIZE = 100
# A tick ends before its request times out; the next one goes on where it stopped.
TICK_LASTS = timedelta(seconds=40)
# Xendit's rate limit is shared: the rest is for orders that somebody is waiting for.
LEAVE_OF_BUDGET = 0.5
_ASKS_XENDIT = frozenset({Status.INVOICED, Status.EXPIRED})
# While in these, an order is said to be off until its events are out of the calendars.
_IS_OFF = frozenset({Status.CANCELLED, Status.AWAITING_MENTEE})


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """What one tick did: orders that were due, facts said again, orders left for the next tick."""

    due: int = 0
    repeated: int = 0
    postponed: int = 0

    def plus(self, other: "Tick") -> "Tick":
        """Return both together."""
        return Tick(
            due=self.due + other.due,
            repeated=self.repeated + other.repeated,
            postponed=self.postponed + other.postponed,
        )


class ReconcileOrders(msgspec.Struct, frozen=True):
    """Take each order whose timer has run out, do what its status needs, set the timer anew."""

    orders: OrderStore
    deliveries: DeliveryStore
    invoices: InvoiceGateway
    refunds: RefundGateway
    meetings: MeetingScheduler
    events: EventPublisher
    clock: Clock

    def __call__(self, now: datetime) -> Tick:
        """Work off the orders that are due at ``now``, in pages."""
        began, tick, age_s = self.clock.now(), Tick(), 0.0
        while self.clock.now() - began < TICK_LASTS:
            page = self.orders.due_for_check(now, PAGE_SIZE)
            if not page:
                break
            age_s = max(age_s, overdue_s(page[0].check_at, now))
            done = self._page(page, now)
            tick = tick.plus(done)
            if done.postponed == done.due:
                break  # nobody can be asked just now
        observability.bind(oldest_timer_age_s=age_s, xendit_budget_left=self.invoices.budget())
        return tick

    def _page(self, page: Iterable[Order], now: datetime) -> Tick:
        tick = Tick()
        for order in page:
            try:
                with (
                    observability.bound(order_id=order.id),
                    tracing.span("reconcile_orders", "internal", order_id=order.id),
                ):
                    tick = tick.plus(self._look(order, now))
            except NotDoneError:
                tick = tick.plus(Tick(due=1, postponed=1))
                self._set_timer(order, partial(postpone, now=now))
            except (RetryableError, PermanentError) as error:
                observability.given_back(error, order_id=order.id)
                tick = tick.plus(Tick(due=1, postponed=1))
                self._set_timer(order, partial(looked_at, now=now, again_soon=True))
        return tick

    def _look(self, order: Order, now: datetime) -> Tick:
        order = self._ask(order, now)
        heard = hearing_of(order, self.deliveries, now)
        if heard.not_yet:
            self.events.publish(*heard.not_yet)
        again_soon = bool(heard.not_yet)
        looked = partial(looked_at, now=now, told=heard.told, again_soon=again_soon)
        self._apply(order, looked)
        return Tick(due=1, repeated=len(heard.not_yet))

    def _apply(self, order: Order, decide: Decide, days: tuple[DayKey, ...] = ()) -> Order:
        """Store what follows for an order that has just been read, if anything does.

        What changes nothing is not read once more to find that out: were the order another by now,
        its timer would be set anew.
        """
        if decide(order, {key: MentorDay(key=key) for key in days}).order == order:
            return order
        return self.orders.transact(order.id, decide, days)

    def _set_timer(self, order: Order, decide: Decide) -> None:
        """Let an order that cannot be looked at not stand before the others for ever."""
        try:
            self.orders.transact(order.id, decide)
        except RetryableError:
            return  # it stays due, and the next tick sees it again

    def _ask(self, order: Order, now: datetime) -> Order:
        """Ask whom the order waits for, and apply the answer, or what follows from there being none."""
        order = self._clear_calendars(self._ask_about_refunds(order, now))
        if self._concerns_xendit(order, now):
            order = self._ask_xendit(order, now)
        match order.status:
            case Status.SCHEDULED:
                return self._ask_calendar(order, now)
            case Status.CANCELLED if order.was(Status.PAID):
                return self._look_for_event(order)
            case Status.PAID:
                return self._apply(order, partial(note_missed, now=now))
            case Status.AWAITING_MENTOR:
                return self._apply(order, partial(give_up_waiting, now=now), order.day_keys)
            case Status.AWAITING_MENTEE:
                return self._apply(order, partial(return_unchosen, now=now))
            case _:
                return order

    def _concerns_xendit(self, order: Order, now: datetime) -> bool:
        if order.status in _ASKS_XENDIT or _may_be_paid(order):
            return True
        # Of less weight than the rest of the look, which goes on where the rate limit is low.
        return may_have_a_spare(order, now) and self.invoices.budget() >= LEAVE_OF_BUDGET

    def _ask_xendit(self, order: Order, now: datetime) -> Order:
        self._check_budget()
        shown = order.invoice.id if order.invoice and order.status in _ASKS_XENDIT else None
        for invoice in self.invoices.find(order.id):
            if invoice.id != shown and invoice.status is InvoiceStatus.PENDING:
                self.invoices.expire(invoice.id)  # nobody shall pay it
            order = self._apply(order, partial(settle, invoice=invoice, now=now), order.day_keys)
        return order

    def _ask_about_refunds(self, order: Order, now: datetime) -> Order:
        for refund in order.refunds:
            if refund.state is MoneyBackState.STARTED and refund.refund_id is not None:
                self._check_budget()
                told = self.refunds.get(refund.refund_id)
                if told is not None:
                    order = self._apply(order, partial(record_refund, told=told, now=now))
        return order

    def _check_budget(self) -> None:
        if self.invoices.budget() < LEAVE_OF_BUDGET:
            raise NotDoneError("the rest of Xendit's rate limit is left to others")

    def _ask_calendar(self, order: Order, now: datetime) -> Order:
        event = None if order.meeting is None else self.meetings.get(order.meeting.event_id)
        return self._apply(order, partial(read_back, event=event, now=now))

    def _clear_calendars(self, order: Order) -> Order:
        """Take out what is left of a time before, of a session that is to be at another by now."""
        obsolete = order.obsolete_events
        if not obsolete or order.status in _IS_OFF:
            return order
        for event in obsolete:
            self.meetings.cancel(event)
        return self.orders.transact(order.id, partial(note_cleared, events=obsolete))

    def _look_for_event(self, order: Order) -> Order:
        """Look for an event that was still being made when the order was called off."""
        event = self.meetings.get(event_id(order))
        if event is None or event.cancelled:
            return order
        return self._apply(order, partial(note_obsolete, event=event.event_id))


def _may_be_paid(order: Order) -> bool:
    """Whether an invoice may have been made, and paid, of an order that is closed without money."""
    closed = order.status in {Status.REJECTED, Status.CANCELLED}
    return closed and order.claims > 0 and order.payment is None
