"""What becomes of a link that is old, expired, another's, or none of ours."""

import msgspec
import pytest

from shared.domain.notifications import Recipient
from shared.domain.people import Locale
from shared.links import Purpose
from tests.bookings import READER
from tests.builders import (
    asked_order,
    cancelled_order,
    mentee,
    mentor,
    scheduled_order,
)
from tests.component.functions.manage_booking.site import (
    BASE,
    GIVEN,
    OPEN,
    Site,
    heading,
    links,
)


@pytest.mark.parametrize("purpose", OPEN)
def test_a_form_that_is_sent_twice_does_it_once(purpose: Purpose, site: Site) -> None:
    order, fields = OPEN[purpose]
    site.bookings.put(order)
    first = site.do(purpose, order, **fields)
    before = site.bookings.everything()
    second = site.do(purpose, order, **fields)
    assert (second.status_code, second.location) == (303, first.location)
    assert site.bookings.everything() == before


@pytest.mark.parametrize("purpose", OPEN)
def test_a_link_that_was_overtaken_does_nothing_and_leads_to_the_status(
    purpose: Purpose, site: Site
) -> None:
    order, fields = OPEN[purpose]
    old = site.bookings.token(purpose, order)
    site.bookings.put(msgspec.structs.replace(order, revision=order.revision + 1))
    before = site.bookings.everything()
    for answer in (site.get(purpose, old), site.post(purpose, old, **fields)):
        assert (answer.status_code, heading(answer)) == (410, "Tautan ini sudah dipakai")
        assert site.client.get(links(answer)["Lihat pesanan"]).status_code == 200
    assert site.bookings.everything() == before


@pytest.mark.parametrize("purpose", [p for p in Purpose if p is not Purpose.MANAGE])
def test_what_cannot_be_done_as_the_order_stands_is_refused(purpose: Purpose, site: Site) -> None:
    order = site.bookings.put(cancelled_order(scheduled_order(), refunds=()))
    _, fields = OPEN.get(purpose, (order, GIVEN))
    before = site.bookings.everything()
    for answer in (site.see(purpose, order), site.do(purpose, order, **fields)):
        assert (answer.status_code, heading(answer)) == (409, "Itu tidak bisa dilakukan sekarang")
        assert "Lihat pesanan" in links(answer)
    assert site.bookings.everything() == before


@pytest.mark.parametrize("purpose", OPEN)
def test_it_can_be_too_late(purpose: Purpose, site: Site) -> None:
    order, fields = OPEN[purpose]
    site.bookings.put(order)
    site.bookings.set_time(order.session.starts_at)
    before = site.bookings.everything()
    for answer in (site.see(purpose, order), site.do(purpose, order, **fields)):
        assert (answer.status_code, heading(answer)) == (409, "Sudah terlambat untuk itu")
    assert site.bookings.everything() == before


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("locale", ["id", "en"])
def test_an_expired_link_is_explained_in_the_readers_language(
    locale: Locale, purpose: Purpose, site: Site
) -> None:
    people = {"mentee": mentee(locale=locale), "mentor": mentor(locale=locale)}
    order = site.bookings.put(asked_order(**people))
    before = site.bookings.everything()
    token = site.bookings.expired(purpose, order)
    for answer in (site.get(purpose, token), site.post(purpose, token)):
        assert answer.status_code == 410
        language = "id" if READER[purpose] is Recipient.ADMIN else locale
        assert f'<html lang="{language}">' in answer.text
        assert "help@nusademy.example" in answer.text
        assert links(answer) == {}
    assert site.bookings.everything() == before


