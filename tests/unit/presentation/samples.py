"""What the tests of messages share: an order at each point, who is told what, and a page reader."""
# ruff: noqa: RUF001 -- the en dash between two times is part of what is asserted

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import NamedTuple

import msgspec

from shared.domain.money import Money
from shared.domain.notifications import Channel, Kind, Mail, Notification, Recipient
from shared.domain.order import Meeting, Order, OrderInvoice, Payment, Status, StatusChange
from shared.domain.people import Locale, Person
from shared.domain.schedule import Session
from shared.presentation.brand import Brand
from shared.presentation.facts import Links
from shared.presentation.rendering import Renderer

START = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
PAY_URL = "https://checkout.example/web/6745?a=1&b=2"
ROOM_URL = "https://meet.example/abc-defg-hij"
LOCALES: tuple[Locale, ...] = ("id", "en")
BRAND = Brand(name="Nusantara Mentoring", help_email="help@nusantara.example")
RENDERER = Renderer(BRAND)
LINKS = Links(
    manage="https://booking.example/see?t=1&s=a",
    accept="https://booking.example/accept?t=2&s=b",
    decline="https://booking.example/decline?t=3&s=c",
    choose_time="https://booking.example/time?t=4&s=d",
    refund="https://booking.example/refund?t=5&s=e",
    payout_account="https://booking.example/account?t=6&s=f",
    payout_done="https://booking.example/done?t=7&s=g",
)
DETAILS = {
    "reason": "declined",
    "words": "I am travelling that day",
    "by": "mentor",
    "refund": "yes",
    "refund_amount": "250000",
    "old_start": "2026-11-30T12:00:00+00:00",
    "answer_by": "2026-11-25T02:00:00+00:00",
    "choose_by": "2026-11-28T02:00:00+00:00",
}
MENTEE, MENTOR, ADMIN = Recipient.MENTEE, Recipient.MENTOR, Recipient.ADMIN
TOLD: Mapping[Kind, tuple[Recipient, ...]] = {
    Kind.INVOICE_READY: (MENTEE,),
    Kind.PAYMENT_REMINDER: (MENTEE,),
    Kind.INVOICE_EXPIRED: (MENTEE,),
    Kind.PAYMENT_RECEIVED: (MENTEE,),
    Kind.CONFIRMATION_WANTED: (MENTOR,),
    Kind.CONFIRMATION_REMINDER: (MENTOR,),
    Kind.SESSION_SCHEDULED: (MENTEE, MENTOR),
    Kind.REMINDER: (MENTEE, MENTOR),
    Kind.SESSION_DECLINED: (MENTEE,),
    Kind.SESSION_MOVED: (MENTEE, MENTOR),
    Kind.ORDER_CANCELLED: (MENTEE, MENTOR),
    Kind.REFUND_STARTED: (MENTEE,),
    Kind.REFUND_DONE: (MENTEE,),
    Kind.REFUND_FAILED: (MENTEE,),
    Kind.PAYOUT_ACCOUNT_WANTED: (MENTEE,),
    Kind.PAYOUT_TASK: (ADMIN,),
    Kind.ORDER_REJECTED: (MENTEE, ADMIN),
    Kind.ATTENTION: (ADMIN,),
}
_STATUS = {
    Kind.INVOICE_READY: Status.INVOICED,
    Kind.PAYMENT_REMINDER: Status.INVOICED,
    Kind.INVOICE_EXPIRED: Status.EXPIRED,
    Kind.PAYMENT_RECEIVED: Status.PAID,
    Kind.CONFIRMATION_WANTED: Status.AWAITING_MENTOR,
    Kind.CONFIRMATION_REMINDER: Status.AWAITING_MENTOR,
    Kind.SESSION_DECLINED: Status.AWAITING_MENTEE,
    Kind.ORDER_CANCELLED: Status.CANCELLED,
    Kind.REFUND_STARTED: Status.CANCELLED,
    Kind.REFUND_DONE: Status.CANCELLED,
    Kind.REFUND_FAILED: Status.CANCELLED,
    Kind.PAYOUT_ACCOUNT_WANTED: Status.CANCELLED,
    Kind.PAYOUT_TASK: Status.CANCELLED,
    Kind.ORDER_REJECTED: Status.REJECTED,
}
WHEN = {
    (MENTEE, "id"): "Selasa, 1 Desember 2026, 19.00–20.00 WIB",
    (MENTOR, "id"): "Selasa, 1 Desember 2026, 20.00–21.00 WITA",
    (ADMIN, "id"): "Selasa, 1 Desember 2026, 21.00–22.00 WIT",
    (MENTEE, "en"): "Tuesday, 1 December 2026, 19:00–20:00 WIB",
    (MENTOR, "en"): "Tuesday, 1 December 2026, 20:00–21:00 WITA",
    (ADMIN, "en"): "Tuesday, 1 December 2026, 21:00–22:00 WIT",
}

