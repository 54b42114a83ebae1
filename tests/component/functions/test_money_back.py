"""Orders that are off, as their functions are served: invoice, event, money, and its webhook."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.cancellation import cancel
from shared.domain.events import InvoicePaid, OrderCancelled, RefundDue, RefundUpdated
from shared.domain.facts import facts
from shared.domain.meetings import event_id
from shared.domain.order import Actor, Change, MoneyBackState, Order, Status
from shared.domain.refunds import REFUND_FAILED
from shared.domain.schedule import Days
from tests.component.functions.bench import Functions, push


def called_off(functions: Functions, order: Order) -> OrderCancelled:
    """Call an order off as its mentee would by a link; return the fact."""
    now = functions.config.clock.now()
    held = {day.key: day for day in functions.orders.days(order.day_keys)}

    def decide(current: Order | None, days: Days) -> Change:
        return cancel(
            current,
            days,
            by=Actor.MENTEE,
            revision=order.revision,
            refund_until=timedelta(hours=24),
            now=now,
        )

    off = functions.orders.transact(order.id, decide, list(held))
    assert off.cancellation is not None
    return OrderCancelled(order_id=order.id, by="mentee", refund=off.cancellation.refund)


def owing(functions: Functions, channel: str = "DANA", method: str = "EWALLET") -> RefundDue:
    """Return the fact that the money of a new order is due to go back."""
    order = functions.invoiced()
    functions.pay(order, channel=channel, method=method)
    assert order.invoice is not None
    said = {"external_id": order.id, "id": order.invoice.id, "status": "PAID"}
    assert functions.webhook(said).json()["outcome"] == "paid"
    called_off(functions, functions.order(order.id))
    functions.published()
    return RefundDue(order_id=order.id, invoice_id=order.invoice.id, amount=250_000)


def state(functions: Functions, event: RefundDue) -> MoneyBackState:
    (refund,) = functions.order(event.order_id).refunds
    return refund.state


def refund_webhook(functions: Functions, event: RefundDue, **changes: Any) -> dict[str, Any]:
    """Return the body about an order's refund, as Xendit sends it."""
    (known,) = functions.order(event.order_id).refunds
    assert known.refund_id is not None
    refund = {
        "id": known.refund_id,
        "invoice_id": event.invoice_id,
        "amount": event.amount,
        "currency": "IDR",
        "status": "SUCCEEDED",
        "reference_id": event.order_id,
        "metadata": {"order_id": event.order_id, "invoice_id": event.invoice_id},
    }
    return {
        "event": "refund.succeeded",
        "business_id": "64118d86854d7d89206e732d",
        "created": "2026-11-24T02:34:27.009Z",
        "data": refund | changes,
    }


def test_an_unpaid_order_that_is_off_cannot_be_paid_any_more(functions: Functions) -> None:
    order = functions.invoiced()
    event = called_off(functions, order)
    for _ in range(2):
        assert functions.deliver("close_order", event).status_code == 204
    invoices = functions.xendit.ask("invoices")
    (status,) = {i["status"] for i in _listed(invoices) if i["external_id"] == order.id}
    assert status == "EXPIRED"
    assert functions.events() == []


def _listed(answer: Any) -> list[dict[str, Any]]:
    return list(answer["invoices"] if isinstance(answer, dict) else answer)


def test_an_event_of_an_order_that_is_off_goes_out_of_the_calendar(functions: Functions) -> None:
    order = functions.paid()
    (paid,) = facts(order, InvoicePaid)
    assert functions.deliver("create_meeting", paid).status_code == 204
    functions.published()
    scheduled = functions.order(order.id)
    assert scheduled.status is Status.SCHEDULED
    event = called_off(functions, scheduled)
    assert functions.deliver("close_order", event).status_code == 204
    left = functions.order(order.id)
    assert left.obsolete_events == ()
    deleted = f"/events/{event_id(scheduled)}"
    assert any(r.startswith("DELETE") and r.endswith(deleted) for r in functions.google.requests)
    assert [type(event) for event in functions.events()] == [RefundDue]


def test_money_that_is_due_is_asked_back_from_xendit_once(functions: Functions) -> None:
    event = owing(functions)
    functions.xendit.requests.clear()
    for _ in range(2):
        assert functions.deliver("refund_payment", event).status_code == 204
    assert [r for r in functions.xendit.requests if r.startswith("POST")] == ["POST /refunds"]
    assert state(functions, event) in {MoneyBackState.STARTED, MoneyBackState.SUCCEEDED}
    said = {type(event) for event in functions.events()}
    assert said == {RefundUpdated}


