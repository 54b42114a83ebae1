"""What people do by the forms behind their links."""

import re
from datetime import timedelta

import msgspec
import pytest

from shared.domain.availability import Availability
from shared.domain.notifications import Recipient
from shared.domain.order import MoneyBackState, Status
from shared.domain.schedule import MentorDay
from shared.links import Purpose
from tests.bookings import ACCOUNT
from tests.builders import (
    NOW,
    asked_order,
    declined_order,
    mentee,
    mentor,
    scheduled_order,
    session,
)
from tests.component.functions.manage_booking.site import (
    BASE,
    GIVEN,
    OPEN,
    OTHER_TIME,
    Site,
    form,
    heading,
)


@pytest.mark.parametrize("purpose", OPEN)
def test_what_a_link_is_for_is_done_by_its_form(purpose: Purpose, site: Site) -> None:
    order, fields = OPEN[purpose]
    site.bookings.put(order)
    shown = site.see(purpose, order)
    assert shown.status_code == 200
    action, hidden = form(shown)
    assert action == f"{BASE}/{purpose}"
    done = site.client.post(f"/{purpose}", data=fields | hidden)
    assert site.follow(done).status_code == 200
    assert site.bookings.order(order.id).revision == order.revision + 1


def test_a_yes_makes_the_order_ready_for_its_meeting(site: Site) -> None:
    order = site.bookings.put(asked_order())
    page = site.follow(site.do(Purpose.ACCEPT, order))
    assert heading(page) == "Sesi sedang disiapkan"
    assert "Terima kasih. Jawaban Anda sudah kami catat." in page.text
    left = site.bookings.order(order.id)
    assert left.status is Status.PAID
    assert left.confirmation is not None
    assert left.confirmation.accepted_at is not None
    assert site.bookings.topics() == ["invoice.paid"]


def test_a_no_frees_the_slot_and_puts_the_choice_to_the_mentee(site: Site) -> None:
    order = site.bookings.put(asked_order())
    note = "I am ill.\r\n\tSorry!\x00\u202e"
    site.follow(site.do(Purpose.DECLINE, order, note=note))
    left = site.bookings.order(order.id)
    assert (left.status, left.reason) == (Status.AWAITING_MENTEE, "declined")
    assert left.decline_note == "I am ill. Sorry!"
    free = [MentorDay(key=key) for key in order.day_keys]
    assert site.bookings.orders.days(order.day_keys) == free
    assert site.bookings.topics() == ["session.declined"]
    assert "I am ill. Sorry!" in site.see(Purpose.MANAGE, left).text


@pytest.mark.parametrize("note", [" \n ", "\u200b\u00ad"])
def test_a_no_needs_no_words(note: str, site: Site) -> None:
    order = site.bookings.put(scheduled_order())
    site.follow(site.do(Purpose.DECLINE, order, note=note))
    assert site.bookings.order(order.id).decline_note is None


def test_too_many_words_are_kept_for_the_mentor_to_shorten(site: Site) -> None:
    order = site.bookings.put(asked_order(mentor=mentor(locale="en")))
    before = site.bookings.everything()
    answer = site.do(Purpose.DECLINE, order, note="x" * 501)
    assert answer.status_code == 422
    assert "Please shorten it to 500 characters; it has 501 now." in answer.text
    assert "x" * 501 in answer.text
    assert site.bookings.everything() == before
    assert site.do(Purpose.DECLINE, order, note="x" * 500).status_code == 303


def test_a_session_is_moved_to_a_time_that_was_offered(site: Site) -> None:
    order = site.bookings.put(scheduled_order())
    offered = re.findall(
        r'name="starts_at" value="([^"]*)"', site.see(Purpose.RESCHEDULE, order).text
    )
    assert OTHER_TIME.starts_at.isoformat() in offered
    assert order.session.starts_at.isoformat() not in offered
    page = site.follow(site.do(Purpose.RESCHEDULE, order, starts_at=offered[-1]))
    assert "Sesi sudah dipindahkan ke waktu di bawah ini." in page.text
    left = site.bookings.order(order.id)
    assert (left.session.starts_at.isoformat(), left.moves) == (offered[-1], 1)
    assert site.bookings.topics() == ["invoice.paid", "order.rescheduled"]


def test_times_are_told_in_the_zone_of_who_reads(site: Site) -> None:
    order = declined_order(mentee=mentee(locale="en", time_zone="America/New_York"))
    page = site.see(Purpose.RESCHEDULE, site.bookings.put(order)).text
    assert "in your time zone: GMT-5 (New York)." in page
    # Eight in the evening in Makassar.
    at = '<input type="radio" name="starts_at" value="2026-12-02T12:00:00+00:00"'
    assert re.search(re.escape(at) + r"[^>]*> 07:00</label>", page)
    day = page.rindex("<summary", 0, page.index(at))
    assert page[day:].split(">")[1] == "Wednesday, 2 December 2026</summary"


