from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local.simulators.records import Records
from tests.component.xendit_simulator.bench import NOWHERE, TOKEN, Merchant, World, Xendit, running

pytestmark = pytest.mark.anyio

DELAY = timedelta(seconds=20)
RECORDED = {"id", "amount", "reason", "status", "country", "created", "updated", "currency"}
RECORDED |= {"invoice_id", "payment_id", "channel_code", "reference_id", "refund_method"}
RECORDED |= {"payment_method_type"}
OURS = {"reference_id": "NUS-1", "metadata": {"order_id": "NUS-1"}}


async def finished(world: World, xendit: Xendit, channel: str = "OVO") -> dict[str, Any]:
    """Give the money of a new invoice back, and wait until the merchant knows."""
    started = await xendit.refund(await xendit.pay_for(channel), **OURS)
    assert started.status_code == 200, started.text
    world.advance(DELAY)
    await xendit.quiet()
    read = await xendit.call("GET", f"/refunds/{started.json()['id']}")
    return dict(read.json())


async def test_a_refund_is_answered_as_pending_in_the_published_shape(xendit: Xendit) -> None:
    invoice_id = await xendit.pay_for("CREDIT_CARD")
    refund = (await xendit.refund(invoice_id, "k", amount=100_000, **OURS)).json()
    assert refund == {
        "id": refund["id"],
        "payment_id": refund["payment_id"],
        "invoice_id": invoice_id,
        "amount": 100_000,
        "payment_method_type": "CARD",
        "channel_code": "CREDIT_CARD",
        "country": "ID",
        "currency": "IDR",
        "status": "PENDING",
        "reason": "CANCELLATION",
        "created": "2026-12-01T12:00:00.182Z",
        "updated": "2026-12-01T12:00:00.182Z",
        "reference_id": "NUS-1",
        "failure_code": None,
        "refund_fee_amount": None,
        "metadata": {"order_id": "NUS-1"},
    }
    assert refund["id"].startswith("rfd-")
    assert (await xendit.call("GET", f"/refunds/{refund['id']}")).json() == refund


async def test_it_succeeds_by_the_worlds_clock(world: World, xendit: Xendit) -> None:
    refund = (await xendit.refund(await xendit.pay_for("QRIS"))).json()
    assert (await xendit.quiet())["next_at"] == "2026-12-01T12:00:20.182000+00:00"
    world.advance(DELAY - timedelta(milliseconds=1))
    path = f"/refunds/{refund['id']}"
    assert (await xendit.call("GET", path)).json() == refund
    world.advance(timedelta(milliseconds=1))
    over = refund | {"status": "SUCCEEDED", "updated": "2026-12-01T12:00:20.182Z"}
    assert (await xendit.call("GET", path)).json() == over


async def test_webhooks_are_flat_and_nested_in_turns(
    world: World, connected: Xendit, merchant: Merchant
) -> None:
    refunds = [await finished(world, connected) for _ in range(3)]
    flat, nested, again = merchant.bodies
    assert merchant.tokens == [TOKEN] * 3
    assert flat.keys() == nested.keys() == nested["data"].keys() == again.keys()
    assert flat.keys() == {"event", "business_id", "created", "data"}
    assert flat["event"] == nested["event"] == nested["data"]["event"] == "refund.succeeded"
    assert flat["data"].keys() == again["data"].keys() == RECORDED
    assert flat["data"]["reference_id"] == "NUS-1"
    assert nested["data"]["data"] == refunds[1]
    assert [r["status"] for r in refunds] == ["SUCCEEDED"] * 3


async def test_the_next_refund_can_be_made_to_fail(
    world: World, connected: Xendit, merchant: Merchant
) -> None:
    settings = await connected.admin("refunds/settings", fail_next=1, failure_code="NO_LUCK")
    assert (settings["fail_next"], settings["failure_code"]) == (1, "NO_LUCK")
    failed, fine = await finished(world, connected), await finished(world, connected)
    assert (failed["status"], failed["failure_code"]) == ("FAILED", "NO_LUCK")
    assert (fine["status"], fine["failure_code"]) == ("SUCCEEDED", None)
    assert [body["event"] for body in merchant.bodies] == ["refund.failed", "refund.succeeded"]
    assert merchant.bodies[0]["data"]["failure_code"] == "NO_LUCK"


async def test_a_refused_webhook_comes_again(
    world: World, connected: Xendit, merchant: Merchant
) -> None:
    merchant.statuses = [500]
    refund = await finished(world, connected)
    assert (await connected.quiet())["next_at"] == "2026-12-01T12:15:20.182000+00:00"
    world.advance(timedelta(minutes=15))
    await connected.quiet()
    assert [body["data"]["id"] for body in merchant.bodies] == [refund["id"]] * 2
    (webhook,) = await connected.webhooks()
    assert (webhook["outcome"], webhook["invoice_id"]) == ("delivered", refund["invoice_id"])


