"""Who is told what, and the record that makes each message reach its reader once."""

from datetime import timedelta
from itertools import product
from typing import Any

import msgspec
import pytest

from shared.domain.events import (
    ALL_EVENTS,
    AttentionRaised,
    Event,
    InvoiceCreated,
    InvoiceExpired,
    InvoicePaid,
    MeetingScheduled,
    MentorAsked,
    MessageUndelivered,
    OrderCancelled,
    OrderCreated,
    OrderRejected,
    OrderRescheduled,
    RefundDue,
    RefundUpdated,
    ReminderDue,
    SessionDeclined,
)
from shared.domain.facts import facts
from shared.domain.notifications import (
    CALENDAR_KINDS,
    TABLE,
    Channel,
    Kind,
    Notification,
    Recipient,
    fallback_of,
    is_ahead,
    is_too_late,
    notifications_for,
    routes,
)
from shared.domain.order import MoneyBackState, Order, Status
from tests.builders import (
    NOW,
    asked_order,
    event_of,
    invoiced_order,
    moved_order,
    order,
    order_in,
    refunding_order,
    scheduled_order,
    session,
)

SECOND = timedelta(seconds=1)
NOTIFICATION = Notification(
    order_id=order().id, kind=Kind.INVOICE_READY, recipient=Recipient.MENTEE
)
CHAT = NOTIFICATION.over(Channel.WHATSAPP)
SOLD = {Status.PAID, Status.AWAITING_MENTOR, Status.SCHEDULED, Status.COMPLETED}
BOTH = ["mentee", "mentor"]


def reminder(about: Any) -> ReminderDue:
    return msgspec.structs.replace(event_of(ReminderDue), about=about)


