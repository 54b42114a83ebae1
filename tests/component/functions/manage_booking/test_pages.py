"""What the pages show, to whom, and what they keep to themselves."""

import re
from datetime import timedelta
from html import unescape
from itertools import product
from pathlib import Path

import msgspec
import pytest

from functions.manage_booking.words import LOCALES
from local.ports import free_ports
from shared.domain.notifications import Recipient
from shared.domain.order import MoneyBackState, Order, Status
from shared.domain.people import Locale
from shared.links import Purpose
from tests.builders import (
    asked_order,
    cancelled_order,
    declined_order,
    invoiced_order,
    mentee,
    mentor,
    order_in,
    paid_order,
    scheduled_order,
)
from tests.component.functions.manage_booking.site import (
    BASE,
    OTHER_TIME,
    Site,
    heading,
    links,
    running,
)


@pytest.mark.parametrize("status", Status)
def test_opening_a_link_never_changes_anything(status: Status, site: Site) -> None:
    order = site.bookings.put(order_in(status))
    before = site.bookings.everything()
    for purpose, method in product(Purpose, ("GET", "HEAD")):
        url = site.bookings.url(purpose, order).removeprefix(BASE)
        answer = site.client.open(url, method=method)
        assert answer.status_code in {200, 409}
        assert bool(answer.text) == (method == "GET")
    assert site.bookings.everything() == before


@pytest.mark.parametrize("status", Status)
def test_every_status_has_its_words_for_every_reader(status: Status, site: Site) -> None:
    for locale, recipient in product(LOCALES, Recipient):
        people = {"mentee": mentee(locale=locale), "mentor": mentor(locale=locale)}
        order = site.bookings.put(msgspec.structs.replace(order_in(status), **people))
        page = site.see(Purpose.MANAGE, order, recipient)
        assert page.status_code == 200
        assert "Rp250.000" in page.text
        assert bool(re.search(r"2026, 20[.:]00", page.text)) == (recipient == "mentor")


@pytest.mark.parametrize("locale", ["id", "en"])
@pytest.mark.parametrize("recipient", [Recipient.MENTEE, Recipient.ADMIN])
@pytest.mark.parametrize("state", MoneyBackState)
def test_every_state_of_a_refund_has_its_words(
    state: MoneyBackState, recipient: Recipient, locale: Locale, site: Site
) -> None:
    order = site.bookings.refunding(state)
    order = site.bookings.put(msgspec.structs.replace(order, mentee=mentee(locale=locale)))
    assert "Rp250.000" in site.see(Purpose.MANAGE, order, recipient).text


@pytest.mark.parametrize(
    ("order", "recipient", "labels"),
    [
        (invoiced_order(), Recipient.MENTEE, ["Bayar sekarang", "Batalkan pesanan"]),
        (invoiced_order(), Recipient.MENTOR, []),
        (paid_order(), Recipient.MENTEE, ["Pilih waktu lain", "Batalkan pesanan"]),
        (asked_order(), Recipient.MENTOR, ["Ya, saya bisa", "Tidak, saya tidak bisa"]),
        (asked_order(), Recipient.ADMIN, []),
        (declined_order(), Recipient.MENTEE, ["Pilih waktu lain", "Kembalikan uang saya"]),
        (declined_order(), Recipient.MENTOR, []),
        (
            scheduled_order(),
            Recipient.MENTEE,
            ["Gabung ke sesi", "Pilih waktu lain", "Batalkan pesanan"],
        ),
        (scheduled_order(), Recipient.MENTOR, ["Gabung ke sesi", "Saya tidak bisa hadir"]),
        (cancelled_order(), Recipient.MENTEE, []),
    ],
)
def test_the_status_page_offers_what_its_reader_can_do_now(
    order: Order, recipient: Recipient, labels: list[str], site: Site
) -> None:
    site.bookings.put(order)
    offered = links(site.see(Purpose.MANAGE, order, recipient))
    assert list(offered) == labels
    ours = [url for url in offered.values() if url.startswith("/")]
    assert [site.client.get(url).status_code for url in ours] == [200] * len(ours)


def test_an_old_link_to_the_status_page_still_shows_it_with_fresh_links(site: Site) -> None:
    order = site.bookings.put(asked_order())
    old = site.bookings.token(Purpose.MANAGE, order)
    site.follow(site.do(Purpose.ACCEPT, order))
    page = site.get(Purpose.MANAGE, old)
    assert page.status_code == 200
    assert site.client.get(links(page)["Batalkan pesanan"]).status_code == 200


def test_fresh_links_do_not_outlive_the_one_that_led_to_them(site: Site) -> None:
    order = site.bookings.put(scheduled_order())
    link = site.bookings.link(Purpose.MANAGE, order)
    soon = int((site.bookings.clock.now() + timedelta(hours=1)).timestamp())
    token = site.bookings.signer.token(
        Purpose.MANAGE, msgspec.structs.replace(link, expires_at=soon)
    )
    url = links(site.get(Purpose.MANAGE, token))["Batalkan pesanan"]
    site.bookings.set_time(site.bookings.clock.now() + timedelta(hours=2))
    assert site.client.get(url).status_code == 410


