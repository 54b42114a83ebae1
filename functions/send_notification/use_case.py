"""Tell people: derive the messages of a fact, and send each of them once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from functions.send_notification.composer import Composer
from functions.send_notification.senders import give_up
from shared.domain.deliveries import Delivery
from shared.domain.events import AttentionRaised, Event, MessageUndelivered
from shared.domain.facts import facts
from shared.domain.notifications import (
    MESSAGE_FAILED,
    TOO_LATE,
    Channel,
    Kind,
    Notification,
    fallback_of,
    is_ahead,
    is_too_late,
    notifications_for,
    routes,
)
from shared.domain.order import Change, Order
from shared.domain.placement import existing
from shared.domain.schedule import Days
from shared.errors import PermanentError, RetryableError
from shared.ports import Clock, DeliveryStore, EventPublisher, OrderStore, stored_order


class Sender(Protocol):
    """One channel."""

    def send(self, notification: Notification, order: Order, known: Delivery | None) -> None:
        """Send the message, once; PermanentError when it cannot go this way."""


class SendNotification(msgspec.Struct, frozen=True):
    """Send each message along its chain of channels, until one takes it."""

    orders: OrderStore
    deliveries: DeliveryStore
    events: EventPublisher
    composer: Composer
    senders: Mapping[Channel, Sender]
    clock: Clock

    def __call__(self, event: Event) -> None:
        """Send all messages of the event; raises the first RetryableError after trying each."""
        order = stored_order(self.orders, event.order_id)
        if is_ahead(event, order):
            raise RetryableError(f"order {order.id} does not show {event.topic} yet")
        postponed: RetryableError | None = None
        for chain in self._chains(event, order):
            try:
                self._along(chain, order)
            except RetryableError as error:
                postponed = postponed or error
        if postponed is not None:
            raise postponed

    def _chains(self, event: Event, order: Order) -> Iterable[Sequence[Notification]]:
        now = self.clock.now()
        if isinstance(event, MessageUndelivered):
            return fallback_of(event, order, now)
        told = notifications_for(event, order)
        if is_too_late(event, order, now):
            for notification in told:
                self._drop(notification)
            return []
        whatsapp = Channel.WHATSAPP in self.senders
        return [
            chain
            for notification in told
            for chain in routes(
                notification,
                self.composer.reader(notification, order).phone,
                whatsapp=whatsapp,
            )
        ]

    def _along(self, chain: Sequence[Notification], order: Order) -> None:
        for notification in chain:
            if self._deliver(notification, order, is_last=notification is chain[-1]):
                return

    def _deliver(self, notification: Notification, order: Order, *, is_last: bool) -> bool:
        """Send over one channel; return whether it is out."""
        known = self.deliveries.get(notification.key)
        if known is not None and known.settled:
            return known.arrived
        try:
            self.senders[notification.channel].send(notification, order, known)
        except PermanentError as error:
            # First, since nobody comes back for a message that is on record as given up.
            if is_last:
                self._ask_admin(notification)
            give_up(self.deliveries, notification, str(error))
            return False
        return True

    def _drop(self, notification: Notification) -> None:
        """Record a message that nobody needs any more, so that it is seen that it was not sent."""
        known = self.deliveries.get(notification.key)
        if known is None or not known.settled:
            give_up(self.deliveries, notification, TOO_LATE)

    def _ask_admin(self, notification: Notification) -> None:
        # The admin cannot be told that the admin cannot be told; the order says so. A chat that
        # stands beside a mail was the lesser of the two.
        if notification.kind is Kind.ATTENTION or notification.channel is not Channel.EMAIL:
            return
        now = self.clock.now()

        def ask_admin(current: Order | None, _days: Days) -> Change:
            return Change(order=existing(current).with_attention(MESSAGE_FAILED, now))

        order = self.orders.transact(notification.order_id, ask_admin)
        self.events.publish(*facts(order, AttentionRaised))
