"""What manage_booking does with any link, and with anything that is none."""

import io
import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from itertools import product
from pathlib import Path
from typing import Any

import functions_framework
import msgspec
import pytest
from werkzeug.test import Client, TestResponse

from functions.manage_booking.words import LOCALES
from local.ports import free_ports
from local.staging import ROOT
from shared.domain.availability import Availability
from shared.domain.notifications import Recipient
from shared.domain.order import MoneyBackState, Order, Status
from shared.domain.people import Locale
from shared.domain.schedule import MentorDay
from shared.links import Purpose
from shared.observability import JsonFormatter
from tests.bookings import ACCOUNT, READER, Bookings
from tests.builders import (
    NOW,
    asked_order,
    cancelled_order,
    declined_order,
    invoiced_order,
    mentee,
    mentor,
    order_in,
    paid_order,
    scheduled_order,
    session,
)

BASE = "https://booking.nusademy.example/b"
GIVEN = {"bank": "BCA", "number": "1234567890", "holder": "Sari Wulandari"}
OTHER_TIME = session(starts_at=session().starts_at + timedelta(days=1))
# For each purpose an order at which it can be done, and what its form sends.
OPEN: dict[Purpose, tuple[Order, dict[str, str]]] = {
    Purpose.ACCEPT: (asked_order(), {}),
    Purpose.DECLINE: (asked_order(), {"note": "I am ill"}),
    Purpose.RESCHEDULE: (scheduled_order(), {"starts_at": OTHER_TIME.starts_at.isoformat()}),
    Purpose.CANCEL: (scheduled_order(), {"told": "refunded"}),
}


class Served:
    """The function as its framework serves it, and a browser in front of it."""

    def __init__(self, bookings: Bookings, client: Client, logs: io.StringIO) -> None:
        self.bookings = bookings
        self.client = client
        self.unforeseen = 0
        self._logs = logs

    @property
    def logs(self) -> str:
        return self._logs.getvalue()

    def get(self, purpose: Purpose, token: str, **options: Any) -> TestResponse:
        return self.client.get(f"/{purpose}", query_string={"token": token}, **options)

    def post(self, purpose: Purpose, token: str, **fields: str) -> TestResponse:
        return self.client.post(f"/{purpose}", data={"token": token, **fields})

    def do(self, purpose: Purpose, order: Order, **fields: str) -> TestResponse:
        """Send the form of a link to the order."""
        return self.post(purpose, self.bookings.token(purpose, order), **fields)

    def see(
        self, purpose: Purpose, order: Order, recipient: Recipient | None = None
    ) -> TestResponse:
        """Open a link to the order."""
        return self.get(purpose, self.bookings.token(purpose, order, recipient))

    def follow(self, answer: TestResponse) -> TestResponse:
        """Go where the answer sends the browser."""
        assert answer.status_code == 303
        assert answer.location.startswith(BASE)
        return self.client.get(answer.location.removeprefix(BASE))


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    bookings = Bookings(tmp_path, BASE)
    for name, value in bookings.settings.items():
        monkeypatch.setenv(name, value)
    logs = io.StringIO()
    handler = logging.StreamHandler(logs)
    handler.setFormatter(JsonFormatter("test"))
    logger = logging.getLogger("pipeline")
    before = logger.handlers[:], logger.level, logger.propagate
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    source = str(ROOT / "functions" / "manage_booking" / "main.py")
    app = functions_framework.create_app("manage_booking", source)  # type: ignore[no-untyped-call]
    given = Served(bookings, app.test_client(), logs)
    yield given
    logger.handlers[:], logger.level, logger.propagate = before
    bookings.close()
    assert given.logs.count("unforeseen error") == given.unforeseen


def heading(answer: TestResponse) -> str:
    (found,) = re.findall(r"<h1>(.*)</h1>", answer.text)
    return unescape(found)


