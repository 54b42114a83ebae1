"""The life of an order: which status can follow which, and what a change of status leaves."""

import ast
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path

import msgspec
import pytest

from shared.domain.order import (
    HOLDS_SLOT,
    LOOK_AFTER_CHANGE,
    Attention,
    MoneyBack,
    MoneyBackState,
    Status,
    StatusChange,
)
from shared.errors import TransitionError
from tests.builders import NOW, order, order_in, scheduled_order, session

LATER = NOW + timedelta(days=30)
REFUND = MoneyBack(invoice_id="inv-1", amount=250_000, state=MoneyBackState.DUE, since=NOW)
ROOT = Path(__file__).parents[3]
ALLOWED = {
    (Status.PENDING, Status.INVOICED),
    (Status.PENDING, Status.REJECTED),
    (Status.PENDING, Status.CANCELLED),
    (Status.INVOICED, Status.PAID),
    (Status.INVOICED, Status.EXPIRED),
    (Status.INVOICED, Status.CANCELLED),
    (Status.PAID, Status.SCHEDULED),
    (Status.PAID, Status.AWAITING_MENTOR),
    (Status.PAID, Status.CANCELLED),
    (Status.AWAITING_MENTOR, Status.PAID),
    (Status.AWAITING_MENTOR, Status.AWAITING_MENTEE),
    (Status.AWAITING_MENTOR, Status.CANCELLED),
    (Status.AWAITING_MENTEE, Status.PAID),
    (Status.AWAITING_MENTEE, Status.CANCELLED),
    (Status.SCHEDULED, Status.COMPLETED),
    (Status.SCHEDULED, Status.AWAITING_MENTEE),
    (Status.SCHEDULED, Status.CANCELLED),
    (Status.EXPIRED, Status.PAID),
    (Status.EXPIRED, Status.AWAITING_MENTEE),
}


@pytest.mark.parametrize(("before", "after"), sorted(ALLOWED))
def test_an_allowed_change_of_status_is_written_into_the_history(
    before: Status, after: Status
) -> None:
    one = order_in(before)
    moved = one.moved_to(after, LATER, "because")
    assert moved.status is after
    assert moved.history == (
        *one.history,
        StatusChange(status=after, at=LATER, reason="because"),
    )
    assert moved.reason == "because"
    assert all(moved.was(status) for status in (before, after))


@pytest.mark.parametrize(
    ("before", "after"), sorted(set(product(Status, Status)).difference(ALLOWED))
)
def test_a_forbidden_change_of_status_is_an_error_of_its_own(before: Status, after: Status) -> None:
    with pytest.raises(
        TransitionError, match=f"order NUS-2026-000123: {before} cannot become {after}"
    ):
        order_in(before).moved_to(after, LATER)


def test_an_order_that_can_go_nowhere_holds_no_slot() -> None:
    dead_ends = set(Status).difference(before for before, _ in ALLOWED)
    assert dead_ends == {Status.COMPLETED, Status.REJECTED, Status.CANCELLED}
    assert set(Status) - HOLDS_SLOT == dead_ends | {Status.EXPIRED, Status.AWAITING_MENTEE}


@pytest.mark.parametrize(("before", "after"), sorted(ALLOWED))
def test_a_change_of_status_is_looked_after_soon_and_ends_claim_and_reminders(
    before: Status, after: Status
) -> None:
    waiting = msgspec.structs.replace(order_in(before), claimed_until=NOW, next_reminder_at=LATER)
    moved = waiting.moved_to(after, LATER)
    over = after is Status.COMPLETED
    assert moved.check_at == (None if over else LATER + LOOK_AFTER_CHANGE)
    assert moved.claimed_until is None
    assert moved.next_reminder_at is None


def test_no_other_code_changes_a_status() -> None:
    places = [place for folder in ("shared", "functions") for place in _status_changes(folder)]
    assert places == ["shared/domain/order.py:moved_to"]