# Event, and what about, who is told, and in which statuses it is still true.
TOLD: list[tuple[Event, Kind, list[str], set[Status]]] = [
    (event_of(InvoiceCreated), Kind.INVOICE_READY, ["mentee"], {Status.INVOICED}),
    (event_of(InvoicePaid), Kind.PAYMENT_RECEIVED, ["mentee"], SOLD),
    (event_of(InvoiceExpired), Kind.INVOICE_EXPIRED, ["mentee"], {Status.EXPIRED}),
    (event_of(OrderRejected), Kind.ORDER_REJECTED, ["mentee", "admin"], {Status.REJECTED}),
    (event_of(MentorAsked), Kind.CONFIRMATION_WANTED, ["mentor"], {Status.AWAITING_MENTOR}),
    (event_of(SessionDeclined), Kind.SESSION_DECLINED, ["mentee"], {Status.AWAITING_MENTEE}),
    (event_of(MeetingScheduled), Kind.SESSION_SCHEDULED, BOTH, {Status.SCHEDULED}),
    (event_of(OrderCancelled), Kind.ORDER_CANCELLED, BOTH, {Status.CANCELLED}),
    (reminder("session"), Kind.REMINDER, BOTH, {Status.SCHEDULED}),
    (reminder("payment"), Kind.PAYMENT_REMINDER, ["mentee"], {Status.INVOICED}),
    (reminder("answer"), Kind.CONFIRMATION_REMINDER, ["mentor"], {Status.AWAITING_MENTOR}),
    (event_of(AttentionRaised), Kind.ATTENTION, ["admin"], set(Status)),
]
TOLD_IDS = [event.id.split("/", 1)[1] for event, *_ in TOLD]
TELLS_OF: dict[Kind, Status] = {
    Kind.INVOICE_READY: Status.INVOICED,
    Kind.PAYMENT_RECEIVED: Status.PAID,
    Kind.INVOICE_EXPIRED: Status.EXPIRED,
    Kind.ORDER_REJECTED: Status.REJECTED,
    Kind.CONFIRMATION_WANTED: Status.AWAITING_MENTOR,
    Kind.SESSION_DECLINED: Status.AWAITING_MENTEE,
    Kind.SESSION_SCHEDULED: Status.SCHEDULED,
    Kind.ORDER_CANCELLED: Status.CANCELLED,
    Kind.REMINDER: Status.SCHEDULED,
    Kind.PAYMENT_REMINDER: Status.INVOICED,
    Kind.CONFIRMATION_REMINDER: Status.AWAITING_MENTOR,
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize(("event", "about", "readers", "true_in"), TOLD, ids=TOLD_IDS)
def test_an_event_is_told_to_its_readers_while_it_is_true(
    event: Event, about: Kind, readers: list[str], true_in: set[Status], status: Status
) -> None:
    told = notifications_for(event, order_in(status))
    assert [notification.recipient for notification in told] == (
        readers if status in true_in else []
    )
    assert {notification.kind for notification in told} <= {about}


@pytest.mark.parametrize(
    ("state", "kind", "reader"),
    [
        (MoneyBackState.DUE, None, None),
        (MoneyBackState.STARTED, Kind.REFUND_STARTED, "mentee"),
        (MoneyBackState.SUCCEEDED, Kind.REFUND_DONE, "mentee"),
        (MoneyBackState.PAID_OUT, Kind.REFUND_DONE, "mentee"),
        (MoneyBackState.FAILED, Kind.REFUND_FAILED, "mentee"),
        (MoneyBackState.ACCOUNT_WANTED, Kind.PAYOUT_ACCOUNT_WANTED, "mentee"),
        (MoneyBackState.PAYOUT_DUE, Kind.PAYOUT_TASK, "admin"),
    ],
)
def test_how_far_money_has_come_is_told_to_whom_it_concerns_and_never_late(
    state: MoneyBackState, kind: Kind | None, reader: str | None
) -> None:
    event = RefundUpdated(order_id=order().id, invoice_id="inv-1", state=state)
    told = notifications_for(event, refunding_order(state))
    expected = [] if kind is None else [(kind, reader, "inv-1")]
    assert [(n.kind, n.recipient, n.detail) for n in told] == expected
    for other in set(MoneyBackState) - {state}:
        assert notifications_for(event, refunding_order(other)) == ()
    assert notifications_for(event, order_in(Status.PAID)) == ()


def test_both_sides_are_told_of_the_latest_move_only() -> None:
    event = event_of(OrderRescheduled)
    told = notifications_for(event, moved_order())
    assert [(n.kind, n.recipient, n.detail) for n in told] == [
        (Kind.SESSION_MOVED, reader, "1") for reader in BOTH
    ]
    assert notifications_for(event, moved_order(moves=2)) == ()
    assert notifications_for(event, order_in(Status.SCHEDULED)) == ()


@pytest.mark.parametrize("kind", [MentorAsked, SessionDeclined])
def test_a_question_that_was_overtaken_is_not_asked(kind: type[Event]) -> None:
    event = event_of(kind)
    stale = msgspec.structs.replace(event, revision=event.revision - 1)  # type: ignore[attr-defined]
    at = {MentorAsked: Status.AWAITING_MENTOR, SessionDeclined: Status.AWAITING_MENTEE}[kind]
    assert notifications_for(stale, order_in(at)) == ()
    assert len(notifications_for(event, order_in(at))) == 1


@pytest.mark.parametrize("kind", [OrderCreated, RefundDue, MessageUndelivered])
def test_what_only_steps_need_to_know_is_told_to_nobody(kind: type[Event]) -> None:
    assert all(notifications_for(event_of(kind), order_in(status)) == () for status in Status)
    assert set(ALL_EVENTS) - set(TABLE) == {OrderCreated, RefundDue, MessageUndelivered}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize(("event", "about"), [(e, a) for e, a, *_ in TOLD], ids=TOLD_IDS)
def test_an_event_is_ahead_of_a_copy_of_the_order_that_has_not_been_there(
    event: Event, about: Kind, status: Status
) -> None:
    needed = TELLS_OF.get(about)
    is_known = needed is None or order_in(status).was(needed)
    assert is_ahead(event, order_in(status)) is not is_known


def test_every_message_has_a_key_of_its_own() -> None:
    events = [
        *(event for event, *_ in TOLD),
        msgspec.structs.replace(event_of(ReminderDue), lead_minutes=10),
        msgspec.structs.replace(event_of(AttentionRaised), reason="other"),
        msgspec.structs.replace(reminder("payment"), lead_minutes=7),  # however late it is
    ]
    told = {
        notification.key.removeprefix("NUS-2026-000123:")
        for event, status in product(events, Status)
        for notification in notifications_for(event, order_in(status))
    }
    assert told == {
        f"{kind}:{reader}:email"
        for about, readers in {(about, tuple(readers)) for _, about, readers, _ in TOLD}
        for kind in _details(about)
        for reader in readers
    }


def _details(about: Kind) -> list[str]:
    told_apart = {
        Kind.REMINDER: ["reminder-60", "reminder-10"],
        Kind.ATTENTION: ["attention-room_failed", "attention-other"],
        Kind.CONFIRMATION_WANTED: ["confirmation_wanted-0"],
        Kind.CONFIRMATION_REMINDER: ["confirmation_reminder-0"],
        Kind.SESSION_DECLINED: ["session_declined-1"],
    }
    return told_apart.get(about, [str(about)])


def test_what_is_told_again_after_a_change_has_another_key() -> None:
    moved = moved_order()
    again = msgspec.structs.replace(event_of(ReminderDue), session=moved.session)
    assert {n.detail for n in notifications_for(again, moved)} == {"60-1"}
    anew = scheduled_order(event_generation=1)
    assert {n.detail for n in notifications_for(event_of(MeetingScheduled), anew)} == {"1"}
    asked = asked_order(revision=2)
    (question,) = facts(asked, MentorAsked)
    assert {n.detail for n in notifications_for(question, asked)} == {"2"}


def test_the_key_tells_orders_and_channels_apart() -> None:
    other = msgspec.structs.replace(NOTIFICATION, order_id="other")
    assert NOTIFICATION.channel is Channel.EMAIL
    assert NOTIFICATION.key == "NUS-2026-000123:invoice_ready:mentee:email"
    assert CHAT.key == "NUS-2026-000123:invoice_ready:mentee:whatsapp"
    assert other.key == "other:invoice_ready:mentee:email"
    assert CHAT.over(Channel.EMAIL) == NOTIFICATION


def test_a_reminder_of_a_time_that_no_longer_holds_is_not_sent() -> None:
    moved = msgspec.structs.replace(event_of(ReminderDue), session=session(duration_minutes=30))
    assert notifications_for(moved, order_in(Status.SCHEDULED)) == ()


@pytest.mark.parametrize(
    ("lead", "urgent"), [(1, True), (60, True), (61, False), (1440, False), (None, False)]
)
def test_what_somebody_waits_for_within_the_hour_is_urgent(
    lead: int | None, *, urgent: bool
) -> None:
    assert msgspec.structs.replace(NOTIFICATION, lead_minutes=lead).urgent is urgent
    told = notifications_for(event_of(ReminderDue), order_in(Status.SCHEDULED))
    assert [n.lead_minutes for n in told] == [60, 60]
    assert all(n.lead_minutes is None for n in notifications_for(event_of(InvoicePaid), order()))


EXPIRY = invoiced_order().invoice.expires_at  # type: ignore[union-attr]


@pytest.mark.parametrize(("seconds", "late"), [(-1, False), (0, True), (1, True)])
@pytest.mark.parametrize(
    ("about", "status", "ends"),
    [
        ("session", Status.SCHEDULED, session().starts_at),
        ("payment", Status.INVOICED, EXPIRY),
        ("answer", Status.AWAITING_MENTOR, session().starts_at),
    ],
)
def test_a_reminder_of_what_has_begun_or_ended_comes_too_late(
    about: str, status: Status, ends: Any, seconds: int, *, late: bool
) -> None:
    now = ends + seconds * SECOND
    assert is_too_late(reminder(about), order_in(status), now) is late


def test_nothing_but_a_reminder_comes_too_late() -> None:
    over = session().ends_at
    events = [event_of(kind) for kind in ALL_EVENTS if kind is not ReminderDue]
    assert not any(is_too_late(event, order_in(s), over) for event in events for s in Status)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.DIGEST])
