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
    known = _existing(current)
    if known.settled:
        return known
    _check_unclaimed(known, now)
    return msgspec.structs.replace(known, claimed_until=now + claim)


def mark_sent(current: Delivery | None, *, now: datetime) -> Delivery:
    """Record that the message is out."""
    known = _existing(current)
    return msgspec.structs.replace(known, sent_at=known.sent_at or now, claimed_until=None)


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
    _check_unclaimed(current, now)
    return msgspec.structs.replace(current, failed=UNCERTAIN, claimed_until=None)


def mark_undelivered(current: Delivery | None, *, reason: str) -> Delivery:
    """Record that a message that was sent did not arrive. The first reason stays."""
    known = _existing(current)
    return msgspec.structs.replace(known, failed=known.failed or reason)


def unclaim(current: Delivery | None) -> Delivery:
    """Give a claimed message back: nothing of it was sent."""
    return msgspec.structs.replace(_existing(current), claimed_until=None)


def _existing(current: Delivery | None) -> Delivery:
    if current is None:
        raise LookupError("the message is not in the store")
    return current


def _check_unclaimed(known: Delivery, now: datetime) -> None:
    """Raise ClaimedError while somebody else may still be sending the message."""
    if known.claimed_until is not None and now < known.claimed_until:
        wait = (known.claimed_until - now).total_seconds()
        raise ClaimedError(f"message {known.key} is being sent", retry_after=wait)