def links(answer: TestResponse) -> dict[str, str]:
    """Return the addresses of the page's links by what they say, without the base URL."""
    found = re.findall(r'<a [^>]*href="([^"#][^"]*)"[^>]*>(.*?)</a>', answer.text)
    return {unescape(label): unescape(url).removeprefix(BASE) for url, label in found}


def form(answer: TestResponse) -> tuple[str, dict[str, str]]:
    """Return where the page's form goes, and its hidden fields."""
    (action,) = re.findall(r'<form method="post" action="([^"]*)"', answer.text)
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text)
    return unescape(action), {name: unescape(value) for name, value in hidden}


@pytest.mark.parametrize("purpose", OPEN)
def test_what_a_link_is_for_is_done_by_its_form(purpose: Purpose, served: Served) -> None:
    order, fields = OPEN[purpose]
    served.bookings.put(order)
    shown = served.see(purpose, order)
    assert shown.status_code == 200
    action, hidden = form(shown)
    assert action == f"{BASE}/{purpose}"
    done = served.client.post(f"/{purpose}", data=fields | hidden)
    assert served.follow(done).status_code == 200
    assert served.bookings.order(order.id).revision == order.revision + 1


def test_a_yes_makes_the_order_ready_for_its_meeting(served: Served) -> None:
    order = served.bookings.put(asked_order())
    page = served.follow(served.do(Purpose.ACCEPT, order))
    assert heading(page) == "Sesi sedang disiapkan"
    assert "Terima kasih. Jawaban Anda sudah kami catat." in page.text
    left = served.bookings.order(order.id)
    assert left.status is Status.PAID
    assert left.confirmation is not None
    assert left.confirmation.accepted_at is not None
    assert served.bookings.topics() == ["invoice.paid"]


def test_a_no_frees_the_slot_and_puts_the_choice_to_the_mentee(served: Served) -> None:
    order = served.bookings.put(asked_order())
    note = "I am ill.\r\n\tSorry!\x00\u202e"
    served.follow(served.do(Purpose.DECLINE, order, note=note))
    left = served.bookings.order(order.id)
    assert (left.status, left.reason) == (Status.AWAITING_MENTEE, "declined")
    assert left.decline_note == "I am ill. Sorry!"
    free = [MentorDay(key=key) for key in order.day_keys]
    assert served.bookings.orders.days(order.day_keys) == free
    assert served.bookings.topics() == ["session.declined"]
    assert "I am ill. Sorry!" in served.see(Purpose.MANAGE, left).text


def test_a_no_needs_no_words(served: Served) -> None:
    order = served.bookings.put(scheduled_order())
    served.follow(served.do(Purpose.DECLINE, order, note=" \n "))
    assert served.bookings.order(order.id).decline_note is None


def test_too_many_words_are_kept_for_the_mentor_to_shorten(served: Served) -> None:
    order = served.bookings.put(asked_order(mentor=mentor(locale="en")))
    before = served.bookings.everything()
    answer = served.do(Purpose.DECLINE, order, note="x" * 501)
    assert answer.status_code == 422
    assert "Please shorten it to 500 characters; it has 501 now." in answer.text
    assert "x" * 501 in answer.text
    assert served.bookings.everything() == before
    assert served.do(Purpose.DECLINE, order, note="x" * 500).status_code == 303


def test_a_session_is_moved_to_a_time_that_was_offered(served: Served) -> None:
    order = served.bookings.put(scheduled_order())
    offered = re.findall(
        r'name="starts_at" value="([^"]*)"', served.see(Purpose.RESCHEDULE, order).text
    )
    assert OTHER_TIME.starts_at.isoformat() in offered
    assert order.session.starts_at.isoformat() not in offered
    page = served.follow(served.do(Purpose.RESCHEDULE, order, starts_at=offered[-1]))
    assert "Sesi sudah dipindahkan ke waktu di bawah ini." in page.text
    left = served.bookings.order(order.id)
    assert (left.session.starts_at.isoformat(), left.moves) == (offered[-1], 1)
    assert served.bookings.topics() == ["invoice.paid", "meeting.scheduled", "order.rescheduled"]


