"""One message over one channel: drafted and sent, or sent once at most where there are no drafts."""

from datetime import datetime, timedelta
from functools import partial

import msgspec

from functions.send_notification.composer import Composer
from shared.domain.deliveries import (
    UNCERTAIN,
    Delivery,
    claim_chat,
    mark_failed,
    mark_sent,
    unclaim,
)
from shared.domain.notifications import Notification
from shared.domain.order import Order
from shared.errors import NotDoneError, PermanentError, RetryableError
from shared.mail_once import MailOnce
from shared.ports import Clock, DeliveryStore, Messenger

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


class MailSender(msgspec.Struct, frozen=True):
    """Mails, the urgent ones first where the mailbox asks for patience."""

    once: MailOnce
    composer: Composer
    clock: Clock
    pause: Pause

    def send(self, notification: Notification, order: Order, known: Delivery | None) -> None:
        """Send the mail. Raises PermanentError when this reader can never get it."""
        now = self.clock.now()
        self.pause.check(notification, now)
        mail = self.composer.mail(notification, order, now)
        try:
            self.once.send(notification, mail, known)
        except NotDoneError as error:
            self.pause.note(error, now)
            raise


class ChatSender(msgspec.Struct, frozen=True):
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
