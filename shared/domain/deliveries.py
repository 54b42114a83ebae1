"""What becomes of each message: the record that makes it reach its reader once."""

from datetime import datetime, timedelta

import msgspec

from shared.domain.notifications import Notification
from shared.errors import ClaimedError

# Why a message failed that was cut off while it was being sent.
UNCERTAIN = "uncertain"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of one message."""

    key: str
    order_id: str
    draft_id: str | None = None
    claimed_until: datetime | None = None
    sent_at: datetime | None = None
    failed: str | None = None

    @property
    def settled(self) -> bool:
        """Whether there is nothing left to do over this channel."""
        return self.sent_at is not None or self.failed is not None

    @property
    def arrived(self) -> bool:
        """Whether it is out, and nobody has said that it did not arrive."""
        return self.sent_at is not None and self.failed is None


def claim_draft(
    current: Delivery | None,
    *,
    notification: Notification,
    draft_id: str,
    claim: timedelta,
    now: datetime,
) -> Delivery:
    """Record the draft before it is sent. The first draft recorded is the one that is sent."""
    if current is None:
        return Delivery(
            key=notification.key,
            order_id=notification.order_id,
            draft_id=draft_id,
            claimed_until=now + claim,
        )
    return reclaim(current, claim=claim, now=now)


def reclaim(current: Delivery | None, *, claim: timedelta, now: datetime) -> Delivery:
    """Take up a message that somebody else began and did not finish."""
    if current is None:
        raise LookupError("the message is not in the store")
    if current.settled:
        return current
    if current.claimed_until is not None and now < current.claimed_until:
        wait = (current.claimed_until - now).total_seconds()
        raise ClaimedError(f"message {current.key} is being sent", retry_after=wait)
    return msgspec.structs.replace(current, claimed_until=now + claim)


def mark_sent(current: Delivery | None, *, now: datetime) -> Delivery:
    """Record that the message is out."""
    if current is None:
        raise LookupError("the message is not in the store")
    return msgspec.structs.replace(current, sent_at=current.sent_at or now, claimed_until=None)


def mark_failed(current: Delivery | None, *, notification: Notification, reason: str) -> Delivery:
    """Record that the channel refuses the message for good."""
    known = current or Delivery(key=notification.key, order_id=notification.order_id)
    return msgspec.structs.replace(known, failed=reason, claimed_until=None)


def claim_chat(
    current: Delivery | None, *, notification: Notification, claim: timedelta, now: datetime
) -> Delivery:
    """Record that a message without a draft is about to be sent, which happens once at most.

    A claim that ran out means that nobody knows whether it was: it counts as failed, so that the
    next channel of its chain is used.
    """
    if current is None:
        return Delivery(
            key=notification.key, order_id=notification.order_id, claimed_until=now + claim
        )
    if current.settled:
        return current
    if current.claimed_until is None:
        return msgspec.structs.replace(current, claimed_until=now + claim)
    if now < current.claimed_until:
        wait = (current.claimed_until - now).total_seconds()
        raise ClaimedError(f"message {current.key} is being sent", retry_after=wait)
    return msgspec.structs.replace(current, failed=UNCERTAIN, claimed_until=None)


def mark_undelivered(current: Delivery | None, *, reason: str) -> Delivery:
    """Record that a message that was sent did not arrive. The first reason stays."""
    if current is None:
        raise LookupError("the message is not in the store")
    return msgspec.structs.replace(current, failed=current.failed or reason)


def unclaim(current: Delivery | None) -> Delivery:
    """Give a claimed message back: nothing of it was sent."""
    if current is None:
        raise LookupError("the message is not in the store")
    return msgspec.structs.replace(current, claimed_until=None)
