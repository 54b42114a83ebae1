"""What every AvailabilityStore does, in memory, in SQLite and in Firestore."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, time
from pathlib import Path

import msgspec
import pytest

from shared.adapters.firestore import FirestoreAvailabilityStore
from shared.adapters.sqlite_stores import SqliteAvailabilityStore
from shared.domain.availability import Availability, WeeklyHours
from shared.ports import AvailabilityStore
from tests.fakes import FakeAvailabilityStore

FULL = Availability(
    mentor_id="m-4",
    time_zone="Asia/Makassar",
    hours=(
        WeeklyHours(weekday=0, from_=time(18), until=time(0)),
        WeeklyHours(weekday=1, from_=time(0), until=time(1, 30)),
    ),
    days_off=(date(2026, 12, 25), date(2027, 1, 1)),
    buffer_minutes=15,
    notice_minutes=720,
)


@pytest.fixture(params=["fake", "sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AvailabilityStore]:
    if request.param == "fake":
        yield FakeAvailabilityStore()
    elif request.param == "sqlite":
        with closing(SqliteAvailabilityStore(tmp_path / "availability.db")) as sqlite:
            yield sqlite
    else:
        yield FirestoreAvailabilityStore(request.getfixturevalue("firestore_client"))


def test_nothing_is_known_of_a_mentor_at_first(store: AvailabilityStore) -> None:
    assert store.get("m-4") is None


def test_every_field_comes_back_as_it_was_stored(store: AvailabilityStore) -> None:
    store.put(FULL)
    assert store.get("m-4") == FULL


def test_a_record_takes_the_place_of_the_one_before(store: AvailabilityStore) -> None:
    store.put(FULL)
    store.put(Availability(mentor_id="m-4"))
    assert store.get("m-4") == Availability(mentor_id="m-4")


def test_mentors_are_apart(store: AvailabilityStore) -> None:
    other = msgspec.structs.replace(FULL, mentor_id="M-4")
    store.put(FULL)
    store.put(other)
    assert [store.get(mentor_id) for mentor_id in ("m-4", "M-4", "m")] == [FULL, other, None]


@pytest.mark.parametrize("mentor_id", ["a" * 100, "a..b", "4__"])
def test_any_identifier_can_be_kept(store: AvailabilityStore, mentor_id: str) -> None:
    record = msgspec.structs.replace(FULL, mentor_id=mentor_id)
    store.put(record)
    assert store.get(mentor_id) == record
