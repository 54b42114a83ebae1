"""The JSON Schemas, by two validators, and that they and the decoder agree."""

import copy
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from local.contracts.files import committed_schemas
from local.contracts.samples import CONTRACTS, Contract
from shared import messages
from shared.domain.events import ALL_EVENTS, Event
from tests.builders import event_of
from tests.contract_documents.conftest import RunNode
from tests.property.strategies import events

SCHEMAS = committed_schemas()
FORMATS = FormatChecker(formats=["date-time"])
VALIDATORS = {
    name: Draft202012Validator(schema, format_checker=FORMATS) for name, schema in SCHEMAS.items()
}
BY_NAME = {contract.name: contract for contract in CONTRACTS}


def name_of(kind: type[Event]) -> str:
    return f"{kind.topic}.v{kind.version}"


def schema_takes(name: str, data: Any) -> bool:
    return VALIDATORS[name].is_valid(data)


def refusal(name: str, data: Any) -> str | None:
    """Return why the decoder refuses the data, or None."""
    try:
        msgspec.json.decode(msgspec.json.encode(data), type=BY_NAME[name].kind)
    except msgspec.ValidationError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_by_the_meta_schema(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$id"].endswith(f":{name}")


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_example_in_a_schema_is_valid_and_is_an_event(name: str) -> None:
    (example,) = SCHEMAS[name]["examples"]
    VALIDATORS[name].validate(example)
    assert refusal(name, example) is None


@pytest.mark.parametrize(
    "contract", [c for c in CONTRACTS if not c.by_web_app], ids=lambda c: c.name
)
def test_an_example_of_ours_is_what_the_pipeline_would_write(contract: Contract) -> None:
    assert json.loads(messages.encode(contract.event)) == contract.example


@pytest.mark.parametrize("kind", ALL_EVENTS)
def test_an_event_of_the_pipeline_is_valid(kind: type[Event]) -> None:
    VALIDATORS[name_of(kind)].validate(json.loads(messages.encode(event_of(kind))))


@settings(deadline=None, max_examples=150)
@given(events)
def test_any_event_is_valid_as_it_is_written(event: Event) -> None:
    VALIDATORS[name_of(type(event))].validate(json.loads(messages.encode(event)))


# JSON values that are of another type than wanted, or at the limits of one.
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    720,
    721,
    50_000_000_000,
    50_000_000_001,
    0.5,
    [],
    {},
    "",
    " ",
    "a",
    "a b",
    "a\n",
    "a\r\nBcc: x@example.com",
    "a\u2028",
    "\x85",
    "-a",
    "..",
    "ä",
    "a" * 100,
    "a" * 101,
    "a" * 200,
    "a" * 201,
    "a@b",
    "a@b@c",
    "a@b\n",
    "a b@c",
    "A <a@b>",
    "a" * 252 + "@b",
    "a" * 253 + "@b",
    "+6281234567",
    "+0812345678",
    "+6281234567\n",
    "en",
    "EN",
    "IDR",
    "USD",
    "250000",
    "2026-12-01",
    "2026-12-01T19:00:00",
    "2026-12-01T19:00:00+07:00",
    "2026-12-01t19:00:00.123456789z",
    "2026-12-01T19:00:00Z\n",
    "2026-02-30T19:00:00Z",
    "2026-12-01T24:00:00Z",
    "2026-12-31T23:59:60Z",
    "2026-12-01T19:00:00+24:00",
    "2026-12-01T19:00Z",
]
ABSENT = object()
UNKNOWN = "loyalty"


def paths(data: Any, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return where something can be changed: every field, and one more in each object."""
    found = [(*before, UNKNOWN)]
    for name, value in data.items():
        found.append((*before, name))
        if isinstance(value, dict):
            found += paths(value, (*before, name))
    return found


def altered(data: Any, path: tuple[str, ...], value: Any) -> Any:
    """Return the data with one field set, or taken out if the value is ABSENT."""
    *parents, name = path
    whole = section = copy.deepcopy(data)
    for parent in parents:
        section = section[parent]
    if value is ABSENT:
        section.pop(name, None)
    else:
        section[name] = value
    return whole


def may_differ(why: str | None) -> bool:
    """Whether the decoder refused by a rule that the schema leaves out, and says so."""
    return why is not None and ("unknown time zone" in why or "must be in the years" in why)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.name)
def test_schema_and_decoder_agree_wherever_a_value_is_put(contract: Contract) -> None:
    for path in paths(contract.example):
        for value in [ABSENT, *VALUES]:
            data = altered(contract.example, path, value)
            why = refusal(contract.name, data)
            if not may_differ(why):
                assert schema_takes(contract.name, data) == (why is None), (path, value, why)


# Text of what the rules speak of, so that it is not refused at once.
tricky = st.text(st.sampled_from('aZ0._-@+ \t\n\r\x00\x1f\x7f\x85\u00a0\u2028\u3000\ufeff,;<>"é😀'))
near_instants = st.from_regex(
    r"\A[0-9]{4}-[01][0-9]-[0-3][0-9][Tt][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-2][0-9]:[0-6][0-9])?\n?\Z"
)
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: not number.is_integer()
)


@settings(deadline=None, max_examples=400)
@given(st.data())
def test_schema_and_decoder_agree_on_whatever_is_said(data: st.DataObject) -> None:
    event = data.draw(events)
    name, said = name_of(type(event)), json.loads(messages.encode(event))
    path = data.draw(st.sampled_from(paths(said)))
    value = data.draw(st.just(ABSENT) | tricky | near_instants | numbers | st.text())
    changed = altered(said, path, value)
    why = refusal(name, changed)
    if not may_differ(why):
        assert schema_takes(name, changed) == (why is None), why


@pytest.mark.parametrize(
    ("path", "value", "schema", "decoder"),
    [
        # Left to the pipeline, and said in the field's description.
        (("mentee", "time_zone"), "Mars/Olympus", True, False),
        (("session", "starts_at"), "1999-12-31T19:00:00Z", True, False),
        (("session", "starts_at"), "2200-01-01T19:00:00Z", True, False),
        (("price", "amount"), 250_000.0, True, False),
        (("session", "duration_minutes"), 60.0, True, False),
        # Read by the pipeline though they are no RFC 3339.
        (("created_at",), "2026-11-24 09:00:00+07:00", False, True),
        (("created_at",), "2026-11-24T09:00:00+0700", False, True),
    ],
)
def test_where_schema_and_decoder_differ_is_known(
    path: tuple[str, ...], value: Any, *, schema: bool, decoder: bool
) -> None:
    data = altered(BY_NAME["order.created.v1"].example, path, value)
    assert schema_takes("order.created.v1", data) == schema
    assert (refusal("order.created.v1", data) is None) == decoder


@pytest.mark.node
def test_a_validator_in_node_says_the_same(run_node: RunNode) -> None:
    cases = {
        name: [altered(c.example, path, value) for path in paths(c.example) for value in VALUES]
        for name, c in BY_NAME.items()
    }
    verdicts = run_node("schemas.mjs", [[SCHEMAS[name], said] for name, said in cases.items()])
    for (name, said), accepted in zip(cases.items(), verdicts, strict=True):
        assert accepted == [schema_takes(name, data) for data in said]
