from datetime import timedelta

import msgspec
import pytest

from local.shop.forms import FormError, defaults, order_json
from local.shop.story import Reminder, reminders, steps
from shared.domain.events import OrderCreated
from shared.domain.order import Status
from tests.builders import NOW, invoiced_order, order, scheduled_order, session

ORDER_ID = "NUS-2026-000123"


def form(**changes: str) -> dict[str, str]:
    return defaults(NOW) | changes


def test_the_session_is_at_the_mentees_time() -> None:
    data = order_json(
        form(time_zone="Asia/Jayapura", date="2026-12-01", time="00:30"),
        order_id=ORDER_ID,
        now=NOW,
    )
    event = msgspec.json.decode(data, type=OrderCreated)
    assert event.session.starts_at.isoformat() == "2026-11-30T15:30:00+00:00"
    assert event.mentee.time_zone == "Asia/Jayapura"


@pytest.mark.parametrize("price", ["250000", "250.000", "Rp250.000", "Rp 250000"])
def test_rupiah_are_read_as_people_write_them(price: str) -> None:
    data = order_json(form(price=price), order_id=ORDER_ID, now=NOW)
    assert msgspec.json.decode(data, type=OrderCreated).price.amount == 250_000


def test_a_time_that_the_clocks_leave_out_is_refused() -> None:
    skipped = form(time_zone="America/New_York", date="2027-03-14", time="02:30")
    with pytest.raises(FormError) as refused:
        order_json(skipped, order_id=ORDER_ID, now=NOW)
    assert list(refused.value.complaints) == ["time"]


def test_the_story_tells_what_happened_and_what_is_to_come() -> None:
    told = [(step.title, step.at is None) for step in steps(invoiced_order())]
    assert told == [
        ("Accepted", False),
        ("Invoice ready", False),
        ("Paid", True),
        ("Scheduled", True),
        ("Completed", True),
    ]


def test_nothing_is_to_come_for_an_order_that_has_ended() -> None:
    rejected = order().moved_to(Status.REJECTED, NOW, "slot_taken")
    told = [(step.title, step.reason) for step in steps(rejected)]
    assert told == [("Accepted", None), ("Rejected", "slot_taken")]


def test_reminders_are_past_next_planned_or_skipped() -> None:
    soon = session(starts_at=NOW + timedelta(hours=2))
    late = scheduled_order(session=soon, next_reminder_at=soon.starts_at - timedelta(minutes=10))
    assert reminders(order()) == []
    assert [reminder.state for reminder in reminders(scheduled_order())] == [
        "next",
        "planned",
        "planned",
    ]
    assert reminders(late) == [
        Reminder(lead_minutes=1440, at=NOW - timedelta(hours=22), state="skipped"),
        Reminder(lead_minutes=60, at=NOW + timedelta(hours=1), state="past"),
        Reminder(lead_minutes=10, at=NOW + timedelta(minutes=110), state="next"),
    ]
