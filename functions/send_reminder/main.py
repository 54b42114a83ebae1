"""The door of send_reminder: HTTP, called by Cloud Scheduler every minute."""

from functools import cache

from flask import Request, Response

from functions.send_reminder.use_case import SendReminders
from shared import entrypoint
from shared.bootstrap import Wiring

wiring = Wiring()


@cache
def _step() -> SendReminders:
    step = SendReminders(orders=wiring.orders, events=wiring.events)
    wiring.load_ahead(step.orders, step.events)
    return step


@entrypoint.http
def send_reminder(request: Request) -> Response:
    """Run one tick."""
    return entrypoint.tick(wiring, request, _step())
