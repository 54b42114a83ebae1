"""Make the calendar event and the room of a paid order."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from shared.domain.events import AttentionRaised, InvoicePaid, MeetingScheduled
from shared.domain.facts import facts
from shared.domain.meetings import (
    CalendarEvent,
    RoomStatus,
    awaits_room,
    meeting_request,
    note_missed,
    note_missing_room,
    record_meeting,
    refuse_meeting,
)
from shared.domain.order import Order, Status
from shared.errors import PermanentError, RetryableError
from shared.ports import Clock, EventPublisher, MeetingScheduler, OrderStore

PUBLISHES = (MeetingScheduled, AttentionRaised)


@dataclass(frozen=True, slots=True)
class CreateMeeting:
    """Do, record, publish. No claim is needed: the event's id comes from the order's."""

    orders: OrderStore
    meetings: MeetingScheduler
    events: EventPublisher
    clock: Clock
    leads: Sequence[int]
    # Seconds between looks at a room that is still being made, within one delivery.
    polls: Sequence[float]

    def __call__(self, event: InvoicePaid) -> None:
        """Handle the event. Raises RetryableError while the room is not there yet."""
        order = self.orders.get(event.order_id)
        if order is None:
            raise RetryableError(f"order {event.order_id} is not in the store")
        if order.status is Status.PAID:
            order = self._schedule(order)
        self.events.publish(*facts(order, *PUBLISHES))
        if awaits_room(order):
            raise RetryableError(f"order {order.id}: the room is not there yet")

    def _schedule(self, order: Order) -> Order:
        if self.clock.now() >= order.session.starts_at:
            return self.orders.transact(order.id, partial(note_missed, now=self.clock.now()))
        try:
            made = self._await_room(self.meetings.ensure(meeting_request(order)))
        except PermanentError:
            refused = partial(refuse_meeting, now=self.clock.now())
            return self.orders.transact(order.id, refused)
        now = self.clock.now()
        if made.room is RoomStatus.READY and not made.cancelled:
            record = partial(record_meeting, event=made, leads=self.leads, now=now)
            return self.orders.transact(order.id, record)
        return self.orders.transact(order.id, partial(note_missing_room, event=made, now=now))

    def _await_room(self, made: CalendarEvent) -> CalendarEvent:
        for seconds in self.polls:
            if made.cancelled or made.room is not RoomStatus.PENDING:
                break
            self.clock.sleep(seconds)
            made = self.meetings.get(made.event_id) or made
        return made
