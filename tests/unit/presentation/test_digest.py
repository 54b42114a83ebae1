"""The admin's mail with the figures of a day."""

import re
from datetime import UTC, date, datetime

import msgspec
import pytest

from shared.domain.digest import Digest, Waiting
from shared.domain.notifications import Mail
from shared.domain.people import Locale
from tests.unit.presentation.samples import LOCALES, RENDERER, Page, parts_of, person

NOW = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
BUSY = Digest(
    day=date(2026, 11, 24),
    ordered=12,
    paid=9,
    scheduled=8,
    completed=7,
    expired=2,
    cancelled=1,
    rejected=3,
    money_in=2_250_000,
    money_back=250_000,
    waiting=(
        Waiting(
            order_id="NUS-2026-000123",
            reason="room_failed",
            since=datetime(2026, 11, 24, 3, 0, tzinfo=UTC),
        ),
    ),
    payouts_waiting=1,
)
QUIET = Digest(day=date(2026, 11, 24))


def _mail(figures: Digest, locale: Locale = "en") -> Mail:
    reader = person("Tim Admin", time_zone="Asia/Makassar", locale=locale)
    return RENDERER.render_digest(figures, reader, NOW)


def test_says_the_days_figures_in_both_parts() -> None:
    for part in parts_of(_mail(BUSY)):
        for words in (
            "Ordered",
            "Paid",
            "Scheduled",
            "Completed",
            "Expired",
            "Cancelled",
            "Rejected",
        ):
            assert words in part
        assert "Rp2.250.000" in part
        assert "Rp250.000" in part


@pytest.mark.parametrize(
    ("locale", "subject", "waiting"),
    [
        (
            "id",
            "Selasa, 24 November 2026 (WITA): 12 pesanan, Rp2.250.000 masuk, ada yang perlu Anda",
            "NUS-2026-000123: Ruang sesi gagal dibuat, sejak Selasa, 24 November 2026, 11.00 WITA",
        ),
        (
            "en",
            "Tuesday, 24 November 2026 (WITA): 12 ordered, Rp2.250.000 in, some need you",
            "NUS-2026-000123: The room could not be made, since Tuesday, 24 November 2026, 11:00 WITA",
        ),
    ],
)
def test_names_what_waits_and_since_when(locale: Locale, subject: str, waiting: str) -> None:
    mail = _mail(BUSY, locale)

    assert mail.subject == subject
    assert waiting in mail.text
    assert "room_failed" not in mail.text + mail.html


def test_is_named_by_its_day_and_goes_to_the_admin() -> None:
    mail = _mail(BUSY)

    assert mail.key == "2026-11-24:digest:admin:email"
    assert mail.to_email == "tim@private.example"


def test_transfers_alone_are_something_to_do_too() -> None:
    mail = _mail(msgspec.structs.replace(QUIET, payouts_waiting=2))

    assert mail.subject.endswith(", some need you")
    assert "There is money for you to transfer by hand." in mail.text
    assert "Orders that need you" not in mail.text


@pytest.mark.parametrize("locale", LOCALES)
def test_a_quiet_day_says_so_and_lists_nothing(locale: Locale) -> None:
    mail = _mail(QUIET, locale)
    nothing = {"id": "Tidak ada yang perlu Anda lakukan.", "en": "Nothing needs you."}

    for part in parts_of(mail):
        assert nothing[locale] in part
        assert "Rp0" in part
    assert "h2" not in Page(mail.html).tags
    assert not re.search(r"None|order number|nomor pesanan|\n\n\n", mail.text, re.IGNORECASE)


@pytest.mark.parametrize("locale", LOCALES)
def test_html_is_well_formed(locale: Locale) -> None:
    assert Page(_mail(BUSY, locale).html).open == []
