"""JSON Schemas of the events, from their types."""

import inspect
from collections.abc import Iterable

import msgspec

from local.contracts.samples import Contract, JsonObject
from local.contracts.wording import FIELDS
from shared.domain.events import Event

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# A validator need not check `format`, and those that do differ on a trailing newline and on leap
# seconds; this says the same for all. It is RFC 3339's grammar, whose offset is not optional,
# without leap seconds.
_INSTANT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-5][0-9]:[0-5][0-9](\.[0-9]+)?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})(?![\s\S])"
)


def schema_of(contract: Contract) -> JsonObject:
    """Return the JSON Schema of one event type, complete in itself."""
    definitions = components([contract.kind], "#/$defs/{name}")
    root = definitions.pop(contract.kind.__name__)
    return {
        "$schema": DIALECT,
        "$id": f"urn:mentoring:order-pipeline:{contract.name}",
        **root,
        **({"$defs": definitions} if definitions else {}),
        "examples": [contract.example],
    }


def components(kinds: Iterable[type[Event]], ref_template: str) -> dict[str, JsonObject]:
    """Return the schemas of these types and of all that they are made of, by name.

    They refer to each other as ``ref_template`` says.
    """
    _, found = msgspec.json.schema_components(kinds, ref_template=ref_template)
    return {name: _worded(schema) for name, schema in sorted(found.items())}


def summary(docstring: str) -> str:
    """Return the first paragraph on one line: what follows it is for those who read the code."""
    paragraph = inspect.cleandoc(docstring).partition("\n\n")[0]
    return " ".join(paragraph.replace("``", "`").split())


def _worded(schema: JsonObject) -> JsonObject:
    properties = {name: _property(name, rule) for name, rule in schema["properties"].items()}
    return {**schema, "description": summary(schema["description"]), "properties": properties}


def _property(name: str, rule: JsonObject) -> JsonObject:
    # AsyncAPI's dialect ignores what stands beside a reference; the referred type has its own words.
    if "$ref" in rule:
        return rule
    pattern = {"pattern": _INSTANT} if rule.get("format") == "date-time" else {}
    words = {"description": FIELDS[name]} if name in FIELDS else {}
    return {**words, **rule, **pattern}
