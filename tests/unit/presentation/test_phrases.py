"""Times, zones, money and lead times, as the reader writes them."""
# ruff: noqa: RUF001 -- the en dash between two times is part of what is asserted

from datetime import UTC, date, datetime

import pytest

from shared.domain.money import Money
from shared.domain.people import Locale, Person
from shared.domain.schedule import Session
from shared.presentation.phrases import (
    day,
    lead_time,
    moment,
    money,
    period,
    rupiah,
    short_moment,
)

WINTER = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
SUMMER = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def _reader(time_zone: str = "Asia/Jakarta", *, locale: Locale = "id") -> Person:
    return Person(id="u-1", name="Sari", email="sari@n.example", locale=locale, time_zone=time_zone)


@pytest.mark.parametrize(
    ("zone", "at", "locale", "expected"),
    [
        ("Asia/Jakarta", WINTER, "id", "Selasa, 1 Desember 2026, 19.00–20.00 WIB"),
        ("Asia/Pontianak", WINTER, "en", "Tuesday, 1 December 2026, 19:00–20:00 WIB"),
        ("Asia/Makassar", WINTER, "en", "Tuesday, 1 December 2026, 20:00–21:00 WITA"),
        ("Asia/Ujung_Pandang", WINTER, "id", "Selasa, 1 Desember 2026, 20.00–21.00 WITA"),
        ("Asia/Jayapura", WINTER, "en", "Tuesday, 1 December 2026, 21:00–22:00 WIT"),
        ("Asia/Singapore", WINTER, "id", "Selasa, 1 Desember 2026, 20.00–21.00 GMT+8 (Singapura)"),
        ("Asia/Kolkata", WINTER, "en", "Tuesday, 1 December 2026, 17:30–18:30 GMT+5:30 (Kolkata)"),
        ("Europe/London", WINTER, "en", "Tuesday, 1 December 2026, 12:00–13:00 GMT (London)"),
        ("Europe/London", SUMMER, "en", "Wednesday, 1 July 2026, 13:00–14:00 GMT+1 (London)"),
        ("America/New_York", WINTER, "id", "Selasa, 1 Desember 2026, 07.00–08.00 GMT-5 (New York)"),
        ("America/New_York", SUMMER, "id", "Rabu, 1 Juli 2026, 08.00–09.00 GMT-4 (New York)"),
        (
            "America/Argentina/Buenos_Aires",
            WINTER,
            "en",
            "Tuesday, 1 December 2026, 09:00–10:00 GMT-3 (Buenos Aires)",
        ),
        ("UTC", WINTER, "en", "Tuesday, 1 December 2026, 12:00–13:00 GMT"),
        ("Etc/GMT+5", WINTER, "en", "Tuesday, 1 December 2026, 07:00–08:00 GMT-5"),
    ],
)
def test_period_is_told_on_the_clock_of_the_zone(
    zone: str, at: datetime, locale: Locale, expected: str
) -> None:
    reader = _reader(zone, locale=locale)

    assert period(Session(starts_at=at, duration_minutes=60), reader) == expected


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("id", "Selasa, 1 Desember 2026, 23.30 – Rabu, 2 Desember 2026, 00.30 WIB"),
        ("en", "Tuesday, 1 December 2026, 23:30 – Wednesday, 2 December 2026, 00:30 WIB"),
    ],
)
def test_period_over_midnight_tells_both_dates(locale: Locale, expected: str) -> None:
    session = Session(starts_at=datetime(2026, 12, 1, 16, 30, tzinfo=UTC), duration_minutes=60)

    assert period(session, _reader(locale=locale)) == expected


def test_midnight_is_the_readers_own() -> None:
    session = Session(starts_at=datetime(2026, 12, 1, 23, 30, tzinfo=UTC), duration_minutes=60)

    assert period(session, _reader()) == "Rabu, 2 Desember 2026, 06.30–07.30 WIB"


@pytest.mark.parametrize(
    ("zone", "starts_at", "expected"),
    [
        (
            "America/New_York",
            datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
            "Sunday, 1 November 2026, 01:30 GMT-4 (New York) – 01:30 GMT-5 (New York)",
        ),
        (
            "Europe/London",
            datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
            "Sunday, 29 March 2026, 00:30 GMT (London) – 02:30 GMT+1 (London)",
        ),
    ],
)
def test_period_in_which_the_clocks_change_tells_both_zones(
    zone: str, starts_at: datetime, expected: str
) -> None:
    session = Session(starts_at=starts_at, duration_minutes=60)

    assert period(session, _reader(zone, locale="en")) == expected


def test_moment_is_told_with_its_zone() -> None:
    at = datetime(2026, 12, 1, 11, 0, 59, tzinfo=UTC)

    assert moment(at, _reader()) == "Selasa, 1 Desember 2026, 18.00 WIB"
    assert short_moment(at, _reader(locale="en")) == "Tue, 1 Dec, 18:00 WIB"


def test_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        moment(WINTER.replace(tzinfo=None), _reader())


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(1, "Rp1"), (250_000, "Rp250.000"), (50_000_000_000, "Rp50.000.000.000")],
)
def test_money_is_written_as_in_indonesia(amount: int, expected: str) -> None:
    assert money(Money(amount=amount, currency="IDR")) == expected


@pytest.mark.parametrize(
    ("minutes", "indonesian", "english"),
    [
        (1, "1 menit", "1 minute"),
        (10, "10 menit", "10 minutes"),
        (60, "1 jam", "1 hour"),
        (90, "1 jam 30 menit", "1 hour 30 minutes"),
        (1440, "24 jam", "24 hours"),
        (2880, "2 hari", "2 days"),
        (3001, "2 hari 2 jam 1 menit", "2 days 2 hours 1 minute"),
    ],
)
def test_lead_time_is_told_in_words(minutes: int, indonesian: str, english: str) -> None:
    assert lead_time(minutes, "id") == indonesian
    assert lead_time(minutes, "en") == english


@pytest.mark.parametrize(
    ("amount", "expected"), [(0, "Rp0"), (950, "Rp950"), (1_250_000, "Rp1.250.000")]
)
def test_rupiah_may_be_none_at_all(amount: int, expected: str) -> None:
    assert rupiah(amount) == expected


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("id", "Selasa, 1 Desember 2026 (WITA)"), ("en", "Tuesday, 1 December 2026 (WITA)")],
)
def test_day_is_told_with_its_zone(locale: Locale, expected: str) -> None:
    assert day(date(2026, 12, 1), _reader("Asia/Makassar", locale=locale)) == expected
