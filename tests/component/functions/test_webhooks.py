"""What payment_callback does with anything that can come as a webhook."""

from typing import Any

import pytest

from shared.domain.billing import AMOUNT_MISMATCH
from shared.domain.confirmation import SLOT_WENT
from shared.domain.order import Order, Status
from tests.component.functions.bench import Functions


def paid(order: Order, **changes: Any) -> dict[str, Any]:
    """Return the body about a paid order, as Xendit sends it for a bank transfer."""
    assert order.invoice is not None
    body = {
        "id": order.invoice.id,
        "external_id": order.id,
        "user_id": "64f1b9a2c87d4e0012a5d3f7",
        "is_high": False,
        "status": "PAID",
        "merchant_name": "Nusademy",
        "amount": 250_000,
        "paid_amount": 250_000,
        "paid_at": "2026-11-24T02:10:35.534Z",
        "created": "2026-11-24T02:00:04.761Z",
        "updated": "2026-11-24T02:10:35.84Z",
        "currency": "IDR",
        "payment_method": "BANK_TRANSFER",
        "payment_channel": "MANDIRI",
        "bank_code": "MANDIRI",
        "payment_destination": "8860861087714",
    }
    return {key: value for key, value in (body | changes).items() if value is not None}


def expired(order: Order) -> dict[str, Any]:
    """Return the body about an expired invoice."""
    unsaid = dict.fromkeys(key for key in paid(order) if key.startswith(("pa", "bank")))
    return paid(order, **unsaid, status="EXPIRED")


def outcome(functions: Functions, body: dict[str, Any]) -> str:
    answer = functions.webhook(body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["outcome"])


@pytest.mark.parametrize("token", ["", "wrong", "half", "longer", "ünï", "spaced"])
def test_who_does_not_know_the_token_is_refused(token: str, functions: Functions) -> None:
    right = functions.config.callback_token
    given = {"half": right[:-1], "longer": right + "x", "spaced": f"{right} {right}"}
    order = functions.invoiced()
    functions.pay(order)
    functions.xendit.requests.clear()
    answer = functions.webhook(paid(order), token=given.get(token, token))
    assert (answer.status_code, answer.json()["outcome"]) == (401, "refused")
    assert functions.order(order.id) == order
    assert functions.xendit.requests == []


def test_a_webhook_without_a_token_is_refused(functions: Functions) -> None:
    answer = functions.post("payment_callback", b"{}")
    assert answer.status_code == 401
    assert answer.json()["reason"] == "x-callback-token is missing or wrong"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_webhooks_come_by_post(method: str, functions: Functions) -> None:
    headers = {"x-callback-token": functions.config.callback_token}
    url = functions.config.url("payment_callback")
    assert functions.client.request(method, url, headers=headers).status_code == 405


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "truncated"),
        (b"status=PAID", "malformed"),
        (b"[]", "got `array`"),
        (b"{}", "missing required field `external_id`"),
        (b'{"external_id": 7}', "$.external_id"),
        (b'{"external_id": "a", "status": null}', "$.status"),
        (b'{"external_id": "\xff"}', "can't decode"),
        (b'{"x":' + b"[" * 100_000, "recursion depth"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else f"{value[:30]!r}",
)
def test_what_is_no_invoice_webhook_is_kept(body: bytes, reason: str, functions: Functions) -> None:
    answer = functions.webhook(body)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "rejected")
    kept = functions.kept(body)
    assert (kept.source, kept.size) == ("payment_callback", len(body))
    assert reason in kept.reason


def test_a_huge_body_is_refused(functions: Functions) -> None:
    assert functions.webhook(b"x" * (1024 * 1024 + 1)).status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        {"event": "refund.succeeded", "data": {"id": "RFD-1", "status": "SUCCEEDED"}},
        {"event": "refund.failed", "data": {"event": "refund.failed", "data": {"id": "rfd-1"}}},
    ],
)
def test_a_refund_that_xendit_does_not_know_is_taken_and_changes_nothing(
    body: dict[str, Any], functions: Functions
) -> None:
    orders = list(functions.orders.scan())
    said = {"business_id": "6094fa76c2fd53701b8e079c", "created": "2026-11-24T02:34:27.009Z"}
    assert outcome(functions, said | body) == "unknown_order"
    assert list(functions.orders.scan()) == orders
    assert functions.published() == []