def _status_changes(folder: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{function.name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("replace")
        for keyword in call.keywords
        if keyword.arg == "status"
    ]


def test_attention_keeps_when_a_reason_first_arose() -> None:
    raised = order().with_attention("a", NOW).with_attention("b", LATER).with_attention("a", LATER)
    assert raised.attention == (
        Attention(reason="a", since=NOW),
        Attention(reason="b", since=LATER),
    )
    assert raised.has_attention("x", "b")
    assert not raised.has_attention("x")


@pytest.mark.parametrize(
    ("check_at", "then"),
    [
        (None, NOW + LOOK_AFTER_CHANGE),
        (LATER, NOW + LOOK_AFTER_CHANGE),
        (NOW, NOW),
    ],
)
def test_an_order_with_a_new_reason_is_looked_after_soon(
    check_at: datetime | None, then: datetime
) -> None:
    assert order(check_at=check_at).with_attention("a", NOW).check_at == then
    known = msgspec.structs.replace(order().with_attention("a", NOW), check_at=check_at)
    assert known.with_attention("a", NOW).check_at == check_at


@pytest.mark.parametrize(
    ("check_at", "then"),
    [
        (None, NOW + LOOK_AFTER_CHANGE),
        (LATER, NOW + LOOK_AFTER_CHANGE),
        (NOW, NOW),
    ],
)
def test_what_a_person_does_makes_older_links_dead_and_is_looked_after_soon(
    check_at: datetime | None, then: datetime
) -> None:
    acted = order(check_at=check_at, revision=3).acted_on(NOW)
    assert acted == order(check_at=then, revision=4)
    assert order(check_at=check_at).with_refund(REFUND, NOW).check_at == then


def test_an_order_that_is_over_is_looked_after_while_money_may_be_on_its_way_back() -> None:
    owed = scheduled_order().with_refund(REFUND, NOW)
    assert owed.moved_to(Status.COMPLETED, LATER).check_at == LATER + LOOK_AFTER_CHANGE


def test_of_each_payment_one_refund_is_known() -> None:
    other = msgspec.structs.replace(REFUND, invoice_id="inv-2")
    both = order().with_refund(REFUND, NOW).with_refund(other, NOW)
    started = msgspec.structs.replace(REFUND, state=MoneyBackState.STARTED)
    assert both.with_refund(started, NOW).refunds == (other, started)
    assert (both.refund_of("inv-1"), both.refund_of("inv-3")) == (REFUND, None)


@pytest.mark.parametrize("state", MoneyBackState)
def test_an_order_waits_for_its_admin_while_there_is_a_reason_or_money_to_transfer(
    state: MoneyBackState,
) -> None:
    owed = msgspec.structs.replace(REFUND, state=state)
    assert order().with_refund(owed, NOW).waits_for_admin is (state is MoneyBackState.PAYOUT_DUE)
    assert order().with_attention("a", NOW).waits_for_admin
    assert not order().waits_for_admin


def test_an_order_changes_with_its_status_and_with_the_way_of_its_money() -> None:
    assert order().changed_at == NOW
    moved_money = msgspec.structs.replace(REFUND, since=LATER)
    assert order().with_refund(moved_money, NOW).changed_at == LATER
    assert order().with_attention("a", LATER).changed_at == NOW


def test_attention_that_is_dealt_with_is_taken_off_by_its_reason() -> None:
    raised = order().with_attention("a", NOW).with_attention("b", NOW)
    assert raised.without_attention("a", "x").attention == (Attention(reason="b", since=NOW),)


def test_the_booking_of_an_order_lies_on_its_mentors_days() -> None:
    one = scheduled_order()
    assert one.booking.order_id == one.id
    assert one.booking.session == one.session
    assert [str(key) for key in one.day_keys] == ["m-4:2026-12-01"]


@pytest.mark.parametrize(
    ("hour", "buffer", "days_touched"),
    [
        (0, 0, [1]),
        (0, 1, [30, 1]),
        (23, 0, [1]),
        (23, 1, [1, 2]),
        (12, 660, [1]),
        (12, 661, [1, 2]),
    ],
)
def test_a_booking_lies_on_the_days_that_its_buffer_touches_too(
    hour: int, buffer: int, days_touched: list[int]
) -> None:
    slot = session(starts_at=session().starts_at.replace(hour=hour))
    one = order(session=slot, buffer_minutes=buffer)
    assert [key.day.day for key in one.day_keys] == days_touched
