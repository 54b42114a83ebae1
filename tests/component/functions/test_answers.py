"""What a step answers when it cannot go on: come again, and when, or never."""

import pytest

from shared.domain.events import (
    AttentionRaised,
    InvoiceExpired,
    InvoicePaid,
    OrderCancelled,
    RefundDue,
)
from shared.domain.notifications import MESSAGE_FAILED
from shared.domain.order import Status
from tests.builders import NOW, invoiced_order, mentee
from tests.component.functions.bench import Functions
from tests.component.functions.test_webhooks import paid

PRICE = invoiced_order().price
REFUND = RefundDue(order_id="NUS-404", invoice_id="i", amount=1)
ELSEWHERE = {
    "close_order": OrderCancelled(order_id="NUS-404", by="mentee", refund=False),
    "create_meeting": InvoicePaid(order_id="NUS-404", invoice_id="i", paid_at=NOW, price=PRICE),
    "send_notification": InvoiceExpired(order_id="NUS-404", invoice_id="i"),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_fact_about_an_order_that_is_not_there_yet_comes_again(
    name: str, functions: Functions
) -> None:
    answer = functions.deliver(name, ELSEWHERE[name])
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert answer.json() == {"outcome": "retry", "reason": "order NUS-404 is not in the store"}


def test_a_refund_that_is_not_there_yet_comes_again(functions: Functions) -> None:
    answer = functions.deliver("refund_payment", REFUND)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert answer.json()["reason"] == "order NUS-404 does not show this refund yet"


def test_an_order_above_the_rate_limit_waits_as_long_as_xendit_says(functions: Functions) -> None:
    functions.xendit.fault("invoices.create", "rate_limit", times=1)
    request = functions.request()
    answer = functions.deliver("create_invoice", request)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert functions.order(request.order_id).status is Status.PENDING
    early = functions.deliver("create_invoice", request)
    assert early.status_code == 503
    assert 0 < int(early.headers["retry-after"]) <= int(answer.headers["retry-after"])
    assert functions.published() == []


def test_an_order_that_xendit_refuses_is_rejected_and_acked(functions: Functions) -> None:
    request = functions.request(mentee=mentee(email="sari@localhost"))
    assert functions.deliver("create_invoice", request).status_code == 204
    order = functions.order(request.order_id)
    assert (order.status, order.reason) == (Status.REJECTED, "invoice_refused")
    assert [topic for topic, _ in functions.published()] == ["order.rejected"]


def test_a_reader_whom_no_mail_can_reach_is_put_before_the_admin(functions: Functions) -> None:
    unwritable = mentee(email="sari..w@mail.example", phone=None)
    request = functions.request(mentee=unwritable)
    functions.deliver("create_invoice", request)
    (event,) = functions.events()
    assert functions.deliver("send_notification", event).status_code == 204
    assert functions.order(request.order_id).has_attention(MESSAGE_FAILED)
    (raised,) = functions.events()
    assert isinstance(raised, AttentionRaised)
    assert functions.deliver("send_notification", raised).status_code == 204
    mails = functions.mails("admin@nusademy.example")
    assert any(request.order_id in mail["text"] for mail in mails)


def test_the_same_fact_twice_is_one_mail(functions: Functions) -> None:
    request = functions.request(mentee=mentee(email="twice@mail.example", phone=None))
    functions.deliver("create_invoice", request)
    (event,) = functions.events()
    for _ in range(2):
        assert functions.deliver("send_notification", event).status_code == 204
    assert len(functions.mails("twice@mail.example")) == 1


def test_a_meeting_that_the_calendar_refuses_for_good_is_put_before_the_admin(
    functions: Functions,
) -> None:
    order = functions.invoiced()
    functions.pay(order)
    functions.webhook(paid(order))
    (event,) = functions.events()
    refusal = {"operation": "calendar.events.insert", "reason": "forbiddenForServiceAccounts"}
    functions.google.tell("refusals", **refusal)
    assert functions.deliver("create_meeting", event).status_code == 204
    left = functions.order(order.id)
    assert (left.status, [a.reason for a in left.attention]) == (Status.PAID, ["meeting_refused"])


def test_a_meeting_waits_for_its_room(functions: Functions) -> None:
    order = functions.invoiced()
    functions.pay(order)
    functions.webhook(paid(order))
    (event,) = functions.events()
    functions.google.tell("conferences", outcome="failure")
    assert functions.deliver("create_meeting", event).status_code == 503
    assert functions.order(order.id).room_attempt == 1
    assert functions.deliver("create_meeting", event).status_code == 204
    scheduled = functions.order(order.id)
    assert scheduled.status is Status.SCHEDULED
    assert scheduled.attention == ()