BUTTONS = {
    Kind.INVOICE_READY: [PAY_URL],
    Kind.PAYMENT_REMINDER: [PAY_URL],
    Kind.CONFIRMATION_WANTED: [LINKS.accept, LINKS.decline],
    Kind.CONFIRMATION_REMINDER: [LINKS.accept, LINKS.decline],
    Kind.SESSION_SCHEDULED: [ROOM_URL],
    Kind.REMINDER: [ROOM_URL],
    Kind.SESSION_DECLINED: [LINKS.choose_time, LINKS.refund],
    Kind.SESSION_MOVED: [ROOM_URL],
    Kind.REFUND_FAILED: [LINKS.payout_account],
    Kind.PAYOUT_ACCOUNT_WANTED: [LINKS.payout_account],
    Kind.PAYOUT_TASK: [LINKS.payout_done],
}
WITHOUT_MONEY = {
    Kind.CONFIRMATION_WANTED,
    Kind.CONFIRMATION_REMINDER,
    Kind.SESSION_SCHEDULED,
    Kind.REMINDER,
    Kind.SESSION_MOVED,
}
# A word with an underscore, or a stored form of an instant: nobody should read these.
RAW = re.compile(r"\b[a-z]+_[a-z_]+\b|None|[+-]\d\d:\d\d\b|\d{4}-\d\d-\d\d|\{\{|\}\}|\{%|%\}|\{#")
A_TIME = re.compile(r"\b([01]\d|2[0-3])[.:][0-5]\d(?!\d)")
TIME_WITH_ZONE = re.compile(
    r"\b([01]\d|2[0-3])[.:][0-5]\d(\S([01]\d|2[0-3])[.:][0-5]\d)? WI(B|TA|T)\b"
)


def person(
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


def order(
    *, locale: Locale = "id", reason: str | None = None, status: Status = Status.SCHEDULED
) -> Order:
    paid_at = START - timedelta(hours=5)
    return Order(
        id="NUS-2026-000123",
        subject="Portfolio review",
        mentee=person(locale=locale),
        mentor=person("Budi Santoso", time_zone="Asia/Makassar", locale=locale),
        session=Session(starts_at=START, duration_minutes=60),
        price=Money(amount=250_000, currency="IDR"),
        fingerprint="f",
        status=status,
        history=(StatusChange(status=status, at=START, reason=reason),),
        invoice=OrderInvoice(id="inv-1", url=PAY_URL, expires_at=START - timedelta(hours=1)),
        payment=Payment(invoice_id="inv-1", amount=250_000, paid_at=paid_at),
        meeting=Meeting(event_id="e1", meet_url=ROOM_URL),
    )


def with_names(about: Order, name: str) -> Order:
    """Return the order with this name and topic everywhere."""
    return msgspec.structs.replace(
        about,
        subject=name,
        mentee=msgspec.structs.replace(about.mentee, name=name),
        mentor=msgspec.structs.replace(about.mentor, name=name),
    )


def reader_of(about: Order, recipient: Recipient) -> Person:
    admin = person("Tim Admin", time_zone="Asia/Jayapura", locale=about.mentee.locale)
    return {MENTEE: about.mentee, MENTOR: about.mentor, ADMIN: admin}[recipient]


def notification(
    kind: Kind, recipient: Recipient, about: Order, *, channel: Channel = Channel.EMAIL
) -> Notification:
    detail = {Kind.REMINDER: "60", Kind.ATTENTION: "room_failed"}.get(kind)
    lead = 60 if kind is Kind.REMINDER else None
    return Notification(
        order_id=about.id,
        kind=kind,
        recipient=recipient,
        channel=channel,
        detail=detail,
        lead_minutes=lead,
    )


def mail_of(
    kind: Kind, recipient: Recipient, about: Order, details: Mapping[str, str] = DETAILS
) -> Mail:
    told = notification(kind, recipient, about)
    return RENDERER.render(
        told, about, reader_of(about, recipient), an_hour_before(about), LINKS, details=details
    )


def an_hour_before(about: Order) -> datetime:
    return about.session.starts_at - timedelta(hours=1)


class Cell(NamedTuple):
    """One message to one reader in one language."""

    kind: Kind
    recipient: Recipient
    locale: Locale

    @property
    def order(self) -> Order:
        status = _STATUS.get(self.kind, Status.SCHEDULED)
        reason = "slot_taken" if status is Status.REJECTED else None
        return order(locale=self.locale, reason=reason, status=status)

    @property
    def details(self) -> dict[str, str]:
        """What such a message is given: all of it, but for the reason that the order has itself."""
        left_out = {"reason"} if self.kind is Kind.ORDER_REJECTED else set()
        return {name: value for name, value in DETAILS.items() if name not in left_out}

    @property
    def mail(self) -> Mail:
        return self.mail_about(self.order)

    def mail_about(self, about: Order) -> Mail:
        return mail_of(self.kind, self.recipient, about, self.details)

    def __str__(self) -> str:
        return f"{self.kind}-{self.recipient}-{self.locale}"


CELLS = [
    Cell(kind, recipient, locale)
    for kind, recipients in TOLD.items()
    for recipient in recipients
    for locale in LOCALES
]


class Page(HTMLParser):
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
        if tag not in {"br", "meta", "img"}:
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def lines(self) -> list[str]:
        """Every piece of text that is shown, its spaces single."""
        pieces = (" ".join(piece.split()) for piece in self.words)
        return [piece for piece in pieces if piece]

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def parts_of(mail: Mail) -> tuple[str, str]:
    """Return what both parts say, their spaces single."""
    return " ".join(mail.text.split()), Page(mail.html).text
