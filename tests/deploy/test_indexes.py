"""Every query that the code makes is covered by an index; the emulator would not tell."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from google.cloud.firestore import Client, FieldFilter, Query
from google.cloud.firestore_v1 import types

from deploy.firestore import Index, IndexField, IndexSpec, Override, apply_indexes, load_spec
from deploy.gcloud import Gcloud
from local.staging import ROOT
from shared.adapters import firestore
from shared.domain.schedule import DayKey
from tests.builders import NOW
from tests.deploy.queries import EmptyFirestore, query_lines, serving, traced, uncovered

STORES = (
    firestore.FirestoreOrderStore,
    firestore.FirestoreDeliveryStore,
    firestore.FirestoreRejectedStore,
    firestore.FirestoreAvailabilityStore,
)
ARGUMENTS = {
    "order_id": "o",
    "key": "k",
    "keys": (DayKey("m", NOW.date()),),
    "message_id": "m",
    "mentor_id": "m",
    "now": NOW,
    "since": NOW,
    "limit": 5,
}
WHOLE = {
    "orders": "order",
    "mentor_days": "day",
    "deliveries": "delivery",
    "rejected": "message",
    "availability": "availability",
}


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmptyFirestore]:
    """Return an empty database that Google's client is connected to."""
    found = EmptyFirestore()
    with serving(found) as host:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", host)
        yield found


@pytest.fixture
def client(database: EmptyFirestore) -> Iterator[Client]:
    """Return a client of the database."""
    made = Client(project="demo")
    yield made
    made._firestore_api.transport.close()


def read_everything(client: Client) -> None:
    """Call every method of every store that only reads."""
    for store in STORES:
        for name, method in inspect.getmembers(store(client), inspect.ismethod):
            names = inspect.signature(method).parameters.keys()
            if not name.startswith("_") and names <= ARGUMENTS.keys():
                found = method(**{known: ARGUMENTS[known] for known in names})
                if isinstance(found, Iterator):
                    next(found, None)


def test_every_query_of_the_code_is_covered_by_an_index(
    client: Client, database: EmptyFirestore
) -> None:
    read_everything(client)
    assert len(database.queries) >= 6
    assert [uncovered(query, load_spec()) for query in database.queries] == [""] * len(
        database.queries
    )


def test_no_query_of_the_code_is_missed(client: Client) -> None:
    ran: set[tuple[str, int]] = set()
    with traced(ran, str(firestore.__file__)):
        read_everything(client)
    written = query_lines([ROOT / "shared", ROOT / "functions"])
    assert written - ran == set()
    assert written


def test_every_store_is_read() -> None:
    known = {name for name in vars(firestore) if name.startswith("Firestore")}
    assert known == {store.__name__ for store in STORES}


def query(*filters: tuple[str, str], order: tuple[str, ...] = ()) -> types.StructuredQuery:
    """Return a query of orders; a minus before a field's name turns its order round."""
    made: Any = Query(Client(project="demo").collection("orders"))
    for field, operator in filters:
        made = made.where(filter=FieldFilter(field, operator, "x"))
    for field in order:
        down = field.startswith("-")
        made = made.order_by(
            field.removeprefix("-"), direction="DESCENDING" if down else "ASCENDING"
        )
    return types.StructuredQuery(made._to_protobuf())


def composite(*fields: tuple[str, str]) -> Index:
    return Index(collection_group="orders", fields=tuple(IndexField(*field) for field in fields))


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("filters", "order"),
    [
        ([("status", "==")], ("check_at",)),
        ([("status", "=="), ("check_at", "<=")], ()),
        ([], ("status", "check_at")),
        ([("status", "==")], ("-check_at",)),
    ],
)
def test_a_query_that_needs_a_composite_index_is_found_out(
    filters: list[tuple[str, str]], order: tuple[str, ...]
) -> None:
    assert uncovered(query(*filters, order=order), load_spec()) != ""


@pytest.mark.usefixtures("database")
def test_a_composite_index_covers_its_query_and_no_other() -> None:
    spec = IndexSpec(indexes=(composite(("status", "ASCENDING"), ("check_at", "ASCENDING")),))
    assert uncovered(query(("status", "=="), order=("check_at",)), spec) == ""
    assert uncovered(query(("status", "==")), spec) == ""
    assert uncovered(query(("status", "=="), order=("-check_at",)), spec) != ""
    assert uncovered(query(("status", "=="), order=("next_reminder_at",)), spec) != ""


@pytest.mark.usefixtures("database")
def test_a_query_by_a_field_that_is_not_indexed_is_found_out() -> None:
    spec = IndexSpec(field_overrides=(Override(collection_group="orders", field_path="check_at"),))
    assert uncovered(query(("check_at", "<=")), spec) != ""
    assert uncovered(query(order=("__name__",)), spec) == ""
    assert uncovered(query(("check_at", "<=")), IndexSpec()) == ""


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("operator", ["in", "array_contains", "!="])
def test_a_kind_of_query_that_is_not_known_yet_stops_the_test(operator: str) -> None:
    made: Any = Query(Client(project="demo").collection("orders"))
    made = made.where(filter=FieldFilter("a", operator, ["x"]))
    with pytest.raises(NotImplementedError):
        uncovered(types.StructuredQuery(made._to_protobuf()), load_spec())


@pytest.mark.parametrize("collection", WHOLE)
def test_the_record_itself_is_not_indexed(collection: str) -> None:
    overrides = {(o.collection_group, o.field_path) for o in load_spec().field_overrides}
    assert (collection, WHOLE[collection]) in overrides


def test_fields_that_grow_with_every_write_are_not_indexed() -> None:
    # About 500 writes a second is what an index of a rising value takes.
    overrides = {(o.collection_group, o.field_path) for o in load_spec().field_overrides}
    written = {"orders", "mentor_days", "deliveries"}
    assert {collection for collection, field in overrides if field == "updated_at"} == written


@pytest.mark.gcloud
def test_gcloud_takes_a_composite_index_and_the_second_time_it_is_there(
    deployed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in deployed.environment.items():
        monkeypatch.setenv(name, value)
    index = composite(("status", "ASCENDING"), ("check_at", "DESCENDING"))
    spec = IndexSpec(indexes=(index,), field_overrides=load_spec().field_overrides)
    said: list[str] = []
    for _ in range(2):
        apply_indexes(Gcloud(deployed.cloud.project, say=said.append), spec)
    assert said == ["  index of orders by status, check_at"]
