"""What can go wrong with a JSON document: with its fields, and with its text."""

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.fuzz.contract import ODD_NUMBERS, ODD_TEXTS

_Place = tuple[Any, Any]  # a container, and the key or index in it


def mutated(rng: random.Random, document: Any) -> bytes:
    """Return the document's JSON with one to three fields, or its text, changed."""
    changed = copy.deepcopy(document)
    for _ in range(rng.randint(1, 3)):
        places = list(_places(changed))
        if places:
            rng.choice(_OF_FIELDS)(rng, *rng.choice(places))
    text = json.dumps(changed, ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.3:
        return rng.choice(_OF_TEXT)(rng, text)
    return text.encode("utf-8", "surrogatepass")


def noise(rng: random.Random) -> bytes:
    """Return bytes that are hardly a document."""
    return rng.choice(
        (
            lambda: rng.randbytes(rng.randint(1, 2000)),
            lambda: b"\x1f\x8b\x08\x00" + rng.randbytes(200),
            lambda: b"\x00" * rng.randint(1, 100_000),
            lambda: b"[" * rng.randint(1, 100_000),
            lambda: b'{"a":' * rng.randint(1, 20_000),
            lambda: b'"' + b"\\u0000" * 5000 + b'"',
            lambda: rng.choice(ODD_TEXTS).encode(),
            lambda: json.dumps(rng.choice(ODD_TEXTS)).encode(),
            lambda: rng.choice((b"[]", b"{}", b"null", b"true", b"0", b"1e999", b"-", b"NaN")),
            lambda: b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
            lambda: b"status=PAID&external_id=NUS-1",
        )
    )()


def _places(value: Any) -> Iterator[_Place]:
    keys: Any = ()
    if isinstance(value, dict):
        keys = value
    elif isinstance(value, list):
        keys = range(len(value))
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _drop(_rng: random.Random, holder: Any, key: Any) -> None:
    del holder[key]


def _retype(rng: random.Random, holder: Any, key: Any) -> None:
    holder[key] = rng.choice((None, True, False, [], {}, 0, 1.5, "text", ["a"], {"a": None}))


def _odd_text(rng: random.Random, holder: Any, key: Any) -> None:
    holder[key] = rng.choice(ODD_TEXTS)


def _odd_number(rng: random.Random, holder: Any, key: Any) -> None:
    holder[key] = rng.choice(ODD_NUMBERS)


def _no_number(rng: random.Random, holder: Any, key: Any) -> None:
    holder[key] = rng.choice((float("nan"), float("inf"), float("-inf")))


def _as_text(_rng: random.Random, holder: Any, key: Any) -> None:
    holder[key] = json.dumps(holder[key])


def _huge(rng: random.Random, holder: Any, key: Any) -> None:
    holder[key] = rng.choice(("x", "ж", "\x00", "🦊")) * rng.choice((1000, 30_000, 300_000))


def _deep(rng: random.Random, holder: Any, key: Any) -> None:
    nested: Any = holder[key]
    for _ in range(rng.choice((5, 100, 300))):
        nested = [nested] if rng.random() < 0.5 else {"a": nested}
    holder[key] = nested


def _renamed(rng: random.Random, holder: Any, key: Any) -> None:
    if isinstance(holder, dict):
        holder[rng.choice((key.upper(), f"{key} ", "", "__class__", key[:-1]))] = holder.pop(key)


def _surrogate(_rng: random.Random, holder: Any, key: Any) -> None:
    holder[key] = "half a pair \ud800"


_OF_FIELDS: tuple[Callable[[random.Random, Any, Any], None], ...] = (
    _drop,
    _retype,
    _odd_text,
    _odd_number,
    _no_number,
    _as_text,
    _huge,
    _deep,
    _renamed,
    _surrogate,
)


def _encoded(rng: random.Random, text: str) -> bytes:
    return text.encode(rng.choice(("utf-16", "utf-32", "utf-8-sig", "utf-7")), "backslashreplace")


def _cut(rng: random.Random, text: str) -> bytes:
    return text[: rng.randint(0, len(text))].encode("utf-8", "surrogatepass")


def _followed(rng: random.Random, text: str) -> bytes:
    after = rng.choice((b"\n", b"\x00", b"{}", b",", b"// why", b"\xff"))
    return text.encode("utf-8", "surrogatepass") + after


def _doubled(_rng: random.Random, text: str) -> bytes:
    return text.replace("{", '{"order_id": "first", "order_id": 2, ', 1).encode(
        "utf-8", "surrogatepass"
    )


def _flipped(rng: random.Random, text: str) -> bytes:
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


_OF_TEXT = (_encoded, _cut, _followed, _doubled, _flipped)
