"""Messages over both channels as they are served, Meta's webhooks, and the admin's day."""

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.deliveries import Delivery
from shared.domain.events import InvoiceCreated, MessageUndelivered
from shared.entrypoint import SCHEDULE_TIME
from shared.whatsapp_webhook import SIGNATURE
from tests.builders import mentee
from tests.component.functions.bench import Functions

PHONE = "+6281390000777"
REFUSED = "+6281390000001"  # the simulator refuses numbers that end so
FAILS_LATER = "+6281390000000"


def told(functions: Functions, phone: str, email: str) -> InvoiceCreated:
    """Tell a mentee of an invoice; return the fact."""
    request = functions.request(mentee=mentee(phone=phone, email=email))
    assert functions.deliver("create_invoice", request).status_code == 204
    (event,) = functions.events()
    assert isinstance(event, InvoiceCreated)
    assert functions.deliver("send_notification", event).status_code == 204
    return event


def status(key: str, word: str = "failed", **changes: Any) -> dict[str, Any]:
    """Return a webhook of Meta's about one message."""
    said = {
        "id": "wamid.HBgM",
        "status": word,
        "timestamp": "1795485605",
        "recipient_id": PHONE[1:],
        "biz_opaque_callback_data": key,
        "errors": [{"code": 131026, "title": "Message undeliverable"}],
    }
    change = {"field": "messages", "value": {"statuses": [said | changes]}}
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}


def meta(functions: Functions, body: bytes, secret: str | None = None) -> tuple[int, Any]:
    """Send a webhook as Meta does, by default signed with our app's secret."""
    known = functions.config.secrets.whatsapp_app if secret is None else secret
    digest = hmac.new(known.encode(), body, hashlib.sha256).hexdigest()
    answer = functions.post("track_delivery", body, {SIGNATURE: f"sha256={digest}"})
    return answer.status_code, answer.json()


def key_of(event: InvoiceCreated, channel: str = "whatsapp") -> str:
    return f"{event.order_id}:invoice_ready:mentee:{channel}"


def record(functions: Functions, key: str) -> Delivery:
    found = functions.deliveries.get(key)
    assert found is not None
    return found


def test_a_mentee_with_a_phone_is_told_there_once(functions: Functions) -> None:
    event = told(functions, PHONE, "phone@mail.example")
    assert functions.deliver("send_notification", event).status_code == 204
    (chat,) = functions.chats(PHONE)
    assert event.invoice_url in json.dumps(chat)
    assert functions.mails("phone@mail.example") == []


def test_a_number_that_is_not_on_whatsapp_is_told_by_mail(functions: Functions) -> None:
    event = told(functions, REFUSED, "refused@mail.example")
    assert functions.chats(REFUSED) == []
    (mail,) = functions.mails("refused@mail.example")
    assert event.invoice_url in mail["text"]
    assert "131026" in str(record(functions, key_of(event)).failed)


def test_a_number_that_meta_cannot_reach_after_all_is_told_by_mail(functions: Functions) -> None:
    event = told(functions, FAILS_LATER, "later@mail.example")
    lost = functions.awaited_event()
    assert isinstance(lost, MessageUndelivered)
    assert record(functions, key_of(event)).failed is not None
    for _ in range(2):
        assert functions.deliver("send_notification", lost).status_code == 204
    assert len(functions.mails("later@mail.example")) == 1


def test_while_whatsapp_asks_for_patience_the_message_comes_again(functions: Functions) -> None:
    request = functions.request(mentee=mentee(phone="+6281390000555", email="p@mail.example"))
    functions.deliver("create_invoice", request)
    (event,) = functions.events()
    functions.whatsapp.tell("refusals", code=130429, times=1)
    answer = functions.deliver("send_notification", event)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert functions.mails("p@mail.example") == []
    functions.config.clock.sleep(int(answer.headers["retry-after"]))
    assert functions.deliver("send_notification", event).status_code == 204
    assert len(functions.chats("+6281390000555")) == 1


def test_what_meta_says_of_a_lost_message_is_noted_and_said(functions: Functions) -> None:
    event = told(functions, "+6281390000888", "x@mail.example")
    functions.published()
    body = json.dumps(status(key_of(event))).encode()
    for _ in range(2):
        assert meta(functions, body) == (200, {"outcome": "handled", "undelivered": 1})
    assert record(functions, key_of(event)).failed == "131026 Message undeliverable"
    lost = MessageUndelivered(order_id=event.order_id, key=key_of(event))
    assert functions.events() == [lost, lost]


