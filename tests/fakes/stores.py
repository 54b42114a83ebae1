"""The stores in memory, with the checks that make a transaction one."""

import threading
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.domain.availability import Availability
from shared.domain.deliveries import Delivery
from shared.domain.order import Order
from shared.domain.schedule import DayKey, DaysRead, MentorDay
from shared.ports import Decide, DecideDelivery, RejectedMessage
from tests.fakes.world import Faults


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
            change = decide(current, DaysRead(known))
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
