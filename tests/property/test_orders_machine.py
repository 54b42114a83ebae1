"""The decisions in any order, on several orders of two mentors who share days.

The provider's invoices are part of the model, so that an order is judged by what can be paid.
"""

from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import combinations, pairwise

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from shared.domain.billing import attach_invoice, settle
from shared.domain.events import OrderCreated
from shared.domain.invoice import Invoice, InvoiceStatus
from shared.domain.meetings import (
    CalendarEvent,
    RoomStatus,
    event_id,
    note_missed,
    note_missing_room,
    read_back,
    record_meeting,
    refuse_meeting,
)
from shared.domain.order import HOLDS_SLOT, TRANSITIONS, Order, Status
from shared.domain.placement import payment_deadline, place, reject, release_claim
from shared.domain.reminders import DEFAULT_LEAD_MINUTES, move_timer
from shared.domain.schedule import DayKey, MentorDay, Session, days_of
from shared.domain.timers import looked_at
from shared.errors import ClaimedError
from shared.ports import Decide
from tests.builders import NOW, calendar_event, invoice, mentor, order_created

CLAIM = timedelta(seconds=90)
# A session that is over stays on its mentor's day, where it is in nobody's way.
HAS_BOOKING = HOLDS_SLOT | {Status.COMPLETED}
FINAL = frozenset({Status.COMPLETED, Status.REJECTED, Status.EXPIRED, Status.CANCELLED})
# Few and close to each other, also across midnight, so that they meet.
HOURS = st.integers(1, 14).map(lambda hours: 28 + 2 * hours)
LENGTHS = st.sampled_from((30, 60, 90, 120, 720))
MENTORS = st.sampled_from(("m-1", "m-2"))
WHICH = st.integers(0, 6)  # order or invoice, counted round


class Orders(RuleBasedStateMachine):
    """A store, a provider and a clock, driven by the pure decisions alone."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.requests: list[OrderCreated] = []
        self.orders: dict[str, Order] = {}
        self.days: dict[DayKey, MentorDay] = {}
        self.invoices: dict[str, Invoice] = {}

    @initialize(sessions=st.lists(st.tuples(MENTORS, HOURS, LENGTHS), min_size=3, max_size=5))
    def web_app_publishes_several(self, sessions: list[tuple[str, int, int]]) -> None:
        for mentor_id, hours, length in sessions:
            self.web_app_publishes(mentor_id, hours, length)

    @rule(which=WHICH)
    def another_mentee_wants_the_same(self, which: int) -> None:
        wanted = self.requests[which % len(self.requests)]
        hours = (wanted.session.starts_at - NOW) // timedelta(hours=1)
        self.web_app_publishes(wanted.mentor.id, hours, wanted.session.duration_minutes)

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
        decide = partial(place, request=request, claim=CLAIM, now=self.now)
        with suppress(ClaimedError):
            self.transact(request.order_id, decide, days_of(request.mentor.id, request.session))

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

    @rule(which=WHICH)
    def room_is_ready(self, which: int) -> None:
        order = self.order(which)
        event = calendar_event(event_id=event_id(order))
        decide = partial(record_meeting, event=event, leads=DEFAULT_LEAD_MINUTES, now=self.now)
        self.transact(order.id, decide)

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
        self.transact(order.id, partial(note_missing_room, event=event, now=self.now))

    @rule(which=WHICH, live=st.booleans())
    def calendar_is_read_back(self, which: int, *, live: bool) -> None:
        order = self.order(which)
        event = calendar_event(event_id=event_id(order)) if live else None
        self.transact(order.id, partial(read_back, event=event, now=self.now))

    @rule(minutes=st.sampled_from((1, 2, 10, 60, 24 * 60)), again_soon=st.booleans())
    def time_passes(self, minutes: int, *, again_soon: bool) -> None:
        self.now += timedelta(minutes=minutes)
        for order_id in self.orders:
            self.transact(order_id, partial(move_timer, now=self.now))
            self.transact(order_id, partial(note_missed, now=self.now))
            self.transact(order_id, partial(looked_at, now=self.now, again_soon=again_soon))

    def transact(self, order_id: str, decide: Decide, keys: Collection[DayKey] = ()) -> None:
        known = {key: self.days.get(key, MentorDay(key=key)) for key in keys}
        change = decide(self.orders.get(order_id), known)
        assert change.order.id == order_id
        assert {day.key for day in change.days} <= set(keys)
        self.orders[order_id] = change.order
        self.days.update((day.key, day) for day in change.days)

    def provider_changes(self, which: int, **changes: object) -> None:
        current = self.invoice(which)
        # A payment that was under way at expiry is confirmed after it.
        if current.status is not InvoiceStatus.PAID:
            self.invoices[current.id] = msgspec.structs.replace(current, **changes)

    def order(self, which: int) -> Order:
        return self.orders[self.requests[which % len(self.requests)].order_id]

    def invoice(self, which: int) -> Invoice:
        return list(self.invoices.values())[which % len(self.invoices)]

    @invariant()
    def no_mentor_is_booked_twice(self) -> None:
        for day in self.days.values():
            for one, other in combinations(day.bookings, 2):
                assert not one.session.overlaps(other.session)

    @invariant()
    def slots_belong_to_exactly_the_orders_that_hold_them(self) -> None:
        booked = {(key, booking) for key, day in self.days.items() for booking in day.bookings}
        held = {
            (key, order.booking)
            for order in self.orders.values()
            if order.status in HAS_BOOKING
            for key in order.day_keys
        }
        assert booked == held
        assert sum(len(day.bookings) for day in self.days.values()) == len(booked)

    @invariant()
    def every_open_order_has_a_timer(self) -> None:
        for order in self.orders.values():
            assert order.check_at is not None or order.status in FINAL

    @invariant()
    def every_history_follows_the_table(self) -> None:
        for order in self.orders.values():
            assert order.history[0].status is Status.PENDING
            assert order.history[-1].status is order.status
            for before, after in pairwise(order.history):
                assert after.status in TRANSITIONS[before.status]
                assert before.at <= after.at

    @invariant()
    def a_recorded_payment_is_one_that_the_provider_has_in_full(self) -> None:
        for order in self.orders.values():
            if order.payment is None:
                assert not order.was(Status.PAID)
                continue
            source = self.invoices[order.payment.invoice_id]
            assert source.status is InvoiceStatus.PAID
            assert source.order_id == order.id
            assert order.payment.amount == order.price.amount == source.paid_amount

    @invariant()
    def what_is_shown_can_be_paid_only_while_the_slot_is_held(self) -> None:
        for order in self.orders.values():
            shown = order.invoice and self.invoices[order.invoice.id]
            if shown and shown.status is InvoiceStatus.PENDING:
                assert order.status in HOLDS_SLOT

    @invariant()
    def each_status_has_what_it_stands_for(self) -> None:
        for order in self.orders.values():
            assert (order.invoice is not None) is order.was(Status.INVOICED)
            assert (order.meeting is not None) is order.was(Status.SCHEDULED)


Orders.TestCase.settings = settings(deadline=None, max_examples=200, stateful_step_count=60)
TestOrders = Orders.TestCase
