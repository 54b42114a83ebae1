"""The mails: every message to every reader in both languages, and what must never be in one."""
# ruff: noqa: RUF001 -- the en dash between two times is part of what is asserted

import html
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from types import ModuleType
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.send_notification.rendering import Brand, Renderer
from shared.domain import billing, meetings, placement
from shared.domain.dead_letters import DEAD_LETTER
from shared.domain.money import Money
from shared.domain.notifications import MESSAGE_FAILED, TABLE, Kind, Mail, Notification, Recipient
from shared.domain.order import Meeting, Order, OrderInvoice, Payment, Status, StatusChange
from shared.domain.people import Locale, Person
from shared.domain.schedule import Session
from shared.errors import PermanentError

START = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
PAY_URL = "https://checkout.example/web/6745?a=1&b=2"
ROOM_URL = "https://meet.example/abc-defg-hij"
LOCALES: tuple[Locale, ...] = ("id", "en")
RENDERER = Renderer(Brand(name="Nusantara Mentoring", help_email="help@nusantara.example"))


def _person(
    name: str = "Sari Dewi", *, time_zone: str = "Asia/Jakarta", locale: Locale = "id"
) -> Person:
    identifier = name.split(maxsplit=1)[0].lower()
    return Person(
        id=identifier,
        name=name,
        email=f"{identifier}@private.example",
        phone="+6281234567890",
        locale=locale,
        time_zone=time_zone,
    )


def _order(*, locale: Locale = "id", reason: str | None = None) -> Order:
    paid_at = START - timedelta(hours=5)
    return Order(
        id="NUS-2026-000123",
        subject="Portfolio review",
        mentee=_person(locale=locale),
        mentor=_person("Budi Santoso", time_zone="Asia/Makassar", locale=locale),
        session=Session(starts_at=START, duration_minutes=60),
        price=Money(amount=250_000, currency="IDR"),
        fingerprint="f",
        status=Status.SCHEDULED,
        history=(StatusChange(status=Status.SCHEDULED, at=START, reason=reason),),
        invoice=OrderInvoice(id="inv-1", url=PAY_URL, expires_at=START - timedelta(hours=1)),
        payment=Payment(invoice_id="inv-1", amount=250_000, paid_at=paid_at),
        meeting=Meeting(event_id="e1", meet_url=ROOM_URL),
    )


def _mail(
    kind: Kind,
    recipient: Recipient,
    order: Order,
    *,
    detail: str | None = None,
    reader: Person | None = None,
    minutes_left: int | None = None,
) -> Mail:
    people = {
        Recipient.MENTEE: order.mentee,
        Recipient.MENTOR: order.mentor,
        Recipient.ADMIN: _person(
            "Tim Admin", time_zone="Asia/Jayapura", locale=order.mentee.locale
        ),
    }
    notification = Notification(order_id=order.id, kind=kind, recipient=recipient, detail=detail)
    lead = minutes_left or (int(detail) if kind is Kind.REMINDER and detail else 0)
    now = order.session.starts_at - timedelta(minutes=lead)
    return RENDERER.render(notification, order, reader or people[recipient], now)


DETAIL = {Kind.REMINDER: "60", Kind.ATTENTION: "room_failed"}


class Cell(NamedTuple):
    """One message to one reader in one language."""

    kind: Kind
    recipient: Recipient
    locale: Locale

    @property
    def mail(self) -> Mail:
        return self.mail_about(_order(locale=self.locale, reason="slot_taken"))

    def mail_about(self, order: Order) -> Mail:
        return _mail(self.kind, self.recipient, order, detail=DETAIL.get(self.kind))

    def __str__(self) -> str:
        return f"{self.kind}-{self.recipient}-{self.locale}"


