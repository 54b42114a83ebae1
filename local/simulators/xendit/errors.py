"""What the simulator refuses, and how Xendit says so."""

from typing import Any, Literal


class ApiError(Exception):
    """A request was refused: HTTP ``status`` and ``{"error_code", "message"[, "errors"]}``."""

    def __init__(
        self, status: int, code: str, message: str, errors: list[dict[str, Any]] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        body: dict[str, Any] = {"error_code": self.code, "message": self.message}
        return body if self.errors is None else body | {"errors": self.errors}


class InvoiceNotFoundError(ApiError):
    """There is no invoice with this id."""

    def __init__(self, invoice_id: str) -> None:
        super().__init__(
            404, "INVOICE_NOT_FOUND_ERROR", f"Could not find invoice by id {invoice_id}"
        )


class RefundDataNotFoundError(ApiError):
    """There is no refund with this id, or no invoice to refund."""

    def __init__(self, wanted: str) -> None:
        super().__init__(404, "DATA_NOT_FOUND", f"Could not find {wanted}")


Refusal = Literal[
    "expired", "already_paid", "not_paid", "channel", "below_minimum", "above_maximum"
]


class PaymentRefusedError(Exception):
    """A payment or a settlement cannot happen to this invoice; ``reason`` says why."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason)
        self.reason = reason