@pytest.mark.parametrize("expires_at", [0, -1])
def test_a_link_without_any_time_is_explained_as_an_expired_one(
    expires_at: int, site: Site
) -> None:
    order = site.bookings.put(asked_order(mentor=mentor(locale="en")))
    link = site.bookings.link(Purpose.ACCEPT, order)
    token = site.bookings.signer.token(
        Purpose.ACCEPT, msgspec.structs.replace(link, expires_at=expires_at)
    )
    for answer in (site.get(Purpose.ACCEPT, token), site.post(Purpose.ACCEPT, token)):
        assert answer.status_code == 410
        assert '<html lang="en">' in answer.text


@pytest.mark.parametrize("purpose", Purpose)
def test_what_is_no_link_of_ours_is_refused_in_both_languages(purpose: Purpose, site: Site) -> None:
    order = site.bookings.put(asked_order())
    right = site.bookings.token(purpose, order)
    payload, signature = right.split(".")
    others = [p for p in Purpose if p is not purpose]
    wrong = [
        *("", "x", ".", "\x00", "\ufffd" * 5000, payload, f"{payload}.", f".{signature}"),
        f"{payload[:-1]}.{signature}",
        f"{right}x",
        right[:-1],
        *(site.bookings.token(other, order) for other in others),
    ]
    before = site.bookings.everything()
    for token in wrong:
        for answer in (site.get(purpose, token), site.post(purpose, token)):
            assert answer.status_code == 400
            assert "Tautan ini tidak berfungsi" in answer.text
            assert "This link does not work" in answer.text
            assert order.id not in answer.text
            assert links(answer) == {}
    assert site.bookings.everything() == before


@pytest.mark.parametrize("purpose", [p for p in Purpose if p is not Purpose.MANAGE])
def test_nobody_acts_in_anothers_place(purpose: Purpose, site: Site) -> None:
    order = site.bookings.put(OPEN.get(purpose, (asked_order(), {}))[0])
    before = site.bookings.everything()
    for other in set(Recipient) - {READER[purpose]}:
        token = site.bookings.token(purpose, order, other)
        for answer in (site.get(purpose, token), site.post(purpose, token)):
            assert answer.status_code == 400
    assert site.bookings.everything() == before


def test_a_link_to_one_order_does_nothing_to_another(site: Site) -> None:
    mine = site.bookings.put(asked_order())
    other = site.bookings.put(asked_order(id="NUS-2", mentor=mentor(id="m-5")))
    site.follow(site.do(Purpose.ACCEPT, mine))
    assert site.bookings.order(other.id) == other


def test_a_token_in_the_address_of_a_form_is_not_enough(site: Site) -> None:
    order = site.bookings.put(asked_order())
    token = site.bookings.token(Purpose.ACCEPT, order)
    assert site.client.post("/accept", query_string={"token": token}).status_code == 400
    assert site.bookings.order(order.id) == order


def test_an_order_that_is_not_there_is_not_found(site: Site) -> None:
    answer = site.see(Purpose.MANAGE, asked_order(id="NUS-404"))
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


@pytest.mark.parametrize("path", ["/", "/accepted", "/manage/x", "/payout_done"])
def test_any_other_address_is_not_found(path: str, site: Site) -> None:
    assert site.client.get(path).status_code == 404
    assert site.client.post(path).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_not_allowed(method: str, site: Site) -> None:
    order = site.bookings.put(asked_order())
    url = site.bookings.url(Purpose.ACCEPT, order).removeprefix(BASE)
    answer = site.client.open(url, method=method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert site.bookings.order(order.id) == order


def test_the_status_page_takes_no_form(site: Site) -> None:
    order = site.bookings.put(asked_order())
    assert site.do(Purpose.MANAGE, order).status_code == 405


@pytest.mark.parametrize(
    "body",
    [b"token=" + b"x" * (64 * 1024), b"&".join(b"a=1" for _ in range(30))],
    ids=["large", "many fields"],
)
def test_a_body_that_no_form_of_ours_sends_is_refused(body: bytes, site: Site) -> None:
    answer = site.client.post("/accept", data=body)
    assert answer.status_code in {400, 413}
    assert "That did not work" in answer.text
