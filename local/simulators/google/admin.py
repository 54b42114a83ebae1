"""The admin surface: what happened, what is under way, what shall go wrong."""

import time
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.simulators.faults import Faults
from local.simulators.google.events import Calendars
from local.simulators.google.mails import Mails
from local.simulators.google.refusals import Refusal, Refusals
from local.simulators.google.rooms import Plan, Rooms
from local.simulators.google.times import Clock, stamp
from local.simulators.google.wire import Json
from local.simulators.records import Records


class _Hidden(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A calendar to hide or to show again."""

    id: str
    hidden: bool = True


class _Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From one instant to another."""

    starts_at: Annotated[datetime, msgspec.Meta(tz=True)]
    ends_at: Annotated[datetime, msgspec.Meta(tz=True)]


class _Busy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the owner of a calendar is busy besides the events here, and whether others may know."""

    id: str
    periods: list[_Span] = []
    shared: bool = True


class Admin:
    """Endpoints under ``/_admin/`` that look into the simulator and steer it."""

    def __init__(
        self,
        *,
        records: Records,
        clock: Clock,
        calendars: Calendars,
        mails: Mails,
        rooms: Rooms,
        faults: Faults,
        refusals: Refusals,
        public_url: str,
    ) -> None:
        self._records = records
        self._clock = clock
        self._calendars = calendars
        self._mails = mails
        self._rooms = rooms
        self._faults = faults
        self._refusals = refusals
        self._public_url = public_url.rstrip("/")

    def routes(self) -> list[Route]:
        """Return the routes, those of the faults included."""
        change = ["GET", "POST", "DELETE"]
        return [
            Route("/_admin/mails", self.mails),
            Route("/_admin/events", self.events),
            Route("/_admin/pending", self.pending),
            Route("/_admin/counts", self.counts),
            Route("/_admin/reset", self.reset, methods=["POST"]),
            Route("/_admin/conferences", self.conferences, methods=change),
            Route("/_admin/refusals", self.refusals, methods=change),
            Route("/_admin/calendars", self.hide, methods=["POST"]),
            Route("/_admin/busy", self.busy, methods=["POST"]),
            *self._faults.routes(),
        ]

    async def mails(self, request: Request) -> Response:
        """Answer ``{"mails": [...]}`` in the order of sending.

        ``?to=`` keeps one recipient's; ``?skip=`` leaves out so many of the first, which a reader
        who looks again has seen.
        """
        query = request.query_params
        sent = self._mails.sent(query.get("to"), skip=int(query.get("skip", 0)))
        return JSONResponse({"mails": [self._linked(mail) for mail in sent]})

    async def events(self, _: Request) -> Response:
        """Answer ``{"events": [{calendar, event, writes}]}``."""
        return JSONResponse({"events": self._calendars.all_records()})

    async def pending(self, _: Request) -> Response:
        """Answer what is under way: rooms still to come, when in the world's time, and requests."""
        waiting = self._calendars.settle()
        due = [ready_at for ready_at in waiting if ready_at is not None]
        next_at = None
        if due:
            next_at = stamp(self._clock.now() + timedelta(seconds=min(due) - time.time()))
        stuck = len(waiting) - len(due)
        return JSONResponse(
            {
                "pending_rooms": len(due),
                "stuck_rooms": stuck,
                "next_at": next_at,
                "in_flight": self._faults.under_way,
            }
        )

    async def counts(self, _: Request) -> Response:
        """Answer how many mails were sent and how many drafts wait; cheap, for who polls."""
        kinds = {"mails": "mail", "drafts": "draft"}
        return JSONResponse({name: self._records.count(kind) for name, kind in kinds.items()})

    async def reset(self, _: Request) -> Response:
        """Forget all state and all that shall go wrong."""
        self._records.clear()
        self._rooms.plans.clear()
        self._refusals.rules.clear()
        self._refusals.given.clear()
        self._faults.clear()
        return JSONResponse({"reset": True})

    async def conferences(self, request: Request) -> Response:
        """Plan how the next rooms turn out."""
        if request.method == "POST":
            self._rooms.plans.append(msgspec.json.decode(await request.body(), type=Plan))
        elif request.method == "DELETE":
            self._rooms.plans.clear()
        return JSONResponse({"plans": msgspec.to_builtins(self._rooms.plans)})

    async def refusals(self, request: Request) -> Response:
        """Plan which calls are refused for which reason."""
        if request.method == "POST":
            self._refusals.rules.append(msgspec.json.decode(await request.body(), type=Refusal))
        elif request.method == "DELETE":
            self._refusals.rules.clear()
        rules = msgspec.to_builtins(self._refusals.rules)
        return JSONResponse({"rules": rules, "given": dict(self._refusals.given)})

    async def hide(self, request: Request) -> Response:
        """Hide a calendar, or show it again."""
        change = msgspec.json.decode(await request.body(), type=_Hidden)
        self._calendars.hide(change.id, hidden=change.hidden)
        return JSONResponse(msgspec.to_builtins(change))

    async def busy(self, request: Request) -> Response:
        """Add busy times to somebody's calendar, and share it or not."""
        change = msgspec.json.decode(await request.body(), type=_Busy)
        for span in change.periods:
            start, end = span.starts_at.astimezone(UTC), span.ends_at.astimezone(UTC)
            self._calendars.be_busy(change.id, start, end)
        self._calendars.hide(change.id, hidden=not change.shared)
        return JSONResponse(msgspec.to_builtins(change))

    def _linked(self, mail: Json) -> Json:
        return mail | {"url": f"{self._public_url}/mailbox/{mail['id']}"}


async def bad_admin_request(_: Request, error: Exception) -> Response:
    """Answer 400 with the reason for a body that does not fit its type."""
    return JSONResponse({"detail": str(error)}, status_code=400)