def test_a_payment_that_takes_no_refunds_needs_an_account(functions: Functions) -> None:
    event = owing(functions, channel="BCA", method="BANK_TRANSFER")
    assert functions.deliver("refund_payment", event).status_code == 204
    assert state(functions, event) is MoneyBackState.ACCOUNT_WANTED
    assert functions.order(event.order_id).attention == ()
    (updated,) = functions.events()
    assert updated == RefundUpdated(
        order_id=event.order_id, invoice_id=event.invoice_id, state="account_wanted"
    )
    # The mentee is asked on the phone, with a link of their own.
    assert functions.deliver("send_notification", updated).status_code == 204


def test_a_rate_limit_of_xendits_leaves_the_money_due(functions: Functions) -> None:
    event = owing(functions)
    functions.xendit.fault("refunds.create", "rate_limit", times=1)
    answer = functions.deliver("refund_payment", event)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert state(functions, event) is MoneyBackState.DUE
    assert functions.published() == []
    assert functions.deliver("refund_payment", event).status_code == 204


@pytest.mark.parametrize(
    ("end", "expected"),
    [("SUCCEEDED", MoneyBackState.SUCCEEDED), ("FAILED", MoneyBackState.FAILED)],
)
@pytest.mark.parametrize("said", ["refund.succeeded", "refund.failed"])
def test_what_xendit_says_of_a_refund_counts_whatever_the_webhook_says(
    said: str, end: str, expected: MoneyBackState, functions: Functions
) -> None:
    event = owing(functions)
    functions.deliver("refund_payment", event)
    functions.published()
    body = refund_webhook(functions, event) | {"event": said}
    functions.xendit.tell(f"refunds/{body['data']['id']}/finish", status=end)
    answer = functions.webhook(body)
    assert answer.status_code == 200
    assert answer.json()["order_id"] == event.order_id
    assert state(functions, event) is expected
    left = functions.order(event.order_id)
    assert left.has_attention(REFUND_FAILED) is (expected is MoneyBackState.FAILED)
    again = functions.webhook(body)
    assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")
    assert RefundUpdated in {type(event) for event in functions.events()}


def test_a_refund_webhook_in_the_documented_envelope_or_without_ids_is_understood(
    functions: Functions,
) -> None:
    for change in ("nested", "bare"):
        event = owing(functions)
        functions.deliver("refund_payment", event)
        body = refund_webhook(functions, event)
        if change == "nested":
            body = body | {"data": body}
        else:
            bare = {key: body["data"][key] for key in ("id", "status")}
            body = body | {"data": bare}
        functions.xendit.tell(
            f"refunds/{functions.order(event.order_id).refunds[0].refund_id}/finish",
            status="SUCCEEDED",
        )
        assert functions.webhook(body).status_code == 200
        assert state(functions, event) is MoneyBackState.SUCCEEDED


def test_a_refund_webhook_without_the_token_changes_nothing(functions: Functions) -> None:
    event = owing(functions)
    functions.deliver("refund_payment", event)
    before = functions.order(event.order_id)
    body = refund_webhook(functions, event)
    assert functions.webhook(body, token="wrong").status_code == 401
    assert functions.order(event.order_id) == before


@pytest.mark.parametrize("name", ["close_order", "refund_payment"])
@pytest.mark.parametrize("data", [b"", b"{}", b"null", b'{"order_id": "a/b"}', b"\xff"])
def test_what_is_none_of_their_events_is_kept(name: str, data: bytes, functions: Functions) -> None:
    answer = functions.post(name, push(data))
    assert (answer.status_code, answer.json()["outcome"]) == (200, "rejected")
    assert functions.kept(data).source == name


def test_money_for_an_order_that_is_off_is_told_with_the_refund(functions: Functions) -> None:
    order = functions.invoiced()
    called_off(functions, order)
    functions.pay(order)
    assert order.invoice is not None
    said = {"external_id": order.id, "id": order.invoice.id, "status": "PAID"}
    assert functions.webhook(said).json()["outcome"] == "refund"
    (due,) = functions.events()
    assert due == RefundDue(order_id=order.id, invoice_id=order.invoice.id, amount=250_000)
    assert msgspec.to_builtins(functions.order(order.id))["refunds"][0]["state"] == "due"
