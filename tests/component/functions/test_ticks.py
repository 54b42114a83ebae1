"""What send_reminder does with the scheduler's requests."""

from datetime import datetime, timedelta

import msgspec
import pytest

from shared.domain.order import Change
from shared.entrypoint import SCHEDULE_TIME
from tests.builders import scheduled_order, session
from tests.component.functions.bench import Functions


@pytest.fixture
def due(functions: Functions) -> datetime:
    """Store an order whose reminder was due a minute ago, the only one; return that time."""
    tick(functions)  # whatever other tests have left
    functions.published()
    now = functions.config.clock.now().replace(microsecond=0)
    at = now - timedelta(minutes=1)
    order = scheduled_order(
        id=functions.request().order_id,
        session=session(starts_at=now + timedelta(minutes=59)),
        next_reminder_at=at,
    )
    functions.orders.transact(order.id, lambda _current, _days: Change(order=order))
    return at


def tick(functions: Functions, schedule_time: str | None = None) -> tuple[int, dict[str, object]]:
    named = {} if schedule_time is None else {SCHEDULE_TIME: schedule_time}
    answer = functions.post("send_reminder", headers=named)
    return answer.status_code, answer.json()


ONE = (200, {"outcome": "ticked", "due": 1, "published": 1, "postponed": 0})
NONE = (200, {"outcome": "ticked", "due": 0, "published": 0, "postponed": 0})


def test_a_tick_without_a_time_goes_by_the_functions_own_clock(
    due: datetime, functions: Functions
) -> None:
    assert tick(functions) == ONE
    (event,) = functions.events()
    assert event.topic == "reminder.due"
    assert event.id.endswith("/reminder.due/60")
    assert tick(functions) == NONE


def test_a_tick_goes_by_its_own_time(due: datetime, functions: Functions) -> None:
    before = due - timedelta(seconds=1)
    assert tick(functions, before.isoformat()) == NONE
    in_jakarta = f"{due + timedelta(hours=7):%Y-%m-%dT%H:%M:%S}+07:00"
    assert tick(functions, in_jakarta) == ONE


def test_a_tick_in_zulu_time_is_understood(due: datetime, functions: Functions) -> None:
    assert tick(functions, f"{due:%Y-%m-%dT%H:%M:%SZ}") == ONE


@pytest.mark.parametrize(
    "time",
    [
        "",
        "soon",
        "1795485605",
        "2026-12-01",
        "2026-12-01T12:00:00",
        "2026-13-01T12:00:00Z",
        "9999-12-31T23:59:59-12:00",
        "9999-12-31T23:59:59Z",
    ],
)
def test_a_wrong_time_is_refused(time: str, due: datetime, functions: Functions) -> None:
    status, answer = tick(functions, time)
    assert status == 400
    assert answer["outcome"] == "refused"
    assert f"{SCHEDULE_TIME} is not an RFC 3339 time" in str(answer["reason"])
    assert functions.published() == []
    assert tick(functions) == ONE


def test_ticks_come_by_post(functions: Functions) -> None:
    answer = functions.client.get(functions.config.url("send_reminder"))
    assert (answer.status_code, answer.json()["outcome"]) == (405, "refused")


def test_a_crash_between_publishing_and_moving_on_repeats_the_same_event(
    due: datetime, functions: Functions
) -> None:
    tick(functions)
    (first,) = functions.events()
    order = functions.order(first.order_id)
    again = msgspec.structs.replace(order, next_reminder_at=due)
    functions.orders.transact(order.id, lambda _current, _days: Change(order=again))
    assert tick(functions) == ONE
    assert functions.events() == [first]
