"""Refunds at Xendit, by invoice; answered as pending, they are done or fail hours or days later.

Fields: ``CreateRefund`` in xendit-python 7.0.0. Error codes: Xendit's API reference for refunds and
its test scenarios for QR codes; they disagree on the status that a code comes with, so the code
decides. The rest is as in ``xendit_api``.
"""

import decimal
from typing import Any

import msgspec
from xendit.refund.model.create_refund import CreateRefund
from xendit.refund.refund_api import RefundApi

from shared.adapters.xendit_api import NotFoundError, XenditConnection, decode, whole
from shared.domain.refund import Refund, RefundRequest, RefundStatus
from shared.errors import NotDoneError, NotRefundableError, PermanentError, RetryableError
from shared.settings import XenditSettings

_STATUS = {
    "PENDING": RefundStatus.PENDING,
    "SUCCEEDED": RefundStatus.SUCCEEDED,
    "FAILED": RefundStatus.FAILED,
    "CANCELLED": RefundStatus.CANCELLED,
}
# One for all: the same key has to come with the same request.
_REASON = "CANCELLATION"
_NOT_REFUNDABLE = frozenset(
    {"REFUND_NOT_SUPPORTED", "PARTIAL_REFUND_NOT_SUPPORTED", "CHANNEL_NOT_SUPPORTED"}
)
# Some come with 403, which otherwise means that our key is wrong.
_HOPELESS = frozenset(
    {
        "REFUND_AMOUNT_EXCEEDED",
        "MAXIMUM_REFUND_AMOUNT_REACHED",
        "INELIGIBLE_TRANSACTION",
        "INELIGIBLE_TRANSACTION_STATUS",
    }
)
_NO_MONEY = "INSUFFICIENT_BALANCE"
_LATER = frozenset({"REFUND_IN_PROGRESS", "REFUND_TEMPORARILY_UNAVAILABLE"})
_KEY_USED = frozenset({"IDEMPOTENCY_ERROR", "DUPLICATE_ERROR"})
_UNTIL_MONEY_COMES_S = 3600.0
_UNTIL_DONE_S = 600.0


class _WireRefund(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that are used of a refund in Xendit's API; all others are ignored."""

    id: str
    status: str
    amount: decimal.Decimal
    currency: str = "IDR"
    invoice_id: str | None = None  # "to be deprecated"
    failure_code: str | None = None
    reference_id: str | None = None
    metadata: Any = None


class _WireRefunds(msgspec.Struct, frozen=True, kw_only=True):
    data: list[_WireRefund]


class _KeyUsedError(PermanentError):
    """The key came before, and Xendit does not say what with."""


class XenditRefundGateway:
    """RefundGateway on Xendit's refund API. Safe to share between threads.

    NotDoneError, with an hour to wait, while the account has too little money: payments of others
    will bring it. A 403 of another kind is our key's, as everywhere.
    """

    def __init__(self, settings: XenditSettings) -> None:
        connection = XenditConnection(settings, _explained)
        self._api = RefundApi(connection.client)
        self._options = connection.options

    def refund(self, request: RefundRequest) -> Refund:
        """See RefundGateway. PermanentError where the key came before with another request."""
        try:
            response = self._api.create_refund(
                # By name: the SDK's first parameter is the key, not what is to be created.
                idempotency_key=request.key,
                create_refund=_create_request(request),
                **self._options,
            )
        except _KeyUsedError:
            started = self._started(request)
            if started is None:
                raise
            return started
        return _refund(decode(response.data, _WireRefund), request.invoice_id)

    def get(self, refund_id: str) -> Refund | None:
        """See RefundGateway."""
        try:
            response = self._api.get_refund(refund_id=refund_id, **self._options)
        except NotFoundError:
            return None
        return _refund(decode(response.data, _WireRefund))

    def _started(self, request: RefundRequest) -> Refund | None:
        """Return the refund that this very request has started.

        Asked where Xendit refuses a key that was used: whether it does so, too, while a request
        whose answer was lost is still being worked on is not documented, and taking that for a
        failure would let the money go back twice.
        """
        response = self._api.get_all_refunds(invoice_id=request.invoice_id, **self._options)
        told: _WireRefunds = decode(response.data, _WireRefunds)
        asked = (request.amount, request.currency, request.order_id)
        for wire in told.data:
            if (whole(wire.amount), wire.currency, wire.reference_id) == asked:
                return _refund(wire, request.invoice_id)
        return None


def _create_request(request: RefundRequest) -> CreateRefund:
    return CreateRefund(
        invoice_id=request.invoice_id,
        amount=float(request.amount),  # the SDK takes nothing but floats
        currency=request.currency,
        reason=_REASON,
        # Webhooks were seen without metadata, and others without the invoice: so it is said twice.
        reference_id=request.order_id,
        metadata={"order_id": request.order_id, "invoice_id": request.invoice_id},
    )


def _refund(wire: _WireRefund, asked_for: str = "") -> Refund:
    return Refund(
        id=wire.id,
        invoice_id=wire.invoice_id or _noted_invoice(wire.metadata) or asked_for,
        status=_STATUS.get(wire.status, RefundStatus.UNKNOWN),
        amount=whole(wire.amount),
        currency=wire.currency,
        failure=wire.failure_code,
    )


def _noted_invoice(metadata: Any) -> str:
    noted = metadata.get("invoice_id") if isinstance(metadata, dict) else None
    return noted if isinstance(noted, str) else ""


def _explained(code: str, said: str) -> Exception | None:
    if code in _NOT_REFUNDABLE:
        return NotRefundableError(said)
    if code in _HOPELESS:
        return PermanentError(said)
    if code in _KEY_USED:
        return _KeyUsedError(said)
    if code == _NO_MONEY:
        return NotDoneError(said, retry_after=_UNTIL_MONEY_COMES_S)
    if code in _LATER:
        return RetryableError(said, retry_after=_UNTIL_DONE_S)
    return None
