"""Money that goes back: owed once, by the provider or by hand, and never backwards."""

from datetime import timedelta
from itertools import product

import msgspec
import pytest

from shared.domain.actions import NOT_NOW
from shared.domain.order import Change, MoneyBack, MoneyBackState, Order, Status
from shared.domain.refund import Refund, RefundRequest, RefundStatus
from shared.domain.refunds import (
    PAYOUT_NOT_NEEDED,
    REFUND_FAILED,
    REFUNDED_TWICE,
    WANTS_ACCOUNT,
    give_account,
    note_paid_out,
    owe,
    owe_payment,
    received,
    record_refund,
    refund_request,
    want_account,
)
from shared.errors import ActionRefusedError
from tests.builders import NOW, order_in, paid_invoice, paid_order, refund, refunding_order

LATER = NOW + timedelta(hours=5)
OPEN = {MoneyBackState.DUE, MoneyBackState.STARTED}


def state_of(order: Order) -> MoneyBackState:
    (known,) = order.refunds
    return known.state


@pytest.mark.parametrize("status", [s for s in Status if order_in(s).payment is not None])
def test_the_whole_payment_is_owed_once_however_often_it_is_asked_for(status: Status) -> None:
    owed = owe_payment(order_in(status), LATER)
    assert owed.refund_of("inv-1") == MoneyBack(
        invoice_id="inv-1", amount=250_000, state=MoneyBackState.DUE, since=LATER
    )
    assert owe_payment(owed, LATER + timedelta(hours=1)) == owed
    assert owe(owed, "inv-1", 1, LATER) == owed


@pytest.mark.parametrize("state", MoneyBackState)
def test_what_was_owed_before_is_not_owed_again_however_far_it_is(state: MoneyBackState) -> None:
    assert owe_payment(refunding_order(state), LATER) == refunding_order(state)


def test_an_order_without_a_payment_is_owed_nothing() -> None:
    unpaid = order_in(Status.INVOICED)
    assert owe_payment(unpaid, LATER) == unpaid


def test_the_provider_is_asked_under_a_key_that_follows_from_order_and_invoice() -> None:
    order = refunding_order()
    assert refund_request(order, order.refunds[0]) == RefundRequest(
        key="refund-NUS-2026-000123-inv-1",
        order_id="NUS-2026-000123",
        invoice_id="inv-1",
        amount=250_000,
        currency="IDR",
    )


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (RefundStatus.PENDING, MoneyBackState.STARTED),
        (RefundStatus.UNKNOWN, MoneyBackState.STARTED),  # never taken for done
        (RefundStatus.SUCCEEDED, MoneyBackState.SUCCEEDED),
        (RefundStatus.FAILED, MoneyBackState.FAILED),
        (RefundStatus.CANCELLED, MoneyBackState.FAILED),
    ],
)
@pytest.mark.parametrize("before", sorted(OPEN))
def test_what_the_provider_says_is_recorded(
    before: MoneyBackState, status: RefundStatus, state: MoneyBackState
) -> None:
    told = refund(status=status)
    order = refunding_order(before, refund_id=None if before is MoneyBackState.DUE else "rfd-1")
    recorded = record_refund(order, {}, told=told, now=LATER).order
    assert state_of(recorded) is state
    assert recorded.refunds[0].refund_id == "rfd-1"
    since = order.refunds[0].since if before is state else LATER
    assert recorded.refunds[0].since == since
    assert recorded.has_attention(REFUND_FAILED) is (state is MoneyBackState.FAILED)


@pytest.mark.parametrize(
    ("state", "status"), list(product(sorted(set(MoneyBackState) - OPEN), RefundStatus))
)
def test_news_that_come_out_of_order_never_take_money_backwards(
    state: MoneyBackState, status: RefundStatus
) -> None:
    order = refunding_order(state, refund_id="rfd-1")
    assert record_refund(order, {}, told=refund(status=status), now=LATER) == Change(order=order)


def test_news_in_any_order_end_the_same() -> None:
    news = [refund(), refund(status=RefundStatus.SUCCEEDED), refund()]
    for order_of_news in (news, news[::-1], [news[1], news[0]], [news[1], news[1]]):
        order = refunding_order()
        for told in order_of_news:
            order = record_refund(order, {}, told=told, now=LATER).order
        assert state_of(order) is MoneyBackState.SUCCEEDED


def test_a_refund_that_names_no_invoice_is_known_by_its_id() -> None:
    order = refunding_order(MoneyBackState.STARTED, refund_id="rfd-1")
    told = refund(invoice_id="", status=RefundStatus.SUCCEEDED)
    assert state_of(record_refund(order, {}, told=told, now=LATER).order) is (
        MoneyBackState.SUCCEEDED
    )
    unknown = msgspec.structs.replace(told, id="rfd-9")
    assert record_refund(order, {}, told=unknown, now=LATER) == Change(order=order)


@pytest.mark.parametrize(
    "told",
    [
        refund(status=RefundStatus.SUCCEEDED, amount=100_000),  # a part, given back by hand
        refund(status=RefundStatus.FAILED, id="rfd-2"),
        refund(status=RefundStatus.SUCCEEDED, invoice_id="inv-2", id="rfd-2"),
    ],
    ids=["another amount", "another refund", "another invoice"],
)
def test_what_is_said_of_another_refund_is_not_taken_for_ours(told: Refund) -> None:
    order = refunding_order(MoneyBackState.STARTED, refund_id="rfd-1")
    assert record_refund(order, {}, told=told, now=LATER) == Change(order=order)


def test_an_order_that_is_owed_nothing_hears_of_no_refund() -> None:
    assert record_refund(paid_order(), {}, told=refund(), now=LATER) == Change(order=paid_order())


