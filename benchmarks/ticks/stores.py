"""The same orders in SQLite on disk, where ticks are timed, and in counted documents."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import msgspec
from google.cloud.firestore import Client

from benchmarks.operations.counts import Counts
from benchmarks.operations.documents import Documents
from benchmarks.ticks.orders import due, stored, told
from shared.adapters.firestore import FirestoreDeliveryStore, FirestoreOrderStore
from shared.adapters.sqlite_stores import SqliteDeliveryStore, SqliteOrderStore
from shared.domain.order import Order
from shared.ports import DeliveryStore, OrderStore

_ORDERS, _DELIVERIES = "orders.db", "deliveries.db"


class Stores(msgspec.Struct, frozen=True):
    """What a tick works on."""

    orders: OrderStore
    deliveries: DeliveryStore


def sqlite_stores(folder: Path, count: int, due_count: int) -> Stores:
    """Fill SQLite files and open the stores on them."""
    stores = Stores(SqliteOrderStore(folder / _ORDERS), SqliteDeliveryStore(folder / _DELIVERIES))
    _insert(folder / _ORDERS, "orders", (row(order) for order in stored(count)))
    deliveries = ((d.key, msgspec.json.encode(d)) for o in stored(count) for d in told(o))
    _insert(folder / _DELIVERIES, "deliveries", deliveries)
    make_due(folder, due_count)
    return stores


def make_due(folder: Path, count: int) -> None:
    """Put the orders that are due as they were before any tick."""
    _insert(folder / _ORDERS, "orders", (row(order) for order in due(count)))
    deliveries = ((d.key, msgspec.json.encode(d)) for o in due(count) for d in told(o))
    _insert(folder / _DELIVERIES, "deliveries", deliveries)


def bytes_of(folder: Path) -> int:
    """Return the size of all files of the stores."""
    return sum(path.stat().st_size for path in folder.iterdir())


def counted_stores(count: int, due_count: int, *, seen: bool) -> tuple[Stores, Counts]:
    """Return Firestore's stores on documents in memory, and what is counted of their use."""
    documents = Documents(Counts())
    for order in (*stored(count), *due(due_count, seen=seen)):
        documents.write(f"orders/{order.id}", _document(order))
    for delivery in (d for order in due(due_count) for d in told(order)):
        content = {"delivery": msgspec.to_builtins(delivery)}
        documents.write(f"deliveries/{delivery.key}", content)
    documents.counts = Counts()
    client = cast("Client", documents)
    return Stores(FirestoreOrderStore(client), FirestoreDeliveryStore(client)), documents.counts


def row(order: Order) -> tuple[Any, ...]:
    """Return the order as a row of its table."""
    timers = (order.next_reminder_at, order.check_at)
    return (
        order.id,
        msgspec.json.encode(order),
        *(at and at.timestamp() for at in timers),
        order.changed_at.timestamp(),
        order.waits_for_admin,
    )


def _document(order: Order) -> dict[str, Any]:
    return {
        "order": msgspec.to_builtins(order),
        "next_reminder_at": order.next_reminder_at,
        "check_at": order.check_at,
    }


def _insert(path: Path, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    columns = {"orders": 6, "deliveries": 2}[table]
    places = ", ".join("?" * columns)
    with sqlite3.connect(path) as db:
        db.executemany(
            f"INSERT OR REPLACE INTO {table} VALUES ({places})",  # noqa: S608 - names of ours
            rows,
        )
    db.close()
