"""What a reader of a link can do to an order now: the domain decides, and its answer is read."""

from datetime import datetime, timedelta

from shared.domain.actions import NOT_NOW
from shared.domain.cancellation import cancel
from shared.domain.confirmation import DECLINED, accept, decline
from shared.domain.notifications import Recipient
from shared.domain.order import Actor, MoneyBackState, Order, Status
from shared.domain.refunds import WANTS_ACCOUNT
from shared.domain.rescheduling import for_move
from shared.domain.schedule import MentorDay
from shared.errors import ActionRefusedError
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
# Until when the money goes back does not decide whether an order can be called off.
_ANY = timedelta()


def why_not(
    purpose: Purpose, link: Link, order: Order, move_until: timedelta, now: datetime
) -> str | None:
    """Return why what the link is for cannot be done now, or None if it can."""
    if purpose in PAYOUTS:
        return _why_no_payout(purpose, link.invoice_id, order)
    try:
        _try(purpose, link.revision, order, move_until, now)
    except ActionRefusedError as error:
        return error.reason
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


def _try(
    purpose: Purpose, revision: int, order: Order, move_until: timedelta, now: datetime
) -> None:
    """Make the decision that the link is for, and leave what it comes to: only its no counts."""
    # What else is booked on the order's days changes nothing about that.
    days = {key: MentorDay(key=key) for key in order.day_keys}
    match purpose:
        case Purpose.ACCEPT:
            accept(order, days, revision=revision, now=now)
        case Purpose.DECLINE:
            decline(order, days, revision=revision, note=None, now=now)
        case Purpose.CANCEL:
            cancel(order, days, by=Actor.MENTEE, revision=revision, refund_until=_ANY, now=now)
        case Purpose.RESCHEDULE:
            for_move(order, revision=revision, move_until=move_until, now=now)


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
