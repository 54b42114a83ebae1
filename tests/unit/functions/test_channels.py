"""send_notification over two channels: a phone first, a mail where that fails, each once."""

from datetime import timedelta
from functools import partial

import pytest

from shared.domain.deliveries import UNCERTAIN, Delivery, mark_undelivered
from shared.domain.events import (
    AttentionRaised,
    Event,
    InvoiceCreated,
    MeetingScheduled,
    OrderCancelled,
    RefundUpdated,
    ReminderDue,
)
from shared.domain.notifications import MESSAGE_FAILED, Channel, Kind, Notification, Recipient
from shared.domain.order import MoneyBackState, Order
from shared.errors import ClaimedError, NotDoneError, PermanentError, RetryableError
from tests.builders import (
    NOW,
    cancelled_order,
    event_of,
    invoiced_order,
    mentee,
    mentor,
    refunding_order,
    scheduled_order,
)
from tests.unit.functions.chain import (
    CLAIM,
    Chain,
    Crash,
    CrashError,
    Meanwhile,
    crash_points,
    keys,
    redeliver,
)

PAY = event_of(InvoiceCreated)
MEET = event_of(MeetingScheduled)
REMIND = event_of(ReminderDue)
CALLS = ["get", "get", "transact", "send", "transact"]
CALLS_OF_A_FALLBACK = [*CALLS, "get", "draft", "transact", "send", "transact"]


def phones(order: Order) -> Chain:
    chain = Chain(whatsapp=True)
    chain.put(order)
    return chain


def chats(*kinds: str) -> dict[str, int]:
    return {f"{PAY.order_id}:{kind}:whatsapp": 1 for kind in kinds}


def record(chain: Chain, kind: str) -> Delivery:
    found = chain.deliveries.get(f"{PAY.order_id}:{kind}")
    assert found is not None
    return found


def test_a_reader_with_a_phone_is_told_there_and_not_by_mail() -> None:
    chain, crash = phones(invoiced_order()), Crash()
    chain.send_notification(crash)(PAY)
    assert crash.calls == CALLS
    (chat,) = chain.messenger.sent
    assert (chat.to_phone, chat.template, chat.language) == (
        mentee().phone,
        "invoice_ready_mentee",
        "id",
    )
    assert "https://checkout.example.com/inv-1" in chat.parameters
    assert chain.mails == {}
    assert record(chain, "invoice_ready:mentee:whatsapp").sent_at == NOW


def test_a_reader_without_a_phone_is_told_by_mail() -> None:
    chain = phones(invoiced_order(mentee=mentee(phone=None)))
    chain.send_notification()(PAY)
    assert (chain.mails, chain.chats) == (keys("invoice_ready:mentee"), {})


def test_the_admin_is_told_by_mail() -> None:
    chain = phones(invoiced_order().with_attention("room_failed", NOW))
    chain.send_notification()(event_of(AttentionRaised))
    assert (chain.mails, chain.chats) == (keys("attention-room_failed:admin"), {})


@pytest.mark.parametrize(("at", "after"), crash_points(CALLS))
def test_after_a_crash_at_any_call_the_reader_is_told_and_at_most_once_by_phone(
    at: int, *, after: bool
) -> None:
    chain = phones(invoiced_order())
    with pytest.raises(CrashError):
        chain.send_notification(Crash(at, after=after))(PAY)
    redeliver(chain.clock, lambda: chain.send_notification()(PAY))
    by_phone, by_mail = chats("invoice_ready:mentee"), keys("invoice_ready:mentee")
    # Once it may have been sent, nobody can know whether it was: a mail follows, no second chat.
    claimed = (at, after) >= (3, True)
    known = not claimed or (at, after) == (5, True)
    assert chain.chats == ({} if (at, after) in {(3, True), (4, False)} else by_phone)
    assert chain.mails == ({} if known else by_mail)


def test_two_crashes_in_a_row_send_no_second_chat_either() -> None:
    chain = phones(invoiced_order())
    with pytest.raises(CrashError):
        chain.send_notification(Crash(4, after=True))(PAY)
    chain.clock.advance(CLAIM)
    with pytest.raises(CrashError):  # before the mail is drafted
        chain.send_notification(Crash(6))(PAY)
    redeliver(chain.clock, lambda: chain.send_notification()(PAY))
    assert (chain.chats, chain.mails) == (
        chats("invoice_ready:mentee"),
        keys("invoice_ready:mentee"),
    )
    assert record(chain, "invoice_ready:mentee:whatsapp").failed == UNCERTAIN


