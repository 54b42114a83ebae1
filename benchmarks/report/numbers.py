"""Figures as each language writes them: 1.234,5 in Indonesian, 1,234.5 in English."""

from collections.abc import Callable
from datetime import date
from typing import Literal

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_compact_decimal, format_decimal, format_percent

Language = Literal["id", "en"]
LANGUAGES: tuple[Language, ...] = ("id", "en")
# A figure, ready to be written in either language.
Figure = Callable[[Language], str]


def number(value: float, digits: int = 0) -> Figure:
    """Write a number with so many digits after the point."""
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return lambda language: format_decimal(value, pattern, locale=_locale(language))


def percent(share: float, digits: int = 0) -> Figure:
    """Write a share as a percentage."""
    pattern = "#,##0" + ("." + "0" * digits if digits else "") + "%"
    return lambda language: format_percent(share, pattern, locale=_locale(language))


def rupiah(amount: float) -> Figure:
    """Write rupiah to the nearest thousand: the assumptions behind them know no more."""
    thousands = round(amount / 1000)
    sign = "-" if thousands < 0 else ""
    return lambda language: f"{sign}Rp{number(abs(thousands) * 1000)(language)}"


def compact(value: float) -> Figure:
    """Write a large round number in short: 100 rb, 100K."""
    return lambda language: format_compact_decimal(value, locale=_locale(language))


def times(ratio: float) -> Figure:
    """Write how many times something goes into another, to two figures."""
    digits = 0 if ratio >= 10 else 1 if ratio >= 1 else 2  # noqa: PLR2004 - two figures
    return lambda language: f"{number(ratio, digits)(language)}\u00d7"


def dollars(amount: float, digits: int = 2) -> Figure:
    """Write US dollars."""
    return lambda language: f"US${number(amount, digits)(language)}"


def day(when: date) -> Figure:
    """Write a date in full."""
    return lambda language: format_date(when, "long", locale=_locale(language))


def plain(text: str) -> Figure:
    """Write what is the same in both languages."""
    return lambda _language: text


def span(seconds: float) -> Figure:
    """Write a duration in the unit that fits it: ms, s, minutes, or hours."""
    for limit, divisor, unit in _UNITS:
        if seconds < limit:
            scaled = seconds / divisor
            digits = 0 if scaled >= 10 or divisor == 0.001 else 1  # noqa: PLR2004 - two figures
            return lambda language: f"{number(scaled, digits)(language)}{_JOINED}{unit[language]}"
    raise ValueError(seconds)


# A space at which no line breaks.
_JOINED = "\u00a0"
_UNITS: tuple[tuple[float, float, dict[Language, str]], ...] = (
    (1, 0.001, {"id": "ms", "en": "ms"}),
    (120, 1, {"id": "detik", "en": "s"}),
    (7200, 60, {"id": "menit", "en": "min"}),
    (172_800, 3600, {"id": "jam", "en": "h"}),
    (float("inf"), 86_400, {"id": "hari", "en": "days"}),
)


def _locale(language: Language) -> Locale:
    return Locale("id", "ID") if language == "id" else Locale("en", "US")