@pytest.mark.parametrize(
    "body",
    [
        {"event": "refund.succeeded", "data": {}},
        {"event": "refund.succeeded", "data": {"id": "../invoices/1"}},
        {"event": "payment.succeeded", "data": {"id": "rfd-1"}},
        {"event": "refund.succeeded", "data": "rfd-1"},
    ],
)
def test_what_is_not_read_as_a_refund_is_kept_for_a_person(
    body: dict[str, Any], functions: Functions
) -> None:
    answer = functions.webhook(body)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "rejected")
    assert functions.rejected.list(1)[0].reason.startswith("neither an invoice webhook nor")
    assert functions.xendit.requests == []


@pytest.mark.parametrize("external_id", ["testing-invoice", "invoice_123124123", "INV/7 VIII", ""])
def test_a_test_event_of_the_dashboard_is_taken_and_changes_nothing(
    external_id: str, functions: Functions
) -> None:
    orders = list(functions.orders.scan())
    body = {
        "id": "593f4ed1c3d3bb7f39733d83",
        "external_id": external_id,
        "payment_method": "BANK_TRANSFER",
        "status": "PAID",
        "amount": 2_000_000,
        "paid_amount": 2_000_000,
        "bank_code": "TESTBANK",
        "payer_email": "payer@example.com",
        "payment_channel": "TEST",
    }
    assert outcome(functions, body) == "unknown_order"
    assert list(functions.orders.scan()) == orders
    assert functions.xendit.requests == []
    assert functions.published() == []


