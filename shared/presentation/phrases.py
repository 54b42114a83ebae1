"""Times, zones, money and lead times in the reader's words (Indonesian or English)."""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, get_timezone_location, get_timezone_name
from babel.numbers import format_currency
from babel.units import format_unit

from shared.domain.money import Currency, Money
from shared.domain.people import Locale, Person
from shared.domain.schedule import Session

_CLOCK: dict[Locale, str] = {"id": "HH.mm", "en": "HH:mm"}
_INDONESIAN_ZONES = frozenset({"WIB", "WITA", "WIT"})
_DASH = "\N{EN DASH}"
# Labels by zone, its offset and daylight saving then, and language: babel takes longer for one than
# for the date before it, and a mail names the same few again and again.
_labels: dict[tuple[str, timedelta | None, timedelta | None, Locale], str] = {}


def period(session: Session, reader: Person) -> str:
    """Return when the session is, like ``Tuesday, 1 December 2026, 19:00-20:00 WIB``, with an en dash.

    Both dates are told when the reader's midnight lies in between, and
    both zones when the clocks change in between.
    """
    start, end = (_local(at, reader) for at in (session.starts_at, session.ends_at))
    locale = reader.locale
    one_zone = zone_label(start, locale) == zone_label(end, locale)
    opening = _day(start, locale) if one_zone else _full(start, locale)
    if start.date() != end.date():
        return f"{opening} {_DASH} {_full(end, locale)}"
    closing = f"{_clock(end, locale)} {zone_label(end, locale)}"
    return f"{opening}{_DASH}{closing}" if one_zone else f"{opening} {_DASH} {closing}"


def moment(at: datetime, reader: Person) -> str:
    """Return the instant like ``Selasa, 1 Desember 2026, 18.00 WIB``; seconds are left off."""
    return _full(_local(at, reader), reader.locale)


def short_moment(at: datetime, reader: Person) -> str:
    """Return the instant as a subject line has room for, like ``Tue, 1 Dec, 19:00 WIB``."""
    local = _local(at, reader)
    text = format_datetime(local, f"EEE, d MMM, {_CLOCK[reader.locale]}", locale=reader.locale)
    return f"{text} {zone_label(local, reader.locale)}"


def money(price: Money) -> str:
    """Return the price as Indonesians write it, in either language, like ``Rp250.000``."""
    return _amount(price.amount, price.currency)


def rupiah(amount: int) -> str:
    """Return whole rupiah like ``Rp250.000``; unlike a price, they may be none."""
    return _amount(amount, "IDR")


def day(on: date, reader: Person) -> str:
    """Return a day of the reader's zone, like ``Tuesday, 1 December 2026 (WIB)``."""
    noon = datetime.combine(on, time(12), ZoneInfo(reader.time_zone))
    text = format_datetime(noon, "EEEE, d MMMM y", locale=reader.locale)
    return f"{text} ({zone_label(noon, reader.locale)})"


def lead_time(minutes: int, locale: Locale) -> str:
    """Return how long before the start, like ``24 jam`` or ``1 hour 30 minutes``."""
    # "24 hours" says it better than "1 day", which may mean any time tomorrow.
    days, rest = divmod(minutes, 1440) if minutes >= 2 * 1440 else (0, minutes)
    hours, rest = divmod(rest, 60)
    counts = (("day", days), ("hour", hours), ("minute", rest))
    return " ".join(
        format_unit(count, f"duration-{unit}", locale=locale) for unit, count in counts if count
    )


def zone_label(at: datetime, locale: Locale) -> str:
    """Return the zone of an instant with a ZoneInfo: ``WIB``, or ``GMT-5 (New York)``.

    Indonesians know their zones by abbreviation, and CLDR has these in its Indonesian data only.
    Elsewhere abbreviations are ambiguous (IST, CST, EST), so an offset and a city are given.
    """
    key = (str(at.tzinfo), at.utcoffset(), at.dst(), locale)
    if key not in _labels:
        _labels[key] = _label(at, locale)
    return _labels[key]


def _label(at: datetime, locale: Locale) -> str:
    short = get_timezone_name(at, width="short", locale="id")
    if short in _INDONESIAN_ZONES:
        return short
    city = _city(at, locale)
    return f"{_offset(at)} ({city})" if city else _offset(at)


# A marketplace has few prices, and babel takes longer for one than for a date.
@lru_cache(maxsize=256)
def _amount(amount: int, currency: Currency) -> str:
    return format_currency(amount, currency, "¤#,##0", locale="id", currency_digits=False)


def _local(at: datetime, reader: Person) -> datetime:
    if at.tzinfo is None:
        # astimezone() would take it for the machine's own time.
        raise ValueError(f"{at} has no time zone")
    return at.astimezone(ZoneInfo(reader.time_zone))


def _clock(at: datetime, locale: Locale) -> str:
    return format_datetime(at, _CLOCK[locale], locale=locale)


def _day(at: datetime, locale: Locale) -> str:
    return format_datetime(at, f"EEEE, d MMMM y, {_CLOCK[locale]}", locale=locale)


def _full(at: datetime, locale: Locale) -> str:
    return f"{_day(at, locale)} {zone_label(at, locale)}"


def _offset(at: datetime) -> str:
    minutes = (at.utcoffset() or timedelta()) // timedelta(minutes=1)
    if minutes == 0:
        return "GMT"
    hours, rest = divmod(abs(minutes), 60)
    return f"GMT{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


def _city(at: datetime, locale: Locale) -> str | None:
    region, slash, _ = str(at.tzinfo).partition("/")
    if not slash or region == "Etc":
        return None  # UTC and the like; the names of Etc/GMT+5 count the other way round
    return get_timezone_location(at, locale=locale, return_city=True).rpartition("/")[2]
