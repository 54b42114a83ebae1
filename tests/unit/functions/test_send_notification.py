"""send_notification: each message reaches its reader once, whatever happens in between."""

from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest

from shared.domain.deliveries import mark_failed
from shared.domain.events import (
    AttentionRaised,
    Event,
    InvoiceCreated,
    InvoicePaid,
    MeetingScheduled,
    ReminderDue,
)
from shared.domain.notifications import MESSAGE_FAILED, TOO_LATE, Kind, Notification, Recipient
from shared.domain.order import Attention, Order, Status
from shared.errors import ClaimedError, NotDoneError, PermanentError, RetryableError
from tests.builders import NOW, event_of, invoiced_order, order_in, scheduled_order
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
PAID = event_of(InvoicePaid)
KEY = "NUS-2026-000123:invoice_ready:mentee:email"
READY = Notification(order_id=PAY.order_id, kind=Kind.INVOICE_READY, recipient=Recipient.MENTEE)
ONE_MAIL = ["get", "draft", "transact", "send", "transact"]
CALLS = ["get", *ONE_MAIL]
REFUSED = PermanentError("no such address")
# The message is settled, then the admin is told through the order and an event.
CALLS_OF_A_REFUSAL = ["get", "get", "draft", "transact", "publish", "transact"]
ASKED = AttentionRaised(order_id=PAY.order_id, reason=MESSAGE_FAILED, since=NOW)


def world(order: Order) -> Chain:
    chain = Chain()
    chain.put(order)
    return chain


def _no_longer_invoiced(status: Status) -> bool:
    return status is not Status.INVOICED and order_in(status).was(Status.INVOICED)


def test_the_mentee_is_sent_the_mail_with_the_invoice() -> None:
    chain, crash = world(invoiced_order()), Crash()
    chain.send_notification(crash)(PAY)
    assert crash.calls == CALLS
    (mail,) = chain.mailer.sent
    assert (mail.key, mail.to_email, mail.to_name) == (KEY, "sari@example.com", "Sari Wulandari")
    assert "https://checkout.example.com/inv-1" in mail.text
    delivery = chain.deliveries.get(KEY)
    assert delivery is not None
    assert (delivery.sent_at, delivery.order_id) == (NOW, PAY.order_id)


def test_both_sides_are_told_of_the_session() -> None:
    chain = world(scheduled_order())
    chain.send_notification()(MEET)
    assert chain.mails == keys("session_scheduled:mentee", "session_scheduled:mentor")


@pytest.mark.parametrize(("at", "after"), crash_points(CALLS))
def test_after_a_crash_at_any_call_the_mail_is_sent_once(at: int, *, after: bool) -> None:
    chain, crash = world(invoiced_order()), Crash(at, after=after)
    with pytest.raises(CrashError):
        chain.send_notification(crash)(PAY)
    redeliver(chain.clock, lambda: chain.send_notification()(PAY))
    assert chain.mails == keys("invoice_ready:mentee")


@pytest.mark.parametrize(("at", "after"), crash_points(["get", *ONE_MAIL, *ONE_MAIL]))
def test_after_a_crash_at_any_call_both_sides_are_told_once(at: int, *, after: bool) -> None:
    chain = world(scheduled_order())
    with pytest.raises(CrashError):
        chain.send_notification(Crash(at, after=after))(MEET)
    redeliver(chain.clock, lambda: chain.send_notification()(MEET))
    assert chain.mails == keys("session_scheduled:mentee", "session_scheduled:mentor")


def test_an_event_that_comes_again_sends_nothing_again() -> None:
    chain, crash = world(invoiced_order()), Crash()
    chain.send_notification()(PAY)
    chain.send_notification(crash)(PAY)
    assert crash.calls == ["get", "get"]
    assert chain.mails == keys("invoice_ready:mentee")


@pytest.mark.parametrize("status", sorted(s for s in Status if _no_longer_invoiced(s)))
def test_what_is_no_longer_true_is_not_sent(status: Status) -> None:
    chain = world(order_in(status))
    chain.send_notification()(PAY)
    assert chain.mails == {}


def test_a_reminder_after_the_start_is_not_sent_and_that_is_on_record() -> None:
    chain = world(scheduled_order())
    chain.clock.advance(scheduled_order().session.starts_at - NOW)
    for _ in range(2):
        chain.send_notification()(event_of(ReminderDue))
    assert chain.mails == {}
    for reader in ("mentee", "mentor"):
        record = chain.deliveries.get(f"NUS-2026-000123:reminder-60:{reader}:email")
        assert record is not None
        assert (record.failed, record.sent_at) == (TOO_LATE, None)
    # The admin need not hear of it.
    assert chain.order().attention == ()