@pytest.mark.parametrize("done", ["accept", "manage", "x", "<b>", "cancel"])
def test_only_what_its_reader_can_have_done_is_said_to_be_done(done: str, site: Site) -> None:
    order = site.bookings.put(asked_order())
    token = site.bookings.token(Purpose.MANAGE, order)
    page = site.client.get("/manage", query_string={"token": token, "done": done})
    assert ('role="status"' in page.text) == (done == "cancel")


def test_what_people_wrote_is_shown_as_they_wrote_it(site: Site) -> None:
    evil = '"><script>alert(1)</script>{{ 7*7 }}{mentor}%s'
    order = declined_order(
        mentee=mentee(name=evil, locale="en"),
        mentor=mentor(name=evil, locale="en"),
        subject=evil,
        decline_note=evil,
    )
    site.bookings.put(order)
    pages = [site.see(Purpose.MANAGE, order, recipient) for recipient in Recipient]
    pages.append(site.see(Purpose.RESCHEDULE, order))
    for page in pages:
        assert page.status_code == 200
        assert "<script" not in page.text
        assert evil in unescape(page.text)
    asked = site.bookings.put(asked_order(mentor=mentor(locale="en")))
    too_long = "</textarea><script>alert(1)</script>" * 20
    assert "<script" not in site.do(Purpose.DECLINE, asked, note=too_long).text


def test_an_address_of_a_vendor_that_is_none_of_a_page_is_no_link(site: Site) -> None:
    order = invoiced_order()
    assert order.invoice is not None
    script = msgspec.structs.replace(order.invoice, url="javascript:alert(1)")
    site.bookings.put(msgspec.structs.replace(order, invoice=script))
    assert "javascript:" not in site.see(Purpose.MANAGE, order).text


def test_every_page_keeps_to_itself(site: Site) -> None:
    order = site.bookings.put(asked_order())
    answers = [
        site.see(Purpose.MANAGE, order),
        site.see(Purpose.ACCEPT, order),
        site.get(Purpose.ACCEPT, "x"),
        site.client.get("/"),
        site.client.put("/accept"),
        site.do(Purpose.ACCEPT, order),
    ]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        policy = answer.headers["content-security-policy"].split("; ")
        assert policy[0] == "default-src 'none'"
        assert policy[1].startswith("style-src 'sha256-")
        assert policy[2:] == ["form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
        assert "set-cookie" not in answer.headers


def test_addresses_do_not_follow_what_the_browser_says_of_the_host(site: Site) -> None:
    order = site.bookings.put(asked_order())
    token = site.bookings.token(Purpose.ACCEPT, order)
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    assert "evil.example" not in site.get(Purpose.ACCEPT, token, headers=headers).text


def test_logs_tell_what_was_done_and_no_secret(site: Site) -> None:
    order = site.bookings.put(asked_order())
    tokens = [site.bookings.token(purpose, order) for purpose in Purpose]
    for purpose, token in zip(Purpose, tokens, strict=True):
        site.get(purpose, token)
        site.post(purpose, token, note="a secret reason")
    lines = [msgspec.json.decode(line) for line in site.logs.splitlines()]
    assert len(lines) >= 2 * len(tokens)
    told = {(line.get("purpose"), line.get("outcome"), line.get("order_id")) for line in lines}
    assert ("accept", "done", order.id) in told
    for secret in (*tokens, "a secret reason", order.mentee.name, order.mentee.email):
        assert secret not in site.logs


def test_what_does_not_answer_makes_a_page_that_says_to_try_again(tmp_path: Path) -> None:
    order = declined_order(mentee=mentee(locale="en"))
    (port,) = free_ports(1)
    shared = {
        "MENTOR_CALENDARS": "shared",
        "GOOGLE_SUBJECT": "sessions@nusademy.example",
        "GOOGLE_API_BASE_URL": f"http://127.0.0.1:{port}",
    }
    with running(tmp_path, **shared) as site:
        site.bookings.put(order)
        before = site.bookings.everything()
        answer = site.do(Purpose.RESCHEDULE, order, starts_at=OTHER_TIME.starts_at.isoformat())
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
        assert heading(answer) == "Please try again in a moment"
        assert "Mohon coba lagi" not in answer.text
        assert site.bookings.everything() == before
        assert "will be tried again" in site.logs


def test_what_nobody_foresaw_makes_a_page_too(tmp_path: Path) -> None:
    with running(tmp_path) as site:
        # A folder in the place of the file: nothing that the adapters have a name for.
        site.bookings.close()
        (site.bookings.data_dir / "orders.db").unlink()
        (site.bookings.data_dir / "orders.db").mkdir()
        answer = site.do(Purpose.ACCEPT, asked_order())
        assert answer.status_code == 503
        assert "Please try again in a moment" in answer.text
        assert "content-security-policy" in answer.headers
        assert "unforeseen error" in site.logs
