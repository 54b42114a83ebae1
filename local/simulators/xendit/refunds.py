"""The refunds of the simulated account and the rules for what may be given back."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import msgspec

from local.simulators.records import Records
from local.simulators.xendit.agenda import Agenda
from local.simulators.xendit.channels import UNREFUNDABLE_METHODS
from local.simulators.xendit.errors import (
    ApiError,
    InvoiceNotFoundError,
    RefundDataNotFoundError,
)
from local.simulators.xendit.invoices import Invoices
from local.simulators.xendit.model import Clock, Payment, Refund, RefundStatus
from local.simulators.xendit.refund_wire import refund_webhook
from local.simulators.xendit.webhook_queue import WebhookQueue

KIND: Final = "refund"
KEYS: Final = "refund_key"
# Xendit is known to send no others.
TOLD: Final = frozenset({"SUCCEEDED", "FAILED"})


class RefundSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How refunds go: each takes ``delay_seconds`` of the local world.

    The next ``fail_next`` that are asked for will fail with ``failure_code``. While ``no_balance``,
    the account has no money to give back. ``refuse_used_keys`` answers a key that comes again with
    409 even when the request is the same.
    """

    delay_seconds: float = 20.0
    fail_next: int = 0
    failure_code: str = "MAXIMUM_USER_BALANCE_EXCEEDED"
    no_balance: bool = False
    refuse_used_keys: bool = False