def test_a_reminder_that_went_out_is_not_recorded_as_too_late() -> None:
    chain = world(scheduled_order())
    chain.send_notification()(event_of(ReminderDue))
    chain.clock.advance(scheduled_order().session.starts_at - NOW)
    chain.send_notification()(event_of(ReminderDue))
    record = chain.deliveries.get("NUS-2026-000123:reminder-60:mentee:email")
    assert record is not None
    assert record.arrived


def test_an_order_that_is_not_there_yet_is_looked_for_again() -> None:
    with pytest.raises(RetryableError, match="NUS-2026-000123 is not in the store"):
        Chain().send_notification()(PAY)


@pytest.mark.parametrize(
    ("event", "old"), [(PAY, Status.PENDING), (MEET, Status.PAID), (PAID, Status.INVOICED)]
)
def test_an_old_copy_of_the_order_does_not_swallow_the_message(event: Event, old: Status) -> None:
    chain = world(order_in(old))
    with pytest.raises(RetryableError, match=f"does not show {event.topic} yet"):
        chain.send_notification()(event)


@pytest.mark.parametrize("at", range(1, len(CALLS) + 1))
@pytest.mark.parametrize("waits", [timedelta(0), CLAIM])
def test_of_two_deliveries_at_once_one_sends_and_no_draft_is_left(
    at: int, waits: timedelta
) -> None:
    chain = world(invoiced_order())

    def another_delivery() -> None:
        chain.clock.advance(waits)
        with suppress(ClaimedError):
            chain.send_notification()(PAY)

    crash = Meanwhile(at, another_delivery)
    chain.send_notification(crash)(PAY)
    assert len(crash.calls) >= at
    assert chain.mails == keys("invoice_ready:mentee")
    assert chain.mailer.drafts == {}


def test_a_draft_that_comes_second_under_a_fresh_claim_is_thrown_away() -> None:
    chain = world(invoiced_order())

    def another_delivery() -> None:
        with pytest.raises(CrashError):  # it has recorded its draft and is about to send it
            chain.send_notification(Crash(5))(PAY)

    with pytest.raises(ClaimedError):
        chain.send_notification(Meanwhile(4, another_delivery))(PAY)
    assert len(chain.mailer.drafts) == 1
    redeliver(chain.clock, lambda: chain.send_notification()(PAY))
    assert chain.mailer.drafts == {}
    assert chain.mails == keys("invoice_ready:mentee")


def test_a_delivery_that_comes_while_another_sends_is_told_to_come_back() -> None:
    chain = world(invoiced_order())
    with pytest.raises(CrashError):
        chain.send_notification(Crash(5))(PAY)
    with pytest.raises(ClaimedError) as caught:
        chain.send_notification()(PAY)
    assert caught.value.retry_after == CLAIM.total_seconds()
    assert list(chain.mailer.drafts) == ["draft-1"]


def test_a_draft_that_is_gone_has_been_sent() -> None:
    chain = world(invoiced_order())
    chain.mailer.faults.after("send", RetryableError("timeout"))
    with pytest.raises(RetryableError, match="timeout"):
        chain.send_notification()(PAY)
    chain.clock.advance(CLAIM)
    chain.send_notification()(PAY)
    delivery = chain.deliveries.get(KEY)
    assert delivery is not None
    assert delivery.sent_at == NOW + CLAIM
    assert chain.mails == keys("invoice_ready:mentee")


@pytest.mark.parametrize("call", ["draft", "send"])
def test_a_permanent_refusal_is_kept_and_the_admin_is_told(call: str) -> None:
    chain = world(invoiced_order())
    chain.mailer.faults.before(call, REFUSED)
    chain.send_notification()(PAY)
    delivery = chain.deliveries.get(KEY)
    assert delivery is not None
    assert (delivery.failed, delivery.sent_at) == ("no such address", None)
    assert chain.order().attention == (Attention(reason=MESSAGE_FAILED, since=NOW),)
    assert chain.events.events == [ASKED]
    chain.send_notification()(ASKED)
    assert chain.mails == keys("attention-message_failed:admin")
    chain.send_notification()(PAY)
    assert chain.mails == keys("attention-message_failed:admin")


