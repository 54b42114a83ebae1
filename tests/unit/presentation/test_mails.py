"""Every mail to every reader in both languages: what each of them says and shows."""

import re

import pytest

from shared.domain.notifications import Kind
from shared.domain.order import Status
from tests.unit.presentation.samples import (
    A_TIME,
    ADMIN,
    BUTTONS,
    CELLS,
    LINKS,
    MENTEE,
    RAW,
    TIME_WITH_ZONE,
    TOLD,
    WHEN,
    WITHOUT_MONEY,
    Cell,
    Page,
    parts_of,
)

in_every_cell = pytest.mark.parametrize("cell", CELLS, ids=str)
SUBJECTS = {
    "invoice_ready-mentee-id": "Selesaikan pembayaran sesi Anda dengan Budi Santoso",
    "invoice_ready-mentee-en": "Please pay for your session with Budi Santoso",
    "payment_reminder-mentee-id": "Sesi Anda dengan Budi Santoso: bayar sebelum Sel, 1 Des, 18.00 WIB",
    "payment_reminder-mentee-en": "Your session with Budi Santoso: please pay before Tue, 1 Dec, 18:00 WIB",
    "invoice_expired-mentee-id": "Batas waktu pembayaran sesi dengan Budi Santoso sudah lewat",
    "invoice_expired-mentee-en": "The time to pay for your session with Budi Santoso is over",
    "payment_received-mentee-id": "Pembayaran Rp250.000 sudah kami terima",
    "payment_received-mentee-en": "We have received your payment of Rp250.000",
    "confirmation_wanted-mentor-id": "Apakah Anda bisa? Sari Dewi memesan sesi: Sel, 1 Des, 20.00 WITA",
    "confirmation_wanted-mentor-en": "Can you make it? Sari Dewi booked you for Tue, 1 Dec, 20:00 WITA",
    "confirmation_reminder-mentor-id": "Sari Dewi menunggu jawaban Anda: Sel, 1 Des, 20.00 WITA",
    "confirmation_reminder-mentor-en": "Sari Dewi is waiting for your answer: Tue, 1 Dec, 20:00 WITA",
    "session_scheduled-mentee-id": "Sesi dengan Budi Santoso sudah terjadwal: Sel, 1 Des, 19.00 WIB",
    "session_scheduled-mentee-en": "Your session with Budi Santoso is set: Tue, 1 Dec, 19:00 WIB",
    "session_scheduled-mentor-id": "Sesi dengan Sari Dewi sudah terjadwal: Sel, 1 Des, 20.00 WITA",
    "session_scheduled-mentor-en": "Your session with Sari Dewi is set: Tue, 1 Dec, 20:00 WITA",
    "reminder-mentee-id": "1 jam lagi: sesi Anda dengan Budi Santoso",
    "reminder-mentee-en": "In 1 hour: your session with Budi Santoso",
    "reminder-mentor-id": "1 jam lagi: sesi Anda dengan Sari Dewi",
    "reminder-mentor-en": "In 1 hour: your session with Sari Dewi",
    "session_declined-mentee-id": "Sesi Anda dengan Budi Santoso perlu waktu lain",
    "session_declined-mentee-en": "Your session with Budi Santoso needs another time",
    "session_moved-mentee-id": "Waktu baru sesi Anda dengan Budi Santoso: Sel, 1 Des, 19.00 WIB",
    "session_moved-mentee-en": "New time for your session with Budi Santoso: Tue, 1 Dec, 19:00 WIB",
    "session_moved-mentor-id": "Waktu baru sesi Anda dengan Sari Dewi: Sel, 1 Des, 20.00 WITA",
    "session_moved-mentor-en": "New time for your session with Sari Dewi: Tue, 1 Dec, 20:00 WITA",
    "order_cancelled-mentee-id": "Dibatalkan: sesi Anda dengan Budi Santoso (Sel, 1 Des, 19.00 WIB)",
    "order_cancelled-mentee-en": "Cancelled: your session with Budi Santoso (Tue, 1 Dec, 19:00 WIB)",
    "order_cancelled-mentor-id": "Dibatalkan: sesi Anda dengan Sari Dewi (Sel, 1 Des, 20.00 WITA)",
    "order_cancelled-mentor-en": "Cancelled: your session with Sari Dewi (Tue, 1 Dec, 20:00 WITA)",
    "refund_started-mentee-id": "Uang Anda Rp250.000 sedang kami kembalikan",
    "refund_started-mentee-en": "Your Rp250.000 is on its way back",
    "refund_done-mentee-id": "Uang Anda Rp250.000 sudah kami kembalikan",
    "refund_done-mentee-en": "You have Rp250.000 back",
    "refund_failed-mentee-id": "Pengembalian uang Anda Rp250.000 perlu waktu lebih lama",
    "refund_failed-mentee-en": "Sending your Rp250.000 back takes longer",
    "payout_account_wanted-mentee-id": "Ke mana uang Anda Rp250.000 boleh kami kirim?",
    "payout_account_wanted-mentee-en": "Where may we send your Rp250.000?",
    "payout_task-admin-id": "Mohon transfer Rp250.000 kepada Sari Dewi",
    "payout_task-admin-en": "Please transfer Rp250.000 to Sari Dewi",
    "order_rejected-mentee-id": "Maaf, sesi dengan Budi Santoso belum bisa kami siapkan",
    "order_rejected-mentee-en": "Sorry, we could not arrange your session with Budi Santoso",
    "order_rejected-admin-id": "Pesanan ditolak, waktunya sudah terisi: Sari Dewi dengan Budi Santoso",
    "order_rejected-admin-en": "Order rejected, the time was not free: Sari Dewi with Budi Santoso",
    "attention-admin-id": "Perlu tindakan: ruang sesi gagal dibuat (Sari Dewi dengan Budi Santoso)",
    "attention-admin-en": "Action needed: the room could not be made (Sari Dewi with Budi Santoso)",
}
OVER = {Status.CANCELLED, Status.EXPIRED, Status.REJECTED, Status.COMPLETED}
GREETING = {"id": "Halo", "en": "Hello"}
CLOSING = {"id": "Salam hangat,", "en": "Warm regards,"}
FALLBACKS = ("Kalau tombol di atas tidak bisa dibuka", "If the button")


