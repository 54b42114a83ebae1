"""What is particular to the Firestore stores: who gives way, how often, and which errors pass."""

from datetime import timedelta
from functools import partial

import msgspec
import pytest
from google.cloud.firestore import Client

from shared.adapters.firestore import FirestoreDeliveryStore, FirestoreOrderStore
from shared.adapters.firestore_transact import ATTEMPTS
from shared.domain.deliveries import Delivery
from shared.domain.order import Change, Order
from shared.domain.schedule import Days
from shared.errors import PermanentError, RetryableError
from tests.builders import delivery, order

pytestmark = pytest.mark.emulator

DAY = order().day_keys[0]


def _attempt_number(current: Order | None, _days: Days, *, by: int) -> Change:
    known = current or order()
    return Change(order=msgspec.structs.replace(known, room_attempt=known.room_attempt + by))


def test_a_decision_runs_again_on_what_somebody_wrote_in_between(firestore_client: Client) -> None:
    mine = FirestoreOrderStore(firestore_client, sleep=lambda _: None)
    theirs = FirestoreOrderStore(firestore_client)
    seen: list[Order | None] = []

    def decide(current: Order | None, days: Days) -> Change:
        if len(seen) < 2:
            theirs.transact(order().id, partial(_attempt_number, by=10))
        seen.append(current)
        return _attempt_number(current, days, by=1)

    # The first conflict is over creating the document, the second over changing it.
    assert mine.transact(order().id, decide) == order(room_attempt=21)
    assert seen == [None, order(room_attempt=10), order(room_attempt=20)]


def test_who_is_always_late_gives_up_and_may_come_again(firestore_client: Client) -> None:
    pauses: list[float] = []
    mine = FirestoreDeliveryStore(firestore_client, sleep=pauses.append, jitter=lambda: 1.0)
    theirs = FirestoreDeliveryStore(firestore_client)

    def decide(_current: Delivery | None) -> Delivery:
        theirs.transact(delivery().key, partial(_longer, by="theirs"))
        return delivery()

    with pytest.raises(RetryableError, match=f"{ATTEMPTS} times others were faster"):
        mine.transact(delivery().key, decide)
    assert pauses == [0.04, 0.08, 0.16, 0.32, 0.64, *[1.0] * (ATTEMPTS - 6)]
    assert theirs.get(delivery().key) == delivery(failed="theirs" * ATTEMPTS)


def _longer(current: Delivery | None, *, by: str) -> Delivery:
    known = current or delivery(failed="")
    return msgspec.structs.replace(known, failed=f"{known.failed}{by}")


def test_the_order_is_guarded_even_when_only_its_day_changes(firestore_client: Client) -> None:
    store = FirestoreOrderStore(firestore_client, sleep=lambda _: None)
    store.transact(order().id, partial(_attempt_number, by=0))
    decided_on: list[int] = []

    def book(current: Order | None, days: Days) -> Change:
        assert current is not None
        if not decided_on:
            store.transact(order().id, partial(_attempt_number, by=1))
        decided_on.append(current.room_attempt)
        return Change(order=current, days=(days[DAY].with_booking(current.booking),))

    store.transact(order().id, book, [DAY])
    assert decided_on == [0, 1]


def test_a_day_that_changes_shows_even_a_decision_that_wrote_only_the_order(
    firestore_client: Client,
) -> None:
    store = FirestoreOrderStore(firestore_client, sleep=lambda _: None)
    store.transact(order().id, partial(_attempt_number, by=0))
    bookings_seen: list[int] = []

    def book(current: Order | None, days: Days) -> Change:
        return Change(order=current or order(), days=(days[DAY].with_booking(order().booking),))

    def count(current: Order | None, days: Days) -> Change:
        if not bookings_seen:
            store.transact(order().id, book, [DAY])
        bookings_seen.append(len(days[DAY].bookings))
        return _attempt_number(current, days, by=1)

    store.transact(order().id, count, [DAY])
    assert bookings_seen == [0, 1]


def test_an_id_that_firestore_refuses_is_no_reason_to_come_again(firestore_client: Client) -> None:
    with pytest.raises(PermanentError, match="__reserved__"):
        FirestoreOrderStore(firestore_client).get("__reserved__")


def test_orders_beyond_one_page_are_scanned_too(firestore_client: Client) -> None:
    batch = firestore_client.batch()
    ids = [f"order-{n:03}" for n in range(401)]
    for each in ids:
        content = {"order": msgspec.to_builtins(order(id=each))}
        batch.set(firestore_client.collection("orders").document(each), content)
    batch.commit()
    assert [found.id for found in FirestoreOrderStore(firestore_client).scan()] == ids


def test_timers_are_stored_to_the_microsecond(firestore_client: Client) -> None:
    store = FirestoreOrderStore(firestore_client)
    at = order().history[0].at + timedelta(microseconds=1)
    due = order(check_at=at)
    store.transact(order().id, lambda _current, _days: Change(order=due))
    assert store.due_for_check(at - timedelta(microseconds=1), 1) == []
    assert store.due_for_check(at, 1) == [due]


def test_what_was_read_is_decided_on_at_once_and_anew_if_it_had_changed(
    firestore_client: Client,
) -> None:
    mine = FirestoreOrderStore(firestore_client, sleep=lambda _: None)
    theirs = FirestoreOrderStore(firestore_client)
    mine.transact(order().id, partial(_attempt_number, by=0))
    theirs.transact(order().id, partial(_attempt_number, by=10))
    seen: list[int] = []

    def decide(current: Order | None, days: Days) -> Change:
        assert current is not None
        seen.append(current.room_attempt)
        return _attempt_number(current, days, by=1)

    assert mine.transact(order().id, decide).room_attempt == 11
    assert mine.transact(order().id, decide).room_attempt == 12
    assert seen == [0, 10, 11]


def test_what_is_refused_because_of_an_old_copy_is_looked_at_again(
    firestore_client: Client,
) -> None:
    mine = FirestoreDeliveryStore(firestore_client)
    theirs = FirestoreDeliveryStore(firestore_client)
    mine.transact(delivery().key, lambda _: delivery(failed=""))
    theirs.transact(delivery().key, partial(_longer, by="theirs"))

    def decide(current: Delivery | None) -> Delivery:
        if current is None or not current.failed:
            raise RetryableError("being sent")
        return current

    assert mine.transact(delivery().key, decide) == delivery(failed="theirs")
