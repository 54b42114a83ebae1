"""What goes into a message beside the order: links that open the right doors, and no secret."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.confirmation import choose_by
from shared.domain.events import (
    AttentionRaised,
    Event,
    InvoiceCreated,
    MeetingScheduled,
    MentorAsked,
    OrderCancelled,
    OrderRescheduled,
    RefundUpdated,
    ReminderDue,
    SessionDeclined,
)
from shared.domain.facts import facts
from shared.domain.notifications import Kind, Mail, Notification, Recipient, notifications_for
from shared.domain.order import MoneyBackState, Order
from shared.links import Link, Purpose
from tests.builders import (
    NOW,
    asked_order,
    cancelled_order,
    declined_order,
    event_of,
    invoiced_order,
    moved_order,
    refunding_order,
    scheduled_order,
)
from tests.unit.functions.chain import ADMIN, COMPOSER, SIGNER

SEALED = "the mentee's account, sealed"
LATER = NOW + timedelta(hours=3)
START, END = scheduled_order().session.starts_at, scheduled_order().session.ends_at
LOOK_UP, PAYOUT = timedelta(days=30), timedelta(days=90)


def told(event: Event, order: Order) -> Iterator[Notification]:
    yield from notifications_for(event, order)


def payout(state: MoneyBackState, **changes: Any) -> Order:
    return refunding_order(state, account=SEALED, **changes)


def refund_event(order: Order) -> Event:
    (event,) = facts(order, RefundUpdated)
    return event


def links(mail: Mail) -> dict[Purpose, list[Link]]:
    """Return the links of ours in a mail, read as the booking page reads them."""
    found: dict[Purpose, list[Link]] = {}
    for address in {word for word in mail.text.split() if "?token=" in word}:
        path, token = address.split("?token=")
        purpose = Purpose(path.removeprefix("https://booking.example/"))
        found.setdefault(purpose, []).append(SIGNER.read(purpose, token, LATER))
    return found


def composed(event: Event, order: Order) -> list[tuple[Notification, Mail]]:
    return [(each, COMPOSER.mail(each, order, LATER)) for each in told(event, order)]


MANAGE = {Purpose.MANAGE: END + LOOK_UP}
CASES: list[tuple[Event, Order, dict[Purpose, datetime], str]] = [
    (event_of(InvoiceCreated), invoiced_order(revision=2), MANAGE, ""),
    (event_of(MeetingScheduled), scheduled_order(revision=4), MANAGE, ""),
    (
        event_of(OrderRescheduled),
        moved_order(),
        {Purpose.MANAGE: moved_order().session.ends_at + LOOK_UP},
        "",
    ),
    (event_of(ReminderDue), scheduled_order(), MANAGE, ""),
    (
        event_of(MentorAsked),
        asked_order(),
        {**MANAGE, Purpose.ACCEPT: START, Purpose.DECLINE: START},
        "",
    ),
    (
        msgspec.structs.replace(event_of(ReminderDue), about="answer"),
        asked_order(),
        {**MANAGE, Purpose.ACCEPT: START, Purpose.DECLINE: START},
        "",
    ),
    (
        event_of(SessionDeclined),
        declined_order(),
        {
            **MANAGE,
            Purpose.RESCHEDULE: choose_by(declined_order()),
            Purpose.CANCEL: choose_by(declined_order()),
        },
        "",
    ),
    (event_of(OrderCancelled), cancelled_order(), {}, ""),
    (event_of(AttentionRaised), scheduled_order().with_attention("room_failed", NOW), {}, ""),
    *(
        (
            refund_event(refunding_order(state)),
            refunding_order(state),
            {Purpose.PAYOUT_ACCOUNT: LATER + PAYOUT},
            "inv-1",
        )
        for state in (MoneyBackState.ACCOUNT_WANTED, MoneyBackState.FAILED)
    ),
    (
        refund_event(payout(MoneyBackState.PAYOUT_DUE)),
        payout(MoneyBackState.PAYOUT_DUE),
        {Purpose.PAYOUT_DONE: LATER + PAYOUT},
        "inv-1",
    ),
    *(
        (refund_event(refunding_order(state)), refunding_order(state), {}, "")
        for state in (MoneyBackState.STARTED, MoneyBackState.SUCCEEDED, MoneyBackState.PAID_OUT)
    ),
]


@pytest.mark.parametrize(
    ("event", "order", "expected", "invoice_id"), CASES, ids=[case[0].id for case in CASES]
)
def test_each_message_has_the_links_of_its_kind_for_its_reader_and_revision(
    event: Event, order: Order, expected: dict[Purpose, datetime], invoice_id: str
) -> None:
    messages = composed(event, order)
    assert messages != []
    for notification, mail in messages:
        assert links(mail) == {
            purpose: [
                Link(
                    order_id=order.id,
                    recipient=notification.recipient,
                    revision=order.revision,
                    expires_at=int(until.timestamp()),
                    invoice_id="" if purpose is Purpose.MANAGE else invoice_id,
                )
            ]
            for purpose, until in expected.items()
        }


def test_a_booking_can_be_looked_up_for_a_while_after_it_is_over() -> None:
    late = END + timedelta(days=10)
    (notification, *_) = told(event_of(MeetingScheduled), scheduled_order())
    mail = COMPOSER.mail(notification, scheduled_order(), late)
    (token,) = {w.split("?token=")[1] for w in mail.text.split() if "/manage?token=" in w}
    link = SIGNER.read(Purpose.MANAGE, token, late)
    assert link.expires_at == int((late + LOOK_UP).timestamp())


@pytest.mark.parametrize("state", sorted(set(MoneyBackState) - {MoneyBackState.DUE}))
def test_an_account_is_asked_to_be_transferred_to_and_stands_in_no_message(
    state: MoneyBackState,
) -> None:
    order = payout(state)
    for notification, mail in composed(refund_event(order), order):
        is_task = notification.kind is Kind.PAYOUT_TASK
        assert is_task is (state is MoneyBackState.PAYOUT_DUE)
        assert SEALED not in mail.text
        if is_task:
            assert (notification.recipient, mail.to_email) == (Recipient.ADMIN, ADMIN.email)
            assert "/payout-done?token=" in mail.text


def test_what_a_mentor_said_is_told_to_the_mentee_with_the_time_to_choose() -> None:
    ((_, mail),) = composed(event_of(SessionDeclined), declined_order())
    assert "I am travelling that day" in mail.text


@pytest.mark.parametrize("order", [asked_order(), scheduled_order()], ids=["asked", "scheduled"])
def test_a_declined_session_is_taken_out_of_the_readers_calendar_if_it_was_in(
    order: Order,
) -> None:
    met = order.meeting is not None
    declined = declined_order(event_generation=1 if met else 0)
    ((_, mail),) = composed(event_of(SessionDeclined), declined)
    assert (mail.calendar is not None) is met
    if mail.calendar is not None:
        ((_, before), _) = composed(event_of(MeetingScheduled), scheduled_order())
        assert before.calendar is not None
        assert mail.calendar.method == "CANCEL"
        assert _uid(mail) == _uid(before)


def _uid(mail: Mail) -> str:
    assert mail.calendar is not None
    (uid,) = [line for line in mail.calendar.content.splitlines() if line.startswith("UID")]
    return uid


@pytest.mark.parametrize(
    ("recipient", "email"),
    [("mentee", "sari@example.com"), ("mentor", "budi@example.com"), ("admin", ADMIN.email)],
)
def test_a_message_goes_to_whom_it_is_for(recipient: str, email: str) -> None:
    notification = Notification(
        order_id="o", kind=Kind.SESSION_SCHEDULED, recipient=Recipient(recipient)
    )
    assert COMPOSER.reader(notification, scheduled_order()).email == email


def test_a_chat_carries_the_same_links_as_the_mail() -> None:
    ((notification, mail),) = composed(event_of(MentorAsked), asked_order())
    chat = COMPOSER.chat(notification, asked_order(), LATER)
    said = {word for word in chat.parameters if "?token=" in word}
    assert len(said) == 2
    assert said <= set(mail.text.split())
