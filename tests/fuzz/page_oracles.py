"""What must hold for every answer of manage_booking, and for every order after it."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from urllib.parse import parse_qsl, unquote, urlsplit

from shared.domain.order import MoneyBackState, Order, Status
from shared.errors import PermanentError
from shared.links import LinkError, Purpose
from tests.fuzz.bookings import Bookings
from tests.fuzz.markup import Page
from tests.fuzz.requests import ODD_KINDS
from tests.fuzz.wire import Answer, Request

_HEADERS = {
    "cache-control": "no-store",
    "content-type": "text/html; charset=utf-8",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
}
_POLICY = (
    "default-src 'none'; style-src {}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_OURS = b'<main id="main">'
_SEE_OTHER, _MAX_OFFER, _MAX_NOTE = 303, timedelta(days=16), 500
_ACCOUNT = re.compile(r"(.{2,60}) ([0-9]{5,20}) a\.n\. (.{2,100})")
_TURNING = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


def wrong_page(request: Request, answer: Answer, bookings: Bookings) -> Iterator[str]:
    """Yield what is wrong with an answer of manage_booking alone."""
    yield from _shown_too_much(request, answer, bookings)
    if answer.status == _SEE_OTHER:
        yield from _wrong_headers(answer, _HEADERS)
        yield from _wrong_way(request, answer, bookings)
    elif _OURS in answer.body:
        yield from _wrong_html(request, answer)
    elif request.method == "HEAD" or answer.status == 0:
        return
    elif request.kind not in {*ODD_KINDS, "odd path"}:
        # Of the others, some are answered before they come to the function.
        yield f"{answer.status} without a page for a person"


def _wrong_html(request: Request, answer: Answer) -> Iterator[str]:
    page = Page(answer.body)
    yield from (f"the page has {problem}" for problem in page.problems[:5])
    policy = _POLICY.format(page.style_source)
    yield from _wrong_headers(answer, _HEADERS | {"content-security-policy": policy})
    if request.languages is not None and tuple(page.languages) != request.languages:
        yield f"the page is in {page.languages}, and not in {request.languages}"


def _wrong_headers(answer: Answer, wanted: Mapping[str, str]) -> Iterator[str]:
    for name, value in wanted.items():
        if answer.headers.get(name) != value:
            yield f"a page is sent with {name}: {answer.headers.get(name)}"


def _shown_too_much(request: Request, answer: Answer, bookings: Bookings) -> Iterator[str]:
    said = b"\n".join((answer.body, *(value.encode() for value in answer.headers.values())))
    for order_id in bookings.by_id:
        # All that is said of an order has its id in it.
        if order_id != request.opens and order_id.encode() in said:
            yield f"shown without a link to it: {order_id}"
    private = bookings.private - bookings.shown_on(_purpose(request), request.opens)
    yield from (f"shown to anybody: {word}" for word in private if word.encode() in said)


def _wrong_way(request: Request, answer: Answer, bookings: Bookings) -> Iterator[str]:
    """Yield what is wrong with the address of the page that follows a form."""
    way = urlsplit(answer.headers.get("location", ""))
    said = dict(parse_qsl(way.query))
    ours = urlsplit(
        bookings.signer.url(Purpose.MANAGE, bookings.link(Purpose.MANAGE, _any(bookings)))
    )
    if (way.scheme, way.netloc, way.path) != (ours.scheme, ours.netloc, ours.path):
        yield f"leads to {way.geturl()[:100]}"
    try:
        link = bookings.signer.read(Purpose.MANAGE, said.get("token", ""), bookings.made_at)
    except LinkError:
        yield "leads to no true link"
        return
    if link.order_id != request.subject or said.get("done") not in set(Purpose):
        yield f"leads to order {link.order_id} after {said.get('done')}"


def _any(bookings: Bookings) -> Order:
    return bookings.orders[Purpose.MANAGE][0]


def wrong_outcome(request: Request, before: Order, after: Order, bookings: Bookings) -> str | None:
    """Return the problem if what was done to a booking is not what the form of this page does."""
    purpose = _purpose(request)
    outcome = None if purpose is None else _OUTCOMES.get(purpose)
    if outcome is not None and outcome(before, after, bookings):
        return None
    said = f"{after.status}, {after.decline_note!r}, {after.session}, {after.refunds}"
    return f"{purpose} made of order {after.id}: {said}"


def _purpose(request: Request) -> Purpose | None:
    """Return what the page that is asked for is about, as its path says."""
    path = unquote(request.target.partition("?")[0])
    name = path.rstrip("/").rpartition("/")[2]
    return next((purpose for purpose in Purpose if purpose == name), None)


def _accepted(before: Order, after: Order, _bookings: Bookings) -> bool:
    taken = after.confirmation is not None and after.confirmation.accepted_at is not None
    return before.status is Status.AWAITING_MENTOR and after.status is Status.PAID and taken


def _declined(before: Order, after: Order, _bookings: Bookings) -> bool:
    asked = before.status in {Status.AWAITING_MENTOR, Status.SCHEDULED}
    note = after.decline_note
    return (
        asked
        and after.status is Status.AWAITING_MENTEE
        and (note is None or (len(note) <= _MAX_NOTE and is_plain(note)))
    )


def _cancelled(before: Order, after: Order, _bookings: Bookings) -> bool:
    paid = before.payment is not None
    return after.status is Status.CANCELLED and bool(after.refunds) == paid


def _moved(before: Order, after: Order, bookings: Bookings) -> bool:
    ahead = after.session.starts_at - bookings.made_at
    return (
        after.session != before.session
        and after.session.duration_minutes == before.session.duration_minutes
        and timedelta() < ahead <= _MAX_OFFER
    )


def _told_account(before: Order, after: Order, bookings: Bookings) -> bool:
    wanted = [refund.state for refund in before.refunds] == [MoneyBackState.ACCOUNT_WANTED]
    try:
        account = bookings.vault.open(after.refunds[0].account or "") if wanted else ""
    except PermanentError:
        return False
    said = _ACCOUNT.fullmatch(account)
    return said is not None and all(is_plain(part) for part in said.groups())


def _paid_out(before: Order, after: Order, _bookings: Bookings) -> bool:
    due = [refund.state for refund in before.refunds] == [MoneyBackState.PAYOUT_DUE]
    return due and (after.refunds[0].state, after.refunds[0].account) == (
        MoneyBackState.PAID_OUT,
        None,
    )


_OUTCOMES: Mapping[Purpose, Callable[[Order, Order, Bookings], bool]] = {
    Purpose.ACCEPT: _accepted,
    Purpose.DECLINE: _declined,
    Purpose.CANCEL: _cancelled,
    Purpose.RESCHEDULE: _moved,
    Purpose.PAYOUT_ACCOUNT: _told_account,
    Purpose.PAYOUT_DONE: _paid_out,
}


def is_plain(text: str) -> bool:
    """Whether it is one line that reads as it stands there, with something in it to be seen."""
    lines = any(unicodedata.category(letter) in {"Cc", "Zl", "Zp"} for letter in text)
    seen = any(unicodedata.category(letter)[0] not in {"C", "Z"} for letter in text)
    return seen and not lines and _TURNING.search(text) is None
