"""Money that goes back: owed, asked for, on its way, back, or transferred by hand."""

from datetime import datetime

import msgspec

from shared.domain.actions import NOT_NOW
from shared.domain.invoice import Invoice
from shared.domain.order import Change, MoneyBack, MoneyBackState, Order
from shared.domain.placement import existing
from shared.domain.refund import Refund, RefundRequest, RefundStatus
from shared.domain.schedule import Days
from shared.errors import ActionRefusedError

# The provider could not give the money back, or will not: the mentee is asked for an account.
REFUND_FAILED = "refund_failed"
# An admin was asked to transfer what the provider gives back after all.
PAYOUT_NOT_NEEDED = "payout_not_needed"
# The provider gives back what an admin has transferred already.
REFUNDED_TWICE = "refunded_twice"

# In these the mentee is asked to what account the money shall go.
WANTS_ACCOUNT = frozenset({MoneyBackState.ACCOUNT_WANTED, MoneyBackState.FAILED})
_STATES = {
    RefundStatus.SUCCEEDED: MoneyBackState.SUCCEEDED,
    RefundStatus.FAILED: MoneyBackState.FAILED,
    RefundStatus.CANCELLED: MoneyBackState.FAILED,
}
_GOES_BACK = frozenset({RefundStatus.PENDING, RefundStatus.SUCCEEDED})
_GOES_NOT = frozenset({RefundStatus.FAILED, RefundStatus.CANCELLED})
_AT_PROVIDER = frozenset({MoneyBackState.DUE, MoneyBackState.STARTED})
_BY_HAND = WANTS_ACCOUNT | {MoneyBackState.PAYOUT_DUE, MoneyBackState.PAID_OUT}


def owe_payment(order: Order, now: datetime) -> Order:
    """Return the order with the refund of its payment due; unchanged if it has none."""
    if order.payment is None:
        return order
    return owe(order, order.payment.invoice_id, order.payment.amount, now)


def owe(order: Order, invoice_id: str, amount: int, now: datetime) -> Order:
    """Return the order with the money of this invoice due to go back; once, however often asked."""
    if amount == 0 or order.refund_of(invoice_id) is not None:
        return order
    due = MoneyBack(invoice_id=invoice_id, amount=amount, state=MoneyBackState.DUE, since=now)
    return order.with_refund(due, now)


def refund_request(order: Order, refund: MoneyBack) -> RefundRequest:
    """Return what to ask the provider for; the key follows from order and invoice."""
    return RefundRequest(
        key=f"refund-{order.id}-{refund.invoice_id}",
        order_id=order.id,
        invoice_id=refund.invoice_id,
        amount=refund.amount,
        currency=order.price.currency,
    )


def asks_provider(owed: MoneyBack) -> bool:
    """Whether the provider is to be asked for this money when the message comes.

    Also while the mentee is asked for an account because it refused: of two deliveries one may have
    been refused and the other done, its answer and its webhook lost. Asking again with the same key
    tells, and does nothing twice.
    """
    refused = owed.state in WANTS_ACCOUNT and owed.refund_id is None
    return owed.state is MoneyBackState.DUE or refused


def record_refund(current: Order | None, _days: Days, *, told: Refund, now: datetime) -> Change:
    """Record what the provider says of a refund: under way, done, or failed."""
    order = existing(current)
    known = order.refund_of(told.invoice_id) or _by_id(order, told.id)
    if known is None or not _is_ours(known, told):
        return Change(order=order)
    if _was_given_up(known, told):
        return Change(order=_taken_back(order, known, told, now))
    if known.state is MoneyBackState.PAID_OUT and told.status in _GOES_NOT:
        return Change(order=order.without_attention(REFUNDED_TWICE))
    if known.state not in _AT_PROVIDER:
        return Change(order=order)
    state = _STATES.get(told.status, MoneyBackState.STARTED)
    if state is known.state:
        return Change(order=order)
    moved = msgspec.structs.replace(known, state=state, refund_id=told.id, since=now)
    order = order.with_refund(moved, now)
    if state is MoneyBackState.FAILED:
        order = order.with_attention(REFUND_FAILED, now)
    return Change(order=order)


def _was_given_up(known: MoneyBack, told: Refund) -> bool:
    """Whether the provider gives back what it has refused to another delivery of the message."""
    return known.state in _BY_HAND and known.refund_id is None and told.status in _GOES_BACK


def _taken_back(order: Order, known: MoneyBack, told: Refund, now: datetime) -> Order:
    """Return the order with this money on its way by the provider, and not by hand as well."""
    if known.state is MoneyBackState.PAID_OUT:
        twice = msgspec.structs.replace(known, refund_id=told.id)
        return order.with_refund(twice, now).with_attention(REFUNDED_TWICE, now)
    state = _STATES.get(told.status, MoneyBackState.STARTED)
    moved = msgspec.structs.replace(known, state=state, refund_id=told.id, account=None, since=now)
    order = order.with_refund(moved, now).without_attention(REFUND_FAILED)
    if known.state is MoneyBackState.PAYOUT_DUE:
        return order.with_attention(PAYOUT_NOT_NEEDED, now)
    return order


def want_account(
    current: Order | None, _days: Days, *, invoice_id: str, refused: bool, now: datetime
) -> Change:
    """Note that the provider will not give this money back, so that it goes by hand.

    ``refused`` means that it should have: the admin is asked too.
    """
    order = existing(current)
    known = order.refund_of(invoice_id)
    if known is None or known.state is not MoneyBackState.DUE:
        return Change(order=order)
    state = MoneyBackState.FAILED if refused else MoneyBackState.ACCOUNT_WANTED
    order = order.with_refund(msgspec.structs.replace(known, state=state, since=now), now)
    return Change(order=order.with_attention(REFUND_FAILED, now) if refused else order)


def give_account(
    current: Order | None, _days: Days, *, invoice_id: str, sealed: str, now: datetime
) -> Change:
    """Keep the account that the mentee names, sealed. Raises ActionRefusedError.

    It can be given once: afterwards an admin may be transferring to it already.
    """
    order = existing(current)
    known = order.refund_of(invoice_id)
    if known is None or known.state not in WANTS_ACCOUNT:
        raise ActionRefusedError(NOT_NOW)
    given = msgspec.structs.replace(
        known, state=MoneyBackState.PAYOUT_DUE, account=sealed, since=now
    )
    return Change(order=order.with_refund(given, now))


def note_paid_out(current: Order | None, _days: Days, *, invoice_id: str, now: datetime) -> Change:
    """Note that an admin has transferred the money; the account is forgotten."""
    order = existing(current)
    known = order.refund_of(invoice_id)
    if known is None or known.state is not MoneyBackState.PAYOUT_DUE:
        raise ActionRefusedError(NOT_NOW)
    done = msgspec.structs.replace(known, state=MoneyBackState.PAID_OUT, account=None, since=now)
    return Change(order=order.with_refund(done, now).without_attention(REFUND_FAILED))


def _by_id(order: Order, refund_id: str) -> MoneyBack | None:
    """Return the refund that the provider knows by this id, where it names no invoice."""
    return next((r for r in order.refunds if r.refund_id == refund_id), None)


def _is_ours(known: MoneyBack, told: Refund) -> bool:
    """Whether it is the refund that is owed, and not another one, as of a part by hand."""
    return told.amount == known.amount and known.refund_id in {None, told.id}


def received(invoice: Invoice) -> int:
    """Return what a paid invoice brought, in whole units of its currency."""
    return invoice.amount if invoice.paid_amount is None else invoice.paid_amount
