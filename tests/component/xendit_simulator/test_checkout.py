from datetime import timedelta

import pytest

from tests.component.xendit_simulator.bench import World, Xendit

pytestmark = pytest.mark.anyio


async def test_the_checkout_page_is_indonesian_counts_its_views_and_escapes(xendit: Xendit) -> None:
    items = [{"name": "<script>x</script>", "price": 125_000, "quantity": 2}]
    invoice = await xendit.create(items=items)
    page = (await xendit.client.get(f"/web/{invoice['id']}")).text
    for said in ('lang="id"', "Rp250.000", "1 hari", "2 Des 2026, 19.00 WIB", "Bayar"):
        assert said in page
    assert "&lt;script&gt;x" in page
    assert "<script" not in page
    await xendit.client.get(f"/web/{invoice['id']}")
    (record,) = (await xendit.client.get("/_admin/invoices")).json()
    query = {"external_id": record["external_id"]}
    assert (await xendit.client.get("/_admin/invoices", params=query)).json() == [record]
    assert record["shown"] == 2
    assert "NUS-2026-000123" in (await xendit.client.get("/")).text


async def test_an_english_invoice_has_an_english_page(world: World, xendit: Xendit) -> None:
    invoice = await xendit.create(locale="en")
    world.advance(timedelta(hours=1, minutes=1))
    page = (await xendit.client.get(f"/web/{invoice['id']}")).text
    for said in ('lang="en"', "22 h 59 min", "2 Dec 2026, 19:00 WIB", "Pay Rp250.000"):
        assert said in page


async def test_a_payer_is_sent_back_to_the_shop_or_shown_that_it_is_paid(xendit: Xendit) -> None:
    shop = "https://example.com/thanks?order=1"
    plain, linked = await xendit.create(), await xendit.create(success_redirect_url=shop)
    assert (await xendit.pay(linked["id"], "QRIS")).headers["location"] == shop
    answer = await xendit.pay(plain["id"], "QRIS")
    assert answer.headers["location"] == f"/web/{plain['id']}"
    page = (await xendit.client.get(f"/web/{plain['id']}")).text
    assert "Pembayaran berhasil" in page
    again = await xendit.pay(plain["id"], "QRIS")
    assert again.status_code == 409
    assert "Tagihan ini sudah dibayar." in again.text


@pytest.mark.parametrize(
    ("amount", "channel", "method", "said"),
    [
        (9_999, "BCA", "BANK_TRANSFER", "di bawah batas minimum"),
        (2_500_001, "INDOMARET", "RETAIL_OUTLET", "melebihi batas maksimum"),
        (50_000, "OVO", "QR_CODE", "tidak tersedia"),
        (50_000, "GCASH", "EWALLET", "tidak tersedia"),
        (50_000, "", "", "tidak tersedia"),
    ],
)
async def test_a_payment_that_the_channel_would_not_take_is_refused(
    xendit: Xendit, amount: int, channel: str, method: str, said: str
) -> None:
    invoice = await xendit.create(amount=amount)
    answer = await xendit.pay(invoice["id"], channel, method)
    assert answer.status_code == 422
    assert said in answer.text
    assert (await xendit.read(invoice["id"]))["status"] == "PENDING"


async def test_a_payer_can_let_it_expire(xendit: Xendit) -> None:
    invoice = await xendit.create()
    answer = await xendit.client.post(f"/web/{invoice['id']}/expire")
    assert answer.status_code == 303
    page = (await xendit.client.get(answer.headers["location"])).text
    assert "Tagihan kedaluwarsa" in page
