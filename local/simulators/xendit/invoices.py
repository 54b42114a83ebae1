"""The invoices of the simulated account and the rules for what may happen to them."""

import secrets
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from local.simulators.records import Records
from local.simulators.xendit.agenda import Agenda
from local.simulators.xendit.channels import CHANNEL_BY_CODE, chosen_channels
from local.simulators.xendit.errors import ApiError, InvoiceNotFoundError, PaymentRefusedError
from local.simulators.xendit.model import Clock, Invoice, Payment
from local.simulators.xendit.validation import DEFAULT_DURATION_S
from local.simulators.xendit.webhook_queue import WebhookQueue
from local.simulators.xendit.wire import webhook_body

KIND: Final = "invoice"


class Invoices:
    """All invoices, kept in ``records``; only where to find them is held in memory."""

    def __init__(self, records: Records, clock: Clock, webhooks: WebhookQueue) -> None:
        self._records = records
        self._clock = clock
        self._webhooks = webhooks
        self._ids: list[str] = []
        self._ids_by_external_id: dict[str, list[str]] = {}
        self._expiries = Agenda()
        for document in records.list(KIND):
            self._index(msgspec.convert(document, Invoice))

    def create(self, request: dict[str, Any]) -> Invoice:
        """Make an invoice from an accepted request; an ``external_id`` may be used again."""
        now = self._clock.now()
        lasts = timedelta(seconds=request.get("invoice_duration", DEFAULT_DURATION_S))
        invoice = Invoice(
            # As in MongoDB: four bytes of seconds, then eight that are unique.
            id=f"{int(now.timestamp()):08x}{secrets.token_hex(8)}",
            external_id=request["external_id"],
            amount=int(request["amount"]),
            status="PENDING",
            created=now,
            updated=now,
            expiry_date=now + lasts,
            request=request,
        )
        self._put(invoice)
        self._index(invoice)
        return invoice

    def get(self, invoice_id: str) -> Invoice:
        """Return an invoice as it stands now; raise ``InvoiceNotFoundError``."""
        document = self._records.get(KIND, invoice_id)
        if document is None:
            raise InvoiceNotFoundError(invoice_id)
        invoice = msgspec.convert(document, Invoice)
        ended = invoice.status == "PENDING" and invoice.expiry_date <= self._clock.now()
        return self._expired(invoice) if ended else invoice

    def newest(self, limit: int, external_id: str | None = None) -> list[Invoice]:
        """Return at most ``limit`` invoices, the newest first."""
        ids = self._ids if external_id is None else self._ids_by_external_id.get(external_id, [])
        return [self.get(invoice_id) for invoice_id in ids[: -limit - 1 : -1]]

    def all(self, external_id: str | None = None) -> list[Invoice]:
        """Return every invoice, the oldest first."""
        return self.newest(len(self._ids), external_id)[::-1]

    def expire(self, invoice_id: str) -> Invoice:
        """End an invoice before its time; one that has expired stays so.

        Raises ``ApiError`` (400) for one that is paid; what code Xendit gives then is not known.
        """
        invoice = self.get(invoice_id)
        if invoice.payments:
            message = f"Invoice {invoice_id} is {invoice.status} and cannot be expired"
            raise ApiError(400, "INVALID_INVOICE_STATUS_ERROR", message)
        return self._expired(invoice) if invoice.status == "PENDING" else invoice

    def expire_due(self) -> None:
        """End the invoices whose time is over."""
        for invoice_id in self._expiries.take_due(self._clock.now()):
            self.get(invoice_id)

    def pay(self, invoice_id: str, channel_code: str) -> Invoice:
        """Pay as a payer can: in time, once, the exact amount, within the channel's limits."""
        invoice = self.get(invoice_id)
        channel = CHANNEL_BY_CODE.get(channel_code)
        if channel is None or channel not in chosen_channels(invoice.request):
            raise PaymentRefusedError("channel")
        if invoice.amount < channel.minimum:
            raise PaymentRefusedError("below_minimum")
        if invoice.amount > channel.maximum:
            raise PaymentRefusedError("above_maximum")
        return self.force_payment(invoice_id, method=channel.method, channel=channel.code)

    def force_payment(
        self,
        invoice_id: str,
        *,
        method: str,
        channel: str,
        amount: int | None = None,
        late: bool = False,
        settle: bool = False,
        webhook: bool = True,
    ) -> Invoice:
        """Let money arrive that a payer could not send: too late, or not the invoice's amount."""
        invoice = self.get(invoice_id)
        if invoice.payments:
            raise PaymentRefusedError("already_paid")
        expired = invoice.status == "EXPIRED"
        if expired and not late:
            raise PaymentRefusedError("expired")
        now = self._clock.now()
        paid = msgspec.structs.replace(
            invoice,
            status="SETTLED" if settle else "PAID",
            updated=now,
            payment_visible_at=self._visible_at(now),
            payments=(
                Payment(
                    method=method,
                    channel=channel,
                    amount=invoice.amount if amount is None else amount,
                    paid_at=now,
                    late=expired,
                ),
            ),
        )
        self._expiries.remove(invoice.expiry_date, invoice.id)
        self._put(paid, webhook=webhook)
        return paid

    def settle(self, invoice_id: str) -> Invoice:
        """Let the money of a paid invoice reach the account."""
        invoice = self.get(invoice_id)
        if not invoice.payments:
            raise PaymentRefusedError("not_paid")
        return self._changed(invoice, status="SETTLED", updated=self._clock.now())

    def note_shown(self, invoice: Invoice) -> None:
        """Count that the checkout page was opened."""
        self._changed(invoice, shown=invoice.shown + 1)

    def count_due(self) -> int:
        """Return how many invoices have reached their end without anyone having noticed."""
        return self._expiries.count_due(self._clock.now())

    def next_at(self) -> datetime | None:
        """Return when the next invoice expires."""
        return self._expiries.next_after(self._clock.now())

    def forget(self) -> None:
        """Follow a reset of the records."""
        self._ids.clear()
        self._ids_by_external_id.clear()
        self._expiries.clear()

    def _visible_at(self, now: datetime) -> datetime | None:
        early_s = self._webhooks.settings.early_seconds
        return now + timedelta(seconds=early_s) if early_s else None

    def _expired(self, invoice: Invoice) -> Invoice:
        self._expiries.remove(invoice.expiry_date, invoice.id)
        expired = msgspec.structs.replace(invoice, status="EXPIRED", updated=self._clock.now())
        self._put(expired, webhook=self._webhooks.settings.expired_enabled)
        return expired

    def _changed(self, invoice: Invoice, **changes: Any) -> Invoice:
        changed = msgspec.structs.replace(invoice, **changes)
        self._put(changed)
        return changed

    def _put(self, invoice: Invoice, *, webhook: bool = False) -> None:
        with self._records.transaction():
            self._records.put(KIND, invoice.id, msgspec.to_builtins(invoice))
            if webhook:
                omit_id = self._webhooks.settings.omit_id
                self._webhooks.add(invoice.id, webhook_body(invoice, omit_id=omit_id))

    def _index(self, invoice: Invoice) -> None:
        self._ids.append(invoice.id)
        self._ids_by_external_id.setdefault(invoice.external_id, []).append(invoice.id)
        if invoice.status == "PENDING":
            self._expiries.add(invoice.expiry_date, invoice.id)
