"""The reminder plan: how long before a session its reminders go out."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from shared.domain.events import ReminderDue
from shared.domain.order import Change, Order, Status
from shared.domain.placement import existing
from shared.domain.schedule import Days, Session

# Minutes before the session's start, longest first.
DEFAULT_LEAD_MINUTES: tuple[int, ...] = (24 * 60, 60, 10)

# A reminder counts as on time while this share of its lead time is left.
_ON_TIME = 0.8
_COUNT_IN_HOURS_FROM = 90
_COUNT_BY_FIVE_FROM = 10
_PAY_REMINDER_BEFORE = timedelta(hours=2)
_SHORTEST_TO_REMIND = timedelta(minutes=30)


def reminder_time(session: Session, lead_minutes: int) -> datetime:
    """Return the instant at which the reminder with this lead time is due."""
    return session.starts_at - timedelta(minutes=lead_minutes)


def due_lead(session: Session, leads: Sequence[int], since: datetime, now: datetime) -> int | None:
    """Return the lead time whose reminder should go out now, in minutes.

    Only leads that fell due at or after ``since`` (the timer that woke us) count. When a tick was
    missed and several are due, the shortest is the only one still true, so the others are skipped.
    Nothing is due once the session has started.
    """
    if now >= session.starts_at:
        return None
    due = [lead for lead in leads if since <= reminder_time(session, lead) <= now]
    return min(due, default=None)


def next_reminder_at(session: Session, leads: Sequence[int], now: datetime) -> datetime | None:
    """Return when the next reminder after ``now`` is due, or None; past lead times are skipped."""
    upcoming = (reminder_time(session, lead) for lead in leads)
    return min((at for at in upcoming if at > now), default=None)


def minutes_to_tell(session: Session, lead_minutes: int, now: datetime) -> int:
    """Return how many minutes before the session a reminder that goes out now should name.

    The lead time, when it goes out about on time; what is really left, rounded, when it is late.
    """
    left = (session.starts_at - now).total_seconds() / 60
    if left >= lead_minutes * _ON_TIME:
        return lead_minutes
    step = 60 if left >= _COUNT_IN_HOURS_FROM else 5 if left >= _COUNT_BY_FIVE_FROM else 1
    return max(1, round(left / step) * step)


def payment_reminder_at(expires_at: datetime, now: datetime) -> datetime | None:
    """Return when to remind of an unpaid invoice; None if it expires too soon for that."""
    lifetime = expires_at - now
    if lifetime < _SHORTEST_TO_REMIND:
        return None
    return expires_at - min(_PAY_REMINDER_BEFORE, lifetime / 3)


def reminder_of(order: Order, now: datetime) -> ReminderDue | None:
    """Return the reminder that the order's timer stands for, if it is still worth sending."""
    if order.next_reminder_at is None:
        return None
    match order:
        case Order(status=Status.SCHEDULED):
            return _session_reminder(order, now)
        case Order(status=Status.INVOICED, invoice=invoice) if invoice:
            return _reminder(order, "payment", invoice.expires_at, now)
        case Order(status=Status.AWAITING_MENTOR, confirmation=asked) if asked:
            return _reminder(order, "answer", asked.answer_by, now)
        case _:
            return None


def move_timer(current: Order | None, _days: Days, *, now: datetime) -> Change:
    """Set the timer to the next reminder after ``now``, or off."""
    order = existing(current)
    if order.next_reminder_at is None or order.next_reminder_at > now:
        return Change(order=order)
    upcoming = (
        next_reminder_at(order.session, order.reminder_leads, now)
        if order.status is Status.SCHEDULED
        else None
    )
    return Change(order=msgspec.structs.replace(order, next_reminder_at=upcoming))


def _session_reminder(order: Order, now: datetime) -> ReminderDue | None:
    since = order.next_reminder_at or now
    lead = due_lead(order.session, order.reminder_leads, since, now)
    if lead is None:
        return None
    return ReminderDue(order_id=order.id, lead_minutes=lead, session=order.session)


def _reminder(
    order: Order, about: Literal["payment", "answer"], ends_at: datetime, now: datetime
) -> ReminderDue | None:
    if now >= ends_at:
        return None
    left = max(1, int((ends_at - now).total_seconds()) // 60)
    return ReminderDue(order_id=order.id, lead_minutes=left, session=order.session, about=about)
