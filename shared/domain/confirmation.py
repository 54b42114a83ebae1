"""The mentor's word on a paid order: asked, given, refused, or never given."""

from datetime import datetime, timedelta

import msgspec

from shared.domain.actions import NOT_NOW, TOO_LATE, for_action
from shared.domain.meetings import without_meeting
from shared.domain.order import Actor, Cancellation, Change, Confirmation, Order, Status
from shared.domain.placement import existing, released
from shared.domain.refunds import owe_payment
from shared.domain.schedule import Days
from shared.errors import ActionRefusedError

# Why a paid session cannot be at its time.
DECLINED = "declined"
NO_ANSWER = "no_answer"
SLOT_WENT = "slot_went"

# Nobody answered: the admin may want to talk to this mentor.
MENTOR_SILENT = "mentor_silent"

# A mentor's answer this long before the session is the last that helps anybody.
_ANSWER_BEFORE_SESSION = timedelta(hours=2)
_SHORTEST_TO_ANSWER = timedelta(minutes=15)
# A mentee who does not choose gets the money back.
CHOOSE_WITHIN = timedelta(days=3)
_DECLINABLE = frozenset({Status.AWAITING_MENTOR, Status.SCHEDULED})


def needs_answer(order: Order) -> bool:
    """Whether a paid order waits for the mentor's word before a meeting is made."""
    confirmed = order.confirmation is not None and order.confirmation.accepted_at is not None
    return order.status is Status.PAID and not confirmed


def ask_mentor(current: Order | None, _days: Days, *, within: timedelta, now: datetime) -> Change:
    """Put a paid order before its mentor, who has ``within`` to answer, or less if it is soon."""
    order = existing(current)
    if not needs_answer(order):
        return Change(order=order)
    return Change(order=_asked(order.moved_to(Status.AWAITING_MENTOR, now), within, now))


def accept(current: Order | None, _days: Days, *, revision: int, now: datetime) -> Change:
    """Take the mentor's yes: the meeting can be made. Raises ActionRefusedError."""
    order = for_action(current, revision)
    if order.status is not Status.AWAITING_MENTOR or order.confirmation is None:
        raise ActionRefusedError(NOT_NOW)
    if now >= order.session.starts_at:
        raise ActionRefusedError(TOO_LATE)
    given = msgspec.structs.replace(order.confirmation, accepted_at=now)
    accepted = msgspec.structs.replace(order.moved_to(Status.PAID, now), confirmation=given)
    return Change(order=accepted.without_attention(MENTOR_SILENT).acted_on(now))


def decline(
    current: Order | None, days: Days, *, revision: int, note: str | None, now: datetime
) -> Change:
    """Take the mentor's no: the slot is free, and the mentee chooses. Raises ActionRefusedError."""
    order = for_action(current, revision)
    if order.status not in _DECLINABLE:
        raise ActionRefusedError(NOT_NOW)
    if now >= order.session.starts_at:
        raise ActionRefusedError(TOO_LATE)
    noted = msgspec.structs.replace(order, decline_note=note)
    return released(_put_to_mentee(noted, DECLINED, now).acted_on(now), days)


def give_up_waiting(current: Order | None, days: Days, *, now: datetime) -> Change:
    """Put an order before its mentee, and its mentor's silence before the admin, once it is late."""
    order = existing(current)
    waits = order.status is Status.AWAITING_MENTOR and order.confirmation is not None
    if not waits or order.confirmation is None or now < order.confirmation.answer_by:
        return Change(order=order)
    silent = msgspec.structs.replace(order, decline_note=None)
    late = _put_to_mentee(silent, NO_ANSWER, now).acted_on(now)
    return released(late.with_attention(MENTOR_SILENT, now), days)


def choose_by(order: Order) -> datetime:
    """Return until when the mentee of an order in ``awaiting_mentee`` can choose another time."""
    return order.history[-1].at + CHOOSE_WITHIN


def return_unchosen(current: Order | None, _days: Days, *, now: datetime) -> Change:
    """Call an order off whose mentee has not chosen in time, and give the money back."""
    order = existing(current)
    if order.status is not Status.AWAITING_MENTEE or now < choose_by(order):
        return Change(order=order)
    ended = msgspec.structs.replace(
        order.moved_to(Status.CANCELLED, now),
        cancellation=Cancellation(by=Actor.SYSTEM, at=now, refund=True),
    )
    return Change(order=owe_payment(ended, now).acted_on(now))


def asked_anew(order: Order, now: datetime) -> Order:
    """Return an order whose mentor is asked again, for another time."""
    assert order.confirmation is not None
    within = order.confirmation.answer_by - order.confirmation.asked_at
    return _asked(order, max(within, _SHORTEST_TO_ANSWER), now)


def slot_went(order: Order, now: datetime) -> Order:
    """Return an order that was paid after its slot had gone to somebody else."""
    return order.moved_to(Status.AWAITING_MENTEE, now, SLOT_WENT)


def _asked(order: Order, within: timedelta, now: datetime) -> Order:
    last = max(order.session.starts_at - _ANSWER_BEFORE_SESSION, now + _SHORTEST_TO_ANSWER)
    answer_by = min(now + within, last)
    asked = Confirmation(asked_at=now, answer_by=answer_by)
    halfway = now + (answer_by - now) / 2
    return msgspec.structs.replace(order, confirmation=asked, next_reminder_at=halfway)


def _put_to_mentee(order: Order, reason: str, now: datetime) -> Order:
    put = without_meeting(order) if order.status is Status.SCHEDULED else order
    return msgspec.structs.replace(
        put.moved_to(Status.AWAITING_MENTEE, now, reason), confirmation=None
    )
