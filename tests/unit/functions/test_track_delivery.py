"""track_delivery: a chat that did not arrive is noted, and said so that it goes another way."""

from functools import partial

import pytest

from shared.domain.deliveries import Delivery, mark_sent
from shared.domain.events import MentorAsked, MessageUndelivered, ReminderDue
from shared.domain.order import Order
from shared.whatsapp_webhook import MessageStatus, Progress
from tests.builders import NOW, asked_order, delivery, event_of, scheduled_order
from tests.unit.functions.chain import Chain, Crash, CrashError, crash_points, keys, redeliver

KEY = "NUS-2026-000123:reminder-60:mentee:whatsapp"
WHY = "131026 Message undeliverable"
FAILED = MessageStatus(key=KEY, message_id="wamid.1", progress=Progress.FAILED, failed=WHY)
CALLS = ["transact", "publish"]
LOST = MessageUndelivered(order_id="NUS-2026-000123", key=KEY)


def sent(order: Order | None = None) -> Chain:
    """Return a world where the mentee's reminder was taken by WhatsApp."""
    chain = Chain(whatsapp=True)
    chain.put(order or scheduled_order())
    chain.deliveries.transact(KEY, lambda _: mark_sent(delivery(key=KEY), now=NOW))
    return chain


def known(chain: Chain) -> Delivery:
    found = chain.deliveries.get(KEY)
    assert found is not None
    return found


def test_a_message_that_will_not_arrive_is_noted_and_said() -> None:
    chain, crash = sent(), Crash()
    assert chain.track_delivery(crash)([FAILED]) == 1
    assert crash.calls == CALLS
    assert (known(chain).failed, known(chain).sent_at) == (WHY, NOW)
    assert chain.events.events == [LOST]


@pytest.mark.parametrize(("at", "after"), crash_points(CALLS))
def test_after_a_crash_at_any_call_it_is_said(at: int, *, after: bool) -> None:
    chain = sent()
    with pytest.raises(CrashError):
        chain.track_delivery(Crash(at, after=after))([FAILED])
    redeliver(chain.clock, lambda: chain.track_delivery()([FAILED]))
    assert chain.said == [LOST]


@pytest.mark.parametrize("progress", sorted(set(Progress) - {Progress.FAILED}))
def test_a_message_that_goes_its_way_is_nothing_to_note(progress: Progress) -> None:
    chain, crash = sent(), Crash()
    status = MessageStatus(key=KEY, message_id="wamid.1", progress=progress)
    assert chain.track_delivery(crash)([status]) == 0
    assert crash.calls == []
    assert known(chain).arrived


@pytest.mark.parametrize("key", ["", "unknown", "NUS-2026-000123:reminder-60:mentor:whatsapp"])
def test_a_message_that_was_not_ours_is_left_alone(key: str) -> None:
    chain = sent()
    stranger = MessageStatus(key=key, message_id="w", progress=Progress.FAILED, failed=WHY)
    assert chain.track_delivery()([stranger, FAILED]) == 1
    assert chain.deliveries.get(key) is None
    assert chain.events.events == [LOST]


def test_a_reason_that_was_not_named_is_noted_too_and_the_first_stays() -> None:
    chain = sent()
    unnamed = MessageStatus(key=KEY, message_id="wamid.1", progress=Progress.FAILED)
    for status in (unnamed, FAILED):
        chain.track_delivery()([status])
    assert known(chain).failed == "undelivered"


def test_what_did_not_arrive_on_the_phone_goes_by_mail_once() -> None:
    chain = sent()
    chain.track_delivery()([FAILED])
    for _ in range(2):
        chain.send_notification()(LOST)
    assert chain.mails == keys("reminder-60:mentee")
    assert chain.chats == {}
    # The event itself, coming again, does not send it over either channel once more.
    chain.send_notification()(event_of(ReminderDue))
    assert chain.mails == keys("reminder-60:mentee")


def test_a_question_that_did_not_arrive_in_time_does_not_go_by_mail_after_it_was_overtaken() -> (
    None
):
    chain = Chain(whatsapp=True)
    chain.put(asked_order())
    chain.send_notification()(event_of(MentorAsked))
    (chat,) = chain.messenger.sent
    chain.put(asked_order(revision=1))
    lost = MessageStatus(key=chat.key, message_id="w", progress=Progress.FAILED, failed=WHY)
    assert chain.track_delivery()([lost]) == 1
    for event in list(chain.events.events):
        chain.send_notification()(event)
    assert chain.mails == {}


def test_news_that_are_faster_than_our_own_record_are_kept() -> None:
    chain = Chain(whatsapp=True)
    chain.put(scheduled_order())
    chain.deliveries.transact(KEY, lambda _: delivery(key=KEY, draft_id=None))
    chain.track_delivery()([FAILED])
    chain.deliveries.transact(KEY, partial(mark_sent, now=NOW))
    assert not known(chain).arrived
