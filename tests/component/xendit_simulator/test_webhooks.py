import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from local.simulators.records import Records
from tests.component.xendit_simulator.bench import (
    DAY,
    MOMENT,
    NOON,
    ORDER,
    TOKEN,
    Merchant,
    World,
    Xendit,
    running,
)

pytestmark = pytest.mark.anyio


BASIC = {"id", "external_id", "user_id", "status", "merchant_name", "amount", "created", "updated"}
PAID = BASIC | {"currency", "description", "paid_amount", "paid_at"}
PAID |= {"payment_method", "payment_channel"}
TRANSFER = {"is_high", "bank_code", "initial_amount", "payment_destination"}
QR = {"is_high", "payment_id", "payment_details", "payment_method_id"}
WALLET = {"is_high", "payment_id", "ewallet_type", "payment_method_id"}
CARD = {"is_high", "credit_card_token", "credit_card_charge_id"}


async def test_an_invoice_expires_by_the_worlds_clock_and_says_so(
    world: World, connected: Xendit, merchant: Merchant
) -> None:
    invoice = await connected.create(invoice_duration=600)
    world.advance(timedelta(seconds=600) - MOMENT)
    assert (await connected.read(invoice["id"]))["status"] == "PENDING"
    assert (await connected.quiet())["next_at"] == "2026-12-01T12:10:00.182000+00:00"
    world.advance(MOMENT)
    assert (await connected.quiet())["next_at"] is None
    assert (await connected.read(invoice["id"]))["status"] == "EXPIRED"
    assert merchant.tokens == [TOKEN]
    body = merchant.bodies[0]
    assert body.keys() == BASIC | {"is_high", "currency", "description"}
    assert body["status"] == "EXPIRED"
    assert (await connected.pay(invoice["id"], "BCA")).status_code == 409


async def test_reading_an_invoice_is_enough_to_expire_it(world: World, xendit: Xendit) -> None:
    invoice = await xendit.create()
    world.advance(DAY)
    assert (await xendit.read(invoice["id"]))["status"] == "EXPIRED"
    await xendit.read(invoice["id"])
    assert len(await xendit.webhooks()) == 1


async def test_an_expired_webhook_can_be_switched_off(xendit: Xendit) -> None:
    await xendit.admin("webhooks", expired_enabled=False)
    invoice = await xendit.create()
    answer = await xendit.call("POST", f"/invoices/{invoice['id']}/expire!")
    assert answer.json()["status"] == "EXPIRED"
    again = await xendit.call("POST", f"/invoices/{invoice['id']}/expire!")
    assert again.json() == answer.json()
    assert await xendit.webhooks() == []


async def test_a_paid_invoice_cannot_be_expired(world: World, xendit: Xendit) -> None:
    invoice = await xendit.create()
    await xendit.pay(invoice["id"], "QRIS")
    answer = await xendit.call("POST", f"/invoices/{invoice['id']}/expire!")
    assert answer.status_code == 400
    await xendit.client.post(f"/web/{invoice['id']}/expire")
    world.advance(DAY)
    assert (await xendit.read(invoice["id"]))["status"] == "PAID"


@pytest.mark.parametrize(
    ("channel", "method", "own_fields"),
    [
        ("MANDIRI", "BANK_TRANSFER", TRANSFER),
        ("PERMATA", "BANK_TRANSFER", TRANSFER),
        ("QRIS", "QR_CODE", QR),
        ("OVO", "EWALLET", WALLET),
        ("DANA", "EWALLET", WALLET),
        ("SHOPEEPAY", "EWALLET", WALLET),
        ("LINKAJA", "EWALLET", WALLET),
        ("ALFAMART", "RETAIL_OUTLET", {"payment_destination"}),
        ("INDOMARET", "RETAIL_OUTLET", {"payment_destination"}),
        ("CREDIT_CARD", "CREDIT_CARD", CARD),
    ],
)
async def test_each_method_sends_a_webhook_of_its_recorded_shape(
    connected: Xendit, merchant: Merchant, channel: str, method: str, own_fields: set[str]
) -> None:
    invoice = await connected.create(customer={"given_names": "Sari"}, metadata={"a": 1})
    assert (await connected.pay(invoice["id"], channel, method)).status_code == 303
    await connected.quiet()
    body = merchant.bodies[0]
    assert body.keys() == PAID | own_fields
    expected = {
        "id": invoice["id"],
        "external_id": "NUS-2026-000123",
        "status": "PAID",
        "amount": 250_000,
        "paid_amount": 250_000,
        "currency": "IDR",
        "payment_method": method,
        "payment_channel": channel,
    }
    assert {name: body[name] for name in expected} == expected


async def test_a_webhook_can_come_without_the_id(connected: Xendit, merchant: Merchant) -> None:
    await connected.admin("webhooks", omit_id=True)
    invoice = await connected.create()
    await connected.pay(invoice["id"], "BNI")
    await connected.quiet()
    assert merchant.bodies[0].keys() == (PAID | TRANSFER) - {"id", "is_high"}


async def test_a_refused_webhook_is_tried_again_for_two_days_of_the_world_and_then_given_up(
    world: World, merchant: Merchant
) -> None:
    merchant.statuses = [500, 404, 302, 503, 500, 500, 500]
    async with running(world, merchant.url) as xendit:
        invoice = await xendit.create()
        await xendit.pay(invoice["id"], "BCA")
        waits = []
        while (next_at := (await xendit.quiet())["next_at"]) is not None:
            waits.append((datetime.fromisoformat(next_at) - world.now()) / timedelta(hours=1))
            world.instant = datetime.fromisoformat(next_at)
        assert waits == [0.25, 1, 3, 6, 12, 24]
        (webhook,) = await xendit.webhooks()
        assert webhook["outcome"] == "given_up"
        statuses = [attempt["status"] for attempt in webhook["attempts"]]
        assert statuses == [500, 404, 302, 503, 500, 500, 500]
        assert len(merchant.bodies) == 7