async def test_the_hand_of_a_test_can_end_a_refund_once(xendit: Xendit) -> None:
    refund = (await xendit.refund(await xendit.pay_for("DANA"))).json()
    path = f"refunds/{refund['id']}/finish"
    assert (await xendit.admin(path, status="CANCELLED"))["status"] == "CANCELLED"
    assert (await xendit.admin(path))["error_code"] == "INELIGIBLE_REFUND_STATUS"
    assert (await xendit.admin("refunds/0f/finish"))["error_code"] == "DATA_NOT_FOUND"
    assert await xendit.webhooks() == []
    assert (await xendit.quiet())["next_at"] is None
    assert (await xendit.client.post(f"/_admin/{path}", json={"status": "LOST"})).status_code == 400


async def test_the_same_key_is_answered_as_the_first_time(world: World, xendit: Xendit) -> None:
    invoice_id = await xendit.pay_for("OVO")
    first = await xendit.refund(invoice_id, "k")
    world.advance(DELAY)
    await xendit.quiet()
    again = await xendit.refund(invoice_id, "k")
    assert (again.status_code, again.json()) == (200, first.json())
    other = await xendit.refund(invoice_id, "k", amount=1)
    assert (other.status_code, other.json()["error_code"]) == (409, "IDEMPOTENCY_ERROR")
    assert len((await xendit.client.get("/_admin/refunds")).json()) == 1


async def test_refusals_are_not_kept_under_their_key(xendit: Xendit) -> None:
    invoice_id = str((await xendit.create())["id"])
    unpaid = await xendit.refund(invoice_id, "k")
    assert unpaid.json()["error_code"] == "INELIGIBLE_TRANSACTION_STATUS"
    await xendit.pay(invoice_id, "OVO")
    assert (await xendit.refund(invoice_id, "k")).status_code == 200


@pytest.mark.parametrize(
    ("channel", "status"),
    [("BCA", 403), ("ALFAMART", 403), ("CREDIT_CARD", 200), ("DANA", 200), ("QRIS", 200)],
)
async def test_the_page_offers_channels_that_take_refunds_and_others(
    xendit: Xendit, channel: str, status: int
) -> None:
    invoice_id = str((await xendit.create())["id"])
    page = (await xendit.client.get(f"/web/{invoice_id}")).text
    assert f'value="{channel}" required' in page
    assert (await xendit.pay(invoice_id, channel)).status_code == 303
    answer = await xendit.refund(invoice_id)
    assert answer.status_code == status
    if status == 403:
        assert answer.json() == {
            "error_code": "REFUND_NOT_SUPPORTED",
            "message": f"{channel} does not support refunds",
        }


async def test_what_is_left_can_be_refunded_when_the_rest_is_back(
    world: World, xendit: Xendit
) -> None:
    invoice_id = await xendit.pay_for("OVO")
    too_much = await xendit.refund(invoice_id, amount=250_001)
    assert (too_much.status_code, too_much.json()["error_code"]) == (400, "REFUND_AMOUNT_EXCEEDED")
    await xendit.refund(invoice_id, amount=100_000.9)
    waiting = await xendit.refund(invoice_id)
    assert (waiting.status_code, waiting.json()["error_code"]) == (400, "REFUND_IN_PROGRESS")
    world.advance(DELAY)
    assert (await xendit.refund(invoice_id)).json()["amount"] == 150_000
    world.advance(DELAY)
    for amount in ({}, {"amount": 1}):
        nothing = await xendit.refund(invoice_id, **amount)
        assert nothing.json()["error_code"] == "REFUND_AMOUNT_EXCEEDED"


async def test_an_account_without_money_gives_none_back(xendit: Xendit) -> None:
    await xendit.admin("refunds/settings", no_balance=True)
    refused = await xendit.refund(await xendit.pay_for("OVO"))
    assert (refused.status_code, refused.json()["error_code"]) == (400, "INSUFFICIENT_BALANCE")


