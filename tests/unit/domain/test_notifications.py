"""Who is told what, and the record that makes each message reach its reader once."""

from datetime import timedelta
from itertools import product

import msgspec
import pytest

from shared.domain.events import (
    AttentionRaised,
    Event,
    InvoiceCreated,
    InvoiceExpired,
    InvoicePaid,
    MeetingScheduled,
    OrderCreated,
    OrderRejected,
    ReminderDue,
)
from shared.domain.notifications import (
    Channel,
    Delivery,
    Kind,
    Notification,
    Recipient,
    claim_draft,
    is_ahead,
    mark_failed,
    mark_sent,
    notifications_for,
    reclaim,
)
from shared.domain.order import Status
from shared.errors import ClaimedError
from tests.builders import NOW, delivery, event_of, order, order_in, session

CLAIM = timedelta(seconds=90)
SECOND = timedelta(seconds=1)
NOTIFICATION = Notification(
    order_id=order().id, kind=Kind.INVOICE_READY, recipient=Recipient.MENTEE
)
SOLD = {Status.PAID, Status.SCHEDULED, Status.COMPLETED}
# Event: what about, who is told, and in which statuses it is still true.
TOLD: dict[type[Event], tuple[Kind, list[str], set[Status]]] = {
    InvoiceCreated: (Kind.INVOICE_READY, ["mentee"], {Status.INVOICED}),
    InvoicePaid: (Kind.PAYMENT_RECEIVED, ["mentee"], SOLD),
    InvoiceExpired: (Kind.INVOICE_EXPIRED, ["mentee"], {Status.EXPIRED}),
    OrderRejected: (Kind.ORDER_REJECTED, ["mentee", "admin"], {Status.REJECTED}),
    MeetingScheduled: (Kind.SESSION_SCHEDULED, ["mentee", "mentor"], {Status.SCHEDULED}),
    ReminderDue: (Kind.REMINDER, ["mentee", "mentor"], {Status.SCHEDULED}),
    AttentionRaised: (Kind.ATTENTION, ["admin"], set(Status)),
}
TELLS_OF: dict[type[Event], Status | None] = {
    InvoiceCreated: Status.INVOICED,
    InvoicePaid: Status.PAID,
    InvoiceExpired: Status.EXPIRED,
    OrderRejected: Status.REJECTED,
    MeetingScheduled: Status.SCHEDULED,
    ReminderDue: Status.SCHEDULED,
    AttentionRaised: None,
}


@pytest.mark.parametrize(("kind", "status"), list(product(TOLD, Status)))
def test_an_event_is_told_to_its_readers_while_it_is_true(
    kind: type[Event], status: Status
) -> None:
    about, readers, true_in = TOLD[kind]
    told = notifications_for(event_of(kind), order_in(status), NOW)
    assert [notification.recipient for notification in told] == (
        readers if status in true_in else []
    )
    assert {notification.kind for notification in told} <= {about}


def test_the_web_apps_own_event_is_told_to_nobody() -> None:
    assert notifications_for(event_of(OrderCreated), order(), NOW) == ()


@pytest.mark.parametrize(("kind", "status"), list(product(TOLD, Status)))
def test_an_event_is_ahead_of_a_copy_of_the_order_that_has_not_been_there(
    kind: type[Event], status: Status
) -> None:
    needed = TELLS_OF[kind]
    is_known = needed is None or order_in(status).was(needed)
    assert is_ahead(event_of(kind), order_in(status)) is not is_known


def test_every_message_has_a_key_of_its_own() -> None:
    events = [
        *map(event_of, TOLD),
        msgspec.structs.replace(event_of(ReminderDue), lead_minutes=10),
        msgspec.structs.replace(event_of(AttentionRaised), reason="other"),
    ]
    told = [
        notification.key
        for event, status in product(events, Status)
        for notification in notifications_for(event, order_in(status), NOW)
    ]
    expected = {
        f"NUS-2026-000123:{kind}:{reader}:email"
        for about, readers, _ in TOLD.values()
        for kind in _details(about)
        for reader in readers
    }
    assert set(told) == expected


