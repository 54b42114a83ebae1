"""What every RejectedStore does, in memory, in SQLite and in Firestore."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from shared import messages
from shared.adapters.firestore import FirestoreRejectedStore
from shared.adapters.sqlite_stores import SqliteRejectedStore
from shared.ports import RejectedStore
from tests.builders import NOW, rejected_message
from tests.fakes import FakeRejectedStore


@pytest.fixture(params=["fake", "sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RejectedStore]:
    if request.param == "fake":
        yield FakeRejectedStore()
    elif request.param == "sqlite":
        with closing(SqliteRejectedStore(tmp_path / "rejected.db")) as sqlite:
            yield sqlite
    else:
        yield FirestoreRejectedStore(request.getfixturevalue("firestore_client"))


def test_nothing_is_there_at_first(store: RejectedStore) -> None:
    assert list(store.list()) == []


def test_a_message_comes_back_as_it_was_kept(store: RejectedStore) -> None:
    store.keep(rejected_message())
    assert list(store.list()) == [rejected_message()]


def test_a_message_is_found_by_its_id(store: RejectedStore) -> None:
    store.keep(rejected_message(id="a/1"))
    store.keep(rejected_message(id="a/2"))
    assert store.get("a/1") == rejected_message(id="a/1")
    assert store.get("a") is None


def test_the_latest_come_first_up_to_the_limit(store: RejectedStore) -> None:
    for n in (2, 4, 1, 3):
        at = NOW + timedelta(milliseconds=n)
        store.keep(rejected_message(id=str(n), received_at=at))
    assert [message.id for message in store.list(3)] == ["4", "3", "2"]


def test_the_same_id_again_replaces(store: RejectedStore) -> None:
    store.keep(rejected_message())
    again = rejected_message(reason="other", attributes={}, received_at=NOW + timedelta(hours=1))
    store.keep(again)
    assert list(store.list()) == [again]


@pytest.mark.parametrize("message_id", ["a/b", "a b%2Fc", "ünï", "x" * 300, "/" * 1000])
def test_any_id_can_be_kept(store: RejectedStore, message_id: str) -> None:
    store.keep(rejected_message(id=message_id))
    assert list(store.list()) == [rejected_message(id=message_id)]


@pytest.mark.parametrize("name", ["__name__", "a.b", "a`b", "ünï", "", "x" * 256])
def test_attributes_of_any_name_are_kept(store: RejectedStore, name: str) -> None:
    strange = rejected_message(attributes={name: "value"})
    store.keep(strange)
    assert list(store.list()) == [strange]


@pytest.mark.parametrize("character", ["x", "\x00", "\u20ac", "\U0001f600", "\x85", '"'])
def test_the_largest_body_that_is_kept_fits(store: RejectedStore, character: str) -> None:
    large = rejected_message(body=character * messages.MAX_KEPT_CHARACTERS)
    store.keep(large)
    assert list(store.list()) == [large]
