"""A store, a payment provider, a calendar and a clock, for decisions in any order.

The provider's invoices are part of the model, so that an order is judged by what can be paid.
"""

from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta
from functools import partial

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

from shared.domain.availability import Availability, day_keys_for
from shared.domain.billing import attach_invoice, settle
from shared.domain.confirmation import (
    ask_mentor,
    give_up_waiting,
    needs_answer,
    return_unchosen,
)
from shared.domain.events import OrderCreated
from shared.domain.invoice import Invoice, InvoiceStatus
from shared.domain.meetings import (
    CalendarEvent,
    RoomStatus,
    calendar_is_behind,
    event_id,
    note_cleared,
    note_missed,
    note_missing_room,
    note_obsolete,
    read_back,
    record_meeting,
    refuse_meeting,
    wants_event,
)
from shared.domain.order import Order, Status
from shared.domain.placement import payment_deadline, place, reject, release_claim
from shared.domain.reminders import DEFAULT_LEAD_MINUTES, move_timer
from shared.domain.schedule import DayKey, MentorDay, Session
from shared.domain.timers import looked_at
from shared.errors import ClaimedError
from shared.ports import Decide
from tests.builders import NOW, calendar_event, invoice, mentor, order_created

CLAIM = timedelta(seconds=90)
# One mentor needs a rest between sessions.
AVAILABILITY = {"m-2": Availability(mentor_id="m-2", buffer_minutes=45)}
# Few and close to each other, also across midnight, so that they meet.
HOURS = st.integers(1, 14).map(lambda hours: 76 + 2 * hours)
LENGTHS = st.sampled_from((30, 60, 90, 120, 720))
MENTORS = st.sampled_from(("m-1", "m-2"))
WHICH = st.integers(0, 7)  # order or invoice, counted round
MOST_ORDERS = 8


