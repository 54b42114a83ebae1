"""The pages that ask: what shall be done, what follows from it, and the form that does it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

import msgspec
from babel.dates import format_datetime

from functions.manage_booking.forms import as_typed
from functions.manage_booking.pages import Action, Choice, Day, Field, Form, Page, Weight
from functions.manage_booking.status_page import order_facts
from functions.manage_booking.visit import Visit
from shared.domain.order import Status
from shared.domain.people import Locale
from shared.domain.schedule import Session
from shared.links import Purpose
from shared.presentation import phrases

# The field by which a mentee says what they were told about their money.
TOLD = "told"
_CLOCK: Mapping[Locale, str] = {"id": "HH.mm", "en": "HH:mm"}
# The largest of Indonesia; any other can be written too.
_BANKS = (
    *("BCA", "Mandiri", "BRI", "BNI", "BSI", "BTN", "CIMB Niaga", "Danamon", "Permata", "OCBC"),
    *("Bank Jago", "SeaBank", "Jenius (BTPN)", "GoPay", "OVO", "DANA", "ShopeePay", "LinkAja"),
)
_NO_COMPLAINTS: Mapping[str, str] = {}


def accept_page(visit: Visit) -> Page:
    """Return the question to the mentor whether they can."""
    words = visit.words
    form = _form(visit, words("accept.submit"))
    return _page(visit, words("accept.heading"), [words("accept.text")], form)


def decline_page(
    visit: Visit, given: Mapping[str, str], complaints: Mapping[str, str] = _NO_COMPLAINTS
) -> Page:
    """Return the mentor's no, with room for a word to the mentee."""
    words = visit.words
    kind = "_scheduled" if visit.order.status is Status.SCHEDULED else ""
    note = given.get("note", "")
    wrong = complaints.get("note")
    field = Field(
        name="note",
        label=words("decline.note"),
        hint=words("decline.note_hint"),
        value=as_typed(note),
        complaint=words(wrong, length=str(len(note))) if wrong else "",
        rows=4,
        is_optional=True,
    )
    form = _form(visit, words("decline.submit"), fields=[field])
    return _page(visit, words(f"decline.heading{kind}"), [words(f"decline.text{kind}")], form)


def cancel_page(visit: Visit, *, changed: bool = False) -> Page:
    """Return the question whether to cancel, with what becomes of the money.

    ``changed`` says that something else was said of it before.
    """
    words, told = visit.words, money_told(visit)
    chooses = visit.order.status is Status.AWAITING_MENTEE
    said = [words(f"cancel.{told}")]
    if told == "refunded" and visit.order.status is Status.SCHEDULED:
        said.append(words("cancel.refunded_until"))
    form = _form(visit, words(f"cancel.submit_{told}"), weight="grave", hidden={TOLD: told})
    page = _page(
        visit,
        words("cancel.heading_choice" if chooses else "cancel.heading"),
        [*said, words("cancel.final")],
        form,
        leave=words("common.not_now"),
    )
    return msgspec.structs.replace(page, alert=words("cancel.changed")) if changed else page


def money_told(visit: Visit) -> str:
    """Return what a mentee who cancels now is told about the money, as a word of the form."""
    if visit.order.payment is None:
        return "unpaid"
    return "refunded" if visit.refund_on_cancel else "not_refunded"


def times_page(visit: Visit, times: Sequence[Session], alert: str = "") -> Page:
    """Return the choice of another time, or what to do where there is none."""
    words, locale, zone = visit.words, visit.reader.locale, ZoneInfo(visit.reader.time_zone)
    # Nobody is asked for another time to get the same again.
    others = [t.starts_at.astimezone(zone) for t in times if t != visit.order.session]
    said = words(f"reschedule.{alert}") if alert else ""
    if not others:
        page = _page(visit, words("reschedule.none_heading"), [words("reschedule.none_text")])
    else:
        form = _form(
            visit,
            words("reschedule.submit"),
            legend=words("reschedule.legend"),
            days=_days(others, locale),
        )
        text = words("reschedule.text", zone=" / ".join(_zones(others, locale)))
        page = _page(visit, words("reschedule.heading"), [text], form)
    return msgspec.structs.replace(page, alert=said)