def test_times_are_told_in_the_zone_of_who_reads(served: Served) -> None:
    order = declined_order(mentee=mentee(locale="en", time_zone="America/New_York"))
    page = served.see(Purpose.RESCHEDULE, served.bookings.put(order)).text
    assert "in your time zone: GMT-5 (New York)." in page
    # Eight in the evening in Makassar.
    at = '<input type="radio" name="starts_at" value="2026-12-02T12:00:00+00:00"'
    assert re.search(re.escape(at) + r"[^>]*> 07:00</label>", page)
    day = page.rindex("<summary", 0, page.index(at))
    assert page[day:].split(">")[1] == "Wednesday, 2 December 2026</summary"


def test_a_time_that_went_meanwhile_is_said_and_others_are_offered(served: Served) -> None:
    order = served.bookings.put(scheduled_order(mentee=mentee(locale="en")))
    served.bookings.put(scheduled_order(id="NUS-2", session=OTHER_TIME))
    before = served.bookings.everything()
    chosen = OTHER_TIME.starts_at.isoformat()
    answer = served.do(Purpose.RESCHEDULE, order, starts_at=chosen)
    assert answer.status_code == 409
    assert "That time has just gone" in answer.text
    assert chosen not in answer.text
    assert (OTHER_TIME.starts_at + timedelta(hours=1)).isoformat() in answer.text
    assert served.bookings.everything() == before


@pytest.mark.parametrize(
    ("starts_at", "status"),
    [
        ("", 422),
        ("soon", 422),
        ("2026-12-02T12:00:00", 422),
        ("2026-11-24T03:00:00Z", 409),
        ("2026-12-12T12:00:00Z", 409),
        ("9999-12-31T23:59:59Z", 409),
        (session().starts_at.isoformat(), 409),
    ],
)
def test_a_time_that_was_never_offered_moves_nothing(
    starts_at: str, status: int, served: Served
) -> None:
    order = served.bookings.put(scheduled_order())
    before = served.bookings.everything()
    answer = served.do(Purpose.RESCHEDULE, order, starts_at=starts_at)
    assert answer.status_code == status
    assert "<form" in answer.text
    assert served.bookings.everything() == before


def test_where_there_is_no_other_time_the_page_says_what_to_do(served: Served) -> None:
    order = served.bookings.put(declined_order(mentee=mentee(locale="en")))
    days = tuple((NOW + timedelta(days=n)).date() for n in range(-1, 30))
    off = Availability(mentor_id=order.mentor.id, days_off=days)
    served.bookings.availability.put(off)
    page = served.see(Purpose.RESCHEDULE, order)
    assert heading(page) == "There is no other time at the moment"
    assert "write to help@nusademy.example" in page.text
    assert "<form" not in page.text


def test_a_cancellation_in_time_gives_the_money_back(served: Served) -> None:
    order = served.bookings.put(scheduled_order(mentee=mentee(locale="en")))
    asked = served.see(Purpose.CANCEL, order)
    assert "You get Rp250.000 back" in asked.text
    assert "Monday, 30 November 2026, 19:00 WIB" in asked.text
    page = served.follow(served.do(Purpose.CANCEL, order, told="refunded"))
    assert heading(page) == "The session has been cancelled"
    assert "Rp250.000 go back to you." in page.text
    assert served.bookings.topics() == ["order.cancelled", "refund.due"]


def test_a_late_cancellation_says_before_that_no_money_goes_back(served: Served) -> None:
    order = served.bookings.put(scheduled_order(mentee=mentee(locale="en")))
    served.bookings.set_time(order.session.starts_at - timedelta(hours=23))
    assert "less than 24 hours" in served.see(Purpose.MANAGE, order).text
    asked = served.see(Purpose.CANCEL, order)
    assert "You get no money back" in asked.text
    page = served.follow(served.client.post("/cancel", data=form(asked)[1]))
    assert "the payment is not given back" in page.text
    assert served.bookings.order(order.id).refunds == ()


