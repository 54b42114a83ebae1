"""create_invoice: one payable invoice and one answer, however often and whenever the event comes."""

from datetime import time, timedelta
from functools import partial

import pytest

from functions.payment_callback.use_case import InvoiceCallback
from shared.domain.availability import OUTSIDE_HOURS, Availability, WeeklyHours
from shared.domain.cancellation import cancel
from shared.domain.events import InvoiceCreated, OrderRejected, RefundDue
from shared.domain.order import Actor, Status
from shared.domain.placement import INVOICE_REFUSED, SESSION_TOO_SOON, SLOT_TAKEN
from shared.domain.schedule import Period
from shared.errors import (
    ClaimedError,
    ConflictingOrderError,
    NotDoneError,
    PermanentError,
    RetryableError,
)
from shared.ports import InvoiceRequest
from tests.builders import NOW, order, order_created, order_in, scheduled_order, session
from tests.unit.functions.chain import (
    CLAIM,
    Chain,
    Crash,
    CrashError,
    Meanwhile,
    crash_points,
    redeliver,
)

EVENT = order_created()
ASKS = ["get", "busy"]
CALLS = [*ASKS, "transact", "create", "transact", "publish"]
CALLS_WITH_A_SEARCH = [*ASKS, "transact", "find", "create", "transact", "publish"]
# The places of these calls, counted from one.
CREATE, RECORD = 4, 5
ONE_DAY = InvoiceRequest(order=order(), duration_s=24 * 60 * 60)


def created(invoice_id: str = "inv-1", after: timedelta = timedelta(0)) -> InvoiceCreated:
    return InvoiceCreated(
        order_id=EVENT.order_id,
        invoice_id=invoice_id,
        invoice_url=f"https://checkout.example.com/{invoice_id}",
        expires_at=NOW + after + timedelta(hours=24),
        price=EVENT.price,
    )


def interrupted() -> Chain:
    """Return a world whose first delivery crashed after its claim, which is stale now."""
    chain = Chain()
    with pytest.raises(CrashError):
        chain.create_invoice(Crash(CREATE))(EVENT)
    chain.clock.advance(CLAIM)
    return chain


def test_a_new_order_gets_its_invoice_and_says_so() -> None:
    chain, crash = Chain(), Crash()
    chain.create_invoice(crash)(EVENT)
    assert crash.calls == CALLS
    assert chain.order().status is Status.INVOICED
    assert chain.payable == ["inv-1"]
    assert chain.events.events == [created()]
    assert chain.bookings() == {order().booking}


def test_an_invoice_can_be_paid_until_an_hour_before_a_session_that_is_near() -> None:
    chain = Chain()
    chain.create_invoice()(order_created(session=session(starts_at=NOW + timedelta(hours=3))))
    assert [invoice.expires_at for invoice in chain.invoices.all] == [NOW + timedelta(hours=2)]


@pytest.mark.parametrize(("at", "after"), crash_points(CALLS))
def test_after_a_crash_at_any_call_there_is_one_payable_invoice(at: int, *, after: bool) -> None:
    chain, crash = Chain(), Crash(at, after=after)
    with pytest.raises(CrashError):
        chain.create_invoice(crash)(EVENT)
    redeliver(chain.clock, lambda: chain.create_invoice()(EVENT))
    assert chain.payable == ["inv-1"]
    assert len(chain.invoices.all) == 1
    assert [event.id for event in chain.said] == ["NUS-2026-000123/invoice.created"]
    assert chain.order().status is Status.INVOICED
    assert chain.bookings() == {order().booking}


@pytest.mark.parametrize(("at", "after"), crash_points(CALLS_WITH_A_SEARCH))
def test_after_a_second_crash_at_any_call_there_is_one_payable_invoice(
    at: int, *, after: bool
) -> None:
    chain, crash = interrupted(), Crash(at, after=after)
    with pytest.raises(CrashError):
        chain.create_invoice(crash)(EVENT)
    assert crash.calls == CALLS_WITH_A_SEARCH[:at]
    redeliver(chain.clock, lambda: chain.create_invoice()(EVENT))
    assert chain.payable == ["inv-1"]
    assert len(chain.invoices.all) == 1
    assert [event.id for event in chain.said] == ["NUS-2026-000123/invoice.created"]


def test_an_event_that_comes_again_only_says_the_same_again() -> None:
    chain, crash = Chain(), Crash()
    chain.create_invoice()(EVENT)
    writes = chain.orders.writes
    chain.create_invoice(crash)(EVENT)
    assert crash.calls == [*ASKS, "transact", "publish"]
    assert chain.events.events == [created(), created()]
    assert chain.orders.writes == writes


