"""Tell the admin once a day what happened and what waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import msgspec

from shared.domain.digest import Digest, begin_of, day_before, digest_of
from shared.domain.notifications import (
    Delivery,
    Kind,
    Notification,
    Recipient,
    claim_draft,
    mark_sent,
    reclaim,
)
from shared.domain.people import Person
from shared.errors import ClaimedError
from shared.ports import Clock, DeliveryStore, Mailer, OrderStore
from shared.presentation.rendering import Renderer

# Of more orders than these a day's figures say that they are not whole.
MOST_ORDERS = 20_000
MOST_WAITING = 200


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """What one tick did: the day, whether it was to be told of, and of how many orders."""

    day: str
    due: int = 0
    orders: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class SendDigest:
    """Draft, record the draft, send: one mail for each day, however often the tick comes."""

    orders: OrderStore
    deliveries: DeliveryStore
    mailer: Mailer
    renderer: Renderer
    admin: Person
    clock: Clock
    claim: timedelta

    def __call__(self, now: datetime) -> Tick:
        """Tell of the day before ``now``."""
        zone = ZoneInfo(self.admin.time_zone)
        day = day_before(now, zone)
        key = _notification(day.isoformat()).key
        known = self.deliveries.get(key)
        if known is not None and known.settled:
            return Tick(day=day.isoformat())
        changed = self.orders.changed_since(begin_of(day, zone), MOST_ORDERS)
        waiting = self.orders.waiting_for_admin(MOST_WAITING)
        self._send(digest_of(day, zone, changed, waiting), known, now)
        return Tick(day=day.isoformat(), orders=len(changed), waiting=len(waiting), due=1)

    def _send(self, figures: Digest, known: Delivery | None, now: datetime) -> None:
        notification = _notification(figures.day.isoformat())
        mail = self.renderer.render_digest(figures, self.admin, now)
        if known is None or known.draft_id is None:
            draft_id = self.mailer.draft(mail)
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
        else:
            again = partial(reclaim, claim=self.claim, now=self.clock.now())
            claimed = self.deliveries.transact(notification.key, again)
        if not claimed.settled and claimed.draft_id is not None:
            self.mailer.send(claimed.draft_id, mail)
            self.deliveries.transact(notification.key, partial(mark_sent, now=self.clock.now()))


def _notification(day: str) -> Notification:
    return Notification(order_id=day, kind=Kind.DIGEST, recipient=Recipient.ADMIN)
