"""The mentor's word: asked once a time, given or refused by a fresh link, or never given."""

from datetime import datetime, timedelta
from itertools import product

import msgspec
import pytest

from shared.domain.actions import LINK_USED, NOT_NOW, TOO_LATE, for_action
from shared.domain.confirmation import (
    CHOOSE_WITHIN,
    DECLINED,
    MENTOR_SILENT,
    NO_ANSWER,
    SLOT_WENT,
    accept,
    ask_mentor,
    asked_anew,
    choose_by,
    decline,
    give_up_waiting,
    needs_answer,
    return_unchosen,
    slot_went,
)
from shared.domain.meetings import event_id, record_meeting
from shared.domain.order import (
    Actor,
    Cancellation,
    Change,
    Confirmation,
    MoneyBackState,
    Order,
    Status,
)
from shared.errors import ActionRefusedError
from tests.builders import (
    NOW,
    asked_order,
    calendar_event,
    days,
    declined_order,
    order,
    order_in,
    paid_order,
    scheduled_order,
    session,
)

START = session().starts_at
ASKED_AT = NOW + timedelta(minutes=11)
LATER = NOW + timedelta(hours=1)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
NOTE = "I am travelling that day"


def asked(current: Order, now: datetime = ASKED_AT, within: timedelta = 12 * HOUR) -> Order:
    return ask_mentor(current, {}, within=within, now=now).order


def accepted(current: Order, revision: int = 0, now: datetime = LATER) -> Order:
    return accept(current, {}, revision=revision, now=now).order


def declined(current: Order, revision: int = 0, now: datetime = LATER) -> Change:
    held = days(current, of=current)
    return decline(current, held, revision=revision, note=NOTE, now=now)


def at(status: Status) -> Order:
    """Return an order in this status, of which no link was used yet."""
    return msgspec.structs.replace(order_in(status), revision=0)


def test_a_paid_order_is_put_before_its_mentor_with_time_to_answer() -> None:
    order = asked(paid_order())
    assert order.status is Status.AWAITING_MENTOR
    assert order.confirmation == Confirmation(
        asked_at=ASKED_AT, answer_by=ASKED_AT + timedelta(hours=12)
    )
    assert order.next_reminder_at == ASKED_AT + timedelta(hours=6)
    assert order.revision == 0


@pytest.mark.parametrize(
    ("until_start", "to_answer"),
    [
        (24 * HOUR, 12 * HOUR),
        (14 * HOUR, 12 * HOUR),
        (14 * HOUR - SECOND, 12 * HOUR - SECOND),  # at the latest two hours before the session
        (3 * HOUR, HOUR),
        (2 * HOUR + 15 * MINUTE, 15 * MINUTE),
        (2 * HOUR, 15 * MINUTE),  # but never less than a quarter of an hour
        (5 * MINUTE, 15 * MINUTE),
    ],
)
def test_a_mentor_has_less_time_to_answer_when_the_session_is_soon(
    until_start: timedelta, to_answer: timedelta
) -> None:
    now = START - until_start
    order = asked(paid_order(), now)
    assert order.confirmation is not None
    assert order.confirmation.answer_by - now == to_answer
    assert order.next_reminder_at == now + to_answer / 2


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.PAID}))
def test_only_a_paid_order_is_asked_about(status: Status) -> None:
    assert not needs_answer(order_in(status))
    assert ask_mentor(order_in(status), {}, within=HOUR, now=LATER) == Change(
        order=order_in(status)
    )


def test_a_mentor_who_said_yes_is_not_asked_again() -> None:
    order = accepted(asked_order())
    assert not needs_answer(order)
    assert asked(order, LATER) == order


def test_a_yes_makes_the_order_ready_for_its_meeting_and_older_links_dead() -> None:
    order = accepted(asked_order().with_attention(MENTOR_SILENT, NOW))
    assert (order.status, order.revision, order.attention) == (Status.PAID, 1, ())
    assert order.confirmation is not None
    assert order.confirmation.accepted_at == LATER
    assert order.next_reminder_at is None


@pytest.mark.parametrize(
    ("current", "event"),
    [(asked_order(), None), (scheduled_order(), event_id(scheduled_order()))],
    ids=["awaiting_mentor", "scheduled"],
)
def test_a_no_frees_the_slot_and_gives_the_mentee_the_choice(
    current: Order, event: str | None
) -> None:
    other = order(id="other", session=session(starts_at=session().ends_at))
    change = decline(current, days(current, other), revision=0, note=NOTE, now=LATER)
    assert list(change.days) == list(days(other).values())
    left = change.order
    assert (left.status, left.reason, left.revision) == (Status.AWAITING_MENTEE, DECLINED, 1)
    assert (left.decline_note, left.confirmation, left.meeting) == (NOTE, None, None)
    assert left.refunds == ()
    assert left.obsolete_events == (() if event is None else (event,))
    assert event_id(left) not in left.obsolete_events
    assert left.next_reminder_at is None


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.AWAITING_MENTOR}))
def test_a_yes_is_taken_only_while_it_is_asked_for(status: Status) -> None:
    with pytest.raises(ActionRefusedError) as caught:
        accepted(at(status))
    assert caught.value.reason == NOT_NOW


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.AWAITING_MENTOR, Status.SCHEDULED}))
def test_a_no_is_taken_only_of_what_was_asked_or_agreed_on(status: Status) -> None:
    with pytest.raises(ActionRefusedError) as caught:
        declined(at(status))
    assert caught.value.reason == NOT_NOW


