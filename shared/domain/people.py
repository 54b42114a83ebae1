"""The people of an order, with only what is needed to reach them."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

# `(?![\s\S])` is the end of the text in every regex dialect; `$` would let a trailing newline by,
# and a newline in a name or address would end up in a mail header. The control characters left
# out include every one that Python's e-mail package takes for the end of a line.
_END = r"(?![\s\S])"

Identifier = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*" + _END, min_length=1, max_length=100)
]
Line = Annotated[
    str,
    Meta(
        pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*[^\s\x00-\x1f\x7f-\x9f\u2028\u2029][^\x00-\x1f\x7f-\x9f\u2028\u2029]*"
        + _END,
        max_length=200,
    ),
]
Email = Annotated[
    str,
    Meta(
        pattern=r"^[^@\s<>,;\x22\x00-\x1f\x7f-\x9f\u2028\u2029]+@[^@\s<>,;\x22\x00-\x1f\x7f-\x9f\u2028\u2029]+"
        + _END,
        max_length=254,
    ),
]
Phone = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{6,14}" + _END)]
Locale = Literal["id", "en"]


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Someone who takes part in an order. ``time_zone`` is an IANA name, ``phone`` is E.164."""

    id: Identifier
    name: Line
    email: Email
    phone: Phone | None = None
    locale: Locale = "id"
    time_zone: str = "Asia/Jakarta"

    def __post_init__(self) -> None:
        check_time_zone(self.time_zone)


def check_time_zone(name: str) -> None:
    """Raise ValueError unless this is the IANA name of a time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r}; use an IANA name") from error
