"""What the admin was asked for stands in for some promises, and for no others."""

import pytest

from local.invariants import INVARIANTS
from local.invariants.excuses import EXCUSES, excused
from shared.domain.confirmation import MENTOR_SILENT
from shared.domain.dead_letters import DEAD_LETTER
from shared.domain.notifications import MESSAGE_FAILED
from shared.domain.refunds import REFUND_FAILED
from tests.builders import NOW, order

PROMISES = {check.__name__ for check in INVARIANTS}


def test_each_excuse_names_promises_that_there_are() -> None:
    assert {promise for promises in EXCUSES.values() for promise in promises} <= PROMISES


@pytest.mark.parametrize("reason", sorted(EXCUSES))
def test_a_reason_excuses_what_it_names_and_nothing_else(reason: str) -> None:
    asked = order().with_attention(reason, NOW)
    assert {promise for promise in PROMISES if excused(asked, promise)} == EXCUSES[reason]


@pytest.mark.parametrize("reason", [DEAD_LETTER, MENTOR_SILENT, REFUND_FAILED, "another"])
def test_what_is_healed_or_goes_on_by_itself_excuses_nothing(reason: str) -> None:
    asked = order().with_attention(reason, NOW)
    assert not any(excused(asked, promise) for promise in PROMISES)


def test_a_message_that_failed_excuses_no_missing_session() -> None:
    asked = order().with_attention(MESSAGE_FAILED, NOW)
    assert not excused(asked, "payment_is_served")
