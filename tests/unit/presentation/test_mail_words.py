"""What a mail says in each case: reasons, who acted, what becomes of the money, what is missing."""

import re
from importlib import import_module
from inspect import getsource
from pkgutil import iter_modules
from types import ModuleType

import msgspec
import pytest

from shared import domain
from shared.domain import availability, confirmation, placement
from shared.domain.notifications import MESSAGE_FAILED, Kind, Mail, Notification, Recipient
from shared.domain.order import Order, Status
from shared.domain.people import Locale
from shared.errors import PermanentError
from shared.presentation.facts import Links
from tests.unit.presentation.samples import (
    ADMIN,
    DETAILS,
    LINKS,
    LOCALES,
    MENTEE,
    MENTOR,
    RENDERER,
    ROOM_URL,
    TOLD,
    Cell,
    an_hour_before,
    mail_of,
    notification,
    order,
    reader_of,
)

in_both_languages = pytest.mark.parametrize("locale", LOCALES)


def _attentions() -> set[str]:
    """Return every reason for which a module of the domain asks the admin."""
    modules = (import_module(f"{domain.__name__}.{m.name}") for m in iter_modules(domain.__path__))
    return {
        getattr(module, name)
        for module in modules
        for name in re.findall(r"with_attention\(([A-Z_]+)", getsource(module))
    }


def _constants(module: ModuleType) -> set[str]:
    return {v for name, v in vars(module).items() if name.isupper() and isinstance(v, str)}


DECLINED = confirmation.DECLINED
REJECTIONS = sorted(_constants(placement) | _constants(availability))
ATTENTIONS = sorted(_attentions() | {MESSAGE_FAILED})
REASONS = {
    (Kind.ORDER_REJECTED, MENTEE): REJECTIONS,
    (Kind.ORDER_REJECTED, ADMIN): REJECTIONS,
    (Kind.ATTENTION, ADMIN): ATTENTIONS,
    (Kind.SESSION_DECLINED, MENTEE): [DECLINED, confirmation.NO_ANSWER, confirmation.SLOT_WENT],
}


def _about_reason(kind: Kind, recipient: Recipient, locale: Locale, reason: str) -> Mail:
    about = order(locale=locale, reason=reason)
    detail = reason if kind is Kind.ATTENTION else None
    told = Notification(order_id=about.id, kind=kind, recipient=recipient, detail=detail)
    details = {name: value for name, value in DETAILS.items() if name != "reason"}
    reader = reader_of(about, recipient)
    return RENDERER.render(told, about, reader, an_hour_before(about), LINKS, details=details)


def _text(kind: Kind, recipient: Recipient, locale: Locale = "en", **details: str) -> str:
    about = Cell(kind, recipient, locale).order
    return " ".join(mail_of(kind, recipient, about, {**DETAILS, **details}).text.split())


@in_both_languages
@pytest.mark.parametrize(("kind", "recipient"), REASONS, ids=str)
def test_every_reason_has_its_own_words(kind: Kind, recipient: Recipient, locale: Locale) -> None:
    unknown = "a reason of tomorrow"
    reasons = REASONS[kind, recipient]
    texts = {
        _about_reason(kind, recipient, locale, reason).text.replace(unknown, "")
        for reason in [*reasons, unknown]
    }

    assert len(reasons) >= 3
    assert len(texts) == len(reasons) + 1


@in_both_languages
@pytest.mark.parametrize(("kind", "recipient"), REASONS, ids=str)
def test_nobody_is_shown_the_code_of_a_reason(
    kind: Kind, recipient: Recipient, locale: Locale
) -> None:
    for reason in [*REASONS[kind, recipient], "new_trouble"]:
        mail = _about_reason(kind, recipient, locale, reason)
        shown = mail.subject + mail.text + mail.html
        assert reason == DECLINED or reason not in shown


def test_unknown_reason_is_told_to_the_admin_by_its_own_words() -> None:
    mail = _about_reason(Kind.ATTENTION, ADMIN, "en", "new_trouble")

    assert "the system cannot solve it by itself" in mail.text
    assert "Reason: New trouble" in mail.text


