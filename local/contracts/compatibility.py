"""Whether a new schema keeps what a committed one of the same version promised.

Within a version, an optional field may be added and words may change. Everything else may break a
reader or writer that was made for the version, and needs a new one.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from local.contracts.samples import JsonObject

HOW = 'Raise `version` and keep the old type beside the new one: "Versions" in docs/events.md.'
_NOT_PROMISED = frozenset({"title", "description", "examples", "$schema", "$id", "$defs"})


class _Field(NamedTuple):
    required: bool
    rule: JsonObject


def broken(committed: Mapping[str, JsonObject], current: Mapping[str, JsonObject]) -> list[str]:
    """Return what the current schemas (by name, like ``invoice.paid.v1``) no longer keep."""
    return [
        f"{name}: {what}. {HOW}"
        for name, schema in committed.items()
        for what in _breaks(schema, current.get(name))
    ]


def _breaks(committed: JsonObject, current: JsonObject | None) -> Iterator[str]:
    if current is None:
        yield "it is promised, and no type has it any more"
        return
    before, after = _fields(committed), _fields(current)
    for path, field in before.items():
        if path not in after:
            yield f"`{path}` is gone"
        elif after[path] != field:
            yield f"`{path}` was {_told(field)} and is {_told(after[path])}"
    for path in after.keys() - before.keys():
        if after[path].required and path.rpartition(".")[0] in before:
            yield f"`{path}` is new and required"


def _told(field: _Field) -> str:
    return f"{'required' if field.required else 'optional'} {json.dumps(field.rule)}"


def _fields(schema: JsonObject) -> dict[str, _Field]:
    """Return each field by its path, like ``$.price.amount``, the event itself as ``$``."""
    plain = _plain(schema, schema.get("$defs", {}))
    return dict(_walk("$", rule=plain, required=True))


def _walk(path: str, *, rule: JsonObject, required: bool) -> Iterator[tuple[str, _Field]]:
    inner = rule.get("properties", {})
    own = {k: v for k, v in rule.items() if k not in {"properties", "required"}}
    yield path, _Field(required, own)
    for name, inner_rule in inner.items():
        inner_required = name in rule.get("required", ())
        yield from _walk(f"{path}.{name}", rule=inner_rule, required=inner_required)


def _plain(node: Any, definitions: JsonObject) -> Any:
    """Return the schema with its references followed and without what promises nothing."""
    match node:
        case {"$ref": str(reference), **beside}:
            target = definitions[reference.removeprefix("#/$defs/")]
            return _plain({**target, **beside}, definitions)
        case {"properties": properties, **others}:
            rules = {name: _plain(rule, definitions) for name, rule in properties.items()}
            return {**_plain(others, definitions), "properties": rules}
        case dict():
            kept = {k: v for k, v in node.items() if k not in _NOT_PROMISED}
            return {k: _plain(v, definitions) for k, v in kept.items()}
        case list():
            return [_plain(item, definitions) for item in node]
        case _:
            return node
