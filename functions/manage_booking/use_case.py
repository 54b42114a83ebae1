"""What people do to an order by a link: answer, cancel, move, and say where their money shall go."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from functools import partial

import msgspec

from shared import observability
from shared.domain.availability import Availability, WeeklyHours, day_keys_between, free_slots
from shared.domain.cancellation import cancel
from shared.domain.confirmation import accept, decline
from shared.domain.events import (
    AttentionRaised,
    InvoicePaid,
    MentorAsked,
    OrderCancelled,
    OrderRescheduled,
    RefundDue,
    RefundUpdated,
    SessionDeclined,
)
from shared.domain.facts import facts
from shared.domain.order import Actor, Order
from shared.domain.refunds import give_account, note_paid_out
from shared.domain.rescheduling import SHORTEST_NOTICE, days_to_move, reschedule
from shared.domain.schedule import Period, Session, without
from shared.errors import RetryableError
from shared.links import Link
from shared.ports import (
    AvailabilityStore,
    BusyCalendars,
    Clock,
    Decide,
    EventPublisher,
    OrderStore,
    Vault,
)

PUBLISHES = (
    InvoicePaid,
    MentorAsked,
    SessionDeclined,
    OrderRescheduled,
    OrderCancelled,
    RefundDue,
    RefundUpdated,
    AttentionRaised,
)
# What is offered can still be chosen by somebody who thinks about it for so long.
_TO_READ = timedelta(minutes=30)
# How far ahead other times are offered.
OFFER_WITHIN = timedelta(days=14)
_STEP_MINUTES = 60
# Nobody has said when this mentor takes sessions: what is offered keeps to the day.
_DAYTIME = tuple(
    WeeklyHours(weekday=weekday, from_=time(8), until=time(21)) for weekday in range(7)
)


class ManageBooking(msgspec.Struct, frozen=True):
    """Decide, record, publish. A link that was used, or is overtaken, changes nothing.

    What is done is decided on the order as it stands by then; ``order`` is as it was just read.
    Each raises ActionRefusedError with the reason when it cannot be done.
    """

    orders: OrderStore
    availability: AvailabilityStore
    calendars: BusyCalendars
    events: EventPublisher
    vault: Vault
    clock: Clock
    refund_until: timedelta
    move_until: timedelta

    def find(self, order_id: str) -> Order | None:
        """Return the order as it stands."""
        return self.orders.get(order_id)

    def accept(self, order: Order, link: Link) -> Order:
        """Take the mentor's yes."""
        return self._do(order, partial(accept, revision=link.revision, now=self.clock.now()))

    def decline(self, order: Order, link: Link, note: str | None) -> Order:
        """Take the mentor's no, with what they say about it."""
        no = partial(decline, revision=link.revision, note=note, now=self.clock.now())
        return self._do(order, no)

    def cancel(self, order: Order, link: Link) -> Order:
        """Call the mentee's order off."""
        off = partial(
            cancel,
            by=Actor.MENTEE,
            revision=link.revision,
            refund_until=self.refund_until,
            now=self.clock.now(),
        )
        return self._do(order, off)

    def reschedule(self, order: Order, link: Link, starts_at: datetime) -> Order:
        """Move the session, if that time is still free."""
        session = Session(starts_at=starts_at, duration_minutes=order.session.duration_minutes)
        availability = self.availability.get(order.mentor.id)
        move = partial(
            reschedule,
            starts_at=starts_at,
            revision=link.revision,
            availability=availability,
            busy=self._busy(order, session.starts_at, session.ends_at),
            move_until=self.move_until,
            now=self.clock.now(),
        )
        moved = self.orders.transact(order.id, move, days_to_move(order, session, availability))
        return self._told(moved)

    def other_times(self, order: Order) -> Sequence[Session]:
        """Return times at which the mentor is free, earliest first."""
        now = self.clock.now()
        until = now + OFFER_WITHIN
        availability = self.availability.get(order.mentor.id) or Availability(
            mentor_id=order.mentor.id, time_zone=order.mentor.time_zone, hours=_DAYTIME
        )
        minutes = order.session.duration_minutes
        keys = day_keys_between(availability, minutes, begin=now, until=until)
        days = {day.key: day.without_order(order.id) for day in self.orders.days(keys)}
        return free_slots(
            availability,
            days,
            self._busy(order, now, until + timedelta(minutes=minutes)),
            minutes,
            begin=now + _TO_READ + SHORTEST_NOTICE,
            until=until,
            now=now,
            step_minutes=_STEP_MINUTES,
        )

    def give_account(self, order: Order, link: Link, account: str) -> Order:
        """Keep the account that money is to be transferred to, sealed."""
        given = partial(
            give_account,
            invoice_id=link.invoice_id,
            sealed=self.vault.seal(account),
            now=self.clock.now(),
        )
        return self._do(order, given)

    def note_paid_out(self, order: Order, link: Link) -> Order:
        """Note that the admin has transferred the money."""
        done = partial(note_paid_out, invoice_id=link.invoice_id, now=self.clock.now())
        return self._do(order, done)

    def _do(self, order: Order, decide: Decide) -> Order:
        return self._told(self.orders.transact(order.id, decide, order.day_keys))

    def _told(self, order: Order) -> Order:
        """Publish what follows. If that fails, the order's timer stands for its being said again."""
        try:
            self.events.publish(*facts(order, *PUBLISHES))
        except RetryableError as error:
            observability.given_back(error, order_id=order.id)
        return order

    def _busy(self, order: Order, begin: datetime, end: datetime) -> Sequence[Period]:
        """Return the mentor's own appointments, without the session that is to be moved."""
        return without(self.calendars.busy(order.mentor.email, begin, end), order.session)