@pytest.mark.parametrize("recipient", [MENTEE, ADMIN])
def test_rejection_without_a_reason_still_reads_well(recipient: Recipient) -> None:
    about = order(reason=None, status=Status.REJECTED)
    mail = mail_of(Kind.ORDER_REJECTED, recipient, about, {})

    assert "None" not in mail.subject + mail.text + mail.html


@pytest.mark.parametrize(
    ("kind", "recipient", "expected"),
    [
        (Kind.INVOICE_READY, MENTEE, "Pay before: Tuesday, 1 December 2026, 18:00 WIB"),
        (Kind.PAYMENT_RECEIVED, MENTEE, "Time of payment: Tuesday, 1 December 2026, 14:00 WIB"),
        (
            Kind.CONFIRMATION_WANTED,
            MENTOR,
            "Answer before: Wednesday, 25 November 2026, 10:00 WITA",
        ),
        (Kind.SESSION_DECLINED, MENTEE, "Choose before: Saturday, 28 November 2026, 09:00 WIB"),
        (Kind.SESSION_DECLINED, MENTEE, "Budi Santoso wrote: “I am travelling that day”"),
        (Kind.SESSION_MOVED, MENTOR, "Time before: Monday, 30 November 2026, 20:00 WITA"),
        (Kind.ORDER_CANCELLED, MENTEE, "Money back: Rp250.000"),
        (Kind.PAYOUT_TASK, ADMIN, "Amount: Rp250.000"),
    ],
)
def test_shows_the_facts_that_its_reader_needs(
    kind: Kind, recipient: Recipient, expected: str
) -> None:
    assert expected in _text(kind, recipient)


@pytest.mark.parametrize(
    ("kind", "recipient", "by", "expected"),
    [
        (Kind.SESSION_MOVED, MENTEE, "mentee", "You have moved your session with Budi Santoso."),
        (Kind.SESSION_MOVED, MENTEE, "mentor", "Budi Santoso has moved the session with you."),
        (Kind.SESSION_MOVED, MENTOR, "admin", "Your session with Sari Dewi has been moved."),
        (Kind.ORDER_CANCELLED, MENTOR, "mentor", "As you wished, your session with Sari Dewi"),
        (Kind.ORDER_CANCELLED, MENTOR, "mentee", "Sari Dewi has cancelled the session with you."),
        (Kind.ORDER_CANCELLED, MENTEE, "system", "had to be cancelled."),
    ],
)
def test_tells_who_acted(kind: Kind, recipient: Recipient, by: str, expected: str) -> None:
    assert expected in _text(kind, recipient, by=by)


@pytest.mark.parametrize("kind", [Kind.SESSION_MOVED, Kind.ORDER_CANCELLED])
def test_nobody_is_told_their_own_words(kind: Kind) -> None:
    assert "travelling" in _text(kind, MENTEE, by="mentor")
    assert "travelling" not in _text(kind, MENTOR, by="mentor")


@in_both_languages
def test_cancellation_tells_whether_money_comes_back(locale: Locale) -> None:
    unpaid = msgspec.structs.replace(order(locale=locale, status=Status.CANCELLED), payment=None)
    nothing_paid = mail_of(Kind.ORDER_CANCELLED, MENTEE, unpaid, {"by": "mentee"}).text
    kept = _text(Kind.ORDER_CANCELLED, MENTEE, locale, refund="no")
    given_back = _text(Kind.ORDER_CANCELLED, MENTEE, locale, refund="yes")

    assert len({nothing_paid, kept, given_back}) == 3
    assert ["Rp250.000" in text for text in (nothing_paid, kept, given_back)] == [
        False,
        False,
        True,
    ]


@in_both_languages
@pytest.mark.parametrize(
    "kind", [Kind.REFUND_STARTED, Kind.REFUND_DONE, Kind.REFUND_FAILED, Kind.PAYOUT_ACCOUNT_WANTED]
)
def test_refund_of_a_session_that_stands_says_that_it_stands(kind: Kind, locale: Locale) -> None:
    calm = {"id": "Sesi Anda tidak terganggu.", "en": "Your session is not affected."}[locale]
    about = order(locale=locale)

    assert calm in mail_of(kind, MENTEE, about).text
    assert calm not in mail_of(kind, MENTEE, Cell(kind, MENTEE, locale).order).text


