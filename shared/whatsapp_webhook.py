"""What Meta tells about WhatsApp messages that were sent: checked, then decoded tolerantly.

Shape: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status
Signature and handshake: https://developers.facebook.com/docs/graph-api/webhooks/getting-started
Webhooks come more than once and overtake each other; ``read`` may come without ``delivered``.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

from shared.errors import InvalidMessageError

SIGNATURE = "X-Hub-Signature-256"
_MAX_DIGITS = 11  # of a second before the year 5000
# Of a reason, which is kept in the message's record: far more than Meta says, and few bytes.
_MAX_REASON = 500


class Progress(StrEnum):
    """How far a message has come."""

    SENT = "sent"  # Meta has it under way
    DELIVERED = "delivered"  # it is on the phone
    READ = "read"
    FAILED = "failed"  # it will not arrive
    UNKNOWN = "unknown"  # a word of Meta's that is not known here


_PROGRESS = {progress.value: progress for progress in Progress}


class MessageStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of one message of ours.

    ``key`` is the notification's, ``message_id`` Meta's; ``failed`` says why it will not arrive,
    like ``131026 Message undeliverable``; ``at`` is when it happened.
    """

    key: str
    message_id: str
    progress: Progress
    failed: str | None = None
    at: datetime | None = None


class _Details(msgspec.Struct, frozen=True, kw_only=True):
    code: int | str = "?"
    title: str | None = None
    message: str | None = None


class _Status(msgspec.Struct, frozen=True, kw_only=True):
    id: str = ""
    status: str = ""
    timestamp: str | int | None = None
    biz_opaque_callback_data: str | None = None
    errors: list[_Details] | None = None


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """What a webhook says of our messages. ``unread`` is why some of it could not be read."""

    statuses: tuple[MessageStatus, ...] = ()
    unread: str | None = None


class _Value(msgspec.Struct, frozen=True, kw_only=True):
    statuses: list[Any] | None = None


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    # Changes of other fields have values of every shape.
    value: Any = None
    field: str = ""


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    changes: list[_Change] | None = None


class _Body(msgspec.Struct, frozen=True, kw_only=True):
    entry: list[_Entry] | None = None


def is_signed(body: bytes, signature: str | None, app_secret: str) -> bool:
    """Whether the header SIGNATURE was made from these very bytes with our app's secret."""
    digest = hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest((signature or "").encode(), f"sha256={digest}".encode())


def challenge(query: Mapping[str, str], verify_token: str) -> str | None:
    """Return what to answer when the webhook's address is registered; None: it is not by us.

    The answer is a stranger's words, to be sent as text/plain.
    """
    said = query.get("hub.verify_token", "")
    known = hmac.compare_digest(said.encode(), verify_token.encode())
    if not known or query.get("hub.mode") != "subscribe":
        return None
    return query.get("hub.challenge")


def read_webhook(body: bytes) -> Webhook:
    """Return what a webhook says of our messages: nothing, for one that is about other things.

    Messages without a key were not sent by the pipeline and are left out. A status that cannot be
    read does not silence the others. Raises InvalidMessageError with what is wrong and where.
    """
    try:
        told = tuple(_told(msgspec.json.decode(body, type=_Body)))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidMessageError(f"not a WhatsApp webhook: {error}") from error
    statuses: list[MessageStatus] = []
    unread: str | None = None
    for each in told:
        try:
            status = msgspec.convert(each, _Status)
        except msgspec.ValidationError as error:
            unread = f"not a status of a WhatsApp message: {error}"
            continue
        if status.biz_opaque_callback_data:
            statuses.append(_read(status))
    return Webhook(statuses=tuple(statuses), unread=unread)


def _told(body: _Body) -> Iterator[Any]:
    for entry in body.entry or ():
        for change in entry.changes or ():
            if change.field == "messages":
                yield from msgspec.convert(change.value, _Value).statuses or ()


def _read(status: _Status) -> MessageStatus:
    progress = _PROGRESS.get(status.status, Progress.UNKNOWN)
    return MessageStatus(
        key=status.biz_opaque_callback_data or "",
        message_id=status.id,
        progress=progress,
        failed=_reason(status) if progress is Progress.FAILED else None,
        at=_instant(status.timestamp),
    )


def _reason(status: _Status) -> str:
    said = [f"{e.code} {e.title or e.message or ''}".strip() for e in status.errors or ()]
    return "; ".join(said)[:_MAX_REASON] or "no reason given"


def _instant(timestamp: str | int | None) -> datetime | None:
    digits = str(timestamp)
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > _MAX_DIGITS:
        return None
    return datetime.fromtimestamp(int(digits), UTC)