async def test_a_payment_that_the_api_does_not_know_yet_is_not_refunded(
    world: World, xendit: Xendit
) -> None:
    await xendit.admin("webhooks", early_seconds=5)
    invoice_id = await xendit.pay_for("OVO")
    early = await xendit.refund(invoice_id)
    assert early.json()["error_code"] == "INELIGIBLE_TRANSACTION_STATUS"
    world.advance(timedelta(seconds=5))
    assert (await xendit.refund(invoice_id)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "field", "kind"),
    [
        ({"colour": "red"}, "colour", "object.allowUnknown"),
        ({"reason": "WHIM"}, "reason", "any.allowOnly"),
        ({"reason": None}, "reason", "string.base"),
        ({"amount": "1"}, "amount", "number.base"),
        ({"amount": 0}, "amount", "number.greater"),
        ({"invoice_id": None}, "invoice_id", "any.required"),
        ({"reference_id": "x" * 256}, "reference_id", "string.max"),
        ({"metadata": []}, "metadata", "object.base"),
        ({"currency": "XXX"}, "currency", "any.allowOnly"),
    ],
)
async def test_a_request_outside_the_published_shape_is_refused(
    xendit: Xendit, changes: dict[str, Any], field: str, kind: str
) -> None:
    answer = await xendit.refund("64f1b9a2c87d4e0012a5d3f7", **changes)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "API_VALIDATION_ERROR")
    assert [(e["field"], e["types"]) for e in answer.json()["errors"]] == [([field], [kind])]


async def test_what_is_not_there_is_not_found_and_a_wrong_key_is_refused(xendit: Xendit) -> None:
    by_request = {"payment_request_id": "pr-1", "invoice_id": None}
    for answer in (
        await xendit.refund("64f1b9a2c87d4e0012a5d3f7"),
        await xendit.refund("", **by_request),
        await xendit.call("GET", "/refunds/rfd-1"),
    ):
        assert (answer.status_code, answer.json()["error_code"]) == (404, "DATA_NOT_FOUND")
    for method, path in (("POST", "/refunds"), ("GET", "/refunds"), ("GET", "/refunds/rfd-1")):
        assert (await xendit.client.request(method, path)).status_code == 401


async def test_refunds_are_listed_by_invoice_newest_first(world: World, xendit: Xendit) -> None:
    invoice_id = await xendit.pay_for("OVO")
    ids = []
    for _ in range(2):
        ids.append((await xendit.refund(invoice_id, amount=1)).json()["id"])
        world.advance(DELAY)
    await xendit.refund(await xendit.pay_for("OVO"))

    async def listed(**query: Any) -> Any:
        return (await xendit.call("GET", "/refunds", params=query)).json()

    found = await listed(invoice_id=invoice_id)
    assert ([r["id"] for r in found["data"]], found["has_more"]) == (ids[::-1], False)
    first = await listed(invoice_id=invoice_id, limit=1)
    assert ([r["id"] for r in first["data"]], first["has_more"]) == (ids[1:], True)
    assert len((await listed())["data"]) == 3
    assert await listed(invoice_id="0f") == {"data": [], "has_more": False}
    assert (await listed(channel_code="OVO"))["error_code"] == "API_VALIDATION_ERROR"


async def test_faults_and_the_rate_limit_are_those_of_each_operation(world: World) -> None:
    async with running(world, NOWHERE, rate_limit_per_minute=2) as xendit:
        invoice_id = await xendit.pay_for("OVO")
        await xendit.admin("faults", operation="refunds.create", kind="error_after", times=1)
        answers = [await xendit.refund(invoice_id, "k") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [502, 200, 429]
        assert (await xendit.call("GET", "/refunds")).headers["rate-limit-remaining"] == "1"


async def test_a_reset_forgets_refunds_keys_and_settings(world: World, xendit: Xendit) -> None:
    await xendit.admin("refunds/settings", fail_next=5)
    await xendit.refund(await xendit.pay_for("OVO"), "k")
    await xendit.admin("reset")
    assert (await xendit.quiet())["next_at"] is None
    assert (await xendit.client.get("/_admin/refunds")).json() == []
    settings = (await xendit.client.get("/_admin/refunds/settings")).json()
    assert settings["fail_next"] == 0
    assert (await xendit.refund(await xendit.pay_for("OVO"), "k")).status_code == 200


async def test_what_is_under_way_survives_the_process(
    world: World, merchant: Merchant, tmp_path: Path
) -> None:
    path = tmp_path / "xendit.sqlite3"
    async with running(world, merchant.url, records=Records(path)) as xendit:
        await xendit.admin("refunds/settings", fail_next=1)
        invoice_id = await xendit.pay_for("OVO")
        refund = (await xendit.refund(invoice_id, "k")).json()
    # The first process never closes its file, as one that was killed does not.
    async with running(world, merchant.url, records=Records(path)) as xendit:
        assert (await xendit.refund(invoice_id, "k")).json() == refund
        assert (await xendit.client.get("/_admin/refunds/settings")).json()["fail_next"] == 0
        world.advance(DELAY)
        await xendit.quiet()
        assert [body["event"] for body in merchant.bodies] == ["refund.failed"]
        listed = (await xendit.call("GET", "/refunds", params={"invoice_id": invoice_id})).json()
        assert [one["id"] for one in listed["data"]] == [refund["id"]]
