"""The fakes of the stores, remembering older versions for reads that come too late."""

import random
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from shared.domain.deliveries import Delivery
from shared.domain.order import Order
from shared.domain.schedule import DayKey, MentorDay
from shared.ports import Decide, DecideDelivery
from tests.fakes import FakeDeliveryStore, FakeOrderStore
from tests.simulation.kernel import Kernel

R = TypeVar("R", Order, Delivery)
# How long a read may be behind.
STALENESS = timedelta(minutes=5)


class Versions(Generic[R]):
    """The latest version of each record, and those that were replaced lately."""

    def __init__(self, kernel: Kernel) -> None:
        self.latest: dict[str, R] = {}
        self._replaced: dict[str, list[tuple[datetime, R | None]]] = defaultdict(list)
        self._kernel = kernel

    def put(self, key: str, record: R) -> R | None:
        """Store a record; return the one before."""
        before = self.latest.get(key)
        if before != record:
            self._replaced[key].append((self._kernel.now, before))
            self.latest[key] = record
        return before

    def older(self, key: str, chance: random.Random) -> R | None:
        """Return a version that was replaced in the last minutes, or the latest."""
        since = self._kernel.now - STALENESS
        old = [record for at, record in self._replaced[key] if at >= since]
        return chance.choice(old) if old else self.latest.get(key)


class SimulatedOrders(FakeOrderStore):
    """The orders; ``watch`` is told of each write, with the version before."""

    def __init__(self, kernel: Kernel, watch: Callable[[Order | None, Order], None]) -> None:
        super().__init__()
        self.versions = Versions[Order](kernel)
        self._watch = watch

    def transact(self, order_id: str, decide: Decide, days: Collection[DayKey] = ()) -> Order:
        order = super().transact(order_id, decide, days)
        if order != self.versions.latest.get(order_id):
            self._watch(self.versions.put(order_id, order), order)
        return order

    def all_days(self) -> list[MentorDay]:
        """Return every day on which anything was ever booked."""
        return [record for record in self._records.all() if isinstance(record, MentorDay)]

    def stale_get(self, order_id: str, chance: random.Random) -> Order | None:
        return self.versions.older(order_id, chance)

    def stale_due_for_reminder(
        self, now: datetime, limit: int, chance: random.Random
    ) -> Sequence[Order]:
        return [o for o in self._old(chance) if o.next_reminder_at and o.next_reminder_at <= now]

    def stale_due_for_check(
        self, now: datetime, limit: int, chance: random.Random
    ) -> Sequence[Order]:
        return [o for o in self._old(chance) if o.check_at and o.check_at <= now]

    def _old(self, chance: random.Random) -> list[Order]:
        old = (self.versions.older(order_id, chance) for order_id in self.versions.latest)
        return [order for order in old if order is not None]


class SimulatedDeliveries(FakeDeliveryStore):
    """The records of messages."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__()
        self.versions = Versions[Delivery](kernel)

    def transact(self, key: str, decide: DecideDelivery) -> Delivery:
        delivery = super().transact(key, decide)
        self.versions.put(key, delivery)
        return delivery

    def stale_get(self, key: str, chance: random.Random) -> Delivery | None:
        return self.versions.older(key, chance)