@pytest.mark.parametrize(
    ("method", "channel", "said"),
    [
        ("BANK_TRANSFER", "MANDIRI", {}),
        ("BANK_TRANSFER", "BNI", {"id": None, "is_high": None, "initial_amount": 250_000}),
        ("CREDIT_CARD", "CREDIT_CARD", {"bank_code": None, "credit_card_token": "64ded2285d2e"}),
        ("EWALLET", "DANA", {"payment_id": "ewc_9", "ewallet_type": "DANA", "items": []}),
        (
            "EWALLET",
            "OVO",
            {
                "on_demand_link": "donation-2",
                "on_demand_payload": {"email": "donor@example.com", "first_name": "Anonymous"},
                "updated": "2026-11-24T02:10:13.34Z",
            },
        ),
        ("QR_CODE", "QRIS", {"payment_details": {"source": "Ovo"}, "fees": [{"value": 100}]}),
        ("RETAIL_OUTLET", "ALFAMART", {"payment_destination": "TEST815", "is_high": None}),
        ("BANK_TRANSFER", "A_BANK_OF_TOMORROW", {"currency": None, "status": "SETTLED"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_payment_in_any_way_makes_the_order_paid(
    method: str, channel: str, said: dict[str, Any], functions: Functions
) -> None:
    order = functions.invoiced()
    functions.pay(order, channel=channel, method=method)
    body = paid(order, payment_method=method, payment_channel=channel, **said)
    assert outcome(functions, body) == "paid"
    payment = functions.order(order.id).payment
    assert payment is not None
    assert (payment.amount, payment.method, payment.channel) == (250_000, method, channel)
    (event,) = functions.events()
    assert (event.topic, event.order_id) == ("invoice.paid", order.id)


def test_the_simulators_own_webhook_arrives(functions: Functions) -> None:
    order = functions.invoiced()
    functions.xendit.tell("webhooks", drop_probability=0.0)
    functions.pay(order, webhook=True)
    functions.xendit.tell("webhooks", drop_probability=1.0)
    event = functions.awaited_event()
    assert (event.topic, event.order_id) == ("invoice.paid", order.id)
    assert functions.order(order.id).status is Status.PAID


def test_a_payment_that_xendit_does_not_confirm_is_asked_for_again(functions: Functions) -> None:
    order = functions.invoiced()
    answer = functions.webhook(paid(order))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"
    assert answer.json()["reason"] == "Xendit's API does not confirm this payment"
    assert functions.order(order.id) == order


def test_another_orders_payment_does_not_pay_this_one(functions: Functions) -> None:
    order, other = functions.invoiced(), functions.invoiced()
    functions.pay(other)
    assert other.invoice is not None
    assert functions.webhook(paid(order, id=other.invoice.id)).status_code == 503
    assert functions.order(order.id) == order
    assert functions.order(other.id) == other


@pytest.mark.parametrize("amount", [1, 249_999, 250_001])
def test_a_wrong_amount_is_put_before_a_person(amount: int, functions: Functions) -> None:
    order = functions.invoiced()
    functions.pay(order, amount=amount)
    assert outcome(functions, paid(order)) == "attention"
    left = functions.order(order.id)
    assert (left.status, left.payment) == (Status.INVOICED, None)
    assert left.has_attention(AMOUNT_MISMATCH)
    assert "attention.raised" in [topic for topic, _ in functions.published()]


def test_the_same_payment_again_changes_nothing_and_is_said_again(functions: Functions) -> None:
    order = functions.invoiced()
    functions.pay(order)
    assert outcome(functions, paid(order)) == "paid"
    first, left = functions.published(), functions.order(order.id)
    assert outcome(functions, paid(order)) == "unchanged"
    assert functions.order(order.id) == left
    assert functions.published() == first


def test_an_expiry_ends_the_order(functions: Functions) -> None:
    order = functions.invoiced()
    functions.expire(order)
    assert outcome(functions, expired(order)) == "expired"
    assert functions.order(order.id).status is Status.EXPIRED
    assert [topic for topic, _ in functions.published()] == ["invoice.expired"]
    assert outcome(functions, expired(order)) == "unchanged"


def test_an_expiry_that_xendit_does_not_confirm_changes_nothing(functions: Functions) -> None:
    order = functions.invoiced()
    assert outcome(functions, expired(order)) == "unchanged"
    assert functions.order(order.id) == order


def test_an_expiry_that_comes_after_the_payment_changes_nothing(functions: Functions) -> None:
    order = functions.invoiced()
    functions.pay(order)
    outcome(functions, paid(order))
    left = functions.order(order.id)
    assert outcome(functions, expired(order)) == "unchanged"
    assert functions.order(order.id) == left


def test_late_money_is_taken_while_the_slot_is_free(functions: Functions) -> None:
    order = functions.invoiced()
    functions.expire(order)
    outcome(functions, expired(order))
    functions.pay(order, late=True)
    assert outcome(functions, paid(order)) == "paid"
    left = functions.order(order.id)
    assert (left.status, left.reason) == (Status.PAID, "paid after expiry")
    later = functions.request(mentor=order.mentor, session=order.session)
    functions.deliver("create_invoice", later)
    assert functions.order(later.order_id).status is Status.REJECTED


def test_late_money_for_a_slot_that_went_gives_the_mentee_the_choice(functions: Functions) -> None:
    order = functions.invoiced()
    functions.expire(order)
    outcome(functions, expired(order))
    other = functions.invoiced(mentor=order.mentor, session=order.session)
    assert other.status is Status.INVOICED
    functions.pay(order, late=True)
    functions.published()
    assert outcome(functions, paid(order)) == "paid"
    left = functions.order(order.id)
    assert (left.status, left.reason) == (Status.AWAITING_MENTEE, SLOT_WENT)
    assert left.attention == ()
    assert [topic for topic, _ in functions.published()] == ["session.declined"]
    assert functions.order(other.id) == other


def test_a_webhook_waits_while_xendit_is_down(functions: Functions) -> None:
    order = functions.invoiced()
    functions.pay(order)
    functions.xendit.fault("invoices.get", "rate_limit", times=1)
    answer = functions.webhook(paid(order))
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert functions.order(order.id) == order
    assert outcome(functions, paid(order)) == "paid"
