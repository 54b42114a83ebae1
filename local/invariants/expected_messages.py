"""Which messages an order's people must have got by now, said anew: not by the steps' own table."""

from collections.abc import Iterator

import msgspec

from shared.domain.notifications import Kind, Recipient
from shared.domain.order import MoneyBackState, Order, Status

_MENTEE, _MENTOR, _ADMIN = (Recipient.MENTEE,), (Recipient.MENTOR,), (Recipient.ADMIN,)
_BOTH = _MENTEE + _MENTOR
# The session is to be, or has been.
_STANDS = frozenset({Status.PAID, Status.AWAITING_MENTOR, Status.SCHEDULED, Status.COMPLETED})
_OF_REFUND = {
    MoneyBackState.STARTED: (Kind.REFUND_STARTED, _MENTEE),
    MoneyBackState.SUCCEEDED: (Kind.REFUND_DONE, _MENTEE),
    MoneyBackState.PAID_OUT: (Kind.REFUND_DONE, _MENTEE),
    MoneyBackState.FAILED: (Kind.REFUND_FAILED, _MENTEE),
    MoneyBackState.ACCOUNT_WANTED: (Kind.PAYOUT_ACCOUNT_WANTED, _MENTEE),
    MoneyBackState.PAYOUT_DUE: (Kind.PAYOUT_TASK, _ADMIN),
}


class ExpectedMessage(msgspec.Struct, frozen=True):
    """A message by its name, which is its key without the channel: ``order:kind:recipient``.

    ``by_mail`` says that another channel does not do, as it carries a calendar file.
    """

    name: str
    by_mail: bool


def expected_messages(order: Order) -> Iterator[ExpectedMessage]:
    """Yield what its people have been told, once nothing is under way for the order as it stands."""
    for kind, recipients, by_mail in _kinds(order):
        for recipient in recipients:
            yield ExpectedMessage(f"{order.id}:{kind}:{recipient}", by_mail)


def _kinds(order: Order) -> Iterator[tuple[str, tuple[Recipient, ...], bool]]:
    if order.was(Status.PAID) and order.status in _STANDS:
        yield Kind.PAYMENT_RECEIVED, _MENTEE, False
    yield from _of_status(order).get(order.status, ())
    if order.meeting is not None and order.status in {Status.SCHEDULED, Status.COMPLETED}:
        made = order.event_generation
        yield f"{Kind.SESSION_SCHEDULED}-{made}" if made else Kind.SESSION_SCHEDULED, _BOTH, True
        if order.moves != order.meeting.scheduled_moves:
            yield f"{Kind.SESSION_MOVED}-{order.moves}", _BOTH, True
    for refund in order.refunds:
        if refund.state in _OF_REFUND:
            kind, recipients = _OF_REFUND[refund.state]
            yield f"{kind}-{refund.invoice_id}", recipients, False


def _of_status(order: Order) -> dict[Status, tuple[tuple[str, tuple[Recipient, ...], bool], ...]]:
    asked = f"{Kind.CONFIRMATION_WANTED}-{order.revision}"
    declined = f"{Kind.SESSION_DECLINED}-{order.revision}"
    return {
        Status.INVOICED: ((Kind.INVOICE_READY, _MENTEE, False),),
        Status.EXPIRED: ((Kind.INVOICE_EXPIRED, _MENTEE, False),),
        Status.REJECTED: ((Kind.ORDER_REJECTED, _MENTEE + _ADMIN, False),),
        Status.AWAITING_MENTOR: ((asked, _MENTOR, False),),
        Status.AWAITING_MENTEE: ((declined, _MENTEE, False),),
        Status.CANCELLED: ((Kind.ORDER_CANCELLED, _BOTH, True),),
    }
