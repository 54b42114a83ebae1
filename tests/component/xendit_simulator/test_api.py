import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.component.xendit_simulator.bench import (
    NOON,
    NOWHERE,
    ORDER,
    PUBLIC,
    World,
    Xendit,
    running,
)

pytestmark = pytest.mark.anyio


OFFERED_BANK = {
    "collection_type": "POOL",
    "transfer_amount": 250_000,
    "bank_branch": "Virtual Account",
    "account_holder_name": "NUSANTARA MENTORING",
    "identity_amount": 0,
}


async def test_a_pending_invoice_is_answered_in_the_recorded_shape(xendit: Xendit) -> None:
    invoice = await xendit.create(customer={"given_names": "Sari"}, metadata={"a": 1})
    assert len(invoice["id"]) == 24
    assert int(invoice["id"], 16) >> 64 == int(NOON.timestamp())
    assert invoice == {
        "id": invoice["id"],
        "external_id": "NUS-2026-000123",
        "user_id": invoice["user_id"],
        "status": "PENDING",
        "merchant_name": "Nusantara Mentoring",
        "merchant_profile_picture_url": "https://example.com/merchant.png",
        "amount": 250_000,
        "expiry_date": "2026-12-02T12:00:00.182Z",
        "invoice_url": f"{PUBLIC}/web/{invoice['id']}",
        "available_banks": [
            {"bank_code": code} | OFFERED_BANK
            for code in ("MANDIRI", "BRI", "BNI", "PERMATA", "BCA")
        ],
        "available_retail_outlets": [
            {"retail_outlet_name": "ALFAMART"},
            {"retail_outlet_name": "INDOMARET"},
        ],
        "available_ewallets": [
            {"ewallet_type": code} for code in ("OVO", "DANA", "SHOPEEPAY", "LINKAJA")
        ],
        "available_qr_codes": [{"qr_code_type": "QRIS"}],
        "available_direct_debits": [{"direct_debit_type": "DD_BRI"}],
        "available_paylaters": [],
        "should_exclude_credit_card": False,
        "should_send_email": False,
        "created": "2026-12-01T12:00:00.182Z",
        "updated": "2026-12-01T12:00:00.182Z",
        "currency": "IDR",
        "description": "Portfolio review",
        "customer": {"given_names": "Sari"},
        "metadata": {"a": 1},
    }
    assert await xendit.read(invoice["id"]) == invoice


async def test_a_settled_bank_transfer_names_the_account_that_was_paid_to(
    world: World, xendit: Xendit
) -> None:
    pending = await xendit.create()
    world.advance(timedelta(milliseconds=8))
    await xendit.pay(pending["id"], "BCA", "BANK_TRANSFER")
    await xendit.admin(f"invoices/{pending['id']}/settle")
    settled = await xendit.read(pending["id"])
    number = settled["payment_destination"]
    assert number.isdigit()
    assert settled["available_banks"][-1]["bank_account_number"] == number
    assert "bank_account_number" not in settled["available_banks"][0]
    added = {name: settled[name] for name in settled.keys() - pending.keys()}
    assert added == {
        "payment_method": "BANK_TRANSFER",
        "payment_channel": "BCA",
        "payment_destination": number,
        "bank_code": "BCA",
        "paid_amount": 250_000,
        "initial_amount": 250_000,
        "paid_at": "2026-12-01T12:00:00.190Z",
    }
    assert settled["status"] == "SETTLED"
    assert settled["updated"] == "2026-12-01T12:00:00.19Z"


async def test_the_same_external_id_makes_another_invoice_each_time(xendit: Xendit) -> None:
    ids = [(await xendit.create())["id"] for _ in range(2)]
    await xendit.create(external_id="another")
    query = {"external_id": ORDER["external_id"]}
    listed = (await xendit.call("GET", "/v2/invoices", params=query)).json()
    assert [invoice["id"] for invoice in listed] == ids[::-1]
    nobody = await xendit.call("GET", "/v2/invoices", params={"external_id": "nobody"})
    assert nobody.json() == []