def test_a_time_that_went_meanwhile_is_said_and_others_are_offered(site: Site) -> None:
    order = site.bookings.put(scheduled_order(mentee=mentee(locale="en")))
    site.bookings.put(scheduled_order(id="NUS-2", session=OTHER_TIME))
    before = site.bookings.everything()
    chosen = OTHER_TIME.starts_at.isoformat()
    answer = site.do(Purpose.RESCHEDULE, order, starts_at=chosen)
    assert answer.status_code == 409
    assert "That time has just gone" in answer.text
    assert chosen not in answer.text
    assert (OTHER_TIME.starts_at - timedelta(hours=1)).isoformat() in answer.text
    assert site.bookings.everything() == before


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
    starts_at: str, status: int, site: Site
) -> None:
    order = site.bookings.put(scheduled_order())
    before = site.bookings.everything()
    answer = site.do(Purpose.RESCHEDULE, order, starts_at=starts_at)
    assert answer.status_code == status
    assert "<form" in answer.text
    assert site.bookings.everything() == before


def test_where_there_is_no_other_time_the_page_says_what_to_do(site: Site) -> None:
    order = site.bookings.put(declined_order(mentee=mentee(locale="en")))
    days = tuple((NOW + timedelta(days=n)).date() for n in range(-1, 30))
    off = Availability(mentor_id=order.mentor.id, days_off=days)
    site.bookings.availability.put(off)
    page = site.see(Purpose.RESCHEDULE, order)
    assert heading(page) == "There is no other time at the moment"
    assert "write to help@nusademy.example" in page.text
    assert "<form" not in page.text


def test_a_cancellation_in_time_gives_the_money_back(site: Site) -> None:
    order = site.bookings.put(scheduled_order(mentee=mentee(locale="en")))
    asked = site.see(Purpose.CANCEL, order)
    assert "You get Rp250.000 back" in asked.text
    assert "Monday, 30 November 2026, 19:00 WIB" in asked.text
    page = site.follow(site.do(Purpose.CANCEL, order, told="refunded"))
    assert heading(page) == "The session has been cancelled"
    assert "Rp250.000 go back to you." in page.text
    assert site.bookings.topics() == ["order.cancelled", "refund.due"]


def test_a_late_cancellation_says_before_that_no_money_goes_back(site: Site) -> None:
    order = site.bookings.put(scheduled_order(mentee=mentee(locale="en")))
    site.bookings.set_time(order.session.starts_at - timedelta(hours=23))
    assert "less than 24 hours" in site.see(Purpose.MANAGE, order).text
    asked = site.see(Purpose.CANCEL, order)
    assert "You get no money back" in asked.text
    page = site.follow(site.client.post("/cancel", data=form(asked)[1]))
    assert "the payment is not given back" in page.text
    assert site.bookings.order(order.id).refunds == ()


def test_nobody_loses_money_that_the_page_had_promised(site: Site) -> None:
    order = site.bookings.put(scheduled_order(mentee=mentee(locale="en")))
    sent = form(site.see(Purpose.CANCEL, order))[1]
    site.bookings.set_time(order.session.starts_at - timedelta(hours=23))
    before = site.bookings.everything()
    answer = site.client.post("/cancel", data=sent)
    assert answer.status_code == 409
    assert "Nothing has been done. Please read it again and decide." in answer.text
    assert site.bookings.everything() == before
    assert site.client.post("/cancel", data=form(answer)[1]).status_code == 303


