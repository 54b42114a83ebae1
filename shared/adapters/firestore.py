"""Orders, deliveries and the like in Firestore.

Each document keeps its record whole, as a map or as JSON, beside the few fields that are queried;
only those need an index.
"""

import hashlib
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import msgspec
from google.cloud.firestore import Client, DocumentReference, FieldFilter, Query

from shared.adapters.firestore_transact import (
    RETRY,
    TIMEOUT_S,
    Content,
    OptimisticTransactions,
)
from shared.adapters.google_cloud_errors import classified
from shared.domain.availability import Availability
from shared.domain.deliveries import Delivery
from shared.domain.order import Change, Order
from shared.domain.schedule import DayKey, Days, DaysRead, MentorDay
from shared.ports import Decide, DecideDelivery, RejectedMessage

_SCAN_PAGE = 200
# https://firebase.google.com/docs/firestore/quotas#limits
_MAX_ID_BYTES = 1500
# After these Firestore deletes by itself (firestore.indexes.json names the field): a message that
# nobody replayed, and a day on which nobody can book any more.
_REJECTED_KEPT = timedelta(days=180)
_DAYS_KEPT = timedelta(days=90)


class FirestoreOrderStore:
    """OrderStore on the collections ``orders`` and ``mentor_days``.

    An order is read and written in two round trips, or in one where it has just been read. The
    days that a decision changes are guarded against other writers, and so is the order whenever
    anything is written; days that it leaves alone are not. ``sleep`` and ``jitter`` are those of
    OptimisticTransactions.
    """

    def __init__(
        self,
        client: Client,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._transactions = OptimisticTransactions(client, sleep=sleep, jitter=jitter)
        self._orders = client.collection("orders")
        self._days = client.collection("mentor_days")

    def get(self, order_id: str) -> Order | None:
        """See OrderStore."""
        return _order(_content(self._transactions, self._orders.document(order_id)))

    def transact(self, order_id: str, decide: Decide, days: Collection[DayKey] = ()) -> Order:
        """See OrderStore."""
        keys = tuple(dict.fromkeys(days))

        def plan(stored: Sequence[Content | None]) -> tuple[Sequence[Content | None], Order]:
            current = _order(stored[0])
            known = {key: _day(key, content) for key, content in zip(keys, stored[1:], strict=True)}
            change = decide(current, DaysRead(known))
            changed = _changed_days(change, known)
            unchanged = change.order == current and not changed
            order = None if unchanged else _order_content(change.order)
            return [order, *(changed.get(key) for key in keys)], change.order

        references = [self._orders.document(order_id), *(self._day(key) for key in keys)]
        return self._transactions.run(references, plan)

    def days(self, keys: Collection[DayKey]) -> Sequence[MentorDay]:
        """See OrderStore. One round trip for all of them."""
        references = {key: self._day(key) for key in keys}
        if not references:
            return ()
        with classified("reading mentors' days"):
            found = self._transactions.read(list(references.values()))
        return [_day(key, found[ref.path].content) for key, ref in references.items()]

    def due_for_reminder(self, now: datetime, limit: int) -> Sequence[Order]:
        """See OrderStore."""
        return self._due("next_reminder_at", now, limit)

    def due_for_check(self, now: datetime, limit: int) -> Sequence[Order]:
        """See OrderStore."""
        return self._due("check_at", now, limit)

    def changed_since(self, since: datetime, limit: int) -> Sequence[Order]:
        """See OrderStore."""
        changed = self._orders.where(filter=FieldFilter("changed_at", ">=", since))
        return self._found(changed.order_by("changed_at").limit(limit))

    def waiting_for_admin(self, limit: int) -> Sequence[Order]:
        """See OrderStore."""
        waiting = self._orders.where(filter=FieldFilter("waits_for_admin", "==", True))  # noqa: FBT003 - a value
        return sorted(self._found(waiting.limit(limit)), key=lambda order: order.id)

    def scan(self) -> Iterator[Order]:
        """See OrderStore. Reads page by page, so orders that come meanwhile may be among them."""
        by_id = self._orders.order_by("__name__").limit(_SCAN_PAGE)
        page = self._found(by_id)
        while page:
            yield from page
            last = self._orders.document(page[-1].id)
            page = self._found(by_id.start_after({"__name__": last}))

    def _day(self, key: DayKey) -> DocumentReference:
        return self._days.document(str(key))

    def _due(self, timer: str, now: datetime, limit: int) -> Sequence[Order]:
        due = self._orders.where(filter=FieldFilter(timer, "<=", now))
        return self._found(due.order_by(timer).limit(limit))

    def _found(self, query: Query) -> Sequence[Order]:
        with classified("querying orders"):
            found = self._transactions.note(query.get(retry=RETRY, timeout=TIMEOUT_S))
        return [
            msgspec.convert(seen.content["order"], Order) for seen in found.values() if seen.content
        ]


class FirestoreDeliveryStore:
    """DeliveryStore on the collection ``deliveries``; the parameters are FirestoreOrderStore's."""

    def __init__(
        self,
        client: Client,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._transactions = OptimisticTransactions(client, sleep=sleep, jitter=jitter)
        self._deliveries = client.collection("deliveries")

    def get(self, key: str) -> Delivery | None:
        """See DeliveryStore."""
        return _delivery(_content(self._transactions, self._document(key)))

    def transact(self, key: str, decide: DecideDelivery) -> Delivery:
        """See DeliveryStore."""

        def plan(stored: Sequence[Content | None]) -> tuple[Sequence[Content | None], Delivery]:
            current = _delivery(stored[0])
            delivery = decide(current)
            unchanged = delivery == current
            return [None if unchanged else {"delivery": msgspec.to_builtins(delivery)}], delivery

        return self._transactions.run([self._document(key)], plan)

    def _document(self, key: str) -> DocumentReference:
        return self._deliveries.document(_document_id(key))


class FirestoreRejectedStore:
    """RejectedStore on the collection ``rejected``."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._rejected = client.collection("rejected")

    def keep(self, message: RejectedMessage) -> None:
        """See RejectedStore."""
        # As JSON, since strangers choose the names of attributes and Firestore refuses some.
        content = {
            "message": msgspec.json.encode(message).decode(),
            "source": message.source,
            "reason": message.reason,
            "received_at": message.received_at,
            "expires_at": message.received_at + _REJECTED_KEPT,
        }
        with classified(f"keeping rejected message {message.id}"):
            document = self._rejected.document(_document_id(message.id))
            document.set(content, retry=RETRY, timeout=TIMEOUT_S)

    def get(self, message_id: str) -> RejectedMessage | None:
        """See RejectedStore."""
        content = _read(self._rejected.document(_document_id(message_id)))
        if content is None:
            return None
        return msgspec.json.decode(content["message"], type=RejectedMessage)

    def list(self, limit: int = 100) -> Sequence[RejectedMessage]:
        """See RejectedStore."""
        latest = self._rejected.order_by("received_at", direction=Query.DESCENDING).limit(limit)
        with classified("listing rejected messages"):
            found = latest.get(retry=RETRY, timeout=TIMEOUT_S)
        return [
            msgspec.json.decode(snapshot.get("message"), type=RejectedMessage) for snapshot in found
        ]


class FirestoreAvailabilityStore:
    """AvailabilityStore on the collection ``availability``."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._availability = client.collection("availability")

    def get(self, mentor_id: str) -> Availability | None:
        """See AvailabilityStore."""
        content = _read(self._document(mentor_id))
        return None if content is None else msgspec.convert(content["availability"], Availability)

    def put(self, availability: Availability) -> None:
        """See AvailabilityStore."""
        document = self._document(availability.mentor_id)
        with classified(f"writing {document.path}"):
            content = {"availability": msgspec.to_builtins(availability)}
            document.set(content, retry=RETRY, timeout=TIMEOUT_S)

    def _document(self, mentor_id: str) -> DocumentReference:
        return self._availability.document(_document_id(mentor_id))


def _read(document: DocumentReference) -> Content | None:
    with classified(f"reading {document.path}"):
        return document.get(retry=RETRY, timeout=TIMEOUT_S).to_dict()


def _content(transactions: OptimisticTransactions, reference: DocumentReference) -> Content | None:
    with classified(f"reading {reference.path}"):
        return transactions.read([reference])[reference.path].content


def _order(content: Content | None) -> Order | None:
    return None if content is None else msgspec.convert(content["order"], Order)


def _order_content(order: Order) -> Content:
    return {
        "order": msgspec.to_builtins(order),
        "status": str(order.status),
        "next_reminder_at": order.next_reminder_at,
        "check_at": order.check_at,
        "changed_at": order.changed_at,
        # Left out where it is false, so that what is indexed is only what waits.
        "waits_for_admin": order.waits_for_admin or None,
    }


def _day(key: DayKey, content: Content | None) -> MentorDay:
    return MentorDay(key=key) if content is None else msgspec.convert(content["day"], MentorDay)


def _changed_days(change: Change, known: Days) -> Mapping[DayKey, Content]:
    return {day.key: _day_content(day) for day in change.days if day != known[day.key]}


def _day_content(day: MentorDay) -> Content:
    over = datetime.combine(day.key.day, datetime.min.time(), UTC)
    return {"day": msgspec.to_builtins(day), "expires_at": over + _DAYS_KEPT}


def _delivery(content: Content | None) -> Delivery | None:
    return None if content is None else msgspec.convert(content["delivery"], Delivery)


def _document_id(key: str) -> str:
    """Return the key as a document id, in which a slash would begin a subcollection.

    Strangers' words may be in it; the end of one that is too long is told by its digest.
    """
    written = quote(key, safe=":")
    if len(written) <= _MAX_ID_BYTES:
        return written
    return f"{written[: _MAX_ID_BYTES // 2]}.{hashlib.sha256(key.encode()).hexdigest()}"