async def test_a_list_can_be_narrowed_by_status_and_limit_and_nothing_unknown(
    xendit: Xendit,
) -> None:
    ids = [(await xendit.create())["id"] for _ in range(3)]
    await xendit.call("POST", f"/invoices/{ids[1]}/expire!")

    async def listed(query: str) -> Any:
        return (await xendit.call("GET", f"/v2/invoices?{query}")).json()

    pending = await listed("statuses=PENDING&statuses=PAID")
    assert [invoice["id"] for invoice in pending] == [ids[2], ids[0]]
    assert [invoice["id"] for invoice in await listed("limit=1.0")] == [ids[2]]
    assert (await listed("colour=red"))["errors"][0]["location"] == "query"
    assert (await listed("limit=many"))["error_code"] == "API_VALIDATION_ERROR"
    assert (await listed("statuses=LOST"))["error_code"] == "API_VALIDATION_ERROR"


@pytest.mark.parametrize("header", ["", "Basic !", "Bearer x", "Basic d3Jvbmc6"])
async def test_a_wrong_key_is_refused(xendit: Xendit, header: str) -> None:
    path, headers = "/v2/invoices", {"authorization": header}
    answer = await xendit.client.post(path, json=ORDER, headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {
        "error_code": "INVALID_API_KEY",
        "message": "The API key provided is invalid",
    }


async def test_an_unknown_invoice_is_not_found(xendit: Xendit) -> None:
    for method, path in (("GET", "/v2/invoices/0f"), ("POST", "/invoices/0f/expire!")):
        answer = await xendit.call(method, path)
        assert answer.status_code == 404
        assert answer.json() == {
            "error_code": "INVOICE_NOT_FOUND_ERROR",
            "message": "Could not find invoice by id 0f",
        }
    assert (await xendit.client.get("/web/0f")).status_code == 404
    assert (await xendit.client.post("/_admin/invoices/0f/pay")).status_code == 404


async def test_decimals_are_cut_off_and_nulls_are_as_if_unsaid(xendit: Xendit) -> None:
    invoice = await xendit.create(amount=250_000.99, items=None, description=None)
    assert invoice["amount"] == 250_000
    assert not {"items", "description"} & invoice.keys()


async def test_only_the_chosen_methods_are_offered(xendit: Xendit) -> None:
    invoice = await xendit.create(payment_methods=["BNI", "QRIS"], amount=60_000)
    assert [bank["bank_code"] for bank in invoice["available_banks"]] == ["BNI"]
    assert invoice["available_qr_codes"] == [{"qr_code_type": "QRIS"}]
    assert invoice["available_ewallets"] == []
    assert invoice["should_exclude_credit_card"] is True
    assert (await xendit.pay(invoice["id"], "OVO")).status_code == 422


async def test_each_endpoint_has_its_own_budget_and_says_what_is_left(world: World) -> None:
    async with running(world, NOWHERE, rate_limit_per_minute=2) as xendit:
        answers = [await xendit.call("POST", "/v2/invoices", json=ORDER) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        left = [answer.headers["rate-limit-remaining"] for answer in answers]
        assert left == ["1", "0", "0"]
        assert answers[2].json()["error_code"] == "RATE_LIMIT_EXCEEDED"
        assert answers[2].headers["rate-limit-limit"] == "2"
        assert 1 <= int(answers[2].headers["rate-limit-reset"]) <= 60
        assert (await xendit.call("GET", "/v2/invoices")).status_code == 200


async def test_a_scaled_world_refills_the_budget_sooner(world: World) -> None:
    async with running(world, NOWHERE, rate_limit_per_minute=1, time_scale=600) as xendit:
        await xendit.create()
        assert (await xendit.refusal())[0] == 429
        await asyncio.sleep(0.11)
        await xendit.create()
