"""What can be said of an order at each point of its life."""

import pytest

from shared.domain.events import (
    ALL_EVENTS,
    AttentionRaised,
    Event,
    InvoiceCreated,
    InvoiceExpired,
    InvoicePaid,
    MeetingScheduled,
    OrderRejected,
)
from shared.domain.facts import facts, request_of
from shared.domain.order import Status
from tests.builders import NOW, event_of, order_in

SAID: dict[Status, tuple[type[Event], ...]] = {
    Status.PENDING: (),
    Status.INVOICED: (InvoiceCreated,),
    Status.PAID: (InvoicePaid,),
    Status.SCHEDULED: (InvoicePaid, MeetingScheduled),
    Status.COMPLETED: (),
    Status.REJECTED: (OrderRejected,),
    Status.EXPIRED: (InvoiceExpired,),
    Status.CANCELLED: (),
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
        "NUS-2026-000123/meeting.scheduled",
        "NUS-2026-000123/reminder.due/60",
        "NUS-2026-000123/attention.raised/room_failed",
    ]


@pytest.mark.parametrize("status", Status)
def test_what_was_ordered_can_be_said_again_as_a_redelivery(status: Status) -> None:
    stored = order_in(status)
    assert request_of(stored).fingerprint() == stored.fingerprint