class OrdersWorld(RuleBasedStateMachine):
    """What becomes of orders by the steps alone, before people act on them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.asks = False
        self.requests: list[OrderCreated] = []
        self.orders: dict[str, Order] = {}
        self.days: dict[DayKey, MentorDay] = {}
        self.invoices: dict[str, Invoice] = {}
        # Invoices that the order has heard of as they are, and the revision of each live event.
        self.heard: set[str] = set()
        self.calendar: dict[str, dict[str, int]] = {}

    @initialize(asks=st.booleans())
    def marketplace_decides_whether_mentors_are_asked(self, *, asks: bool) -> None:
        self.asks = asks

    @initialize(sessions=st.lists(st.tuples(MENTORS, HOURS, LENGTHS), min_size=3, max_size=5))
    def web_app_publishes_several(self, sessions: list[tuple[str, int, int]]) -> None:
        for mentor_id, hours, length in sessions:
            self.web_app_publishes(mentor_id, hours, length)

    @precondition(lambda self: len(self.requests) < MOST_ORDERS)
    @rule(which=WHICH)
    def another_mentee_wants_the_same(self, which: int) -> None:
        wanted = self.requests[which % len(self.requests)]
        hours = (wanted.session.starts_at - NOW) // timedelta(hours=1)
        self.web_app_publishes(wanted.mentor.id, hours, wanted.session.duration_minutes)

    @precondition(lambda self: len(self.requests) < MOST_ORDERS)
    @rule(mentor_id=MENTORS, hours=HOURS, length=LENGTHS)
    def web_app_publishes(self, mentor_id: str, hours: int, length: int) -> None:
        request = order_created(
            order_id=f"o-{len(self.orders)}",
            mentor=mentor(id=mentor_id),
            session=Session(starts_at=NOW + timedelta(hours=hours), duration_minutes=length),
        )
        self.requests.append(request)
        self.deliver(len(self.requests) - 1)

    @rule(which=WHICH)
    def deliver(self, which: int) -> None:
        request = self.requests[which % len(self.requests)]
        availability = AVAILABILITY.get(request.mentor.id)
        decide = partial(
            place, request=request, claim=CLAIM, now=self.now, availability=availability
        )
        keys = day_keys_for(request.mentor.id, request.session, availability)
        with suppress(ClaimedError):
            self.transact(request.order_id, decide, keys)

    @rule(which=WHICH)
    def all_goes_well(self, which: int) -> None:
        """Take an order as far as its next step takes it when nothing goes wrong."""
        order = self.order(which, Status.PENDING, Status.INVOICED, Status.PAID)
        match order.status:
            case Status.PENDING:
                which = list(self.orders).index(order.id)
                self.provider_makes_an_invoice(which, factor=1, recorded=True)
            case Status.INVOICED if order.invoice:
                self.mentee_pays(list(self.invoices).index(order.invoice.id), short=0, heard=True)
            case Status.PAID:
                self.ask(order)
                self.meet(self.orders[order.id], called_off_meanwhile=False)
            case _:
                pass

    def ask(self, order: Order) -> None:
        if not self.asks:
            return
        asked = partial(ask_mentor, within=timedelta(hours=12), now=self.now)
        self.transact(order.id, asked)

    @rule(which=WHICH, refused=st.sampled_from((False, False, False, True)))
    def making_an_invoice_fails(self, which: int, *, refused: bool) -> None:
        order = self.order(which)
        if refused:
            decide = partial(reject, reason="invoice_refused", now=self.now)
            self.transact(order.id, decide, order.day_keys)
        else:
            self.transact(order.id, partial(release_claim, until=self.now))

    @rule(which=WHICH, factor=st.sampled_from((1, 1, 1, 2)), recorded=st.booleans())
    def provider_makes_an_invoice(self, which: int, factor: int, *, recorded: bool) -> None:
        order = self.order(which)
        made = invoice(
            id=f"inv-{len(self.invoices)}",
            order_id=order.id,
            amount=order.price.amount * factor,
            expires_at=payment_deadline(order, self.now),
        )
        self.invoices[made.id] = made
        if recorded:
            self.transact(order.id, partial(attach_invoice, invoice=made, now=self.now))

    @precondition(lambda self: self.invoices)
    @rule(which=WHICH, short=st.sampled_from((0, 0, 0, 1)), heard=st.booleans())
    def mentee_pays(self, which: int, short: int, *, heard: bool) -> None:
        paid = self.invoice(which).amount - short
        self.provider_changes(which, status=InvoiceStatus.PAID, paid_amount=paid, paid_at=self.now)
        if heard:
            self.hear_of_an_invoice(which)

    @precondition(lambda self: self.invoices)
    @rule(which=WHICH, heard=st.booleans())
    def invoice_expires(self, which: int, *, heard: bool) -> None:
        self.provider_changes(which, status=InvoiceStatus.EXPIRED)
        if heard:
            self.hear_of_an_invoice(which)

    @precondition(lambda self: self.invoices)
    @rule(which=WHICH)
    def hear_of_an_invoice(self, which: int) -> None:
        told = self.invoice(which)
        order = self.orders[told.order_id]
        self.transact(order.id, partial(settle, invoice=told, now=self.now), order.day_keys)
        if told.status is InvoiceStatus.PAID:
            self.heard.add(told.id)

    @rule(which=WHICH, called_off_meanwhile=st.booleans())
    def room_is_ready(self, which: int, *, called_off_meanwhile: bool) -> None:
        order = self.order(which, Status.PAID, Status.SCHEDULED)
        self.meet(order, called_off_meanwhile=called_off_meanwhile)

    def meet(self, order: Order, *, called_off_meanwhile: bool) -> None:
        waits = order.status is Status.PAID and not (self.asks and needs_answer(order))
        if not waits and not calendar_is_behind(order, self.now):
            return
        own = self.calendar.setdefault(order.id, {})
        own[event_id(order)] = max(order.moves, own.get(event_id(order), 0))
        event = calendar_event(event_id=event_id(order), revision=own[event_id(order)])
        if called_off_meanwhile:
            self.everybody_acts_meanwhile(order)
        decide = partial(record_meeting, event=event, leads=DEFAULT_LEAD_MINUTES, now=self.now)
        self.transact(order.id, decide)
        if not wants_event(self.orders[order.id], event.event_id):
            self.transact(order.id, partial(note_obsolete, event=event.event_id))

    def everybody_acts_meanwhile(self, order: Order) -> None:
        """Let somebody act on the order while its event is being made."""

    @rule(which=WHICH)
    def calendars_are_cleared(self, which: int) -> None:
        order = self.order(which)
        for event in order.obsolete_events:
            self.calendar.get(order.id, {}).pop(event, None)
        self.transact(order.id, partial(note_cleared, events=order.obsolete_events))

    @rule(
        which=WHICH,
        room=st.sampled_from((RoomStatus.PENDING, RoomStatus.FAILED, None)),
        cancelled=st.booleans(),
    )
    def room_is_missing(self, which: int, room: RoomStatus | None, *, cancelled: bool) -> None:
        order = self.order(which)
        if room is None:
            self.transact(order.id, partial(refuse_meeting, now=self.now))
            return
        event = CalendarEvent(event_id=event_id(order), cancelled=cancelled, room=room)
        if cancelled:  # by somebody in the calendar
            self.calendar.get(order.id, {}).pop(event.event_id, None)
        self.transact(order.id, partial(note_missing_room, event=event, now=self.now))

    @rule(which=WHICH, live=st.booleans())
    def calendar_is_read_back(self, which: int, *, live: bool) -> None:
        order = self.order(which)
        shown = self.calendar.get(order.id, {}).get(event_id(order))
        event = None
        if live and shown is not None:
            event = calendar_event(event_id=event_id(order), revision=shown)
        self.transact(order.id, partial(read_back, event=event, now=self.now))

    @rule(minutes=st.sampled_from((1, 2, 10, 60, 6 * 60, 24 * 60)), again_soon=st.booleans())
    def time_passes(self, minutes: int, *, again_soon: bool) -> None:
        self.now += timedelta(minutes=minutes)
        for order_id in self.orders:
            self.transact(order_id, partial(move_timer, now=self.now))
            self.transact(order_id, partial(note_missed, now=self.now))
            keys = self.orders[order_id].day_keys
            self.transact(order_id, partial(give_up_waiting, now=self.now), keys)
            self.transact(order_id, partial(return_unchosen, now=self.now))
            self.transact(order_id, partial(looked_at, now=self.now, again_soon=again_soon))

    def transact(self, order_id: str, decide: Decide, keys: Collection[DayKey] = ()) -> None:
        known = {key: self.days.get(key, MentorDay(key=key)) for key in keys}
        change = decide(self.orders.get(order_id), known)
        assert change.order.id == order_id
        assert {day.key for day in change.days} <= set(keys)
        before = self.orders.get(order_id)
        assert before is None or change.order.revision in {before.revision, before.revision + 1}
        self.orders[order_id] = change.order
        self.days.update((day.key, day) for day in change.days)

    def provider_changes(self, which: int, **changes: object) -> None:
        current = self.invoice(which)
        # A payment that was under way at expiry is confirmed after it.
        if current.status is not InvoiceStatus.PAID:
            self.invoices[current.id] = msgspec.structs.replace(current, **changes)

    def order(self, which: int, *statuses: Status) -> Order:
        """Return an order, in one of these statuses if there is any."""
        known = list(self.orders.values())
        fitting = [order for order in known if order.status in statuses] or known
        return fitting[which % len(fitting)]

    def invoice(self, which: int) -> Invoice:
        return list(self.invoices.values())[which % len(self.invoices)]