CELLS = [
    Cell(rule.kind, recipient, locale)
    for rule in TABLE.values()
    for recipient in rule.recipients
    for locale in LOCALES
]
in_every_cell = pytest.mark.parametrize("cell", CELLS, ids=str)
WHEN = {
    (Recipient.MENTEE, "id"): "Selasa, 1 Desember 2026, 19.00–20.00 WIB",
    (Recipient.MENTOR, "id"): "Selasa, 1 Desember 2026, 20.00–21.00 WITA",
    (Recipient.ADMIN, "id"): "Selasa, 1 Desember 2026, 21.00–22.00 WIT",
    (Recipient.MENTEE, "en"): "Tuesday, 1 December 2026, 19:00–20:00 WIB",
    (Recipient.MENTOR, "en"): "Tuesday, 1 December 2026, 20:00–21:00 WITA",
    (Recipient.ADMIN, "en"): "Tuesday, 1 December 2026, 21:00–22:00 WIT",
}
SUBJECTS = {
    "invoice_ready-mentee-id": "Selesaikan pembayaran sesi Anda dengan Budi Santoso",
    "invoice_ready-mentee-en": "Please pay for your session with Budi Santoso",
    "payment_received-mentee-id": "Pembayaran Rp250.000 sudah kami terima",
    "payment_received-mentee-en": "We have received your payment of Rp250.000",
    "session_scheduled-mentee-id": "Sesi dengan Budi Santoso sudah terjadwal: Sel, 1 Des, 19.00 WIB",
    "session_scheduled-mentee-en": "Your session with Budi Santoso is set: Tue, 1 Dec, 19:00 WIB",
    "session_scheduled-mentor-id": "Sesi dengan Sari Dewi sudah terjadwal: Sel, 1 Des, 20.00 WITA",
    "session_scheduled-mentor-en": "Your session with Sari Dewi is set: Tue, 1 Dec, 20:00 WITA",
    "reminder-mentee-id": "1 jam lagi: sesi Anda dengan Budi Santoso",
    "reminder-mentee-en": "In 1 hour: your session with Budi Santoso",
    "reminder-mentor-id": "1 jam lagi: sesi Anda dengan Sari Dewi",
    "reminder-mentor-en": "In 1 hour: your session with Sari Dewi",
    "invoice_expired-mentee-id": "Batas waktu pembayaran sesi dengan Budi Santoso sudah lewat",
    "invoice_expired-mentee-en": "The time to pay for your session with Budi Santoso is over",
    "order_rejected-mentee-id": "Maaf, sesi dengan Budi Santoso belum bisa kami siapkan",
    "order_rejected-mentee-en": "Sorry, we could not arrange your session with Budi Santoso",
    "order_rejected-admin-id": "Pesanan ditolak: Sari Dewi dengan Budi Santoso (slot_taken)",
    "order_rejected-admin-en": "Order rejected: Sari Dewi with Budi Santoso (slot_taken)",
    "attention-admin-id": "Perlu tindakan: pesanan Sari Dewi dengan Budi Santoso (room_failed)",
    "attention-admin-en": "Action needed: order of Sari Dewi with Budi Santoso (room_failed)",
}
LINKS = {
    Kind.INVOICE_READY: PAY_URL,
    Kind.SESSION_SCHEDULED: ROOM_URL,
    Kind.REMINDER: ROOM_URL,
}
WITHOUT_PRICE = {Kind.SESSION_SCHEDULED, Kind.REMINDER}
GREETING = {"id": "Halo", "en": "Hello"}
CLOSING = {"id": "Salam hangat,", "en": "Warm regards,"}