@pytest.mark.parametrize("whatsapp", [True, False])
@pytest.mark.parametrize("phone", ["+6281234567890", None])
@pytest.mark.parametrize("recipient", Recipient)
def test_a_phone_is_told_first_and_mail_is_what_is_left_or_goes_beside_it(
    kind: Kind, recipient: Recipient, phone: str | None, *, whatsapp: bool
) -> None:
    told = Notification(order_id="o", kind=kind, recipient=recipient)
    chains = [[n.channel for n in chain] for chain in routes(told, phone, whatsapp=whatsapp)]
    if not whatsapp or phone is None or recipient is Recipient.ADMIN:
        assert chains == [[Channel.EMAIL]]
    elif kind in CALENDAR_KINDS:
        assert chains == [[Channel.EMAIL], [Channel.WHATSAPP]]
    else:
        assert chains == [[Channel.WHATSAPP, Channel.EMAIL]]


def undelivered(kind: str, reader: str = "mentee", channel: str = "whatsapp") -> MessageUndelivered:
    return MessageUndelivered(order_id=order().id, key=f"{order().id}:{kind}:{reader}:{channel}")


def left(event: MessageUndelivered, current: Order, now: Any = NOW) -> list[list[str]]:
    return [[n.key.split(":", 1)[1] for n in chain] for chain in fallback_of(event, current, now)]


