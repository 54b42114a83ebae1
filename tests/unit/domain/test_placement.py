"""Placing an order: taken or refused, at the exact limits, and taken up again."""

from datetime import datetime, time, timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.availability import (
    DAY_OFF,
    OUTSIDE_HOURS,
    TOO_LITTLE_NOTICE,
    Availability,
    WeeklyHours,
)
from shared.domain.order import Change, Order, Status
from shared.domain.placement import (
    INVOICE_REFUSED,
    SESSION_IN_PAST,
    SESSION_TOO_SOON,
    SLOT_TAKEN,
    existing,
    payment_deadline,
    place,
    reject,
    release_claim,
)
from shared.domain.schedule import Period, Session
from shared.errors import ClaimedError, ConflictingOrderError
from tests.builders import (
    NOW,
    days,
    invoiced_order,
    mentor,
    order,
    order_created,
    order_in,
    session,
)

CLAIM = timedelta(seconds=90)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
START = session().starts_at


def placed(current: Order | None = None, *holders: Order, now: datetime = NOW) -> Change:
    return place(current, days(*holders), request=order_created(), claim=CLAIM, now=now)


def claimed_order() -> Order:
    return placed().order


def test_an_order_for_a_free_slot_is_taken_booked_and_claimed() -> None:
    change = placed()
    assert change.order == order(claims=1, claimed_until=NOW + CLAIM, check_at=NOW + 2 * CLAIM)
    assert list(change.days) == list(days(change.order).values())


def test_an_order_across_midnight_is_booked_on_both_days() -> None:
    late = session(starts_at=START.replace(hour=23, minute=30))
    request = order_created(session=late)
    change = place(None, days(of=order(session=late)), request=request, claim=CLAIM, now=NOW)
    assert [(day.key.day.day, len(day.bookings)) for day in change.days] == [(1, 1), (2, 1)]


def test_an_order_next_to_another_booking_keeps_that_booking() -> None:
    earlier = order(id="other", session=session(starts_at=START - 60 * MINUTE))
    (day,) = placed(None, earlier).days
    assert day.bookings == (earlier.booking, order().booking)


def test_a_taken_slot_is_refused_and_nothing_is_booked() -> None:
    other = order(id="other", session=session(starts_at=START - 59 * MINUTE))
    change = placed(None, other)
    assert (change.order.status, change.order.reason) == (Status.REJECTED, SLOT_TAKEN)
    assert change.days == ()
    assert change.order.claimed_until is None


@pytest.mark.parametrize(
    ("until_start", "reason"),
    [
        (timedelta(minutes=65), None),  # an hour to be paid before, and five minutes to pay
        (timedelta(minutes=65) - SECOND, SESSION_TOO_SOON),
        (SECOND, SESSION_TOO_SOON),
        (timedelta(0), SESSION_IN_PAST),
        (-SECOND, SESSION_IN_PAST),
    ],
)
def test_a_session_that_nobody_could_pay_in_time_is_refused(
    until_start: timedelta, reason: str | None
) -> None:
    change = placed(now=START - until_start)
    assert change.order.reason == reason
    assert bool(change.days) is (reason is None)


@pytest.mark.parametrize(
    ("until_start", "lifetime"),
    [
        (timedelta(days=7), timedelta(hours=24)),
        (timedelta(hours=25), timedelta(hours=24)),
        (timedelta(hours=25) - SECOND, timedelta(hours=24) - SECOND),
        (timedelta(minutes=65), timedelta(minutes=5)),
    ],
)
def test_an_invoice_lives_a_day_but_ends_an_hour_before_the_session(
    until_start: timedelta, lifetime: timedelta
) -> None:
    now = START - until_start
    assert payment_deadline(order(), now) - now == lifetime


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.PENDING}))
def test_an_order_that_has_gone_on_is_left_as_it_is(status: Status) -> None:
    assert placed(order_in(status)) == Change(order=order_in(status))


def test_a_fresh_claim_is_respected_and_says_how_long() -> None:
    with pytest.raises(ClaimedError, match="invoice is being made") as caught:
        placed(claimed_order(), now=NOW + CLAIM - SECOND)
    assert caught.value.retry_after == 1.0


def test_a_stale_claim_is_taken_over() -> None:
    later = NOW + CLAIM
    change = placed(claimed_order(), now=later)
    assert change == Change(
        order=order(claims=2, claimed_until=later + CLAIM, check_at=later + 2 * CLAIM)
    )


def test_an_order_that_waited_too_long_gives_its_slot_back() -> None:
    current = claimed_order()
    late = START - timedelta(minutes=64)
    change = placed(current, current, now=late)
    assert (change.order.status, change.order.reason) == (Status.REJECTED, SESSION_TOO_SOON)
    assert list(change.days) == list(days().values())


