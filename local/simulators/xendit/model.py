"""What the simulator knows about an invoice, apart from how Xendit writes it on the wire."""

from datetime import datetime
from typing import Any, Literal, Protocol

import msgspec

Status = Literal["PENDING", "PAID", "SETTLED", "EXPIRED"]
RefundStatus = Literal["PENDING", "SUCCEEDED", "FAILED", "CANCELLED"]


class Clock(Protocol):
    """The local world's clock."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """Money that arrived for an invoice; ``amount`` in whole rupiah, which may not be the invoice's."""

    method: str
    channel: str
    amount: int
    paid_at: datetime
    late: bool = False


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice; ``amount`` in whole rupiah, ``request`` the accepted create request without nulls.

    ``shown`` counts how often the checkout page was opened. Until ``payment_visible_at`` the API
    still answers as if nothing had been paid, for callers whose webhook overtakes the read.
    """

    id: str
    external_id: str
    amount: int
    status: Status
    created: datetime
    updated: datetime
    expiry_date: datetime
    request: dict[str, Any]
    payments: tuple[Payment, ...] = ()
    shown: int = 0
    payment_visible_at: datetime | None = None

    def as_answered(self, now: datetime) -> "Invoice":
        """Return the invoice as the API tells it at ``now``."""
        if self.payment_visible_at is None or now >= self.payment_visible_at:
            return self
        return msgspec.structs.replace(self, status="PENDING", payments=(), updated=self.created)


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """Money on its way back; ``amount`` in whole rupiah, ``request`` the accepted create request.

    ``number`` counts all refunds from 1. ``due_at`` is when it will be done, or will fail if
    ``fails_with`` is a failure code; None once it is over.
    """

    id: str
    number: int
    invoice_id: str
    amount: int
    status: RefundStatus
    method: str
    channel: str
    created: datetime
    updated: datetime
    due_at: datetime | None
    request: dict[str, Any]
    fails_with: str | None = None
    failure_code: str | None = None
