"""How Xendit tells of refunds, built from the simulator's own state."""

from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from local.simulators.xendit.model import Refund
from local.simulators.xendit.wire import USER_ID, timestamp

METHOD_TYPES: Final = {"CREDIT_CARD": "CARD"}
PAYMENT_PREFIXES: Final = {"EWALLET": "ewc_", "QR_CODE": "qrpy_", "DIRECT_DEBIT": "ddpy-"}


def refund_answer(refund: Refund) -> dict[str, Any]:
    """Return a refund as the API tells it.

    The fields are those of the refund object in Xendit's API reference, nulls included.
    """
    return _said_always(refund) | {
        "reference_id": refund.request.get("reference_id"),
        "failure_code": refund.failure_code,
        "refund_fee_amount": None,
        "metadata": refund.request.get("metadata"),
    }


def refund_webhook(refund: Refund) -> dict[str, Any]:
    """Return what Xendit sends when a refund is over.

    Flat for every refund with an odd number, as recorded for a wallet (2023) and in the schema;
    nested for every even one, as in the example of Xendit's documentation. So both are always seen.
    """
    nested = refund.number % 2 == 0
    data = refund_answer(refund) if nested else _recorded(refund)
    body = _envelope(refund, data)
    return _envelope(refund, body) if nested else body


def _recorded(refund: Refund) -> dict[str, Any]:
    # The recorded body has no metadata, no fee, and text where nothing was said.
    said = {"reference_id": refund.request.get("reference_id", ""), "refund_method": "DIRECT"}
    failure = {"failure_code": refund.failure_code} if refund.failure_code else {}
    return _said_always(refund) | said | failure


def _envelope(refund: Refund, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "event": f"refund.{refund.status.lower()}",
        "business_id": USER_ID,
        "created": timestamp(refund.updated),
        "data": data,
    }


def _said_always(refund: Refund) -> dict[str, Any]:
    seed = uuid5(NAMESPACE_URL, f"{refund.invoice_id}/{refund.channel}")
    return {
        "id": refund.id,
        "payment_id": f"{PAYMENT_PREFIXES.get(refund.method, '')}{seed}",
        "invoice_id": refund.invoice_id,
        "amount": refund.amount,
        "payment_method_type": METHOD_TYPES.get(refund.method, refund.method),
        "channel_code": refund.channel,
        "country": "ID",
        "currency": "IDR",
        "status": refund.status,
        "reason": refund.request["reason"],
        "created": timestamp(refund.created),
        "updated": timestamp(refund.updated),
    }