@pytest.mark.parametrize(("at", "after"), crash_points(CALLS_OF_A_REFUSAL)[6:])
def test_after_a_crash_at_any_call_of_a_refusal_the_admin_is_told(at: int, *, after: bool) -> None:
    chain, crash = world(invoiced_order()), Crash(at, after=after)
    chain.mailer.faults.before("draft", REFUSED, REFUSED)
    with pytest.raises(CrashError):
        chain.send_notification(crash)(PAY)
    assert crash.calls == CALLS_OF_A_REFUSAL[:at]
    redeliver(chain.clock, lambda: chain.send_notification()(PAY))
    assert chain.order().has_attention(MESSAGE_FAILED)
    assert chain.said == [ASKED]
    assert chain.mails == {}


def test_a_delivery_that_finds_the_message_given_up_by_another_tells_the_admin_too() -> None:
    """The other one may have been cut off before it told them, and have been its message's last."""
    chain = world(invoiced_order())
    given_up = partial(mark_failed, notification=READY, reason="no such address")
    other = Meanwhile(4, lambda: chain.deliveries.transact(KEY, given_up))
    chain.send_notification(other)(PAY)
    assert chain.order().has_attention(MESSAGE_FAILED)
    assert (chain.mails, chain.mailer.drafts) == ({}, {})


def test_that_the_admin_cannot_be_told_is_not_told_the_admin() -> None:
    raised = invoiced_order().with_attention("paid_twice", NOW)
    chain = world(raised)
    chain.mailer.faults.before("draft", REFUSED)
    event = AttentionRaised(order_id=raised.id, reason="paid_twice", since=NOW)
    chain.send_notification()(event)
    assert chain.order() == raised
    assert chain.events.events == []
    chain.send_notification()(event)
    assert chain.mails == {}


@pytest.mark.parametrize("error", [REFUSED, RetryableError("timeout")])
def test_one_reader_who_cannot_be_reached_does_not_hold_up_the_other(error: Exception) -> None:
    chain = world(scheduled_order())
    chain.mailer.faults.before("draft", error)
    redeliver_once(chain, fails=isinstance(error, RetryableError))
    assert chain.mails == keys("session_scheduled:mentor")


@pytest.mark.parametrize(("retry_after", "wait"), [(None, 30), (7.0, 7)])
def test_while_a_channel_asks_for_patience_only_what_is_urgent_goes_out(
    retry_after: float | None, wait: int
) -> None:
    chain = world(scheduled_order())
    step = chain.send_notification()
    chain.mailer.faults.before("draft", NotDoneError("429", retry_after=retry_after))
    with pytest.raises(NotDoneError):  # and the mentor's mail is not even tried
        step(MEET)
    chain.clock.sleep(wait - 1)
    with pytest.raises(NotDoneError, match="left to others") as caught:
        step(MEET)
    assert caught.value.retry_after == 1.0
    step(reminder_before(60))
    with pytest.raises(NotDoneError):
        step(reminder_before(1440))
    assert chain.mails == keys("reminder-60:mentee", "reminder-60:mentor")
    chain.clock.sleep(1)
    step(MEET)
    assert chain.mails == keys(
        "reminder-60:mentee",
        "reminder-60:mentor",
        "session_scheduled:mentee",
        "session_scheduled:mentor",
    )


def reminder_before(lead: int) -> ReminderDue:
    return ReminderDue(order_id=PAY.order_id, lead_minutes=lead, session=scheduled_order().session)


def test_the_reader_who_was_postponed_is_told_later_and_the_other_not_again() -> None:
    chain = world(scheduled_order())
    chain.mailer.faults.before("send", RetryableError("timeout"))
    redeliver_once(chain, fails=True)
    chain.clock.advance(CLAIM)
    chain.send_notification()(MEET)
    assert chain.mails == keys("session_scheduled:mentor", "session_scheduled:mentee")


def test_leads_and_reasons_are_messages_of_their_own() -> None:
    chain = world(scheduled_order())
    for lead in (60, 10, 60):
        chain.send_notification()(reminder_before(lead))
    assert chain.mails == keys(
        "reminder-60:mentee", "reminder-60:mentor", "reminder-10:mentee", "reminder-10:mentor"
    )


def redeliver_once(chain: Chain, *, fails: bool) -> None:
    if not fails:
        chain.send_notification()(MEET)
        return
    with pytest.raises(RetryableError):
        chain.send_notification()(MEET)
