"""The door of send_reminder: HTTP, called by Cloud Scheduler every minute."""

from datetime import UTC, datetime
from functools import cache

import msgspec
from flask import Request, Response

from functions.send_reminder.use_case import SendReminders
from shared import entrypoint, observability
from shared.bootstrap import Wiring

SCHEDULE_TIME = "X-CloudScheduler-ScheduleTime"

wiring = Wiring()


@cache
def _step() -> SendReminders:
    return SendReminders(orders=wiring.orders, events=wiring.events)


@entrypoint.http
def send_reminder(request: Request) -> Response:
    """Run one tick. "Now" is the schedule's time where the scheduler names it."""
    if request.method != "POST":
        return entrypoint.json_answer({"outcome": "refused", "reason": "ticks come by POST"}, 405)
    try:
        now = _schedule_time(request.headers.get(SCHEDULE_TIME))
    except ValueError as error:
        reason = f"{SCHEDULE_TIME} is not an RFC 3339 time with an offset: {error}"
        return entrypoint.json_answer({"outcome": "refused", "reason": reason}, 400)
    tick = _step()(now or wiring.clock.now())
    if tick.due:
        observability.info("tick", **msgspec.to_builtins(tick))
    return entrypoint.json_answer({"outcome": "ticked", **msgspec.to_builtins(tick)})


def _schedule_time(header: str | None) -> datetime | None:
    if header is None:
        return None
    named = datetime.fromisoformat(header)
    if named.tzinfo is None:
        raise ValueError(header)
    return named.astimezone(UTC)
