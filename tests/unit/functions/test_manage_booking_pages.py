"""What stands behind the pages: words, forms, and what can be done now."""

from datetime import timedelta
from string import Formatter

import pytest

from functions.manage_booking.forms import (
    FormError,
    masked,
    one_paragraph,
    read_fields,
    read_note,
    read_time,
)
from functions.manage_booking.possible import READERS, why_not
from functions.manage_booking.words import texts_of
from shared.domain.notifications import Recipient
from shared.domain.order import Order, Status
from shared.errors import ActionRefusedError
from shared.links import Purpose
from tests.builders import order_in
from tests.unit.functions.test_manage_booking import ACTS, Bench, link_to


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_have_the_same_words_with_the_same_facts() -> None:
    english, indonesian = texts_of("en"), texts_of("id")
    assert english.keys() == indonesian.keys()
    for key, text in english.items():
        assert placeholders(text) == placeholders(indonesian[key]), key


def test_every_purpose_is_for_somebody() -> None:
    assert READERS.keys() == set(Purpose)
    assert READERS[Purpose.MANAGE] == set(Recipient)


@pytest.mark.parametrize("hours", [-200, -25, -5, 1])
@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("name", ACTS)
def test_what_the_pages_offer_is_what_the_domain_does(
    name: str, status: Status, hours: int
) -> None:
    order, act = order_in(status), ACTS[name][1]
    bench = Bench()
    bench.put(order)
    at = order.session.starts_at + timedelta(hours=hours)
    bench.clock.advance(max(at, bench.clock.now()) - bench.clock.now())
    link = link_to(order)
    said = why_not(Purpose(name), link, order, bench.step.move_until, bench.clock.now())
    assert said == _refusal(act, bench, order)


def _refusal(act: object, bench: Bench, order: Order) -> str | None:
    assert callable(act)
    try:
        act(bench.step, order, link_to(order))
    except ActionRefusedError as error:
        return error.reason
    return None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("  a\r\n\r\n b\tc ", "a b c"),
        ("a\x00b\x1bc\x85d\u2028e", "a b c d e"),
        ("\u202eabc\u2066", "abc"),
        ("Terima kasih \U0001f64f\U0001f3fd", "Terima kasih \U0001f64f\U0001f3fd"),
        ("\u200e \x00", ""),
    ],
)
def test_a_text_becomes_one_paragraph(written: str, read: str) -> None:
    assert one_paragraph(written) == read


def test_a_note_has_at_most_500_characters() -> None:
    assert read_note({"note": "x" * 500}) == "x" * 500
    with pytest.raises(FormError):
        read_note({"note": "x" * 501})
    assert read_note({"note": " \n "}) is None
    assert read_note({}) is None


@pytest.mark.parametrize("written", ["", "soon", "2026-12-01T12:00:00", "2026-13-01T12:00:00Z"])
def test_what_is_no_instant_is_no_choice(written: str) -> None:
    assert read_time({"starts_at": written}) is None


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", {}),
        (b"a=1&a=2&b=", {"a": "1", "b": ""}),
        (b"a=%F0%9F%99%8F+x", {"a": "\U0001f64f x"}),
        (b"\xff=%ff", {"\ufffd": "\ufffd"}),
        (b'{"token": "x"}', {'{"token": "x"}': ""}),
    ],
)
def test_a_body_is_read_as_a_browser_sends_it(body: bytes, fields: dict[str, str]) -> None:
    assert read_fields(body) == fields


def test_a_body_with_too_many_fields_is_no_form() -> None:
    with pytest.raises(FormError):
        read_fields(b"&".join(b"a=1" for _ in range(21)))


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        ("BCA 1234567890 a.n. Sari", "BCA ••••••7890"),
        ("Bank 46 12345 a.n. A a.n. B", "Bank •• •2345 a.n. A"),
        ("12345", "•2345"),
        ("", ""),
    ],
)
def test_a_masked_account_shows_the_last_four_digits(account: str, shown: str) -> None:
    assert masked(account) == shown