@pytest.mark.parametrize("word", ["sent", "delivered", "read", "a_new_word"])
def test_what_goes_its_way_is_nothing_to_say(word: str, functions: Functions) -> None:
    event = told(functions, "+6281390000999", "y@mail.example")
    body = json.dumps(status(key_of(event), word)).encode()
    assert meta(functions, body) == (200, {"outcome": "handled", "undelivered": 0})
    assert record(functions, key_of(event)).arrived
    assert functions.events() == []


@pytest.mark.parametrize(
    "body",
    [status("unknown"), status("", "failed"), {"entry": []}, {"object": "page"}, {}],
    ids=["unknown key", "no key", "no entry", "other object", "empty"],
)
def test_what_is_about_other_things_changes_nothing(
    body: dict[str, Any], functions: Functions
) -> None:
    said = meta(functions, json.dumps(body).encode())
    assert said == (200, {"outcome": "handled", "undelivered": 0})
    assert functions.published() == []


@pytest.mark.parametrize("secret", ["", "wrong"])
def test_who_does_not_know_the_apps_secret_is_refused(secret: str, functions: Functions) -> None:
    event = told(functions, "+6281390000666", "z@mail.example")
    code, answer = meta(functions, json.dumps(status(key_of(event))).encode(), secret)
    assert (code, answer["outcome"]) == (401, "refused")
    unsigned = functions.post("track_delivery", json.dumps(status(key_of(event))).encode())
    assert unsigned.status_code == 401
    assert record(functions, key_of(event)).arrived


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"\xff", b'{"entry": 7}', b'{"x":' + b"[" * 100_000]
)
def test_a_signed_body_that_is_no_webhook_is_kept(body: bytes, functions: Functions) -> None:
    code, answer = meta(functions, body)
    assert (code, answer["outcome"]) == (200, "rejected")
    assert functions.rejected.list()[0].source == "track_delivery"
    assert functions.published() == []


def test_a_status_that_cannot_be_read_is_kept_and_does_not_silence_the_others(
    functions: Functions,
) -> None:
    event = told(functions, "+6281390000444", "w@mail.example")
    webhook = status(key_of(event))
    webhook["entry"][0]["changes"][0]["value"]["statuses"].insert(0, {"id": 7})
    code, answer = meta(functions, json.dumps(webhook).encode())
    assert (code, answer["outcome"]) == (200, "rejected")
    assert record(functions, key_of(event)).failed == "131026 Message undeliverable"
    assert "Expected `str`, got `int`" in functions.rejected.list()[0].reason


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_webhooks_of_meta_come_by_post(method: str, functions: Functions) -> None:
    answer = functions.client.request(method, functions.config.url("track_delivery"))
    assert (answer.status_code, answer.json()["outcome"]) == (405, "refused")


def test_a_huge_body_is_refused(functions: Functions) -> None:
    answer = functions.post("track_delivery", b"x" * (4 * 1024 * 1024 + 1))
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 200),
        ({"hub.verify_token": "wrong"}, 403),
        ({"hub.verify_token": None}, 403),
        ({"hub.mode": "unsubscribe"}, 403),
        ({"hub.challenge": None}, 403),
    ],
)
def test_the_address_is_registered_by_who_knows_the_token(
    changes: dict[str, str | None], code: int, functions: Functions
) -> None:
    said = {
        "hub.mode": "subscribe",
        "hub.verify_token": functions.config.secrets.whatsapp_verify,
        "hub.challenge": "<b>1158201444</b>",
    }
    query = {name: value for name, value in (said | changes).items() if value is not None}
    answer = functions.client.get(functions.config.url("track_delivery"), params=query)
    assert answer.status_code == code
    if code == 200:
        assert answer.text == "<b>1158201444</b>"
        assert answer.headers["content-type"].startswith("text/plain")


def test_the_admin_is_told_of_a_day_once(functions: Functions) -> None:
    tomorrow = functions.invoiced().changed_at + timedelta(days=1)
    headers = {SCHEDULE_TIME: tomorrow.isoformat()}
    first = functions.post("send_digest", headers=headers)
    assert (first.status_code, first.json()["outcome"], first.json()["due"]) == (200, "ticked", 1)
    assert first.json()["orders"] > 0
    day = first.json()["day"]
    again = functions.post("send_digest", headers=headers)
    assert again.json() == {"outcome": "ticked", "day": day, "due": 0, "orders": 0, "waiting": 0}
    mails = functions.mails("admin@nusademy.example")
    keys = [mail["headers"]["X-Notification-Key"] for mail in mails]
    assert keys.count(f"{day}:digest:admin:email") == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_ticks_of_the_digest_come_by_post(method: str, functions: Functions) -> None:
    answer = functions.client.request(method, functions.config.url("send_digest"))
    assert (answer.status_code, answer.json()["outcome"]) == (405, "refused")