@pytest.mark.parametrize(
    "status",
    [
        Status.PAID,
        Status.AWAITING_MENTOR,
        Status.AWAITING_MENTEE,
        Status.SCHEDULED,
        Status.COMPLETED,
        Status.CANCELLED,
    ],
)
def test_an_event_that_comes_very_late_says_nothing(status: Status) -> None:
    chain = Chain()
    chain.put(order_in(status))
    chain.create_invoice()(EVENT)
    assert chain.events.events == []
    assert chain.invoices.all == []


def test_while_one_delivery_makes_the_invoice_another_is_told_to_come_back() -> None:
    chain = Chain()
    with pytest.raises(CrashError):
        chain.create_invoice(Crash(CREATE))(EVENT)
    with pytest.raises(ClaimedError) as caught:
        chain.create_invoice()(EVENT)
    assert caught.value.retry_after == CLAIM.total_seconds()
    assert chain.invoices.all == []


@pytest.mark.parametrize(("retry_after", "wait"), [(None, 0), (42.0, 42)])
def test_a_rate_limit_gives_the_claim_back(retry_after: float | None, wait: int) -> None:
    chain = Chain()
    chain.invoices.faults.before("create", NotDoneError("429", retry_after=retry_after))
    with pytest.raises(NotDoneError):
        chain.create_invoice()(EVENT)
    assert chain.order().claimed_until == NOW + timedelta(seconds=wait)
    assert chain.bookings() == {order().booking}
    chain.clock.sleep(wait)
    chain.create_invoice()(EVENT)
    assert chain.payable == ["inv-1"]
    assert chain.events.events == [created(after=timedelta(seconds=wait))]


def test_a_permanent_refusal_rejects_the_order_and_frees_its_slot() -> None:
    chain = Chain()
    chain.invoices.faults.before("create", PermanentError("400"))
    chain.create_invoice()(EVENT)
    assert chain.order().status is Status.REJECTED
    assert chain.bookings() == set()
    rejected = OrderRejected(order_id=EVENT.order_id, reason=INVOICE_REFUSED)
    assert chain.events.events == [rejected]
    chain.create_invoice()(EVENT)
    assert chain.said == [rejected]
    assert chain.invoices.all == []


def test_a_lost_answer_is_found_by_the_next_delivery_after_the_claim() -> None:
    chain = Chain()
    chain.invoices.faults.after("create", RetryableError("timeout"))
    with pytest.raises(RetryableError, match="timeout"):
        chain.create_invoice()(EVENT)
    with pytest.raises(ClaimedError):
        chain.create_invoice()(EVENT)
    chain.clock.advance(CLAIM)
    chain.create_invoice()(EVENT)
    assert len(chain.invoices.all) == 1
    assert chain.events.events == [created()]


def test_of_several_invoices_the_oldest_is_kept_and_the_others_are_closed() -> None:
    chain = interrupted()
    for _ in range(3):
        chain.invoices.create(ONE_DAY)
    chain.invoices.expire("inv-1")
    chain.create_invoice()(EVENT)
    assert chain.payable == ["inv-2"]
    assert len(chain.invoices.all) == 3
    assert chain.events.events == [created("inv-2", after=CLAIM)]


def test_of_several_invoices_the_paid_one_is_kept() -> None:
    chain = interrupted()
    for _ in range(2):
        chain.invoices.create(ONE_DAY)
    chain.invoices.pay("inv-2")
    chain.create_invoice()(EVENT)
    assert chain.payable == []
    invoice = chain.order().invoice
    assert invoice is not None
    assert invoice.id == "inv-2"


def test_when_all_earlier_invoices_have_expired_a_new_one_is_made() -> None:
    chain = interrupted()
    chain.invoices.create(ONE_DAY)
    chain.invoices.expire("inv-1")
    chain.create_invoice()(EVENT)
    assert chain.payable == ["inv-2"]


@pytest.mark.parametrize("at", range(CREATE, len(CALLS) + 1))
def test_a_delivery_that_outlives_its_claim_makes_no_second_payable_invoice(at: int) -> None:
    chain = Chain()

    def another_delivery() -> None:
        chain.clock.advance(CLAIM)
        chain.create_invoice()(EVENT)

    slow = Meanwhile(at, another_delivery)
    chain.create_invoice(slow)(EVENT)
    assert len(slow.calls) >= len(CALLS)
    shown = chain.order().invoice
    assert shown is not None
    assert chain.payable == [shown.id]
    assert {event.id for event in chain.said} == {"NUS-2026-000123/invoice.created"}
    assert len(chain.said) == 1


def test_an_order_that_was_paid_before_its_invoice_was_recorded_stays_paid() -> None:
    chain = Chain()

    def mentee_pays() -> None:
        chain.invoices.pay("inv-1")
        chain.handle_callback()(InvoiceCallback(external_id=EVENT.order_id))

    chain.create_invoice(Meanwhile(RECORD, mentee_pays))(EVENT)
    assert chain.order().status is Status.PAID
    assert [event.topic for event in chain.said] == ["invoice.paid"]


