"""The decisions in any order, on several orders of two mentors who share days.

Steps and people act as they like; whatever they do, the promises hold after each act.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import combinations, pairwise

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from shared.domain.actions import LINK_USED
from shared.domain.billing import AMOUNT_MISMATCH
from shared.domain.cancellation import CANCELLABLE, cancel
from shared.domain.confirmation import accept, decline
from shared.domain.invoice import InvoiceStatus
from shared.domain.meetings import EVENT_DELETED, calendar_is_behind, event_id, wants_event
from shared.domain.order import (
    HOLDS_SLOT,
    TRANSITIONS,
    Actor,
    MoneyBackState,
    Order,
    Status,
)
from shared.domain.refund import Refund, RefundStatus
from shared.domain.refunds import (
    give_account,
    note_paid_out,
    record_refund,
    refund_request,
    want_account,
)
from shared.domain.rescheduling import MOVABLE, days_to_move, reschedule
from shared.domain.schedule import Session, days_of
from shared.errors import ActionRefusedError
from tests.builders import NOW
from tests.property.orders_world import AVAILABILITY, HOURS, WHICH, OrdersWorld

# A session that is over stays on its mentor's day, where it is in nobody's way.
HAS_BOOKING = HOLDS_SLOT | {Status.COMPLETED}
FINAL = frozenset({Status.COMPLETED, Status.REJECTED, Status.EXPIRED, Status.CANCELLED})
CLOSED = frozenset({Status.REJECTED, Status.CANCELLED})
ON_ITS_WAY = frozenset({MoneyBackState.DUE, MoneyBackState.STARTED})
NEWS = st.sampled_from(tuple(RefundStatus))


class Orders(OrdersWorld):
    """People who answer, cancel, move and get their money back, by links that are fresh or old."""

    def __init__(self) -> None:
        super().__init__()
        self.given_back: dict[str, Refund] = {}
        self.revisions: dict[str, int] = {}

    @rule(which=WHICH)
    def mentor_is_asked(self, which: int) -> None:
        self.ask(self.order(which, Status.PAID))

    @rule(which=WHICH)
    def mentor_accepts(self, which: int) -> None:
        with suppress(ActionRefusedError):
            order = self.order(which, Status.AWAITING_MENTOR)
            self.accept(order, order.revision)

    @rule(which=WHICH)
    def mentor_declines(self, which: int) -> None:
        with suppress(ActionRefusedError):
            order = self.order(which, Status.AWAITING_MENTOR, Status.SCHEDULED)
            self.decline(order, order.revision)

    @rule(which=WHICH, really=st.sampled_from((False, False, True)))
    def mentee_cancels(self, which: int, *, really: bool) -> None:
        if not really:  # most orders shall live longer
            return
        with suppress(ActionRefusedError):
            order = self.order(which, *CANCELLABLE)
            self.cancel(order, order.revision)

    @rule(which=WHICH, hours=HOURS)
    def mentee_moves(self, which: int, hours: int) -> None:
        with suppress(ActionRefusedError):
            order = self.order(which, *MOVABLE)
            self.move(order, order.revision, hours)

    @rule(which=WHICH, age=st.integers(1, 3))
    def an_old_link_is_followed(self, which: int, age: int) -> None:
        order = self.order(which)
        acts: list[Callable[[Order, int], None]] = [
            self.accept,
            self.decline,
            self.cancel,
            partial(self.move, hours=90),
        ]
        for act in acts:
            with pytest.raises(ActionRefusedError, match=LINK_USED):
                act(order, order.revision - age)
        assert self.orders[order.id] == order

    @rule(which=WHICH, news=NEWS, refused=st.sampled_from((None, None, None, False, True)))
    def money_is_given_back(self, which: int, news: RefundStatus, refused: bool | None) -> None:
        order = self.owing(which)
        for owed in order.refunds:
            if owed.state is not MoneyBackState.DUE:
                continue
            if refused is not None:
                by_hand = partial(
                    want_account, invoice_id=owed.invoice_id, refused=refused, now=self.now
                )
                self.transact(order.id, by_hand)
                return
            request = refund_request(order, owed)
            told = Refund(
                id=f"rfd-{request.key}",
                invoice_id=request.invoice_id,
                status=news,
                amount=request.amount,
                currency=request.currency,
            )
            self.given_back.setdefault(request.key, told)
            self.hear_of_a_refund(list(self.orders).index(order.id), news)

    @rule(which=WHICH, news=NEWS)
    def hear_of_a_refund(self, which: int, news: RefundStatus) -> None:
        order = self.order(which)
        for key, known in self.given_back.items():
            if key.startswith(f"refund-{order.id}-"):
                told = msgspec.structs.replace(known, status=news)
                self.transact(order.id, partial(record_refund, told=told, now=self.now))

    @rule(which=WHICH, done=st.booleans())
    def money_goes_by_hand(self, which: int, *, done: bool) -> None:
        order = self.owing(which)
        for owed in order.refunds:
            with suppress(ActionRefusedError):
                act = (
                    partial(note_paid_out, invoice_id=owed.invoice_id, now=self.now)
                    if done
                    else partial(give_account, invoice_id=owed.invoice_id, sealed="s", now=self.now)
                )
                self.transact(order.id, act)

    @precondition(lambda self: self.invoices)
    @rule(which=WHICH)
    def money_comes_after_the_end(self, which: int) -> None:
        self.now += timedelta(hours=25)
        self.mentee_pays(which, short=0, heard=True)

    def owing(self, which: int) -> Order:
        owing = [order for order in self.orders.values() if order.refunds]
        return owing[which % len(owing)] if owing else self.order(which)

    def everybody_acts_meanwhile(self, order: Order) -> None:
        for act in (partial(self.move, hours=92), self.decline, self.cancel):
            with suppress(ActionRefusedError):
                act(order, order.revision)

    def accept(self, order: Order, revision: int) -> None:
        self.transact(order.id, partial(accept, revision=revision, now=self.now))

    def decline(self, order: Order, revision: int) -> None:
        no = partial(decline, revision=revision, note=None, now=self.now)
        self.transact(order.id, no, order.day_keys)

    def cancel(self, order: Order, revision: int) -> None:
        off = partial(
            cancel,
            by=Actor.MENTEE,
            revision=revision,
            refund_until=timedelta(hours=24),
            now=self.now,
        )
        self.transact(order.id, off, order.day_keys)

    def move(self, order: Order, revision: int, hours: int) -> None:
        starts_at = NOW + timedelta(hours=hours)
        availability = AVAILABILITY.get(order.mentor.id)
        new = Session(starts_at=starts_at, duration_minutes=order.session.duration_minutes)
        change = partial(
            reschedule,
            starts_at=starts_at,
            revision=revision,
            availability=availability,
            busy=(),
            move_until=timedelta(hours=6),
            now=self.now,
        )
        self.transact(order.id, change, days_to_move(order, new, availability))

    @invariant()
    def no_mentor_is_booked_twice(self) -> None:
        for key, day in self.days.items():
            own = AVAILABILITY.get(key.mentor_id)
            rest = timedelta(minutes=own.buffer_minutes if own else 0)
            ordered = sorted(day.bookings, key=lambda booking: booking.session.starts_at)
            for one, other in combinations(ordered, 2):
                assert one.session.ends_at + rest <= other.session.starts_at

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
        for order in self.orders.values():
            assert set(days_of(order.mentor.id, order.session)) <= set(order.day_keys)

    @invariant()
    def every_open_order_and_all_money_on_its_way_have_a_timer(self) -> None:
        for order in self.orders.values():
            waits = any(refund.state in ON_ITS_WAY for refund in order.refunds)
            assert order.check_at is not None or (order.status in FINAL and not waits)

    @invariant()
    def every_history_follows_the_table(self) -> None:
        for order in self.orders.values():
            assert order.history[0].status is Status.PENDING
            assert order.history[-1].status is order.status
            for before, after in pairwise(order.history):
                assert after.status in TRANSITIONS[before.status]
                assert before.at <= after.at

    @invariant()
    def no_revision_ever_goes_down(self) -> None:
        for order in self.orders.values():
            assert order.revision >= self.revisions.get(order.id, 0)
            self.revisions[order.id] = order.revision

    @invariant()
    def a_recorded_payment_is_one_that_the_provider_has(self) -> None:
        for order in self.orders.values():
            if order.payment is None:
                assert not order.was(Status.PAID)
                continue
            source = self.invoices[order.payment.invoice_id]
            assert source.status is InvoiceStatus.PAID
            assert source.order_id == order.id
            assert order.payment.amount == source.paid_amount
            if order.was(Status.PAID) or order.was(Status.AWAITING_MENTEE):
                assert order.payment.amount == order.price.amount

    @invariant()
    def of_each_payment_no_more_goes_back_than_came_and_that_once(self) -> None:
        for order in self.orders.values():
            owed = [refund.invoice_id for refund in order.refunds]
            assert len(set(owed)) == len(owed)
            for refund in order.refunds:
                source = self.invoices[refund.invoice_id]
                assert (source.status, source.order_id) == (InvoiceStatus.PAID, order.id)
                assert refund.amount == source.paid_amount
        asked = [refund.invoice_id for refund in self.given_back.values()]
        assert len(set(asked)) == len(asked)

    @invariant()
    def money_that_was_heard_of_is_kept_for_something_or_goes_back(self) -> None:
        for invoice_id in self.heard:
            order = self.orders[self.invoices[invoice_id].order_id]
            own = order.payment is not None and order.payment.invoice_id == invoice_id
            back = order.refund_of(invoice_id) is not None
            assert own or back or order.has_attention(AMOUNT_MISMATCH)
            no_refund = order.cancellation is not None and not order.cancellation.refund
            if own and order.status in CLOSED and not (no_refund and order.was(Status.PAID)):
                assert back

    @invariant()
    def an_account_is_known_only_while_somebody_has_to_transfer_to_it(self) -> None:
        for order in self.orders.values():
            for refund in order.refunds:
                assert (refund.account is None) is (refund.state is not MoneyBackState.PAYOUT_DUE)

    @invariant()
    def no_event_is_left_that_nobody_wants_or_will_clear(self) -> None:
        for order_id, events in self.calendar.items():
            order = self.orders[order_id]
            for event, revision in events.items():
                known = event in order.obsolete_events or order.status is Status.COMPLETED
                assert known or wants_event(order, event)
                if event == event_id(order) and order.status is Status.SCHEDULED:
                    asked = order.has_attention(EVENT_DELETED)
                    shown = revision == order.moves
                    assert (
                        shown or asked or calendar_is_behind(order, self.now) or self._over(order)
                    )

    def _over(self, order: Order) -> bool:
        return self.now >= order.session.ends_at or bool(order.attention)

    @invariant()
    def what_is_shown_can_be_paid_only_while_the_slot_is_held(self) -> None:
        for order in self.orders.values():
            shown = order.invoice and self.invoices[order.invoice.id]
            # That of an order that was called off, or paid otherwise, is closed by a later step.
            if shown and shown.status is InvoiceStatus.PENDING and order.payment is None:
                assert order.status in HOLDS_SLOT or order.status is Status.CANCELLED

    @invariant()
    def each_status_has_what_it_stands_for(self) -> None:
        for order in self.orders.values():
            assert (order.invoice is not None) is order.was(Status.INVOICED)
            meets = order.status in {Status.SCHEDULED, Status.COMPLETED}
            assert order.meeting is not None or not meets
            assert order.confirmation is not None or order.status is not Status.AWAITING_MENTOR
            assert (order.cancellation is not None) is (order.status is Status.CANCELLED)
            assert order.payment is not None or order.status is not Status.AWAITING_MENTEE


Orders.TestCase.settings = settings(deadline=None, max_examples=200, stateful_step_count=60)
TestOrders = Orders.TestCase
