"""What the functions say about what they do: enough to follow an order, and nothing personal."""

import json
import uuid
from datetime import timedelta

import msgspec
import pytest

from shared.domain.events import Event, InvoicePaid, MeetingScheduled
from shared.domain.order import Order, Status
from shared.entrypoint import SCHEDULE_TIME
from tests.builders import mentee, mentor
from tests.component.functions.bench import Functions, push
from tests.component.functions.test_webhooks import paid

SARI = mentee(name="Sari Kartikawati", email="sari.k@mail.example", phone="+6281399887766")
BUDI = mentor(name="Budi Prasetyawan", email="budi.p@mail.example", phone="+6281355443322")


def step(functions: Functions, name: str, kind: type[Event]) -> Event:
    """Hand the published event of this kind to the next function."""
    (event,) = [event for event in functions.events() if isinstance(event, kind)]
    assert functions.deliver(name, event).status_code == 204
    functions.deliver("send_notification", event)
    return event


@pytest.fixture(scope="module")
def scheduled(served: Functions) -> Order:
    """Take an order through all steps, a reminder included."""
    functions = served
    functions.published()
    # pytest-xdist may set this up twice on the same functions: each time with a mentor who is free.
    free = msgspec.structs.replace(BUDI, id=f"m-{uuid.uuid4().hex}")
    order = functions.invoiced(mentee=SARI, mentor=free)
    functions.pay(order)
    functions.webhook(paid(order, payer_email=SARI.email))
    step(functions, "create_meeting", InvoicePaid)
    step(functions, "send_notification", MeetingScheduled)
    at = functions.order(order.id).session.starts_at - timedelta(minutes=5)
    functions.post("send_reminder", headers={SCHEDULE_TIME: at.isoformat()})
    for event in functions.events():
        functions.deliver("send_notification", event)
    return functions.order(order.id)


def test_an_order_can_be_followed_through_the_logs(scheduled: Order, functions: Functions) -> None:
    assert scheduled.status is Status.SCHEDULED
    lines = [json.loads(line) for line in functions.logs.splitlines() if line.startswith("{")]
    followed = [line for line in lines if line.get("order_id") == scheduled.id]
    assert {line["function"] for line in followed} == {
        "create_invoice",
        "payment_callback",
        "create_meeting",
        "send_notification",
    }
    assert {line["severity"] for line in followed} == {"INFO"}


def test_no_log_tells_who_anybody_is_or_what_opens_a_door(
    scheduled: Order, functions: Functions
) -> None:
    mails = functions.google.ask("mails")["mails"]
    assert {address for mail in mails for address in mail["to"]} >= {SARI.email, BUDI.email}
    wrong = json.dumps({"mentee": {"name": SARI.name, "email": SARI.email, "phone": "0812"}})
    functions.post("create_invoice", push(wrong.encode()))
    functions.post("create_invoice", wrong.encode())
    functions.webhook(wrong.encode())
    functions.webhook(paid(scheduled), token=f"{functions.config.callback_token}x")
    told = functions.logs
    settings = functions.config.function_settings()
    secrets = [settings[name] for name in ("XENDIT_SECRET_KEY", "XENDIT_CALLBACK_TOKEN")]
    personal = [field for one in (SARI, BUDI) for field in (one.name, one.email, one.phone)]
    assert [
        secret for secret in [*secrets, *personal, "@mail.example"] if str(secret) in told
    ] == []
