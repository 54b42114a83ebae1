"""The invoice's life: recorded, paid or expired, and what to do with money that does not fit."""

from datetime import datetime

import msgspec

from shared.domain.confirmation import slot_went
from shared.domain.invoice import Invoice, InvoiceStatus
from shared.domain.order import Change, Order, OrderInvoice, Payment, Status
from shared.domain.placement import existing
from shared.domain.refunds import owe, owe_payment, received
from shared.domain.reminders import payment_reminder_at
from shared.domain.schedule import Days, find_conflict

AMOUNT_MISMATCH = "amount_mismatch"
_CLOSED = frozenset({Status.CANCELLED, Status.REJECTED})


def attach_invoice(
    current: Order | None, _days: Days, *, invoice: Invoice, now: datetime
) -> Change:
    """Record the invoice of a pending order. The first one recorded stays."""
    order = existing(current)
    if order.status is not Status.PENDING:
        return Change(order=order)
    return Change(order=_invoiced(order, invoice, now))


def settle(current: Order | None, days: Days, *, invoice: Invoice, now: datetime) -> Change:
    """Apply what the provider itself says about the order's invoice: paid, expired, or neither."""
    order = existing(current)
    if invoice.status is InvoiceStatus.PAID:
        return _paid(order, days, invoice, now)
    if invoice.status is InvoiceStatus.EXPIRED and _is_shown(order, invoice):
        freed = tuple(days[key].without_order(order.id) for key in order.day_keys)
        return Change(order=order.moved_to(Status.EXPIRED, now), days=freed)
    return Change(order=order)


def _paid(order: Order, days: Days, invoice: Invoice, now: datetime) -> Change:
    known = order.payment is not None and order.payment.invoice_id == invoice.id
    if known or order.refund_of(invoice.id) is not None:
        return Change(order=order)
    if order.payment is not None:  # paid twice: the second payment goes back
        return Change(order=owe(order, invoice.id, received(invoice), now))
    paid = msgspec.structs.replace(order, payment=_payment(invoice, now))
    if order.status in _CLOSED:
        return Change(order=owe_payment(paid, now))
    if not _fits(order, invoice):
        return Change(order=order.with_attention(AMOUNT_MISMATCH, now))
    if order.status is Status.EXPIRED:
        return _paid_late(paid, days, now)
    if order.status is Status.PENDING:
        paid = _invoiced(paid, invoice, now)
    return Change(order=paid.moved_to(Status.PAID, now))


def _paid_late(order: Order, days: Days, now: datetime) -> Change:
    buffer = order.buffer_minutes
    taken = find_conflict(days.values(), order.booking, buffer_minutes=buffer) is not None
    if taken or order.session.starts_at <= now:
        return Change(order=slot_went(order, now))
    rebooked = tuple(days[key].with_booking(order.booking) for key in order.day_keys)
    return Change(order=order.moved_to(Status.PAID, now, "paid after expiry"), days=rebooked)


def _is_shown(order: Order, invoice: Invoice) -> bool:
    """Whether the mentee waits on this invoice; a spare one that expires changes nothing."""
    shown = order.invoice is not None and order.invoice.id == invoice.id
    return shown and order.status is Status.INVOICED


def _fits(order: Order, invoice: Invoice) -> bool:
    amounts = {invoice.amount, received(invoice)}
    return amounts == {order.price.amount} and invoice.currency == order.price.currency


def _invoiced(order: Order, invoice: Invoice, now: datetime) -> Order:
    own = OrderInvoice(id=invoice.id, url=invoice.url, expires_at=invoice.expires_at)
    invoiced = msgspec.structs.replace(order, invoice=own).moved_to(Status.INVOICED, now)
    remind_at = payment_reminder_at(own.expires_at, now)
    return msgspec.structs.replace(invoiced, next_reminder_at=remind_at)


def _payment(invoice: Invoice, now: datetime) -> Payment:
    return Payment(
        invoice_id=invoice.id,
        amount=received(invoice),
        paid_at=invoice.paid_at or now,
        method=invoice.payment_method,
        channel=invoice.payment_channel,
    )
