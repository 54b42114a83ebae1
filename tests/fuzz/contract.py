"""Events made from the published JSON Schemas, and the schemas' own word on any event."""

import json
import random
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from shared.messages import MAX_DATA_BYTES

_SCHEMAS = Path(__file__).parents[2] / "docs" / "contracts" / "schemas"
ODD_TEXTS = (
    "",
    " ",
    "x",
    "O'Brien; DROP TABLE orders;--",
    "<script>alert(1)</script>",
    "{{ 7*7 }} {% raw %} %s %n ${x}",
    "Žluťoučký kůň 名前 🦊👩‍👩‍👧",
    "\u202eright to left\u202c",
    "zero\u200bwidth\ufeff",
    "e\u0301\u0327" * 20,
    "line\r\nBcc: all@example.com",
    "nul\x00byte",
    "next\x85line",
    "line\u2028separator",
    "half\na line",
    "../../etc/passwd",
    "NUS-2026-000123",
    "a.b-c_d",
    "NaN",
    "null",
    "-1",
    "1e400",
    "2026-02-30T25:61:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "odd(comment)@example.com",
    "ünï@exämple.com",
    "=?utf-8?q?a?=@example.com",
    "a@b",
    "sari@example.com",
    "+6281234567890",
    "Mars/Olympus",
    "Asia/Jakarta",
    "https://example.com/a?b=c",
    "ab" * 100,
    "y" * 5000,
)
ODD_NUMBERS = (0, -1, 1, 720, 721, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63), 10**30, 1.5, -0.0)
_PLAIN = ("NUS-1", "sari@example.com", "+6281234567890")


@cache
def schema(topic: str) -> Mapping[str, Any]:
    """Return the published schema of the topic's events."""
    loaded: Mapping[str, Any] = json.loads((_SCHEMAS / f"{topic}.v1.json").read_text("utf-8"))
    return loaded


def event(rng: random.Random, topic: str) -> dict[str, Any]:
    """Return an event that the topic's schema takes, of odd values as often as of plain ones."""
    root = schema(topic)
    made: dict[str, Any] = _value(rng, root, root)
    return made


def refused(topic: str, data: bytes) -> bool:
    """Whether the data is surely no event of the topic; False also where this cannot tell.

    It cannot tell of doubled keys, of numbers like 1.0, of text that is no UTF-8 (which may be in a
    field that nobody reads), and of nesting that is deeper than this parser goes.
    """
    if len(data) > MAX_DATA_BYTES:
        return True
    try:
        text = data.decode(errors="replace")
        value = json.loads(text, parse_constant=_no_json, object_pairs_hook=_unambiguous)
    except (json.JSONDecodeError, _NoJsonError):
        return True
    except (_AmbiguousError, ValueError, RecursionError):
        return False
    return not _validator(topic).is_valid(value)


class _NoJsonError(Exception):
    pass


class _AmbiguousError(Exception):
    pass


def _no_json(constant: str) -> None:
    raise _NoJsonError(constant)


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise _AmbiguousError
    return dict(pairs)


@cache
def _validator(topic: str) -> Draft202012Validator:
    return Draft202012Validator(schema(topic), format_checker=FormatChecker(["date-time"]))


def _value(rng: random.Random, part: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    if "$ref" in part:
        return _value(rng, root["$defs"][part["$ref"].rpartition("/")[2]], root)
    if "anyOf" in part:
        return _value(rng, rng.choice(part["anyOf"]), root)
    if "enum" in part:
        return rng.choice(part["enum"])
    if part["type"] == "object":
        return _object(rng, part, root)
    return _SIMPLE[part["type"]](rng, part)


def _object(rng: random.Random, part: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    made = {
        name: _value(rng, inner, root)
        for name, inner in part["properties"].items()
        if name in part["required"] or rng.random() < 0.5
    }
    if rng.random() < 0.1:
        made["a_field_of_tomorrow"] = rng.choice((None, [], {"a": 1}, rng.choice(ODD_TEXTS)))
    return made


def _integer(rng: random.Random, part: Mapping[str, Any]) -> int:
    least = part.get("exclusiveMinimum", part.get("minimum", 0) - 1) + 1
    most = part.get("maximum", 2**40)
    return rng.choice((least, most, rng.randint(least, most), min(most, max(least, 60))))


def _text(rng: random.Random, part: Mapping[str, Any]) -> str:
    if part.get("format") == "date-time":
        return instant(rng)
    if "default" in part:  # a time zone: what is free text to the schema is not to the pipeline
        return rng.choice(("Asia/Jakarta", "UTC", "America/New_York"))
    allowed = re.compile(part.get("pattern", ""))
    fitting = [
        text
        for text in (*ODD_TEXTS, *_PLAIN)
        if part.get("minLength", 0) <= len(text) <= part.get("maxLength", 10**6)
        and allowed.search(text)
    ]
    return rng.choice(fitting)


def instant(rng: random.Random) -> str:
    """Return an instant of the next years, in one of the ways to write it."""
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.randint(0, 10 * 365 * 86400))
    written = rng.choice((f"{at:%Y-%m-%dT%H:%M:%S}", f"{at:%Y-%m-%dt%H:%M:%S}.123456789"))
    return written + rng.choice(("Z", "z", "+07:00", "-12:00", "+14:00", "-00:00"))


_SIMPLE: Mapping[str, Callable[[random.Random, Mapping[str, Any]], Any]] = {
    "boolean": lambda rng, _part: rng.random() < 0.5,
    "integer": _integer,
    "string": _text,
    "null": lambda _rng, _part: None,
}