def _manage(cell: Cell) -> list[str]:
    is_live = cell.order.status not in OVER
    return [LINKS.manage] if is_live and cell.recipient is not ADMIN else []


def test_every_kind_but_the_digest_is_among_the_cells() -> None:
    assert set(TOLD) == set(Kind) - {Kind.DIGEST}


@in_every_cell
def test_says_in_both_parts_when_the_session_is_on_the_readers_clock(cell: Cell) -> None:
    for part in parts_of(cell.mail):
        assert WHEN[cell.recipient, cell.locale] in part


@in_every_cell
def test_has_its_own_subject(cell: Cell) -> None:
    assert cell.mail.subject == SUBJECTS[str(cell)]


@in_every_cell
def test_tells_of_money_to_those_whom_it_concerns_and_as_indonesians_write_it(cell: Cell) -> None:
    concerns = cell.kind not in WITHOUT_MONEY and (cell.kind, cell.recipient) != (
        Kind.ORDER_CANCELLED,
        "mentor",
    )
    for part in parts_of(cell.mail):
        assert ("Rp250.000" in part) is concerns
        assert "250000" not in part


@in_every_cell
def test_has_its_links_in_both_parts_and_no_others(cell: Cell) -> None:
    mail = cell.mail
    buttons, manage = BUTTONS.get(cell.kind, []), _manage(cell)
    text, page = parts_of(mail)

    assert re.findall(r"https?://\S+", text) == [*buttons, *manage]
    assert Page(mail.html).links == [*buttons, *buttons, *manage]
    assert re.findall(r"https?://\S+", page) == buttons


@in_every_cell
def test_text_says_all_that_the_page_says(cell: Cell) -> None:
    text, _ = parts_of(cell.mail)
    shown = [line.rstrip(":") for line in Page(cell.mail.html).lines]

    said = [line for line in shown if not line.startswith(FALLBACKS) and line != cell.mail.subject]
    assert len(said) > 5
    assert [line for line in said if line not in text] == []


@in_every_cell
def test_is_in_the_readers_language_and_addressed_to_them(cell: Cell) -> None:
    mail = cell.mail

    assert f'<html lang="{cell.locale}">' in mail.html
    for part in parts_of(mail):
        assert f"{GREETING[cell.locale]} {mail.to_name}," in part
        assert CLOSING[cell.locale] in part
        assert part.endswith("NUS-2026-000123")


@in_every_cell
def test_names_the_other_side_but_tells_nobodys_address_or_phone(cell: Cell) -> None:
    mail = cell.mail
    others = {"Sari Dewi", "Budi Santoso"} - {mail.to_name}

    for part in (mail.subject, mail.text, mail.html):
        assert "@private.example" not in part
        assert "8123456" not in part
    for part in parts_of(mail):
        assert all(name in part for name in others)


@in_every_cell
def test_leaves_no_raw_value_in_a_mail(cell: Cell) -> None:
    mail = cell.mail
    text, page = parts_of(mail)

    for part in (
        mail.subject,
        re.sub(r"https?://\S+", "", text),
        re.sub(r"https?://\S+", "", page),
    ):
        assert RAW.findall(part) == []
    assert "&" not in re.sub(r"https?://\S+", "", mail.text)
    assert "\n\n\n" not in mail.text


@in_every_cell
def test_every_time_has_its_zone(cell: Cell) -> None:
    for part in (cell.mail.subject, *parts_of(cell.mail)):
        zoned = TIME_WITH_ZONE.sub("", part)
        assert A_TIME.search(zoned) is None, zoned


@in_every_cell
def test_html_is_well_formed_and_loads_nothing(cell: Cell) -> None:
    mail = cell.mail
    page = Page(mail.html)

    assert page.open == []
    assert not set(page.tags) & {"style", "script", "link", "img"}
    assert "url(" not in mail.html
    assert mail.html.startswith("<!doctype html>")


def test_mail_is_for_the_reader_and_carries_the_notifications_key() -> None:
    mail = Cell(Kind.REMINDER, TOLD[Kind.REMINDER][1], "id").mail

    assert mail.key == "NUS-2026-000123:reminder-60:mentor:email"
    assert (mail.to_name, mail.to_email) == ("Budi Santoso", "budi@private.example")


def test_first_button_is_the_loud_one() -> None:
    page = Cell(Kind.SESSION_DECLINED, MENTEE, "en").mail.html
    loud, quiet = (
        page.index(f">{label}</a>") for label in ("Choose another time", "Have my money back")
    )

    assert "color:#ffffff" in page[loud - 200 : loud]
    assert "color:#0f5f6b" in page[quiet - 200 : quiet]
