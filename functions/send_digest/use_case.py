"""Tell the admin once a day what happened and what waits."""

from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

import msgspec

from shared import observability
from shared.domain.deliveries import Delivery, mark_failed
from shared.domain.digest import Digest, begin_of, day_before, digest_of
from shared.domain.notifications import Kind, Notification, Recipient
from shared.domain.people import Person
from shared.errors import PermanentError
from shared.mail_once import MailOnce
from shared.ports import DeliveryStore, OrderStore
from shared.presentation.rendering import Renderer

# A day of more orders is not told whole, which is logged.
MOST_ORDERS = 20_000
MOST_WAITING = 200


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """What one tick did: the day, whether it was to be told of, and of how many orders."""

    day: str
    due: int = 0
    orders: int = 0
    waiting: int = 0


class SendDigest(msgspec.Struct, frozen=True):
    """Draft, record the draft, send: one mail for each day, however often the tick comes."""

    orders: OrderStore
    deliveries: DeliveryStore
    once: MailOnce
    renderer: Renderer
    admin: Person

    def __call__(self, now: datetime) -> Tick:
        """Tell of the day before ``now``."""
        zone = ZoneInfo(self.admin.time_zone)
        day = day_before(now, zone)
        key = _notification(day.isoformat()).key
        known = self.deliveries.get(key)
        if known is not None and known.settled:
            return Tick(day=day.isoformat())
        changed = self.orders.changed_since(begin_of(day, zone), MOST_ORDERS)
        if len(changed) == MOST_ORDERS:
            observability.warning("the digest is not of all orders", most=MOST_ORDERS)
        waiting = self.orders.waiting_for_admin(MOST_WAITING)
        self._send(digest_of(day, zone, changed, waiting), known, now)
        return Tick(day=day.isoformat(), orders=len(changed), waiting=len(waiting), due=1)

    def _send(self, figures: Digest, known: Delivery | None, now: datetime) -> None:
        notification = _notification(figures.day.isoformat())
        try:
            mail = self.renderer.render_digest(figures, self.admin, now)
            self.once.send(notification, mail, known)
        except PermanentError as error:
            # Nobody else is there to be told; the next day's may get through.
            observability.warning("the digest cannot be sent", reason=str(error))
            failed = partial(mark_failed, notification=notification, reason=str(error))
            self.deliveries.transact(notification.key, failed)


def _notification(day: str) -> Notification:
    return Notification(order_id=day, kind=Kind.DIGEST, recipient=Recipient.ADMIN)
