"""Checks requests against the discovery documents that google-api-python-client ships."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import cached_property
from importlib import resources
from typing import Any

import msgspec
from starlette.datastructures import QueryParams

from local.simulators.google.wire import GoogleError, Json, invalid

_KEPT = ("$ref", "type", "format", "enum", "minimum", "maximum", "default", "repeated", "required")
_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "object": dict,
    "array": list,
}
_INT64 = re.compile(r"-?\d+")


class _Shapes(msgspec.Struct, frozen=True):
    """The part of a document that requests are checked against."""

    parameters: dict[str, Json]
    methods: dict[str, Json]
    schemas: dict[str, Json]


class Api:
    """One Google API as its discovery document describes it, loaded at the first request."""

    def __init__(self, document: str, methods: Sequence[str]) -> None:
        self._document = document
        self._methods = methods

    @cached_property
    def _shapes(self) -> _Shapes:
        # Read as a data file: importing googleapiclient.discovery would cost 0.2 s and 30 MB.
        folder = resources.files("googleapiclient") / "discovery_cache" / "documents"
        return _slim_document(
            msgspec.json.decode((folder / self._document).read_bytes()), self._methods
        )

    def query(self, method_id: str, given: QueryParams) -> dict[str, Any]:
        """Return the typed query parameters of a call, defaults included; GoogleError 400."""
        known = self._shapes.methods[method_id]["parameters"]
        for name in given:
            if name not in known and name not in self._shapes.parameters:
                raise invalid(f'Unknown query parameter "{name}".', reason="invalidParameter")
        typed = {}
        for name, schema in known.items():
            values = [_from_text(name, text, schema) for text in given.getlist(name)]
            if schema.get("repeated"):
                typed[name] = values
            elif values:
                typed[name] = values[-1]
            elif "default" in schema:
                typed[name] = _from_text(name, schema["default"], schema)
            elif schema.get("required"):
                raise _missing(name)
        return typed

    def check_body(self, method_id: str, body: Json) -> None:
        """Compare a body with the method's request schema; GoogleError 400 on a mismatch."""
        schema = self._shapes.methods[method_id]["request"]
        if schema is None:
            if body:
                raise invalid(f"{method_id} takes no body.", reason="badRequest")
            return
        self._check(body, schema, "")

    def _check(self, value: Any, schema: Json, where: str) -> None:
        # null clears a field in a patch and means "absent" elsewhere, so it fits every type.
        if value is None:
            return
        if "$ref" in schema:
            schema = self._shapes.schemas[schema["$ref"]]
        if not _fits(value, schema):
            raise _misfit(where, value, schema)
        if isinstance(value, list):
            for index, item in enumerate(value):
                self._check(item, schema["items"], f"{where}[{index}]")
        elif isinstance(value, dict):
            self._check_fields(value, schema, where)

    def _check_fields(self, value: Json, schema: Json, where: str) -> None:
        fields, others = schema.get("properties", {}), schema.get("additionalProperties")
        for name, item in value.items():
            field = fields.get(name, others)
            if field is None:
                raise invalid(
                    "Invalid JSON payload received."
                    f" Unknown name \"{name}\" at '{where or 'body'}': Cannot find field.",
                    reason="badRequest",
                )
            self._check(item, field, f"{where}.{name}" if where else name)


def _fits(value: Any, schema: Json) -> bool:
    kind, form = schema.get("type", "any"), schema.get("format")
    if kind == "any":
        return True
    if form in ("int64", "uint64"):
        # The JSON form of 64-bit integers is a string, but plain numbers are taken as well.
        return _INT64.fullmatch(str(value)) is not None
    if isinstance(value, bool) and kind != "boolean":
        return False
    if not isinstance(value, _PYTHON_TYPES[kind]):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    return _has_form(value, form) and _in_bounds(value, schema)


def _has_form(value: Any, form: str | None) -> bool:
    try:
        if form == "date-time":
            datetime.fromisoformat(value)
        elif form == "date":
            date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _in_bounds(value: Any, schema: Json) -> bool:
    if not isinstance(value, int):
        return True
    low, high = schema.get("minimum"), schema.get("maximum")
    return (low is None or value >= int(low)) and (high is None or value <= int(high))


def _from_text(name: str, text: str, schema: Json) -> Any:
    value: Any = text
    if schema["type"] == "boolean" and text in ("true", "false"):
        value = text == "true"
    elif schema["type"] == "integer" and _INT64.fullmatch(text):
        value = int(text)
    if not _fits(value, schema):
        raise GoogleError(
            400, "invalidParameter", f"Invalid value '{text}'.", location=("parameter", name)
        )
    return value


def _missing(name: str) -> GoogleError:
    return GoogleError(400, "required", f"Required parameter: {name}", location=("parameter", name))


def _misfit(where: str, value: Any, schema: Json) -> GoogleError:
    wanted = schema.get("format") or schema["type"]
    return invalid(f"Invalid value at '{where}' ({wanted}), {value!r}", reason="badRequest")


def _slim_document(document: Json, methods: Iterable[str]) -> _Shapes:
    """Keep the named methods and the schemas they reach: a hundredth of the document."""
    kept = {method_id: _slim_method(_find(document, method_id)) for method_id in methods}
    schemas: dict[str, Json] = {}
    waiting = [ref for method in kept.values() for ref in _refs(method["request"] or {})]
    while waiting:
        name = waiting.pop()
        if name not in schemas:
            schemas[name] = _slim(document["schemas"][name])
            waiting += _refs(schemas[name])
    return _Shapes({name: {} for name in document["parameters"]}, kept, schemas)


def _find(document: Json, method_id: str) -> Json:
    *path, name = method_id.split(".")[1:]
    for part in path:
        document = document["resources"][part]
    method: Json = document["methods"][name]
    return method


def _slim_method(method: Json) -> Json:
    given = method.get("parameters", {}).items()
    query = {name: _slim(schema) for name, schema in given if schema["location"] == "query"}
    return {"parameters": query, "request": method.get("request")}


def _slim(schema: Json) -> Json:
    slim = {key: schema[key] for key in _KEPT if key in schema}
    for key in ("items", "additionalProperties"):
        if key in schema:
            slim[key] = _slim(schema[key])
    if "properties" in schema:
        slim["properties"] = {name: _slim(field) for name, field in schema["properties"].items()}
    return slim


def _refs(schema: Json) -> list[str]:
    nested = [*schema.get("properties", {}).values()]
    nested += [schema[key] for key in ("items", "additionalProperties") if key in schema]
    own = [schema["$ref"]] if "$ref" in schema else []
    return own + [ref for inner in nested for ref in _refs(inner)]
