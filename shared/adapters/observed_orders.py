"""Says in the log how orders change, whichever step changes them."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from shared import observability
from shared.domain.order import Change, Order
from shared.domain.schedule import DayKey, Days, MentorDay
from shared.ports import Decide, OrderStore


class ObservedOrderStore:
    """OrderStore that logs each new status and each new reason for attention, once it is stored.

    The log's counters are made of these lines, so that nobody has to count orders in the store.
    """

    def __init__(self, orders: OrderStore) -> None:
        self._orders = orders

    def get(self, order_id: str) -> Order | None:
        """See OrderStore."""
        return self._orders.get(order_id)

    def transact(self, order_id: str, decide: Decide, days: Collection[DayKey] = ()) -> Order:
        """See OrderStore."""
        before: Order | None = None

        def watched(current: Order | None, known: Days) -> Change:
            nonlocal before
            before = current
            return decide(current, known)

        after = self._orders.transact(order_id, watched, days)
        _log_changes(before, after)
        return after

    def days(self, keys: Collection[DayKey]) -> Sequence[MentorDay]:
        """See OrderStore."""
        return self._orders.days(keys)

    def changed_since(self, since: datetime, limit: int) -> Sequence[Order]:
        """See OrderStore."""
        return self._orders.changed_since(since, limit)

    def waiting_for_admin(self, limit: int) -> Sequence[Order]:
        """See OrderStore."""
        return self._orders.waiting_for_admin(limit)

    def due_for_reminder(self, now: datetime, limit: int) -> Sequence[Order]:
        """See OrderStore."""
        return self._orders.due_for_reminder(now, limit)

    def due_for_check(self, now: datetime, limit: int) -> Sequence[Order]:
        """See OrderStore."""
        return self._orders.due_for_check(now, limit)

    def scan(self) -> Iterator[Order]:
        """See OrderStore."""
        return self._orders.scan()


def _log_changes(before: Order | None, after: Order) -> None:
    known = len(before.history) if before else 0
    for change in after.history[known:]:
        observability.info(
            "status changed", order_id=after.id, order_status=change.status, reason=change.reason
        )
    for attention in after.attention:
        if before is None or not before.has_attention(attention.reason):
            observability.warning("attention raised", order_id=after.id, reason=attention.reason)
