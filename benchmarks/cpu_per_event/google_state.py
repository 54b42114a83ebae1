"""The requests of production's stores and publisher, made with Google's clients and nothing else.

What is written is found out beforehand, by letting the stores write it into memory.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, cast

from google.cloud.firestore import Client, DocumentReference, DocumentSnapshot, FieldFilter
from google.pubsub_v1 import PublisherClient

from benchmarks.cpu_per_event import records
from benchmarks.cpu_per_event.state import Call, Timer
from benchmarks.operations.counts import Counts
from benchmarks.operations.documents import Documents
from functions.send_digest.use_case import MOST_ORDERS, MOST_WAITING
from functions.send_reminder.use_case import PAGE_SIZE
from local.config import WorldConfig
from shared import messages
from shared.adapters.firestore import (
    FirestoreDeliveryStore,
    FirestoreOrderStore,
    FirestoreRejectedStore,
)
from shared.adapters.firestore_transact import RETRY, TIMEOUT_S, Content
from shared.adapters.pubsub import REQUEST_TIMEOUT_S as PUBLISH_TIMEOUT_S
from shared.adapters.pubsub import RETRY as PUBLISH_RETRY
from shared.domain.deliveries import Delivery
from shared.domain.events import Event
from shared.domain.order import Change, Order
from shared.domain.schedule import DayKey, MentorDay
from shared.ports import RejectedMessage

# A collection, and the id of a document in it.
_Place = tuple[str, str]


class GoogleState:
    """State in Firestore and Pub/Sub."""

    def __init__(self, config: WorldConfig) -> None:
        self._client = Client(project=config.project)
        self._publisher = PublisherClient()
        self._topics = f"projects/{config.project}/topics"
        self._collections = {
            name: self._client.collection(name)
            for name in ("orders", "mentor_days", "deliveries", "rejected", "availability")
        }
        self._orders = self._collections["orders"]
        # When each document was updated, as last told: the precondition of the next write to it.
        self._updated: dict[str, datetime | None] = {}

    def read_order(self, order: Order) -> Call:
        """See State."""
        return partial(self._read, [_of_order(order)])

    def read_availability(self, order: Order) -> Call:
        """See State."""
        return partial(self._read_one, ("availability", order.mentor.id))

    def change(
        self,
        order: Order,
        days: Sequence[DayKey] = (),
        put: Sequence[MentorDay] = (),
        *,
        known: bool = False,
    ) -> Call:
        """See State."""
        documents, memory = _memory()
        store, keys = FirestoreOrderStore(memory), [day.key for day in put]
        # A day that stays as it was would not be written.
        for stored in (tuple(records.otherwise(day, order) for day in put), tuple(put)):
            store.transact(order.id, lambda *_, days=stored: Change(order=order, days=days), keys)
        places = [] if known else [_of_order(order), *map(_of_day, days)]
        return partial(self._transact, places, _written(documents))

    def due(self, timer: Timer, now: datetime) -> Call:
        """See State."""
        return partial(self._read_due, timer, now)

    def changed_since(self, since: datetime) -> Call:
        """See State."""
        return partial(self._read_changed, since)

    def waiting_for_admin(self) -> Call:
        """See State."""
        return self._read_waiting

    def read_delivery(self, key: str) -> Call:
        """See State."""
        return partial(self._read, [("deliveries", key)])

    def put_delivery(self, delivery: Delivery, *, known: bool = True) -> Call:
        """See State."""
        documents, memory = _memory()
        FirestoreDeliveryStore(memory).transact(delivery.key, lambda _: delivery)
        written = _written(documents)
        return partial(self._transact, [] if known else [*written], written)

    def keep(self, message: RejectedMessage) -> Call:
        """See State."""
        documents, memory = _memory()
        FirestoreRejectedStore(memory).keep(message)
        ((place, content),) = _written(documents).items()
        return partial(self._set, place, content)

    def publish(self, events: Sequence[Event], at: datetime) -> Call:
        """See State."""
        return partial(self._publish, [self._request(event, at) for event in events])

    def _request(self, event: Event, at: datetime) -> dict[str, Any]:
        message = {"data": messages.encode(event), "attributes": records.attributes(event, at)}
        return {"topic": f"{self._topics}/{event.topic}", "messages": [message]}

    def _publish(self, requests: Sequence[dict[str, Any]]) -> None:
        for request in requests:
            self._publisher.publish(request, retry=PUBLISH_RETRY, timeout=PUBLISH_TIMEOUT_S)

    def _read(self, places: Sequence[_Place]) -> None:
        references = [self._at(place) for place in places]
        self._note(self._client.get_all(references, retry=RETRY, timeout=TIMEOUT_S))

    def _read_one(self, place: _Place) -> None:
        self._at(place).get(retry=RETRY, timeout=TIMEOUT_S)

    def _read_due(self, timer: Timer, now: datetime) -> None:
        due = self._orders.where(filter=FieldFilter(timer, "<=", now)).order_by(timer)
        self._note(due.limit(PAGE_SIZE).get(retry=RETRY, timeout=TIMEOUT_S))

    def _read_changed(self, since: datetime) -> None:
        changed = self._orders.where(filter=FieldFilter("changed_at", ">=", since))
        changed.order_by("changed_at").limit(MOST_ORDERS).get(retry=RETRY, timeout=TIMEOUT_S)

    def _read_waiting(self) -> None:
        waiting = self._orders.where(filter=FieldFilter("waits_for_admin", "==", True))  # noqa: FBT003 - a value
        waiting.limit(MOST_WAITING).get(retry=RETRY, timeout=TIMEOUT_S)

    def _transact(self, places: Sequence[_Place], written: Mapping[_Place, Content]) -> None:
        if places:
            self._read(places)
        batch, references = self._client.batch(), []
        for place, content in written.items():
            reference = self._at(place)
            references.append(reference)
            updated = self._updated[reference.path]
            if updated is None:
                batch.create(reference, content)
            else:
                unchanged = self._client.write_option(last_update_time=updated)
                batch.update(reference, content, option=unchanged)
        results = batch.commit(retry=RETRY, timeout=TIMEOUT_S)
        for reference, result in zip(references, results, strict=True):
            self._updated[reference.path] = result.update_time

    def _set(self, place: _Place, content: Content) -> None:
        self._at(place).set(content, retry=RETRY, timeout=TIMEOUT_S)

    def _at(self, place: _Place) -> DocumentReference:
        collection, name = place
        return self._collections[collection].document(name)

    def _note(self, snapshots: Iterable[DocumentSnapshot[Any]]) -> None:
        for snapshot in snapshots:
            self._updated[snapshot.reference.path] = snapshot.update_time


def _of_order(order: Order) -> _Place:
    return "orders", order.id


def _of_day(key: DayKey) -> _Place:
    return "mentor_days", str(key)


def _memory() -> tuple[Documents, Client]:
    documents = Documents(Counts())
    return documents, cast("Client", documents)


def _written(documents: Documents) -> Mapping[_Place, Content]:
    written: dict[_Place, Content] = {}
    for document in documents.all():
        collection, _, name = document.path.partition("/")
        written[collection, name] = document.to_dict() or {}
    return written