class Refunds:
    """All refunds, kept in ``records``; only where to find them is held in memory."""

    def __init__(
        self, records: Records, clock: Clock, invoices: Invoices, webhooks: WebhookQueue
    ) -> None:
        self._records = records
        self._clock = clock
        self._invoices = invoices
        self._webhooks = webhooks
        self._ids: list[str] = []
        self._ids_by_invoice: defaultdict[str, list[str]] = defaultdict(list)
        self._endings = Agenda()
        self._settings = msgspec.convert(records.get("settings", KIND) or {}, RefundSettings)
        for document in records.list(KIND):
            self._index(msgspec.convert(document, Refund))

    @property
    def settings(self) -> RefundSettings:
        """How refunds go now."""
        return self._settings

    def configure(self, settings: RefundSettings) -> None:
        """Change how refunds go that are asked for from now on."""
        self._settings = settings
        self._records.put("settings", KIND, msgspec.to_builtins(settings))

    def create(self, key: str | None, request: dict[str, Any]) -> Refund:
        """Start a refund; a key that comes again is answered as it was the first time.

        That answer is as old as the refund: what Xendit says of one that is over is not known.
        Refusals are not kept under their key. Raises ``ApiError``.
        """
        known = None if key is None else self._records.get(KEYS, key)
        if known is not None:
            if known["request"] != request or self._settings.refuse_used_keys:
                message = "The idempotency key was used with another request"
                raise ApiError(409, "IDEMPOTENCY_ERROR", message)
            return msgspec.convert(known["refund"], Refund)
        payment = self._payment(request.get("invoice_id", ""))
        refund = self._new(request, payment, self._amount(request, payment))
        document = msgspec.to_builtins(refund)
        with self._records.transaction():
            self._records.put(KIND, refund.id, document)
            if key is not None:
                self._records.put(KEYS, key, {"request": request, "refund": document})
        self._index(refund)
        return refund

    def get(self, refund_id: str) -> Refund:
        """Return a refund as it stands now; raise ``RefundDataNotFoundError``."""
        document = self._records.get(KIND, refund_id)
        if document is None:
            raise RefundDataNotFoundError(f"refund {refund_id}")
        refund = msgspec.convert(document, Refund)
        over = refund.due_at is not None and refund.due_at <= self._clock.now()
        return self._ended(refund) if over else refund

    def newest(self, limit: int, invoice_id: str | None = None) -> list[Refund]:
        """Return at most ``limit`` refunds, the newest first."""
        ids = self._ids if invoice_id is None else self._ids_by_invoice.get(invoice_id, [])
        return [self.get(refund_id) for refund_id in ids[: -limit - 1 : -1]]

    def all(self) -> list[Refund]:
        """Return every refund, the oldest first."""
        return self.newest(len(self._ids))[::-1]

    def finish(self, refund_id: str, status: RefundStatus, failure_code: str | None) -> Refund:
        """End a refund before its time; raise ``ApiError`` (400) for one that is over."""
        refund = self.get(refund_id)
        if refund.due_at is None:
            message = f"Refund {refund_id} is {refund.status}"
            raise ApiError(400, "INELIGIBLE_REFUND_STATUS", message)
        return self._finished(refund, status, failure_code)

    def finish_due(self) -> None:
        """End the refunds whose time has come."""
        for refund_id in self._endings.take_due(self._clock.now()):
            self.get(refund_id)

    def count_due(self) -> int:
        """Return how many refunds should be over without anyone having noticed."""
        return self._endings.count_due(self._clock.now())

    def next_at(self) -> datetime | None:
        """Return when the next refund will be over."""
        return self._endings.next_after(self._clock.now())

    def forget(self) -> None:
        """Follow a reset of the records."""
        self._ids.clear()
        self._ids_by_invoice.clear()
        self._endings.clear()
        self._settings = RefundSettings()

    def _payment(self, invoice_id: str) -> Payment:
        try:
            invoice = self._invoices.get(invoice_id).as_answered(self._clock.now())
        except InvoiceNotFoundError as error:
            raise RefundDataNotFoundError(f"invoice {invoice_id}") from error
        if not invoice.payments:
            message = f"Invoice {invoice_id} is {invoice.status}"
            raise ApiError(400, "INELIGIBLE_TRANSACTION_STATUS", message)
        payment = invoice.payments[-1]
        if payment.method in UNREFUNDABLE_METHODS:
            message = f"{payment.channel} does not support refunds"
            raise ApiError(403, "REFUND_NOT_SUPPORTED", message)
        return payment

    def _amount(self, request: dict[str, Any], payment: Payment) -> int:
        others = self.newest(len(self._ids), request["invoice_id"])
        if any(other.status == "PENDING" for other in others):
            raise ApiError(400, "REFUND_IN_PROGRESS", "Another refund is still pending")
        left = payment.amount - sum(other.amount for other in others if other.status == "SUCCEEDED")
        amount = int(request.get("amount", left))
        if not 0 < amount <= left:
            raise ApiError(400, "REFUND_AMOUNT_EXCEEDED", f"{left} are left to be refunded")
        if self._settings.no_balance:
            raise ApiError(400, "INSUFFICIENT_BALANCE", "Your balance is insufficient")
        return amount

    def _new(self, request: dict[str, Any], payment: Payment, amount: int) -> Refund:
        now = self._clock.now()
        settings = self._settings
        if settings.fail_next:
            self.configure(msgspec.structs.replace(settings, fail_next=settings.fail_next - 1))
        return Refund(
            id=f"rfd-{uuid4()}",
            number=len(self._ids) + 1,
            invoice_id=request["invoice_id"],
            amount=amount,
            status="PENDING",
            method=payment.method,
            channel=payment.channel,
            created=now,
            updated=now,
            due_at=now + timedelta(seconds=settings.delay_seconds),
            request=request,
            fails_with=settings.failure_code if settings.fail_next else None,
        )

    def _ended(self, refund: Refund) -> Refund:
        failed = refund.fails_with is not None
        return self._finished(refund, "FAILED" if failed else "SUCCEEDED", refund.fails_with)

    def _finished(self, refund: Refund, status: RefundStatus, code: str | None) -> Refund:
        now = self._clock.now()
        if refund.due_at is not None:
            self._endings.remove(refund.due_at, refund.id)
        over = msgspec.structs.replace(
            refund, status=status, failure_code=code, updated=now, due_at=None
        )
        with self._records.transaction():
            self._records.put(KIND, over.id, msgspec.to_builtins(over))
            if status in TOLD:
                self._webhooks.add(over.invoice_id, refund_webhook(over))
        return over

    def _index(self, refund: Refund) -> None:
        self._ids.append(refund.id)
        self._ids_by_invoice[refund.invoice_id].append(refund.id)
        if refund.due_at is not None:
            self._endings.add(refund.due_at, refund.id)
