"""Tell people: derive the messages of a fact, and send each of them once."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from functions.send_notification.rendering import Renderer
from shared.domain.events import AttentionRaised, Event
from shared.domain.facts import facts
from shared.domain.notifications import (
    MESSAGE_FAILED,
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
from shared.domain.order import Change, Order
from shared.domain.people import Person
from shared.domain.placement import existing
from shared.domain.schedule import Days
from shared.errors import ClaimedError, PermanentError, RetryableError
from shared.ports import Clock, DeliveryStore, EventPublisher, Mailer, OrderStore


@dataclass(frozen=True, slots=True)
class SendNotification:
    """Draft, record the draft, send it, record that it is out.

    A crash after the sending is noticed by the draft being gone; one before it sends the draft
    that was recorded. Two deliveries at once: the first draft recorded is the one that is sent.
    """

    orders: OrderStore
    deliveries: DeliveryStore
    mailer: Mailer
    events: EventPublisher
    renderer: Renderer
    admin: Person
    clock: Clock
    claim: timedelta

    def __call__(self, event: Event) -> None:
        """Send all messages of the event; raises the first RetryableError after trying each."""
        order = self.orders.get(event.order_id)
        if order is None:
            raise RetryableError(f"order {event.order_id} is not in the store")
        if is_ahead(event, order):
            raise RetryableError(f"order {order.id} does not show {event.topic} yet")
        postponed: RetryableError | None = None
        for notification in notifications_for(event, order, self.clock.now()):
            try:
                self._deliver(notification, order)
            except RetryableError as error:
                postponed = postponed or error
        if postponed is not None:
            raise postponed

    def _deliver(self, notification: Notification, order: Order) -> None:
        known = self.deliveries.get(notification.key)
        if known is not None and known.settled:
            return
        try:
            self._send(notification, order, known)
        except PermanentError as error:
            self._give_up(notification, str(error))

    def _send(self, notification: Notification, order: Order, known: Delivery | None) -> None:
        if known is None or known.draft_id is None:
            claimed = self._claim_new(notification, order)
        else:
            claimed = self.deliveries.transact(
                notification.key, partial(reclaim, claim=self.claim, now=self.clock.now())
            )
        if claimed.settled or claimed.draft_id is None:
            return
        mail = self.renderer.render(
            notification, order, self._reader(notification, order), self.clock.now()
        )
        self.mailer.send(claimed.draft_id, mail)
        self.deliveries.transact(notification.key, partial(mark_sent, now=self.clock.now()))

    def _claim_new(self, notification: Notification, order: Order) -> Delivery:
        mail = self.renderer.render(
            notification, order, self._reader(notification, order), self.clock.now()
        )
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
        return claimed

    def _reader(self, notification: Notification, order: Order) -> Person:
        readers = {
            Recipient.MENTEE: order.mentee,
            Recipient.MENTOR: order.mentor,
            Recipient.ADMIN: self.admin,
        }
        return readers[notification.recipient]

    def _give_up(self, notification: Notification, reason: str) -> None:
        # The admin cannot be told that the admin cannot be told; the order says so.
        if notification.kind is not Kind.ATTENTION:
            self._ask_admin(notification)
        # Last, since a message that is settled is never looked at again.
        failed = partial(mark_failed, notification=notification, reason=reason)
        self.deliveries.transact(notification.key, failed)

    def _ask_admin(self, notification: Notification) -> None:
        now = self.clock.now()

        def ask_admin(current: Order | None, _days: Days) -> Change:
            return Change(order=existing(current).with_attention(MESSAGE_FAILED, now))

        order = self.orders.transact(notification.order_id, ask_admin)
        self.events.publish(*facts(order, AttentionRaised))
