"""What every DeliveryStore does, in memory, in SQLite and in Firestore."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest

from shared.adapters.firestore import FirestoreDeliveryStore
from shared.adapters.sqlite_stores import SqliteDeliveryStore
from shared.domain.deliveries import Delivery, claim_draft
from shared.domain.notifications import Kind, Notification, Recipient
from shared.errors import ClaimedError
from shared.ports import DeliveryStore
from tests.builders import NOW, delivery
from tests.fakes import FakeDeliveryStore

KEY = delivery().key


@pytest.fixture(params=["fake", "sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DeliveryStore]:
    if request.param == "fake":
        yield FakeDeliveryStore()
    elif request.param == "sqlite":
        with closing(SqliteDeliveryStore(tmp_path / "deliveries.db")) as sqlite:
            yield sqlite
    else:
        yield FirestoreDeliveryStore(request.getfixturevalue("firestore_client"))


def test_unknown_delivery_is_none(store: DeliveryStore) -> None:
    assert store.get(KEY) is None


def test_decision_on_unknown_delivery_gets_none(store: DeliveryStore) -> None:
    calls: list[Delivery | None] = []

    def decide(current: Delivery | None) -> Delivery:
        calls.append(current)
        return delivery()

    assert store.transact(KEY, decide) == delivery()
    assert calls == [None]


def test_every_field_comes_back_as_it_was_stored(store: DeliveryStore) -> None:
    full = delivery(sent_at=NOW + timedelta(microseconds=1), failed="550 no such user")
    store.transact(KEY, lambda _: full)
    assert store.get(KEY) == full


def test_writing_again_replaces_the_whole_record(store: DeliveryStore) -> None:
    bare = Delivery(key=KEY, order_id=delivery().order_id)
    store.transact(KEY, lambda _: delivery())
    store.transact(KEY, lambda _: bare)
    assert store.get(KEY) == bare


@pytest.mark.parametrize("detail", ["60", "a/b", "a b%2Fc", "ünï", ".."])
def test_any_detail_makes_a_key_of_its_own(store: DeliveryStore, detail: str) -> None:
    key = f"order-1:reminder-{detail}:mentee:email"
    store.transact(key, lambda _: delivery(key=key))
    assert store.get(key) == delivery(key=key)
    assert store.get(KEY) is None


def test_decision_that_raises_stores_nothing(store: DeliveryStore) -> None:
    def fail(current: Delivery | None) -> Delivery:
        raise ClaimedError("being sent")

    with pytest.raises(ClaimedError, match=r"^being sent$"):
        store.transact(KEY, fail)
    assert store.get(KEY) is None


def test_concurrent_changes_are_all_kept(store: DeliveryStore) -> None:
    def one_more(current: Delivery | None) -> Delivery:
        known = current or delivery(failed="")
        return msgspec.structs.replace(known, failed=f"{known.failed}x")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: [store.transact(KEY, one_more) for _ in range(3)], range(8)))
    assert store.get(KEY) == delivery(failed="x" * 24)


def test_only_one_of_many_claims_the_message(store: DeliveryStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(partial(_claim, store), range(8)))
    assert sorted(outcomes) == ["claimed", *["refused"] * 7]


def _claim(store: DeliveryStore, n: int) -> str:
    message = Notification(
        order_id="NUS-2026-000123", kind=Kind.INVOICE_READY, recipient=Recipient.MENTEE
    )
    claim = partial(
        claim_draft,
        notification=message,
        draft_id=f"draft-{n}",
        claim=timedelta(minutes=1),
        now=NOW,
    )
    try:
        store.transact(message.key, claim)
    except ClaimedError:
        return "refused"
    return "claimed"
