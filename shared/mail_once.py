"""One mail, sent once: drafted, the draft recorded, sent, recorded as out.

A crash after the sending is noticed by the draft being gone; one before it sends the draft that
was recorded. Two deliveries at once: the first draft recorded is the one that is sent.
"""

from datetime import timedelta
from functools import partial

import msgspec

from shared.domain.deliveries import Delivery, claim_draft, mark_sent, reclaim
from shared.domain.notifications import Mail, Notification
from shared.errors import ClaimedError, PermanentError
from shared.ports import Clock, DeliveryStore, Mailer


class MailOnce(msgspec.Struct, frozen=True):
    """Sends a notification's mail. Raises ClaimedError while another delivery is at it."""

    deliveries: DeliveryStore
    mailer: Mailer
    clock: Clock
    claim: timedelta

    def send(self, notification: Notification, mail: Mail, known: Delivery | None) -> None:
        """Send the mail, unless that is done; ``known`` is what is on record of it.

        Raises PermanentError when another delivery has found that it cannot be sent.
        """
        if known is None or known.draft_id is None:
            claimed = self._claim_new(notification, self.mailer.draft(mail))
        else:
            again = partial(reclaim, claim=self.claim, now=self.clock.now())
            claimed = self.deliveries.transact(notification.key, again)
        if claimed.failed is not None:
            raise PermanentError(claimed.failed)
        if claimed.settled or claimed.draft_id is None:
            return
        self.mailer.send(claimed.draft_id, mail)
        self.deliveries.transact(notification.key, partial(mark_sent, now=self.clock.now()))

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
