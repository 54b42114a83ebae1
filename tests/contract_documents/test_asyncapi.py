"""The AsyncAPI document, by AsyncAPI's own parser, and that it is about our topics."""

import copy
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from jsonschema import Draft7Validator

from local.contracts import asyncapi
from local.contracts.files import FOLDER
from local.contracts.samples import CONTRACTS, Contract
from shared import messages
from shared.domain.events import TOPICS, Event, InvoicePaid
from tests.builders import NOW, event_of
from tests.contract_documents.conftest import RunNode

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
DOCUMENT: dict[str, Any] = json.loads((FOLDER / "asyncapi.json").read_text())
OURS = [contract.kind for contract in CONTRACTS if not contract.by_web_app]


def changed(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """Return a copy of the document with something changed in it."""
    document = copy.deepcopy(DOCUMENT)
    change(document)
    return document


@pytest.mark.node
def test_the_parser_has_nothing_against_the_document(run_node: RunNode) -> None:
    assert run_node("asyncapi.mjs", [DOCUMENT]) == [[]]


def paid(document: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = document["components"]["messages"]["invoice.paid.v1"]
    return message


@pytest.mark.node
def test_the_parser_finds_what_is_wrong_with_a_document(run_node: RunNode) -> None:
    wrong = {
        "$ref": lambda d: d["channels"].pop("invoice.paid"),
        "action": lambda d: d["operations"]["sendInvoicePaid"].update(action="shout"),
        "version": lambda d: d["info"].pop("version"),
        "binding": lambda d: paid(d)["bindings"]["googlepubsub"].update(topic="invoice.paid"),
        "schema": lambda d: d["components"]["schemas"]["Money"].update(type="money"),
    }
    found = run_node("asyncapi.mjs", [changed(change) for change in wrong.values()])
    assert [name for name, complaints in zip(wrong, found, strict=True) if not complaints] == []


@pytest.mark.node
def test_two_versions_of_a_topic_share_its_channel(run_node: RunNode) -> None:
    class InvoicePaidAgain(InvoicePaid, frozen=True, kw_only=True):
        """As before, and how it was paid."""

        version = 2
        reason: str

    example = {**by_kind(InvoicePaid).example, "reason": "BCA"}
    document = asyncapi.document((*CONTRACTS, Contract(InvoicePaidAgain, example)), "1")
    channel = document["channels"]["invoice.paid"]
    assert list(channel["messages"]) == ["invoice.paid.v1", "invoice.paid.v2"]
    assert run_node("asyncapi.mjs", [document]) == [[]]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.name)
def test_the_example_of_a_message_is_as_it_says(contract: Contract) -> None:
    message = DOCUMENT["components"]["messages"][contract.name]
    (example,) = message["examples"]
    payload = Draft7Validator({**message["payload"], "components": DOCUMENT["components"]})
    payload.validate(example["payload"])
    Draft7Validator(message["headers"]).validate(example.get("headers", {}))
    # The validator does follow the reference.
    assert not payload.is_valid({})


def by_kind(kind: type[Event]) -> Contract:
    """Return the contract of an event type."""
    return next(contract for contract in CONTRACTS if contract.kind is kind)


def test_its_channels_are_the_topics() -> None:
    addresses = {key: channel["address"] for key, channel in DOCUMENT["channels"].items()}
    assert addresses == {topic: topic for topic in TOPICS}


def test_the_pipeline_receives_orders_and_sends_everything_else() -> None:
    actions = {o["title"]: o["action"] for o in DOCUMENT["operations"].values()}
    assert actions == {t: "receive" if t == "order.created" else "send" for t in TOPICS}


@pytest.mark.parametrize("kind", OURS)
def test_the_attributes_of_a_message_are_as_its_headers_say(kind: type[Event]) -> None:
    message = DOCUMENT["components"]["messages"][by_kind(kind).name]
    attributes = messages.attributes(event_of(kind), traceparent=TRACE, at=NOW)
    headers = Draft7Validator(message["headers"])
    assert headers.is_valid(attributes)
    assert attributes.keys() == message["headers"]["properties"].keys()
    for name in attributes:
        assert not headers.is_valid({k: v for k, v in attributes.items() if k != name})
    assert message["bindings"]["googlepubsub"]["attributes"].items() <= attributes.items()
    assert message["name"] == attributes["ce-type"]


def test_an_order_needs_no_attributes_and_may_name_its_type() -> None:
    headers = Draft7Validator(DOCUMENT["components"]["messages"]["order.created.v1"]["headers"])
    assert headers.is_valid({})
    assert headers.is_valid({"ce-type": "mentoring.order.created.v1", "origin": "web"})
    assert not headers.is_valid({"ce-type": "mentoring.order.created.v2"})


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.name)
def test_messages_are_correlated_by_the_order_id(contract: Contract) -> None:
    message = DOCUMENT["components"]["messages"][contract.name]
    _, _, field = message["correlationId"]["location"].partition("$message.payload#/")
    assert msgspec.to_builtins(contract.event)[field] == contract.event.order_id
