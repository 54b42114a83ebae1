"""Each promise's check is silent while the promise holds, and speaks when it is broken."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from local.evidence import Evidence, SeenAction, SeenEvent, SeenInvoice, SeenMail, SeenRefund
from local.invariants import INVARIANTS, Violation, violations
from shared.domain.billing import AMOUNT_MISMATCH
from shared.domain.meetings import event_id
from shared.domain.order import MoneyBackState, Order, Payment, Status
from tests.builders import (
    NOW,
    mentor,
    order,
    order_in,
    refunding_order,
    scheduled_order,
    session,
)

ID = order().id
URL = "https://checkout.example.com/inv-1"
SECOND_URL = "https://checkout.example.com/inv-2"


def invoice(**changes: Any) -> SeenInvoice:
    paid = SeenInvoice(
        id="inv-1", order_id=ID, status="PAID", amount=250_000, currency="IDR", url=URL
    )
    return msgspec.structs.replace(paid, **changes)


def event(**changes: Any) -> SeenEvent:
    live = SeenEvent(
        id=event_id(order()),
        live=True,
        meet_url="https://meet.google.com/abc-defg-hij",
        starts_at=session().starts_at,
        ends_at=session().ends_at,
        attendees=frozenset({"sari@example.com", "budi@example.com"}),
        description=f"Order {ID}",
    )
    return msgspec.structs.replace(live, **changes)


def mail(kind: str, reader: str = "mentee", order_id: str = ID, **changes: Any) -> SeenMail:
    sent = SeenMail(key=f"{order_id}:{kind}:{reader}:email", to=("a@example.com",), links=())
    return msgspec.structs.replace(sent, **changes)


def refund(**changes: Any) -> SeenRefund:
    back = SeenRefund(
        id="rfd-1", invoice_id="inv-1", order_id=ID, amount=250_000, status="SUCCEEDED"
    )
    return msgspec.structs.replace(back, **changes)


def untimed(stored: Order) -> Order:
    return msgspec.structs.replace(stored, check_at=None)


def accepted() -> SeenAction:
    return SeenAction(order_id=ID, purpose="accept", revision=3)


CHECKS = {check.__name__: check for check in INVARIANTS}
READY = mail("invoice_ready", links=(URL, "https://nusantara.example"))
PAID = mail("payment_received")
SCHEDULED = (mail("session_scheduled"), mail("session_scheduled", "mentor"))


def served(**changes: Any) -> Evidence:
    """Return the evidence of the sample order, paid, scheduled, and told of to both sides."""
    evidence = Evidence(
        now=NOW + timedelta(hours=1),
        orders=(scheduled_order(),),
        invoices=(invoice(),),
        events=(event(),),
        mails=(READY, PAID, *SCHEDULED),
        published=frozenset({ID}),
    )
    return msgspec.structs.replace(evidence, **changes)


def asked(stored: Order) -> tuple[Order, ...]:
    return (stored.with_attention(AMOUNT_MISMATCH, NOW),)


def waiting(**changes: Any) -> Evidence:
    """Return the evidence of the sample order while its invoice can be paid."""
    unpaid = {"orders": (order_in(Status.INVOICED),), "invoices": (invoice(status="PENDING"),)}
    return served(**({**unpaid, "events": (), "mails": (READY,)} | changes))


def closed(status: Status, kind: str, **changes: Any) -> Evidence:
    """Return the evidence of the sample order after it was rejected or has expired."""
    gone = {"orders": (order_in(status),), "invoices": (invoice(status="EXPIRED"),)}
    return served(**({**gone, "events": (), "mails": (mail(kind),)} | changes))


OTHER_ORDER = scheduled_order(
    id="other",
    session=session(starts_at=session().ends_at),
    payment=Payment(invoice_id="inv-2", amount=250_000, paid_at=NOW),
)
OVERLAPPING = scheduled_order(id="other", session=session(duration_minutes=30))

HOLDS = {
    "served": served(),
    "nothing yet": served(orders=(), invoices=(), events=(), mails=(), published=frozenset()),
    "waiting for the payment": waiting(),
    "a spare invoice is closed": waiting(
        invoices=(invoice(status="PENDING"), invoice(id="inv-2", status="EXPIRED", url=SECOND_URL))
    ),
    "expired": closed(Status.EXPIRED, "invoice_expired"),
    "rejected": closed(
        Status.REJECTED,
        "order_rejected",
        invoices=(),
        mails=(mail("order_rejected"), mail("order_rejected", "admin")),
    ),
    "completed": served(orders=(order_in(Status.COMPLETED),)),
    "settled": served(invoices=(invoice(status="SETTLED"),)),
    "money that does not fit is before the admin": waiting(
        orders=asked(order_in(Status.INVOICED)), invoices=(invoice(amount=1),)
    ),
    "no room, but before the admin": served(
        orders=asked(order_in(Status.PAID)), events=(), mails=(READY, PAID)
    ),
    "a deleted event was made anew": served(
        orders=(scheduled_order(event_generation=1),),
        events=(event(live=False), event(id=event_id(order(event_generation=1)))),
        mails=(
            *served().mails,
            mail("session_scheduled-1"),
            mail("session_scheduled-1", "mentor"),
        ),
    ),
    "kept with the reason": served(
        published=frozenset({ID, "strange"}), kept=frozenset({"strange"})
    ),
    "one mentor, one session after the other": served(
        orders=(scheduled_order(), OTHER_ORDER),
        mails=(
            *served().mails,
            mail("payment_received", order_id="other"),
            mail("session_scheduled", order_id="other"),
            mail("session_scheduled", "mentor", order_id="other"),
        ),
        invoices=(invoice(), invoice(id="inv-2", order_id="other", url=SECOND_URL)),
        events=(
            event(),
            event(
                id=event_id(OTHER_ORDER),
                starts_at=OTHER_ORDER.session.starts_at,
                ends_at=OTHER_ORDER.session.ends_at,
                description="Order other",
            ),
        ),
    ),
}

# What is broken: which check speaks, of which order, in which words.
BROKEN: dict[str, tuple[str, Evidence, str]] = {
    "two payable invoices": (
        "one_payable_invoice",
        waiting(invoices=(invoice(status="PENDING"), invoice(id="inv-2", status="PENDING"))),
        "2 payable invoices",
    ),
    "another invoice was shown": (
        "one_payable_invoice",
        waiting(
            invoices=(invoice(status="PENDING"), invoice(status="EXPIRED", url=SECOND_URL)),
            mails=(mail("invoice_ready", links=(SECOND_URL,)),),
        ),
        f"{ID}:invoice_ready:mentee:email links another invoice",
    ),
    "an invoice was shown of an order that has none": (
        "one_payable_invoice",
        closed(Status.REJECTED, "order_rejected", mails=(mail("order_rejected", links=(URL,)),)),
        f"{ID}:order_rejected:mentee:email links another invoice",
    ),
    "paid, and no event": (
        "payment_is_served",
        served(events=()),
        "inv-1 paid, but scheduled: no session, no money back",
    ),
    "paid, and the event was deleted": (
        "payment_is_served",
        served(events=(event(live=False),)),
        "inv-1 paid, but scheduled: no session, no money back",
    ),
    "paid, and no room": (
        "payment_is_served",
        served(events=(event(meet_url=None),)),
        "inv-1 paid, but scheduled: no session, no money back",
    ),
    "the event is at another time": (
        "calendar_shows_the_time",
        served(events=(event(starts_at=NOW),)),
        "the calendar shows 24 02:00",
    ),
    "the mentor is not invited": (
        "calendar_shows_the_time",
        served(events=(event(attendees=frozenset({"sari@example.com"})),)),
        "not both are invited",
    ),
    "cancelled, and still in the calendars": (
        "closed_orders_have_no_event",
        served(orders=(order_in(Status.CANCELLED),)),
        "cancelled, and its event is in the calendars",
    ),
    "reminded of what has begun": (
        "reminders_are_true",
        served(mails=(*served().mails, mail("reminder-10", at=session().ends_at))),
        f"{ID}:reminder-10:mentee:email after the start",
    ),
    "reminded of what was called off": (
        "reminders_are_true",
        served(
            orders=(order_in(Status.CANCELLED),),
            mails=(mail("reminder-60", at=session().starts_at - timedelta(hours=1)),),
        ),
        f"{ID}:reminder-60:mentee:email after the cancellation",
    ),
    "the money went back twice": (
        "money_goes_back_once",
        served(refunds=(refund(), refund(id="rfd-2"))),
        "inv-1 goes back 2 times",
    ),
    "more went back than came": (
        "money_goes_back_once",
        served(refunds=(refund(amount=250_001),)),
        "250001 of inv-1 go back, 250000 came",
    ),
    "the money of a session that stands went back": (
        "standing_sessions_keep_their_money",
        served(refunds=(refund(),)),
        "scheduled, and its money goes back",
    ),
    "a link worked twice": (
        "used_links_are_dead",
        served(actions=(accepted(), accepted())),
        "links of revision 3 worked 2 times",
    ),
    "no timer for a refund": (
        "open_orders_have_a_timer",
        served(orders=(untimed(refunding_order(MoneyBackState.STARTED)),)),
        "refund of inv-1 started without a timer",
    ),
    "a refund that nobody asked for": (
        "nothing_is_stuck",
        served(orders=(msgspec.structs.replace(refunding_order(), obsolete_events=()),)),
        "nobody has asked for the refund of inv-1",
    ),
    "paid, and nobody noticed": (
        "payment_is_served",
        waiting(invoices=(invoice(),)),
        "inv-1 paid, but invoiced: no session, no money back",
    ),
    "paid for nothing": (
        "payment_is_served",
        served(orders=(), events=(), published=frozenset()),
        "paid, but there is no such order",
    ),
    "two live events": (
        "one_live_event",
        served(events=(event(), event(id="second"))),
        "2 live calendar events",
    ),
    "paid, but not at the provider": (
        "paid_means_confirmed",
        served(invoices=(invoice(status="PENDING"),)),
        "marked paid, but the provider has no such payment",
    ),
    "paid another amount": (
        "paid_means_confirmed",
        served(invoices=(invoice(amount=249_999),)),
        "marked paid, but the provider has no such payment",
    ),
    "paid less than asked": (
        "paid_means_confirmed",
        served(invoices=(invoice(paid_amount=249_999),)),
        "marked paid, but the provider has no such payment",
    ),
    "paid in another currency": (
        "paid_means_confirmed",
        served(invoices=(invoice(currency="USD"),)),
        "marked paid, but the provider has no such payment",
    ),
    "another order was paid": (
        "paid_means_confirmed",
        served(invoices=(invoice(order_id="other"),)),
        "marked paid, but the provider has no such payment",
    ),
    "booked twice": (
        "no_double_booking",
        served(orders=(scheduled_order(), OVERLAPPING)),
        "overlaps other",
    ),
    "an expired order can be paid": (
        "no_double_booking",
        closed(Status.EXPIRED, "invoice_expired", invoices=(invoice(status="PENDING"),)),
        "expired, its slot is free, and its invoice can be paid",
    ),
    "told twice": (
        "each_message_once",
        served(mails=(READY, PAID, PAID, *SCHEDULED)),
        f"{ID}:payment_received:mentee:email sent 2 times",
    ),
    "the mentor was not told": (
        "each_message_once",
        served(mails=(READY, PAID, SCHEDULED[0])),
        f"{ID}:session_scheduled:mentor not sent",
    ),
    "the mentee was not told of the end": (
        "each_message_once",
        closed(Status.EXPIRED, "invoice_ready"),
        f"{ID}:invoice_expired:mentee not sent",
    ),
    "no timer": (
        "open_orders_have_a_timer",
        served(orders=(scheduled_order(check_at=None),)),
        "scheduled without a timer",
    ),
    "stuck before the invoice": (
        "nothing_is_stuck",
        waiting(orders=(order(check_at=NOW),), invoices=()),
        "pending, and nothing is under way for it",
    ),
    "stuck after the payment": (
        "nothing_is_stuck",
        served(orders=(order_in(Status.PAID),)),
        "paid, and nothing is under way for it",
    ),
    "lost": (
        "nothing_is_lost",
        served(published=frozenset({ID, "strange"})),
        "published, and nowhere to be found",
    ),
}


@pytest.mark.parametrize("evidence", HOLDS.values(), ids=HOLDS.keys())
def test_while_the_promises_hold_no_check_speaks(evidence: Evidence) -> None:
    assert violations(evidence) == []


@pytest.mark.parametrize(("invariant", "evidence", "detail"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_promise_is_found_by_its_own_check(
    invariant: str, evidence: Evidence, detail: str
) -> None:
    found = [(v.invariant, v.detail) for v in violations(evidence)]
    assert (invariant, detail) in found
    assert [words for _, words in CHECKS[invariant](evidence)] == [detail]


def test_every_check_has_been_seen_to_speak() -> None:
    assert {check.__name__ for check in INVARIANTS} == {name for name, _, _ in BROKEN.values()}


def test_a_violation_names_its_order() -> None:
    assert violations(served(published=frozenset({ID, "strange"}))) == [
        Violation(
            invariant="nothing_is_lost",
            order_id="strange",
            detail="published, and nowhere to be found",
        )
    ]


def test_another_mentor_at_the_same_time_is_no_double_booking() -> None:
    elsewhere = msgspec.structs.replace(OVERLAPPING, mentor=mentor(id="m-5"))
    evidence = served(orders=(scheduled_order(), elsewhere))
    assert list(CHECKS["no_double_booking"](evidence)) == []
