"""What can be said of an order at each point of its life."""

import msgspec
import pytest

from shared.domain.events import (
    ALL_EVENTS,
    AttentionRaised,
    Event,
    InvoiceCreated,
    InvoiceExpired,
    InvoicePaid,
    MeetingScheduled,
    MentorAsked,
    OrderCancelled,
    OrderRejected,
    OrderRescheduled,
    RefundDue,
    RefundUpdated,
    ReminderDue,
    SessionDeclined,
)
from shared.domain.facts import facts, request_of
from shared.domain.meetings import record_meeting
from shared.domain.order import MoneyBackState, Status
from tests.builders import (
    NOW,
    calendar_event,
    event_of,
    moved_order,
    order_in,
    paid_order,
    refunding_order,
)

SAID: dict[Status, tuple[type[Event], ...]] = {
    Status.PENDING: (),
    Status.INVOICED: (InvoiceCreated,),
    Status.PAID: (InvoicePaid,),
    Status.AWAITING_MENTOR: (InvoicePaid, MentorAsked),
    Status.AWAITING_MENTEE: (SessionDeclined,),
    Status.SCHEDULED: (InvoicePaid, MeetingScheduled),
    Status.COMPLETED: (),
    Status.REJECTED: (OrderRejected,),
    Status.EXPIRED: (InvoiceExpired,),
    Status.CANCELLED: (OrderCancelled,),
}


@pytest.mark.parametrize("status", Status)
def test_each_status_says_its_own_facts(status: Status) -> None:
    expected = tuple(event_of(kind) for kind in SAID[status])
    assert facts(order_in(status), *ALL_EVENTS) == expected


@pytest.mark.parametrize("status", Status)
def test_each_reason_for_the_admin_is_said_whatever_the_status(status: Status) -> None:
    raised = order_in(status).with_attention("room_failed", NOW).with_attention("paid_twice", NOW)
    assert facts(raised, AttentionRaised) == (
        event_of(AttentionRaised),
        AttentionRaised(order_id=raised.id, reason="paid_twice", since=NOW),
    )


def test_a_step_says_only_what_it_publishes() -> None:
    raised = order_in(Status.PAID).with_attention("room_failed", NOW)
    assert facts(raised, MeetingScheduled) == ()
    assert facts(raised, InvoicePaid) == (event_of(InvoicePaid),)


def test_the_same_fact_has_the_same_id_and_different_ones_differ() -> None:
    assert [event_of(kind).id for kind in ALL_EVENTS] == [
        "NUS-2026-000123/order.created",
        "NUS-2026-000123/order.rejected",
        "NUS-2026-000123/invoice.created",
        "NUS-2026-000123/invoice.paid",
        "NUS-2026-000123/invoice.expired",
        "NUS-2026-000123/mentor.asked/0",
        "NUS-2026-000123/session.declined/1",
        "NUS-2026-000123/meeting.scheduled",
        "NUS-2026-000123/order.rescheduled/1",
        "NUS-2026-000123/order.cancelled",
        "NUS-2026-000123/refund.due/inv-1",
        "NUS-2026-000123/refund.updated/inv-1/started",
        "NUS-2026-000123/reminder.due/60",
        "NUS-2026-000123/message.undelivered/NUS-2026-000123:reminder-60:mentor:whatsapp",
        "NUS-2026-000123/attention.raised/room_failed",
    ]


def test_reminders_of_payment_and_answer_have_one_id_however_much_time_is_left() -> None:
    reminder = event_of(ReminderDue)
    for about in ("payment", "answer"):
        ids = {
            msgspec.structs.replace(reminder, about=about, lead_minutes=lead).id
            for lead in (1, 120)
        }
        assert ids == {f"NUS-2026-000123/reminder.due/{about}"}


def test_a_moved_session_is_said_with_its_time_for_as_long_as_it_is_scheduled() -> None:
    moved = moved_order()
    told = OrderRescheduled(order_id=moved.id, session=moved.session, moves=1)
    assert facts(moved, OrderRescheduled) == (told,)
    # Still a fact when the calendar has followed: whoever reads it may not have heard of it.
    event = calendar_event(revision=1)
    followed = record_meeting(moved, {}, event=event, leads=(), now=NOW).order
    assert facts(followed, OrderRescheduled) == (told,)
    over = moved.moved_to(Status.COMPLETED, moved.session.ends_at)
    assert facts(over, OrderRescheduled) == ()


def test_a_session_that_was_moved_before_it_was_scheduled_was_never_at_another_time() -> None:
    moved = paid_order(moves=2)
    event = calendar_event(revision=2)
    scheduled = record_meeting(moved, {}, event=event, leads=(), now=NOW).order
    assert facts(scheduled, OrderRescheduled) == ()


@pytest.mark.parametrize("state", MoneyBackState)
def test_money_that_goes_back_is_said_by_how_far_it_is(state: MoneyBackState) -> None:
    order = refunding_order(state)
    expected: Event = RefundUpdated(order_id=order.id, invoice_id="inv-1", state=state)
    if state is MoneyBackState.DUE:
        expected = RefundDue(order_id=order.id, invoice_id="inv-1", amount=250_000)
    assert facts(order, RefundDue, RefundUpdated) == (expected,)


@pytest.mark.parametrize("refund", [False, True])
def test_who_called_an_order_off_and_whether_money_goes_back_is_said(*, refund: bool) -> None:
    order = refunding_order() if refund else order_in(Status.CANCELLED)
    told = OrderCancelled(order_id=order.id, by="mentee", refund=refund)
    assert facts(order, OrderCancelled) == (told,)


@pytest.mark.parametrize("status", Status)
def test_what_was_ordered_can_be_said_again_as_a_redelivery(status: Status) -> None:
    stored = order_in(status)
    assert request_of(stored).fingerprint() == stored.fingerprint
