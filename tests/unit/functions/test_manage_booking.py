"""What people do by their links, on fakes: what is kept, what is said, and what is refused."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from functions.manage_booking.use_case import ManageBooking
from shared.adapters.vault import FernetVault
from shared.domain.actions import LINK_USED, NOT_NOW, TOO_LATE
from shared.domain.availability import Availability
from shared.domain.cancellation import refund_on_cancel
from shared.domain.events import InvoicePaid, OrderCancelled, OrderRescheduled, SessionDeclined
from shared.domain.notifications import Recipient
from shared.domain.order import LOOK_AFTER_CHANGE, Change, MoneyBackState, Order, Status
from shared.domain.placement import SLOT_TAKEN
from shared.domain.schedule import Period, Session
from shared.errors import ActionRefusedError, RetryableError
from shared.links import Link
from tests.bookings import VAULT_KEY
from tests.builders import (
    NOW,
    asked_order,
    days,
    declined_order,
    paid_order,
    refunding_order,
    scheduled_order,
    session,
)
from tests.fakes import (
    FakeAvailabilityStore,
    FakeBusyCalendars,
    FakeClock,
    FakeOrderStore,
    FakePublisher,
)

LATER = session(starts_at=session().starts_at + timedelta(days=1))


class Bench:
    """The step on fakes, two hours after NOW."""

    def __init__(self) -> None:
        self.orders = FakeOrderStore()
        self.availability = FakeAvailabilityStore()
        self.calendars = FakeBusyCalendars()
        self.clock = FakeClock(NOW + timedelta(hours=2))
        self.events = FakePublisher(self.clock)
        self.vault = FernetVault([VAULT_KEY])
        self.step = ManageBooking(
            orders=self.orders,
            availability=self.availability,
            calendars=self.calendars,
            events=self.events,
            vault=self.vault,
            clock=self.clock,
            refund_until=timedelta(hours=24),
            move_until=timedelta(hours=6),
        )

    def put(self, order: Order) -> Order:
        held = tuple(days(order, of=order).values())
        return self.orders.transact(
            order.id, lambda *_: Change(order=order, days=held), order.day_keys
        )

    def stored(self, order: Order) -> Order:
        found = self.orders.get(order.id)
        assert found is not None
        return found


def link_to(order: Order, *, revision: int | None = None) -> Link:
    """Return a link to the order as it is; the step asks neither for its reader nor its end."""
    return Link(
        order_id=order.id,
        recipient=Recipient.MENTEE,
        revision=order.revision if revision is None else revision,
        expires_at=0,
        invoice_id="inv-1",
    )


Act = Callable[[ManageBooking, Order, Link], Order]
ACTS: dict[str, tuple[Order, Act]] = {
    "accept": (asked_order(), lambda step, order, link: step.accept(order, link)),
    "decline": (asked_order(), lambda step, order, link: step.decline(order, link, "ill")),
    "cancel": (scheduled_order(), lambda step, order, link: step.cancel(order, link)),
    "reschedule": (
        scheduled_order(),
        lambda step, order, link: step.reschedule(order, link, LATER.starts_at),
    ),
}
PAYOUTS: dict[str, tuple[Order, Act]] = {
    "account": (
        refunding_order(MoneyBackState.ACCOUNT_WANTED),
        lambda step, order, link: step.give_account(order, link, "BCA 1"),
    ),
    "paid out": (
        refunding_order(MoneyBackState.PAYOUT_DUE, account="sealed"),
        lambda step, order, link: step.note_paid_out(order, link),
    ),
}
ALL = ACTS | PAYOUTS


def refused(act: Act, bench: Bench, order: Order, link: Link) -> str:
    """Return why the act is refused; nothing may be written or said then."""
    written, said = bench.orders.writes, len(bench.events.events)
    with pytest.raises(ActionRefusedError) as raised:
        act(bench.step, order, link)
    assert (bench.orders.writes, len(bench.events.events)) == (written, said)
    return raised.value.reason


@pytest.mark.parametrize("name", ALL)
def test_what_is_done_is_stored_before_it_is_said(name: str) -> None:
    bench = Bench()
    order, act = ALL[name]
    bench.put(order)
    done = act(bench.step, order, link_to(order))
    assert bench.stored(order) == done
    assert bench.events.events != []


@pytest.mark.parametrize("name", ALL)
def test_a_publish_that_fails_leaves_it_done_and_the_timer_set(name: str) -> None:
    bench = Bench()
    order, act = ALL[name]
    bench.put(msgspec.structs.replace(order, check_at=None))
    bench.events.faults.before("publish", RetryableError("no connection"))
    done = act(bench.step, order, link_to(order))
    assert bench.stored(order) == done != order
    assert done.check_at == bench.clock.now() + LOOK_AFTER_CHANGE
    assert bench.events.events == []


@pytest.mark.parametrize("name", ALL)
def test_what_could_not_be_stored_is_not_said(name: str) -> None:
    bench = Bench()
    order, act = ALL[name]
    bench.put(order)
    bench.orders.faults.before("transact", RetryableError("busy"))
    with pytest.raises(RetryableError):
        act(bench.step, order, link_to(order))
    assert (bench.stored(order), bench.events.events) == (order, [])


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("revision", [-1, 1])
def test_a_link_of_another_revision_does_nothing(name: str, revision: int) -> None:
    bench = Bench()
    order, act = ACTS[name]
    bench.put(order)
    assert refused(act, bench, order, link_to(order, revision=revision)) == LINK_USED


@pytest.mark.parametrize("name", ACTS)
def test_a_link_works_once(name: str) -> None:
    bench = Bench()
    order, act = ACTS[name]
    bench.put(order)
    act(bench.step, order, link_to(order))
    assert refused(act, bench, order, link_to(order)) == LINK_USED


@pytest.mark.parametrize("name", PAYOUTS)
def test_a_payout_is_settled_once(name: str) -> None:
    bench = Bench()
    order, act = PAYOUTS[name]
    bench.put(order)
    act(bench.step, order, link_to(order))
    assert refused(act, bench, order, link_to(order)) == NOT_NOW


@pytest.mark.parametrize("name", ACTS)
def test_nothing_is_done_after_the_session_has_begun(name: str) -> None:
    bench = Bench()
    order, act = ACTS[name]
    bench.put(order)
    bench.clock.advance(order.session.starts_at - bench.clock.now())
    assert refused(act, bench, order, link_to(order)) == TOO_LATE


def test_what_is_said_follows_from_what_was_done() -> None:
    said = {}
    for name, (order, act) in ACTS.items():
        bench = Bench()
        bench.put(order)
        act(bench.step, order, link_to(order))
        said[name] = {type(event) for event in bench.events.events}
    assert InvoicePaid in said["accept"]
    assert SessionDeclined in said["decline"]
    assert OrderCancelled in said["cancel"]
    assert OrderRescheduled in said["reschedule"]


def test_an_account_is_stored_sealed() -> None:
    bench = Bench()
    order = bench.put(refunding_order(MoneyBackState.FAILED))
    bench.step.give_account(order, link_to(order), "BCA 1234567890 a.n. Sari")
    (refund,) = bench.stored(order).refunds
    assert refund.account is not None
    assert "1234567890" not in refund.account
    assert bench.vault.open(refund.account) == "BCA 1234567890 a.n. Sari"


def test_a_slot_that_was_taken_between_offer_and_choice_is_refused() -> None:
    bench = Bench()
    order = bench.put(declined_order())
    assert LATER in bench.step.other_times(order)
    bench.put(paid_order(id="NUS-2", session=LATER))
    assert LATER not in bench.step.other_times(order)
    assert refused(ACTS["reschedule"][1], bench, order, link_to(order)) == SLOT_TAKEN


def test_an_appointment_that_came_between_offer_and_choice_is_refused() -> None:
    bench = Bench()
    order = bench.put(declined_order())
    assert LATER in bench.step.other_times(order)
    bench.calendars.times[order.mentor.email] = [
        Period(starts_at=LATER.starts_at, ends_at=LATER.ends_at)
    ]
    assert refused(ACTS["reschedule"][1], bench, order, link_to(order)) == SLOT_TAKEN


@pytest.mark.parametrize("order", [scheduled_order(), declined_order(), asked_order()])
@pytest.mark.parametrize(
    "availability",
    [None, Availability(mentor_id="m-4", time_zone="Asia/Makassar", buffer_minutes=30)],
)
def test_every_time_that_is_offered_is_accepted(
    order: Order, availability: Availability | None
) -> None:
    offered = _bench_with_others(order, availability).step.other_times(order)
    assert len(offered) > 50
    for time in offered:
        bench = _bench_with_others(order, availability)
        moved = bench.step.reschedule(order, link_to(order), time.starts_at)
        assert (moved.session, bench.stored(order)) == (time, moved)


def test_the_slot_that_is_left_is_free_and_the_new_one_held() -> None:
    bench = Bench()
    order = bench.put(scheduled_order())
    moved = bench.step.reschedule(order, link_to(order), LATER.starts_at)
    held = [b for day in bench.orders.days(order.day_keys) for b in day.bookings]
    assert moved.day_keys != order.day_keys
    assert held == []
    assert [d.bookings for d in bench.orders.days(moved.day_keys)] == [(moved.booking,)]


@pytest.mark.parametrize(
    ("before_start", "refunded"),
    [(timedelta(hours=24), True), (timedelta(hours=24) - timedelta(seconds=1), False)],
)
def test_what_is_told_of_the_money_is_what_is_done(before_start: timedelta, refunded: bool) -> None:
    bench = Bench()
    order = bench.put(scheduled_order())
    bench.clock.advance(order.session.starts_at - before_start - bench.clock.now())
    told = refund_on_cancel(order, bench.step.refund_until, bench.clock.now())
    assert told is refunded
    cancelled = bench.step.cancel(order, link_to(order))
    assert (cancelled.status, bool(cancelled.refunds)) == (Status.CANCELLED, refunded)


def _bench_with_others(order: Order, availability: Availability | None) -> Bench:
    bench = Bench()
    bench.put(order)
    if availability:
        bench.availability.put(availability)
    at = LATER.starts_at - timedelta(hours=3)
    taken = Session(starts_at=at, duration_minutes=90)
    bench.put(paid_order(id="NUS-2", session=taken))
    busy = Period(starts_at=at + timedelta(days=2), ends_at=at + timedelta(days=2, hours=5))
    bench.calendars.times[order.mentor.email] = [busy]
    return bench
