"""What people do on their phones, from the link in a message to the end, with no script running."""

from datetime import timedelta

import pytest

from shared.domain.notifications import Recipient
from shared.domain.order import MoneyBackState, Status
from shared.links import Purpose
from tests.bookings import Bookings
from tests.browser.walk import Task, Walk, picture
from tests.builders import (
    asked_order,
    declined_order,
    mentee,
    mentor,
    scheduled_order,
    session,
)

pytestmark = pytest.mark.browser

ENGLISH = mentee(locale="en", name="Amy O'Neill", time_zone="Asia/Singapore")


def test_a_mentor_says_yes(bookings: Bookings, walk: Walk, tasks: list[Task]) -> None:
    order = bookings.put(asked_order())
    walk.open(bookings.url(Purpose.ACCEPT, order))
    assert walk.heading == "Apakah Anda bisa?"
    assert "Selasa, 1 Desember 2026, 20.00\N{EN DASH}21.00 WITA" in walk.text
    picture(walk.page, "accept")
    walk.tap("Ya, saya bisa")
    assert walk.heading == "Sesi sedang disiapkan"
    assert "Terima kasih. Jawaban Anda sudah kami catat." in walk.text
    tasks.append(walk.finished("mentor_accepts"))
    picture(walk.page, "accepted")
    assert bookings.order(order.id).status is Status.PAID
    walk.page.reload()
    assert walk.heading == "Sesi sedang disiapkan"


def test_a_mentor_says_no_from_the_status_page(
    bookings: Bookings, walk: Walk, tasks: list[Task]
) -> None:
    order = bookings.put(asked_order(mentor=mentor(locale="en")))
    walk.open(bookings.url(Purpose.MANAGE, order, Recipient.MENTOR))
    assert walk.heading == "Can you make it?"
    picture(walk.page, "manage-mentor-asked")
    walk.tap("No, I cannot")
    walk.write("What shall we tell Sari Wulandari?", "I am travelling.\nSorry!")
    picture(walk.page, "decline")
    walk.tap("Tell Sari Wulandari that I cannot")
    assert walk.heading == "This time is free for you again"
    tasks.append(walk.finished("mentor_declines"))
    left = bookings.order(order.id)
    assert (left.status, left.decline_note) == (Status.AWAITING_MENTEE, "I am travelling. Sorry!")


def test_a_mentee_chooses_another_time(bookings: Bookings, walk: Walk, tasks: list[Task]) -> None:
    order = bookings.put(declined_order(mentee=ENGLISH))
    walk.open(bookings.url(Purpose.MANAGE, order))
    assert "Budi Hartono wrote: “I am travelling that day”" in walk.text
    picture(walk.page, "manage-mentee-declined")
    walk.tap("Choose another time")
    assert walk.heading == "Choose another time"
    picture(walk.page, "reschedule")
    chosen = (session().starts_at - timedelta(days=5)).replace(hour=2)
    walk.page.get_by_text("Thursday, 26 November 2026").click()  # opens that day's times
    walk.choose(chosen.isoformat())
    walk.tap("Take this time")
    assert walk.heading == "Your payment is here"
    assert "Thursday, 26 November 2026, 10:00\N{EN DASH}11:00 GMT+8 (Singapore)" in walk.text
    tasks.append(walk.finished("mentee_chooses_another_time"))
    picture(walk.page, "rescheduled")
    assert bookings.order(order.id).session.starts_at == chosen


def test_a_mentee_is_told_what_is_wrong_with_a_choice(bookings: Bookings, walk: Walk) -> None:
    order = bookings.put(declined_order(mentee=ENGLISH))
    walk.open(bookings.url(Purpose.RESCHEDULE, order))
    walk.tap("Take this time")
    assert "Please choose one of the times." in walk.text
    picture(walk.page, "reschedule-nothing-chosen")


