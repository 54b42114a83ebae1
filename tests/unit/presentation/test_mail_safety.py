"""What must never get into a mail: markup of a name, a second line in a header, a broken link."""

import html
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.notifications import Kind, Mail
from shared.domain.order import Meeting, Order
from shared.presentation.brand import Brand
from shared.presentation.rendering import Renderer
from tests.unit.presentation.samples import (
    CELLS,
    DETAILS,
    LINKS,
    MENTEE,
    Cell,
    Page,
    mail_of,
    notification,
    order,
    person,
    with_names,
)

EVIL = '<script>alert("x")</script> & O\'Neil {{ 7 * 7 }}'


def _reminder(about: Order, lead: int = 10, minutes_left: int | None = None) -> Mail:
    told = msgspec.structs.replace(notification(Kind.REMINDER, MENTEE, about), lead_minutes=lead)
    now = about.session.starts_at - timedelta(minutes=minutes_left or lead)
    return Renderer(Brand(name="N", help_email="h@n.example")).render(
        told, about, about.mentee, now, LINKS
    )


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_names_and_topics_are_escaped_in_html_and_kept_in_text(cell: Cell) -> None:
    mail = cell.mail_about(with_names(cell.order, EVIL))

    assert Page(mail.html).tags == Page(cell.mail.html).tags
    assert EVIL in mail.text
    assert EVIL in Page(mail.html).text


def test_a_persons_own_words_are_escaped_too() -> None:
    details = {**DETAILS, "words": EVIL}
    mail = mail_of(Kind.SESSION_DECLINED, MENTEE, order(locale="en"), details)

    assert Page(mail.html).tags == Page(Cell(Kind.SESSION_DECLINED, MENTEE, "en").mail.html).tags
    assert f"“{EVIL}”" in " ".join(mail.text.split())


@given(name=st.text(min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_no_name_changes_the_shape_of_a_mail(name: str) -> None:
    named = msgspec.structs.replace(
        order(), mentor=msgspec.structs.replace(order().mentor, name=name), subject=name
    )
    mail = mail_of(Kind.CONFIRMATION_WANTED, MENTEE, named)
    usual = mail_of(Kind.CONFIRMATION_WANTED, MENTEE, order())

    assert Page(mail.html).tags == Page(usual.html).tags
    assert len(mail.text.splitlines()) == len(usual.text.splitlines())
    assert len(mail.subject.splitlines()) == 1


def test_link_cannot_leave_its_attribute() -> None:
    link = 'https://meet.example/"><b>'
    odd = msgspec.structs.replace(order(), meeting=Meeting(event_id="e1", meet_url=link))
    mail = _reminder(odd)

    assert html.escape(link, quote=True).replace("&quot;", "&#34;") in mail.html
    assert Page(mail.html).links == [link, link, LINKS.manage]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085", "\n", "\r\n"])
def test_what_unicode_takes_for_a_new_line_stays_out_of_headers(separator: str) -> None:
    odd = msgspec.structs.replace(person(), name=f"Sari{separator}Bcc: x")
    mail = _reminder(msgspec.structs.replace(order(), mentee=odd, mentor=odd))

    assert mail.to_name == "Sari Bcc: x"
    assert mail.subject == "10 menit lagi: sesi Anda dengan Sari Bcc: x"


@pytest.mark.parametrize(
    ("lead", "minutes_left", "told"),
    [
        (1440, 1439, "24 hours"),
        (1440, 600, "10 hours"),
        (60, 31, "30 minutes"),
        (10, 4, "4 minutes"),
    ],
)
def test_a_reminder_that_is_late_names_the_time_that_is_left(
    lead: int, minutes_left: int, told: str
) -> None:
    mail = _reminder(order(locale="en"), lead, minutes_left)

    assert told in mail.subject
    assert told in mail.text


def test_a_logo_stands_in_place_of_the_name_and_bears_it() -> None:
    brand = Brand(
        name="N & M", help_email="h@n.example", logo_url="https://n.example/l.png?a=1&b=2"
    )
    about = order()
    told = notification(Kind.REMINDER, MENTEE, about)
    now = about.session.starts_at - timedelta(hours=1)
    mail = Renderer(brand).render(told, about, about.mentee, now, LINKS)

    assert '<img src="https://n.example/l.png?a=1&amp;b=2" alt="N &amp; M"' in mail.html
