"""What a refund webhook says. It is a hint only: the refund itself is read back from Xendit."""

import re
from typing import Any, Final

import msgspec

# Xendit's own are like ``rfd-`` and a UUID, or ``RFD-00001``. It becomes a part of a URL.
_REFUND_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
_MAX_TEXT: Final = 256
_OURS: Final = "refund."


class RefundCallback(msgspec.Struct, frozen=True, kw_only=True):
    """What is used of a refund webhook. ``event`` is like ``refund.succeeded``.

    ``order_id`` and ``invoice_id`` are None where Xendit did not say them; whether they are of
    ours, nobody has looked yet.
    """

    event: str
    refund_id: str
    invoice_id: str | None = None
    order_id: str | None = None


class _Envelope(msgspec.Struct, frozen=True, kw_only=True):
    event: str
    data: dict[str, Any]


def read_refund_callback(body: bytes) -> RefundCallback | None:
    """Return what a refund webhook says, or None for any other body.

    ``{"event", "business_id", "created", "data"}``: in Xendit's schema and in recorded bodies
    ``data`` is the refund, in the example of its documentation it is such an envelope once more.
    """
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if not envelope.event.startswith(_OURS) or len(envelope.event) > _MAX_TEXT:
        return None
    inner = envelope.data.get("data")
    return _callback(envelope.event, inner if isinstance(inner, dict) else envelope.data)


def _callback(event: str, refund: dict[str, Any]) -> RefundCallback | None:
    refund_id = _text(refund.get("id"))
    if refund_id is None or not _REFUND_ID.fullmatch(refund_id):
        return None
    metadata = refund.get("metadata")
    ours = metadata if isinstance(metadata, dict) else {}
    return RefundCallback(
        event=event,
        refund_id=refund_id,
        invoice_id=_text(refund.get("invoice_id")) or _text(ours.get("invoice_id")),
        # Said in both when the refund was asked for, as bodies without metadata were seen.
        order_id=_text(ours.get("order_id")) or _text(refund.get("reference_id")),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= _MAX_TEXT else None
