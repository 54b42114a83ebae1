"""Topics and subscriptions in SQLite: the embedded backend's stand-in for Pub/Sub.

Messages are kept until every subscription has acked them or given them up, so they survive
``kill -9`` of publisher and dispatcher alike.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from shared import messages, tracing
from shared.adapters.sqlite import SqliteFile
from shared.domain.events import Event
from shared.ports import Clock

_SCHEMA = """
CREATE TABLE IF NOT EXISTS subscriptions (name TEXT PRIMARY KEY, topic TEXT);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT, data BLOB, attributes TEXT, published_at TEXT);
CREATE TABLE IF NOT EXISTS deliveries (
    message_id INTEGER, subscription TEXT, attempt INTEGER DEFAULT 0, due_at REAL,
    leased INTEGER DEFAULT 0,
    PRIMARY KEY (message_id, subscription)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS due ON deliveries (subscription, due_at);
CREATE INDEX IF NOT EXISTS due_anywhere ON deliveries (due_at)
"""

_SELECT = (
    "SELECT message_id, subscription, topic, data, attributes, published_at, attempt"
    " FROM deliveries JOIN messages ON id = message_id"
)


class QueuedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message on its way to one subscription. ``attempt`` counts from 1, as Pub/Sub's."""

    id: int
    subscription: str
    topic: str
    data: bytes
    attributes: dict[str, str]
    published_at: str
    attempt: int


class SqliteQueue:
    """The messages and who still has to get them."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, _SCHEMA)

    def subscribe(self, subscription: str, topic: str) -> None:
        """Create the subscription; it gets what is published from now on."""
        self._file.connection.execute(
            "INSERT OR REPLACE INTO subscriptions VALUES (?, ?)", (subscription, topic)
        )

    def publish(
        self, batch: Sequence[tuple[str, bytes, dict[str, str]]], at: datetime
    ) -> Sequence[int]:
        """Store ``(topic, data, attributes)`` messages for every subscription; return their ids."""
        with self._file.transaction() as db:
            ids = []
            for topic, data, attributes in batch:
                message_id = db.execute(
                    "INSERT INTO messages (topic, data, attributes, published_at)"
                    " VALUES (?, ?, ?, ?) RETURNING id",
                    (topic, data, json.dumps(attributes), at.isoformat()),
                ).fetchone()[0]
                db.execute(
                    "INSERT INTO deliveries (message_id, subscription, due_at)"
                    " SELECT ?, name, ? FROM subscriptions WHERE topic = ?",
                    (message_id, at.timestamp(), topic),
                )
                ids.append(message_id)
            return ids

    def lease(
        self, now: datetime, ack_deadline: timedelta, room: Mapping[str, int]
    ) -> Sequence[QueuedMessage]:
        """Take due messages, for each subscription as many as there is room for.

        Each comes again after the deadline unless it is acked.
        """
        # There are many subscriptions, and few of them have anything due.
        waiting = self._file.connection.execute(
            "SELECT DISTINCT subscription FROM deliveries WHERE due_at <= ?", (now.timestamp(),)
        )
        taken = {name: room[name] for (name,) in waiting if name in room}
        if not taken:
            return ()
        with self._file.transaction() as db:
            leased = [
                msgspec.structs.replace(_row(row), attempt=row[6] + 1)
                for subscription, limit in taken.items()
                for row in db.execute(
                    f"{_SELECT} WHERE due_at <= ? AND subscription = ? ORDER BY due_at LIMIT ?",
                    (now.timestamp(), subscription, limit),
                )
            ]
            db.executemany(
                "UPDATE deliveries SET attempt = ?, due_at = ?, leased = 1"
                " WHERE message_id = ? AND subscription = ?",
                [
                    (m.attempt, (now + ack_deadline).timestamp(), m.id, m.subscription)
                    for m in leased
                ],
            )
            return leased

    def ack(self, message: QueuedMessage) -> None:
        """Take the message off the subscription, and forget it once nobody waits for it."""
        with self._file.transaction() as db:
            db.execute(
                "DELETE FROM deliveries WHERE message_id = ? AND subscription = ?",
                (message.id, message.subscription),
            )
            db.execute(
                "DELETE FROM messages WHERE id = ?1 AND NOT EXISTS"
                " (SELECT 1 FROM deliveries WHERE message_id = ?1)",
                (message.id,),
            )

    def retry(self, message: QueuedMessage, at: datetime) -> None:
        """Give the message back; it comes again at ``at``."""
        self._file.connection.execute(
            "UPDATE deliveries SET due_at = ?, leased = 0"
            " WHERE message_id = ? AND subscription = ?",
            (at.timestamp(), message.id, message.subscription),
        )

    def bury(self, message: QueuedMessage, topic: str, at: datetime) -> None:
        """Move the message to a dead-letter topic, marked as Pub/Sub marks it."""
        marks = {
            "CloudPubSubDeadLetterSourceSubscription": message.subscription,
            "CloudPubSubDeadLetterSourceDeliveryCount": str(message.attempt),
            "CloudPubSubDeadLetterSourceTopicPublishTime": message.published_at,
        }
        self.publish([(topic, message.data, message.attributes | marks)], at)
        self.ack(message)

    def release_leases(self, now: datetime) -> None:
        """Make due now what was being delivered: for a dispatcher that knows that none is running."""
        self._file.connection.execute(
            "UPDATE deliveries SET due_at = ?, leased = 0 WHERE leased = 1",
            (now.timestamp(),),
        )

    def busy(self, now: datetime) -> bool:
        """Whether a message is being delivered, or should be."""
        row = self._file.connection.execute(
            "SELECT 1 FROM deliveries WHERE (leased = 1 OR due_at <= ?) LIMIT 1",
            (now.timestamp(),),
        ).fetchone()
        return row is not None

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class SqlitePublisher:
    """EventPublisher on the embedded queue."""

    def __init__(self, queue: SqliteQueue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock

    def publish(self, *events: Event) -> None:
        """See EventPublisher."""
        if not events:
            return
        now = self._clock.now()
        with tracing.publishing(events) as traces:
            self._queue.publish(
                [
                    (e.topic, messages.encode(e), messages.attributes(e, traceparent=trace, at=now))
                    for e, trace in zip(events, traces, strict=True)
                ],
                now,
            )

    def publish_raw(self, topic: str, data: bytes, attributes: dict[str, str]) -> None:
        """Publish bytes as they are: what the web app does."""
        self._queue.publish([(topic, data, attributes)], self._clock.now())


def _row(row: tuple[Any, ...]) -> QueuedMessage:
    return QueuedMessage(
        id=row[0],
        subscription=row[1],
        topic=row[2],
        data=row[3],
        attributes=json.loads(row[4]),
        published_at=row[5],
        attempt=row[6],
    )
