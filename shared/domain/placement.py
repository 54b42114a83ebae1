"""Placing an order: take it, hold the mentor's slot and claim the making of its invoice."""

from datetime import datetime, timedelta

import msgspec

from shared.domain.events import OrderCreated
from shared.domain.order import Change, Order, Status, order_from
from shared.domain.schedule import Days, find_conflict
from shared.errors import ClaimedError, ConflictingOrderError

# Invoices live this long at most, and end this long before the session.
INVOICE_LIFETIME = timedelta(hours=24)
PAY_BEFORE_SESSION = timedelta(hours=1)
# Less than this and nobody could pay in time.
MIN_PAYMENT_WINDOW = timedelta(minutes=5)

SLOT_TAKEN = "slot_taken"
SESSION_IN_PAST = "session_in_past"
SESSION_TOO_SOON = "session_too_soon"
INVOICE_REFUSED = "invoice_refused"


def payment_deadline(order: Order, now: datetime) -> datetime:
    """Return when an invoice made now must expire: min(24 h, 1 h before the session)."""
    return min(now + INVOICE_LIFETIME, order.session.starts_at - PAY_BEFORE_SESSION)


def place(
    current: Order | None, days: Days, *, request: OrderCreated, claim: timedelta, now: datetime
) -> Change:
    """Accept, reject, or take up again the order that ``request`` asks for.

    Raises ClaimedError while another delivery makes the invoice, ConflictingOrderError when the id
    belongs to an order with other content.
    """
    if current is None:
        return _accept(order_from(request, now), days, claim, now)
    if current.fingerprint != request.fingerprint():
        raise ConflictingOrderError(
            f"order {current.id} already exists with other content; use a new order_id"
        )
    if current.status is not Status.PENDING:
        return Change(order=current)
    if current.claimed_until is not None and now < current.claimed_until:
        wait = (current.claimed_until - now).total_seconds()
        raise ClaimedError(f"order {current.id}: invoice is being made", retry_after=wait)
    if payment_deadline(current, now) < now + MIN_PAYMENT_WINDOW:
        return reject(current, days, reason=SESSION_TOO_SOON, now=now)
    return Change(order=_claimed(current, claim, now))


def reject(current: Order | None, days: Days, *, reason: str, now: datetime) -> Change:
    """Give a pending order up for this reason, and its slot back."""
    order = existing(current)
    if order.status is not Status.PENDING:
        return Change(order=order)
    return _released(order.moved_to(Status.REJECTED, now, reason), days)


def release_claim(current: Order | None, _days: Days, *, until: datetime) -> Change:
    """Let the next delivery try at ``until``: this one knows that nothing was made."""
    order = existing(current)
    if order.status is not Status.PENDING:
        return Change(order=order)
    return Change(order=msgspec.structs.replace(order, claimed_until=until))


def existing(current: Order | None) -> Order:
    """Return the order, which must exist by now."""
    if current is None:
        raise LookupError("the order is not in the store")
    return current


def _accept(order: Order, days: Days, claim: timedelta, now: datetime) -> Change:
    reason = _refusal(order, days, now)
    if reason is not None:
        return Change(order=order.moved_to(Status.REJECTED, now, reason))
    booked = tuple(days[key].with_booking(order.booking) for key in order.day_keys)
    return Change(order=_claimed(order, claim, now), days=booked)


def _refusal(order: Order, days: Days, now: datetime) -> str | None:
    if order.session.starts_at <= now:
        return SESSION_IN_PAST
    if payment_deadline(order, now) < now + MIN_PAYMENT_WINDOW:
        return SESSION_TOO_SOON
    if find_conflict(days.values(), order.booking) is not None:
        return SLOT_TAKEN
    return None


def _claimed(order: Order, claim: timedelta, now: datetime) -> Order:
    return msgspec.structs.replace(
        order, claims=order.claims + 1, claimed_until=now + claim, check_at=now + 2 * claim
    )


def _released(order: Order, days: Days) -> Change:
    return Change(
        order=order, days=tuple(days[key].without_order(order.id) for key in order.day_keys)
    )