def _details(about: Kind) -> list[str]:
    if about is Kind.REMINDER:
        return ["reminder-60", "reminder-10"]
    if about is Kind.ATTENTION:
        return ["attention-room_failed", "attention-other"]
    return [about]


def test_the_key_tells_orders_and_channels_apart() -> None:
    other = msgspec.structs.replace(NOTIFICATION, order_id="other")
    assert NOTIFICATION.channel is Channel.EMAIL
    assert NOTIFICATION.key == "NUS-2026-000123:invoice_ready:mentee:email"
    assert other.key == "other:invoice_ready:mentee:email"


def test_a_reminder_of_a_time_that_no_longer_holds_is_not_sent() -> None:
    moved = msgspec.structs.replace(event_of(ReminderDue), session=session(duration_minutes=30))
    assert notifications_for(moved, order_in(Status.SCHEDULED), NOW) == ()


@pytest.mark.parametrize(("seconds", "readers"), [(-1, 2), (0, 0), (1, 0)])
def test_nobody_is_reminded_of_what_has_begun(seconds: int, readers: int) -> None:
    now = session().starts_at + timedelta(seconds=seconds)
    told = notifications_for(event_of(ReminderDue), order_in(Status.SCHEDULED), now)
    assert len(told) == readers


def test_the_first_draft_is_recorded_under_a_claim() -> None:
    claimed = claim_draft(None, notification=NOTIFICATION, draft_id="d-1", claim=CLAIM, now=NOW)
    assert claimed == Delivery(
        key=NOTIFICATION.key, order_id=order().id, draft_id="d-1", claimed_until=NOW + CLAIM
    )


def test_while_a_claim_is_fresh_nobody_else_sends() -> None:
    current = delivery(claimed_until=NOW + SECOND)
    with pytest.raises(ClaimedError, match="is being sent") as caught:
        claim_draft(current, notification=NOTIFICATION, draft_id="d-2", claim=CLAIM, now=NOW)
    assert caught.value.retry_after == 1.0
    with pytest.raises(ClaimedError):
        reclaim(current, claim=CLAIM, now=NOW)


def test_a_stale_claim_is_taken_over_with_the_draft_that_was_recorded() -> None:
    current = delivery(claimed_until=NOW)
    taken = msgspec.structs.replace(current, claimed_until=NOW + CLAIM)
    assert reclaim(current, claim=CLAIM, now=NOW) == taken
    second = claim_draft(current, notification=NOTIFICATION, draft_id="d-2", claim=CLAIM, now=NOW)
    assert second == taken


@pytest.mark.parametrize("current", [delivery(sent_at=NOW), delivery(failed="no such address")])
def test_a_message_that_is_settled_is_not_claimed_again(current: Delivery) -> None:
    assert current.settled
    assert reclaim(current, claim=CLAIM, now=NOW) == current


def test_a_message_that_is_out_keeps_the_time_of_its_first_sending() -> None:
    sent = mark_sent(delivery(), now=NOW)
    assert sent == delivery(sent_at=NOW, claimed_until=None)
    assert mark_sent(sent, now=NOW + SECOND) == sent


def test_a_refused_message_keeps_the_reason_even_if_it_never_had_a_draft() -> None:
    refused = mark_failed(None, notification=NOTIFICATION, reason="no room")
    assert refused == Delivery(key=NOTIFICATION.key, order_id=order().id, failed="no room")
    with_draft = mark_failed(delivery(), notification=NOTIFICATION, reason="no room")
    assert with_draft == delivery(claimed_until=None, failed="no room")


def test_a_message_that_nobody_began_is_neither_taken_over_nor_out() -> None:
    with pytest.raises(LookupError, match="not in the store"):
        reclaim(None, claim=CLAIM, now=NOW)
    with pytest.raises(LookupError, match="not in the store"):
        mark_sent(None, now=NOW)