@pytest.mark.parametrize("effect", ["before", "after"])
def test_after_an_answer_that_tells_nothing_a_mail_follows_and_never_a_second_chat(
    effect: str,
) -> None:
    chain = phones(invoiced_order())
    getattr(chain.messenger.faults, effect)("send", RetryableError("timeout"))
    for _ in range(3):
        chain.send_notification()(PAY)
        chain.clock.advance(CLAIM)
    assert len(chain.messenger.sent) == (effect == "after")
    assert chain.mails == keys("invoice_ready:mentee")
    assert record(chain, "invoice_ready:mentee:whatsapp").failed == UNCERTAIN
    assert chain.order().attention == ()


def test_a_channel_without_that_claim_would_send_twice() -> None:
    # The control: Meta itself takes the same message again.
    chain = phones(invoiced_order())
    chain.messenger.faults.after("send", RetryableError("timeout"))
    chain.send_notification()(PAY)
    (chat,) = chain.messenger.sent
    chain.messenger.send(chat)
    assert chain.chats == {chat.key: 2}


def test_a_phone_that_cannot_be_reached_is_followed_by_a_mail_once() -> None:
    chain, crash = phones(invoiced_order()), Crash()
    chain.messenger.unreachable.add(str(mentee().phone))
    chain.send_notification(crash)(PAY)
    assert crash.calls == CALLS_OF_A_FALLBACK
    for _ in range(2):
        chain.send_notification()(PAY)
    assert (chain.mails, chain.chats) == (keys("invoice_ready:mentee"), {})
    assert "131026" in str(record(chain, "invoice_ready:mentee:whatsapp").failed)
    assert chain.order().attention == ()


@pytest.mark.parametrize(("at", "after"), crash_points(CALLS_OF_A_FALLBACK)[10:])
def test_after_a_crash_at_any_call_of_the_fallback_one_mail_is_sent(
    at: int, *, after: bool
) -> None:
    chain = phones(invoiced_order())
    chain.messenger.unreachable.add(str(mentee().phone))
    with pytest.raises(CrashError):
        chain.send_notification(Crash(at, after=after))(PAY)
    redeliver(chain.clock, lambda: chain.send_notification()(PAY))
    assert (chain.mails, chain.chats) == (keys("invoice_ready:mentee"), {})


def test_when_neither_channel_takes_it_the_admin_is_asked() -> None:
    chain = phones(invoiced_order())
    chain.messenger.unreachable.add(str(mentee().phone))
    chain.mailer.faults.before("draft", PermanentError("no such address"))
    chain.send_notification()(PAY)
    assert chain.order().has_attention(MESSAGE_FAILED)
    assert [event.id for event in chain.said] == ["NUS-2026-000123/attention.raised/message_failed"]


@pytest.mark.parametrize(("retry_after", "wait"), [(None, 30), (600.0, 600)])
def test_a_phone_of_which_nothing_was_sent_is_told_later_and_no_mail_goes_out(
    retry_after: float | None, wait: int
) -> None:
    chain = phones(invoiced_order())
    step = chain.send_notification()
    chain.messenger.faults.before("send", NotDoneError("130429", retry_after=retry_after))
    with pytest.raises(NotDoneError):
        step(PAY)
    assert record(chain, "invoice_ready:mentee:whatsapp").claimed_until is None
    with pytest.raises(NotDoneError, match="left to others"):
        step(PAY)
    chain.clock.sleep(wait)
    step(PAY)
    assert (chain.chats, chain.mails) == (chats("invoice_ready:mentee"), {})


def test_while_a_channel_asks_for_patience_what_is_urgent_is_sent_over_it() -> None:
    chain = phones(scheduled_order())
    step = chain.send_notification()
    chain.messenger.faults.before("send", NotDoneError("130429", retry_after=600))
    with pytest.raises(NotDoneError):
        step(MEET)
    step(REMIND)
    assert chain.chats == chats("reminder-60:mentee", "reminder-60:mentor")
    with pytest.raises(NotDoneError):
        step(MEET)


def test_one_channel_that_asks_for_patience_does_not_hold_up_the_other() -> None:
    chain = phones(scheduled_order())
    chain.messenger.faults.before("send", NotDoneError("130429", retry_after=600))
    with pytest.raises(NotDoneError):
        chain.send_notification()(MEET)
    assert chain.mails == keys("session_scheduled:mentee", "session_scheduled:mentor")