def test_nobody_loses_money_that_the_page_had_promised(served: Served) -> None:
    order = served.bookings.put(scheduled_order(mentee=mentee(locale="en")))
    sent = form(served.see(Purpose.CANCEL, order))[1]
    served.bookings.set_time(order.session.starts_at - timedelta(hours=23))
    before = served.bookings.everything()
    answer = served.client.post("/cancel", data=sent)
    assert answer.status_code == 409
    assert "Nothing has been done. Please read it again and decide." in answer.text
    assert served.bookings.everything() == before
    assert served.client.post("/cancel", data=form(answer)[1]).status_code == 303


def test_an_account_is_sealed_and_never_shown_in_full(served: Served) -> None:
    order = served.bookings.refunding(MoneyBackState.ACCOUNT_WANTED)
    done = served.do(Purpose.PAYOUT_ACCOUNT, order, **GIVEN)
    pages = [served.follow(done)]
    left = served.bookings.order(order.id)
    (refund,) = left.refunds
    assert refund.state is MoneyBackState.PAYOUT_DUE
    assert served.bookings.vault.open(refund.account or "") == ACCOUNT
    pages += [
        served.see(Purpose.PAYOUT_ACCOUNT, left),
        served.see(Purpose.PAYOUT_DONE, left),
        served.see(Purpose.MANAGE, left, Recipient.ADMIN),
    ]
    assert "BCA ••••••7890" in pages[0].text
    assert "BCA ••••••7890" in pages[2].text
    for page in pages:
        assert "1234567890" not in page.text
    assert "1234567890" not in done.location + served.logs
    assert "1234567890" not in "".join(served.bookings.everything())
    assert served.bookings.topics() == ["order.cancelled", "refund.updated"]


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"bank": ""}, "Please name the bank or e-wallet"),
        ({"bank": "x" * 61}, "Please name the bank or e-wallet"),
        ({"number": "123a5"}, "Please check the number"),
        ({"number": "1234"}, "Please check the number"),
        ({"number": "1" * 21}, "Please check the number"),
        ({"number": "\u0661\u0662\u0663\u0664\u0665\u0666"}, "Please check the number"),
        ({"holder": "\x00 "}, "Please give the name"),
    ],
)
def test_what_is_wrong_with_an_account_is_said_beside_its_field(
    wrong: dict[str, str], complaint: str, served: Served
) -> None:
    order = served.bookings.refunding(MoneyBackState.ACCOUNT_WANTED)
    order = served.bookings.put(msgspec.structs.replace(order, mentee=mentee(locale="en")))
    before = served.bookings.everything()
    answer = served.do(Purpose.PAYOUT_ACCOUNT, order, **GIVEN | wrong)
    assert answer.status_code == 422
    (name,) = wrong
    assert f'<a href="#{name}">' in answer.text
    assert f'aria-describedby="{name}-hint {name}-complaint" aria-invalid="true"' in answer.text
    assert answer.text.count(complaint) == 2
    for kept in GIVEN.keys() - wrong.keys():
        assert f'value="{GIVEN[kept]}"' in answer.text
    assert served.bookings.everything() == before


@pytest.mark.parametrize("number", ["1234 5678 90", "123-456-7890", "1234.567890"])
def test_a_number_may_be_written_in_groups(number: str, served: Served) -> None:
    order = served.bookings.refunding(MoneyBackState.FAILED)
    served.follow(served.do(Purpose.PAYOUT_ACCOUNT, order, **GIVEN | {"number": number}))
    (refund,) = served.bookings.order(order.id).refunds
    assert served.bookings.vault.open(refund.account or "") == ACCOUNT


