"""Reading the forms: what a browser sends becomes values, or complaints beside the fields."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qsl

import msgspec

from shared.domain.schedule import Instant

MAX_NOTE = 500
_MAX_FIELDS = 20
_BANK, _HOLDER = range(2, 61), range(2, 101)
_NUMBER = re.compile(r"[0-9]{5,20}")
_BETWEEN_DIGITS = re.compile(r"[\s.-]")
# They turn the direction of what stands after them, so that a text reads as another than it is.
_TURNING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# The first letters of the categories of what has no shape: joiners and the like, and spaces.
_UNSEEN = frozenset("CZ")
_OF = " a.n. "
# Control characters, but for the ends of lines and what stands between words.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
# What a masked number shows at its end.
_SHOWN = re.compile(r"[0-9](?=(?:[^0-9]*[0-9]){4})")


class FormError(ValueError):
    """The form says something that cannot be; ``complaints`` are keys of words by field."""

    def __init__(self, complaints: Mapping[str, str]) -> None:
        super().__init__(", ".join(complaints))
        self.complaints = complaints


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Where money is to be transferred to."""

    bank: str
    number: str
    holder: str

    @property
    def text(self) -> str:
        """The one line that is sealed, and that the admin reads."""
        return f"{self.bank} {self.number}{_OF}{self.holder}"


def read_fields(body: bytes) -> Mapping[str, str]:
    """Return the fields of an urlencoded body; of several of one name, the first.

    Raises FormError if there are more than any form of ours has.
    """
    text = body.decode("utf-8", "replace")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError as error:
        raise FormError({}) from error
    return dict(reversed(pairs))


def one_paragraph(text: str) -> str:
    """Return the text as one paragraph, without what turns its direction.

    Nothing, if nothing of it could be seen.
    """
    spaced = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    line = " ".join("".join(c for c in spaced if c not in _TURNING).split())
    return line if any(unicodedata.category(c)[0] not in _UNSEEN for c in line) else ""


def as_typed(text: str) -> str:
    """Return the text for its field to show it again, without what no page of HTML may contain."""
    return _UNPRINTABLE.sub("", text)


def read_note(fields: Mapping[str, str]) -> str | None:
    """Return what the mentor wants to be told, if anything. FormError if it is too long."""
    note = one_paragraph(fields.get("note", ""))
    if len(note) > MAX_NOTE:
        raise FormError({"note": "decline.note_too_long"})
    return note or None


def read_time(fields: Mapping[str, str]) -> datetime | None:
    """Return the chosen instant, or None if none was chosen, or what came is no instant."""
    try:
        return msgspec.convert(fields.get("starts_at", ""), Instant)
    except msgspec.ValidationError:
        return None


def read_account(fields: Mapping[str, str]) -> Account:
    """Return the account. FormError names what is wrong with which field."""
    bank, holder = (one_paragraph(fields.get(name, "")) for name in ("bank", "holder"))
    number = _BETWEEN_DIGITS.sub("", fields.get("number", ""))
    right = {
        "bank": len(bank) in _BANK,
        "number": _NUMBER.fullmatch(number) is not None,
        "holder": len(holder) in _HOLDER,
    }
    wrong = {name: f"payout-account.{name}_wrong" for name, good in right.items() if not good}
    if wrong:
        raise FormError(wrong)
    return Account(bank=bank, number=number, holder=holder)


def masked(account: str) -> str:
    """Return the line of an account without its holder, and of the number the last four digits."""
    return _SHOWN.sub("•", account.rpartition(_OF)[0] or account)
