"""The door of manage_booking: HTTP, public, called by the browsers of those who have a link.

A page is shown for GET and changes nothing, since mail scanners open links too; only POST acts.
Nothing but the link's token says who asks: there is no cookie and no session, so no other site can
make a browser send anything that its owner's link does not already allow.
"""

from collections.abc import Mapping
from functools import cache

from flask import Request, Response
from werkzeug.exceptions import HTTPException

from functions.manage_booking.desk import Answer, Desk, UnknownOrderError, trouble
from functions.manage_booking.forms import FormError, read_fields
from functions.manage_booking.pages import Pages
from functions.manage_booking.use_case import ManageBooking
from functions.manage_booking.visit import Visit
from functions.manage_booking.words import Words, read_words
from shared import entrypoint, observability, tracing
from shared.bootstrap import Wiring
from shared.domain.people import Locale
from shared.errors import RetryableError
from shared.links import LinkError, Purpose
from shared.settings import BookingSettings, BrandSettings, LinkSettings, VaultSettings

MAX_BODY_BYTES = 64 * 1024
_READING = frozenset({"GET", "HEAD"})
_DEFAULT_RETRY_AFTER_S = 10

wiring = Wiring(LinkSettings, VaultSettings, BookingSettings, BrandSettings)


@cache
def _step() -> Desk:
    booking, brand = wiring.settings[BookingSettings], wiring.settings[BrandSettings]
    step = ManageBooking(
        orders=wiring.orders,
        availability=wiring.availability,
        calendars=wiring.busy_calendars,
        events=wiring.events,
        vault=wiring.vault,
        clock=wiring.clock,
        refund_until=booking.refund_until,
        move_until=booking.move_until,
    )
    return Desk(step=step, signer=wiring.links, admin=brand.admin, words=_words())


@cache
def _words() -> Mapping[Locale, Words]:
    return read_words({"help_email": wiring.settings[BrandSettings].help_email})


@cache
def _pages() -> Pages:
    return Pages(wiring.settings[BrandSettings].brand)


@entrypoint.http
def manage_booking(request: Request) -> Response:
    """Show the page of a link, or do what its form asks; every answer is a page for a person."""
    answer = _answer(request)
    # Never the address: it has the token in it.
    observability.bind(outcome=answer.outcome)
    return _response(answer)


def _answer(request: Request) -> Answer:
    if request.method not in _READING | {"POST"}:
        return _trouble("request", 405)
    purpose = _purpose(request.path)
    if purpose is None:
        return _trouble("unknown", 404)
    observability.bind(purpose=purpose)
    try:
        fields = {} if request.method in _READING else _fields(request)
    except HTTPException as error:  # a body that is too large
        return _trouble("request", error.code or 400)
    except FormError:
        return _trouble("request", 400)
    token = request.args.get("token", "") if request.method in _READING else fields.get("token", "")
    return _follow(request, purpose, token, fields)


def _follow(request: Request, purpose: Purpose, token: str, fields: dict[str, str]) -> Answer:
    visit = None
    try:
        desk = _step()
        visit = desk.receive(purpose, token)
        observability.bind(order_id=visit.order.id, reader=visit.link.recipient)
        with tracing.span("manage_booking", "server", order_id=visit.order.id):
            return _served(request, desk, visit, fields)
    except LinkError as error:
        if not error.expired:
            return _trouble("not_ours", 400)
        return _trouble("expired", 410, _step().locale_of_expired(purpose, token))
    except UnknownOrderError:
        return _trouble("unknown", 404)
    except RetryableError as error:
        observability.given_back(error)
    except Exception as error:  # noqa: BLE001 - a person waits for a page, whatever went wrong
        observability.unforeseen(error)
    return _trouble("later", 503, visit.reader.locale if visit else None)


def _served(request: Request, desk: Desk, visit: Visit, fields: dict[str, str]) -> Answer:
    if request.method in _READING:
        return desk.show(visit, request.args.get("done", ""))
    if visit.purpose is Purpose.MANAGE:  # that page has nothing to send
        return _trouble("request", 405, visit.reader.locale)
    return desk.act(visit, fields)


def _trouble(kind: str, status: int, locale: Locale | None = None) -> Answer:
    # Needs none of the stores, so that there is a page even where they are the trouble.
    return trouble(_words(), kind, status, locale)


def _fields(request: Request) -> dict[str, str]:
    return dict(read_fields(entrypoint.body_of(request, MAX_BODY_BYTES)))


def _purpose(path: str) -> Purpose | None:
    """Return what the last part of the path names; what stands before is the base URL's."""
    name = path.rstrip("/").rpartition("/")[2]
    return next((purpose for purpose in Purpose if purpose == name), None)


def _response(answer: Answer) -> Response:
    pages = _pages()
    body = pages.html(answer.page) if answer.page else ""
    response = Response(body, answer.status, pages.headers, mimetype="text/html")
    if answer.location:
        response.headers["Location"] = answer.location
    if answer.status == 405:  # noqa: PLR2004 - the number says it
        response.headers["Allow"] = "GET, HEAD, POST"
    if answer.status == 503:  # noqa: PLR2004 - the number says it
        response.headers["Retry-After"] = str(_DEFAULT_RETRY_AFTER_S)
    return response