def test_an_account_can_be_given_once(served: Served) -> None:
    order = served.bookings.refunding(MoneyBackState.ACCOUNT_WANTED)
    served.follow(served.do(Purpose.PAYOUT_ACCOUNT, order, **GIVEN))
    before = served.bookings.everything()
    assert served.do(Purpose.PAYOUT_ACCOUNT, order, **GIVEN).status_code == 303
    other = served.do(Purpose.PAYOUT_ACCOUNT, order, **GIVEN | {"number": "9999999999"})
    assert (other.status_code, heading(other)) == (409, "Rekeningnya sudah kami terima")
    assert served.bookings.everything() == before


def test_a_transfer_is_noted_by_the_admin(served: Served) -> None:
    order = served.bookings.refunding(MoneyBackState.PAYOUT_DUE)
    page = served.follow(served.do(Purpose.PAYOUT_DONE, order))
    assert "Sari Wulandari segera dikabari." in page.text
    (refund,) = served.bookings.order(order.id).refunds
    assert (refund.state, refund.account) == (MoneyBackState.PAID_OUT, None)
    before = served.bookings.everything()
    assert served.do(Purpose.PAYOUT_DONE, order).status_code == 303
    assert served.see(Purpose.PAYOUT_DONE, order).status_code == 409
    assert served.bookings.everything() == before


@pytest.mark.parametrize("purpose", OPEN)
def test_a_form_that_is_sent_twice_does_it_once(purpose: Purpose, served: Served) -> None:
    order, fields = OPEN[purpose]
    served.bookings.put(order)
    first = served.do(purpose, order, **fields)
    before = served.bookings.everything()
    second = served.do(purpose, order, **fields)
    assert (second.status_code, second.location) == (303, first.location)
    assert served.bookings.everything() == before


@pytest.mark.parametrize("purpose", OPEN)
def test_a_link_that_was_overtaken_does_nothing_and_leads_to_the_status(
    purpose: Purpose, served: Served
) -> None:
    order, fields = OPEN[purpose]
    old = served.bookings.token(purpose, order)
    served.bookings.put(msgspec.structs.replace(order, revision=order.revision + 1))
    before = served.bookings.everything()
    for answer in (served.get(purpose, old), served.post(purpose, old, **fields)):
        assert (answer.status_code, heading(answer)) == (410, "Tautan ini sudah dipakai")
        assert served.client.get(links(answer)["Lihat pesanan"]).status_code == 200
    assert served.bookings.everything() == before


@pytest.mark.parametrize("purpose", [p for p in Purpose if p is not Purpose.MANAGE])
def test_what_cannot_be_done_as_the_order_stands_is_refused(
    purpose: Purpose, served: Served
) -> None:
    order = served.bookings.put(cancelled_order(scheduled_order(), refunds=()))
    _, fields = OPEN.get(purpose, (order, GIVEN))
    before = served.bookings.everything()
    for answer in (served.see(purpose, order), served.do(purpose, order, **fields)):
        assert (answer.status_code, heading(answer)) == (409, "Itu tidak bisa dilakukan sekarang")
        assert "Lihat pesanan" in links(answer)
    assert served.bookings.everything() == before


@pytest.mark.parametrize("purpose", OPEN)
def test_it_can_be_too_late(purpose: Purpose, served: Served) -> None:
    order, fields = OPEN[purpose]
    served.bookings.put(order)
    served.bookings.set_time(order.session.starts_at)
    before = served.bookings.everything()
    for answer in (served.see(purpose, order), served.do(purpose, order, **fields)):
        assert (answer.status_code, heading(answer)) == (409, "Sudah terlambat untuk itu")
    assert served.bookings.everything() == before


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("locale", ["id", "en"])
def test_an_expired_link_is_explained_in_the_readers_language(
    locale: Locale, purpose: Purpose, served: Served
) -> None:
    people = {"mentee": mentee(locale=locale), "mentor": mentor(locale=locale)}
    order = served.bookings.put(asked_order(**people))
    before = served.bookings.everything()
    token = served.bookings.expired(purpose, order)
    for answer in (served.get(purpose, token), served.post(purpose, token)):
        assert answer.status_code == 410
        language = "id" if READER[purpose] is Recipient.ADMIN else locale
        assert f'<html lang="{language}">' in answer.text
        assert "help@nusademy.example" in answer.text
        assert links(answer) == {}
    assert served.bookings.everything() == before