def test_while_one_delivery_sends_a_chat_another_is_told_to_come_back() -> None:
    chain = phones(invoiced_order())

    def another() -> None:
        with pytest.raises(ClaimedError) as caught:
            chain.send_notification()(PAY)
        assert caught.value.retry_after == CLAIM.total_seconds()

    chain.send_notification(Meanwhile(4, another))(PAY)
    assert (chain.chats, chain.mails) == (chats("invoice_ready:mentee"), {})


def test_a_delivery_that_outlives_its_claim_sends_no_second_chat() -> None:
    chain = phones(invoiced_order())

    def another() -> None:
        chain.clock.advance(CLAIM)
        chain.send_notification()(PAY)

    chain.send_notification(Meanwhile(4, another))(PAY)
    assert chain.chats == chats("invoice_ready:mentee")
    assert chain.mails == keys("invoice_ready:mentee")


@pytest.mark.parametrize(
    ("order", "event", "kind"),
    [
        (scheduled_order(), MEET, "session_scheduled"),
        (cancelled_order(scheduled_order()), None, "order_cancelled"),
    ],
)
def test_what_has_a_calendar_file_goes_by_mail_and_to_the_phone(
    order: Order, event: Event | None, kind: str
) -> None:
    chain = phones(order)
    told = event or OrderCancelled(order_id=order.id, by="mentee", refund=True)
    for _ in range(2):
        chain.send_notification()(told)
    both = [f"{kind}:mentee", f"{kind}:mentor"]
    assert (chain.mails, chain.chats) == (keys(*both), chats(*both))
    assert all(mail.calendar is not None for mail in chain.mailer.sent)


def test_beside_a_mail_a_phone_that_cannot_be_reached_troubles_nobody() -> None:
    chain = phones(scheduled_order())
    chain.messenger.unreachable |= {str(mentee().phone), str(mentor().phone)}
    chain.send_notification()(MEET)
    assert chain.mails == keys("session_scheduled:mentee", "session_scheduled:mentor")
    assert chain.order().attention == ()
    assert chain.said == []


def test_a_mail_that_nobody_can_send_is_put_before_the_admin_though_the_phone_was_told() -> None:
    chain = phones(scheduled_order())
    chain.mailer.faults.before("draft", PermanentError("no such address"))
    chain.send_notification()(MEET)
    assert chain.order().has_attention(MESSAGE_FAILED)
    assert chain.chats == chats("session_scheduled:mentee", "session_scheduled:mentor")


def test_what_a_chat_cannot_say_goes_by_mail() -> None:
    chain = phones(refunding_order(MoneyBackState.SUCCEEDED))
    event = RefundUpdated(order_id=PAY.order_id, invoice_id="inv-1", state=MoneyBackState.SUCCEEDED)
    chain.messenger.faults.before("send", PermanentError("132001 Template does not exist"))
    chain.send_notification()(event)
    assert chain.mails == keys("refund_done-inv-1:mentee")


def test_a_chat_that_did_not_arrive_after_all_is_followed_by_a_mail_when_it_is_said_again() -> None:
    chain = phones(invoiced_order())
    chain.send_notification()(PAY)
    lost = Notification(
        order_id=PAY.order_id,
        kind=Kind.INVOICE_READY,
        recipient=Recipient.MENTEE,
        channel=Channel.WHATSAPP,
    )
    chain.deliveries.transact(lost.key, partial(mark_undelivered, reason="131026"))
    for _ in range(2):
        chain.send_notification()(PAY)
    assert (chain.chats, chain.mails) == (
        chats("invoice_ready:mentee"),
        keys("invoice_ready:mentee"),
    )


def test_a_reminder_that_comes_too_late_is_recorded_as_not_sent_and_sent_nowhere() -> None:
    chain = phones(scheduled_order())
    chain.clock.advance(scheduled_order().session.starts_at - NOW)
    chain.send_notification()(REMIND)
    assert (chain.chats, chain.mails) == ({}, {})
    assert record(chain, "reminder-60:mentee:email").settled


def test_a_reminder_waits_for_no_longer_than_what_it_is_about() -> None:
    chain = phones(scheduled_order())
    chain.clock.advance(scheduled_order().session.starts_at - NOW - timedelta(minutes=2))
    chain.messenger.faults.before("send", *[NotDoneError("429", retry_after=120)] * 2)
    with pytest.raises(NotDoneError):
        chain.send_notification()(REMIND)
    chain.clock.advance(timedelta(minutes=2))
    chain.send_notification()(REMIND)
    assert (chain.chats, chain.mails) == ({}, {})
