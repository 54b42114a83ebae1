"""Look after every order in flight: ask, repeat, expire, heal, so that nothing waits for ever."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import msgspec

from shared import observability, tracing
from shared.domain.billing import settle
from shared.domain.events import (
    AttentionRaised,
    Event,
    InvoiceCreated,
    InvoiceExpired,
    InvoicePaid,
    MeetingScheduled,
    OrderRejected,
)
from shared.domain.facts import facts, request_of
from shared.domain.invoice import InvoiceStatus
from shared.domain.meetings import note_missed, read_back
from shared.domain.notifications import notifications_for
from shared.domain.order import Order, Status
from shared.domain.timers import looked_at, overdue_s, postpone
from shared.errors import NotDoneError, PermanentError, RetryableError
from shared.ports import (
    Clock,
    Decide,
    DeliveryStore,
    EventPublisher,
    InvoiceGateway,
    MeetingScheduler,
    OrderStore,
)

PUBLISHES = (
    OrderRejected,
    InvoiceCreated,
    InvoicePaid,
    InvoiceExpired,
    MeetingScheduled,
    AttentionRaised,
)
PAGE_SIZE = 100
# A tick ends before its request times out; the next one goes on where it stopped.
TICK_LASTS = timedelta(seconds=40)
# Xendit's rate limit is shared: the rest is for orders that somebody is waiting for.
LEAVE_OF_BUDGET = 0.5
_ASKS_XENDIT = frozenset({Status.INVOICED, Status.EXPIRED})


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


@dataclass(frozen=True, slots=True)
class ReconcileOrders:
    """Take each order whose timer has run out, do what its status needs, set the timer anew."""

    orders: OrderStore
    deliveries: DeliveryStore
    invoices: InvoiceGateway
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
        repeated = self._unheard(order, now)
        self.events.publish(*repeated)
        looked = partial(looked_at, now=now, again_soon=bool(repeated))
        self.orders.transact(order.id, looked)
        return Tick(due=1, repeated=len(repeated))

    def _set_timer(self, order: Order, decide: Decide) -> None:
        """Let an order that cannot be looked at not stand before the others for ever."""
        try:
            self.orders.transact(order.id, decide)
        except RetryableError:
            return  # it stays due, and the next tick sees it again

    def _ask(self, order: Order, now: datetime) -> Order:
        """Ask the vendor whom the order waits for, and apply the answer."""
        if order.status in _ASKS_XENDIT or _given_up_midway(order):
            return self._ask_xendit(order, now)
        if order.status is Status.SCHEDULED:
            return self._ask_calendar(order, now)
        if order.status is Status.PAID:
            return self.orders.transact(order.id, partial(note_missed, now=now))
        return order

    def _ask_xendit(self, order: Order, now: datetime) -> Order:
        if self.invoices.budget() < LEAVE_OF_BUDGET:
            raise NotDoneError("the rest of Xendit's rate limit is left to others")
        shown = order.invoice.id if order.invoice else None
        for invoice in self.invoices.find(order.id):
            if invoice.id != shown and invoice.status is InvoiceStatus.PENDING:
                self.invoices.expire(invoice.id)  # nobody was shown it, and nobody shall pay it
            order = self.orders.transact(
                order.id, partial(settle, invoice=invoice, now=now), order.day_keys
            )
        return order

    def _ask_calendar(self, order: Order, now: datetime) -> Order:
        event = None
        if order.meeting is not None and now < order.session.ends_at:
            event = self.meetings.get(order.meeting.event_id)
        return self.orders.transact(order.id, partial(read_back, event=event, now=now))

    def _unheard(self, order: Order, now: datetime) -> tuple[Event, ...]:
        """Return the facts whose consequences have not come about, to be said again."""
        if order.status is Status.PENDING:
            free = order.claimed_until is None or order.claimed_until <= now
            return (request_of(order),) if free else ()
        said = facts(order, *PUBLISHES)
        return tuple(fact for fact in said if not self._heard(fact, order, now))

    def _heard(self, fact: Event, order: Order, now: datetime) -> bool:
        if isinstance(fact, InvoicePaid) and order.status is Status.PAID:
            return False  # the order would not be paid any more, but scheduled
        for notification in notifications_for(fact, order, now):
            delivery = self.deliveries.get(notification.key)
            if delivery is None or not delivery.settled:
                return False
        return True


def _given_up_midway(order: Order) -> bool:
    """Whether an invoice may have been made, and paid, before the order was rejected."""
    return order.status is Status.REJECTED and order.claims > 0