@pytest.mark.parametrize("purpose", Purpose)
def test_what_is_no_link_of_ours_is_refused_in_both_languages(
    purpose: Purpose, served: Served
) -> None:
    order = served.bookings.put(asked_order())
    right = served.bookings.token(purpose, order)
    payload, signature = right.split(".")
    others = [p for p in Purpose if p is not purpose]
    wrong = [
        *("", "x", ".", "\x00", "\ufffd" * 5000, payload, f"{payload}.", f".{signature}"),
        f"{payload[:-1]}.{signature}",
        f"{right}x",
        right[:-1],
        *(served.bookings.token(other, order) for other in others),
    ]
    before = served.bookings.everything()
    for token in wrong:
        for answer in (served.get(purpose, token), served.post(purpose, token)):
            assert answer.status_code == 400
            assert "Tautan ini tidak berfungsi" in answer.text
            assert "This link does not work" in answer.text
            assert order.id not in answer.text
            assert links(answer) == {}
    assert served.bookings.everything() == before


@pytest.mark.parametrize("purpose", [p for p in Purpose if p is not Purpose.MANAGE])
def test_nobody_acts_in_anothers_place(purpose: Purpose, served: Served) -> None:
    order = served.bookings.put(OPEN.get(purpose, (asked_order(), {}))[0])
    before = served.bookings.everything()
    for other in set(Recipient) - {READER[purpose]}:
        token = served.bookings.token(purpose, order, other)
        for answer in (served.get(purpose, token), served.post(purpose, token)):
            assert answer.status_code == 400
    assert served.bookings.everything() == before


def test_a_link_to_one_order_does_nothing_to_another(served: Served) -> None:
    mine = served.bookings.put(asked_order())
    other = served.bookings.put(asked_order(id="NUS-2", mentor=mentor(id="m-5")))
    served.follow(served.do(Purpose.ACCEPT, mine))
    assert served.bookings.order(other.id) == other


def test_a_token_in_the_address_of_a_form_is_not_enough(served: Served) -> None:
    order = served.bookings.put(asked_order())
    token = served.bookings.token(Purpose.ACCEPT, order)
    assert served.client.post("/accept", query_string={"token": token}).status_code == 400
    assert served.bookings.order(order.id) == order


def test_an_order_that_is_not_there_is_not_found(served: Served) -> None:
    answer = served.see(Purpose.MANAGE, asked_order(id="NUS-404"))
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


