"""Keep what nobody could deliver, and put its order before the admin."""

from datetime import datetime
from functools import partial

import msgspec

from shared import messages, observability, tracing
from shared.domain.dead_letters import note_dead_letter
from shared.domain.events import AttentionRaised
from shared.domain.facts import facts
from shared.domain.people import Identifier
from shared.messages import PushedMessage
from shared.ports import Clock, EventPublisher, OrderStore, RejectedStore

# Attributes that Pub/Sub adds on the way to a dead-letter topic.
SOURCE_SUBSCRIPTION = "CloudPubSubDeadLetterSourceSubscription"
SOURCE_ATTEMPTS = "CloudPubSubDeadLetterSourceDeliveryCount"


class _Named(msgspec.Struct, frozen=True):
    order_id: Identifier


class KeepDeadLetter(msgspec.Struct, frozen=True):
    """Store the message where it can be seen and replayed; raise the order's attention."""

    rejected: RejectedStore
    orders: OrderStore
    events: EventPublisher
    clock: Clock

    def __call__(self, message: PushedMessage) -> None:
        """Handle one dead letter."""
        now = self.clock.now()
        subscription = message.attributes.get(SOURCE_SUBSCRIPTION, "unknown")
        attempts = message.attributes.get(SOURCE_ATTEMPTS, "too many")
        self.rejected.keep(
            messages.rejected(
                f"dead-{subscription}-{message.id}",
                message.data,
                source=subscription,
                reason=f"given up after {attempts} deliveries",
                attributes=own_attributes(message),
                at=now,
                topic=subscription.partition("--")[2],
            )
        )
        order_id = _order_id(message.data)
        observability.bind(order_id=order_id)
        observability.warning("dead letter kept", source=subscription, deliveries=attempts)
        if order_id is not None:
            with tracing.span("keep_dead_letter", "consumer", order_id=order_id):
                self._ask_admin(order_id, now)

    def _ask_admin(self, order_id: str, now: datetime) -> None:
        if self.orders.get(order_id) is None:
            return
        order = self.orders.transact(order_id, partial(note_dead_letter, now=now))
        self.events.publish(*facts(order, AttentionRaised))


def own_attributes(message: PushedMessage) -> dict[str, str]:
    """Return the attributes that the message was published with."""
    return {
        name: value
        for name, value in message.attributes.items()
        if not name.startswith("CloudPubSubDeadLetter")
    }


def _order_id(data: bytes) -> str | None:
    try:
        return msgspec.json.decode(data, type=_Named).order_id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