@pytest.mark.parametrize(
    ("event", "about", "true_in"), [(e, a, t) for e, a, _, t in TOLD], ids=TOLD_IDS
)
def test_a_chat_that_did_not_arrive_goes_by_mail_while_it_is_true(
    event: Event, about: Kind, true_in: set[Status]
) -> None:
    for status in Status:
        for told in notifications_for(event, order_in(status)):
            chat = MessageUndelivered(order_id=told.order_id, key=told.over(Channel.WHATSAPP).key)
            chains = fallback_of(chat, order_in(status), NOW)
            # The mail is the very one that the event itself would have caused.
            same = (
                told if about is Kind.REMINDER else msgspec.structs.replace(told, lead_minutes=None)
            )
            assert chains == (() if about in CALENDAR_KINDS else ((same,),))
    named = msgspec.structs.replace(NOTIFICATION, kind=about, channel=Channel.WHATSAPP)
    for status in set(Status) - true_in:
        assert left(MessageUndelivered(order_id=order().id, key=named.key), order_in(status)) == []


@pytest.mark.parametrize(
    ("kind", "current"),
    [
        ("reminder-60", moved_order()),
        ("reminder-60-1", scheduled_order()),
        ("confirmation_wanted-0", asked_order(revision=2)),
        ("confirmation_reminder-0", asked_order(revision=2)),
        ("session_declined-0", order_in(Status.AWAITING_MENTEE)),
        ("refund_started-inv-1", refunding_order(MoneyBackState.SUCCEEDED)),
        ("payout_account_wanted-inv-1", refunding_order(MoneyBackState.PAYOUT_DUE)),
        ("refund_done-inv-2", refunding_order(MoneyBackState.SUCCEEDED)),
    ],
)
def test_a_chat_that_was_overtaken_goes_no_other_way(kind: str, current: Order) -> None:
    assert left(undelivered(kind), current) == []


@pytest.mark.parametrize("state", [MoneyBackState.STARTED, MoneyBackState.SUCCEEDED])
def test_a_chat_about_money_goes_by_mail_while_the_money_is_there(state: MoneyBackState) -> None:
    current = refunding_order(state)
    (event,) = facts(current, RefundUpdated)
    (told,) = notifications_for(event, current)
    chat = MessageUndelivered(order_id=told.order_id, key=told.over(Channel.WHATSAPP).key)
    assert fallback_of(chat, current, NOW) == ((told,),)


@pytest.mark.parametrize(("seconds", "mails"), [(-1, 1), (0, 0)])
def test_a_reminder_that_did_not_arrive_is_not_sent_after_the_start(
    seconds: int, mails: int
) -> None:
    now = session().starts_at + seconds * SECOND
    assert len(left(undelivered("reminder-60"), scheduled_order(), now)) == mails


@pytest.mark.parametrize(
    "event",
    [
        undelivered("invoice_ready", channel="email"),
        undelivered("invoice_ready", reader="stranger"),
        undelivered("invoice_ready", channel="pigeon"),
        undelivered("greeting"),
        undelivered("reminder-soon"),
        MessageUndelivered(order_id=order().id, key="nonsense"),
        MessageUndelivered(order_id=order().id, key=""),
        MessageUndelivered(order_id=order().id, key=":::"),
    ],
)
def test_a_key_that_is_none_of_ours_leads_to_nothing(event: MessageUndelivered) -> None:
    assert [left(event, order_in(status)) for status in Status] == [[] for _ in Status]
