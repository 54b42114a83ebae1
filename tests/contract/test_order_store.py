"""What every OrderStore does, in memory, in SQLite and in Firestore."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
import pytest
from google.cloud.firestore import Client

from shared.adapters.firestore import FirestoreOrderStore
from shared.adapters.sqlite_stores import SqliteOrderStore
from shared.domain.events import OrderCreated
from shared.domain.order import Attention, Change, Order, Status
from shared.domain.placement import place, released
from shared.domain.schedule import DayKey, Days, MentorDay
from shared.errors import ClaimedError, RetryableError, TransitionError
from shared.ports import OrderStore
from tests.builders import NOW, invoiced_order, order, order_created, scheduled_order
from tests.fakes import FakeOrderStore

DAY = order().day_keys[0]
MINUTE = timedelta(minutes=1)
T = TypeVar("T")


class Subject(NamedTuple):
    """A store, and a number or the like that changes with every write."""

    store: OrderStore
    version: Callable[[], object]


@pytest.fixture(params=["fake", "sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "fake":
        fake = FakeOrderStore()
        yield Subject(fake, lambda: fake.writes)
    elif request.param == "sqlite":
        sqlite = SqliteOrderStore(tmp_path / "orders.db")
        with closing(sqlite), closing(sqlite3.connect(tmp_path / "orders.db")) as observer:
            yield Subject(sqlite, lambda: observer.execute("PRAGMA data_version").fetchone())
    else:
        client = request.getfixturevalue("firestore_client")
        yield Subject(FirestoreOrderStore(client), partial(_update_times, client))


def _update_times(client: Client) -> object:
    both = (client.collection(name).stream() for name in ("orders", "mentor_days"))
    return {(found.reference.path, found.update_time) for found in chain(*both)}


@pytest.fixture
def store(subject: Subject) -> OrderStore:
    return subject.store


def put(store: OrderStore, *orders: Order) -> None:
    for each in orders:
        store.transact(each.id, partial(_replace, by=each))


def _replace(_current: Order | None, _days: Days, *, by: Order) -> Change:
    return Change(order=by)


def _book(current: Order | None, days: Days) -> Change:
    booked = tuple(day.with_booking(order().booking) for day in days.values())
    return Change(order=current or order(), days=booked)


def _look(days_seen: list[Days]) -> Callable[[Order | None, Days], Change]:
    def look(current: Order | None, days: Days) -> Change:
        days_seen.append(days)
        return Change(order=current or order())

    return look


def stored_day(store: OrderStore, key: DayKey) -> MentorDay:
    seen: list[Days] = []
    store.transact(order().id, _look(seen), [key])
    return seen[0][key]


def test_unknown_order_is_none(store: OrderStore) -> None:
    assert store.get("NUS-2026-000123") is None


def test_decision_on_unknown_order_gets_none_and_empty_days(store: OrderStore) -> None:
    calls: list[tuple[Order | None, Days]] = []

    def decide(current: Order | None, days: Days) -> Change:
        calls.append((current, days))
        return Change(order=order())

    assert store.transact(order().id, decide, [DAY]) == order()
    assert calls == [(None, {DAY: MentorDay(key=DAY)})]


def test_every_field_comes_back_as_it_was_stored(store: OrderStore) -> None:
    full = scheduled_order(
        attention=(Attention(reason="paid_twice", since=NOW),),
        claimed_until=NOW + timedelta(microseconds=1),
        room_wanted_since=NOW,
    )
    put(store, full)
    assert store.get(full.id) == full


def test_writing_again_replaces_the_whole_order(store: OrderStore) -> None:
    put(store, scheduled_order(), order())
    assert store.get(order().id) == order()


def test_days_are_stored_with_the_order(store: OrderStore) -> None:
    keys = [DAY, DayKey("m-4", DAY.day + timedelta(days=1))]
    store.transact(order().id, _book, keys)
    for key in keys:
        assert stored_day(store, key) == MentorDay(key=key, bookings=(order().booking,))


def test_a_booking_is_taken_out_of_its_day_again(store: OrderStore) -> None:
    def free(current: Order | None, days: Days) -> Change:
        return Change(order=current or order(), days=(days[DAY].without_order(order().id),))

    store.transact(order().id, _book, [DAY])
    store.transact(order().id, free, [DAY])
    assert stored_day(store, DAY) == MentorDay(key=DAY)


def test_days_of_different_mentors_are_apart(store: OrderStore) -> None:
    store.transact(order().id, _book, [DAY])
    other = DayKey("m-5", DAY.day)
    assert stored_day(store, other) == MentorDay(key=other)


def test_a_day_asked_for_twice_is_one_day(store: OrderStore) -> None:
    store.transact(order().id, _book, [DAY, DAY])
    assert stored_day(store, DAY).bookings == (order().booking,)


def test_decision_that_raises_stores_nothing(store: OrderStore) -> None:
    put(store, order())

    def fail(current: Order | None, days: Days) -> Change:
        raise TransitionError("no")

    with pytest.raises(TransitionError, match=r"^no$"):
        store.transact(order().id, fail, [DAY])
    assert store.get(order().id) == order()


def test_a_day_that_was_not_asked_for_stores_nothing(store: OrderStore) -> None:
    def stray(current: Order | None, _days: Days) -> Change:
        return Change(order=order(), days=(MentorDay(key=DAY, bookings=(order().booking,)),))

    with pytest.raises(KeyError):
        store.transact(order().id, stray)
    assert store.get(order().id) is None
    assert stored_day(store, DAY) == MentorDay(key=DAY)


def test_an_order_that_was_moved_to_a_day_that_was_not_asked_for_is_tried_again_later(
    store: OrderStore,
) -> None:
    put(store, order())

    def free(current: Order | None, days: Days) -> Change:
        assert current is not None
        return released(current, days)

    with pytest.raises(RetryableError, match="moved meanwhile"):
        store.transact(order().id, free)
    assert store.get(order().id) == order()


def test_what_is_returned_unchanged_is_not_written(subject: Subject) -> None:
    subject.store.transact(order().id, _book, [DAY])
    before = subject.version()
    subject.store.transact(order().id, _book, [DAY])
    assert subject.version() == before
    put(subject.store, invoiced_order())
    assert subject.version() != before


def test_due_orders_come_earliest_first_up_to_the_limit(store: OrderStore) -> None:
    for reader, timer in _timers(store):
        put(store, *(_timed(f"{timer}-{n}", timer, NOW - n * MINUTE) for n in (2, 0, 3, 1)))
        assert _ids(reader(NOW, 3)) == [f"{timer}-3", f"{timer}-2", f"{timer}-1"]
        assert _ids(reader(NOW, 10)) == [f"{timer}-{n}" for n in (3, 2, 1, 0)]


def test_an_order_is_due_from_the_very_instant(store: OrderStore) -> None:
    for reader, timer in _timers(store):
        put(store, _timed(timer, timer, NOW))
        assert _ids(reader(NOW - timedelta(milliseconds=1), 10)) == []
        assert _ids(reader(NOW, 10)) == [timer]


def test_an_order_without_a_timer_is_never_due(store: OrderStore) -> None:
    put(store, order(next_reminder_at=None, check_at=None))
    for reader, _ in _timers(store):
        assert reader(datetime.max.replace(tzinfo=NOW.tzinfo), 10) == []


def test_a_timer_that_was_moved_or_cleared_is_no_longer_due(store: OrderStore) -> None:
    for reader, timer in _timers(store):
        put(store, _timed("a", timer, NOW), _timed("b", timer, NOW))
        put(store, _timed("a", timer, NOW + MINUTE), order(id="b"))
        assert _ids(reader(NOW, 10)) == []


def test_due_orders_are_whole(store: OrderStore) -> None:
    due = scheduled_order(next_reminder_at=NOW)
    put(store, due)
    assert list(store.due_for_reminder(NOW, 1)) == [due]


def test_scan_yields_every_order_by_id(store: OrderStore) -> None:
    ids = ["B-2", "a-10", "a-2", "A-1", "a.1", "a_1"]
    put(store, *(order(id=each) for each in ids))
    assert [each.id for each in store.scan()] == sorted(ids)


def test_scan_of_nothing_is_empty(store: OrderStore) -> None:
    assert list(store.scan()) == []


def test_concurrent_changes_of_one_order_are_all_kept(store: OrderStore) -> None:
    put(store, order())
    _in_threads(8, lambda _: [store.transact(order().id, _one_more) for _ in range(5)])
    found = store.get(order().id)
    assert found is not None
    assert found.room_attempt == 40


def test_concurrent_changes_of_a_shared_day_are_all_kept(store: OrderStore) -> None:
    def take(n: int) -> None:
        own = order(id=f"order-{n}")
        store.transact(own.id, partial(_take, own=own), [DAY])

    _in_threads(8, take)
    booked = {booking.order_id for booking in stored_day(store, DAY).bookings}
    assert booked == {f"order-{n}" for n in range(8)}


def test_only_one_of_many_orders_gets_a_slot(store: OrderStore) -> None:
    _in_threads(8, partial(_place, store))
    placed = list(store.scan())
    assert len(placed) == 8
    accepted = [each for each in placed if each.status is Status.PENDING]
    assert len(accepted) == 1
    assert stored_day(store, DAY).bookings == (accepted[0].booking,)
    assert {each.reason for each in placed if each not in accepted} == {"slot_taken"}


def test_two_deliveries_of_one_new_order_do_not_both_claim_it(store: OrderStore) -> None:
    first, second = _in_threads(2, lambda _: _attempt(store))
    assert sorted([first, second]) == ["claimed", "placed"]


@pytest.mark.parametrize(("guarded", "winners"), [(True, 1), (False, 2)])
def test_without_the_precondition_both_orders_get_the_slot(guarded: bool, winners: int) -> None:
    """The negative control of the races above: both decide on the same state, then both commit."""
    store = FakeOrderStore(guarded=guarded)
    both_have_read = threading.Barrier(2)

    def race(n: int) -> None:
        waiting = iter([both_have_read.wait])

        def decide(current: Order | None, days: Days) -> Change:
            next(waiting, lambda: None)()
            return place(current, days, request=_request(n), claim=MINUTE, now=NOW)

        store.transact(f"order-{n}", decide, [DAY])

    _in_threads(2, race)
    assert [each.status for each in store.scan()].count(Status.PENDING) == winners


def _timers(
    store: OrderStore,
) -> list[tuple[Callable[[datetime, int], Sequence[Order]], str]]:
    return [(store.due_for_reminder, "next_reminder_at"), (store.due_for_check, "check_at")]


def _timed(order_id: str, timer: str, at: datetime) -> Order:
    return msgspec.structs.replace(order(id=order_id), **{timer: at})


def _ids(orders: Sequence[Order]) -> list[str]:
    return [each.id for each in orders]


def _one_more(current: Order | None, _days: Days) -> Change:
    assert current is not None
    return Change(order=msgspec.structs.replace(current, room_attempt=current.room_attempt + 1))


def _take(_current: Order | None, days: Days, *, own: Order) -> Change:
    return Change(order=own, days=tuple(day.with_booking(own.booking) for day in days.values()))


def _request(n: int) -> OrderCreated:
    return order_created(order_id=f"order-{n}")


def _place(store: OrderStore, n: int) -> Order:
    decide = partial(place, request=_request(n), claim=MINUTE, now=NOW)
    return store.transact(f"order-{n}", decide, [DAY])


def _attempt(store: OrderStore) -> str:
    try:
        _place(store, 0)
    except ClaimedError:
        return "claimed"
    return "placed"


def _in_threads(count: int, work: Callable[[int], T]) -> list[T]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count), timeout=60))