@pytest.mark.parametrize(("seconds", "late"), [(-1, False), (0, True)])
def test_no_answer_is_taken_once_the_session_has_begun(seconds: int, *, late: bool) -> None:
    now = START + seconds * SECOND
    for answer in (
        lambda: accepted(asked_order(), now=now),
        lambda: declined(asked_order(), now=now),
        lambda: declined(scheduled_order(), now=now),
    ):
        if not late:
            answer()
            continue
        with pytest.raises(ActionRefusedError) as caught:
            answer()
        assert caught.value.reason == TOO_LATE


@pytest.mark.parametrize(("status", "revision"), list(product(Status, [-1, 1, 2])))
def test_a_link_of_another_revision_does_nothing_whatever_the_status(
    status: Status, revision: int
) -> None:
    for act in (accepted, declined):
        with pytest.raises(ActionRefusedError) as caught:
            act(at(status), revision=revision)
        assert caught.value.reason == LINK_USED


def test_a_link_works_once() -> None:
    assert for_action(asked_order(), 0) == asked_order()
    for used in (accepted(asked_order()), declined(asked_order()).order):
        for act in (accepted, declined):
            with pytest.raises(ActionRefusedError) as caught:
                act(used)
            assert caught.value.reason == LINK_USED


def test_without_a_rising_revision_a_used_link_would_work_again() -> None:
    # The control: the same order, had its revision stayed what it was when the link was made.
    answered = accepted(asked_order())
    meets = record_meeting(answered, {}, event=calendar_event(), leads=(), now=LATER).order
    with pytest.raises(ActionRefusedError):
        declined(meets)
    unguarded = msgspec.structs.replace(meets, revision=0)
    assert declined(unguarded).order.status is Status.AWAITING_MENTEE


@pytest.mark.parametrize(("seconds", "given_up"), [(-1, False), (0, True), (1, True)])
def test_silence_is_a_no_once_the_time_to_answer_is_over(seconds: int, *, given_up: bool) -> None:
    current = asked_order()
    assert current.confirmation is not None
    now = current.confirmation.answer_by + seconds * SECOND
    change = give_up_waiting(current, days(current), now=now)
    if not given_up:
        assert change == Change(order=current)
        return
    left = change.order
    assert (left.status, left.reason, left.revision) == (Status.AWAITING_MENTEE, NO_ANSWER, 1)
    assert left.has_attention(MENTOR_SILENT)
    assert list(change.days) == list(days().values())


def test_what_a_mentor_once_said_is_not_what_they_say_by_being_silent() -> None:
    current = asked_order(decline_note=NOTE)
    assert give_up_waiting(current, days(current), now=START).order.decline_note is None


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.AWAITING_MENTOR}))
def test_only_a_mentor_who_was_asked_is_silent(status: Status) -> None:
    current = order_in(status)
    assert give_up_waiting(current, days(current), now=START) == Change(order=current)


def test_a_mentor_who_answers_as_it_is_given_up_is_heard() -> None:
    current = asked_order()
    assert current.confirmation is not None
    late = current.confirmation.answer_by
    answered = accepted(current, now=late)
    assert give_up_waiting(answered, days(), now=late) == Change(order=answered)
    # The other way round the link is dead, since the mentee has been told already.
    gone = give_up_waiting(current, days(current), now=late).order
    with pytest.raises(ActionRefusedError):
        accepted(gone, now=late)


def test_late_money_whose_slot_went_gives_the_mentee_the_choice() -> None:
    went = slot_went(order_in(Status.EXPIRED), LATER)
    assert (went.status, went.reason) == (Status.AWAITING_MENTEE, SLOT_WENT)
    assert choose_by(went) == LATER + CHOOSE_WITHIN


@pytest.mark.parametrize(("seconds", "returned"), [(-1, False), (0, True)])
def test_a_mentee_who_does_not_choose_in_three_days_gets_the_money(
    seconds: int, *, returned: bool
) -> None:
    current = declined_order()
    assert choose_by(current) == LATER + CHOOSE_WITHIN
    now = choose_by(current) + seconds * SECOND
    change = return_unchosen(current, {}, now=now)
    if not returned:
        assert change == Change(order=current)
        return
    ended = change.order
    assert (ended.status, ended.revision) == (Status.CANCELLED, 2)
    assert ended.cancellation == Cancellation(by=Actor.SYSTEM, at=now, refund=True)
    assert [(r.invoice_id, r.amount, r.state) for r in ended.refunds] == [
        ("inv-1", 250_000, MoneyBackState.DUE)
    ]


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.AWAITING_MENTEE}))
def test_nobody_else_has_to_choose(status: Status) -> None:
    current = order_in(status)
    late = NOW + timedelta(days=30)
    assert return_unchosen(current, {}, now=late) == Change(order=current)


def test_a_mentor_who_is_asked_anew_has_as_long_as_before() -> None:
    anew = asked_anew(asked_order(), LATER)
    assert anew.confirmation == Confirmation(asked_at=LATER, answer_by=LATER + 12 * HOUR)
    assert anew.next_reminder_at == LATER + 6 * HOUR


def test_a_mentor_who_had_little_time_has_at_least_a_quarter_of_an_hour_anew() -> None:
    hurried = asked_order(confirmation=Confirmation(asked_at=NOW, answer_by=NOW + MINUTE))
    anew = asked_anew(hurried, LATER)
    assert anew.confirmation is not None
    assert anew.confirmation.answer_by == LATER + 15 * MINUTE