def test_an_account_is_sealed_and_shown_in_full_only_where_it_is_transferred_to(
    site: Site,
) -> None:
    order = site.bookings.refunding(MoneyBackState.ACCOUNT_WANTED)
    done = site.do(Purpose.PAYOUT_ACCOUNT, order, **GIVEN)
    pages = [site.follow(done)]
    left = site.bookings.order(order.id)
    (refund,) = left.refunds
    assert refund.state is MoneyBackState.PAYOUT_DUE
    assert site.bookings.vault.open(refund.account or "") == ACCOUNT
    pages += [
        site.see(Purpose.PAYOUT_ACCOUNT, left),
        site.see(Purpose.MANAGE, left, Recipient.ADMIN),
    ]
    assert "BCA ••••••7890" in pages[0].text
    assert "BCA ••••••7890" in pages[2].text
    assert ACCOUNT in site.see(Purpose.PAYOUT_DONE, left).text
    for page in pages:
        assert "1234567890" not in page.text
    assert "1234567890" not in done.location + site.logs
    assert "1234567890" not in "".join(site.bookings.everything())
    assert site.bookings.topics() == ["order.cancelled", "refund.updated"]


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
        ({"bank": "\u200b\u200d\u2060"}, "Please name the bank or e-wallet"),
        ({"holder": "\ufeff\u00ad\u3000\u200b"}, "Please give the name"),
    ],
)
def test_what_is_wrong_with_an_account_is_said_beside_its_field(
    wrong: dict[str, str], complaint: str, site: Site
) -> None:
    order = site.bookings.refunding(MoneyBackState.ACCOUNT_WANTED)
    order = site.bookings.put(msgspec.structs.replace(order, mentee=mentee(locale="en")))
    before = site.bookings.everything()
    answer = site.do(Purpose.PAYOUT_ACCOUNT, order, **GIVEN | wrong)
    assert answer.status_code == 422
    (name,) = wrong
    assert f'<a href="#{name}">' in answer.text
    assert f'aria-describedby="{name}-hint {name}-complaint" aria-invalid="true"' in answer.text
    assert answer.text.count(complaint) == 2
    for kept in GIVEN.keys() - wrong.keys():
        assert f'value="{GIVEN[kept]}"' in answer.text
    assert site.bookings.everything() == before


_CONTROLS = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))


def test_what_no_page_may_contain_is_left_out_where_a_field_is_shown_again(site: Site) -> None:
    order = site.bookings.put(asked_order())
    answer = site.do(Purpose.DECLINE, order, note=f"ill{_CONTROLS}\n" + "x" * 500)
    assert answer.status_code == 422
    assert "\nill\t\n\x0c\r\n" + "x" * 500 + "</textarea>" in answer.text
    order = site.bookings.refunding(MoneyBackState.ACCOUNT_WANTED)
    answer = site.do(Purpose.PAYOUT_ACCOUNT, order, **GIVEN | {"number": f"12345{_CONTROLS}6"})
    assert answer.status_code == 422
    assert 'value="12345\t\n\x0c\r6"' in answer.text


@pytest.mark.parametrize("number", ["1234 5678 90", "123-456-7890", "1234.567890"])
def test_a_number_may_be_written_in_groups(number: str, site: Site) -> None:
    order = site.bookings.refunding(MoneyBackState.FAILED)
    site.follow(site.do(Purpose.PAYOUT_ACCOUNT, order, **GIVEN | {"number": number}))
    (refund,) = site.bookings.order(order.id).refunds
    assert site.bookings.vault.open(refund.account or "") == ACCOUNT


def test_an_account_can_be_given_once(site: Site) -> None:
    order = site.bookings.refunding(MoneyBackState.ACCOUNT_WANTED)
    site.follow(site.do(Purpose.PAYOUT_ACCOUNT, order, **GIVEN))
    before = site.bookings.everything()
    assert site.do(Purpose.PAYOUT_ACCOUNT, order, **GIVEN).status_code == 303
    other = site.do(Purpose.PAYOUT_ACCOUNT, order, **GIVEN | {"number": "9999999999"})
    assert (other.status_code, heading(other)) == (409, "Rekeningnya sudah kami terima")
    assert site.bookings.everything() == before


def test_an_account_whose_key_is_gone_is_to_be_asked_for(site: Site) -> None:
    order = site.bookings.refunding(MoneyBackState.PAYOUT_DUE)
    (refund,) = order.refunds
    lost = msgspec.structs.replace(refund, account="sealed by somebody else")
    order = site.bookings.put(msgspec.structs.replace(order, refunds=(lost,)))
    page = site.see(Purpose.PAYOUT_DONE, order)
    assert page.status_code == 200
    assert "Rekeningnya tidak bisa dibaca lagi" in page.text
    assert "sealed by somebody else" not in page.text


def test_a_transfer_is_noted_by_the_admin(site: Site) -> None:
    order = site.bookings.refunding(MoneyBackState.PAYOUT_DUE)
    page = site.follow(site.do(Purpose.PAYOUT_DONE, order))
    assert "Sari Wulandari segera dikabari." in page.text
    (refund,) = site.bookings.order(order.id).refunds
    assert (refund.state, refund.account) == (MoneyBackState.PAID_OUT, None)
    before = site.bookings.everything()
    assert site.do(Purpose.PAYOUT_DONE, order).status_code == 303
    assert site.see(Purpose.PAYOUT_DONE, order).status_code == 409
    assert site.bookings.everything() == before