@pytest.mark.parametrize("path", ["/", "/accepted", "/manage/x", "/payout_done"])
def test_any_other_address_is_not_found(path: str, served: Served) -> None:
    assert served.client.get(path).status_code == 404
    assert served.client.post(path).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_not_allowed(method: str, served: Served) -> None:
    order = served.bookings.put(asked_order())
    url = served.bookings.url(Purpose.ACCEPT, order).removeprefix(BASE)
    answer = served.client.open(url, method=method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert served.bookings.order(order.id) == order


def test_the_status_page_takes_no_form(served: Served) -> None:
    order = served.bookings.put(asked_order())
    assert served.do(Purpose.MANAGE, order).status_code == 405


@pytest.mark.parametrize(
    "body",
    [b"token=" + b"x" * (64 * 1024), b"&".join(b"a=1" for _ in range(30))],
    ids=["large", "many fields"],
)
def test_a_body_that_no_form_of_ours_sends_is_refused(body: bytes, served: Served) -> None:
    answer = served.client.post("/accept", data=body)
    assert answer.status_code in {400, 413}
    assert "That did not work" in answer.text


@pytest.mark.parametrize("status", Status)
def test_opening_a_link_never_changes_anything(status: Status, served: Served) -> None:
    order = served.bookings.put(order_in(status))
    before = served.bookings.everything()
    for purpose, method in product(Purpose, ("GET", "HEAD")):
        url = served.bookings.url(purpose, order).removeprefix(BASE)
        answer = served.client.open(url, method=method)
        assert answer.status_code in {200, 409}
        assert bool(answer.text) == (method == "GET")
    assert served.bookings.everything() == before


@pytest.mark.parametrize("status", Status)
def test_every_status_has_its_words_for_every_reader(status: Status, served: Served) -> None:
    for locale, recipient in product(LOCALES, Recipient):
        people = {"mentee": mentee(locale=locale), "mentor": mentor(locale=locale)}
        order = served.bookings.put(msgspec.structs.replace(order_in(status), **people))
        page = served.see(Purpose.MANAGE, order, recipient)
        assert page.status_code == 200
        assert "Rp250.000" in page.text
        assert bool(re.search(r"2026, 20[.:]00", page.text)) == (recipient == "mentor")


@pytest.mark.parametrize("locale", ["id", "en"])
@pytest.mark.parametrize("recipient", [Recipient.MENTEE, Recipient.ADMIN])
@pytest.mark.parametrize("state", MoneyBackState)
def test_every_state_of_a_refund_has_its_words(
    state: MoneyBackState, recipient: Recipient, locale: Locale, served: Served
) -> None:
    order = served.bookings.refunding(state)
    order = served.bookings.put(msgspec.structs.replace(order, mentee=mentee(locale=locale)))
    assert "Rp250.000" in served.see(Purpose.MANAGE, order, recipient).text


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
    order: Order, recipient: Recipient, labels: list[str], served: Served
) -> None:
    served.bookings.put(order)
    offered = links(served.see(Purpose.MANAGE, order, recipient))
    assert list(offered) == labels
    ours = [url for url in offered.values() if url.startswith("/")]
    assert [served.client.get(url).status_code for url in ours] == [200] * len(ours)


def test_an_old_link_to_the_status_page_still_shows_it_with_fresh_links(served: Served) -> None:
    order = served.bookings.put(asked_order())
    old = served.bookings.token(Purpose.MANAGE, order)
    served.follow(served.do(Purpose.ACCEPT, order))
    page = served.get(Purpose.MANAGE, old)
    assert page.status_code == 200
    assert served.client.get(links(page)["Batalkan pesanan"]).status_code == 200


def test_fresh_links_do_not_outlive_the_one_that_led_to_them(served: Served) -> None:
    order = served.bookings.put(scheduled_order())
    link = served.bookings.link(Purpose.MANAGE, order)
    soon = int((served.bookings.clock.now() + timedelta(hours=1)).timestamp())
    token = served.bookings.signer.token(
        Purpose.MANAGE, msgspec.structs.replace(link, expires_at=soon)
    )
    url = links(served.get(Purpose.MANAGE, token))["Batalkan pesanan"]
    served.bookings.set_time(served.bookings.clock.now() + timedelta(hours=2))
    assert served.client.get(url).status_code == 410


@pytest.mark.parametrize("done", ["accept", "manage", "x", "<b>", "cancel"])
def test_only_what_its_reader_can_have_done_is_said_to_be_done(done: str, served: Served) -> None:
    order = served.bookings.put(asked_order())
    token = served.bookings.token(Purpose.MANAGE, order)
    page = served.client.get("/manage", query_string={"token": token, "done": done})
    assert ('role="status"' in page.text) == (done == "cancel")


