"""Placing an order: take it, hold the mentor's slot and claim the making of its invoice."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.availability import Availability, buffer_of, refusal
from shared.domain.events import OrderCreated
from shared.domain.order import Change, Order, Status, order_from
from shared.domain.schedule import Days, Period, find_conflict
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
    current: Order | None,
    days: Days,
    *,
    request: OrderCreated,
    claim: timedelta,
    now: datetime,
    availability: Availability | None = None,
    busy: Sequence[Period] = (),
) -> Change:
    """Accept, reject, or take up again the order that ``request`` asks for.

    ``days`` are the mentor's that ``day_keys_for`` names; ``busy`` is from the mentor's calendar.

    Raises ClaimedError while another delivery makes the invoice, ConflictingOrderError when the id
    belongs to an order with other content.
    """
    if current is None:
        order = msgspec.structs.replace(
            order_from(request, now), buffer_minutes=buffer_of(availability)
        )
        reason = _refusal(order, days, availability, busy, now)
        return _accept(order, days, claim, now) if reason is None else _refuse(order, reason, now)
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
    return released(order.moved_to(Status.REJECTED, now, reason), days)


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


def released(order: Order, days: Days) -> Change:
    """Return the change that stores the order and gives its slot back."""
    return Change(
        order=order, days=tuple(days[key].without_order(order.id) for key in order.day_keys)
    )


def _accept(order: Order, days: Days, claim: timedelta, now: datetime) -> Change:
    booked = tuple(days[key].with_booking(order.booking) for key in order.day_keys)
    return Change(order=_claimed(order, claim, now), days=booked)


def _refuse(order: Order, reason: str, now: datetime) -> Change:
    return Change(order=order.moved_to(Status.REJECTED, now, reason))


def _refusal(
    order: Order,
    days: Days,
    availability: Availability | None,
    busy: Sequence[Period],
    now: datetime,
) -> str | None:
    if order.session.starts_at <= now:
        return SESSION_IN_PAST
    if payment_deadline(order, now) < now + MIN_PAYMENT_WINDOW:
        return SESSION_TOO_SOON
    buffer = order.buffer_minutes
    if find_conflict(days.values(), order.booking, buffer_minutes=buffer) is not None:
        return SLOT_TAKEN
    if any(period.overlaps(order.session) for period in busy):
        return SLOT_TAKEN
    return refusal(availability, order.session, now)


def _claimed(order: Order, claim: timedelta, now: datetime) -> Order:
    return msgspec.structs.replace(
        order, claims=order.claims + 1, claimed_until=now + claim, check_at=now + 2 * claim
    )
