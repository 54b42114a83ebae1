"""What a reader of a link can do to an order now, as the domain would decide it."""

from datetime import datetime, timedelta

from shared.domain.actions import LINK_USED, NOT_NOW, TOO_LATE
from shared.domain.cancellation import CANCELLABLE
from shared.domain.confirmation import DECLINED
from shared.domain.notifications import Recipient
from shared.domain.order import MoneyBackState, Order, Status
from shared.domain.refunds import WANTS_ACCOUNT
from shared.domain.rescheduling import MOVABLE
from shared.links import Link, Purpose

ACCOUNT_GIVEN = "account_given"
PAID_OUT = "paid_out"

_MENTEE, _MENTOR = frozenset({Recipient.MENTEE}), frozenset({Recipient.MENTOR})
# Whose links may be for what; any other was not made by us.
READERS = {
    Purpose.MANAGE: frozenset(Recipient),
    Purpose.ACCEPT: _MENTOR,
    Purpose.DECLINE: _MENTOR,
    Purpose.RESCHEDULE: _MENTEE,
    Purpose.CANCEL: _MENTEE,
    Purpose.PAYOUT_ACCOUNT: _MENTEE,
    Purpose.PAYOUT_DONE: frozenset({Recipient.ADMIN}),
}
# A payout's link holds for its payment, whatever else is done to the order.
PAYOUTS = frozenset({Purpose.PAYOUT_ACCOUNT, Purpose.PAYOUT_DONE})
_DECLINABLE = frozenset({Status.AWAITING_MENTOR, Status.SCHEDULED})


def why_not(
    purpose: Purpose, link: Link, order: Order, move_until: timedelta, now: datetime
) -> str | None:
    """Return why what the link is for cannot be done now, or None if it can."""
    if purpose in PAYOUTS:
        return _why_no_payout(purpose, link.invoice_id, order)
    if purpose is not Purpose.MANAGE and link.revision != order.revision:
        return LINK_USED
    begun = now >= order.session.starts_at
    match purpose:
        case Purpose.ACCEPT:
            return _why_not_in(frozenset({Status.AWAITING_MENTOR}), order, late=begun)
        case Purpose.DECLINE:
            return _why_not_in(_DECLINABLE, order, late=begun)
        case Purpose.CANCEL:
            late = begun and order.status is not Status.AWAITING_MENTEE
            return _why_not_in(CANCELLABLE, order, late=late)
        case Purpose.RESCHEDULE:
            last = order.session.starts_at - move_until
            late = order.status is Status.SCHEDULED and now > last
            return _why_not_in(MOVABLE, order, late=late)
        case _:
            return None


def is_done(purpose: Purpose, link: Link, order: Order, chosen: datetime | None) -> bool:
    """Whether what the link is for is what was done with it last: its form was sent twice."""
    if purpose is Purpose.PAYOUT_DONE:
        refund = order.refund_of(link.invoice_id)
        return refund is not None and refund.state is MoneyBackState.PAID_OUT
    if order.revision != link.revision + 1:
        return False
    match purpose:
        case Purpose.ACCEPT:
            return order.confirmation is not None and order.confirmation.accepted_at is not None
        case Purpose.DECLINE:
            return order.status is Status.AWAITING_MENTEE and order.reason == DECLINED
        case Purpose.CANCEL:
            return order.status is Status.CANCELLED
        case Purpose.RESCHEDULE:
            return order.session.starts_at == chosen
        case _:
            return False


def _why_not_in(statuses: frozenset[Status], order: Order, *, late: bool) -> str | None:
    if order.status not in statuses:
        return NOT_NOW
    return TOO_LATE if late else None


def _why_no_payout(purpose: Purpose, invoice_id: str, order: Order) -> str | None:
    refund = order.refund_of(invoice_id)
    state = None if refund is None else refund.state
    if purpose is Purpose.PAYOUT_ACCOUNT and state in WANTS_ACCOUNT:
        return None
    if purpose is Purpose.PAYOUT_DONE and state is MoneyBackState.PAYOUT_DUE:
        return None
    if state is MoneyBackState.PAID_OUT:
        return PAID_OUT
    return ACCOUNT_GIVEN if state is MoneyBackState.PAYOUT_DUE else NOT_NOW
