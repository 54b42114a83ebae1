"""Signed links: what lets a reader of a message act on one order, without an account.

A link says its purpose, order, reader and revision, and until when it holds; it is signed, not
stored. Whatever a person does raises the order's revision, so every link made before is dead:
that is what makes a link work once. Signing: https://itsdangerous.palletsprojects.com/en/stable/.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from itsdangerous import BadData, URLSafeSerializer

from shared.domain.notifications import Recipient
from shared.domain.people import Identifier

# What was booked can be looked up for a while after its end.
LOOK_UP_FOR = timedelta(days=30)


class Purpose(StrEnum):
    """What a link is for; the last part of its path."""

    MANAGE = "manage"
    ACCEPT = "accept"
    DECLINE = "decline"
    RESCHEDULE = "reschedule"
    CANCEL = "cancel"
    PAYOUT_ACCOUNT = "payout-account"
    PAYOUT_DONE = "payout-done"


class Link(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a link says. ``invoice_id`` tells which payment a payout is of."""

    order_id: Identifier
    recipient: Recipient
    revision: int
    expires_at: int
    invoice_id: str = ""


class LinkError(Exception):
    """The link cannot be followed; ``expired`` says whether it once could."""

    def __init__(self, *, expired: bool = False) -> None:
        super().__init__("expired" if expired else "not a link of ours")
        self.expired = expired


class LinkSigner:
    """Makes and reads links. The first secret signs; the others are still believed."""

    def __init__(self, secrets: Sequence[str], base_url: str) -> None:
        # itsdangerous signs with the last key of its list.
        keys = list(reversed(secrets))
        self._serializers = {purpose: _serializer(keys, purpose) for purpose in Purpose}
        self._base_url = base_url.rstrip("/")

    def url(self, purpose: Purpose, link: Link) -> str:
        """Return the address of the page."""
        return f"{self._base_url}/{purpose}?token={self.token(purpose, link)}"

    def token(self, purpose: Purpose, link: Link) -> str:
        """Return what a form of this purpose has to send along."""
        token = self._serializers[purpose].dumps(msgspec.to_builtins(link))
        return token if isinstance(token, str) else token.decode()

    def read(self, purpose: Purpose, token: str, now: datetime) -> Link:
        """Return what the link says. Raises LinkError if it is not ours, or has expired."""
        link = self.read_expired(purpose, token)
        if now.timestamp() >= link.expires_at:
            raise LinkError(expired=True)
        return link

    def read_expired(self, purpose: Purpose, token: str) -> Link:
        """Return what the link says, however old it is. Raises LinkError if it is not ours."""
        try:
            return msgspec.convert(self._serializers[purpose].loads(token), Link)
        except (BadData, msgspec.ValidationError, RecursionError, UnicodeError) as error:
            raise LinkError from error


def _serializer(keys: list[str], purpose: Purpose) -> URLSafeSerializer:
    # The purpose is part of the signing key, so a link of one never passes for another's.
    options: dict[str, Any] = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    return URLSafeSerializer(keys, salt=f"mentoring.link.{purpose}", signer_kwargs=options)
