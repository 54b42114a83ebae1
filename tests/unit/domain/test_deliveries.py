"""The record of each message: claimed, sent, failed, or lost, and so reaching its reader once."""

from datetime import timedelta

import msgspec
import pytest

from shared.domain.deliveries import (
    UNCERTAIN,
    Delivery,
    claim_chat,
    claim_draft,
    mark_failed,
    mark_sent,
    mark_undelivered,
    reclaim,
    unclaim,
)
from shared.domain.notifications import (
    Channel,
    Kind,
    Notification,
    Recipient,
)
from shared.errors import ClaimedError
from tests.builders import (
    NOW,
    delivery,
    order,
)

CLAIM = timedelta(seconds=90)
SECOND = timedelta(seconds=1)
NOTIFICATION = Notification(
    order_id=order().id, kind=Kind.INVOICE_READY, recipient=Recipient.MENTEE
)
CHAT = NOTIFICATION.over(Channel.WHATSAPP)


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


def test_a_chat_is_claimed_before_it_is_sent_and_only_once() -> None:
    claimed = claim_chat(None, notification=CHAT, claim=CLAIM, now=NOW)
    assert claimed == Delivery(key=CHAT.key, order_id=order().id, claimed_until=NOW + CLAIM)
    with pytest.raises(ClaimedError, match="is being sent") as caught:
        claim_chat(claimed, notification=CHAT, claim=CLAIM, now=NOW + CLAIM - SECOND)
    assert caught.value.retry_after == 1.0


def test_a_chat_whose_claim_ran_out_counts_as_failed_since_nobody_knows() -> None:
    claimed = claim_chat(None, notification=CHAT, claim=CLAIM, now=NOW)
    late = claim_chat(claimed, notification=CHAT, claim=CLAIM, now=NOW + CLAIM)
    assert (late.failed, late.claimed_until, late.sent_at) == (UNCERTAIN, None, None)
    assert claim_chat(late, notification=CHAT, claim=CLAIM, now=NOW + 2 * CLAIM) == late


def test_a_chat_of_which_nothing_was_sent_can_be_claimed_again() -> None:
    claimed = claim_chat(None, notification=CHAT, claim=CLAIM, now=NOW)
    free = unclaim(claimed)
    again = claim_chat(free, notification=CHAT, claim=CLAIM, now=NOW + SECOND)
    assert again == msgspec.structs.replace(claimed, claimed_until=NOW + SECOND + CLAIM)


@pytest.mark.parametrize(
    ("current", "settled", "arrived"),
    [
        (delivery(), False, False),
        (delivery(sent_at=NOW), True, True),
        (delivery(failed="no"), True, False),
        (delivery(sent_at=NOW, failed="no"), True, False),
    ],
)
def test_what_is_out_has_arrived_unless_somebody_says_otherwise(
    current: Delivery, *, settled: bool, arrived: bool
) -> None:
    assert (current.settled, current.arrived) == (settled, arrived)


def test_a_message_that_did_not_arrive_keeps_the_first_reason_in_any_order_of_news() -> None:
    sent = mark_sent(delivery(), now=NOW)
    lost = mark_undelivered(sent, reason="131026")
    assert lost == msgspec.structs.replace(sent, failed="131026")
    assert mark_undelivered(lost, reason="other") == lost
    faster = mark_sent(mark_undelivered(delivery(), reason="131026"), now=NOW)
    assert faster == lost


def test_a_chat_that_nobody_began_has_not_failed_to_arrive() -> None:
    with pytest.raises(LookupError, match="not in the store"):
        mark_undelivered(None, reason="r")
    with pytest.raises(LookupError, match="not in the store"):
        unclaim(None)
