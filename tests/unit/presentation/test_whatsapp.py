"""WhatsApp messages: Meta's rules for templates, and what fills their places for each reader."""

import re
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.notifications import Channel, Kind, TemplateMessage
from shared.domain.order import Order, Status
from shared.domain.people import Locale
from shared.errors import PermanentError
from shared.presentation.facts import Links
from shared.presentation.whatsapp import approved_templates, template_message
from tests.unit.presentation.samples import (
    A_TIME,
    ADMIN,
    BUTTONS,
    CELLS,
    LINKS,
    LOCALES,
    MENTEE,
    MENTOR,
    PAY_URL,
    RAW,
    ROOM_URL,
    TIME_WITH_ZONE,
    WHEN,
    WITHOUT_MONEY,
    Cell,
    an_hour_before,
    notification,
    order,
    reader_of,
    with_names,
)

MAX_CHARACTERS = 1024
PLACE = re.compile(r"\{\{(\d+)\}\}")
TEMPLATES = {(t["name"], t["language"]): t for t in approved_templates()}
TOLD = [cell for cell in CELLS if cell.recipient is not ADMIN]
# Short enough for a chat: what the money is about is told without the session's time.
WITHOUT_TIME = {
    Kind.PAYMENT_REMINDER,
    Kind.REFUND_STARTED,
    Kind.REFUND_DONE,
    Kind.REFUND_FAILED,
    Kind.PAYOUT_ACCOUNT_WANTED,
}
# These say what the mail before them or the page behind the link says in full.
SILENT_OF_MONEY = {
    Kind.INVOICE_EXPIRED,
    Kind.SESSION_DECLINED,
    Kind.ORDER_REJECTED,
    *WITHOUT_MONEY,
}

in_every_template = pytest.mark.parametrize("template", TEMPLATES.values(), ids=lambda t: t["name"])
in_every_cell = pytest.mark.parametrize("cell", TOLD, ids=str)


def _message(cell: Cell, about: Order | None = None, **details: str) -> TemplateMessage:
    about = about or cell.order
    told = notification(cell.kind, cell.recipient, about, channel=Channel.WHATSAPP)
    reader, now = reader_of(about, cell.recipient), an_hour_before(about)
    known = {**cell.details, **details}
    return template_message(told, about, reader, now, LINKS, details=known)


def _shown(message: TemplateMessage) -> str:
    """Return what the reader sees: the approved text with its places filled."""
    body: str = TEMPLATES[message.template, message.language]["body"]
    return PLACE.sub(lambda place: message.parameters[int(place[1]) - 1], body)


@in_every_template
def test_template_keeps_to_the_rules_of_names_and_lengths(template: dict[str, Any]) -> None:
    assert set(template) == {"name", "language", "category", "body", "example"}
    assert re.fullmatch(r"[a-z0-9_]{1,512}", template["name"])
    assert template["category"] == "UTILITY"
    assert len(template["body"]) <= MAX_CHARACTERS
    assert not re.search(r"\t| {4}|\n{3}", template["body"])
    assert template["body"] == template["body"].strip()


@in_every_template
def test_places_are_numbered_in_order_and_stand_between_words(template: dict[str, Any]) -> None:
    body = template["body"]
    numbers = [int(number) for number in PLACE.findall(body)]

    assert (
        numbers == list(range(1, len(numbers) + 1)) == list(range(1, len(template["example"]) + 1))
    )
    assert "{" not in PLACE.sub("", body)
    assert not PLACE.match(body)
    assert not re.search(r"\{\{\d+\}\}\W*$", body)
    places = list(PLACE.finditer(body))
    assert all(re.search(r"\w", body[a.end() : b.start()]) for a, b in pairwise(places))


@in_every_template
def test_template_has_more_words_than_places(template: dict[str, Any]) -> None:
    words = re.findall(r"\w+", PLACE.sub("", template["body"]))

    assert len(words) > 3 * len(template["example"])


def test_both_languages_have_the_same_templates_with_the_same_number_of_places() -> None:
    indonesian, english = (
        {name: len(t["example"]) for (name, language), t in TEMPLATES.items() if language == locale}
        for locale in LOCALES
    )
    assert indonesian == english


def test_every_template_is_used() -> None:
    messages = [_message(cell) for cell in TOLD if cell.kind is not Kind.SESSION_DECLINED]
    for locale in LOCALES:
        declined = Cell(Kind.SESSION_DECLINED, MENTEE, locale)
        messages += [
            _message(declined, reason=reason) for reason in ("declined", "no_answer", "slot_went")
        ]
        cancelled = Cell(Kind.ORDER_CANCELLED, MENTEE, locale)
        unpaid = msgspec.structs.replace(cancelled.order, payment=None)
        messages += [_message(cancelled, refund="no"), _message(cancelled, unpaid)]

    assert {(m.template, m.language) for m in messages} == set(TEMPLATES)


@in_every_cell
def test_message_is_for_its_reader_in_their_language(cell: Cell) -> None:
    message = _message(cell)

    assert message.template.startswith(f"{cell.kind}_{cell.recipient}")
    assert message.language == cell.locale
    assert message.to_phone == "+6281234567890"
    assert message.key.endswith(f":{cell.recipient}:whatsapp")
    assert len(message.parameters) == len(TEMPLATES[message.template, cell.locale]["example"])


