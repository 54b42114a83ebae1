"""The committed files are what the types say, and complete."""

import json
import re

from local.contracts.files import FOLDER, generated
from local.contracts.samples import CONTRACTS
from local.contracts.schemas import schema_of
from local.contracts.wording import FIELDS

EVENTS_PAGE = (FOLDER.parent / "events.md").read_text()


def test_the_committed_files_are_what_the_types_say() -> None:
    stale = [
        path
        for path, text in generated().items()
        if not (FOLDER / path).exists() or (FOLDER / path).read_text() != text
    ]
    assert stale == [], "run `make contracts` and commit what it writes"


def test_there_is_no_schema_without_a_type() -> None:
    schemas = {f"schemas/{path.name}" for path in (FOLDER / "schemas").iterdir()}
    assert schemas == {path for path in generated() if path.startswith("schemas/")}


def test_every_field_has_a_wording_and_every_wording_a_field() -> None:
    fields = {
        name
        for contract in CONTRACTS
        for schema in (schema_of(contract), *schema_of(contract).get("$defs", {}).values())
        for name, rule in schema["properties"].items()
        if "$ref" not in rule
    }
    assert fields == FIELDS.keys(), "say what each field means in local/contracts/wording.py"


def test_the_events_page_shows_the_example_order() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", EVENTS_PAGE, re.DOTALL)
    (order,) = (contract for contract in CONTRACTS if contract.by_web_app)
    assert json.loads(shown) == order.example


def test_the_events_page_links_to_files_that_exist() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", EVENTS_PAGE)
    assert [link for link in links if not (FOLDER.parent / link).exists()] == []
    assert "contracts/asyncapi.json" in links


def test_the_events_page_names_every_topic_and_field() -> None:
    for contract in CONTRACTS:
        for word in (contract.kind.topic, *schema_of(contract)["properties"]):
            assert f"`{word}`" in EVENTS_PAGE or f'"{word}"' in EVENTS_PAGE
