"""Orders, deliveries and the like in SQLite: the stores of the embedded backend."""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from shared.adapters.sqlite import SqliteFile
from shared.domain.availability import Availability
from shared.domain.deliveries import Delivery
from shared.domain.order import Order
from shared.domain.schedule import DayKey, DaysRead, MentorDay
from shared.ports import Decide, DecideDelivery, RejectedMessage

_ORDERS = """
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, body BLOB, next_reminder_at REAL, check_at REAL,
    changed_at REAL, waits_for_admin INTEGER);
CREATE INDEX IF NOT EXISTS by_reminder ON orders (next_reminder_at);
CREATE INDEX IF NOT EXISTS by_check ON orders (check_at);
CREATE INDEX IF NOT EXISTS by_change ON orders (changed_at);
CREATE INDEX IF NOT EXISTS by_waiting ON orders (waits_for_admin, id) WHERE waits_for_admin;
CREATE TABLE IF NOT EXISTS mentor_days (key TEXT PRIMARY KEY, body BLOB)
"""
_DELIVERIES = "CREATE TABLE IF NOT EXISTS deliveries (key TEXT PRIMARY KEY, body BLOB)"
_REJECTED = """
CREATE TABLE IF NOT EXISTS rejected (id TEXT PRIMARY KEY, body BLOB, received_at REAL)
"""
_AVAILABILITY = "CREATE TABLE IF NOT EXISTS availability (mentor_id TEXT PRIMARY KEY, body BLOB)"


class SqliteOrderStore:
    """OrderStore on one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, _ORDERS)

    def get(self, order_id: str) -> Order | None:
        """See OrderStore."""
        return _get_order(self._file.connection, order_id)

    def transact(self, order_id: str, decide: Decide, days: Collection[DayKey] = ()) -> Order:
        """See OrderStore. The write lock is held throughout, so ``decide`` runs once."""
        with self._file.transaction() as db:
            current = _get_order(db, order_id)
            known = {key: _get_day(db, key) for key in days}
            change = decide(current, DaysRead(known))
            for day in change.days:
                if day != known[day.key]:
                    _put_day(db, day)
            if change.order != current:
                _put_order(db, change.order)
            return change.order

    def days(self, keys: Collection[DayKey]) -> Sequence[MentorDay]:
        """See OrderStore."""
        return [_get_day(self._file.connection, key) for key in keys]

    def due_for_reminder(self, now: datetime, limit: int) -> Sequence[Order]:
        """See OrderStore."""
        return self._due("next_reminder_at", now, limit)

    def due_for_check(self, now: datetime, limit: int) -> Sequence[Order]:
        """See OrderStore."""
        return self._due("check_at", now, limit)

    def changed_since(self, since: datetime, limit: int) -> Sequence[Order]:
        """See OrderStore."""
        rows = self._file.connection.execute(
            "SELECT body FROM orders WHERE changed_at >= ? ORDER BY changed_at LIMIT ?",
            (since.timestamp(), limit),
        )
        return [msgspec.json.decode(body, type=Order) for (body,) in rows]

    def waiting_for_admin(self, limit: int) -> Sequence[Order]:
        """See OrderStore."""
        rows = self._file.connection.execute(
            "SELECT body FROM orders WHERE waits_for_admin ORDER BY id LIMIT ?", (limit,)
        )
        return [msgspec.json.decode(body, type=Order) for (body,) in rows]

    def scan(self) -> Iterator[Order]:
        """See OrderStore."""
        for (body,) in self._file.connection.execute("SELECT body FROM orders ORDER BY id"):
            yield msgspec.json.decode(body, type=Order)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _due(self, timer: str, now: datetime, limit: int) -> Sequence[Order]:
        rows = self._file.connection.execute(
            f"SELECT body FROM orders WHERE {timer} <= ? ORDER BY {timer} LIMIT ?",  # noqa: S608 - a column name of ours
            (now.timestamp(), limit),
        )
        return [msgspec.json.decode(body, type=Order) for (body,) in rows]


class SqliteDeliveryStore:
    """DeliveryStore on one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, _DELIVERIES)

    def get(self, key: str) -> Delivery | None:
        """See DeliveryStore."""
        return _get_delivery(self._file.connection, key)

    def transact(self, key: str, decide: DecideDelivery) -> Delivery:
        """See DeliveryStore."""
        with self._file.transaction() as db:
            current = _get_delivery(db, key)
            delivery = decide(current)
            if delivery != current:
                db.execute(
                    "INSERT OR REPLACE INTO deliveries VALUES (?, ?)",
                    (key, msgspec.json.encode(delivery)),
                )
            return delivery

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class SqliteRejectedStore:
    """RejectedStore on one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, _REJECTED)

    def keep(self, message: RejectedMessage) -> None:
        """See RejectedStore."""
        self._file.connection.execute(
            "INSERT OR REPLACE INTO rejected VALUES (?, ?, ?)",
            (message.id, msgspec.json.encode(message), message.received_at.timestamp()),
        )

    def get(self, message_id: str) -> RejectedMessage | None:
        """See RejectedStore."""
        row = self._file.connection.execute(
            "SELECT body FROM rejected WHERE id = ?", (message_id,)
        ).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=RejectedMessage)

    def list(self, limit: int = 100) -> Sequence[RejectedMessage]:
        """See RejectedStore."""
        rows = self._file.connection.execute(
            "SELECT body FROM rejected ORDER BY received_at DESC LIMIT ?", (limit,)
        )
        return [msgspec.json.decode(body, type=RejectedMessage) for (body,) in rows]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class SqliteAvailabilityStore:
    """AvailabilityStore on one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, _AVAILABILITY)

    def get(self, mentor_id: str) -> Availability | None:
        """See AvailabilityStore."""
        row = self._file.connection.execute(
            "SELECT body FROM availability WHERE mentor_id = ?", (mentor_id,)
        ).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=Availability)

    def put(self, availability: Availability) -> None:
        """See AvailabilityStore."""
        self._file.connection.execute(
            "INSERT OR REPLACE INTO availability VALUES (?, ?)",
            (availability.mentor_id, msgspec.json.encode(availability)),
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _get_order(db: sqlite3.Connection, order_id: str) -> Order | None:
    row = db.execute("SELECT body FROM orders WHERE id = ?", (order_id,)).fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=Order)


def _put_order(db: sqlite3.Connection, order: Order) -> None:
    db.execute(
        "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?)",
        (
            order.id,
            msgspec.json.encode(order),
            _seconds(order.next_reminder_at),
            _seconds(order.check_at),
            order.changed_at.timestamp(),
            order.waits_for_admin,
        ),
    )


def _get_day(db: sqlite3.Connection, key: DayKey) -> MentorDay:
    row = db.execute("SELECT body FROM mentor_days WHERE key = ?", (str(key),)).fetchone()
    return MentorDay(key=key) if row is None else msgspec.json.decode(row[0], type=MentorDay)


def _put_day(db: sqlite3.Connection, day: MentorDay) -> None:
    db.execute(
        "INSERT OR REPLACE INTO mentor_days VALUES (?, ?)",
        (str(day.key), msgspec.json.encode(day)),
    )


def _get_delivery(db: sqlite3.Connection, key: str) -> Delivery | None:
    row = db.execute("SELECT body FROM deliveries WHERE key = ?", (key,)).fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=Delivery)


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()
