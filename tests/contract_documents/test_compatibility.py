"""What a version of an event once promised is kept, and what was once written stays readable."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from local.contracts.compatibility import HOW, broken
from local.contracts.files import FOLDER, BrokenContractError, committed_schemas, write
from local.contracts.samples import CONTRACTS, Contract
from local.contracts.schemas import schema_of
from shared import messages
from shared.domain.events import Event, InvoicePaid, OrderCreated
from shared.domain.money import Money
from shared.domain.people import Line, Person
from shared.domain.schedule import Instant, Session

CURRENT = {contract.name: schema_of(contract) for contract in CONTRACTS}
GOLDEN = {path.stem: json.loads(path.read_text()) for path in (FOLDER / "golden").glob("*.json")}


def test_no_event_type_changed_within_its_version() -> None:
    assert broken(committed_schemas(), CURRENT) == []


def test_every_version_has_a_golden_event() -> None:
    assert GOLDEN.keys() == CURRENT.keys(), "run `make contracts`; never remove a golden event"


@pytest.mark.parametrize("name", GOLDEN)
def test_an_event_that_was_once_written_still_means_the_same(name: str) -> None:
    golden = GOLDEN[name]
    kind = next(contract.kind for contract in CONTRACTS if contract.name == name)
    message = messages.PushedMessage(
        id="1",
        data=msgspec.json.encode(golden["data"]),
        attributes=golden["attributes"],
        subscription="",
        delivery_attempt=None,
    )
    read = json.loads(messages.encode(messages.decode(message, kind)))
    assert lost(golden["means"], read) == []


def lost(before: Mapping[str, Any], after: Mapping[str, Any], at: str = "$") -> list[str]:
    """Return the paths of what is said in ``before`` and not, or otherwise, in ``after``."""
    return [
        path
        for name, value in before.items()
        for path in (
            lost(value, after.get(name, {}), f"{at}.{name}")
            if isinstance(value, dict)
            else [f"{at}.{name}"] * (after.get(name) != value)
        )
    ]


def test_a_golden_event_that_means_something_else_is_noticed() -> None:
    before = {"a": 1, "b": {"c": None, "d": 2}}
    assert lost(before, {**before, "e": 3}) == []
    assert lost(before, {"a": 2, "b": {"c": None}}) == ["$.a", "$.b.d"]


PAID: dict[str, Any] = {"invoice_id": str, "paid_at": Instant, "price": Money}


def paid(version: int = 1, **fields: Any) -> Contract:
    """Return invoice.paid with other fields: a type, or a type and a default; without if None."""
    members = [
        (name, *rule) if isinstance(rule, tuple) else (name, rule)
        for name, rule in {**PAID, **fields}.items()
        if rule is not None
    ]
    kind = msgspec.defstruct(
        "InvoicePaid",
        members,
        bases=(Event,),
        namespace={"topic": "invoice.paid", "version": version, "__doc__": "Paid."},
        frozen=True,
        kw_only=True,
    )
    assert issubclass(kind, Event)
    return Contract(kind, {})


class Taxed(Money, frozen=True, kw_only=True):
    """A price with its tax."""

    amount: int
    reason: str


class Noted(Money, frozen=True, kw_only=True):
    """A price with a note."""

    reason: str = ""


def breaks(changed: Contract) -> list[str]:
    """Return what the changed type breaks of invoice.paid as it was."""
    return broken({"invoice.paid.v1": schema_of(paid())}, {changed.name: schema_of(changed)})


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (paid(invoice_id=None), "`$.invoice_id` is gone"),
        (paid(invoice_id=None, id=str), "`$.invoice_id` is gone"),
        (paid(invoice_id=int), '`$.invoice_id` was required {"type": "string"} and is required'),
        (paid(invoice_id=Line), '`$.invoice_id` was required {"type": "string"} and is required'),
        (paid(invoice_id=str | None), '`$.invoice_id` was required {"type": "string"} and is'),
        (paid(invoice_id=(str, "")), '`$.invoice_id` was required {"type": "string"} and is optio'),
        (paid(price=Session), "`$.price.amount` is gone"),
        (paid(invoice_id=Money), '`$.invoice_id` was required {"type": "string"} and is required'),
        (paid(price=Taxed), '`$.price.amount` was required {"type": "integer", "exclusiveMinimum"'),
        (paid(price=Taxed), "`$.price.reason` is new and required"),
        (paid(reason=str), "`$.reason` is new and required"),
        (paid(version=2), "it is promised, and no type has it any more"),
    ],
)
def test_a_field_that_changes_within_a_version_is_refused(changed: Contract, what: str) -> None:
    found = breaks(changed)
    assert any(line.startswith(f"invoice.paid.v1: {what}") for line in found), found
    assert all(line.endswith(HOW) for line in found)


@pytest.mark.parametrize(
    "changed",
    [paid(), paid(reason=(str, "")), paid(reason=(str | None, None)), paid(price=Noted)],
)
def test_an_optional_field_may_be_added_within_a_version(changed: Contract) -> None:
    assert breaks(changed) == []


def test_an_optional_field_that_was_added_is_promised_from_then_on() -> None:
    committed = {"invoice.paid.v1": schema_of(paid(reason=(str, "")))}
    assert len(broken(committed, {"invoice.paid.v1": schema_of(paid())})) == 1
    other_default = {"invoice.paid.v1": schema_of(paid(reason=(str, "none")))}
    assert len(broken(committed, other_default)) == 1


def test_a_new_version_stands_beside_the_old_one() -> None:
    committed = {"invoice.paid.v1": schema_of(paid())}
    second = paid(version=2, invoice_id=None)
    both = {c.name: schema_of(c) for c in (paid(), second)}
    assert broken(committed, both) == []


@pytest.mark.parametrize("part", [Person, Session, Money])
def test_what_events_are_made_of_is_promised_with_them(part: type[msgspec.Struct]) -> None:
    committed = {"order.created.v1": schema_of(Contract(OrderCreated, {}))}
    changed = json.loads(json.dumps(committed))
    changed["order.created.v1"]["$defs"][part.__name__]["required"].pop()
    assert broken(committed, changed) != []


def test_the_generator_refuses_a_break_and_writes_nothing(tmp_path: Path) -> None:
    write(tmp_path)
    before = contents(tmp_path)
    others = tuple(contract for contract in CONTRACTS if contract.kind is not InvoicePaid)
    with pytest.raises(BrokenContractError, match=r"invoice\.paid\.v1: it is promised"):
        write(tmp_path, others)
    assert contents(tmp_path) == before


def test_the_generator_never_writes_over_a_golden_event(tmp_path: Path) -> None:
    write(tmp_path)
    golden = tmp_path / "golden" / "invoice.paid.v1.json"
    golden.write_text("{}")
    write(tmp_path)
    assert golden.read_text() == "{}"


def contents(folder: Path) -> dict[Path, str]:
    """Return every file below the folder with its text."""
    return {path: path.read_text() for path in folder.rglob("*") if path.is_file()}
