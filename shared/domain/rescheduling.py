"""Moving a session to another time of the same mentor."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.actions import NOT_NOW, TOO_LATE, for_action
from shared.domain.availability import (
    TOO_LITTLE_NOTICE,
    Availability,
    buffer_of,
    day_keys_for,
    refusal,
)
from shared.domain.confirmation import asked_anew
from shared.domain.meetings import MEETING_REFUSED, SESSION_MISSED
from shared.domain.order import Change, Order, Status
from shared.domain.placement import SESSION_IN_PAST, SLOT_TAKEN
from shared.domain.reminders import next_reminder_at
from shared.domain.schedule import DayKey, Days, MentorDay, Period, Session, find_conflict
from shared.errors import ActionRefusedError

# Nobody is expected to be there sooner, whatever the mentor's own notice is.
SHORTEST_NOTICE = timedelta(hours=1)
MOVABLE = frozenset({Status.PAID, Status.AWAITING_MENTOR, Status.AWAITING_MENTEE, Status.SCHEDULED})


def days_to_move(
    order: Order, session: Session, availability: Availability | None
) -> tuple[DayKey, ...]:
    """Return the mentor's days that a move to this session has to see: old and new."""
    new = day_keys_for(order.mentor.id, session, availability)
    return tuple(dict.fromkeys((*order.day_keys, *new)))


def for_move(
    current: Order | None, *, revision: int, move_until: timedelta, now: datetime
) -> Order:
    """Return the order, if its session can be moved, to whatever time.

    A scheduled session can be moved until ``move_until`` before its start. Raises
    ActionRefusedError.
    """
    order = for_action(current, revision)
    if order.status not in MOVABLE:
        raise ActionRefusedError(NOT_NOW)
    if order.status is Status.SCHEDULED and now > order.session.starts_at - move_until:
        raise ActionRefusedError(TOO_LATE)
    return order


def reschedule(
    current: Order | None,
    days: Days,
    *,
    starts_at: datetime,
    revision: int,
    availability: Availability | None,
    busy: Sequence[Period],
    move_until: timedelta,
    now: datetime,
) -> Change:
    """Move the session: the old slot is given back and the new one held, together or not at all.

    ``days`` are those of ``days_to_move``. Raises ActionRefusedError with what stands against it.
    """
    order = for_move(current, revision=revision, move_until=move_until, now=now)
    session = Session(starts_at=starts_at, duration_minutes=order.session.duration_minutes)
    moved = msgspec.structs.replace(
        order,
        session=session,
        moves=order.moves + 1,
        moved_from=order.session.starts_at,
        buffer_minutes=buffer_of(availability),
    )
    _check_free(moved, days, availability, busy, now)
    return Change(order=_after_move(moved, now), days=_rebooked(order, moved, days))


def _check_free(
    moved: Order,
    days: Days,
    availability: Availability | None,
    busy: Sequence[Period],
    now: datetime,
) -> None:
    if moved.session.starts_at <= now:
        raise ActionRefusedError(SESSION_IN_PAST)
    if moved.session.starts_at < now + SHORTEST_NOTICE:
        raise ActionRefusedError(TOO_LITTLE_NOTICE)
    reason = refusal(availability, moved.session, now)
    if reason is not None:
        raise ActionRefusedError(reason)
    taken = find_conflict(days.values(), moved.booking, buffer_minutes=moved.buffer_minutes)
    if taken is not None or any(period.overlaps(moved.session) for period in busy):
        raise ActionRefusedError(SLOT_TAKEN)


def _rebooked(order: Order, moved: Order, days: Days) -> tuple[MentorDay, ...]:
    """Return the days that the move changes; each must have been read."""
    new = set(moved.day_keys)
    return tuple(
        days[key].with_booking(moved.booking) if key in new else days[key].without_order(moved.id)
        for key in dict.fromkeys((*order.day_keys, *moved.day_keys))
    )


def _after_move(moved: Order, now: datetime) -> Order:
    # What stood against the time before says nothing about this one.
    moved = moved.without_attention(MEETING_REFUSED, SESSION_MISSED)
    if moved.status is Status.AWAITING_MENTEE:
        return moved.moved_to(Status.PAID, now).acted_on(now)
    if moved.status is Status.AWAITING_MENTOR:
        return asked_anew(moved, now).acted_on(now)
    if moved.status is Status.SCHEDULED:
        upcoming = next_reminder_at(moved.session, moved.reminder_leads, now)
        moved = msgspec.structs.replace(moved, next_reminder_at=upcoming)
    return moved.acted_on(now)