def test_a_mentee_cancels_for_the_money(bookings: Bookings, walk: Walk, tasks: list[Task]) -> None:
    order = bookings.put(scheduled_order())
    walk.open(bookings.url(Purpose.MANAGE, order))
    assert walk.heading == "Sesi Anda sudah pasti"
    assert "uang Anda Rp250.000 kembali" in walk.text
    picture(walk.page, "manage-mentee-scheduled")
    walk.tap("Batalkan pesanan")
    assert "Uang Anda Rp250.000 kembali lewat cara Anda membayar." in walk.text
    picture(walk.page, "cancel")
    walk.tap("Batalkan, uang Rp250.000 kembali")
    assert walk.heading == "Sesi dibatalkan"
    tasks.append(walk.finished("mentee_cancels"))
    picture(walk.page, "cancelled")
    assert bookings.order(order.id).status is Status.CANCELLED


def test_a_mentee_names_an_account(bookings: Bookings, walk: Walk, tasks: list[Task]) -> None:
    order = bookings.refunding(MoneyBackState.ACCOUNT_WANTED)
    walk.open(bookings.url(Purpose.PAYOUT_ACCOUNT, order))
    picture(walk.page, "payout-account")
    walk.write("Bank atau dompet digital", "BCA")
    walk.write("Nomor rekening", "12-34x")
    walk.write("Nama pemilik rekening", "Sari Wulandari")
    walk.tap("Kirim rekening")
    assert "Mohon periksa nomornya: 5 sampai 20 angka, tanpa huruf." in walk.text
    picture(walk.page, "payout-account-wrong")
    walk.page.get_by_role("link", name="Nomor rekening").click()
    walk.write("Nomor rekening", "1234 5678 90")
    walk.tap("Kirim rekening")
    assert walk.heading == "Sesi dibatalkan"
    assert "BCA ••••••7890" in walk.text
    tasks.append(walk.finished("mentee_names_an_account_after_one_mistake"))
    picture(walk.page, "account-given")
    (refund,) = bookings.order(order.id).refunds
    assert bookings.vault.open(refund.account or "") == "BCA 1234567890 a.n. Sari Wulandari"


def test_an_admin_notes_a_transfer(bookings: Bookings, walk: Walk, tasks: list[Task]) -> None:
    order = bookings.refunding(MoneyBackState.PAYOUT_DUE)
    walk.open(bookings.url(Purpose.PAYOUT_DONE, order))
    assert "BCA 1234567890 a.n. Sari Wulandari" in walk.text
    picture(walk.page, "payout-done")
    walk.tap("Ya, sudah ditransfer")
    assert "Sudah dicatat." in walk.text
    tasks.append(walk.finished("admin_notes_a_transfer"))
    (refund,) = bookings.order(order.id).refunds
    assert (refund.state, refund.account) == (MoneyBackState.PAID_OUT, None)


def test_the_form_for_an_account_needs_a_keyboard_only(bookings: Bookings, walk: Walk) -> None:
    order = bookings.refunding(MoneyBackState.ACCOUNT_WANTED)
    walk.open(bookings.url(Purpose.PAYOUT_ACCOUNT, order))
    keyboard = walk.page.keyboard
    keyboard.press("Tab")  # the way past the header
    picture(walk.page, "keyboard-skip")
    for text in ("BRI", "0812345678", "Sari Wulandari"):
        keyboard.press("Tab")
        keyboard.type(text)
    keyboard.press("Tab")
    picture(walk.page, "keyboard-focus")
    keyboard.press("Enter")
    walk.page.wait_for_url("**/manage?*")
    (refund,) = bookings.order(order.id).refunds
    assert refund.state is MoneyBackState.PAYOUT_DUE


def test_a_link_that_was_used_leads_to_how_things_stand(bookings: Bookings, walk: Walk) -> None:
    order = bookings.put(asked_order(mentor=mentor(locale="en")))
    url = bookings.url(Purpose.ACCEPT, order)
    walk.open(url)
    walk.tap("Yes, I can")
    walk.open(url)
    assert walk.heading == "This link has been used already"
    picture(walk.page, "used")
    walk.tap("See the booking")
    assert walk.heading == "The session is being prepared"
