"""What the functions say about what they do: enough to follow an order, and nothing personal."""

import json
from datetime import datetime, timedelta

import pytest

from shared.domain.events import Event, InvoicePaid, MeetingScheduled
from shared.domain.order import Order, Status
from shared.entrypoint import SCHEDULE_TIME
from shared.messages import encode
from shared.tracing import trace_of
from tests.builders import mentee, mentor
from tests.component.functions.bench import Functions, push
from tests.component.functions.test_webhooks import paid

SARI = mentee(name="Sari Kartikawati", email="sari.k@mail.example", phone="+6281399887766")
BUDI = mentor(
    id="m-of-the-logs", name="Budi Prasetyawan", email="budi.p@mail.example", phone="+6281355443322"
)

# What opens a booking's page.
DOOR = "a-token-that-somebody-may-still-use"
SECRETS = (
    "XENDIT_SECRET_KEY",
    "XENDIT_CALLBACK_TOKEN",
    "LINKS_SECRETS",
    "VAULT_KEYS",
    "WHATSAPP_ACCESS_TOKEN",
    "WHATSAPP_APP_SECRET",
    "WHATSAPP_VERIFY_TOKEN",
)


def step(functions: Functions, name: str, kind: type[Event]) -> Event:
    """Hand the published event of this kind to the next function."""
    (event,) = [event for event in functions.events() if isinstance(event, kind)]
    assert functions.deliver(name, event).status_code == 204
    functions.deliver("send_notification", event)
    return event


@pytest.fixture(scope="session")
def scheduled(served: Functions) -> Order:
    """Take an order through all steps, a reminder included."""
    functions = served
    functions.published()
    order = functions.invoiced(mentee=SARI, mentor=BUDI)
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
    lines = functions.log_lines()
    lines.sort(key=lambda line: line["time"])
    followed = [line for line in lines if line.get("order_id") == scheduled.id]
    assert {line["function"] for line in followed} == {
        "create_invoice",
        "payment_callback",
        "create_meeting",
        "send_notification",
    }
    assert {line["severity"] for line in followed} == {"INFO"}
    traces = {line["logging.googleapis.com/trace"] for line in followed}
    assert traces == {f"projects/{functions.config.project}/traces/{trace_of(scheduled.id)}"}
    assert all(datetime.fromisoformat(line["time"]).tzinfo for line in lines)
    handled = [line for line in followed if line["message"] == "handled"]
    assert {line["event_id"] for line in handled if "event_id" in line} == {
        f"{scheduled.id}/{name}"
        for name in ("order.created", "invoice.paid", "meeting.scheduled", "reminder.due/10")
    }
    assert [line["order_status"] for line in followed if "order_status" in line] == [
        "pending",
        "invoiced",
        "paid",
        "scheduled",
    ]


def test_a_request_that_comes_again_says_why_and_for_which_order(functions: Functions) -> None:
    functions.xendit.fault("invoices.create", "rate_limit", times=1)
    request = functions.request()
    assert functions.deliver("create_invoice", request).status_code == 429
    lines = functions.log_lines()
    (line,) = [
        line for line in lines if line.get("order_id") == request.order_id and "kind" in line
    ]
    assert (line["message"], line["kind"], line["status"]) == (
        "will be tried again",
        "NotDoneError",
        429,
    )
    assert line["latency_ms"] >= 0


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
    # What complains about a value quotes it.
    unspeakable = mentee(email=SARI.email, locale=SARI.email)
    functions.post("create_invoice", push(encode(functions.request(mentee=unspeakable))))
    functions.webhook(paid(scheduled, external_id=SARI.email))
    functions.post("keep_dead_letter", push(encode(functions.request(mentee=SARI, mentor=BUDI))))
    functions.post("reconcile_orders")
    functions.post("send_digest")
    functions.post("track_delivery", wrong.encode())
    functions.client.get(f"{functions.config.url('manage_booking')}/manage?token={DOOR}")
    assert "Invalid enum value '…'" in functions.logs
    told = functions.logs
    settings = functions.config.function_settings()
    secrets = [settings[name] for name in SECRETS]
    personal = [field for one in (SARI, BUDI) for field in (one.name, one.email, one.phone)]
    assert [
        secret for secret in [*secrets, *personal, "@mail.example", DOOR] if str(secret) in told
    ] == []