@in_every_cell
def test_message_reads_right(cell: Cell) -> None:
    shown = _shown(_message(cell))
    greeting = {"id": "Halo", "en": "Hello"}[cell.locale]
    reader = {MENTEE: "Sari Dewi", MENTOR: "Budi Santoso"}[cell.recipient]

    assert shown.startswith(f"{greeting} {reader}, ")
    assert {"Sari Dewi", "Budi Santoso"} <= set(re.findall(r"Sari Dewi|Budi Santoso", shown))
    assert (WHEN[cell.recipient, cell.locale] in shown) is (cell.kind not in WITHOUT_TIME)


@in_every_cell
def test_message_has_the_addresses_of_the_mails_buttons(cell: Cell) -> None:
    without = {Kind.SESSION_MOVED}
    expected = [] if cell.kind in without else BUTTONS.get(cell.kind, [])

    assert re.findall(r"https?://\S+", _shown(_message(cell))) == expected


@in_every_cell
def test_message_tells_of_money_where_it_is_about_money(cell: Cell) -> None:
    is_mentors_cancellation = (cell.kind, cell.recipient) == (Kind.ORDER_CANCELLED, MENTOR)
    tells = cell.kind not in SILENT_OF_MONEY and not is_mentors_cancellation

    assert ("Rp250.000" in _shown(_message(cell))) is tells


@in_every_cell
def test_message_shows_nothing_raw_and_no_time_without_its_zone(cell: Cell) -> None:
    shown = re.sub(r"https?://\S+", "", _shown(_message(cell)))

    assert RAW.findall(shown) == []
    assert A_TIME.search(TIME_WITH_ZONE.sub("", shown)) is None
    assert "@private.example" not in shown


@in_every_cell
def test_parameters_keep_to_the_rules_whatever_the_names_are(cell: Cell) -> None:
    awkward = with_names(cell.order, "Ayu\n\tKencana     Wungu " * 20)
    message = _message(cell, awkward)

    assert all(message.parameters)
    assert not any(re.search(r"[\n\t]| {4}", parameter) for parameter in message.parameters)
    # Room for addresses that are longer than those of the samples.
    long_links = 2 * 150
    assert len(_shown(message)) + long_links <= MAX_CHARACTERS


@given(name=st.text(min_size=1, max_size=200).filter(lambda text: text.strip()))
@settings(max_examples=60, deadline=None)
def test_no_name_makes_a_parameter_that_is_refused(name: str) -> None:
    cell = Cell(Kind.CONFIRMATION_WANTED, MENTOR, "id")
    for parameter in _message(cell, with_names(cell.order, name)).parameters:
        assert parameter == " ".join(parameter.split()) != ""


def test_long_name_is_cut_and_says_so() -> None:
    cell = Cell(Kind.REMINDER, MENTEE, "id")
    message = _message(cell, with_names(cell.order, "x" * 200))

    assert message.parameters[0] == "x" * 59 + "…"


@pytest.mark.parametrize("locale", LOCALES)
def test_places_are_filled_with_what_the_words_name(locale: Locale) -> None:
    ready = _message(Cell(Kind.INVOICE_READY, MENTEE, locale)).parameters
    reminder = _message(Cell(Kind.REMINDER, MENTOR, locale)).parameters

    deadline = {
        "id": "Selasa, 1 Desember 2026, 18.00 WIB",
        "en": "Tuesday, 1 December 2026, 18:00 WIB",
    }
    when = WHEN[MENTEE, locale]
    assert ready == ("Sari Dewi", "Budi Santoso", when, "Rp250.000", deadline[locale], PAY_URL)
    lead = {"id": "1 jam", "en": "1 hour"}[locale]
    assert reminder == ("Budi Santoso", "Sari Dewi", lead, WHEN[MENTOR, locale], ROOM_URL)


def test_reason_that_no_template_knows_is_told_as_a_time_that_is_not_free() -> None:
    message = _message(Cell(Kind.SESSION_DECLINED, MENTEE, "en"), reason="moved_away")

    assert message.template == "session_declined_mentee_slot_went"


@pytest.mark.parametrize("kind", [Kind.PAYOUT_TASK, Kind.ATTENTION, Kind.ORDER_REJECTED])
def test_the_admin_is_not_told_over_whatsapp(kind: Kind) -> None:
    with pytest.raises(PermanentError, match=f"cannot be told of {kind} over WhatsApp"):
        _message(Cell(kind, ADMIN, "id"))


def test_reader_without_a_phone_is_refused() -> None:
    about = order()
    quiet = msgspec.structs.replace(about, mentee=msgspec.structs.replace(about.mentee, phone=None))

    with pytest.raises(PermanentError, match="the mentee of order NUS-2026-000123 has no phone"):
        _message(Cell(Kind.REMINDER, MENTEE, "id"), quiet)


def test_message_that_lacks_what_it_is_about_is_refused() -> None:
    about = order(status=Status.AWAITING_MENTOR)
    told = notification(Kind.CONFIRMATION_WANTED, MENTOR, about, channel=Channel.WHATSAPP)

    with pytest.raises(PermanentError, match="accept_url"):
        template_message(told, about, about.mentor, an_hour_before(about), Links())
