"""The Google simulator: Calendar, Gmail, everyone's mailbox, and an admin surface."""

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.simulators.faults import Faults
from local.simulators.google import calendar, gmail
from local.simulators.google.admin import Admin, bad_admin_request
from local.simulators.google.discovery import Api
from local.simulators.google.events import Calendars
from local.simulators.google.mailbox import Mailbox
from local.simulators.google.mails import Mails
from local.simulators.google.refusals import Refusals
from local.simulators.google.rooms import Rooms
from local.simulators.google.times import Clock
from local.simulators.google.wire import (
    Call,
    GoogleError,
    Handler,
    error_response,
    parse_body,
    require_token,
)
from local.simulators.records import Records


def create_app(
    *, records: Records, clock: Clock, public_url: str, room_delay_s: float = 0.3
) -> Starlette:
    """Build the simulator.

    ``public_url`` is where a browser reaches it; ``room_delay_s`` is how many real seconds a Meet
    room takes. Operations are named as in the discovery documents (``calendar.events.insert``,
    ``gmail.users.drafts.send``), for faults and refusals too.
    """
    rooms, faults, refusals = Rooms(room_delay_s), Faults(), Refusals()
    calendars, mails = Calendars(records, clock, rooms, public_url), Mails(records, clock)
    admin = Admin(
        records=records,
        clock=clock,
        calendars=calendars,
        mails=mails,
        rooms=rooms,
        faults=faults,
        refusals=refusals,
        public_url=public_url,
    )
    served = {
        calendar.api(): calendar.CalendarApi(calendars, clock).routes(),
        gmail.api(): gmail.GmailApi(mails).routes(),
    }
    methods = [
        _route(api, method_id, *route, faults=faults, refusals=refusals)
        for api, routes in served.items()
        for method_id, route in routes.items()
    ]
    return Starlette(
        routes=[*methods, *admin.routes(), *Mailbox(mails, calendars).routes()],
        exception_handlers={
            GoogleError: _refused,
            msgspec.ValidationError: bad_admin_request,
            msgspec.DecodeError: bad_admin_request,
        },
    )


def _route(
    api: Api,
    method_id: str,
    verb: str,
    path: str,
    handler: Handler,
    *,
    faults: Faults,
    refusals: Refusals,
) -> Route:
    async def checked(request: Request) -> Response:
        require_token(request)
        refusals.check(method_id)
        query = api.query(method_id, request.query_params)
        body = parse_body(await request.body())
        api.check_body(method_id, body)
        if_match = request.headers.get("if-match")
        return handler(Call(request.path_params, query, body, if_match))

    return Route(path, faults.wrap(method_id, checked, _rate_limited), methods=[verb])


def _rate_limited() -> Response:
    error = GoogleError(429, "rateLimitExceeded", "Rate Limit Exceeded", domain="usageLimits")
    return error_response(error, with_status=False)


async def _refused(request: Request, error: Exception) -> Response:
    # Starlette's signature takes any exception; the table above sends only this one.
    assert isinstance(error, GoogleError)
    return error_response(error, with_status=request.url.path.startswith("/gmail/"))
