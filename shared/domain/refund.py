"""A refund as the payment provider tells it, and what to ask for one with."""

from enum import StrEnum

import msgspec


class RefundStatus(StrEnum):
    """What has become of a refund at the provider."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # a status that the provider added since; never taken for done


class RefundRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The money of one invoice to give back. ``amount`` is in whole units of ``currency``.

    ``key`` makes it idempotent: the same key again is the same refund.
    """

    key: str
    order_id: str
    invoice_id: str
    amount: int
    currency: str


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """What was read from the provider. ``failure`` is its code of why it failed."""

    id: str
    invoice_id: str
    status: RefundStatus
    amount: int
    currency: str
    failure: str | None = None