def test_what_people_wrote_is_shown_as_they_wrote_it(served: Served) -> None:
    evil = '"><script>alert(1)</script>{{ 7*7 }}{mentor}%s'
    order = declined_order(
        mentee=mentee(name=evil, locale="en"),
        mentor=mentor(name=evil, locale="en"),
        subject=evil,
        decline_note=evil,
    )
    served.bookings.put(order)
    pages = [served.see(Purpose.MANAGE, order, recipient) for recipient in Recipient]
    pages.append(served.see(Purpose.RESCHEDULE, order))
    for page in pages:
        assert page.status_code == 200
        assert "<script" not in page.text
        assert evil in unescape(page.text)
    asked = served.bookings.put(asked_order(mentor=mentor(locale="en")))
    too_long = "</textarea><script>alert(1)</script>" * 20
    assert "<script" not in served.do(Purpose.DECLINE, asked, note=too_long).text


def test_an_address_of_a_vendor_that_is_none_of_a_page_is_no_link(served: Served) -> None:
    order = invoiced_order()
    assert order.invoice is not None
    script = msgspec.structs.replace(order.invoice, url="javascript:alert(1)")
    served.bookings.put(msgspec.structs.replace(order, invoice=script))
    assert "javascript:" not in served.see(Purpose.MANAGE, order).text


def test_every_page_keeps_to_itself(served: Served) -> None:
    order = served.bookings.put(asked_order())
    answers = [
        served.see(Purpose.MANAGE, order),
        served.see(Purpose.ACCEPT, order),
        served.get(Purpose.ACCEPT, "x"),
        served.client.get("/"),
        served.client.put("/accept"),
        served.do(Purpose.ACCEPT, order),
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


def test_addresses_do_not_follow_what_the_browser_says_of_the_host(served: Served) -> None:
    order = served.bookings.put(asked_order())
    token = served.bookings.token(Purpose.ACCEPT, order)
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    assert "evil.example" not in served.get(Purpose.ACCEPT, token, headers=headers).text


def test_logs_tell_what_was_done_and_no_secret(served: Served) -> None:
    order = served.bookings.put(asked_order())
    tokens = [served.bookings.token(purpose, order) for purpose in Purpose]
    for purpose, token in zip(Purpose, tokens, strict=True):
        served.get(purpose, token)
        served.post(purpose, token, note="a secret reason")
    lines = [msgspec.json.decode(line) for line in served.logs.splitlines()]
    assert len(lines) >= 2 * len(tokens)
    told = {(line.get("purpose"), line.get("outcome"), line.get("order_id")) for line in lines}
    assert ("accept", "done", order.id) in told
    for secret in (*tokens, "a secret reason", order.mentee.name, order.mentee.email):
        assert secret not in served.logs


@pytest.fixture
def unreachable_calendars(monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("MENTOR_CALENDARS", "shared")
    monkeypatch.setenv("GOOGLE_SUBJECT", "sessions@nusademy.example")
    monkeypatch.setenv("GOOGLE_API_BASE_URL", f"http://127.0.0.1:{port}")


@pytest.mark.usefixtures("unreachable_calendars")
def test_what_does_not_answer_makes_a_page_that_says_to_try_again(served: Served) -> None:
    order = served.bookings.put(declined_order(mentee=mentee(locale="en")))
    before = served.bookings.everything()
    answer = served.do(Purpose.RESCHEDULE, order, starts_at=OTHER_TIME.starts_at.isoformat())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert heading(answer) == "Please try again in a moment"
    assert "Mohon coba lagi" not in answer.text
    assert served.bookings.everything() == before
    assert "will be tried again" in served.logs


def test_what_nobody_foresaw_makes_a_page_too(served: Served) -> None:
    order = served.bookings.put(asked_order(mentor=mentor(locale="en")))
    served.bookings.close()
    (served.bookings.data_dir / "orders.db").unlink()
    (served.bookings.data_dir / "orders.db").mkdir()
    answer = served.do(Purpose.ACCEPT, order)
    served.unforeseen = 1
    assert answer.status_code == 503
    assert "Please try again in a moment" in answer.text
    assert "content-security-policy" in answer.headers