@pytest.mark.parametrize("current", [claimed_order(), invoiced_order()], ids=["claimed", "done"])
def test_an_id_that_is_in_use_for_other_content_is_refused(current: Order) -> None:
    request = order_created(subject="Something else")
    with pytest.raises(ConflictingOrderError, match="NUS-2026-000123 already exists"):
        place(current, days(), request=request, claim=CLAIM, now=NOW)


def test_the_same_order_said_again_at_another_time_is_no_conflict() -> None:
    again = order_created(created_at=NOW + MINUTE)
    change = place(invoiced_order(), days(), request=again, claim=CLAIM, now=NOW)
    assert change == Change(order=invoiced_order())


def test_another_mentor_is_another_order() -> None:
    assert order_created(mentor=mentor(id="m-5")).fingerprint() != order_created().fingerprint()


def test_a_refused_order_gives_its_slot_back_and_leaves_the_others() -> None:
    current = claimed_order()
    other = order(id="other", session=Session(starts_at=START + 60 * MINUTE, duration_minutes=30))
    change = reject(current, days(current, other), reason=INVOICE_REFUSED, now=NOW)
    assert (change.order.status, change.order.reason) == (Status.REJECTED, INVOICE_REFUSED)
    assert list(change.days) == list(days(other).values())


def test_a_released_claim_can_be_taken_at_the_named_time() -> None:
    current = claimed_order()
    released = release_claim(current, {}, until=NOW + SECOND).order
    assert released == msgspec.structs.replace(current, claimed_until=NOW + SECOND)
    with pytest.raises(ClaimedError):
        placed(released, now=NOW)
    assert placed(released, now=NOW + SECOND).order.claims == 2


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.PENDING}))
def test_what_is_not_pending_is_neither_refused_nor_released(status: Status) -> None:
    current = order_in(status)
    unchanged = Change(order=current)
    assert reject(current, days(), reason=INVOICE_REFUSED, now=NOW) == unchanged
    assert release_claim(current, {}, until=NOW) == unchanged


def test_a_decision_on_an_order_that_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(LookupError, match="not in the store"):
        existing(None)


@pytest.mark.parametrize(("minutes", "taken"), [(-16, False), (-15, False), (-14, True), (0, True)])
def test_a_mentors_buffer_keeps_two_sessions_apart(minutes: int, *, taken: bool) -> None:
    near = order(id="other", session=session(starts_at=START - 60 * MINUTE + minutes * MINUTE))
    rested = Availability(mentor_id=mentor().id, buffer_minutes=15)
    request = order_created()
    change = place(None, days(near), request=request, claim=CLAIM, now=NOW, availability=rested)
    assert (change.order.reason == SLOT_TAKEN) is taken
    assert change.order.buffer_minutes == 15


@pytest.mark.parametrize(
    ("begin", "end", "reason"),
    [(-60, 0, None), (60, 90, None), (59, 90, SLOT_TAKEN), (-60, 1, SLOT_TAKEN)],
)
def test_a_mentors_own_appointment_takes_the_slot(begin: int, end: int, reason: str | None) -> None:
    busy = [Period(starts_at=START + begin * MINUTE, ends_at=START + end * MINUTE)]
    change = place(None, days(), request=order_created(), claim=CLAIM, now=NOW, busy=busy)
    assert change.order.reason == reason


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"days_off": (START.date(),)}, DAY_OFF),
        ({"hours": (WeeklyHours(weekday=1, from_=time(9), until=time(12)),)}, OUTSIDE_HOURS),
        ({"notice_minutes": 30 * 24 * 60}, TOO_LITTLE_NOTICE),
        ({"hours": (WeeklyHours(weekday=1, from_=time(20), until=time(21)),)}, None),
    ],
)
def test_what_a_mentor_does_not_take_is_refused_with_the_reason_and_holds_nothing(
    limits: dict[str, Any], reason: str | None
) -> None:
    own = Availability(mentor_id=mentor().id, time_zone="Asia/Makassar", **limits)
    change = place(None, days(), request=order_created(), claim=CLAIM, now=NOW, availability=own)
    assert change.order.reason == reason
    assert bool(change.days) is (reason is None)


def test_an_order_that_was_taken_is_not_judged_again_by_what_the_mentor_said_since() -> None:
    off = Availability(mentor_id=mentor().id, days_off=(START.date(),), buffer_minutes=30)
    current = claimed_order()
    again = place(
        current, days(), request=order_created(), claim=CLAIM, now=NOW + CLAIM, availability=off
    )
    assert (again.order.status, again.order.buffer_minutes) == (Status.PENDING, 0)
