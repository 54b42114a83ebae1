"""What Xendit takes as a request to create an invoice or a refund.

The fields and their types are those of ``CreateInvoiceRequest`` and ``CreateRefund`` in xendit-python
7.0.0; lengths, counts and that a refund needs its reason are from Xendit's API reference.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from local.simulators.xendit.channels import CHANNEL_BY_CODE, chosen_channels
from local.simulators.xendit.errors import ApiError
from local.simulators.xendit.shapes import Anything, Fields, Flag, Link, Many, Number, Problem, Text

LONGEST_DURATION_S: Final = 31_536_000
DEFAULT_DURATION_S: Final = 86_400
FOREIGN_CURRENCIES: Final = frozenset({"USD", "THB", "VND", "PHP", "MYR"})
EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

ADDRESS = Fields(
    {
        name: Text()
        for name in (
            "country",
            "street_line1",
            "street_line2",
            "city",
            "province",
            "state",
            "postal_code",
        )
    }
)
CUSTOMER = Fields(
    {
        "id": Text(),
        "phone_number": Text(),
        "given_names": Text(),
        "surname": Text(),
        "email": Text(),
        "mobile_number": Text(),
        "customer_id": Text(),
        "addresses": Many(ADDRESS),
    }
)
NOTIFICATION_CHANNELS = Many(Text(allowed=frozenset({"email", "sms", "whatsapp", "viber"})))
NOTIFICATION_PREFERENCE = Fields(
    {
        "invoice_created": NOTIFICATION_CHANNELS,
        "invoice_reminder": NOTIFICATION_CHANNELS,
        "invoice_paid": NOTIFICATION_CHANNELS,
    }
)
ITEM = Fields(
    {
        "name": Text(1),
        "price": Number(),
        "quantity": Number(above=0),
        "reference_id": Text(),
        "url": Text(),
        "category": Text(),
    },
    frozenset({"name", "price", "quantity"}),
)
FEE = Fields({"type": Text(1), "value": Number()}, frozenset({"type", "value"}))
INSTALLMENTS = Fields(
    {
        "allow_full_payment": Flag(),
        "allowed_terms": Many(Fields({"issuer": Text(), "terms": Many(Number())})),
    }
)
CARDS = Fields({"allowed_bins": Many(Text()), "installment_configuration": INSTALLMENTS})
CREATE_REQUEST = Fields(
    {
        "external_id": Text(1, 255),
        "amount": Number(above=0),
        "payer_email": Text(1),
        "description": Text(1),
        "invoice_duration": Number(above=0, most=LONGEST_DURATION_S),
        "callback_virtual_account_id": Text(1),
        "should_send_email": Flag(),
        "customer": CUSTOMER,
        "customer_notification_preference": NOTIFICATION_PREFERENCE,
        "success_redirect_url": Link(),
        "failure_redirect_url": Link(),
        "payment_methods": Many(Text(1)),
        "mid_label": Text(1),
        "should_authenticate_credit_card": Flag(),
        "currency": Text(1),
        "reminder_time": Number(above=0),
        "locale": Text(1),
        "reminder_time_unit": Text(allowed=frozenset({"days", "hours"})),
        "items": Many(ITEM, 75),
        "fees": Many(FEE, 10),
        "channel_properties": Fields({"cards": CARDS}),
        "metadata": Anything(50),
    },
    frozenset({"external_id", "amount"}),
)
CREATE_REFUND = Fields(
    {
        "payment_request_id": Text(1),
        "invoice_id": Text(1),
        "reference_id": Text(1, 255),
        "amount": Number(above=0),
        "currency": Text(1),
        "reason": Text(
            allowed=frozenset(
                {"FRAUDULENT", "DUPLICATE", "REQUESTED_BY_CUSTOMER", "CANCELLATION", "OTHERS"}
            )
        ),
        "metadata": Anything(50),
    },
    frozenset({"reason"}),
)


def read_create_request(body: bytes) -> dict[str, Any]:
    """Return the accepted request without its nulls; raise ``ApiError`` (400) for one Xendit refuses."""
    accepted = _read(body, CREATE_REQUEST)
    _check_rules(accepted)
    return accepted


def read_create_refund(body: bytes) -> dict[str, Any]:
    """As ``read_create_request``, for a refund; whether the money is there is not looked at here."""
    accepted = _read(body, CREATE_REFUND)
    _check_currency(accepted.get("currency", "IDR"))
    if not accepted.keys() & {"invoice_id", "payment_request_id"}:
        refuse([Problem(("invoice_id",), "is required", "any.required")], "body")
    return accepted


def read_limit(query: Mapping[str, str], default: int, most: int) -> int:
    """Return how many results a query asks for."""
    try:
        limit = float(query.get("limit", default))
    except ValueError:
        refuse([Problem(("limit",), "must be a number", "number.base")], "query")
        raise
    refuse(list(Number(above=0, most=most).problems(("limit",), limit)), "query")
    return int(limit)


def refuse_unknown(query: Mapping[str, str], known: Collection[str]) -> None:
    """Raise an API_VALIDATION_ERROR when a query has filters that are not known."""
    unknown = [name for name in query if name not in known]
    refuse([Problem((name,), "is not allowed", "object.allowUnknown") for name in unknown], "query")


def refuse(problems: list[Problem], location: str) -> None:
    """Raise an API_VALIDATION_ERROR when there are problems."""
    if problems:
        raise ApiError(
            400,
            "API_VALIDATION_ERROR",
            "Invalid input data. Please check your request",
            [problem.entry(location) for problem in problems],
        )


def _read(body: bytes, shape: Fields) -> dict[str, Any]:
    try:
        request = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise ApiError(400, "INVALID_JSON_FORMAT", "The request body is not valid JSON") from error
    refuse(list(shape.problems((), request)), "body")
    return {name: value for name, value in request.items() if value is not None}


def _check_rules(request: dict[str, Any]) -> None:
    if "payer_email" in request and not EMAIL.fullmatch(request["payer_email"]):
        raise ApiError(400, "EMAIL_FORMAT_ERROR", "The format of payer_email is not valid")
    _check_currency(request.get("currency", "IDR"))
    if set(request.get("payment_methods", ())) - CHANNEL_BY_CODE.keys():
        raise ApiError(
            400,
            "UNAVAILABLE_PAYMENT_METHOD_ERROR",
            "The payment method choices did not match with the available one on this business",
        )
    _check_amount(request)


def _check_currency(currency: str) -> None:
    if currency in FOREIGN_CURRENCIES:
        raise ApiError(400, "UNSUPPORTED_CURRENCY", f"{currency} is not enabled for this business")
    if currency != "IDR":
        refuse([Problem(("currency",), "must be a known currency", "any.allowOnly")], "body")


def _check_amount(request: dict[str, Any]) -> None:
    # Rupiah have no decimals: Xendit cuts them off before it looks at the limits.
    amount = int(request["amount"])
    channels = chosen_channels(request)
    if amount < min(channel.minimum for channel in channels):
        raise ApiError(400, "MINIMAL_TRANSFER_AMOUNT_ERROR", "The amount is below the minimum")
    if amount > max(channel.maximum for channel in channels):
        raise ApiError(400, "MAXIMUM_TRANSFER_AMOUNT_ERROR", "The amount is above the maximum")
