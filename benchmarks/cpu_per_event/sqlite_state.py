"""The SQL of the embedded stores and queue as it is, with values that are ready."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.cpu_per_event import records
from benchmarks.cpu_per_event.state import Call, Timer
from benchmarks.ticks.stores import row
from functions.send_digest.use_case import MOST_ORDERS, MOST_WAITING
from functions.send_reminder.use_case import PAGE_SIZE
from local.config import WorldConfig
from shared import messages
from shared.domain.deliveries import Delivery
from shared.domain.events import Event
from shared.domain.order import Order
from shared.domain.schedule import DayKey, MentorDay
from shared.ports import RejectedMessage

_Statement = tuple[str, tuple[Any, ...]]


class SqliteState:
    """State in the files of the embedded backend, which must be there already."""

    def __init__(self, config: WorldConfig) -> None:
        data = config.data_dir
        self._orders = _File(data / "orders.db")
        self._availability = _File(data / "availability.db")
        self._deliveries = _File(data / "deliveries.db")
        self._rejected = _File(data / "rejected.db")
        self._queue = _File(data / "queue.db")

    def read_order(self, order: Order) -> Call:
        """See State."""
        return partial(self._orders.select, *_select_order(order))

    def read_availability(self, order: Order) -> Call:
        """See State."""
        sql = "SELECT body FROM availability WHERE mentor_id = ?"
        return partial(self._availability.select, sql, (order.mentor.id,))

    def change(
        self,
        order: Order,
        days: Sequence[DayKey] = (),
        put: Sequence[MentorDay] = (),
        *,
        known: bool = False,  # noqa: ARG002 - it is read again under the lock
    ) -> Call:
        """See State."""
        reads = (_select_order(order), *map(_select_day, days))
        writes = (*map(_put_day, put), _put_order(order))
        return partial(self._orders.transact, *reads, *writes)

    def due(self, timer: Timer, now: datetime) -> Call:
        """See State."""
        sql = f"SELECT body FROM orders WHERE {timer} <= ? ORDER BY {timer} LIMIT ?"  # noqa: S608 - a column
        return partial(self._orders.select, sql, (now.timestamp(), PAGE_SIZE))

    def changed_since(self, since: datetime) -> Call:
        """See State."""
        sql = "SELECT body FROM orders WHERE changed_at >= ? ORDER BY changed_at LIMIT ?"
        return partial(self._orders.select, sql, (since.timestamp(), MOST_ORDERS))

    def waiting_for_admin(self) -> Call:
        """See State."""
        sql = "SELECT body FROM orders WHERE waits_for_admin ORDER BY id LIMIT ?"
        return partial(self._orders.select, sql, (MOST_WAITING,))

    def read_delivery(self, key: str) -> Call:
        """See State."""
        return partial(self._deliveries.select, *_select_delivery(key))

    def put_delivery(
        self,
        delivery: Delivery,
        *,
        known: bool = True,  # noqa: ARG002 - it is read again under the lock
    ) -> Call:
        """See State."""
        values = delivery.key, msgspec.json.encode(delivery)
        put = "INSERT OR REPLACE INTO deliveries VALUES (?, ?)", values
        return partial(self._deliveries.transact, _select_delivery(delivery.key), put)

    def keep(self, message: RejectedMessage) -> Call:
        """See State."""
        values = message.id, msgspec.json.encode(message), message.received_at.timestamp()
        sql = "INSERT OR REPLACE INTO rejected VALUES (?, ?, ?)"
        return partial(self._rejected.select, sql, values)

    def publish(self, events: Sequence[Event], at: datetime) -> Call:
        """See State."""
        rows = [
            (event.topic, messages.encode(event), json.dumps(records.attributes(event, at)))
            for event in events
        ]
        return partial(self._publish, rows, at.isoformat(), at)

    def _publish(
        self, rows: Sequence[tuple[str, bytes, str]], published_at: str, due_at: datetime
    ) -> None:
        db = self._queue.connection
        db.execute("BEGIN IMMEDIATE")
        for topic, data, attributes in rows:
            (number,) = db.execute(
                "INSERT INTO messages (topic, data, attributes, published_at)"
                " VALUES (?, ?, ?, ?) RETURNING id",
                (topic, data, attributes, published_at),
            ).fetchone()
            db.execute(
                "INSERT INTO deliveries (message_id, subscription, due_at)"
                " SELECT ?, name, ? FROM subscriptions WHERE topic = ?",
                (number, due_at.timestamp(), topic),
            )
        db.execute("COMMIT")


class _File:
    """A SQLite file as the embedded stores open it."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=NORMAL")

    def select(self, sql: str, values: tuple[Any, ...]) -> None:
        """Run one statement, and do nothing with its rows."""
        self.connection.execute(sql, values).fetchall()

    def transact(self, *statements: _Statement) -> None:
        """Run statements in one transaction."""
        self.connection.execute("BEGIN IMMEDIATE")
        for sql, values in statements:
            self.connection.execute(sql, values).fetchall()
        self.connection.execute("COMMIT")


def _select_order(order: Order) -> _Statement:
    return "SELECT body FROM orders WHERE id = ?", (order.id,)


def _select_day(key: DayKey) -> _Statement:
    return "SELECT body FROM mentor_days WHERE key = ?", (str(key),)


def _select_delivery(key: str) -> _Statement:
    return "SELECT body FROM deliveries WHERE key = ?", (key,)


def _put_order(order: Order) -> _Statement:
    return "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?)", row(order)


def _put_day(day: MentorDay) -> _Statement:
    values = str(day.key), msgspec.json.encode(day)
    return "INSERT OR REPLACE INTO mentor_days VALUES (?, ?)", values