async def test_a_scaled_world_tries_again_sooner_and_stops_once_it_is_taken(
    world: World, merchant: Merchant
) -> None:
    merchant.statuses = [500]
    async with running(world, merchant.url, time_scale=900) as xendit:
        invoice = await xendit.create()
        await xendit.pay(invoice["id"], "BCA")
        assert (await xendit.quiet())["next_at"] == "2026-12-01T12:00:01.182000+00:00"
        world.advance(timedelta(seconds=1))
        assert (await xendit.quiet())["next_at"] is None
        assert [w["outcome"] for w in await xendit.webhooks()] == ["delivered"]


async def test_a_timed_out_webhook_is_never_tried_again(world: World, merchant: Merchant) -> None:
    merchant.stalls_s = 0.5
    async with running(world, merchant.url, webhook_timeout_s=0.1) as xendit:
        invoice = await xendit.create()
        await xendit.pay(invoice["id"], "BCA")
        assert (await xendit.quiet())["next_at"] is None
        (webhook,) = await xendit.webhooks()
        assert (webhook["outcome"], webhook["due_at"]) == ("timed_out", None)
        assert [attempt["error"] for attempt in webhook["attempts"]] == ["timeout"]


async def test_a_receiver_that_is_not_there_is_tried_again(xendit: Xendit) -> None:
    invoice = await xendit.create()
    await xendit.pay(invoice["id"], "BCA")
    assert (await xendit.quiet())["next_at"] == "2026-12-01T12:15:00.182000+00:00"
    (webhook,) = await xendit.webhooks()
    assert [attempt["error"] for attempt in webhook["attempts"]] == ["no_connection"]


async def test_webhooks_are_dropped_and_doubled_on_request(
    connected: Xendit, merchant: Merchant
) -> None:
    settings = await connected.admin("webhooks", drop_probability=1)
    assert settings["drop_probability"] == 1
    dropped, doubled = await connected.create(), await connected.create()
    await connected.pay(dropped["id"], "BCA")
    await connected.admin("webhooks", drop_probability=0, duplicate_probability=1)
    await connected.pay(doubled["id"], "BCA")
    await connected.quiet()
    assert [body["id"] for body in merchant.bodies] == [doubled["id"]] * 2
    seen = [(w["outcome"], w["duplicate"]) for w in await connected.webhooks()]
    assert seen == [("dropped", False), ("delivered", False), ("delivered", True)]


async def test_a_webhook_can_be_late(connected: Xendit, merchant: Merchant) -> None:
    await connected.admin("webhooks", delay_seconds=600)
    invoice = await connected.create()
    await connected.pay(invoice["id"], "BCA")
    due_at = datetime.fromisoformat(str((await connected.quiet())["next_at"]))
    assert NOON < due_at < NOON + timedelta(seconds=600)
    assert merchant.bodies == []


async def test_a_webhook_can_overtake_the_api(
    world: World, connected: Xendit, merchant: Merchant
) -> None:
    await connected.admin("webhooks", early_seconds=5)
    invoice = await connected.create()
    await connected.pay(invoice["id"], "BCA")
    await connected.quiet()
    assert merchant.bodies[0]["status"] == "PAID"
    assert await connected.read(invoice["id"]) == invoice
    world.advance(timedelta(seconds=5))
    assert (await connected.read(invoice["id"]))["status"] == "PAID"


async def test_what_is_still_to_be_done_survives_the_process(
    world: World, merchant: Merchant, tmp_path: Path
) -> None:
    path = tmp_path / "xendit.sqlite3"
    merchant.statuses = [500]
    async with running(world, merchant.url, records=Records(path)) as xendit:
        paid, pending = await xendit.create(), await xendit.create()
        await xendit.admin("webhooks", omit_id=True)
        await xendit.pay(paid["id"], "BCA")
        before = await xendit.quiet()
    # The first process never closes its file, as one that was killed does not.
    async with running(world, merchant.url, records=Records(path)) as xendit:
        assert await xendit.quiet() == before
        world.advance(timedelta(minutes=15))
        assert (await xendit.quiet())["next_at"] == "2026-12-02T12:00:00.182000+00:00"
        assert [w["outcome"] for w in await xendit.webhooks()] == ["delivered"]
        assert (await xendit.read(pending["id"]))["status"] == "PENDING"
        query = {"external_id": ORDER["external_id"]}
        listed = (await xendit.call("GET", "/v2/invoices", params=query)).json()
        assert [invoice["id"] for invoice in listed] == [pending["id"], paid["id"]]
        world.advance(DAY)
        await xendit.quiet()
        assert "id" not in merchant.bodies[-1]


async def test_a_hundred_webhooks_do_not_wait_for_one_another(
    world: World, merchant: Merchant
) -> None:
    merchant.stalls_s = 0.05
    async with running(world, merchant.url) as xendit:
        for number in range(100):
            invoice = await xendit.create(external_id=str(number))
            await xendit.pay(invoice["id"], "BCA")
        started = time.monotonic()
        await xendit.quiet()
        # One after the other they would take five seconds.
        assert time.monotonic() - started < 3
        assert len({body["id"] for body in merchant.bodies}) == 100
