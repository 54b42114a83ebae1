"""One message over one channel: drafted and sent, or sent once at most where there are no drafts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from functions.send_notification.composer import Composer
from shared.domain.notifications import (
    UNCERTAIN,
    Delivery,
    Notification,
    claim_chat,
    claim_draft,
    mark_failed,
    mark_sent,
    reclaim,
    unclaim,
)
from shared.domain.order import Order
from shared.errors import ClaimedError, NotDoneError, PermanentError, RetryableError
from shared.ports import Clock, DeliveryStore, Mailer, Messenger

# A channel that asks for patience without saying how long.
_PAUSE = timedelta(seconds=30)


class Pause:
    """How long a channel has asked to be left alone; what is urgent goes first, and need not wait."""

    def __init__(self) -> None:
        self._until: datetime | None = None

    def check(self, notification: Notification, now: datetime) -> None:
        """Raise NotDoneError if this message has to wait."""
        if self._until is not None and now < self._until and not notification.urgent:
            wait = (self._until - now).total_seconds()
            raise NotDoneError("the channel's rate limit is left to others", retry_after=wait)

    def note(self, error: NotDoneError, now: datetime) -> None:
        """Let the less urgent ones wait from now on."""
        wait = _PAUSE if error.retry_after is None else timedelta(seconds=error.retry_after)
        self._until = now + wait


@dataclass(frozen=True, slots=True)
class MailSender:
    """Draft, record the draft, send it, record that it is out.

    A crash after the sending is noticed by the draft being gone; one before it sends the draft
    that was recorded. Two deliveries at once: the first draft recorded is the one that is sent.
    """

    deliveries: DeliveryStore
    mailer: Mailer
    composer: Composer
    clock: Clock
    claim: timedelta
    pause: Pause

    def send(self, notification: Notification, order: Order, known: Delivery | None) -> None:
        """Send the mail. Raises PermanentError when this reader can never get it."""
        now = self.clock.now()
        self.pause.check(notification, now)
        mail = self.composer.mail(notification, order, now)
        try:
            if known is None or known.draft_id is None:
                claimed = self._claim_new(notification, self.mailer.draft(mail))
            else:
                claimed = self._reclaim(notification)
            if claimed.settled or claimed.draft_id is None:
                return
            self.mailer.send(claimed.draft_id, mail)
        except NotDoneError as error:
            self.pause.note(error, now)
            raise
        self.deliveries.transact(notification.key, partial(mark_sent, now=self.clock.now()))

    def _reclaim(self, notification: Notification) -> Delivery:
        again = partial(reclaim, claim=self.claim, now=self.clock.now())
        return self.deliveries.transact(notification.key, again)

    def _claim_new(self, notification: Notification, draft_id: str) -> Delivery:
        claim = partial(
            claim_draft,
            notification=notification,
            draft_id=draft_id,
            claim=self.claim,
            now=self.clock.now(),
        )
        try:
            claimed = self.deliveries.transact(notification.key, claim)
        except ClaimedError:
            self.mailer.discard(draft_id)
            raise
        if claimed.draft_id != draft_id:
            self.mailer.discard(draft_id)
        return claimed


@dataclass(frozen=True, slots=True)
class ChatSender:
    """Claim, send, record. Where nobody can know whether it was sent, it counts as failed.

    So a reader gets it over the next channel then, and never twice over this one.
    """

    deliveries: DeliveryStore
    messenger: Messenger
    composer: Composer
    clock: Clock
    claim: timedelta
    pause: Pause

    def send(self, notification: Notification, order: Order, _known: Delivery | None) -> None:
        """Send the message. Raises PermanentError when it has to go another way."""
        now = self.clock.now()
        self.pause.check(notification, now)
        message = self.composer.chat(notification, order, now)
        claim = partial(claim_chat, notification=notification, claim=self.claim, now=now)
        claimed = self.deliveries.transact(notification.key, claim)
        if claimed.arrived:
            return
        if claimed.failed is not None:
            raise PermanentError(claimed.failed)
        try:
            self.messenger.send(message)
        except NotDoneError as error:
            self.pause.note(error, now)
            self.deliveries.transact(notification.key, unclaim)
            raise
        except RetryableError as error:
            raise PermanentError(UNCERTAIN) from error
        self.deliveries.transact(notification.key, partial(mark_sent, now=self.clock.now()))


def give_up(deliveries: DeliveryStore, notification: Notification, reason: str) -> None:
    """Record that the message does not go over this channel."""
    failed = partial(mark_failed, notification=notification, reason=reason)
    deliveries.transact(notification.key, failed)
