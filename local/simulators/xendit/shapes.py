"""The kinds of value that a JSON body may hold, and what is wrong with one that does not fit."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import msgspec

Path = tuple[str | int, ...]


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong with a body, worded as Xendit's validator words it."""

    path: Path
    message: str
    type: str

    def entry(self, location: str) -> dict[str, Any]:
        """Return the problem as an entry of the ``errors`` of an API_VALIDATION_ERROR."""
        return {
            "field": list(self.path),
            "location": location,
            "messages": [f'"{self.path[-1] if self.path else "value"}" {self.message}'],
            "types": [self.type],
        }


class Shape(Protocol):
    """What a value has to be."""

    def problems(self, path: Path, value: Any) -> Iterator[Problem]:
        """Yield what is wrong with a value found at ``path``."""


class Text(msgspec.Struct, frozen=True):
    """A string of so many characters, one of ``allowed`` if that is given."""

    shortest: int = 0
    longest: int | None = None
    allowed: frozenset[str] | None = None

    def problems(self, path: Path, value: Any) -> Iterator[Problem]:
        """Yield what is wrong with a value found at ``path``."""
        if not isinstance(value, str):
            yield Problem(path, "must be a string", "string.base")
        elif not value and self.shortest:
            yield Problem(path, "is not allowed to be empty", "any.empty")
        elif self.longest is not None and len(value) > self.longest:
            most = f"length must be less than or equal to {self.longest} characters long"
            yield Problem(path, most, "string.max")
        elif self.allowed is not None and value not in self.allowed:
            yield Problem(
                path, f"must be one of [{', '.join(sorted(self.allowed))}]", "any.allowOnly"
            )


class Link(msgspec.Struct, frozen=True):
    """An address of a web page."""

    def problems(self, path: Path, value: Any) -> Iterator[Problem]:
        """Yield what is wrong with a value found at ``path``."""
        if not isinstance(value, str):
            yield Problem(path, "must be a string", "string.base")
        elif not value.startswith(("https://", "http://")):
            yield Problem(path, "must be a valid uri", "string.uri")


class Number(msgspec.Struct, frozen=True):
    """A number, above and at most so much."""

    above: float | None = None
    most: float | None = None

    def problems(self, path: Path, value: Any) -> Iterator[Problem]:
        """Yield what is wrong with a value found at ``path``."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield Problem(path, "must be a number", "number.base")
        elif self.above is not None and value <= self.above:
            yield Problem(path, f"must be greater than {self.above:g}", "number.greater")
        elif self.most is not None and value > self.most:
            yield Problem(path, f"must be less than or equal to {self.most:.0f}", "number.max")


class Flag(msgspec.Struct, frozen=True):
    """True or false."""

    def problems(self, path: Path, value: Any) -> Iterator[Problem]:
        """Yield what is wrong with a value found at ``path``."""
        if not isinstance(value, bool):
            yield Problem(path, "must be a boolean", "boolean.base")


class Many(msgspec.Struct, frozen=True):
    """An array of at most so many values of one shape."""

    of: Shape
    most: int | None = None

    def problems(self, path: Path, value: Any) -> Iterator[Problem]:
        """Yield what is wrong with a value found at ``path``."""
        if not isinstance(value, list):
            yield Problem(path, "must be an array", "array.base")
            return
        if self.most is not None and len(value) > self.most:
            most = f"must contain less than or equal to {self.most} items"
            yield Problem(path, most, "array.max")
        for index, one in enumerate(value):
            yield from self.of.problems((*path, index), one)


class Fields(msgspec.Struct, frozen=True):
    """An object of known fields; those that are not required may be null."""

    known: Mapping[str, Shape]
    required: frozenset[str] = frozenset()

    def problems(self, path: Path, value: Any) -> Iterator[Problem]:
        """Yield what is wrong with a value found at ``path``."""
        if not isinstance(value, dict):
            yield Problem(path, "must be an object", "object.base")
            return
        for name in sorted(self.required - value.keys()):
            yield Problem((*path, name), "is required", "any.required")
        for name, one in value.items():
            if name not in self.known:
                yield Problem((*path, name), "is not allowed", "object.allowUnknown")
            elif one is not None or name in self.required:
                yield from self.known[name].problems((*path, name), one)


class Anything(msgspec.Struct, frozen=True):
    """An object whose fields are the caller's own, at most so many."""

    most: int

    def problems(self, path: Path, value: Any) -> Iterator[Problem]:
        """Yield what is wrong with a value found at ``path``."""
        if not isinstance(value, dict):
            yield Problem(path, "must be an object", "object.base")
        elif len(value) > self.most:
            most = f"must have less than or equal to {self.most} children"
            yield Problem(path, most, "object.max")
