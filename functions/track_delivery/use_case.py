"""Hear which WhatsApp messages did not arrive, so that they go another way."""

from collections.abc import Sequence
from functools import partial

import msgspec

from shared.domain.deliveries import mark_undelivered
from shared.domain.events import MessageUndelivered
from shared.ports import DeliveryStore, EventPublisher
from shared.whatsapp_webhook import MessageStatus, Progress


class TrackDelivery(msgspec.Struct, frozen=True):
    """Record, then publish: a webhook that is cut off in between comes again and says it again."""

    deliveries: DeliveryStore
    events: EventPublisher

    def __call__(self, statuses: Sequence[MessageStatus]) -> int:
        """Handle the statuses of a webhook; return how many messages did not arrive."""
        failed = [status for status in statuses if status.progress is Progress.FAILED]
        undelivered = [event for status in failed if (event := self._note(status)) is not None]
        if undelivered:
            self.events.publish(*undelivered)
        return len(undelivered)

    def _note(self, status: MessageStatus) -> MessageUndelivered | None:
        note = partial(mark_undelivered, reason=status.failed or "undelivered")
        try:
            known = self.deliveries.transact(status.key, note)
        except LookupError:
            return None  # not one that we sent
        return MessageUndelivered(order_id=known.order_id, key=known.key)
