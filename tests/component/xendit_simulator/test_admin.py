import asyncio

import pytest

from tests.component.xendit_simulator.bench import DAY, ORDER, Merchant, World, Xendit, running

pytestmark = pytest.mark.anyio


async def test_the_hand_of_a_test_can_pay_wrongly_late_and_silently(
    world: World, xendit: Xendit
) -> None:
    invoice = await xendit.create()
    path = f"invoices/{invoice['id']}/pay"
    world.advance(DAY)
    await xendit.quiet()
    assert await xendit.admin(path) == {"refused": "expired"}
    order = {"amount": 100, "late": True, "settle": True, "webhook": False}
    forced = await xendit.admin(path, channel="SUPERBANK", **order)
    assert forced["payments"] == [
        {
            "method": "BANK_TRANSFER",
            "channel": "SUPERBANK",
            "amount": 100,
            "paid_at": "2026-12-02T12:00:00.182000Z",
            "late": True,
        }
    ]
    answer = await xendit.read(invoice["id"])
    assert (answer["status"], answer["paid_amount"]) == ("SETTLED", 100)
    assert [w["body"]["status"] for w in await xendit.webhooks()] == ["EXPIRED"]
    assert await xendit.admin(path, late=True) == {"refused": "already_paid"}


async def test_a_method_that_is_new_to_the_simulator_is_told_as_it_is(xendit: Xendit) -> None:
    invoice = await xendit.create()
    order = {"method": "CRYPTOCURRENCY", "channel": "COIN"}
    await xendit.admin(f"invoices/{invoice['id']}/pay", **order)
    answer = await xendit.read(invoice["id"])
    assert answer.keys() - invoice.keys() == {
        "paid_amount",
        "paid_at",
        "payment_method",
        "payment_channel",
    }


async def test_an_unpaid_invoice_is_not_settled_and_nonsense_is_refused(xendit: Xendit) -> None:
    invoice = await xendit.create()
    path = f"invoices/{invoice['id']}"
    assert await xendit.admin(f"{path}/settle") == {"refused": "not_paid"}
    nonsense = {"colour": "red"}
    for where in (f"{path}/pay", "webhooks", "faults"):
        answer = await xendit.client.post(f"/_admin/{where}", json=nonsense)
        assert answer.status_code == 400


async def test_faults_fire_and_are_counted(xendit: Xendit) -> None:
    for kind in ("rate_limit", "error_before", "error_after"):
        await xendit.admin("faults", operation="invoices.create", kind=kind, times=1)
    answers = [await xendit.call("POST", "/v2/invoices", json=ORDER) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 502, 502, 200]
    assert answers[0].headers["rate-limit-remaining"] == "0"
    assert answers[1].headers["content-type"].startswith("text/html")
    assert all("rate-limit-reset" in answer.headers for answer in answers)
    # The third one did its work before it failed.
    assert len((await xendit.client.get("/_admin/invoices")).json()) == 2
    fired = (await xendit.client.get("/_admin/faults")).json()["fired"]
    assert fired == {
        "invoices.create:rate_limit": 1,
        "invoices.create:error_before": 1,
        "invoices.create:error_after": 1,
    }


async def test_a_reset_forgets_everything(xendit: Xendit) -> None:
    invoice = await xendit.create()
    await xendit.create()
    await xendit.pay(invoice["id"], "BCA")
    await xendit.quiet()
    await xendit.admin("faults", operation="*", kind="error_before")
    await xendit.admin("webhooks", omit_id=True)
    await xendit.admin("reset")
    pending = {"due": 0, "in_flight": 0, "next_at": None}
    assert (await xendit.client.get("/_admin/pending")).json() == pending
    answer = await xendit.call("GET", "/v2/invoices")
    assert (answer.json(), answer.headers["rate-limit-remaining"]) == ([], "599")
    assert await xendit.webhooks() == []
    settings = (await xendit.client.get("/_admin/webhooks")).json()["settings"]
    assert settings["omit_id"] is False


async def test_a_webhook_on_its_way_during_a_reset_leaves_no_trace(
    world: World, merchant: Merchant
) -> None:
    merchant.stalls_s = 0.3
    async with running(world, merchant.url) as xendit:
        invoice = await xendit.create()
        await xendit.pay(invoice["id"], "BCA")
        await asyncio.to_thread(merchant.asked.wait, 5)
        await xendit.admin("reset")
        await asyncio.sleep(0.5)
        assert await xendit.webhooks() == []
