"""What the promises say of money: coming in, kept, and going back."""

from collections import defaultdict
from collections.abc import Mapping

from local.evidence import Evidence, SeenInvoice
from local.invariants.excuses import Broken, excused
from shared.domain.meetings import event_id
from shared.domain.order import MoneyBackState, Order, Status

_HAS_MEETING = frozenset({Status.SCHEDULED, Status.COMPLETED})
# The session is to be, or has been: its money is not to go back.
_STANDS = frozenset({Status.PAID, Status.AWAITING_MENTOR, Status.SCHEDULED, Status.COMPLETED})
# A person has been asked, and a timer stands for there being no answer.
_WAITS_FOR_ANSWER = frozenset({Status.AWAITING_MENTOR, Status.AWAITING_MENTEE})
# Somebody transfers it, or has been asked where to.
_BY_HAND = frozenset(
    {
        MoneyBackState.FAILED,
        MoneyBackState.ACCOUNT_WANTED,
        MoneyBackState.PAYOUT_DUE,
        MoneyBackState.PAID_OUT,
    }
)


def one_payable_invoice(evidence: Evidence) -> Broken:
    """1. An order gets at most one payable invoice, and the mentee is only ever shown that one."""
    for order_id, invoices in _by_order(evidence).items():
        payable = [invoice for invoice in invoices if invoice.payable]
        if len(payable) > 1:
            yield order_id, f"{len(payable)} payable invoices"
    shown = {order.id: order.invoice.url for order in evidence.orders if order.invoice}
    urls = {invoice.url for invoice in evidence.invoices}
    for message in evidence.messages:
        order_id = message.key.split(":")[0]
        others = urls.intersection(message.links) - {shown.get(order_id)}
        if others:
            yield order_id, f"{message.key} links another invoice"


def payment_is_served(evidence: Evidence) -> Broken:
    """2. Confirmed money ends in one live event with a room, on its way back, or before the admin.

    While somebody is asked whether, or when, the session can be, it waits for the answer.
    """
    orders = {order.id: order for order in evidence.orders}
    for invoice in evidence.invoices:
        order = orders.get(invoice.order_id)
        if not invoice.paid:
            continue
        if order is None:
            yield invoice.order_id, "paid, but there is no such order"
        elif not excused(order, "payment_is_served") and not _accounted_for(
            invoice, order, evidence
        ):
            yield order.id, f"{invoice.id} paid, but {order.status}: no session, no money back"


def paid_means_confirmed(evidence: Evidence) -> Broken:
    """3. An order is marked paid only for an invoice that the provider says is paid, in full."""
    paid = defaultdict(set)
    for invoice in evidence.invoices:
        if invoice.paid:
            paid[invoice.order_id].add((invoice.received, invoice.currency))
    for order in evidence.orders:
        price = (order.price.amount, order.price.currency)
        if order.was(Status.PAID) and price not in paid[order.id]:
            yield order.id, "marked paid, but the provider has no such payment"


def money_goes_back_once(evidence: Evidence) -> Broken:
    """9. Money goes back once at most, by the provider or by hand, and never more than came."""
    invoices = {invoice.id: invoice for invoice in evidence.invoices}
    by_hand = {
        refund.invoice_id: refund.amount
        for order in evidence.orders
        for refund in order.refunds
        if refund.state in {MoneyBackState.PAYOUT_DUE, MoneyBackState.PAID_OUT}
    }
    back = defaultdict(list)
    for refund in evidence.refunds:
        if refund.counts:
            back[refund.invoice_id].append(refund.amount)
    for invoice_id, amounts in back.items():
        ways = [*amounts, *([by_hand[invoice_id]] if invoice_id in by_hand else [])]
        if len(ways) > 1:
            yield _order_of(invoice_id, invoices), f"{invoice_id} goes back {len(ways)} times"
    for invoice_id in back.keys() | by_hand.keys():
        invoice = invoices.get(invoice_id)
        received = invoice.received if invoice and invoice.paid else 0
        most = max((*back[invoice_id], by_hand.get(invoice_id, 0)))
        if most > received:
            yield (
                _order_of(invoice_id, invoices),
                f"{most} of {invoice_id} go back, {received} came",
            )


def standing_sessions_keep_their_money(evidence: Evidence) -> Broken:
    """10. The payment of a session that stands is not given back; a second payment is."""
    backs = {refund.invoice_id for refund in evidence.refunds if refund.counts}
    for order in evidence.orders:
        if order.status not in _STANDS or order.payment is None:
            continue
        invoice_id = order.payment.invoice_id
        if invoice_id in backs or order.refund_of(invoice_id) is not None:
            yield order.id, f"{order.status}, and its money goes back"


def _by_order(evidence: Evidence) -> dict[str, list[SeenInvoice]]:
    grouped = defaultdict(list)
    for invoice in evidence.invoices:
        grouped[invoice.order_id].append(invoice)
    return grouped


def _order_of(invoice_id: str, invoices: Mapping[str, SeenInvoice]) -> str:
    return invoices[invoice_id].order_id if invoice_id in invoices else ""


def _accounted_for(invoice: SeenInvoice, order: Order, evidence: Evidence) -> bool:
    refund = order.refund_of(invoice.id)
    at_provider = any(r.invoice_id == invoice.id and r.counts for r in evidence.refunds)
    if at_provider or (refund is not None and refund.state in _BY_HAND):
        return True
    if order.payment is None or order.payment.invoice_id != invoice.id:
        return False
    return order.status in _WAITS_FOR_ANSWER or _kept_by_rule(order) or _served(order, evidence)


def _kept_by_rule(order: Order) -> bool:
    """Whether a session that was agreed on was called off too late for the money."""
    ended = order.cancellation
    if ended is None or ended.refund:
        return False
    return order.history[-2].status is Status.SCHEDULED


def _served(order: Order, evidence: Evidence) -> bool:
    event = next((e for e in evidence.events if e.id == event_id(order)), None)
    has_room = event is not None and event.live and event.meet_url is not None
    return order.status in _HAS_MEETING and has_room