def account_page(
    visit: Visit, given: Mapping[str, str], complaints: Mapping[str, str] = _NO_COMPLAINTS
) -> Page:
    """Return the form for the account that money is to be transferred to."""
    words = visit.words

    def field(name: str, *, digits: bool = False, suggestions: Sequence[str] = ()) -> Field:
        wrong = complaints.get(name)
        return Field(
            name=name,
            label=words(f"payout-account.{name}"),
            hint=words(f"payout-account.{name}_hint"),
            value=as_typed(given.get(name, "")),
            complaint=words(wrong) if wrong else "",
            digits=digits,
            suggestions=tuple(suggestions),
        )

    fields = [field("bank", suggestions=_BANKS), field("number", digits=True), field("holder")]
    form = _form(visit, words("payout-account.submit"), fields=fields)
    said = [words("payout-account.text"), words("payout-account.careful")]
    return _page(visit, words("payout-account.heading"), said, form)


def payout_done_page(visit: Visit) -> Page:
    """Return where the admin transfers the money to, and the question whether it is done."""
    words, refund = visit.words, visit.refund
    account = visit.full_account_of(refund) if refund else None
    page = _page(
        visit,
        words("payout-done.heading"),
        [words("payout-done.text" if account else "payout-done.unreadable")],
        _form(visit, words("payout-done.submit")),
    )
    shown = account or "-"
    money = ((words("fact.amount"), words.facts["amount"]), (words("fact.account"), shown))
    return msgspec.structs.replace(page, facts=(*money, *page.facts))


# What a link is for, and the page that it opens before anything is sent.
QUESTIONS: Mapping[Purpose, Callable[[Visit], Page]] = {
    Purpose.ACCEPT: accept_page,
    Purpose.DECLINE: lambda visit: decline_page(visit, {}),
    Purpose.CANCEL: cancel_page,
    Purpose.PAYOUT_ACCOUNT: lambda visit: account_page(visit, {}),
    Purpose.PAYOUT_DONE: payout_done_page,
}


def back_to_status(visit: Visit, label: str = "") -> Action:
    """Return the way to the page of the order."""
    return Action(label=label or visit.words("common.back"), url=visit.url(Purpose.MANAGE))


def _page(
    visit: Visit,
    heading: str,
    paragraphs: Iterable[str],
    form: Form | None = None,
    *,
    leave: str = "",
) -> Page:
    return Page(
        words=visit.words,
        heading=heading,
        paragraphs=tuple(paragraphs),
        facts=order_facts(visit),
        form=form,
        back=back_to_status(visit, leave),
        order_id=visit.order.id,
    )


def _form(
    visit: Visit,
    submit: str,
    *,
    weight: Weight = "main",
    fields: Iterable[Field] = (),
    hidden: Mapping[str, str] = _NO_COMPLAINTS,
    legend: str = "",
    days: Iterable[Day] = (),
) -> Form:
    return Form(
        url=visit.signer.url(visit.purpose, visit.link).partition("?")[0],
        submit=submit,
        hidden={"token": visit.token, **hidden},
        weight=weight,
        fields=tuple(fields),
        legend=legend,
        days=tuple(days),
    )


def _days(starts: Sequence[datetime], locale: Locale) -> Iterator[Day]:
    # Where the clocks change in between, the same time may be there twice.
    several = len(_zones(starts, locale)) > 1
    for _, of_day in groupby(starts, key=datetime.date):
        noted = list(of_day)
        choices = tuple(_choice(start, locale, with_zone=several) for start in noted)
        label = format_datetime(noted[0], "EEEE, d MMMM y", locale=locale)
        yield Day(label=label, choices=choices)


def _choice(start: datetime, locale: Locale, *, with_zone: bool) -> Choice:
    clock = format_datetime(start, _CLOCK[locale], locale=locale)
    label = f"{clock} {phrases.zone_label(start, locale)}" if with_zone else clock
    return Choice(value=start.astimezone(UTC).isoformat(), label=label)


def _zones(starts: Sequence[datetime], locale: Locale) -> Sequence[str]:
    """Return the zones that the reader's clock is in at these times, as they are called."""
    return tuple(dict.fromkeys(phrases.zone_label(start, locale) for start in starts))
