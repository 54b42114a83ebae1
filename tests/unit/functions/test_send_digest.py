"""send_digest: one mail a day, however often the tick comes."""

from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from functions.send_digest.use_case import Tick
from shared.errors import ClaimedError, RetryableError
from tests.builders import NOW, scheduled_order
from tests.unit.functions.chain import (
    ADMIN,
    CLAIM,
    Chain,
    Crash,
    CrashError,
    Meanwhile,
    crash_points,
    redeliver,
)

# Seven in the morning in Jakarta, after the day on which the sample order was taken.
TICK = datetime.fromisoformat("2026-11-25T00:00:00+00:00")
KEY = "2026-11-24:digest:admin:email"
CALLS = ["get", "changed_since", "waiting_for_admin", "draft", "transact", "send", "transact"]
SENT = Tick(day="2026-11-24", due=1, orders=1, waiting=0)


def morning() -> Chain:
    chain = Chain()
    chain.put(scheduled_order())
    chain.clock.advance(TICK - NOW)
    return chain


def test_the_admin_is_told_of_yesterday() -> None:
    chain, crash = morning(), Crash()
    assert chain.send_digest(crash)(TICK) == SENT
    assert crash.calls == CALLS
    (mail,) = chain.mailer.sent
    assert (mail.key, mail.to_email) == (KEY, ADMIN.email)
    assert "250.000" in mail.text


def test_a_tick_that_comes_again_sends_nothing_again() -> None:
    chain = morning()
    chain.send_digest()(TICK)
    crash = Crash()
    later = TICK + timedelta(hours=16, minutes=59)
    assert chain.send_digest(crash)(later) == Tick(day="2026-11-24")
    assert crash.calls == ["get"]
    assert chain.mails == {KEY: 1}
    assert chain.send_digest()(later + timedelta(minutes=1)).day == "2026-11-25"
    assert chain.mails == {KEY: 1, "2026-11-25:digest:admin:email": 1}


@pytest.mark.parametrize(("at", "after"), crash_points(CALLS))
def test_after_a_crash_at_any_call_the_mail_is_sent_once(at: int, *, after: bool) -> None:
    chain = morning()
    with pytest.raises(CrashError):
        chain.send_digest(Crash(at, after=after))(TICK)
    redeliver(chain.clock, lambda: chain.send_digest()(TICK))
    assert chain.mails == {KEY: 1}


def test_a_lost_answer_of_the_mailer_is_not_a_second_mail() -> None:
    chain = morning()
    chain.mailer.faults.after("send", RetryableError("timeout"))
    with pytest.raises(RetryableError, match="timeout"):
        chain.send_digest()(TICK)
    with pytest.raises(ClaimedError):
        chain.send_digest()(TICK)
    chain.clock.advance(CLAIM)
    assert chain.send_digest()(TICK).due == 1
    assert chain.mails == {KEY: 1}


@pytest.mark.parametrize("at", [5, 6, 7])
def test_of_two_ticks_at_once_one_sends_and_no_draft_is_left(at: int) -> None:
    chain = morning()

    def another() -> None:
        with suppress(ClaimedError):
            chain.send_digest()(TICK)

    chain.send_digest(Meanwhile(at, another))(TICK)
    assert chain.mails == {KEY: 1}
    assert chain.mailer.drafts == {}


def test_a_draft_that_comes_second_under_a_fresh_claim_is_thrown_away() -> None:
    chain = morning()

    def another() -> None:
        with pytest.raises(CrashError):  # it has recorded its draft and is about to send it
            chain.send_digest(Crash(6))(TICK)

    with pytest.raises(ClaimedError):
        chain.send_digest(Meanwhile(5, another))(TICK)
    assert len(chain.mailer.drafts) == 1


def test_what_waits_is_named() -> None:
    chain = morning()
    chain.put(scheduled_order(id="stuck").with_attention("room_failed", NOW))
    assert chain.send_digest()(TICK).waiting == 1
    assert "stuck" in chain.mailer.sent[0].text
