"""An invoice as the payment provider tells it."""

from datetime import datetime
from enum import StrEnum

import msgspec


class InvoiceStatus(StrEnum):
    """Whether the invoice can be paid, has been, or cannot any more."""

    PENDING = "pending"
    PAID = "paid"
    EXPIRED = "expired"
    UNKNOWN = "unknown"  # a status that the provider added since; never taken for paid


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """What was read from the payment provider. Amounts are whole units of ``currency``."""

    id: str
    order_id: str
    status: InvoiceStatus
    url: str
    amount: int
    currency: str
    expires_at: datetime
    paid_amount: int | None = None
    paid_at: datetime | None = None
    payment_method: str | None = None
    payment_channel: str | None = None