@pytest.mark.parametrize(
    ("refused", "state"),
    [(False, MoneyBackState.ACCOUNT_WANTED), (True, MoneyBackState.FAILED)],
)
def test_money_that_the_provider_will_not_give_back_goes_by_hand(
    state: MoneyBackState, *, refused: bool
) -> None:
    wanted = want_account(
        refunding_order(), {}, invoice_id="inv-1", refused=refused, now=LATER
    ).order
    assert state_of(wanted) is state
    # That a way of payment takes no refunds is nothing for the admin to look into.
    assert wanted.has_attention(REFUND_FAILED) is refused


@pytest.mark.parametrize("state", sorted(set(MoneyBackState) - {MoneyBackState.DUE}))
def test_an_account_is_wanted_only_for_money_that_nobody_is_at(state: MoneyBackState) -> None:
    order = refunding_order(state)
    for refused in (False, True):
        asked = want_account(order, {}, invoice_id="inv-1", refused=refused, now=LATER)
        assert asked == Change(order=order)
    unknown = want_account(order, {}, invoice_id="inv-9", refused=True, now=LATER)
    assert unknown == Change(order=order)


@pytest.mark.parametrize("state", MoneyBackState)
def test_an_account_is_taken_while_it_is_wanted_and_once(state: MoneyBackState) -> None:
    order = refunding_order(state)
    if state not in WANTS_ACCOUNT:
        with pytest.raises(ActionRefusedError) as caught:
            give_account(order, {}, invoice_id="inv-1", sealed="s", now=LATER)
        assert caught.value.reason == NOT_NOW
        return
    given = give_account(order, {}, invoice_id="inv-1", sealed="s", now=LATER).order
    assert given.refunds == (
        msgspec.structs.replace(
            order.refunds[0], state=MoneyBackState.PAYOUT_DUE, account="s", since=LATER
        ),
    )
    assert given.waits_for_admin
    with pytest.raises(ActionRefusedError):
        give_account(given, {}, invoice_id="inv-1", sealed="other", now=LATER)


@pytest.mark.parametrize("state", MoneyBackState)
def test_a_transfer_is_noted_once_and_the_account_forgotten(state: MoneyBackState) -> None:
    order = refunding_order(state, account="sealed").with_attention(REFUND_FAILED, NOW)
    if state is not MoneyBackState.PAYOUT_DUE:
        with pytest.raises(ActionRefusedError) as caught:
            note_paid_out(order, {}, invoice_id="inv-1", now=LATER)
        assert caught.value.reason == NOT_NOW
        return
    done = note_paid_out(order, {}, invoice_id="inv-1", now=LATER).order
    (paid,) = done.refunds
    assert (paid.state, paid.account, paid.since) == (MoneyBackState.PAID_OUT, None, LATER)
    assert (done.attention, done.waits_for_admin) == ((), False)


@pytest.mark.parametrize("invoice_id", ["inv-9", ""])
def test_a_link_about_another_payment_does_nothing(invoice_id: str) -> None:
    for state in MoneyBackState:
        with pytest.raises(ActionRefusedError):
            give_account(refunding_order(state), {}, invoice_id=invoice_id, sealed="s", now=LATER)
        with pytest.raises(ActionRefusedError):
            note_paid_out(refunding_order(state), {}, invoice_id=invoice_id, now=LATER)


@pytest.mark.parametrize(("paid", "brought"), [(None, 250_000), (1, 1), (0, 0), (300_000, 300_000)])
def test_a_paid_invoice_brought_what_was_paid_or_what_it_asked_for(
    paid: int | None, brought: int
) -> None:
    assert received(paid_invoice(paid_amount=paid)) == brought


@pytest.mark.parametrize(
    "state",
    [MoneyBackState.FAILED, MoneyBackState.ACCOUNT_WANTED, MoneyBackState.PAYOUT_DUE],
)
def test_what_was_refused_to_one_delivery_and_given_to_another_goes_back_once(
    state: MoneyBackState,
) -> None:
    given_up = refunding_order(state, refund_id=None, account="sealed")
    told = record_refund(given_up, {}, told=refund(), now=NOW).order
    assert told.refunds[0].state is MoneyBackState.STARTED
    assert (told.refunds[0].refund_id, told.refunds[0].account) == ("rfd-1", None)
    asked = told.has_attention(PAYOUT_NOT_NEEDED)
    assert asked is (state is MoneyBackState.PAYOUT_DUE)


def test_money_that_the_provider_gives_back_after_its_transfer_is_told_to_the_admin() -> None:
    paid_out = refunding_order(MoneyBackState.PAID_OUT, refund_id=None)
    for status in (RefundStatus.PENDING, RefundStatus.SUCCEEDED):
        told = record_refund(paid_out, {}, told=refund(status=status), now=LATER).order
        assert told.has_attention(REFUNDED_TWICE)
        assert (state_of(told), told.refunds[0].refund_id) == (MoneyBackState.PAID_OUT, "rfd-1")
        again = refund(status=RefundStatus.SUCCEEDED)
        assert record_refund(told, {}, told=again, now=LATER) == Change(order=told)


@pytest.mark.parametrize("status", [RefundStatus.FAILED, RefundStatus.CANCELLED])
def test_a_refund_that_fails_after_the_transfer_is_nobodys_trouble(status: RefundStatus) -> None:
    paid_out = refunding_order(MoneyBackState.PAID_OUT, refund_id=None)
    failed = refund(status=status)
    assert record_refund(paid_out, {}, told=failed, now=LATER) == Change(order=paid_out)
    feared = record_refund(paid_out, {}, told=refund(), now=LATER).order
    assert record_refund(feared, {}, told=failed, now=LATER).order.attention == ()