class _Page(HTMLParser):
    """Collects what a mail program would show, and the tags that it would see."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.tags: Counter[str] = Counter()
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        if tag not in {"br", "meta"}:
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def _parts(mail: Mail) -> tuple[str, str]:
    return " ".join(mail.text.split()), _Page(mail.html).text


@in_every_cell
def test_says_in_both_parts_when_the_session_is_on_the_readers_clock(cell: Cell) -> None:
    for part in _parts(cell.mail):
        assert WHEN[cell.recipient, cell.locale] in part


@in_every_cell
def test_has_its_own_subject(cell: Cell) -> None:
    assert cell.mail.subject == SUBJECTS[str(cell)]


@in_every_cell
def test_shows_the_price_to_those_whom_it_concerns(cell: Cell) -> None:
    for part in _parts(cell.mail):
        assert ("Rp250.000" in part) is (cell.kind not in WITHOUT_PRICE)


@in_every_cell
def test_has_its_link_in_both_parts_and_no_other(cell: Cell) -> None:
    mail = cell.mail
    link = LINKS.get(cell.kind)
    text, page = _parts(mail)

    assert re.findall(r"https?://\S+", text) == ([link] if link else [])
    assert _Page(mail.html).links == ([link, link] if link else [])
    assert re.findall(r"https?://\S+", page) == ([link] if link else [])


@in_every_cell
def test_is_in_the_readers_language_and_addressed_to_them(cell: Cell) -> None:
    mail = cell.mail

    assert f'<html lang="{cell.locale}">' in mail.html
    for part in _parts(mail):
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
    for part in _parts(mail):
        assert all(name in part for name in others)


@in_every_cell
def test_leaves_no_raw_value_in_a_mail(cell: Cell) -> None:
    mail = cell.mail

    for part in (mail.subject, mail.text, mail.html):
        assert not re.search(r"None|\+00:00|\d{4}-\d\d-\d\d[T ]|\{\{|\}\}|\{%|%\}|\{#", part)
    assert "&" not in mail.text.replace(PAY_URL, "")
    assert "\n\n\n" not in mail.text


@in_every_cell
def test_html_is_well_formed_and_loads_nothing(cell: Cell) -> None:
    mail = cell.mail
    page = _Page(mail.html)

    assert page.open == []
    assert not set(page.tags) & {"style", "script", "link", "img"}
    assert "url(" not in mail.html
    assert mail.html.startswith("<!doctype html>")


@pytest.mark.parametrize("locale", LOCALES)
def test_invoice_tells_until_when_to_pay(locale: Locale) -> None:
    expected = {
        "id": "Bayar sebelum: Selasa, 1 Desember 2026, 18.00 WIB",
        "en": "Pay before: Tuesday, 1 December 2026, 18:00 WIB",
    }
    assert expected[locale] in Cell(Kind.INVOICE_READY, Recipient.MENTEE, locale).mail.text


@pytest.mark.parametrize("locale", LOCALES)
def test_receipt_tells_when_the_payment_was_made(locale: Locale) -> None:
    expected = {
        "id": "Waktu pembayaran: Selasa, 1 Desember 2026, 14.00 WIB",
        "en": "Time of payment: Tuesday, 1 December 2026, 14:00 WIB",
    }
    assert expected[locale] in Cell(Kind.PAYMENT_RECEIVED, Recipient.MENTEE, locale).mail.text


def test_mail_is_for_the_reader_and_carries_the_notifications_key() -> None:
    mail = Cell(Kind.REMINDER, Recipient.MENTOR, "id").mail

    assert mail.key == "NUS-2026-000123:reminder-60:mentor:email"
    assert (mail.to_name, mail.to_email) == ("Budi Santoso", "budi@private.example")


# Reasons


def _reasons(module: ModuleType) -> list[str]:
    return [v for name, v in vars(module).items() if name.isupper() and isinstance(v, str)]


REJECTIONS = _reasons(placement)
ATTENTIONS = [*_reasons(billing), *_reasons(meetings), MESSAGE_FAILED, DEAD_LETTER]


def _first_words(kind: Kind, recipient: Recipient, locale: Locale, reason: str) -> str:
    """Return the mail's text without the reason's code, which always differs."""
    order = _order(locale=locale, reason=reason)
    detail = reason if kind is Kind.ATTENTION else None
    return _mail(kind, recipient, order, detail=detail).text.replace(reason, "")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    ("kind", "recipient", "reasons"),
    [
        (Kind.ORDER_REJECTED, Recipient.MENTEE, REJECTIONS),
        (Kind.ORDER_REJECTED, Recipient.ADMIN, REJECTIONS),
        (Kind.ATTENTION, Recipient.ADMIN, ATTENTIONS),
    ],
)
def test_every_reason_has_its_own_words(
    kind: Kind, recipient: Recipient, reasons: list[str], locale: Locale
) -> None:
    unknown = "a reason of tomorrow"
    texts = {_first_words(kind, recipient, locale, reason) for reason in [*reasons, unknown]}

    assert len(reasons) >= 4
    assert len(texts) == len(reasons) + 1


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("reason", REJECTIONS)
def test_mentee_is_not_shown_the_code_of_a_rejection(reason: str, locale: Locale) -> None:
    mail = _mail(Kind.ORDER_REJECTED, Recipient.MENTEE, _order(locale=locale, reason=reason))

    assert reason not in mail.subject + mail.text + mail.html


def test_unknown_reason_is_told_to_the_admin_by_its_code() -> None:
    mail = _mail(Kind.ATTENTION, Recipient.ADMIN, _order(locale="en"), detail="new_trouble")

    assert "the system cannot solve it by itself" in mail.text
    assert "Reason code: new_trouble" in mail.text


@pytest.mark.parametrize("recipient", [Recipient.MENTEE, Recipient.ADMIN])
def test_rejection_without_a_reason_still_reads_well(recipient: Recipient) -> None:
    mail = _mail(Kind.ORDER_REJECTED, recipient, _order(reason=None))

    assert "None" not in mail.subject + mail.text + mail.html


# Names that mean harm

EVIL = '<script>alert("x")</script> & O\'Neil {{ 7 * 7 }}'


@in_every_cell
def test_names_and_topics_are_escaped_in_html_and_kept_in_text(cell: Cell) -> None:
    order = _order(locale=cell.locale, reason="slot_taken")
    evil = msgspec.structs.replace(
        order,
        subject=EVIL,
        mentee=msgspec.structs.replace(order.mentee, name=EVIL),
        mentor=msgspec.structs.replace(order.mentor, name=EVIL),
    )
    mail = cell.mail_about(evil)

    assert _Page(mail.html).tags == _Page(cell.mail.html).tags
    assert EVIL in mail.text
    assert EVIL in _Page(mail.html).text


@given(name=st.text(min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_no_name_changes_the_shape_of_a_mail(name: str) -> None:
    order = _order()
    named = msgspec.structs.replace(
        order, mentor=msgspec.structs.replace(order.mentor, name=name), subject=name
    )
    mail = _mail(Kind.SESSION_SCHEDULED, Recipient.MENTEE, named)
    usual = Cell(Kind.SESSION_SCHEDULED, Recipient.MENTEE, "id").mail

    assert _Page(mail.html).tags == _Page(usual.html).tags
    assert len(mail.text.splitlines()) == len(usual.text.splitlines())
    assert len(mail.subject.splitlines()) == 1


def test_link_cannot_leave_its_attribute() -> None:
    order = _order()
    link = 'https://meet.example/"><b>'
    odd = msgspec.structs.replace(order, meeting=Meeting(event_id="e1", meet_url=link))
    mail = _mail(Kind.REMINDER, Recipient.MENTEE, odd, detail="10")

    assert html.escape(link, quote=True).replace("&quot;", "&#34;") in mail.html
    assert _Page(mail.html).links == [link, link]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085", "\n", "\r\n"])
def test_what_unicode_takes_for_a_new_line_stays_out_of_headers(separator: str) -> None:
    reader = msgspec.structs.replace(_person(), name=f"Sari{separator}Bcc: x")
    order = msgspec.structs.replace(_order(), mentor=reader)
    mail = _mail(Kind.REMINDER, Recipient.MENTEE, order, detail="10", reader=reader)

    assert mail.to_name == "Sari Bcc: x"
    assert mail.subject == "10 menit lagi: sesi Anda dengan Sari Bcc: x"


# An order that lacks what the message is about


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        (Kind.INVOICE_READY, "invoice"),
        (Kind.INVOICE_EXPIRED, "invoice"),
        (Kind.PAYMENT_RECEIVED, "payment"),
        (Kind.SESSION_SCHEDULED, "meeting"),
        (Kind.REMINDER, "meeting"),
    ],
)
def test_order_that_lacks_what_the_message_is_about_is_refused(kind: Kind, missing: str) -> None:
    order = msgspec.structs.replace(_order(), **{missing: None})

    with pytest.raises(PermanentError, match=f"order {order.id} cannot be told of {kind}"):
        _mail(kind, Recipient.MENTEE, order, detail=DETAIL.get(kind))


def test_reminder_without_a_lead_time_is_refused() -> None:
    with pytest.raises(PermanentError, match="'lead' is undefined"):
        _mail(Kind.REMINDER, Recipient.MENTEE, _order())


@pytest.mark.parametrize(
    ("detail", "minutes_left", "told"),
    [
        ("1440", 1439, "24 hours"),
        ("1440", 600, "10 hours"),
        ("60", 31, "30 minutes"),
        ("10", 4, "4 minutes"),
    ],
)
def test_a_reminder_that_is_late_names_the_time_that_is_left(
    detail: str, minutes_left: int, told: str
) -> None:
    reader = _person("Ayu", locale="en")
    mail = _mail(
        Kind.REMINDER,
        Recipient.MENTEE,
        _order(),
        detail=detail,
        reader=reader,
        minutes_left=minutes_left,
    )
    assert told in mail.subject
    assert told in mail.text