def test_a_taken_slot_is_refused_without_an_invoice() -> None:
    chain = Chain()
    chain.put(scheduled_order(id="other"))
    chain.create_invoice()(EVENT)
    assert chain.order().status is Status.REJECTED
    assert chain.invoices.all == []
    assert chain.events.events == [OrderRejected(order_id=EVENT.order_id, reason=SLOT_TAKEN)]
    assert {booking.order_id for booking in chain.bookings()} == {"other"}


def test_what_the_mentor_does_not_take_is_refused_without_an_invoice() -> None:
    chain = Chain()
    mornings = WeeklyHours(weekday=1, from_=time(8), until=time(12))
    chain.availability.put(Availability(mentor_id=EVENT.mentor.id, hours=(mornings,)))
    chain.create_invoice()(EVENT)
    assert chain.invoices.all == []
    assert chain.events.events == [OrderRejected(order_id=EVENT.order_id, reason=OUTSIDE_HOURS)]


def test_what_lies_on_the_mentors_own_appointment_is_refused_without_an_invoice() -> None:
    chain = Chain()
    own = Period(starts_at=session().starts_at, ends_at=session().ends_at)
    chain.calendars.times[EVENT.mentor.email] = [own]
    chain.create_invoice()(EVENT)
    assert chain.invoices.all == []
    assert chain.events.events == [OrderRejected(order_id=EVENT.order_id, reason=SLOT_TAKEN)]


def test_two_sessions_nearer_than_the_buffer_are_never_both_sold_across_midnight() -> None:
    chain = Chain()
    chain.availability.put(Availability(mentor_id=EVENT.mentor.id, buffer_minutes=90))
    late = order_created(session=session(starts_at=session().starts_at.replace(hour=22)))
    early = order_created(
        order_id="other", session=session(starts_at=late.session.ends_at + timedelta(minutes=80))
    )
    for event in (late, early):
        chain.create_invoice()(event)
    assert (chain.order().status, chain.order("other").status) == (
        Status.INVOICED,
        Status.REJECTED,
    )


def test_a_calendar_that_cannot_be_asked_holds_nothing_and_is_asked_again() -> None:
    chain = Chain()
    chain.calendars.faults.before("busy", NotDoneError("429", retry_after=7))
    with pytest.raises(NotDoneError):
        chain.create_invoice()(EVENT)
    assert chain.orders.writes == 0
    chain.create_invoice()(EVENT)
    assert chain.payable == ["inv-1"]


def test_an_order_called_off_while_its_invoice_is_made_leaves_nothing_to_pay() -> None:
    chain = Chain()

    def mentee_cancels() -> None:
        pending = chain.order()
        off = partial(
            cancel,
            by=Actor.MENTEE,
            revision=0,
            refund_until=timedelta(hours=24),
            now=chain.clock.now(),
        )
        chain.orders.transact(pending.id, off, pending.day_keys)

    chain.create_invoice(Meanwhile(RECORD, mentee_cancels))(EVENT)
    assert chain.order().status is Status.CANCELLED
    assert chain.payable == []
    assert chain.bookings() == set()


def test_an_order_that_waited_too_long_is_refused_and_what_was_made_for_it_is_closed() -> None:
    chain = interrupted()
    chain.invoices.create(InvoiceRequest(order=order(), duration_s=8 * 24 * 60 * 60))
    chain.clock.advance(session().starts_at - timedelta(minutes=64) - chain.clock.now())
    chain.create_invoice()(EVENT)
    assert chain.events.events == [OrderRejected(order_id=EVENT.order_id, reason=SESSION_TOO_SOON)]
    assert chain.bookings() == set()
    assert chain.payable == []


def test_an_order_that_waited_too_long_and_was_paid_meanwhile_gets_its_money_back() -> None:
    chain = Chain()
    with pytest.raises(CrashError):
        chain.create_invoice(Crash(CREATE, after=True))(EVENT)
    chain.invoices.pay("inv-1")
    chain.clock.advance(session().starts_at - timedelta(minutes=64) - chain.clock.now())
    chain.create_invoice()(EVENT)
    assert chain.order().status is Status.REJECTED
    assert chain.order().attention == ()
    assert [type(fact) for fact in chain.said] == [OrderRejected, RefundDue]


def test_other_content_under_the_same_id_is_refused_and_changes_nothing() -> None:
    chain = Chain()
    chain.create_invoice()(EVENT)
    before = chain.order()
    with pytest.raises(ConflictingOrderError):
        chain.create_invoice()(order_created(subject="Something else"))
    assert chain.order() == before
    assert chain.events.events == [created()]
