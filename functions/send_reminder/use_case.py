"""Wake up what is due: publish a reminder for each order whose timer has run out."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import msgspec

from shared import observability
from shared.domain.order import Order
from shared.domain.reminders import move_timer, reminder_of
from shared.domain.timers import overdue_s
from shared.errors import RetryableError
from shared.ports import EventPublisher, OrderStore

PAGE_SIZE = 100
# What one tick leaves, the next one takes up: a tick must end before its request times out.
MAX_PAGES = 20


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """What one tick did."""

    due: int = 0
    published: int = 0
    postponed: int = 0


class SendReminders(msgspec.Struct, frozen=True):
    """Publish first, then move the timer on: a crash in between repeats, it never loses.

    A repeated reminder is the same message, which send_notification sends once.
    """

    orders: OrderStore
    events: EventPublisher

    def __call__(self, now: datetime) -> Tick:
        """Work off all orders that are due at ``now``."""
        tick, age_s = Tick(), 0.0
        for _ in range(MAX_PAGES):
            page = self.orders.due_for_reminder(now, PAGE_SIZE)
            if not page:
                break
            age_s = max(age_s, overdue_s(page[0].next_reminder_at, now))
            done = self._page(page, now)
            tick = Tick(
                due=tick.due + done.due,
                published=tick.published + done.published,
                postponed=tick.postponed + done.postponed,
            )
            if done.postponed:
                break
        observability.bind(oldest_timer_age_s=age_s)
        return tick

    def _page(self, page: Sequence[Order], now: datetime) -> Tick:
        reminders = [due for order in page if (due := reminder_of(order, now))]
        self.events.publish(*reminders)
        postponed = sum(not self._moved(order, now) for order in page)
        return Tick(due=len(page), published=len(reminders), postponed=postponed)

    def _moved(self, order: Order, now: datetime) -> bool:
        try:
            self.orders.transact(order.id, partial(move_timer, now=now))
        except RetryableError:
            return False  # somebody else is writing this order; the next tick sees it again
        return True
