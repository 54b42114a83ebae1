"""What there is to see of a world, on either backend."""

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from google.cloud.firestore import Client, FieldFilter
from google.pubsub_v1 import PublisherClient

from local.config import WorldConfig
from shared.adapters.clock import SystemClock
from shared.adapters.firestore import FirestoreOrderStore
from shared.adapters.pubsub import PubSubPublisher
from shared.adapters.sqlite_queue import SqlitePublisher, SqliteQueue
from shared.adapters.sqlite_stores import SqliteOrderStore
from shared.domain.deliveries import Delivery

# Of an order that is paid: the invoice, the payment, and the session to both.
_MAILS = 4


class EmbeddedRecords:
    """SQLite's files; looking costs next to nothing."""

    pause_s = 0.0

    def __init__(self, config: WorldConfig) -> None:
        self._clock = SystemClock()
        self._queue = SqliteQueue(config.data_dir / "queue.db")
        self._deliveries = sqlite3.connect(config.data_dir / "deliveries.db", isolation_level=None)
        self.publisher = SqlitePublisher(self._queue, self._clock)
        self.orders = SqliteOrderStore(config.data_dir / "orders.db")

    def sent(self, keys: Collection[str]) -> Mapping[str, datetime]:
        query = "SELECT body FROM deliveries WHERE key IN (SELECT value FROM json_each(?))"
        rows = self._deliveries.execute(query, (msgspec.json.encode(list(keys)).decode(),))
        return _sent(msgspec.json.decode(body, type=Delivery) for (body,) in rows)

    def idle(self, orders: int) -> bool:
        del orders  # the queue knows
        return not self._queue.busy(self._clock.now())


class EmulatedRecords:
    """The emulators' documents, read by a client of its own; Pub/Sub does not tell what waits.

    Each look is a query and a lookup that the emulator works on beside the functions' own.
    """

    pause_s = 0.05

    def __init__(self, config: WorldConfig) -> None:
        self._client = Client(project=config.project)
        self._deliveries = self._client.collection("deliveries")
        self.publisher = PubSubPublisher(PublisherClient(), config.project, SystemClock())
        self.orders = FirestoreOrderStore(self._client)

    def sent(self, keys: Collection[str]) -> Mapping[str, datetime]:
        found = self._client.get_all([self._deliveries.document(key) for key in keys])
        known = [snapshot.get("delivery") for snapshot in found if snapshot.exists]
        return _sent(msgspec.convert(content, Delivery) for content in known)

    def idle(self, orders: int) -> bool:
        out = self._deliveries.where(filter=FieldFilter("delivery.sent_at", "!=", None))
        query: Any = out.count()  # google-cloud-firestore types get as if it were no method
        ((count,),) = query.get()
        return bool(count.value == _MAILS * orders)


def _sent(deliveries: Iterable[Delivery]) -> Mapping[str, datetime]:
    return {d.key: d.sent_at for d in deliveries if d.sent_at is not None}
