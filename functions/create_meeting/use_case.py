"""Make, or move, the calendar event and the room of a paid order."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import msgspec

from shared.domain.confirmation import ask_mentor, needs_answer
from shared.domain.events import (
    AttentionRaised,
    Event,
    MeetingScheduled,
    MentorAsked,
    OrderCancelled,
)
from shared.domain.facts import facts
from shared.domain.meetings import (
    CalendarEvent,
    RoomStatus,
    awaits_room,
    calendar_is_behind,
    meeting_request,
    note_missed,
    note_missing_room,
    note_obsolete,
    record_meeting,
    refuse_meeting,
    wants_event,
)
from shared.domain.order import Order, Status
from shared.errors import PermanentError, RetryableError
from shared.ports import Clock, EventPublisher, MeetingScheduler, OrderStore, stored_order

# Not that it was moved, which this step hears of: it would be called by itself for ever.
PUBLISHES = (MeetingScheduled, MentorAsked, OrderCancelled, AttentionRaised)


class CreateMeeting(msgspec.Struct, frozen=True):
    """Do, record, publish. No claim is needed: the event's id comes from the order's.

    ``answer_within`` is how long a mentor has to say whether they can; None means not to ask.
    """

    orders: OrderStore
    meetings: MeetingScheduler
    events: EventPublisher
    clock: Clock
    leads: Sequence[int]
    # Seconds between looks at a room that is still being made, within one delivery.
    polls: Sequence[float]
    answer_within: timedelta | None = None

    def __call__(self, event: Event) -> None:
        """Handle the event. Raises RetryableError while the calendar does not show the session."""
        order = stored_order(self.orders, event.order_id)
        if self.answer_within is not None and needs_answer(order):
            ask = partial(ask_mentor, within=self.answer_within, now=self.clock.now())
            order = self.orders.transact(order.id, ask)
        elif order.status is Status.PAID or calendar_is_behind(order, self.clock.now()):
            order = self._schedule(order)
        self.events.publish(*facts(order, *PUBLISHES))
        if awaits_room(order) or calendar_is_behind(order, self.clock.now()):
            raise RetryableError(f"order {order.id}: its room and time are not in the calendar yet")

    def _schedule(self, order: Order) -> Order:
        if self.clock.now() >= order.session.starts_at:
            return self.orders.transact(order.id, partial(note_missed, now=self.clock.now()))
        try:
            made = self._await_room(self.meetings.ensure(meeting_request(order)))
        except PermanentError:
            refused = partial(refuse_meeting, now=self.clock.now())
            return self.orders.transact(order.id, refused)
        return self._record(order, made)

    def _record(self, order: Order, made: CalendarEvent) -> Order:
        now = self.clock.now()
        if made.room is RoomStatus.READY and not made.cancelled:
            record = partial(record_meeting, event=made, leads=self.leads, now=now)
            order = self.orders.transact(order.id, record)
        else:
            order = self.orders.transact(order.id, partial(note_missing_room, event=made, now=now))
        if made.cancelled or wants_event(order, made.event_id):
            return order
        # Called off meanwhile: whoever did that may have found nothing to take out yet.
        return self.orders.transact(order.id, partial(note_obsolete, event=made.event_id))

    def _await_room(self, made: CalendarEvent) -> CalendarEvent:
        for seconds in self.polls:
            if made.cancelled or made.room is not RoomStatus.PENDING:
                break
            self.clock.sleep(seconds)
            made = self.meetings.get(made.event_id) or made
        return made