def test_amount_of_a_refund_is_the_payment_unless_it_is_told() -> None:
    cancelled = order(locale="en", status=Status.CANCELLED)

    assert "Rp250.000" in mail_of(Kind.REFUND_DONE, MENTEE, cancelled, {}).subject
    other = mail_of(Kind.REFUND_DONE, MENTEE, cancelled, {"refund_amount": "1250000"})
    assert other.subject == "You have Rp1.250.000 back"


def test_a_moved_session_without_a_room_has_no_button() -> None:
    about = msgspec.structs.replace(order(locale="en"), meeting=None)
    mail = mail_of(Kind.SESSION_MOVED, MENTEE, about)

    assert ROOM_URL not in mail.text
    assert "as soon as it is ready" in mail.text


def test_a_payout_sends_the_admin_to_the_page_with_the_account() -> None:
    text = _text(Kind.PAYOUT_TASK, ADMIN)

    assert "The account is on the page behind the button." in text
    assert f"See the account: {LINKS.payout_done}" in text


@pytest.mark.parametrize(
    ("kind", "recipient"), [(kind, recipients[0]) for kind, recipients in TOLD.items()], ids=str
)
def test_without_the_address_of_the_booking_its_line_is_left_out(
    kind: Kind, recipient: Recipient
) -> None:
    cell = Cell(kind, recipient, "en")
    links = msgspec.structs.replace(LINKS, manage="")
    told = notification(kind, recipient, cell.order)
    reader, now = reader_of(cell.order, recipient), an_hour_before(cell.order)
    mail = RENDERER.render(told, cell.order, reader, now, links, details=cell.details)

    assert "See or change" not in mail.text + mail.html


# What a message is about, and lacks


def _without(about: Order, missing: str) -> Order:
    return msgspec.structs.replace(about, **{missing: None})


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        (Kind.INVOICE_READY, "invoice"),
        (Kind.PAYMENT_REMINDER, "invoice"),
        (Kind.INVOICE_EXPIRED, "invoice"),
        (Kind.PAYMENT_RECEIVED, "payment"),
        (Kind.SESSION_SCHEDULED, "meeting"),
        (Kind.REMINDER, "meeting"),
    ],
)
def test_order_that_lacks_what_the_message_is_about_is_refused(kind: Kind, missing: str) -> None:
    about = _without(order(), missing)

    with pytest.raises(PermanentError, match=f"order {about.id} cannot be told of {kind}"):
        mail_of(kind, MENTEE, about)


@pytest.mark.parametrize(
    "kind",
    [
        Kind.CONFIRMATION_WANTED,
        Kind.CONFIRMATION_REMINDER,
        Kind.SESSION_DECLINED,
        Kind.REFUND_FAILED,
        Kind.PAYOUT_ACCOUNT_WANTED,
        Kind.PAYOUT_TASK,
    ],
)
def test_message_without_the_address_of_its_button_is_refused(kind: Kind) -> None:
    recipient = TOLD[kind][0]
    about = Cell(kind, recipient, "id").order
    told, reader = notification(kind, recipient, about), reader_of(about, recipient)

    with pytest.raises(PermanentError, match="_url' is undefined"):
        RENDERER.render(told, about, reader, an_hour_before(about), Links(), details=DETAILS)


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        (Kind.SESSION_MOVED, {}),
        (Kind.ORDER_CANCELLED, {}),
        (Kind.SESSION_MOVED, {"old_start": "2026-11-30T12:00:00"}),
        (Kind.SESSION_MOVED, {"old_start": "yesterday"}),
        (Kind.REFUND_DONE, {"refund_amount": "a lot"}),
    ],
)
def test_detail_that_is_missing_or_cannot_be_read_is_refused(
    kind: Kind, details: dict[str, str]
) -> None:
    with pytest.raises(PermanentError, match=f"cannot be told of {kind}"):
        mail_of(kind, MENTEE, order(), details)


def test_reminder_without_a_lead_time_is_refused() -> None:
    about = order()
    told = Notification(order_id=about.id, kind=Kind.REMINDER, recipient=MENTEE)

    with pytest.raises(PermanentError, match="'lead' is undefined"):
        RENDERER.render(told, about, about.mentee, an_hour_before(about), LINKS)
