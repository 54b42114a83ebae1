"""The bodies that Xendit answers and sends, built from the simulator's own state."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from local.simulators.xendit.channels import Channel, chosen_channels
from local.simulators.xendit.model import Invoice, Payment

USER_ID: Final = "64f1b9a2c87d4e0012a5d3f7"
MERCHANT_NAME: Final = "Nusantara Mentoring"
MERCHANT_PICTURE: Final = "https://example.com/merchant.png"
REDIRECTS: Final = ("success_redirect_url", "failure_redirect_url")
# Answers of the API repeat what the request said; webhooks leave out ``customer`` and ``metadata``.
TOLD_IN_WEBHOOKS: Final = ("payer_email", "description", "items", "fees", *REDIRECTS)
TOLD_IN_ANSWERS: Final = (
    *TOLD_IN_WEBHOOKS,
    "customer",
    "customer_notification_preference",
    "should_authenticate_credit_card",
    "channel_properties",
    "locale",
    "metadata",
)


def timestamp(instant: datetime) -> str:
    """Return an instant with milliseconds, as in ``2023-01-21T15:14:02.182Z``."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def short_timestamp(instant: datetime) -> str:
    """Return an instant without trailing zeros, as in ``…13.34Z``: some of Xendit's services do so."""
    return timestamp(instant).removesuffix("Z").rstrip("0").rstrip(".") + "Z"


def invoice_answer(invoice: Invoice, public_url: str) -> dict[str, Any]:
    """Return an invoice as the API tells it.

    The shape is that of recorded answers for a pending and for a settled invoice (2023).
    """
    return (
        {
            "id": invoice.id,
            "external_id": invoice.external_id,
            "user_id": USER_ID,
            "status": invoice.status,
            "merchant_name": MERCHANT_NAME,
            "merchant_profile_picture_url": MERCHANT_PICTURE,
            "amount": invoice.amount,
            "expiry_date": timestamp(invoice.expiry_date),
            "invoice_url": f"{public_url}/web/{invoice.id}",
        }
        | _available(invoice)
        | {
            "should_send_email": invoice.request.get("should_send_email", False),
            "created": timestamp(invoice.created),
            "updated": short_timestamp(invoice.updated),
            "currency": "IDR",
        }
        | _told(invoice.request, TOLD_IN_ANSWERS)
        | _payment_fields(invoice)
    )


def webhook_body(invoice: Invoice, *, omit_id: bool = False) -> dict[str, Any]:
    """Return what Xendit sends when an invoice was paid or has expired.

    The shapes are those of recorded webhooks (2020 to 2024), one per payment method. Without its id
    (seen for a bank transfer in 2023) a body also lacks ``is_high``.
    """
    body = (
        {
            "id": invoice.id,
            "external_id": invoice.external_id,
            "user_id": USER_ID,
            "is_high": False,
            # Xendit says PAID even when the money is settled by then.
            "status": "PAID" if invoice.payments else "EXPIRED",
            "merchant_name": MERCHANT_NAME,
            "amount": invoice.amount,
            "created": timestamp(invoice.created),
            "updated": short_timestamp(invoice.updated),
            "currency": "IDR",
        }
        | _told(invoice.request, TOLD_IN_WEBHOOKS)
        | _payment_fields(invoice)
    )
    unsaid = {"id", "is_high"} if omit_id else _unsaid_by(invoice)
    return {name: value for name, value in body.items() if name not in unsaid}


def account_number(invoice_id: str, channel: str) -> str:
    """Return the number to pay to: a virtual account's, or a retail outlet's payment code."""
    return str(10**12 + uuid5(NAMESPACE_URL, f"{invoice_id}/{channel}").int % (9 * 10**12))


def _told(request: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: request[name] for name in names if name in request}


def _unsaid_by(invoice: Invoice) -> set[str]:
    # Bodies about payments in a shop were never seen with it.
    return {"is_high"} if any(p.method == "RETAIL_OUTLET" for p in invoice.payments) else set()


def _available(invoice: Invoice) -> dict[str, Any]:
    takes_it = [
        channel
        for channel in chosen_channels(invoice.request)
        if channel.minimum <= invoice.amount <= channel.maximum
    ]
    by_method: dict[str, list[Channel]] = {}
    for channel in takes_it:
        by_method.setdefault(channel.method, []).append(channel)

    def codes(method: str, name: str) -> list[dict[str, str]]:
        return [{name: channel.code} for channel in by_method.get(method, ())]

    return {
        "available_banks": [_bank(invoice, c.code) for c in by_method.get("BANK_TRANSFER", ())],
        "available_retail_outlets": codes("RETAIL_OUTLET", "retail_outlet_name"),
        "available_ewallets": codes("EWALLET", "ewallet_type"),
        "available_qr_codes": codes("QR_CODE", "qr_code_type"),
        "available_direct_debits": codes("DIRECT_DEBIT", "direct_debit_type"),
        "available_paylaters": [],
        "should_exclude_credit_card": "CREDIT_CARD" not in by_method,
    }


def _bank(invoice: Invoice, code: str) -> dict[str, Any]:
    paid_here = any(payment.channel == code for payment in invoice.payments)
    number = {"bank_account_number": account_number(invoice.id, code)} if paid_here else {}
    return {
        "bank_code": code,
        "collection_type": "POOL",
        **number,
        "transfer_amount": invoice.amount,
        "bank_branch": "Virtual Account",
        "account_holder_name": MERCHANT_NAME.upper(),
        "identity_amount": 0,
    }


def _payment_fields(invoice: Invoice) -> dict[str, Any]:
    if not invoice.payments:
        return {}
    payment = invoice.payments[-1]
    return {
        "paid_amount": payment.amount,
        "paid_at": timestamp(payment.paid_at),
        "payment_method": payment.method,
        "payment_channel": payment.channel,
    } | _method_fields(invoice, payment)


def _method_fields(invoice: Invoice, payment: Payment) -> dict[str, Any]:
    seed = uuid5(NAMESPACE_URL, f"{invoice.id}/{payment.channel}")
    destination = {"payment_destination": account_number(invoice.id, payment.channel)}
    method_id = {"payment_method_id": f"pm-{seed}"}
    match payment.method:
        case "BANK_TRANSFER":
            first = {"bank_code": payment.channel, "initial_amount": invoice.amount}
            return first | destination
        case "RETAIL_OUTLET":
            return destination
        case "QR_CODE":
            receipt = {"source": "Ovo", "receipt_id": seed.hex[:12]}
            return {"payment_id": f"qrpy_{seed}", "payment_details": receipt} | method_id
        case "EWALLET":
            return {"payment_id": f"ewc_{seed}", "ewallet_type": payment.channel} | method_id
        case "CREDIT_CARD":
            charge = {"credit_card_charge_id": seed.hex[8:32]}
            return {"credit_card_token": seed.hex[:24]} | charge
        case _:
            return {}
